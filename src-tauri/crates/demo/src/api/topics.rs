//! What a client may ask: one topic a question, each with its own request, its own answer, and for some a stream that follows.

use serde_json::{Value, json};

use super::{
    Context, Frame, answers,
    error_log::{self, ErrorLog},
    flight, replies,
};
use crate::{
    dialect::Dialect,
    log::Level,
    world::{World, camera, controllers::Controller, timeline::Timeline},
};

/// A topic that lives on after its first answer.
#[derive(Debug)]
pub enum Topic {
    Subscription {
        uri: String,
    },
    Time {
        told: (u64, u64, bool, usize),
        sent_at_s: f64,
    },
    Camera {
        sent_at_s: f64,
    },
    CameraPath {
        sent_at_s: f64,
    },
    EngineMode {
        told: &'static str,
    },
    /// The names of the events, or all of them.
    Event {
        names: Option<Vec<String>>,
    },
    FlightController(Controller),
    SessionRecording {
        told: Value,
        wanted: Vec<String>,
    },
    PropertyTree,
    /// What was logged earlier in the frame of the request is not for it.
    ErrorLog {
        settings: ErrorLog,
        earlier: usize,
    },
    DownloadEvent,
    Gone,
}

#[derive(Debug, Default)]
pub struct Opened {
    pub topic: Option<Topic>,
    pub replies: Vec<Value>,
    pub error: Option<String>,
}

/// Seconds between two messages of these streams.
const TIME_EVERY_S: f64 = 0.05;
const CAMERA_EVERY_S: f64 = 0.1;

pub fn reply(payload: Value) -> Opened {
    Opened { replies: vec![payload], ..Opened::default() }
}

pub fn silence() -> Opened {
    Opened::default()
}

fn stream(topic: Topic, replies: Vec<Value>) -> Opened {
    Opened { topic: Some(topic), replies, ..Opened::default() }
}

/// Starts a topic.
pub fn open(kind: &str, payload: &Value, context: &Context<'_>) -> Opened {
    let starts = payload["event"] == "start_subscription";
    let new = context.dialect == Dialect::New;
    match kind {
        "version" => reply(answers::version(context.dialect)),
        "bounce" if !new => reply(payload.clone()),
        "get" => answers::get(payload, context),
        "set" => {
            answers::set(payload, context);
            silence()
        }
        "trigger" => {
            let uri = payload["property"].as_str().unwrap_or_default();
            attempt(context, "TriggerPropertyTopic", |world| world.set_property(uri, Value::Null, 0.0));
            silence()
        }
        "luascript" => answers::lua_script(payload, context),
        "subscribe" if starts => subscribe(payload, context),
        "time" if starts => {
            let world = context.world.borrow();
            let told = world.time.signature();
            stream(Topic::Time { told, sent_at_s: world.clock_s }, time_state(&world.time))
        }
        "camera" if starts => {
            let world = context.world.borrow();
            stream(Topic::Camera { sent_at_s: world.clock_s }, vec![world.camera_json()])
        }
        "cameraPath" if starts => stream(Topic::CameraPath { sent_at_s: 0.0 }, Vec::new()),
        "engineMode" => {
            let mode = context.world.borrow().engine_mode();
            let replies = vec![json!({ "mode": mode })];
            if starts {
                stream(Topic::EngineMode { told: mode }, replies)
            } else {
                reply(json!({ "mode": mode }))
            }
        }
        "event" => match event_names(payload, context.dialect) {
            Some(names) => stream(Topic::Event { names }, Vec::new()),
            None => malformed(kind, context),
        },
        "flightcontroller" => {
            let controller = context.world.borrow_mut().navigator.controllers.make();
            stream(Topic::FlightController(controller), flight::hear(payload, controller, context))
        }
        "actionsKeybinds" => answers::actions(payload, context),
        "documentation" => answers::documentation(payload, context),
        "missions" => reply(json!({ "missions": context.world.borrow().missions })),
        "profile" => reply(answers::profile(&context.world.borrow())),
        "propertyTree" if new && starts => stream(Topic::PropertyTree, Vec::new()),
        "sessionRecording" if starts || (!new && payload["event"] == "refresh") => {
            let wanted = wanted_of_recording(payload);
            let state = recording(&context.world.borrow(), &wanted);
            let replies = vec![state.clone()];
            if starts {
                stream(Topic::SessionRecording { told: state, wanted }, replies)
            } else {
                reply(state)
            }
        }
        "downloadEvent" if new && starts => stream(Topic::DownloadEvent, Vec::new()),
        "errorLog" if starts => {
            let earlier = context.log.pending();
            stream(Topic::ErrorLog { settings: error_log::read(&payload["settings"]), earlier }, Vec::new())
        }
        "skybrowser" => silence(),
        "subscribe" | "time" | "camera" | "cameraPath" | "propertyTree" | "sessionRecording"
        | "downloadEvent" | "errorLog" => malformed(kind, context),
        _ => {
            context.log.error(
                "ServerModule: Connection",
                format!("Unexpected error: no topic of type '{}'", short(kind)),
            );
            silence()
        }
    }
}

