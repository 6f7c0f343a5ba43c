//! Every route of the API: what it answers, and what it says to bad input.

use std::{
    io,
    sync::{Arc, Mutex, atomic::Ordering},
};

use reqwest::Method;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::{
    House,
    node::{AUDITED, JPEG, PICTURE},
    problem,
};
use crate::{app::Tuning, limits::Rate, routes::routes};

#[tokio::test]
async fn a_session_is_made_and_then_known() {
    let house = House::open().await;
    let response = house.ask(Method::POST, "/api/v1/sessions").send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let made: Value = response.json().await.unwrap();
    let session = made["session_id"].as_str().unwrap();
    assert_eq!(house.get("/api/v1/instances", session).await.status(), 200);
}

#[tokio::test]
async fn only_open_routes_answer_without_a_session() {
    let unknown_tokens = Rate { burst: 1000, per_s: 1.0 };
    let house = House::tuned(Tuning { unknown_tokens, ..Tuning::default() }).await;
    // The socket of signaling and players have answers, and tests, of their own.
    let own_words = |path: &str| path.ends_with("/signal") || path.starts_with("/whep/");
    let open = ["/api/v1/sessions", "/api/v1/openapi.json", "/healthz", "/readyz", "/metrics"];
    for route in routes().into_iter().filter(|route| !open.contains(&route.path) && !own_words(route.path)) {
        let path = route
            .path
            .replace("{id}", &house.node.instance.to_string())
            .replace("{name}", "screenshot-1.png")
            .replace("{ticket_id}", &house.node.instance.to_string());
        for token in ["", "nonsense", &"A".repeat(43)] {
            let response = house
                .ask(route.method.as_str().parse().unwrap(), &path)
                .bearer_auth(token)
                .send()
                .await
                .unwrap();
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            assert!(problem(response, 401).await.contains("reload the page"), "{} {path}", route.method);
        }
    }
}

#[tokio::test]
async fn an_instance_is_seen_by_its_owner_and_administrators_only() {
    let house = House::open().await;
    let path = format!("/api/v1/instances/{}", house.node.instance);
    for (token, count) in [(house.ann(), 1), (house.admin(), 1), (house.ben(), 0)] {
        let list: Vec<Value> = house.get("/api/v1/instances", token).await.json().await.unwrap();
        assert_eq!(list.len(), count);
    }
    let mine: Value = house.get(&path, house.ann()).await.json().await.unwrap();
    assert_eq!(mine["instance_id"], house.node.instance.to_string());
    assert_eq!(mine["state"], "ready");

    let foreign = [
        house.get(&path, house.ben()).await,
        house.ask(Method::DELETE, &path).bearer_auth(house.ben()).send().await.unwrap(),
        house.post(&format!("{path}/invites"), house.ben(), &json!({"role": "watcher"})).await,
        house.get(&format!("{path}/thumbnail.jpg"), house.ben()).await,
    ];
    for response in foreign {
        problem(response, 404).await;
    }
    for id in ["1", "..%2f..", &"x".repeat(2000)] {
        let response = house.get(&format!("/api/v1/instances/{id}"), house.ann()).await;
        assert!(problem(response, 404).await.contains("UUID"), "{id}");
    }
}

