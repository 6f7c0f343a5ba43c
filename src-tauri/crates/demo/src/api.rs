//! The API as OpenSpace offers it: clients, each with topics, handled once a frame.
//!
//! Errors are never answered, only logged: that is how a real OpenSpace behaves, and clients have to live with it.

mod answers;
mod error_log;
mod flight;
mod replies;
pub mod sockets;
mod topics;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    config::{Admission, InterfaceKind},
    dialect::Dialect,
    faults::{Fault, FaultSwitch, Faults},
    log::{Log, Record},
    lua::Scripts,
    world::{Event, World},
};
use sockets::{News, Sockets};
use topics::Topic;

/// Topics that one client may have open.
const TOPICS: usize = 4096;

#[derive(Debug)]
pub struct Server {
    sockets: Sockets,
    dialect: Dialect,
    clients: BTreeMap<u64, Client>,
    log: Log,
    fault: FaultSwitch,
}

#[derive(Debug)]
struct Client {
    name: String,
    out: mpsc::Sender<String>,
    password: Arc<str>,
    authorized: bool,
    /// NEW: an `apiHandshake` has come.
    shook_hands: bool,
    topics: BTreeMap<i64, Topic>,
    /// What each of its topics is about.
    kinds: BTreeMap<i64, String>,
    /// It was told more than it can take; whatever came after that would only pile up.
    stuffed: Cell<bool>,
}

/// What topics may ask and change.
pub(crate) struct Context<'a> {
    pub world: &'a Rc<RefCell<World>>,
    pub scripts: &'a Scripts,
    pub dialect: Dialect,
    pub log: &'a Log,
    pub faults: &'a Faults,
}

/// What happened in a frame.
pub(crate) struct Frame<'a> {
    pub events: &'a [Event],
    pub changed: &'a [String],
    pub records: &'a [Record],
}

enum Verdict {
    Stay,
    Drop,
}

impl Server {
    pub fn new(sockets: Sockets, dialect: Dialect, log: Log, fault: FaultSwitch) -> Self {
        sockets.answer_from_now_on();
        Self { sockets, dialect, clients: BTreeMap::new(), log, fault }
    }

    /// Handles what came in since the last frame.
    pub fn hear(&mut self, world: &Rc<RefCell<World>>, scripts: &Scripts) {
        let log = self.log.clone();
        let faults = self.fault.now().clone();
        let context = Context { world, scripts, dialect: self.dialect, log: &log, faults: &faults };
        // Only what is there now: what a client answers to our answers is for the next frame, as in OpenSpace.
        for _ in 0..self.sockets.news.len() {
            let Ok(news) = self.sockets.news.try_recv() else { return };
            match news {
                News::Opened { client, address, kind, admission, password, out } => {
                    if kind == InterfaceKind::WebSocket {
                        self.log.debug("WebSocket", format!("onOpen: WebSocket opened. Client: {address}"));
                    }
                    let client_ = Client {
                        name: address.to_string(),
                        out,
                        password,
                        authorized: admission == Admission::Free,
                        shook_hands: false,
                        topics: BTreeMap::new(),
                        kinds: BTreeMap::new(),
                        stuffed: Cell::new(false),
                    };
                    self.clients.insert(client, client_);
                }
                News::Said { client, text } => {
                    let verdict = self.clients.get_mut(&client).map(|client| client.hear(&text, &context));
                    if matches!(verdict, Some(Verdict::Drop)) {
                        self.drop_client(client);
                    }
                }
                News::Closed { client } => self.drop_client(client),
            }
        }
    }

    /// Tells subscribers what changed in this frame.
    pub fn tell(&mut self, world: &Rc<RefCell<World>>, scripts: &Scripts) {
        let (events, changed) = {
            let mut world = world.borrow_mut();
            (std::mem::take(&mut world.events), std::mem::take(&mut world.changed))
        };
        let records = self.log.take();
        let log = self.log.clone();
        let faults = self.fault.now().clone();
        let context = Context { world, scripts, dialect: self.dialect, log: &log, faults: &faults };
        let news = Frame { events: &events, changed: &changed, records: &records };
        let mut slow = Vec::new();
        for (id, client) in &mut self.clients {
            let mut topics = std::mem::take(&mut client.topics);
            for (topic, state) in &mut topics {
                for payload in state.stream(&news, &context) {
                    if matches!(client.send(*topic, payload, &context), Verdict::Drop) && !slow.contains(id) {
                        slow.push(*id);
                    }
                }
            }
            client.topics = topics;
        }
        for id in slow {
            self.drop_client(id);
        }
    }

