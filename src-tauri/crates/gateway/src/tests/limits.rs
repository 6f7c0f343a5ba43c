//! Too often, too many, too slow: over real connections.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{House, PATIENCE, problem, until};
use crate::{
    app::Tuning,
    limits::{Cap, Rate},
};

/// Two at once, then none for an hour.
const TWICE: Rate = Rate { burst: 2, per_s: 1.0 / 3600.0 };

#[tokio::test]
async fn new_sessions_are_limited_by_address() {
    let house = House::tuned(Tuning { sessions: TWICE, ..Tuning::default() }).await;
    for _ in 0..2 {
        assert_eq!(house.ask(Method::POST, "/api/v1/sessions").send().await.unwrap().status(), 201);
    }
    let response = house.ask(Method::POST, "/api/v1/sessions").send().await.unwrap();
    let retry: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3000..=3600).contains(&retry), "{retry}");
    assert!(problem(response, 429).await.contains("new sessions"));
    let text = house.ask(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"openspace_gateway_limited_total{what="sessions"} 1"#), "{text}");
}

#[tokio::test]
async fn launches_are_limited_by_address_and_bad_ones_do_not_count() {
    let house = House::tuned(Tuning { launches: TWICE, ..Tuning::default() }).await;
    for _ in 0..3 {
        problem(house.post("/api/v1/instances", house.ann(), &json!({"biuld": 1})).await, 422).await;
    }
    for _ in 0..2 {
        assert_eq!(house.post("/api/v1/instances", house.ann(), &json!({})).await.status(), 202);
    }
    assert!(
        problem(house.post("/api/v1/instances", house.ben(), &json!({})).await, 429)
            .await
            .contains("launches")
    );
}

#[tokio::test]
async fn guessing_tokens_is_limited() {
    let house = House::tuned(Tuning { unknown_tokens: TWICE, ..Tuning::default() }).await;
    assert_eq!(house.get("/api/v1/builds", house.ann()).await.status(), 200, "known ones use nothing up");
    for _ in 0..2 {
        problem(house.get("/api/v1/builds", "guess").await, 401).await;
    }
    problem(house.get("/api/v1/builds", "guess").await, 429).await;
}

#[tokio::test]
async fn one_address_holds_so_many_connections() {
    let house = House::tuned(Tuning { connections: Cap { each: 3, total: 10 }, ..Tuning::default() }).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connect(&house).await);
    }
    until(|| house.gateway.app.open_now().connections == 3).await;
    let mut fourth = connect(&house).await;
    assert_eq!(answer(&mut fourth).await, "", "the fourth is hung up on");
    held.clear();
    until(|| house.gateway.app.open_now().connections == 0).await;
    let mut fifth = connect(&house).await;
    assert!(answer(&mut fifth).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_and_others_are_served() {
    let house = House::open().await;
    let mut stream = connect(&house).await;
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(200_000));
    // The server may hang up before it has read all.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 431") || said.starts_with("HTTP/1.1 400"),
        "{said}"
    );
    assert_eq!(house.ask(Method::GET, "/").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn closing_does_not_wait_for_those_who_hold_on() {
    let house = House::open().await;
    let mut idle = connect(&house).await;
    let mut half = connect(&house).await;
    half.write_all(b"POST /api/v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12")
        .await
        .unwrap();
    let viewer = house.welcomed().await;
    let node = house.node.clone();
    tokio::time::timeout(Duration::from_secs(10), house.gateway.close())
        .await
        .expect("at most about two seconds");
    until(|| node.open_sessions() == 0).await;
    let mut rest = Vec::new();
    let _ =
        tokio::time::timeout(PATIENCE, idle.read_to_end(&mut rest)).await.expect("the connection is closed");
    drop(viewer);
}

async fn connect(house: &House) -> TcpStream {
    TcpStream::connect(("127.0.0.1", house.gateway.http_port())).await.unwrap()
}

async fn answer(stream: &mut TcpStream) -> String {
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.unwrap();
    String::from_utf8_lossy(&said).into_owned()
}