#[tokio::test]
async fn launch_stop_invite_and_thumbnail_answer_as_the_contract_says() {
    let house = House::open().await;
    let path = format!("/api/v1/instances/{}", house.node.instance);

    let launched = house
        .post("/api/v1/instances", house.ann(), &json!({"build": "demo", "width": 1280, "height": 720}))
        .await;
    assert_eq!(launched.status(), 202);
    let launched: Value = launched.json().await.unwrap();
    assert_eq!(launched["url"], format!("/stream/{}", house.node.instance));
    assert_eq!(launched["state"], "starting");
    let plain = house.ask(Method::POST, "/api/v1/instances").bearer_auth(house.ann()).send().await.unwrap();
    assert_eq!(plain.status(), 202, "no body means no wishes");
    problem(house.post("/api/v1/instances", house.ann(), &json!({"build": "full"})).await, 429).await;

    let invited =
        house.post(&format!("{path}/invites"), house.ann(), &json!({"role": "pilot", "ttl_s": 60})).await;
    assert_eq!(invited.status(), 201);
    assert!(invited.json::<Value>().await.unwrap()["url"].as_str().unwrap().contains("#invite="));

    let thumbnail = house.get(&format!("{path}/thumbnail.jpg"), house.ann()).await;
    assert_eq!(thumbnail.headers()["content-type"], "image/jpeg");
    assert_eq!(thumbnail.headers()["cache-control"], "private, max-age=5");
    assert_eq!(thumbnail.bytes().await.unwrap(), JPEG);

    let stopped = house.ask(Method::DELETE, &path).bearer_auth(house.ann()).send().await.unwrap();
    assert_eq!(stopped.status(), 202);
}

#[tokio::test]
async fn saved_files_are_listed_and_downloaded_by_the_names_of_the_list() {
    let house = House::open().await;
    let path = format!("/api/v1/instances/{}/screenshots", house.node.instance);
    let listed: Vec<Value> = house.get(&path, house.ann()).await.json().await.unwrap();
    assert_eq!(listed[0]["name"], "screenshot-1.png");
    let picture = house.get(&format!("{path}/screenshot-1.png"), house.ann()).await;
    assert_eq!(picture.headers()["content-type"], "image/png");
    assert_eq!(picture.headers()["content-length"], PICTURE.len().to_string());
    assert_eq!(picture.headers()["content-disposition"], "attachment; filename=\"screenshot-1.png\"");
    assert_eq!(picture.headers()["cache-control"], "no-store");
    assert!(picture.bytes().await.unwrap() == PICTURE.as_slice());
    for name in ["other.png", "..%2fscreenshot-1.png", "%2fetc%2fpasswd", "%ff", "%00", &"x".repeat(2000)] {
        problem(house.get(&format!("{path}/{name}"), house.ann()).await, 404).await;
    }
    let recordings = path.replace("screenshots", "recordings");
    for path in [format!("{path}/screenshot-1.png"), path, recordings] {
        problem(house.get(&path, house.ben()).await, 404).await;
    }
}

