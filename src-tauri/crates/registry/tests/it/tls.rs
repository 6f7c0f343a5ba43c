//! TLS to Postgres: encrypted when it can be, and with `verify-full` only with the right one.

use std::fs;

use e2e::Postgres;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use registry::{Address, Registry, look, setup};

use crate::support::row;

#[tokio::test]
async fn verify_full_asks_for_the_name_and_the_authority() {
    let mut postgres = Postgres::start().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        postgres.keep_private(name, &text).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (ours, foreign) = (folder.path().join("ours.pem"), folder.path().join("foreign.pem"));
    fs::write(&ours, authority.pem()).unwrap();
    let other = CertifiedIssuer::self_signed(
        CertificateParams::new(Vec::new()).unwrap(),
        KeyPair::generate().unwrap(),
    );
    fs::write(&foreign, other.unwrap().pem()).unwrap();
    postgres.down().unwrap();
    postgres.set("ssl=on");
    postgres.up().unwrap();

    let plain = postgres.url("openspace");
    let named = plain.replace("127.0.0.1", "localhost");
    setup(&plain.parse().unwrap(), &row(4699, 1)).await.unwrap();
    let (ours, foreign) = (ours.display(), foreign.display());
    for (url, found) in [
        (format!("{plain}?sslmode=disable"), "in the clear"),
        (plain.clone(), "encrypted"),
        (format!("{plain}?sslmode=require"), "encrypted"),
        (format!("{named}?sslmode=verify-full&sslrootcert={ours}"), "encrypted"),
        (format!("{plain}?sslmode=verify-full&sslrootcert={ours}"), "made for another name"),
        (format!("{named}?sslmode=verify-full&sslrootcert={foreign}"), "does not know who signed it"),
        (format!("{named}?sslmode=verify-full"), "does not know who signed it"),
        (format!("{named}?sslmode=verify-full&sslrootcert=/nowhere.pem"), "cannot be read"),
        (format!("{named}?sslmode=verify-full&sslrootcert=/dev/zero"), "not a file of certificates"),
    ] {
        let address: Address = url.parse().unwrap();
        let said = match Registry::connect(&address).await {
            Ok(registry) if is_encrypted(&postgres, &registry) => "encrypted".to_owned(),
            Ok(_) => "in the clear".to_owned(),
            Err(trouble) => trouble.to_string(),
        };
        assert!(said.contains(found), "{url}: {said}");
        let looked = look(&address).await.map(|found| found.encrypted).ok();
        let expected = ["in the clear", "encrypted"].iter().position(|words| *words == found);
        assert_eq!(looked, expected.map(|at| at == 1), "{url}");
    }
}

/// By Postgres' own word: of the one connection that is open now.
fn is_encrypted(postgres: &Postgres, _open: &Registry) -> bool {
    let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE application_name = 'openspace-webrtc' AND state IS NOT NULL";
    postgres.sql("openspace", sql).unwrap() == "t"
}
