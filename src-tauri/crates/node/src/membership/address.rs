//! Where the registry is: as the configuration says, else as an administrator has said in the panel. What the panel says is kept in a
//! file of its own, readable by its owner only, since the password is in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use protocol::{
    admin::{Password, RegistryAddress, RegistryTls},
    api::Problem,
};
use registry::{Address, Parts, Tls, Trouble};
use serde::{Deserialize, Serialize};

use crate::{local::write_private, problem::problem, views};

/// Where it is now, and who says so.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// `None`: this machine stands alone.
    pub address: Option<Address>,
    /// By the configuration; the panel cannot change it.
    pub configured: bool,
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    address: RegistryAddress,
    password: String,
}

impl Meeting {
    /// `Err` is a sentence for the panel: this machine then stands alone.
    pub fn find(configured: Option<Address>, data_dir: &Path) -> (Self, Result<()>) {
        let file = data_dir.join("registry.json");
        if configured.is_some() {
            return (Self { address: configured, configured: true, file }, Ok(()));
        }
        let (address, read) = match read(&file) {
            Ok(address) => (address, Ok(())),
            Err(error) => (None, Err(error)),
        };
        (Self { address, configured: false, file }, read)
    }

    pub(super) fn move_to(&mut self, address: Option<Address>) -> Result<()> {
        match &address {
            Some(address) => {
                let password = address.password().unwrap_or_default().to_owned();
                let kept = Kept { address: shown(address), password };
                let json = serde_json::to_vec_pretty(&kept).context("writing an address as JSON")?;
                write_private(&self.file, &json)?;
            }
            None => match fs::remove_file(&self.file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing {}", self.file.display()));
                }
                _ => {}
            },
        }
        self.address = address;
        Ok(())
    }
}

/// What serde says of a file that it does not understand may quote it, password and all.
fn read(file: &Path) -> Result<Option<Address>> {
    let fix = "Say again in the panel where the registry is";
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read. {fix}", file.display())),
    };
    let kept = serde_json::from_str::<Kept>(&text).ok().context("it is not what was written there");
    let address = kept.and_then(|kept| Ok(Address::new(&parts(&kept.address), &kept.password)?));
    address.map(Some).with_context(|| format!("{} is not understood. {fix}", file.display()))
}

/// As a person has filled it in. Without a password, the one that is kept is meant: never for another place than it was given for.
pub(super) fn told(
    told: &RegistryAddress,
    password: Option<&Password>,
    known: Option<&Address>,
) -> Result<Address, Problem> {
    let parts = parts(told);
    let kept = known.filter(|known| is_same_account(&known.parts(), &parts)).and_then(Address::password);
    let password = password.map(Password::reveal).or(kept).ok_or_else(|| {
        problem(
            422,
            "The password is missing",
            "Enter the password: it is kept for the address that it was given for, and for no other.",
        )
    })?;
    Address::new(&parts, password).map_err(|trouble| trouble_problem("The address is not complete", &trouble))
}

fn is_same_account(one: &Parts, other: &Parts) -> bool {
    (&one.host, one.port, &one.user) == (&other.host, other.port, &other.user)
}

pub(super) fn is_same_place(one: &Address, other: &Address) -> bool {
    let (one, other) = (one.parts(), other.parts());
    (&one.host, one.port, &one.database) == (&other.host, other.port, &other.database)
}

pub(super) fn trouble_problem(title: &str, trouble: &Trouble) -> Problem {
    let status = match trouble {
        Trouble::BadAddress { .. } | Trouble::BadUrl { .. } => 422,
        // What a proxy answers with 502 is that nobody is there; here somebody is, and says what is wrong.
        _ => 409,
    };
    problem(status, title, views::sentence(&trouble.to_string()))
}

/// Blanks around what was pasted are no part of it.
fn parts(told: &RegistryAddress) -> Parts {
    let trimmed = |text: &String| text.trim().to_owned();
    let authorities = told.authorities.as_ref().map(trimmed).filter(|file| !file.is_empty());
    let tls = match told.tls {
        RegistryTls::Disable => Tls::Disable,
        RegistryTls::Prefer => Tls::Prefer,
        RegistryTls::Require => Tls::Require,
        RegistryTls::VerifyFull => Tls::VerifyFull,
    };
    Parts {
        host: trimmed(&told.host),
        port: told.port,
        database: trimmed(&told.database),
        user: trimmed(&told.user),
        tls,
        authorities: authorities.filter(|_| tls == Tls::VerifyFull).map(PathBuf::from),
    }
}

