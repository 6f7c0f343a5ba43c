//! The certificate of DTLS, which is the port's.

use anyhow::Context;
use rtc::{
    crypto::SignatureScheme,
    peer_connection::certificate::{CertificateParams, RTCCertificate},
};

/// One certificate for all peers of the process: making one costs more than a whole handshake.
pub(crate) fn make() -> anyhow::Result<RTCCertificate> {
    let provider = rtc::crypto::default_provider().context("choosing the cryptography of DTLS")?;
    let params =
        CertificateParams::new(vec!["openspace-webrtc".to_owned()]).context("naming the DTLS certificate")?;
    RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)
        .context("making the DTLS certificate")
}
