//! The whole gateway over real TCP, with a small node behind it that the tests can look into.

#![allow(clippy::unwrap_used)]

mod api;
mod events;
mod limits;
mod node;
mod old_world;
mod pages;
mod signal;
mod tls;
mod whep;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use protocol::signal::ServerMessage;
use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, protocol::CloseFrame},
};

use self::node::Node;
use crate::{Certificate, Config, Gateway, app::Tuning, dist::Pages, open::open};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway on free ports with its node.
struct House {
    gateway: Gateway,
    node: Arc<Node>,
    client: Client,
    base: String,
}

fn config() -> Config {
    Config {
        http: SocketAddr::from(([127, 0, 0, 1], 0)),
        https: None,
        supervisor: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        certificate: Certificate::SelfSigned { dir: "/nonexistent".into(), names: Vec::new() },
        open_health: false,
        allowed_origins: vec!["tauri://localhost".to_owned()],
    }
}

fn some_pages() -> Pages {
    Pages::from_texts(&[
        ("index.html", "<title>home</title>"),
        ("viewer.html", "<title>viewer page</title>"),
        ("admin.html", "<title>the admin page</title>"),
        ("assets/app-1a2b.js", "let a = 1"),
        ("favicon.svg", "<svg/>"),
    ])
}

impl House {
    async fn open() -> Self {
        Self::with(config(), Tuning::default()).await
    }

    async fn tuned(tuning: Tuning) -> Self {
        Self::with(config(), tuning).await
    }

    async fn with(config: Config, tuning: Tuning) -> Self {
        let node = Arc::new(Node::new());
        let gateway = open(config, node.clone(), some_pages(), tuning).await.unwrap();
        let base = format!("http://127.0.0.1:{}", gateway.http_port());
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE).build().unwrap();
        Self { gateway, node, client, base }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    async fn get(&self, path: &str, token: &str) -> Response {
        self.ask(Method::GET, path).bearer_auth(token).send().await.unwrap()
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Response {
        self.ask(Method::POST, path).bearer_auth(token).json(body).send().await.unwrap()
    }

    fn ann(&self) -> &str {
        self.node.ann.reveal()
    }
    fn ben(&self) -> &str {
        self.node.ben.reveal()
    }
    fn admin(&self) -> &str {
        self.node.admin.reveal()
    }

    fn signal_url(&self) -> String {
        format!("ws://127.0.0.1:{}/api/v1/instances/{}/signal", self.gateway.http_port(), self.node.instance)
    }

    async fn viewer(&self) -> Viewer {
        Viewer(connect_async(self.signal_url()).await.unwrap().0)
    }

    /// A viewer that was welcomed.
    async fn welcomed(&self) -> Viewer {
        let mut viewer = self.viewer().await;
        viewer.hello(self.ann()).await;
        assert!(matches!(viewer.hears().await, Heard::Said(ServerMessage::Welcome { .. })));
        viewer
    }

    /// The HTTP answer to a socket that was not opened.
    async fn refused_upgrade(&self, url: &str, headers: &[(&'static str, &str)]) -> (u16, Value) {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                (response.status().as_u16(), serde_json::from_slice(body).unwrap_or(Value::Null))
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("the socket was opened"),
        }
    }
}

/// A problem document is one by its content type, its four fields, and a sentence.
async fn problem(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status, "{}", response.url());
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert!(body["type"].is_string() && body["title"].is_string());
    let detail = body["detail"].as_str().unwrap().to_owned();
    assert!(detail.len() > 20 && detail.contains(' '), "no sentence: {detail}");
    detail
}

#[derive(Debug)]
enum Heard {
    Said(ServerMessage),
    Closed(u16, String),
    Broken,
}

/// A stream page's socket.
struct Viewer(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Viewer {
    async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    async fn hello(&mut self, session: &str) {
        self.say(format!(r#"{{"type":"hello","protocol":1,"session_id":"{session}"}}"#)).await;
    }

    /// The next thing that is not a ping.
    async fn hears(&mut self) -> Heard {
        tokio::time::timeout(PATIENCE, next(&mut self.0)).await.expect("something is heard in time")
    }

    /// Everything until the end, which is returned.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.hears().await {
                Heard::Said(_) => {}
                Heard::Closed(code, reason) => return (code, reason),
                Heard::Broken => panic!("the socket broke without a close frame"),
            }
        }
    }
}

async fn next<S>(socket: &mut S) -> Heard
where
    S: StreamExt<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Heard::Said(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
                return Heard::Closed(code.into(), reason.to_string());
            }
            Some(Ok(Message::Close(None))) | Some(Err(_)) | None => return Heard::Broken,
            Some(Ok(_)) => {}
        }
    }
}

/// Waits until `what` holds.
async fn until(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the state is reached in time");
}
