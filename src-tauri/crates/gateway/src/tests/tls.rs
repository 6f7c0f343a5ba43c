//! HTTPS and WSS, certificates and their change, ports.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header},
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::ServiceExt;

use super::{Heard, House, PATIENCE, config, next, node::Node, some_pages};
use crate::{
    Certificate, Config, OpenError,
    app::{App, Policy, Tuning},
    open::open,
    router::{Door, router},
};

fn secured(certificate: Certificate) -> Config {
    Config { https: Some(SocketAddr::from(([127, 0, 0, 1], 0))), certificate, ..config() }
}

fn own(dir: &Path) -> Certificate {
    Certificate::SelfSigned { dir: dir.to_owned(), names: vec!["node.example".to_owned()] }
}

#[tokio::test]
async fn https_serves_the_same_with_the_certificate_that_lies_in_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::with(secured(own(dir.path())), Tuning::default()).await;
    let port = house.gateway.https_port().unwrap();
    for name in ["localhost", "node.example", "127.0.0.1"] {
        let trusted = connect(port, name, &dir.path().join("certificate.pem"), b"http/1.1").await.unwrap();
        assert!(ask(trusted, "/").await.contains("<title>home</title>"), "{name}");
    }
    assert!(connect(port, "other.example", &dir.path().join("certificate.pem"), b"http/1.1").await.is_err());
    let two = connect(port, "localhost", &dir.path().join("certificate.pem"), b"h2").await.unwrap();
    assert_eq!(
        two.get_ref().1.alpn_protocol(),
        Some(&b"h2"[..]),
        "browsers get HTTP/2, with room for many event streams"
    );
}

#[tokio::test]
async fn the_signaling_socket_works_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::with(secured(own(dir.path())), Tuning::default()).await;
    let port = house.gateway.https_port().unwrap();
    let stream = connect(port, "localhost", &dir.path().join("certificate.pem"), b"http/1.1").await.unwrap();
    let url = format!("wss://localhost:{port}/api/v1/instances/{}/signal", house.node.instance);
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let hello = format!(r#"{{"type":"hello","protocol":1,"session_id":"{}"}}"#, house.ann());
    futures_util::SinkExt::send(&mut socket, tokio_tungstenite::tungstenite::Message::text(hello))
        .await
        .unwrap();
    assert!(matches!(next(&mut socket).await, Heard::Said(protocol::signal::ServerMessage::Welcome { .. })));
}

