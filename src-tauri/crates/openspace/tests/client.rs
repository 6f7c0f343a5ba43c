//! The client against a far side that is scripted, down to the order of its messages and the moment of its end.
#![allow(clippy::unwrap_used)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use model::{ApiGeneration, Role, UnixMillis, launch::Api, scene::Wish};
use openspace::{
    client::{Client, ClientError},
    gate::{Grounds, judge},
    saved::Saved,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

/// Far longer than anything here takes; a test that runs into it has failed.
const LONG: Duration = Duration::from_secs(30);
/// For what is expected not to happen within it.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn the_newer_generation_is_greeted_first_and_then_asked() {
    let far = Far::start(async |mut socket: Socket| {
        let hello = hear(&mut socket).await.unwrap();
        assert_eq!(hello["type"], "apiHandshake");
        answer_all(socket, json!({ "major": 0, "minor": 22, "patch": 0 })).await;
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    assert_eq!(client.version().await.unwrap().openspace, "0.22.0");
}

#[tokio::test]
async fn the_older_generation_is_asked_without_a_greeting() {
    let far = Far::start(async |mut socket: Socket| {
        let first = hear(&mut socket).await.unwrap();
        assert_eq!((&first["type"], &first["payload"]), (&json!("version"), &json!({})));
        say(
            &mut socket,
            &reply(&first, version_payload(json!({ "major": 255, "minor": 255, "patch": 255 }))),
        )
        .await;
        answer_all(socket, json!({ "major": "", "minor": "", "patch": "" })).await;
    })
    .await;
    let client = far.client(ApiGeneration::Legacy).await.unwrap();
    assert_eq!(client.version().await.unwrap().openspace, "", "a development build");
}

#[tokio::test]
async fn a_recorded_session_of_a_real_openspace_is_lived_through() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/openspace/session-0.22-b.jsonl");
    let recorded: Vec<Value> = std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let far = Far::start(async move |mut socket: Socket| {
        let mut said = recorded.iter().filter(|entry| entry["dir"] == "<").map(|entry| entry["d"].clone());
        let mut asked = recorded.iter().filter(|entry| entry["dir"] == ">").map(|entry| entry["d"].clone());
        assert_eq!(hear(&mut socket).await, asked.next(), "the greeting, as recorded");
        let version = hear(&mut socket).await;
        assert_eq!(version, asked.next(), "the first question, as recorded");
        say(&mut socket, &said.next().unwrap()).await;
        // Everything else that the real one said reaches a client that waits for nothing of it.
        let question = hear(&mut socket).await.unwrap();
        for message in said.filter(|message| message["topic"] != question["topic"]) {
            say(&mut socket, &message).await;
        }
        say(&mut socket, &reply(&question, version_payload(json!({ "major": 0, "minor": 22, "patch": 0 }))))
            .await;
        answer_all(socket, Value::Null).await;
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    assert_eq!(client.version().await.unwrap().openspace, "0.22.0");
}

#[tokio::test]
async fn a_scene_that_loads_long_is_waited_for_on_one_single_connection() {
    let (listener, api) = listener().await;
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = accepted.clone();
    let far = tokio::spawn(async move {
        let mut silent = Vec::new();
        loop {
            silent.push(listener.accept().await.unwrap());
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    let refused = Client::connect(api, SHORT).await.unwrap_err();
    assert_eq!(refused, ClientError::Deadline("upgrade", SHORT));
    while accepted.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
    far.abort();
}

#[tokio::test]
async fn a_port_that_opens_late_is_waited_for() {
    let (closed, api) = closed_port();
    let mut client = tokio::spawn(Client::connect(api, LONG));
    assert!(timeout(SHORT, &mut client).await.is_err(), "it waits");
    let listener = closed.listen(1).unwrap();
    let far = tokio::spawn(async move {
        let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        hear(&mut socket).await.unwrap();
        answer_all(socket, json!({})).await;
    });
    client.await.unwrap().unwrap();
    far.abort();
}

#[tokio::test]
async fn a_port_that_never_opens_is_told() {
    let (_closed, api) = closed_port();
    assert!(matches!(Client::connect(api, SHORT).await, Err(ClientError::Connect(_))));
}

#[tokio::test]
async fn one_that_upgrades_but_never_answers_is_told() {
    let far = Far::start(async |mut socket: Socket| while hear(&mut socket).await.is_some() {}).await;
    // Long enough for the upgrade, also on a busy machine.
    let within = Duration::from_secs(3);
    let refused = Client::connect(far.api(ApiGeneration::New), within).await.unwrap_err();
    assert_eq!(refused, ClientError::Deadline("version", within));
}

#[tokio::test]
async fn a_close_at_every_step_is_told_and_never_hangs() {
    // Before the upgrade is answered.
    let (listener, api) = listener().await;
    let far = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    assert_eq!(Client::connect(api, LONG).await.unwrap_err(), ClientError::ClosedEarly(ApiGeneration::New));
    far.await.unwrap();

    // After so many messages were heard: the greeting, the first question.
    for heard in 0..=2 {
        let far = Far::start(async move |mut socket: Socket| {
            for _ in 0..heard {
                hear(&mut socket).await.unwrap();
            }
        })
        .await;
        let refused = far.client(ApiGeneration::New).await.unwrap_err();
        assert_eq!(refused, ClientError::ClosedEarly(ApiGeneration::New), "after {heard}");
        assert!(refused.to_string().contains("check the build"));
    }

    // While a call waits.
    let far = Far::start(async |mut socket: Socket| {
        hear(&mut socket).await.unwrap();
        let question = hear(&mut socket).await.unwrap();
        say(&mut socket, &reply(&question, json!({}))).await;
        hear(&mut socket).await.unwrap();
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    assert_eq!(client.version().await.unwrap_err(), ClientError::Closed);
    timeout(LONG, client.closed()).await.unwrap();
    assert_eq!(client.version().await.unwrap_err(), ClientError::Closed, "and after it");
    client.zoom(1.0);
}

#[tokio::test]
async fn garbage_before_and_between_the_answers_is_stepped_over() {
    let far = Far::start(async |mut socket: Socket| {
        hear(&mut socket).await.unwrap();
        for garbage in
            ["", "hello", "{", "[1,2]", "null", r#"{"topic":77,"payload":{}}"#, r#"{"payload":{}}"#]
        {
            socket.send(Message::text(garbage)).await.unwrap();
        }
        socket.send(Message::binary(vec![0xff; 1000])).await.unwrap();
        socket.send(Message::Ping(vec![1].into())).await.unwrap();
        socket.send(Message::text("[".repeat(1 << 20))).await.unwrap();
        answer_all(socket, json!({ "major": 0, "minor": 22, "patch": 1 })).await;
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    assert_eq!(client.version().await.unwrap().openspace, "0.22.1");
}

#[tokio::test]
async fn a_message_beyond_the_bound_ends_the_connection_and_not_the_memory() {
    let far = Far::start(async |mut socket: Socket| {
        hear(&mut socket).await.unwrap();
        let question = hear(&mut socket).await.unwrap();
        say(&mut socket, &reply(&question, json!({}))).await;
        // The client hangs up while this is still being sent.
        let _ = socket.send(Message::text("x".repeat(40 << 20))).await;
        while hear(&mut socket).await.is_some() {}
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    timeout(LONG, client.closed()).await.unwrap();
    assert_eq!(client.version().await.unwrap_err(), ClientError::Closed);
}

#[tokio::test]
async fn something_that_is_no_websocket_is_told() {
    let (listener, api) = listener().await;
    let far = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 2048]).await;
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        let _ = stream.read(&mut [0; 2048]).await;
    });
    let refused = Client::connect(api, LONG).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Garbage(what) if what.contains("404")), "{refused}");
    far.await.unwrap();
}

#[tokio::test]
async fn answers_that_come_late_and_in_the_wrong_order_find_those_who_asked() {
    let far = Far::start(async |mut socket: Socket| {
        hear(&mut socket).await.unwrap();
        let question = hear(&mut socket).await.unwrap();
        say(&mut socket, &reply(&question, json!({}))).await;
        let mut questions = Vec::new();
        for _ in 0..8 {
            questions.push(hear(&mut socket).await.unwrap());
        }
        for question in questions.iter().rev() {
            let patch = question["topic"].clone();
            say(
                &mut socket,
                &reply(question, version_payload(json!({ "major": 0, "minor": 0, "patch": patch }))),
            )
            .await;
        }
        answer_all(socket, Value::Null).await;
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    let calls = (0..8).map(|_| client.version());
    let mut patches: Vec<_> = futures_util::future::join_all(calls)
        .await
        .into_iter()
        .map(|answer| answer.unwrap().openspace)
        .collect();
    let in_order = patches.clone();
    patches.sort();
    patches.dedup();
    assert_eq!((patches.len(), &patches), (8, &in_order), "each its own, in the order of asking");
}

#[tokio::test]
async fn the_shutdown_is_toggled_once_however_many_ask() {
    let toggles = Arc::new(AtomicUsize::new(0));
    let counter = toggles.clone();
    let far = Far::start(async move |mut socket: Socket| {
        hear(&mut socket).await.unwrap();
        while let Some(question) = hear(&mut socket).await {
            if question["payload"]["function"] == "openspace.toggleShutdown" {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            say(&mut socket, &reply(&question, json!({}))).await;
        }
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    let (a, b) = (client.clone(), client.clone());
    let (first, second, third) = tokio::join!(client.shut_down(), a.shut_down(), b.shut_down());
    assert_eq!((first, second, third), (Ok(()), Ok(()), Ok(())));
    assert_eq!(client.shut_down().await, Ok(()));
    client.version().await.unwrap();
    assert_eq!(toggles.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_openspace_that_ends_instead_of_answering_the_shutdown_has_done_it() {
    let far = Far::start(async |mut socket: Socket| {
        hear(&mut socket).await.unwrap();
        let question = hear(&mut socket).await.unwrap();
        say(&mut socket, &reply(&question, json!({}))).await;
        hear(&mut socket).await.unwrap();
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    assert_eq!(client.shut_down().await, Ok(()));
    timeout(LONG, client.closed()).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_the_wheel_becomes_one_impulse_a_frame() {
    let (impulses, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let far = Far::start(async move |mut socket: Socket| {
        hear(&mut socket).await.unwrap();
        while let Some(question) = hear(&mut socket).await {
            if question["payload"]["function"] == "openspace.navigation.addTruckMovement" {
                impulses.send(question["payload"]["arguments"][0].as_f64().unwrap()).unwrap();
            }
            say(&mut socket, &reply(&question, json!({}))).await;
        }
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    for _ in 0..50 {
        client.zoom(-0.1);
    }
    let mut sum = 0.0;
    let mut count = 0;
    while sum > -499.9 {
        sum += timeout(LONG, heard.recv()).await.unwrap().unwrap();
        count += 1;
    }
    assert!((sum + 500.0).abs() < 0.01, "{sum}");
    assert!(count < 50, "{count}");
}

#[tokio::test]
async fn a_build_from_before_0_21_is_steered_by_its_own_names() {
    let (steps, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let far = Far::start(async move |mut socket: Socket| {
        while let Some(question) = hear(&mut socket).await {
            let function = question["payload"]["function"].as_str().unwrap_or_default();
            let answer = match question["type"].as_str().unwrap() {
                "version" => version_payload(json!({ "major": "", "minor": "", "patch": "" })),
                "get" => json!({ "subowners": [{ "identifier": "Scene", "subowners": [{ "identifier": "Mars" }] }] }),
                "shortcuts" => json!({ "shortcuts": [{ "identifier": "os.Trails", "name": "Trails" }] }),
                "documentation" => json!([
                    { "library": "", "functions": [{ "name": "setPropertyValueSingle" }] },
                    { "library": "pathnavigation", "functions": [{ "name": "flyTo" }] },
                ]),
                "luascript" => {
                    steps.send(function.to_owned()).unwrap();
                    json!({})
                }
                _ => {
                    let error = json!({ "topic": question["topic"], "status": "error", "message": "no such topic" });
                    say(&mut socket, &error).await;
                    continue;
                }
            };
            say(&mut socket, &reply(&question, answer)).await;
        }
    })
    .await;
    let client = far.client(ApiGeneration::Legacy).await.unwrap();
    let tree = client.tree().await.unwrap();
    assert_eq!(tree.actions()[0].id, "os.Trails");
    let node = || "Mars".to_owned();
    for (wish, done) in [
        (Wish::FlyTo { node: node(), duration_s: None }, Ok(None)),
        (Wish::Focus { node: node() }, Ok(None)),
        (Wish::Pause { paused: true }, Err(ClientError::Lacks("time.setPause"))),
    ] {
        let grounds = Grounds {
            tree: &tree,
            saved: &Saved::of(Path::new("/nowhere")),
            recordings: &[],
            recorder: None,
            raw_lua: false,
            now: UnixMillis(0),
        };
        let call = judge(&wish, Role::Pilot, &grounds).unwrap();
        assert_eq!(client.perform(call).await, done, "{wish:?}");
    }
    let heard: Vec<_> = std::iter::from_fn(|| heard.try_recv().ok()).collect();
    assert_eq!(heard, ["openspace.pathnavigation.flyTo", "openspace.setPropertyValueSingle"]);
}

#[tokio::test]
async fn the_connection_ends_with_its_last_handle() {
    let far = Far::start(async |mut socket: Socket| {
        hear(&mut socket).await.unwrap();
        answer_all(socket, json!({})).await;
    })
    .await;
    let client = far.client(ApiGeneration::New).await.unwrap();
    let clone = client.clone();
    drop(client);
    clone.version().await.unwrap();
    drop(clone);
    timeout(LONG, far.task).await.unwrap().unwrap();
}

type Socket = WebSocketStream<TcpStream>;

/// The far side: accepts one connection, answers its upgrade and plays its script.
struct Far {
    port: u16,
    task: JoinHandle<()>,
}

impl Far {
    async fn start<F, T>(script: F) -> Self
    where
        F: FnOnce(Socket) -> T + Send + 'static,
        T: Future<Output = ()> + Send,
    {
        let (listener, api) = listener().await;
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            script(accept_async(stream).await.unwrap()).await;
        });
        Self { port: api.port, task }
    }

    fn api(&self, generation: ApiGeneration) -> Api {
        Api { port: self.port, generation }
    }

    async fn client(&self, generation: ApiGeneration) -> Result<Client, ClientError> {
        timeout(LONG, Client::connect(self.api(generation), LONG)).await.unwrap()
    }
}

async fn listener() -> (TcpListener, Api) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, Api { port, generation: ApiGeneration::New })
}

/// A port that is taken, so that nobody else opens it, but refuses connections until it listens.
fn closed_port() -> (TcpSocket, Api) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, Api { port, generation: ApiGeneration::New })
}

/// The next message; `None` when the client has gone.
async fn hear(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

async fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// Answers every question as a `version` until the client goes.
async fn answer_all(mut socket: Socket, version: Value) {
    while let Some(question) = hear(&mut socket).await {
        say(&mut socket, &reply(&question, version_payload(version.clone()))).await;
    }
}

fn reply(question: &Value, payload: Value) -> Value {
    json!({ "topic": question["topic"], "payload": payload })
}

fn version_payload(version: Value) -> Value {
    json!({ "openSpaceVersion": version, "socketApiVersion": { "major": 0, "minor": 1, "patch": 0 } })
}
