//! Where the registry is: a `postgres://` URL, or its parts, read and checked. Its password shows nowhere.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use crate::Trouble;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A machine that was cut off notices within this, though nobody told it.
const SILENT_AFTER: Duration = Duration::from_secs(10);
/// As long as Postgres' own names may be.
const NAME_MAX: usize = 63;
/// As long as a host's name may be.
const HOST_MAX: usize = 253;
const PASSWORD_MAX: usize = 1000;

#[derive(Clone, PartialEq)]
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

/// All but the password, as a person fills it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub tls: Tls,
    /// A file of certificates on this machine, for [`Tls::VerifyFull`]; `None`: the system's.
    pub authorities: Option<PathBuf>,
}

/// In the words of Postgres' own `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Disable,
    Prefer,
    Require,
    VerifyFull,
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
        let config: Config = format!("{place}{joint}{}", kept.join("&"))
            .parse()
            .map_err(|_| bad("a part of it cannot be read; characters such as @ / : # % in a password are written as %40 %2F %3A %23 %25"))?;
        let tls = match mode {
            "disable" => Tls::Disable,
            "prefer" => Tls::Prefer,
            "require" => Tls::Require,
            "verify-full" => Tls::VerifyFull,
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
        Ok(Self::secured(config, tls, authorities))
    }
}

fn bad(why: &str) -> Trouble {
    Trouble::BadUrl { why: why.to_owned() }
}

/// A host that begins with `/` would be a socket's folder to the library, and a comma none of ours.
fn check(parts: &Parts, password: &str) -> Result<(), String> {
    let host = &parts.host;
    let is_of_a_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if host.is_empty() {
        return Err("it names no host".to_owned());
    }
    if host.len() > HOST_MAX || !host.chars().all(is_of_a_host) {
        let hint = "a name such as db.example.org or an address such as 192.0.2.7, without port or slashes";
        return Err(format!("the host is not one: write {hint}"));
    }
    if parts.port == 0 {
        return Err("there is no port 0; Postgres has 5432 as a rule".to_owned());
    }
    for (what, name) in [("database", &parts.database), ("user", &parts.user)] {
        if name.is_empty() {
            return Err(format!("it names no {what}"));
        }
        if name.len() > NAME_MAX || name.contains('\0') {
            return Err(format!("a {what} has a name of at most {NAME_MAX} characters"));
        }
    }
    if password.len() > PASSWORD_MAX || password.contains('\0') {
        return Err(format!("a password has at most {PASSWORD_MAX} characters, all of them printable"));
    }
    match &parts.authorities {
        Some(file) if !file.is_absolute() => {
            Err("the file of authorities is named by its whole path, from / on".to_owned())
        }
        _ => Ok(()),
    }
}

impl Address {
    pub fn new(parts: &Parts, password: &str) -> Result<Self, Trouble> {
        check(parts, password).map_err(|why| Trouble::BadAddress { why })?;
        let mut config = Config::new();
        config.host(&parts.host).port(parts.port).dbname(&parts.database).user(&parts.user);
        config.password(password);
        Ok(Self::secured(config, parts.tls, parts.authorities.clone()))
    }

    fn secured(mut config: Config, tls: Tls, authorities: Option<PathBuf>) -> Self {
        let (mode, trust) = match tls {
            Tls::Disable => (SslMode::Disable, Trust::Anybody),
            Tls::Prefer => (SslMode::Prefer, Trust::Anybody),
            Tls::Require => (SslMode::Require, Trust::Anybody),
            Tls::VerifyFull => (SslMode::Require, Trust::Certified { authorities }),
        };
        config
            .ssl_mode(mode)
            .application_name("openspace-webrtc")
            .connect_timeout(CONNECT_WITHIN)
            .keepalives_idle(SILENT_AFTER)
            .tcp_user_timeout(SILENT_AFTER);
        Self { config, trust }
    }

    /// What a person may see of it. Of several hosts, the first.
    pub fn parts(&self) -> Parts {
        let (host, port) = self.host();
        let (tls, authorities) = match (&self.trust, self.config.get_ssl_mode()) {
            (Trust::Certified { authorities }, _) => (Tls::VerifyFull, authorities.clone()),
            (Trust::Anybody, SslMode::Disable) => (Tls::Disable, None),
            (Trust::Anybody, SslMode::Require) => (Tls::Require, None),
            (Trust::Anybody, _) => (Tls::Prefer, None),
        };
        let (database, user) = (self.database().to_owned(), self.user().to_owned());
        Parts { host, port, database, user, tls, authorities }
    }

    /// For the file that keeps it, and for nothing else.
    pub fn password(&self) -> Option<&str> {
        self.config.get_password().and_then(|password| std::str::from_utf8(password).ok())
    }

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

    fn parts() -> Parts {
        Parts {
            host: "db.example.org".to_owned(),
            port: 5433,
            database: "open space".to_owned(),
            user: "ann@sky".to_owned(),
            tls: Tls::VerifyFull,
            authorities: Some("/ca.pem".into()),
        }
    }

    #[test]
    fn an_address_is_made_of_its_parts_and_falls_into_them_again() {
        for tls in [Tls::Disable, Tls::Prefer, Tls::Require, Tls::VerifyFull] {
            let authorities = (tls == Tls::VerifyFull).then(|| "/ca.pem".into());
            let parts = Parts { tls, authorities, ..parts() };
            let address = Address::new(&parts, "p@ss/w:rd%?#").unwrap();
            assert_eq!(address.parts(), parts);
            assert_eq!(address.password(), Some("p@ss/w:rd%?#"));
            assert!(!format!("{address:?} {address}").contains("w:rd"));
        }
        let url =
            "postgres://ann%40sky:x@db.example.org:5433/open%20space?sslmode=verify-full&sslrootcert=/ca.pem";
        assert_eq!(url.parse::<Address>().unwrap().parts(), parts());
    }

    #[test]
    fn bad_parts_say_which_and_never_the_password() {
        let with = |change: fn(&mut Parts)| {
            let mut parts = parts();
            change(&mut parts);
            parts
        };
        for (parts, why) in [
            (with(|p| p.host.clear()), "names no host"),
            (with(|p| p.host = "/run/postgresql".into()), "the host is not one"),
            (with(|p| p.host = "a,b".into()), "the host is not one"),
            (with(|p| p.host = "postgres://db".into()), "the host is not one"),
            (with(|p| p.host = "d".repeat(300)), "the host is not one"),
            (with(|p| p.port = 0), "no port 0"),
            (with(|p| p.user.clear()), "names no user"),
            (with(|p| p.database.clear()), "names no database"),
            (with(|p| p.database = "d".repeat(64)), "at most 63"),
            (with(|p| p.user = "a\0b".into()), "at most 63"),
            (with(|p| p.authorities = Some("ca.pem".into())), "whole path"),
        ] {
            let said = Address::new(&parts, "hunter2").unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        assert!(Address::new(&parts(), &"hunter2".repeat(500)).is_err());
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