#[tokio::test]
async fn plain_http_is_for_this_machine_once_there_is_https() {
    let app = App::new(
        Arc::new(Node::new()),
        some_pages(),
        Policy { open_health: false, allowed_origins: Vec::new() },
        Tuning::default(),
    );
    let far = [192, 0, 2, 9];
    for (https_port, peer, path, status, location) in [
        (Some(8443), far, "/stream/x?a=b", 308, Some("https://node.example:8443/stream/x?a=b")),
        (Some(8443), far, "/api/v1/instances", 308, Some("https://node.example:8443/api/v1/instances")),
        (Some(443), far, "/metrics", 308, Some("https://node.example/metrics")),
        (Some(8443), [127, 0, 0, 1], "/", 200, None),
        (None, far, "/", 200, None),
    ] {
        let mut request =
            Request::get(path).header(header::HOST, "node.example:3000").body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 5000))));
        let response = router(app.clone(), Door::Http { https_port }).oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let told = response.headers().get(header::LOCATION).map(|location| location.to_str().unwrap());
        assert_eq!(told, location, "{path}");
        assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    }
    let mut nameless = Request::get("/").body(Body::empty()).unwrap();
    nameless.extensions_mut().insert(ConnectInfo(SocketAddr::from((far, 5000))));
    let response = router(app, Door::Http { https_port: Some(8443) }).oneshot(nameless).await.unwrap();
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn this_machine_itself_is_not_redirected() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::with(secured(own(dir.path())), Tuning::default()).await;
    assert_eq!(house.ask(reqwest::Method::GET, "/").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_changed_certificate_is_taken_up_and_open_connections_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = write_pair(dir.path(), "first");
    let files = Certificate::Files { certificate: certificate.clone(), key: key.clone() };
    let tuning = Tuning { certificate_check: Duration::from_millis(20), ..Tuning::default() };
    let house = House::with(secured(files), tuning).await;
    let port = house.gateway.https_port().unwrap();
    let first = dir.path().join("kept.pem");
    fs::copy(&certificate, &first).unwrap();
    let open_one = connect(port, "localhost", &first, b"http/1.1").await.unwrap();

    write_pair(dir.path(), "second");
    let changed = async {
        while connect(port, "localhost", &certificate, b"http/1.1").await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.expect("the new certificate is taken up");
    assert!(connect(port, "localhost", &first, b"http/1.1").await.is_err(), "the old one is out of use");
    assert!(ask(open_one, "/").await.contains("<title>home</title>"));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = write_pair(dir.path(), "good");
    let other_key = dir.path().join("other.pem");
    fs::write(&other_key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let encrypted = dir.path().join("encrypted.pem");
    fs::write(
        &encrypted,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    )
    .unwrap();
    let text = dir.path().join("text.pem");
    fs::write(&text, "this is no certificate").unwrap();
    let cut = dir.path().join("cut.pem");
    fs::write(&cut, "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    let missing = dir.path().join("missing.pem");
    for (certificate, key, blames, says) in [
        (&missing, &key, &missing, "no such file"),
        (&certificate, &missing, &missing, "no such file"),
        (&text, &key, &text, "no certificate in PEM form"),
        (&cut, &key, &cut, "PEM"),
        (&certificate, &text, &text, "no private key"),
        (&certificate, &encrypted, &encrypted, "passphrase"),
        (&certificate, &other_key, &certificate, "belongs to another certificate"),
    ] {
        let files = Certificate::Files { certificate: certificate.clone(), key: key.clone() };
        match open(secured(files), Arc::new(Node::new()), some_pages(), Tuning::default()).await {
            Err(OpenError::Certificate { path, why }) => {
                assert_eq!(&path, blames, "{why}");
                assert!(why.contains(says), "{why}");
            }
            other => panic!("{says}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_port_that_cannot_be_opened_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = TcpListener::bind(taken).unwrap();
    let try_open = async |config: Config| {
        open(config, Arc::new(Node::new()), some_pages(), Tuning::default()).await.unwrap_err().to_string()
    };
    let said = try_open(Config { http: taken, ..config() }).await;
    assert!(
        said.contains(&format!("http port {} is taken", taken.port())) && said.contains("--set http.port="),
        "{said}"
    );
    let said = try_open(Config { https: Some(taken), ..secured(own(dir.path())) }).await;
    assert!(said.contains(&format!("https port {} is taken", taken.port())), "{said}");
    let said = try_open(Config { http: SocketAddr::from(([203, 0, 113, 1], 0)), ..config() }).await;
    assert!(said.contains("no address 203.0.113.1"), "{said}");
    drop(holder);
}

#[tokio::test]
async fn a_closed_gateway_leaves_its_ports_free() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::with(secured(own(dir.path())), Tuning::default()).await;
    let ports = [house.gateway.http_port(), house.gateway.https_port().unwrap()];
    house.gateway.close().await;
    for port in ports {
        TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}

fn write_pair(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (dir.join("site.pem"), dir.join("site-key.pem"));
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    fs::write(&key, pair.serialize_pem()).unwrap();
    fs::write(&certificate, params.self_signed(&pair).unwrap().pem()).unwrap();
    (certificate, key)
}

/// A client that trusts exactly the certificate in `trusted`.
async fn connect(
    port: u16,
    name: &str,
    trusted: &Path,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let pem = fs::read(trusted)?;
    roots
        .add(CertificateDer::from_pem_slice(&pem).map_err(std::io::Error::other)?)
        .map_err(std::io::Error::other)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn ask(mut stream: TlsStream<TcpStream>, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.unwrap().unwrap();
    String::from_utf8_lossy(&said).into_owned()
}
