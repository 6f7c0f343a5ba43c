//! A certificate of our own making, kept in the data folder: browsers ask once whether to trust it, and remember it.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use tracing::{info, warn};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

use super::{Pem, leaf, not_after, private_key, unusable};
use crate::OpenError;

const DAY: Duration = Duration::from_secs(86_400);
/// Browsers take none that is valid for over 398 days.
const VALID: Duration = Duration::from_secs(396 * 86_400);
/// A machine whose clock is a little behind takes it too.
const BACKDATED: Duration = DAY;
/// Made anew when less is left.
const RENEW: Duration = Duration::from_secs(30 * 86_400);

pub(super) fn paths(dir: &Path) -> (PathBuf, PathBuf) {
    (dir.join("certificate.pem"), dir.join("key.pem"))
}

/// The one that lies in `dir`, or a new one where it is missing, broken, old or for other names.
pub(super) fn obtain(dir: &Path, names: &[String], now: SystemTime) -> Result<Pem, OpenError> {
    let names = plausible(names);
    let (certificate, key) = paths(dir);
    let why = match (fs::read(&certificate), fs::read(&key)) {
        (Ok(certificate), Ok(key)) => {
            let pem = Pem { certificate, key };
            match flaw(&pem, &names, now) {
                None => return Ok(pem),
                Some(why) => why,
            }
        }
        _ => "there was none",
    };
    let pem =
        make(&names, now).map_err(|error| unusable(&certificate, format!("it cannot be made: {error}")))?;
    keep(dir, &pem)?;
    info!(why, ?names, "a new certificate was made: browsers will ask once whether to trust it");
    Ok(pem)
}

/// What certificates can name, in one spelling; this machine's own names always.
fn plausible(names: &[String]) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    for name in names {
        let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_dns = name.len() <= 253
            && name.split('.').all(|label| (1..=63).contains(&label.len()))
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '*'));
        match address {
            Ok(address) => _ = all.insert(address.to_string()),
            Err(_) if is_dns => _ = all.insert(name),
            Err(_) => {
                warn!(name, "the certificate cannot name this: it is neither a DNS name nor an address")
            }
        }
    }
    all
}

/// Why this one has to be made anew.
fn flaw(pem: &Pem, names: &BTreeSet<String>, now: SystemTime) -> Option<&'static str> {
    let Some(der) = leaf(pem) else { return Some("the former could not be read") };
    let Some(not_after) = not_after(&der) else { return Some("the former could not be read") };
    if not_after < now + RENEW {
        Some("the former expires")
    } else if named(&der).as_ref() != Some(names) {
        Some("this machine's names have changed")
    } else if !belongs(&der, &pem.key) {
        Some("the former's key did not belong to it")
    } else {
        None
    }
}

fn named(der: &CertificateDer<'_>) -> Option<BTreeSet<String>> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    };
    names.value.general_names.iter().map(text).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn belongs(der: &CertificateDer<'_>, key: &[u8]) -> bool {
    let Ok(key) = private_key(key) else { return false };
    let provider = rustls::crypto::ring::default_provider();
    rustls::sign::CertifiedKey::from_der(vec![der.clone().into_owned()], key, &provider).is_ok()
}

fn make(names: &BTreeSet<String>, now: SystemTime) -> Result<Pem, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.iter().cloned().collect::<Vec<_>>())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "OpenSpace WebRTC on this machine");
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + VALID).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key)?;
    Ok(Pem { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// Key first: a certificate without its key would look complete and serve nobody.
fn keep(dir: &Path, pem: &Pem) -> Result<(), OpenError> {
    let (certificate, key) = paths(dir);
    let kept = fs::create_dir_all(dir)
        .and_then(|()| write_whole(&key, &pem.key))
        .and_then(|()| write_whole(&certificate, &pem.certificate));
    kept.map_err(|error| {
        unusable(
            &certificate,
            format!("it cannot be written: {error}; is the data folder writable, and is there room?"),
        )
    })
}

/// Written beside and moved into place: whoever reads it reads all of it. Only this user may.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("pem.new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn it_is_kept_until_it_is_old_or_the_names_change() {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let first = obtain(dir.path(), &names(&["node.example", "192.0.2.7"]), now).unwrap();
        let again =
            obtain(dir.path(), &names(&["192.0.2.7", "NODE.example.", "node.example"]), now + DAY * 300)
                .unwrap();
        assert!(first == again, "the same names in another spelling are the same");
        let renewed = obtain(dir.path(), &names(&["node.example", "192.0.2.7"]), now + DAY * 380).unwrap();
        assert!(first != renewed);
        let renamed = obtain(dir.path(), &names(&["other.example"]), now).unwrap();
        assert!(renewed != renamed);
    }

    #[test]
    fn it_names_what_was_asked_and_is_valid_for_at_most_397_days() {
        let dir = tempfile::tempdir().unwrap();
        let pem =
            obtain(dir.path(), &names(&["Node.Example", "fd00::2", "no name", "ünicode"]), SystemTime::now())
                .unwrap();
        let der = leaf(&pem).unwrap();
        let wanted: BTreeSet<String> =
            ["127.0.0.1", "::1", "fd00::2", "localhost", "node.example"].map(str::to_owned).into();
        assert_eq!(named(&der).unwrap(), wanted);
        let (_, certificate) = parse_x509_certificate(&der).unwrap();
        let validity = certificate.validity();
        let days = (validity.not_after.timestamp() - validity.not_before.timestamp()) / 86_400;
        assert!((300..=397).contains(&days), "{days} days");
    }

    #[test]
    fn a_broken_or_foreign_key_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (_, key) = paths(dir.path());
        let first = obtain(dir.path(), &[], SystemTime::now()).unwrap();
        for broken in [String::new(), "nonsense".to_owned(), KeyPair::generate().unwrap().serialize_pem()] {
            fs::write(&key, broken).unwrap();
            let healed = obtain(dir.path(), &[], SystemTime::now()).unwrap();
            assert!(healed != first);
            assert!(belongs(&leaf(&healed).unwrap(), &fs::read(&key).unwrap()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_this_user_may_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        obtain(dir.path(), &[], SystemTime::now()).unwrap();
        let mode = fs::metadata(paths(dir.path()).1).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_folder_that_is_a_file_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        fs::write(&blocked, "").unwrap();
        let error = obtain(&blocked, &[], SystemTime::now()).err().unwrap().to_string();
        assert!(error.contains("cannot be written") && error.contains("file"), "{error}");
    }
}