#[tokio::test]
async fn the_audit_log_is_for_administrators_in_pages_and_in_lines() {
    let house = House::open().await;
    for path in ["/api/v1/admin/audit", "/api/v1/admin/audit.jsonl"] {
        problem(house.get(path, house.ann()).await, 403).await;
        problem(house.get(&format!("{path}?kind=gossip"), house.admin()).await, 400).await;
        problem(house.get(&format!("{path}?color=red"), house.admin()).await, 400).await;
    }
    let page: Value =
        house.get("/api/v1/admin/audit?search=a%27b&kind=admin", house.admin()).await.json().await.unwrap();
    assert_eq!((page["entries"][0]["id"].as_u64(), page["more"].as_bool()), (Some(AUDITED), Some(true)));
    let lines = house.get("/api/v1/admin/audit.jsonl", house.admin()).await;
    assert_eq!(lines.headers()["content-type"], "application/jsonl");
    let text = lines.text().await.unwrap();
    let ids = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap());
    assert_eq!(ids.collect::<Vec<_>>(), (1..=AUDITED).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn what_callers_change_is_noted_with_its_outcome() {
    let house = House::open().await;
    let path = format!("/api/v1/instances/{}", house.node.instance);
    house.post("/api/v1/instances", house.ann(), &json!({"build": "demo"})).await;
    house.post("/api/v1/instances", house.ann(), &json!({"build": "full"})).await;
    house.post(&format!("{path}/invites"), house.ann(), &json!({"role": "pilot"})).await;
    house.ask(Method::DELETE, &path).bearer_auth(house.ben()).send().await.unwrap();
    house.post("/api/v1/admin/commands", house.admin(), &json!({"command": "remove_build", "id": "x"})).await;
    let noted = house.node.noted.lock().unwrap();
    let words: Vec<_> = noted
        .iter()
        .map(|(_, asked, answer)| (asked.what.as_str(), asked.detail.as_str(), *answer))
        .collect();
    assert_eq!(
        words,
        [
            ("launch", "demo", Ok(())),
            ("launch", "full", Err(429)),
            ("invite", "pilot", Ok(())),
            ("stop", "", Err(404)),
            ("remove_build", "id x", Err(404)),
        ]
    );
    assert_eq!(noted[0].1.instance, Some(house.node.instance));
    assert_eq!(noted[4].0, crate::Caller::Admin);
}

#[tokio::test]
async fn a_bad_body_is_refused_with_a_sentence() {
    let house = House::open().await;
    let huge = format!(r#"{{"build":"{}"}}"#, "x".repeat(70_000));
    for (kind, body, status, says) in [
        ("application/json", r#"{"build":"#, 400, "EOF"),
        ("application/json", "build=demo", 400, "not understood"),
        ("application/json", r#"{"biuld":"demo"}"#, 422, "unknown field `biuld`"),
        ("application/json", r#"{"width":-1}"#, 422, "not understood"),
        ("application/json", "[[[[[[[[[[[[[[", 400, "not understood"),
        ("application/json; charset=utf-8", r#"{"build":"other"}"#, 422, "no such build"),
        ("text/plain", r#"{"build":"demo"}"#, 415, "application/json"),
        ("application/json", &huge, 413, "64 KiB"),
    ] {
        let request = house.ask(Method::POST, "/api/v1/instances").bearer_auth(house.ann());
        let response = request.header("content-type", kind).body(body.to_owned()).send().await.unwrap();
        let said = problem(response, status).await;
        assert!(said.contains(says), "{}: {said}", &body[..body.len().min(40)]);
    }
    let invite = format!("/api/v1/instances/{}/invites", house.node.instance);
    assert!(problem(house.post(&invite, house.ann(), &json!({})).await, 422).await.contains("role"));
}

#[tokio::test]
async fn the_catalog_is_listed() {
    let house = House::open().await;
    for path in ["/api/v1/builds", "/api/v1/profiles", "/api/v1/profiles?build=demo", "/api/v1/servers"] {
        let list: Vec<Value> = house.get(path, house.ann()).await.json().await.unwrap();
        assert_eq!(list.len(), 1, "{path}");
    }
    problem(house.get("/api/v1/profiles?build=none", house.ann()).await, 404).await;
    problem(house.get("/api/v1/profiles?build=a&build=b", house.ann()).await, 400).await;
    let ticket = format!("/api/v1/queue/{}", house.node.instance);
    problem(house.get(&ticket, house.ann()).await, 404).await;
    problem(house.ask(Method::DELETE, &ticket).bearer_auth(house.ann()).send().await.unwrap(), 404).await;
    problem(house.post(&ticket, house.ann(), &json!({})).await, 409).await;
    assert!(problem(house.get("/api/v1/queue/7", house.ann()).await, 404).await.contains("UUID"));
}

#[tokio::test]
async fn the_panel_is_for_administrators() {
    let house = House::open().await;
    let stop = json!({"command": "stop", "instance_id": house.node.instance});
    for response in [
        house.get("/api/v1/admin/snapshot", house.ann()).await,
        house.get("/api/v1/admin/events", house.ann()).await,
        house.post("/api/v1/admin/commands", house.ann(), &stop).await,
    ] {
        assert!(problem(response, 403).await.contains("token create"));
    }
    let snapshot: Value = house.get("/api/v1/admin/snapshot", house.admin()).await.json().await.unwrap();
    assert_eq!(snapshot["node"]["name"], "test");
    let done = house.post("/api/v1/admin/commands", house.admin(), &stop).await;
    assert_eq!(done.json::<Value>().await.unwrap()["result"], "done");
    problem(house.post("/api/v1/admin/commands", house.admin(), &json!({"command": "explode"})).await, 422)
        .await;
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_document_too() {
    let house = House::open().await;
    for (method, path) in [
        (Method::GET, "/api/v1/nothing"),
        (Method::GET, "/api"),
        (Method::POST, "/nowhere"),
        (Method::GET, "/api/v2/instances"),
    ] {
        problem(house.ask(method, path).send().await.unwrap(), 404).await;
    }
    let response = house.ask(Method::PUT, "/api/v1/instances").send().await.unwrap();
    let allowed = response.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    assert!(problem(response, 405).await.contains("PUT"));
}

#[tokio::test]
async fn health_is_for_this_machine_and_administrators() {
    let house = House::open().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(house.ask(Method::GET, path).send().await.unwrap().status(), 200, "{path}");
        let passed_on = || house.ask(Method::GET, path).header("x-forwarded-for", "192.0.2.1");
        problem(passed_on().send().await.unwrap(), 401).await;
        problem(passed_on().bearer_auth(house.ann()).send().await.unwrap(), 403).await;
        assert_eq!(passed_on().bearer_auth(house.admin()).send().await.unwrap().status(), 200);
    }
    house.node.is_ready.store(false, Ordering::SeqCst);
    let response = house.ask(Method::GET, "/readyz").send().await.unwrap();
    assert!(problem(response, 503).await.contains("No encoder"));

    let open = House::with(crate::Config { open_health: true, ..super::config() }, Default::default()).await;
    let passed_on = open.ask(Method::GET, "/healthz").header("x-forwarded-for", "192.0.2.1");
    assert_eq!(passed_on.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn metrics_tell_routes_and_never_paths() {
    let house = House::open().await;
    house.get(&format!("/api/v1/instances/{}?secret=1", house.node.instance), house.ann()).await;
    house.get("/some/path", "").await;
    let text = house.ask(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(
        text.contains(
            r#"openspace_gateway_requests_total{method="GET",route="/api/v1/instances/{id}",status="200"} 1"#
        ),
        "{text}"
    );
    assert!(text.contains("openspace_viewers 7") && text.contains("openspace_gateway_open_connections"));
    for secret in ["secret", "some/path", house.ann(), &house.node.instance.to_string()] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_api_describes_itself() {
    let house = House::open().await;
    let response = house.ask(Method::GET, "/api/v1/openapi.json").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let served: Value = response.json().await.unwrap();
    assert_eq!(served, serde_json::from_str::<Value>(&crate::openapi()).unwrap());
}

#[tokio::test]
async fn a_handler_that_panics_answers_and_the_next_request_is_served() {
    let house = House::open().await;
    house.node.breaks.store(true, Ordering::SeqCst);
    problem(house.get("/api/v1/instances", house.ann()).await, 500).await;
    house.node.breaks.store(false, Ordering::SeqCst);
    assert_eq!(house.get("/api/v1/instances", house.ann()).await.status(), 200);
}

#[tokio::test]
async fn no_secret_reaches_the_log() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _here = tracing::subscriber::set_default(subscriber);
    let house = House::open().await;
    let invite = json!({"role": "watcher"});
    house.get("/api/v1/instances?token=in-the-query", house.ann()).await;
    house.post(&format!("/api/v1/instances/{}/invites", house.node.instance), house.ann(), &invite).await;
    house.get("/api/v1/instances", &"wrong-token-".repeat(4)).await;
    let mut viewer = house.welcomed().await;
    viewer.say(r#"{"type":"answer","sdp":"ice-pwd:hidden"}"#).await;
    viewer.say("malformed ice-pwd:hidden").await;
    viewer.closed().await;
    house.gateway.close().await;

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours: String =
        text.lines().filter(|line| line.contains("gateway") || line.contains("access")).collect();
    assert!(ours.contains("/api/v1/instances/{id}/invites"), "the access log is there: {text}");
    for secret in [house.node.ann.reveal(), "in-the-query", "wrong-token", "hidden", "#invite"] {
        assert!(!ours.contains(secret), "{secret} is in the log");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
