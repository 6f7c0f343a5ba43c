//! Who this machine is to the fleet: its certificate and keys, as they lie in a folder that only its owner reads.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use model::{ServerId, UnixMillis};
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::{JoinCode, Me, Removed, Trouble, authority, dial, wire::Answer};

const AUTHORITY: &str = "authority.der";
const AUTHORITY_KEY: &str = "authority.key.pem";
const MACHINE: &str = "machine.der";
const MACHINE_KEY: &str = "machine.key.pem";
const REMOVED: &str = "removed.json";

/// Its keys never leave the machine.
#[derive(Debug)]
pub struct Identity {
    pub server: ServerId,
    pub founder: ServerId,
    /// By the founder's clock.
    pub(crate) issued: UnixMillis,
    pub(crate) authority: CertificateDer<'static>,
    /// Only the founder has it.
    authority_key: Option<KeyPair>,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    /// `None`: this machine belongs to no fleet.
    pub fn load(dir: &Path) -> Result<Option<Self>, Trouble> {
        // The certificate is written last: without it nothing else counts.
        let Some(certificate) = read(dir, MACHINE)? else { return Ok(None) };
        let needed = |file: &str| read(dir, file)?.ok_or_else(|| broken(dir, format!("{file} is missing")));
        let (authority, key) = (needed(AUTHORITY)?, needed(MACHINE_KEY)?);
        let authority_key =
            read(dir, AUTHORITY_KEY)?.map(|pem| key_of(dir, AUTHORITY_KEY, &pem)).transpose()?;
        let key = key_of(dir, MACHINE_KEY, &key)?;
        Self::of(authority.into(), authority_key, certificate.into(), key)
            .map(Some)
            .ok_or_else(|| broken(dir, "the certificates are not a fleet's".to_owned()))
    }

    fn of(
        authority: CertificateDer<'static>,
        authority_key: Option<KeyPair>,
        certificate: CertificateDer<'static>,
        key: KeyPair,
    ) -> Option<Self> {
        let authority::Said { server, issued } = authority::said(&certificate)?;
        let founder = authority::founder(&authority)?;
        Some(Self { server, founder, issued, authority, authority_key, certificate, key })
    }

    /// Makes an authority, whose first machine is this one.
    pub fn found(dir: &Path, server: ServerId, now: UnixMillis) -> Result<Self, Trouble> {
        if let Some(known) = in_force(dir)? {
            return Err(known.already_member());
        }
        let made = || {
            let (authority_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
            let authority = authority::found(server, &authority_key, now)?;
            let request = authority::request(&key)?;
            let certificate = authority::certify(&authority, &authority_key, server, &request, now)?;
            Ok::<_, rcgen::Error>((authority, authority_key, certificate, key))
        };
        let (authority, authority_key, certificate, key) =
            made().map_err(|error| broken(dir, error.to_string()))?;
        leave(dir)?;
        write(dir, AUTHORITY_KEY, authority_key.serialize_pem().as_bytes())?;
        keep(dir, &authority, &certificate, &key)?;
        Ok(Self {
            server,
            founder: server,
            issued: now,
            authority,
            authority_key: Some(authority_key),
            certificate,
            key,
        })
    }

    /// The founder's word that this key is that machine's.
    pub(crate) fn certify(
        &self,
        server: ServerId,
        request: &[u8],
        now: UnixMillis,
    ) -> Result<CertificateDer<'static>, Trouble> {
        let key = self.authority_key.as_ref().ok_or_else(|| self.not_founder())?;
        authority::certify(&self.authority, key, server, request, now)
            .map_err(|_| Trouble::Refused("the request for a certificate was not understood".to_owned()))
    }

    pub fn is_founder(&self) -> bool {
        self.authority_key.is_some()
    }

    /// This machine was removed from the fleet since.
    pub(crate) fn is_over(&self, removed: &Removed) -> bool {
        removed.refuses(self.server, self.issued)
    }

    /// A code of the same fleet only makes its certificate anew. The founder's own would make it nobody's founder.
    fn may_join_by(&self, code: &JoinCode) -> bool {
        !self.is_founder() && self.is_of(code)
    }

    fn is_of(&self, code: &JoinCode) -> bool {
        authority::fingerprint(&self.authority) == code.fingerprint
    }

    fn already_member(&self) -> Trouble {
        Trouble::AlreadyMember { founder: self.founder.to_string() }
    }