    fn drop_client(&mut self, id: u64) {
        if let Some(client) = self.clients.remove(&id) {
            // No topic of its ends by that: as with a real one, the camera goes on as its flight controller said last.
            self.log.debug("WebSocket", format!("onClose: WebSocket closing. Client: {}", client.name));
        }
    }
}

impl Client {
    fn hear(&mut self, text: &str, context: &Context<'_>) -> Verdict {
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            context.log.error(
                "ServerModule: Connection",
                format!("JSON parse error in a message of {} bytes", text.len()),
            );
            return if self.authorized { Verdict::Stay } else { Verdict::Drop };
        };
        if message["type"] == "apiHandshake" && context.dialect == Dialect::New {
            self.shook_hands = true;
            return match context.faults.of("handshake") {
                Some(Fault::HangUp) => Verdict::Drop,
                Some(fault) => self.say(fault.spoil(0, Value::Null)),
                None => Verdict::Stay,
            };
        }
        if context.dialect == Dialect::New && !self.shook_hands {
            context.log.error(
                "ServerModule: Connection",
                "Unsupported API version: the first message was not an apiHandshake",
            );
            return Verdict::Drop;
        }
        let Some(topic) = message["topic"].as_i64() else {
            context.log.error("ServerModule: Connection", "Topic must be an integer");
            return Verdict::Stay;
        };
        let payload = message.get("payload").cloned().unwrap_or(Value::Null);
        if let Some(state) = self.topics.get_mut(&topic) {
            let replies = state.talk(&payload, context);
            let done = state.is_done();
            if done {
                self.topics.remove(&topic);
            }
            return self.send_all(topic, replies, context);
        }
        let Some(kind) = message["type"].as_str() else {
            context.log.error("ServerModule: Connection", "Type must be a string");
            return Verdict::Stay;
        };
        self.start(topic, kind, &payload, context)
    }

    fn start(&mut self, topic: i64, kind: &str, payload: &Value, context: &Context<'_>) -> Verdict {
        self.kinds.retain(|topic, _| self.topics.contains_key(topic));
        self.kinds.insert(topic, kind.to_owned());
        match context.faults.of(kind) {
            Some(Fault::Silent) => return Verdict::Stay,
            Some(Fault::HangUp) => return Verdict::Drop,
            _ => {}
        }
        if kind == "authorize" {
            let reply = self.authorize(payload, context.dialect);
            return self.send(topic, reply, context);
        }
        if !self.authorized {
            context.log.warning("ServerModule: Connection", "Client is not authorized");
            return Verdict::Stay;
        }
        if self.topics.len() >= TOPICS {
            context.log.error("ServerModule: Connection", "Too many topics of one client");
            return Verdict::Stay;
        }
        let opened = topics::open(kind, payload, context);
        if let Some(error) = opened.error {
            // A bare error, without a payload, as LEGACY's `get` answers it.
            return self.write(&json!({ "topic": topic, "status": "error", "message": error, "code": 404 }));
        }
        if let Some(state) = opened.topic {
            self.topics.insert(topic, state);
        }
        self.send_all(topic, opened.replies, context)
    }

    fn authorize(&mut self, payload: &Value, dialect: Dialect) -> Value {
        let key = match dialect {
            Dialect::New => "password",
            Dialect::Legacy => "key",
        };
        let status = match payload[key].as_str() {
            None => "badRequest",
            Some(_) if self.authorized => "authorized",
            Some(given) if !self.password.is_empty() && *given == *self.password => {
                self.authorized = true;
                "authorized"
            }
            Some(_) => "incorrectKey",
        };
        replies::authorized(status, dialect)
    }

    fn send_all(&self, topic: i64, payloads: Vec<Value>, context: &Context<'_>) -> Verdict {
        for payload in payloads {
            if let Verdict::Drop = self.send(topic, payload, context) {
                return Verdict::Drop;
            }
        }
        Verdict::Stay
    }

    fn send(&self, topic: i64, payload: Value, context: &Context<'_>) -> Verdict {
        let fault = self.kinds.get(&topic).and_then(|kind| context.faults.of(kind));
        match fault {
            None => self.write(&json!({ "topic": topic, "payload": payload })),
            Some(Fault::HangUp) => Verdict::Drop,
            Some(_) if self.stuffed.get() => Verdict::Stay,
            Some(fault) => {
                self.stuffed.set(fault == Fault::Huge);
                self.say(fault.spoil(topic, payload))
            }
        }
    }

    fn write(&self, message: &Value) -> Verdict {
        self.say(Some(message.to_string()))
    }

    fn say(&self, text: Option<String>) -> Verdict {
        match text.map(|text| self.out.try_send(text)) {
            None | Some(Ok(())) => Verdict::Stay,
            Some(Err(_)) => Verdict::Drop,
        }
    }
}
