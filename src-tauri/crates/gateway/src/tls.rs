//! The certificate: the administrator's files, or one of our own making; read again when it changes, without dropping anybody.

mod own;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{task::spawn_blocking, time::interval};
use tracing::{info, warn};
use x509_parser::parse_x509_certificate;

use crate::{Certificate, OpenError};

/// A certificate chain and its key as they lie on disk.
#[derive(Clone, PartialEq, Eq)]
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// What the HTTPS listener uses, and where it came from.
pub(crate) struct Tls {
    source: Certificate,
    current: Pem,
    config: RustlsConfig,
}

impl Tls {
    pub(crate) async fn load(source: Certificate) -> Result<Self, OpenError> {
        let loading = spawn_blocking(move || {
            let pem = obtain(&source, SystemTime::now())?;
            let config = server_config(&source, &pem)?;
            Ok((source, pem, config))
        });
        let (source, current, config) = loading.await.expect("reading a certificate does not panic")?;
        warn_of_expiry(&current);
        Ok(Self { source, current, config: RustlsConfig::from_config(Arc::new(config)) })
    }

    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Looks for another certificate from time to time; new connections get it, open ones go on. Ends with the gateway.
    pub(crate) async fn keep_fresh(mut self, every: Duration) {
        let mut ticks = interval(every);
        let mut last_complaint = String::new();
        loop {
            ticks.tick().await;
            match self.look_again().await {
                Ok(()) => last_complaint.clear(),
                Err(error) => {
                    let complaint = error.to_string();
                    // Said once, not at each look.
                    if complaint != last_complaint {
                        warn!(%error, "the certificate has changed and cannot be used: the former one stays in use");
                    }
                    last_complaint = complaint;
                }
            }
        }
    }

    async fn look_again(&mut self) -> Result<(), OpenError> {
        let (source, current) = (self.source.clone(), self.current.clone());
        let looking = spawn_blocking(move || {
            let pem = obtain(&source, SystemTime::now())?;
            if pem == current {
                Ok(None)
            } else {
                server_config(&source, &pem).map(|config| Some((pem, config)))
            }
        });
        if let Some((pem, config)) = looking.await.expect("reading a certificate does not panic")? {
            warn_of_expiry(&pem);
            self.current = pem;
            self.config.reload_from_config(Arc::new(config));
            info!("the certificate was changed; new connections get the new one");
        }
        Ok(())
    }
}

/// Reads the certificate; makes it where it is ours to make.
fn obtain(source: &Certificate, now: SystemTime) -> Result<Pem, OpenError> {
    match source {
        Certificate::Files { certificate, key } => {
            Ok(Pem { certificate: read(certificate)?, key: read(key)? })
        }
        Certificate::SelfSigned { dir, names } => own::obtain(dir, names, now),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, OpenError> {
    fs::read(path).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => {
                "there is no such file: check `https.certificate` and `https.key`".to_owned()
            }
            io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
            _ => error.to_string(),
        };
        unusable(path, why)
    })
}

fn unusable(path: &Path, why: impl Into<String>) -> OpenError {
    OpenError::Certificate { path: path.to_owned(), why: why.into() }
}

/// The files that a source means: certificate, key.
fn paths(source: &Certificate) -> (PathBuf, PathBuf) {
    match source {
        Certificate::Files { certificate, key } => (certificate.clone(), key.clone()),
        Certificate::SelfSigned { dir, .. } => own::paths(dir),
    }
}

/// The provider is named here, so that it does not matter which one another room has made the process's default.
fn server_config(source: &Certificate, pem: &Pem) -> Result<ServerConfig, OpenError> {
    let (certificate_path, key_path) = paths(source);
    let chain = chain(&pem.certificate).map_err(|why| unusable(&certificate_path, why))?;
    let key = private_key(&pem.key).map_err(|why| unusable(&key_path, why))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => unusable(
                &certificate_path,
                format!("the key in {} belongs to another certificate", key_path.display()),
            ),
            other => unusable(&certificate_path, other.to_string()),
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(
            "it holds no certificate in PEM form (a block that begins with `-----BEGIN CERTIFICATE-----`)"
                .to_owned(),
        ),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("it is no PEM file: {error}")),
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        if String::from_utf8_lossy(pem).contains("ENCRYPTED") {
            "its key is protected by a passphrase: write it without one, readable by this user only"
                .to_owned()
        } else {
            "it holds no private key in PEM form (a block such as `-----BEGIN PRIVATE KEY-----`)".to_owned()
        }
    })
}

fn warn_of_expiry(pem: &Pem) {
    let Some(not_after) = leaf(pem).and_then(|der| not_after(&der)) else { return };
    let left = not_after.duration_since(SystemTime::now()).unwrap_or_default();
    let days = left.as_secs() / 86_400;
    if left.is_zero() {
        warn!("the certificate for HTTPS has expired: browsers will refuse it until it is renewed");
    } else if days < 14 {
        warn!(days, "the certificate for HTTPS expires soon: renew it");
    }
}

fn leaf(pem: &Pem) -> Option<CertificateDer<'static>> {
    chain(&pem.certificate).ok()?.into_iter().next()
}

fn not_after(der: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rcgen::generate_simple_self_signed;

    use super::*;

    #[tokio::test]
    async fn half_a_change_keeps_the_former_certificate_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("site.pem"), dir.path().join("key.pem"));
        let write = |half: bool| {
            let pair = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            fs::write(&certificate, pair.cert.pem()).unwrap();
            if !half {
                fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
            }
        };
        write(false);
        let mut tls = Tls::load(Certificate::Files { certificate: certificate.clone(), key: key.clone() })
            .await
            .unwrap();
        let used = |tls: &Tls| Arc::as_ptr(&tls.config.get_inner());
        let first = used(&tls);
        tls.look_again().await.unwrap();
        assert_eq!(used(&tls), first, "nothing has changed");

        write(true);
        assert!(tls.look_again().await.unwrap_err().to_string().contains("belongs to another certificate"));
        assert_eq!(used(&tls), first);
        write(false);
        tls.look_again().await.unwrap();
        assert_ne!(used(&tls), first);
    }
}
