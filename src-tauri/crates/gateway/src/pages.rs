//! The pages: `ui/dist` as Vite built it, compiled into the program.
//!
//! Names below `/assets` carry a hash of their content and are kept by browsers for good; everything else is asked for again,
//! with an `ETag` so that the answer is short.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, OnceLock},
};

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use model::InstanceId;
use rust_embed::RustEmbed;

use crate::{app::App, problem::Refusal, request::Peer};

#[derive(RustEmbed)]
#[folder = "../../../ui/dist"]
#[allow_missing = true]
struct Dist;

/// Under this a packet or two carry it anyway.
const GZIP_FROM_BYTES: usize = 2048;
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// What stands in place of pages that were not built.
const NOT_BUILT: &str = include_str!("pages/not_built.html");
const NOT_FOUND: &str = include_str!("pages/not_found.html");

/// Files by their path without the leading slash.
#[derive(Debug)]
pub(crate) struct Pages(BTreeMap<String, Arc<File>>);

#[derive(Debug)]
struct File {
    bytes: Bytes,
    etag: HeaderValue,
    kind: &'static str,
    cache: &'static str,
    /// Made when first wanted; `None` where it would be no shorter.
    gzip: OnceLock<Option<Bytes>>,
}

impl Pages {
    /// Those that were compiled in.
    pub(crate) fn embedded() -> Self {
        Self::of(Dist::iter().filter_map(|path| {
            let file = Dist::get(&path)?;
            let bytes = match file.data {
                std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Some((path.into_owned(), bytes, file.metadata.sha256_hash()))
        }))
    }

    fn of(files: impl Iterator<Item = (String, Bytes, [u8; 32])>) -> Self {
        Self(
            files
                .map(|(path, bytes, hash)| (path.clone(), Arc::new(File::new(&path, bytes, hash))))
                .collect(),
        )
    }

    #[cfg(test)]
    pub(crate) fn from_texts(files: &[(&str, &str)]) -> Self {
        Self::of(files.iter().map(|(path, text)| {
            let mut hash = [0; 32];
            hash[0] = u8::try_from(text.len() % 256).expect("under 256");
            ((*path).to_owned(), Bytes::copy_from_slice(text.as_bytes()), hash)
        }))
    }

    fn get(&self, path: &str) -> Option<&Arc<File>> {
        self.0.get(path)
    }
}

impl File {
    fn new(path: &str, bytes: Bytes, hash: [u8; 32]) -> Self {
        let short: String = hash[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        // Weak, since the compressed and the plain form share it.
        let etag = HeaderValue::from_str(&format!("W/\"{short}\"")).expect("hexadecimal digits");
        let cache = if path.starts_with("assets/") { FOR_GOOD } else { ASK_AGAIN };
        Self { bytes, etag, kind: content_type(path), cache, gzip: OnceLock::new() }
    }

    fn gzipped(&self) -> Option<Bytes> {
        self.gzip.get_or_init(|| gzip(&self.bytes).filter(|shorter| shorter.len() < self.bytes.len())).clone()
    }

    fn is_worth_gzip(&self) -> bool {
        let text = self.kind.starts_with("text/")
            || self.kind.contains("json")
            || self.kind.contains("svg")
            || self.kind.contains("wasm");
        text && self.bytes.len() >= GZIP_FROM_BYTES
    }
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

pub(crate) async fn home(app: State<Arc<App>>, peer: Peer, headers: HeaderMap) -> Response {
    page(&app, "index.html", StatusCode::OK, peer, &headers).await
}

pub(crate) async fn admin(app: State<Arc<App>>, peer: Peer, headers: HeaderMap) -> Response {
    page(&app, "admin.html", StatusCode::OK, peer, &headers).await
}

/// The page itself explains an id that is none, and leads home.
pub(crate) async fn stream(
    app: State<Arc<App>>,
    Path(id): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let status = if id.parse::<InstanceId>().is_ok() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    page(&app, "viewer.html", status, peer, &headers).await
}

/// Everything that no route serves: a file of the pages, or nothing.
pub(crate) async fn other(
    app: State<Arc<App>>,
    method: Method,
    uri: Uri,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let path = uri.path();
    let reads = matches!(method, Method::GET | Method::HEAD);
    if path == "/api" || path.starts_with("/api/") || !reads {
        let detail = "There is nothing at this address: the API is described at /api/v1/openapi.json.";
        return Refusal::not_found(detail).into_response();
    }
    match app.pages.get(path.trim_start_matches('/')) {
        Some(file) => answer(file.clone(), StatusCode::OK, peer, &headers).await,
        None => not_found(&app, peer, &headers).await,
    }
}

async fn not_found(app: &App, peer: Peer, headers: &HeaderMap) -> Response {
    match app.pages.get("404.html") {
        Some(file) => answer(file.clone(), StatusCode::NOT_FOUND, peer, headers).await,
        None => (StatusCode::NOT_FOUND, no_cache(), Html(NOT_FOUND)).into_response(),
    }
}

async fn page(app: &App, name: &str, status: StatusCode, peer: Peer, headers: &HeaderMap) -> Response {
    match app.pages.get(name) {
        Some(file) => answer(file.clone(), status, peer, headers).await,
        None => (StatusCode::SERVICE_UNAVAILABLE, no_cache(), Html(NOT_BUILT)).into_response(),
    }
}

fn no_cache() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "no-store")]
}

