//! Where the registry is: a `postgres://` URL, read and checked. Its password shows nowhere.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode as Tls},
};

use crate::Trouble;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A machine that was cut off notices within this, though nobody told it.
const SILENT_AFTER: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) trust: Trust,
}

/// How far the other side is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// `disable`, `prefer`, `require`: encrypted or not, but not asked who it is.
    Anybody,
    /// `verify-full`: a certificate of that name, by the system's authorities or those of a file.
    Certified { authorities: Option<PathBuf> },
}

impl FromStr for Address {
    type Err = Trouble;

    fn from_str(url: &str) -> Result<Self, Trouble> {
        let url = url.trim();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(bad("it does not begin with postgres://"));
        }
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = "prefer";
        let mut authorities = None;
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => authorities = Some(PathBuf::from(value)),
                _ => kept.push(pair),
            }
        }
        let joint = if kept.is_empty() { "" } else { "?" };
        // What the library says of a URL that it cannot read may quote it, password and all.
        let mut config: Config = format!("{place}{joint}{}", kept.join("&"))
            .parse()
            .map_err(|_| bad("a part of it cannot be read; characters such as @ / : # % in a password are written as %40 %2F %3A %23 %25"))?;
        let (tls, trust) = match mode {
            "disable" => (Tls::Disable, Trust::Anybody),
            "prefer" => (Tls::Prefer, Trust::Anybody),
            "require" => (Tls::Require, Trust::Anybody),
            "verify-full" => (Tls::Require, Trust::Certified { authorities }),
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(bad(&format!(
                    "sslmode `{other}` is not one of disable, prefer, require, verify-full"
                )));
            }
        };
        if config.get_hosts().is_empty() {
            return Err(bad("it names no host"));
        }
        if config.get_user().is_none() {
            return Err(bad("it names no user"));
        }
        if config.get_dbname().is_none() {
            return Err(bad("it names no database"));
        }
        config
            .ssl_mode(tls)
            .application_name("openspace-webrtc")
            .connect_timeout(CONNECT_WITHIN)
            .keepalives_idle(SILENT_AFTER)
            .tcp_user_timeout(SILENT_AFTER);
        Ok(Self { config, trust })
    }
}

fn bad(why: &str) -> Trouble {
    Trouble::BadUrl { why: why.to_owned() }
}

impl Address {
    pub(crate) fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    pub(crate) fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    /// The first host and its port: what a machine that wants to know its own address towards the others connects to.
    pub fn host(&self) -> (String, u16) {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            _ => "localhost".to_owned(),
        };
        (host, self.config.get_ports().first().copied().unwrap_or(5432))
    }
}

/// For people: without the password, and without what else stood in the URL.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = self.host();
        write!(f, "postgres://{}@{host}:{port}/{}", self.user(), self.database())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_shows_all_but_its_secret() {
        let address: Address =
            "postgres://ann:s3cr%40t@db.example.org:5433/openspace?sslmode=verify-full&sslrootcert=/ca.pem"
                .parse()
                .unwrap();
        assert_eq!(address.to_string(), "postgres://ann@db.example.org:5433/openspace");
        assert_eq!(format!("{address:?}"), address.to_string());
        assert_eq!(address.trust, Trust::Certified { authorities: Some("/ca.pem".into()) });
        assert_eq!(address.config.get_password(), Some(b"s3cr@t".as_slice()));
    }

    #[test]
    fn a_bad_url_says_what_is_wrong_and_never_the_password() {
        for (url, why) in [
            ("", "does not begin with postgres://"),
            ("mysql://ann:hunter2@db/openspace", "does not begin with postgres://"),
            ("postgres://ann:hunter2@/openspace", "names no host"),
            ("postgres://db/openspace", "names no user"),
            ("postgres://ann:hunter2@db", "names no database"),
            ("postgres://ann:hunter2@db:port/openspace", "cannot be read"),
            ("postgres://ann:hunter2@db/openspace?sslmode=maybe", "sslmode `maybe`"),
            ("postgres://ann:hunter2@db/openspace?colour=red", "cannot be read"),
        ] {
            let said = url.parse::<Address>().unwrap_err().to_string();
            assert!(said.contains(why), "{url}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