impl Topic {
    /// A further message on the topic.
    pub fn talk(&mut self, payload: &Value, context: &Context<'_>) -> Vec<Value> {
        let stops = payload["event"] == "stop_subscription" || payload["status"] == "stop_subscription";
        match self {
            Self::FlightController(controller) => {
                let replies = flight::hear(payload, *controller, context);
                if flight::command(payload, context.dialect) == Some("disconnect") {
                    *self = Self::Gone;
                }
                replies
            }
            Self::EngineMode { .. } if payload["event"] == "refresh" => {
                vec![json!({ "mode": context.world.borrow().engine_mode() })]
            }
            Self::ErrorLog { settings, .. }
                if matches!(payload["event"].as_str(), Some("update_log_level" | "update_logLevel")) =>
            {
                settings.level = payload["logLevel"].as_str().and_then(Level::from_name);
                Vec::new()
            }
            Self::SessionRecording { wanted, .. } if payload["event"] == "refresh" => {
                vec![recording(&context.world.borrow(), wanted)]
            }
            _ if stops => {
                *self = Self::Gone;
                Vec::new()
            }
            _ => {
                context.log.error(
                    "ServerModule: Connection",
                    "Unexpected error: the topic does not understand this message",
                );
                Vec::new()
            }
        }
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Self::Gone)
    }

    /// What to send in this frame.
    pub(super) fn stream(&mut self, frame: &Frame<'_>, context: &Context<'_>) -> Vec<Value> {
        let world = context.world.borrow();
        match self {
            Self::Subscription { uri, .. } if frame.changed.contains(uri) => world
                .tree
                .value(uri)
                .map(|value| replies::changed(value.clone(), context.dialect))
                .into_iter()
                .collect(),
            Self::Time { told, sent_at_s, .. } => {
                if *told != world.time.signature() {
                    *told = world.time.signature();
                    *sent_at_s = world.clock_s;
                    time_state(&world.time)
                } else if !world.time.is_paused() && is_due(sent_at_s, world.clock_s, TIME_EVERY_S) {
                    vec![json!({ "time": crate::clock::iso(world.time.et()) })]
                } else {
                    Vec::new()
                }
            }
            Self::Camera { sent_at_s } => is_due(sent_at_s, world.clock_s, CAMERA_EVERY_S)
                .then(|| world.camera_json())
                .into_iter()
                .collect(),
            Self::CameraPath { sent_at_s } => {
                let flight = world.navigator.flight.as_ref();
                let flight = flight.filter(|_| is_due(sent_at_s, world.clock_s, CAMERA_EVERY_S));
                flight.map(camera::Flight::state_json).into_iter().collect()
            }
            Self::EngineMode { told, .. } if *told != world.engine_mode() => {
                *told = world.engine_mode();
                vec![json!({ "mode": told })]
            }
            Self::Event { names, .. } => frame
                .events
                .iter()
                .filter(|event| {
                    names.as_ref().is_none_or(|names| names.iter().any(|name| name == event.name))
                })
                .map(|event| replies::event(event, context.dialect))
                .collect(),
            Self::SessionRecording { told, wanted, .. } => {
                if told["state"] == world.recorder.state_name() {
                    return Vec::new();
                }
                *told = recording(&world, wanted);
                // The state has to be known even to who asked for the files only.
                told["state"] = json!(world.recorder.state_name());
                vec![recording(&world, wanted)]
            }
            Self::PropertyTree => frame
                .changed
                .iter()
                .filter_map(|uri| {
                    Some(json!({ "type": "value", "uri": uri, "value": world.tree.value(uri)? }))
                })
                .collect(),
            Self::ErrorLog { settings, earlier } => frame
                .records
                .iter()
                .skip(std::mem::take(earlier))
                .filter(|record| settings.level.is_some_and(|level| record.level >= level))
                .map(|record| settings.message(record))
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn is_due(sent_at_s: &mut f64, now_s: f64, every_s: f64) -> bool {
    let due = now_s - *sent_at_s >= every_s;
    if due {
        *sent_at_s = now_s;
    }
    due
}

pub fn malformed(kind: &str, context: &Context<'_>) -> Opened {
    context.log.error(
        "ServerModule: Connection",
        format!("Unexpected error: malformed payload for a topic of type '{kind}'"),
    );
    silence()
}

/// Whatever a client wrote is cut before it is logged.
pub fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

pub fn attempt(context: &Context<'_>, category: &str, act: impl FnOnce(&mut World) -> Result<(), String>) {
    let outcome = act(&mut context.world.borrow_mut());
    if let Err(why) = outcome {
        context.log.error(category, why);
    }
}

fn subscribe(payload: &Value, context: &Context<'_>) -> Opened {
    let key = match context.dialect {
        Dialect::New => "uri",
        Dialect::Legacy => "property",
    };
    let uri = payload[key].as_str().unwrap_or_default();
    let world = context.world.borrow();
    match (world.tree.meta_data(uri), world.tree.value(uri)) {
        (Some(meta_data), Some(value)) => {
            let first = replies::subscribed(meta_data, value.clone(), context.dialect);
            stream(Topic::Subscription { uri: uri.to_owned() }, first)
        }
        _ => {
            context.log.warning(
                "SubscriptionTopic",
                format!("Could not subscribe. Property '{}' not found", short(uri)),
            );
            silence()
        }
    }
}

fn time_state(time: &Timeline) -> Vec<Value> {
    vec![time.state_json(), time.steps_json()]
}

/// The events that are asked for: none in the list means all; nothing where the request is not understood.
#[expect(clippy::option_option, reason = "not understood, all, or some are three answers")]
fn event_names(payload: &Value, dialect: Dialect) -> Option<Option<Vec<String>>> {
    let (names, status) = match dialect {
        Dialect::New => (&payload["eventType"], &payload["event"]),
        Dialect::Legacy => (&payload["event"], &payload["status"]),
    };
    if status != "start_subscription" {
        return None;
    }
    match names {
        Value::String(name) if name == "*" || name == "all" => Some(None),
        Value::String(name) => Some(Some(vec![name.clone()])),
        Value::Array(names) => {
            Some(Some(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()))
        }
        _ => None,
    }
}

fn wanted_of_recording(payload: &Value) -> Vec<String> {
    payload["properties"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

fn recording(world: &World, wanted: &[String]) -> Value {
    let mut state = json!({});
    for name in wanted {
        match name.as_str() {
            "state" => state["state"] = json!(world.recorder.state_name()),
            "files" => state["files"] = json!(world.recorder.files()),
            _ => {}
        }
    }
    state
}