    pub(crate) fn not_founder(&self) -> Trouble {
        Trouble::NotFounder { founder: self.founder.to_string() }
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone(), self.authority.clone()]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

/// Asks the founder for a place in its fleet, and keeps what it gives. Who was removed, or has lost its trust otherwise, comes back so.
pub async fn join(dir: &Path, me: &Me, code: &JoinCode) -> Result<Identity, Trouble> {
    if let Some(known) = in_force(dir)?.filter(|known| !known.may_join_by(code)) {
        return Err(known.already_member());
    }
    let failed = |error: rcgen::Error| broken(dir, error.to_string());
    let key = KeyPair::generate().map_err(failed)?;
    let request = authority::request(&key).map_err(failed)?;
    let Answer::Joined { certificate, authority } = dial::ask_to_join(me, code, request).await? else {
        return Err(Trouble::Refused("it answered something else".to_owned()));
    };
    let (authority, certificate) = (CertificateDer::from(authority), CertificateDer::from(certificate));
    if authority::fingerprint(&authority) != code.fingerprint {
        return Err(Trouble::WrongMachine {
            place: code.address.clone(),
            why: "its authority is not the code's".to_owned(),
        });
    }
    // Whom another fleet has removed is nobody's business in this one.
    let known = Identity::load(dir)?.filter(|known| known.is_of(code));
    let removed = known.map(|_| removed(dir)).transpose()?;
    leave(dir)?;
    removed.map_or(Ok(()), |removed| keep_removed(dir, &removed))?;
    keep(dir, &authority, &certificate, &key)?;
    Identity::of(authority, None, certificate, key)
        .ok_or_else(|| Trouble::Refused("its certificate is not a machine's".to_owned()))
}

pub(crate) fn removed(dir: &Path) -> Result<Removed, Trouble> {
    let Some(text) = read(dir, REMOVED)? else { return Ok(Removed::default()) };
    // Whom to keep out is not guessed.
    serde_json::from_slice(&text).map_err(|error| broken(dir, format!("{REMOVED}: {error}")))
}

pub(crate) fn keep_removed(dir: &Path, removed: &Removed) -> Result<(), Trouble> {
    write(dir, REMOVED, &serde_json::to_vec(removed).expect("a list of ids is always JSON"))
}

/// Belongs to no fleet any more, whatever its files are like.
pub fn leave(dir: &Path) -> Result<(), Trouble> {
    for file in [MACHINE, MACHINE_KEY, AUTHORITY_KEY, AUTHORITY, REMOVED] {
        match fs::remove_file(dir.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(broken(dir, format!("{file}: {error}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The place that this machine has, unless it was removed from there.
fn in_force(dir: &Path) -> Result<Option<Identity>, Trouble> {
    let removed = removed(dir)?;
    Ok(Identity::load(dir)?.filter(|known| !known.is_over(&removed)))
}

fn keep(
    dir: &Path,
    authority: &CertificateDer<'_>,
    certificate: &CertificateDer<'_>,
    key: &KeyPair,
) -> Result<(), Trouble> {
    write(dir, AUTHORITY, authority)?;
    write(dir, MACHINE_KEY, key.serialize_pem().as_bytes())?;
    write(dir, MACHINE, certificate)
}

fn key_of(dir: &Path, file: &str, pem: &[u8]) -> Result<KeyPair, Trouble> {
    let pem = String::from_utf8_lossy(pem);
    KeyPair::from_pem(&pem).map_err(|_| broken(dir, format!("{file} holds no key")))
}

fn read(dir: &Path, file: &str) -> Result<Option<Vec<u8>>, Trouble> {
    match fs::read(dir.join(file)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(broken(dir, format!("{file}: {error}"))),
    }
}

/// Whole or not at all, and readable by its owner only.
fn write(dir: &Path, file: &str, bytes: &[u8]) -> Result<(), Trouble> {
    let (path, beside) = (dir.join(file), dir.join(format!("{file}.new")));
    let written = || {
        fs::create_dir_all(dir)?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(&beside)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&beside, &path)
    };
    written().map_err(|error: io::Error| broken(dir, format!("{file}: {error}")))
}

fn broken(dir: &Path, why: String) -> Trouble {
    Trouble::Files { path: dir.display().to_string(), why }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_founder_is_found_again_and_its_keys_are_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Identity::load(dir.path()).unwrap().is_none());
        let server = ServerId::random();
        Identity::found(dir.path(), server, UnixMillis(1_790_000_000_000)).unwrap();
        let again = Identity::load(dir.path()).unwrap().unwrap();
        assert_eq!((again.server, again.founder, again.is_founder()), (server, server, true));
        assert!(matches!(
            Identity::found(dir.path(), server, UnixMillis(0)),
            Err(Trouble::AlreadyMember { .. })
        ));
        #[cfg(unix)]
        for file in [AUTHORITY_KEY, MACHINE_KEY] {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(dir.path().join(file)).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_broken_folder_says_which_file() {
        let dir = tempfile::tempdir().unwrap();
        Identity::found(dir.path(), ServerId::random(), UnixMillis(1_790_000_000_000)).unwrap();
        fs::write(dir.path().join(MACHINE_KEY), "x").unwrap();
        let said = Identity::load(dir.path()).unwrap_err().to_string();
        assert!(said.contains("machine.key.pem holds no key"), "{said}");
        fs::write(dir.path().join(REMOVED), "x").unwrap();
        assert!(removed(dir.path()).unwrap_err().to_string().contains("removed.json"));
    }
}