async fn answer(file: Arc<File>, status: StatusCode, peer: Peer, headers: &HeaderMap) -> Response {
    let unchanged = status == StatusCode::OK && names_etag(headers, &file.etag);
    // On the machine itself compressing costs more than it saves.
    let gzip = !unchanged && !peer.is_loopback() && file.is_worth_gzip() && accepts_gzip(headers);
    let shorter = if gzip { gzipped(file.clone()).await } else { None };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = if unchanged { StatusCode::NOT_MODIFIED } else { status };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(file.cache));
    headers.insert(header::ETAG, file.etag.clone());
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if unchanged {
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    if shorter.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    *response.body_mut() = Body::from(shorter.unwrap_or_else(|| file.bytes.clone()));
    response
}

/// Off the tasks that serve others: a large script takes tens of milliseconds, once.
async fn gzipped(file: Arc<File>) -> Option<Bytes> {
    match file.gzip.get() {
        Some(done) => done.clone(),
        None => tokio::task::spawn_blocking(move || file.gzipped()).await.ok().flatten(),
    }
}

fn names_etag(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let own = etag.to_str().unwrap_or_default();
    asked.split(',').any(|tag| tag.trim() == own || tag.trim() == own.trim_start_matches("W/"))
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && !parts.any(|q| q == "q=0")
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{io::Read, net::SocketAddr};

    use flate2::read::GzDecoder;

    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn what_vite_built_is_compiled_in() {
        let built = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/dist");
        let pages = Pages::embedded();
        for page in ["index.html", "viewer.html", "admin.html"] {
            assert_eq!(pages.get(page).is_some(), built.join(page).exists(), "{page}");
        }
    }

    #[tokio::test]
    async fn a_large_script_travels_compressed_and_arrives_whole() {
        let script = "let sky = 'stars';\n".repeat(1000);
        let pages = Pages::from_texts(&[("assets/app-1234.js", &script)]);
        let far = Peer(SocketAddr::from(([192, 0, 2, 7], 5000)));
        let file = pages.get("assets/app-1234.js").unwrap().clone();
        let response = answer(file.clone(), StatusCode::OK, far, &accepting("br, gzip;q=0.8")).await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(response.headers()[header::CACHE_CONTROL], FOR_GOOD);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let mut plain = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, script);
        assert!(body.len() * 10 < script.len());

        for headers in [accepting("gzip;q=0"), accepting("br"), HeaderMap::new()] {
            let response = answer(file.clone(), StatusCode::OK, far, &headers).await;
            assert!(!response.headers().contains_key(header::CONTENT_ENCODING), "{headers:?}");
        }
    }
}