pub(super) fn shown(address: &Address) -> RegistryAddress {
    let Parts { host, port, database, user, tls, authorities } = address.parts();
    let tls = match tls {
        Tls::Disable => RegistryTls::Disable,
        Tls::Prefer => RegistryTls::Prefer,
        Tls::Require => RegistryTls::Require,
        Tls::VerifyFull => RegistryTls::VerifyFull,
    };
    let authorities = authorities.map(|file| file.display().to_string());
    RegistryAddress { host, port, database, user, tls, authorities }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address() -> RegistryAddress {
        RegistryAddress {
            host: " db.example.org ".to_owned(),
            port: 5432,
            database: "openspace".to_owned(),
            user: "ann".to_owned(),
            tls: RegistryTls::Require,
            authorities: Some("/not/for/this/mode.pem".to_owned()),
        }
    }

    #[test]
    fn what_the_panel_says_is_kept_for_its_owner_only_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let (mut meeting, read) = Meeting::find(None, dir.path());
        assert!(read.is_ok() && meeting.address.is_none() && !meeting.configured);
        let password = Password::new("hunter2");
        let address = told(&address(), Some(&password), None).unwrap();
        meeting.move_to(Some(address.clone())).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&meeting.file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let (found, _) = Meeting::find(None, dir.path());
        let found = found.address.unwrap();
        assert_eq!((found.parts(), found.password()), (address.parts(), Some("hunter2")));
        assert_eq!(found.parts().host, "db.example.org");
        assert_eq!(found.parts().authorities, None);

        meeting.move_to(None).unwrap();
        meeting.move_to(None).unwrap();
        assert!(Meeting::find(None, dir.path()).0.address.is_none());
    }

    #[test]
    fn the_configuration_decides_and_a_file_edited_to_nonsense_tells_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("registry.json");
        let address =
            serde_json::json!({ "host": "db", "port": 5432, "database": "d", "user": "u", "tls": "prefer" });
        let whole = serde_json::json!({ "address": address, "password": "hunter2" });
        let mut socket = whole.clone();
        socket["address"]["host"] = "/run/postgresql".into();
        for bad in ["", "hunter2", r#"{"password":"hunter2"}"#, r#"["hunter2"]"#, &socket.to_string()] {
            fs::write(&file, bad).unwrap();
            let (meeting, read) = Meeting::find(None, dir.path());
            let said = format!("{:#}", read.unwrap_err());
            assert!(
                meeting.address.is_none() && said.contains("registry.json") && !said.contains("hunter2"),
                "{said}"
            );
        }
        fs::write(&file, whole.to_string()).unwrap();
        assert!(Meeting::find(None, dir.path()).0.address.is_some());
        let configured: Address = "postgres://a:b@elsewhere/x".parse().unwrap();
        let (meeting, read) = Meeting::find(Some(configured), dir.path());
        assert!(read.is_ok() && meeting.configured);
        assert_eq!(meeting.address.unwrap().parts().host, "elsewhere");
    }

    #[test]
    fn a_kept_password_goes_nowhere_else() {
        let known = told(&address(), Some(&Password::new("hunter2")), None).unwrap();
        let again =
            RegistryAddress { tls: RegistryTls::VerifyFull, database: "other".to_owned(), ..address() };
        assert_eq!(told(&again, None, Some(&known)).unwrap().password(), Some("hunter2"));
        for elsewhere in [
            RegistryAddress { host: "thief.example.org".to_owned(), ..address() },
            RegistryAddress { port: 5433, ..address() },
            RegistryAddress { user: "bob".to_owned(), ..address() },
        ] {
            let problem = told(&elsewhere, None, Some(&known)).unwrap_err();
            assert!(problem.detail.contains("Enter the password"), "{}", problem.detail);
            assert!(told(&elsewhere, Some(&Password::new("x")), Some(&known)).is_ok());
        }
        assert!(told(&address(), None, None).is_err());
    }
}
