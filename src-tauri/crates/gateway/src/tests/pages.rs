//! Pages, headers, and who may call from where.

use std::sync::Arc;

use reqwest::{Client, Method};

use super::{House, config, node::Node, problem};
use crate::{app::Tuning, dist::Pages, open::open};

#[tokio::test]
async fn each_address_has_its_page() {
    let house = House::open().await;
    let stream = format!("/stream/{}", house.node.instance);
    for (path, status, says) in [
        ("/", 200, "home"),
        ("/?from=here", 200, "home"),
        ("/admin", 200, "admin"),
        ("/admin/", 200, "admin"),
        (&stream, 200, "viewer"),
        ("/stream/no-uuid", 404, "viewer"),
        ("/nowhere", 404, "home page"),
        ("/assets/gone-0000.js", 404, "home page"),
        ("/..%2f..%2fetc/passwd", 404, "home page"),
        ("/favicon.svg", 200, "<svg/>"),
    ] {
        let response = house.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert!(!response.headers()["cache-control"].to_str().unwrap().contains("immutable"), "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(says), "{path}: {text}");
    }
}

#[tokio::test]
async fn hashed_files_are_kept_for_good_and_pages_are_asked_for_again() {
    let house = House::open().await;
    let script = house.ask(Method::GET, "/assets/app-1a2b.js").send().await.unwrap();
    assert!(script.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");

    let home = house.ask(Method::GET, "/").send().await.unwrap();
    assert_eq!(home.headers()["cache-control"], "no-cache");
    let etag = home.headers()["etag"].clone();
    let again = house.ask(Method::GET, "/").header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(again.bytes().await.unwrap().len(), 0);
    let head = house.ask(Method::HEAD, "/").send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.bytes().await.unwrap().len()), (200, 0));
}

#[tokio::test]
async fn a_program_without_pages_says_what_to_run() {
    let gateway =
        open(config(), Arc::new(Node::new()), Pages::from_texts(&[]), Tuning::default()).await.unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    for path in ["", "admin", "stream/x"] {
        let response =
            client.get(format!("http://127.0.0.1:{}/{path}", gateway.http_port())).send().await.unwrap();
        assert_eq!(response.status(), 503);
        assert!(response.text().await.unwrap().contains("./scripts/run"));
    }
}

#[tokio::test]
async fn an_unknown_address_shows_the_page_for_it_where_one_was_built() {
    let pages = Pages::from_texts(&[("404.html", "<title>not here</title>")]);
    let gateway = open(config(), Arc::new(Node::new()), pages, Tuning::default()).await.unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let response =
        client.get(format!("http://127.0.0.1:{}/nowhere", gateway.http_port())).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert!(response.text().await.unwrap().contains("not here"));
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let house = House::open().await;
    for path in ["/", "/nowhere", "/api/v1/instances", "/api/v1/nothing", "/healthz", "/assets/app-1a2b.js"] {
        let response = house.ask(Method::GET, path).send().await.unwrap();
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        let host = house.base.trim_start_matches("http://");
        for part in [
            "default-src 'self'",
            "frame-ancestors 'self'",
            "object-src 'none'",
            &format!("ws://{host} wss://{host}"),
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
        assert!(headers["permissions-policy"].to_str().unwrap().contains("fullscreen=(self)"));
        assert!(!headers.contains_key("access-control-allow-origin"), "CORS is off");
    }
}

#[tokio::test]
async fn an_allowed_origin_may_call_and_read() {
    let house = House::open().await;
    let asked = house
        .ask(Method::OPTIONS, "/api/v1/instances")
        .header("origin", "tauri://localhost")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization")
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 204);
    assert_eq!(asked.headers()["access-control-allow-origin"], "tauri://localhost");
    assert!(asked.headers()["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
    let made = house
        .ask(Method::POST, "/api/v1/sessions")
        .header("origin", "tauri://localhost")
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201);
    assert_eq!(made.headers()["access-control-allow-origin"], "tauri://localhost");
}

#[tokio::test]
async fn a_foreign_page_changes_nothing() {
    let house = House::open().await;
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let made = house.ask(Method::POST, "/api/v1/sessions").header("origin", origin).send().await.unwrap();
        assert!(!made.headers().contains_key("access-control-allow-origin"));
        assert!(problem(made, 403).await.contains("own page"));
        let asked = house
            .ask(Method::OPTIONS, "/api/v1/instances")
            .header("origin", origin)
            .header("access-control-request-method", "DELETE")
            .send()
            .await
            .unwrap();
        problem(asked, 403).await;
    }
    let own = house.ask(Method::POST, "/api/v1/sessions").header("origin", &house.base).send().await.unwrap();
    assert_eq!(own.status(), 201);
}
