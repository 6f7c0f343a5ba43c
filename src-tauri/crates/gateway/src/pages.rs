//! The pages' addresses.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use model::InstanceId;

use crate::{app::App, dist::File, problem::Refusal, request::Peer};

/// What stands in place of pages that were not built.
const NOT_BUILT: &str = include_str!("pages/not_built.html");
const NOT_FOUND: &str = include_str!("pages/not_found.html");

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
    match file.gzipped_before() {
        Some(done) => done,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{io::Read, net::SocketAddr};

    use flate2::read::GzDecoder;

    use super::*;
    use crate::dist::{FOR_GOOD, Pages};

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
