//! The fleet's authority: a key that says which machine is which. The founder keeps it; the others know its certificate.

use std::time::{Duration, SystemTime};

use model::{ServerId, UnixMillis};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use sha2::{Digest, Sha256};
use x509_parser::{extensions::GeneralName, parse_x509_certificate, prelude::X509Certificate};

const DAY: Duration = Duration::from_secs(86_400);
/// Machines whose clocks are hours off understand each other all the same.
const BACKDATED: Duration = DAY;
/// A fleet outlives its machines. Nobody is to find it locked on some morning.
const AUTHORITY_LASTS: Duration = Duration::from_secs(30 * 365 * 86_400);
const MACHINE_LASTS: Duration = Duration::from_secs(10 * 365 * 86_400);
/// A name that no resolver knows: it is an id, not a place.
const SUFFIX: &str = ".machine.invalid";
const FOUNDED_BY: &str = "OpenSpace WebRTC fleet of ";
/// Of the serial number: when the certificate was made. The rest is random.
const ISSUED: usize = 6;

/// What a certificate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub server: ServerId,
    /// By the founder's clock.
    pub issued: UnixMillis,
}

pub(crate) fn name_of(server: ServerId) -> String {
    format!("{server}{SUFFIX}")
}

/// A new authority.
pub(crate) fn found(
    founder: ServerId,
    key: &KeyPair,
    now: UnixMillis,
) -> Result<CertificateDer<'static>, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{FOUNDED_BY}{founder}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = (moment(now) - BACKDATED).into();
    params.not_after = (moment(now) + AUTHORITY_LASTS).into();
    Ok(params.self_signed(key)?.der().clone())
}

/// A machine's request: its public key, proven by a signature.
pub(crate) fn request(key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    Ok(CertificateParams::new(Vec::new())?.serialize_request(key)?.der().to_vec())
}

/// Says that the key of the request is `server`'s. Nothing else of the request counts.
pub(crate) fn certify(
    authority: &CertificateDer<'_>,
    key: &KeyPair,
    server: ServerId,
    request: &[u8],
    now: UnixMillis,
) -> Result<CertificateDer<'static>, rcgen::Error> {
    let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request))?;
    let mut params = CertificateParams::new(vec![name_of(server)])?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, server.to_string());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.serial_number = Some(serial(now));
    params.not_before = (moment(now) - BACKDATED).into();
    params.not_after = (moment(now) + MACHINE_LASTS).into();
    let issuer = Issuer::from_ca_cert_der(authority, key)?;
    Ok(params.signed_by(&request.public_key, &issuer)?.der().clone())
}

fn serial(now: UnixMillis) -> SerialNumber {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("Linux and Windows have a random source from boot on");
    bytes[..ISSUED].copy_from_slice(&now.0.to_be_bytes()[8 - ISSUED..]);
    SerialNumber::from_slice(&bytes)
}

/// `None`: it is no certificate of a machine.
pub(crate) fn said(certificate: &CertificateDer<'_>) -> Option<Said> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let server = names.value.general_names.iter().find_map(|name| match name {
        GeneralName::DNSName(name) => name.strip_suffix(SUFFIX)?.parse().ok(),
        _ => None,
    })?;
    Some(Said { server, issued: issued(&certificate)? })
}

fn issued(certificate: &X509Certificate<'_>) -> Option<UnixMillis> {
    let bytes = certificate.raw_serial().first_chunk::<ISSUED>()?;
    Some(UnixMillis(bytes.iter().fold(0, |millis, byte| millis << 8 | i64::from(*byte))))
}

/// Who has founded the fleet of this authority.
pub(crate) fn founder(authority: &CertificateDer<'_>) -> Option<ServerId> {
    let (_, certificate) = parse_x509_certificate(authority).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    name.strip_prefix(FOUNDED_BY)?.parse().ok()
}

pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

fn moment(now: UnixMillis) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_certificate_says_whose_it_is_and_when_it_was_made() {
        let (founder_id, server, now) =
            (ServerId::random(), ServerId::random(), UnixMillis(1_790_000_000_123));
        let (key, machine) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let authority = found(founder_id, &key, now).unwrap();
        assert_eq!(founder(&authority), Some(founder_id));
        let certificate = certify(&authority, &key, server, &request(&machine).unwrap(), now).unwrap();
        assert_eq!(said(&certificate), Some(Said { server, issued: now }));
        assert_eq!(said(&authority), None, "an authority is no machine");
        assert!(certify(&authority, &key, server, b"no request", now).is_err());
    }
}
