//! What a client may ask: one topic a question, each with its own request, its own answer, and for some a stream that follows.

use serde_json::{Map, Value, json};

use super::{Context, Frame, replies};
use crate::{
    dialect::Dialect,
    log::Level,
    lua,
    world::{
        World,
        bodies::BODIES,
        camera::{self, Axes},
        timeline::Timeline,
        tree,
    },
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
    FlightController,
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

#[derive(Clone, Debug)]
pub struct ErrorLog {
    level: Option<Level>,
    category: bool,
    stamp_level: bool,
    time: bool,
    date: bool,
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

fn reply(payload: Value) -> Opened {
    Opened { replies: vec![payload], ..Opened::default() }
}

fn silence() -> Opened {
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
        "version" => reply(version(context.dialect)),
        "bounce" if !new => reply(payload.clone()),
        "get" => get(payload, context),
        "set" => {
            set(payload, context);
            silence()
        }
        "trigger" => {
            let uri = payload["property"].as_str().unwrap_or_default();
            attempt(context, "TriggerPropertyTopic", |world| world.set_property(uri, Value::Null, 0.0));
            silence()
        }
        "luascript" => lua_script(payload, context),
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
            let replies = flight_controller(payload, context);
            stream(Topic::FlightController, replies)
        }
        "actionsKeybinds" => actions(payload, context),
        "documentation" => documentation(payload, context),
        "missions" => reply(json!({ "missions": {} })),
        "profile" => reply(profile(&context.world.borrow())),
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
            stream(Topic::ErrorLog { settings: error_log(&payload["settings"]), earlier }, Vec::new())
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
            Self::FlightController => {
                let replies = flight_controller(payload, context);
                if command(payload, context.dialect) == Some("disconnect") {
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

fn malformed(kind: &str, context: &Context<'_>) -> Opened {
    context.log.error(
        "ServerModule: Connection",
        format!("Unexpected error: malformed payload for a topic of type '{kind}'"),
    );
    silence()
}

/// Whatever a client wrote is cut before it is logged.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

fn attempt(context: &Context<'_>, category: &str, act: impl FnOnce(&mut World) -> Result<(), String>) {
    let outcome = act(&mut context.world.borrow_mut());
    if let Err(why) = outcome {
        context.log.error(category, why);
    }
}

fn version(dialect: Dialect) -> Value {
    let [major, minor, patch] = dialect.version();
    json!({
        "openSpaceVersion": { "major": major, "minor": minor, "patch": patch },
        "socketApiVersion": { "major": 0, "minor": 1, "patch": 0 },
    })
}

fn get(payload: &Value, context: &Context<'_>) -> Opened {
    let uri = payload["property"].as_str().unwrap_or_default();
    context.log.debug("GetPropertyTopic", format!("Getting property '{}'...", short(uri)));
    let world = context.world.borrow();
    let legacy = context.dialect == Dialect::Legacy;
    match uri {
        "__rootOwner" => {
            reply(replies::owner(world.tree.owner_json("").unwrap_or_default(), context.dialect))
        }
        "__allProperties" if legacy => reply(json!({ "value": world.tree.all_json() })),
        "__allNodes" if legacy => {
            let nodes = tree::node_identifiers();
            reply(
                json!({ "value": nodes.iter().filter_map(|node| world.tree.owner_json(&format!("Scene.{node}"))).collect::<Vec<_>>() }),
            )
        }
        "__screenSpaceRenderables" if legacy => reply(json!({ "value": [] })),
        uri => match world.tree.property_json(uri) {
            Some(property) => reply(replies::property(property, context.dialect)),
            None => {
                let message = format!("Property '{}' not found", short(uri));
                if legacy {
                    return Opened { error: Some(message), ..Opened::default() };
                }
                context.log.error("ServerModule: Connection", format!("Unexpected error {message}"));
                silence()
            }
        },
    }
}

fn set(payload: &Value, context: &Context<'_>) {
    let uri = payload["property"].as_str().unwrap_or_default();
    // OpenSpace writes numbers with six decimals on their way through Lua.
    let value = match payload["value"].as_f64() {
        Some(number) if payload["value"].is_f64() => json!((number * 1e6).round() / 1e6),
        _ => payload["value"].clone(),
    };
    if uri == "__time" && context.dialect == Dialect::Legacy {
        let et = value.as_str().and_then(crate::clock::parse).or(value.as_f64());
        attempt(context, "SetPropertyTopic", |world| {
            world.time.set_time(et.ok_or("The time is not understood")?);
            Ok(())
        });
        return;
    }
    attempt(context, "SetPropertyTopic", |world| {
        let uris = world.tree.matching(uri);
        if uris.is_empty() {
            return Err(format!("Property with URI '{}' was not found", short(uri)));
        }
        uris.iter().try_for_each(|uri| world.set_property(uri, value.clone(), 0.0))
    });
}

fn lua_script(payload: &Value, context: &Context<'_>) -> Opened {
    let answered = match (payload["script"].as_str(), payload["function"].as_str()) {
        (Some(script), _) => context.scripts.run(script),
        (None, Some(function)) => {
            let arguments = payload["arguments"].as_array().cloned().unwrap_or_default();
            context.scripts.call(function, &arguments)
        }
        (None, None) => return malformed("luascript", context),
    };
    if payload["return"] == true { reply(Value::Object(answered)) } else { silence() }
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

fn command(payload: &Value, dialect: Dialect) -> Option<&str> {
    match dialect {
        Dialect::New => payload["event"].as_str(),
        Dialect::Legacy => payload["type"].as_str(),
    }
}

fn flight_controller(payload: &Value, context: &Context<'_>) -> Vec<Value> {
    let mut world = context.world.borrow_mut();
    let replies = match command(payload, context.dialect) {
        Some("connect") => {
            world.navigator.axes = Axes::default();
            vec![json!({ "type": "connect", "connect": focus_nodes(&world) })]
        }
        Some("inputState") => {
            let values = match context.dialect {
                Dialect::New => &payload["inputState"],
                Dialect::Legacy => &payload["inputState"]["values"],
            };
            let (axes, unknown) = Axes::read(values);
            world.navigator.axes = axes;
            if axes != Axes::default() {
                world.stop_flight();
            }
            for name in unknown {
                context.log.warning("FlightControllerTopic", format!("No axis named {}", short(&name)));
            }
            Vec::new()
        }
        Some("disconnect") => {
            world.navigator.axes = Axes::default();
            vec![json!({ "type": "disconnect", "disconnect": { "success": true } })]
        }
        Some("friction") if context.dialect == Dialect::Legacy => friction(&mut world, &payload["friction"]),
        Some("updateView") if context.dialect == Dialect::Legacy => update_view(&mut world, payload, context),
        Some("autopilot") if context.dialect == Dialect::Legacy => {
            let engaged = payload["autopilot"]["engaged"] == true;
            let values = &payload["autopilot"]["autopilotInput"]["values"];
            world.navigator.axes = if engaged { Axes::read(values).0 } else { Axes::default() };
            let replies =
                friction(&mut world, &json!({ "roll": !engaged, "rotation": !engaged, "zoom": !engaged }));
            replies
                .into_iter()
                .chain([json!({ "type": "autopilot", "autopilot": { "engaged": engaged } })])
                .collect()
        }
        Some("lua") if context.dialect == Dialect::Legacy => {
            if let Some(script) = payload["lua"]["script"].as_str() {
                world.queue_script(script.to_owned(), Value::Null);
            }
            Vec::new()
        }
        _ => {
            context.log.warning("FlightControllerTopic", "Poorly formatted JSON command");
            Vec::new()
        }
    };
    // NEW answers nothing on this topic.
    if context.dialect == Dialect::New { Vec::new() } else { replies }
}

fn focus_nodes(world: &World) -> Value {
    let nodes: Map<String, Value> = BODIES
        .iter()
        .map(|body| {
            let enabled = world.tree.is_on(&format!("Scene.{}.Renderable.Enabled", body.identifier));
            (body.gui_name.to_owned(), json!({ "identifier": body.identifier, "enabled": enabled }))
        })
        .collect();
    json!({ "focusNodes": nodes, "allNodes": nodes, "interestingTimes": {} })
}

fn friction(world: &mut World, wanted: &Value) -> Vec<Value> {
    let of = |key: &str| wanted[key] == true;
    for (uri, on) in [
        (tree::ROTATIONAL_FRICTION, of("rotation")),
        (tree::ZOOM_FRICTION, of("zoom")),
        (tree::ROLL_FRICTION, of("roll")),
    ] {
        // These are there, and are on or off.
        let _ = world.set_property(uri, json!(on), 0.0);
    }
    vec![
        json!({ "type": "friction", "friction": { "roll": of("roll"), "rotation": of("rotation"), "zoom": of("zoom") } }),
    ]
}

fn update_view(world: &mut World, payload: &Value, context: &Context<'_>) -> Vec<Value> {
    let node = |key: &str| payload[key]["identifier"].as_str().or_else(|| payload[key].as_str());
    let focus = node("focus").or_else(|| node("anchor"));
    let wishes = [
        focus.map(|focus| (tree::ANCHOR.to_owned(), json!(focus))),
        node("renderable").map(|name| {
            (format!("Scene.{name}.Renderable.Enabled"), payload["renderable"]["enabled"].clone())
        }),
    ];
    for (uri, value) in wishes.into_iter().flatten() {
        if let Err(why) = world.set_property(&uri, value, 0.0) {
            context.log.warning("FlightControllerTopic", why);
        }
    }
    Vec::new()
}

fn actions(payload: &Value, context: &Context<'_>) -> Opened {
    let world = context.world.borrow();
    match payload["event"].as_str() {
        Some("get_all") => reply(world.actions.all_json()),
        Some("get_action") => {
            let identifier = payload["identifier"].as_str().unwrap_or_default();
            match world.actions.get(identifier) {
                Some(action) => reply(json!({ "type": "action", "action": action.json() })),
                None => {
                    context
                        .log
                        .error("ActionKeybindTopic", format!("Action '{}' was not found", short(identifier)));
                    silence()
                }
            }
        }
        _ => malformed("actionsKeybinds", context),
    }
}

fn documentation(payload: &Value, context: &Context<'_>) -> Opened {
    match payload["type"].as_str() {
        Some("lua") => reply(lua::documentation(context.dialect)),
        Some("keyboard") => reply(context.world.borrow().actions.all_json()["keybinds"].clone()),
        Some("meta") => reply(json!([{
            "name": "Demo renderer",
            "version": "1.0",
            "description": "The demo renderer of OpenSpace WebRTC; not OpenSpace.",
            "author": "OpenSpace WebRTC",
            "url": "https://www.openspaceproject.com",
            "license": "MIT",
        }])),
        Some("factories" | "asset") => reply(json!([])),
        _ => malformed("documentation", context),
    }
}

fn profile(world: &World) -> Value {
    let meta = &world.profile.meta;
    let mut payload = json!({
        "uiPanelVisibility": world.profile.panel_visibility,
        "markNodes": world.profile.mark_nodes,
        "filePath": world.profile_file.display().to_string(),
        "addons": world.addons,
        "hasStartedBefore": true,
    });
    for (key, value) in [
        ("name", &meta.name),
        ("author", &meta.author),
        ("description", &meta.description),
        ("license", &meta.license),
        ("url", &meta.url),
        ("version", &meta.version),
    ] {
        if let Some(value) = value {
            payload[key] = json!(value);
        }
    }
    payload
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

fn error_log(settings: &Value) -> ErrorLog {
    let on = |key: &str| settings[key] == true;
    ErrorLog {
        level: settings["logLevel"].as_str().and_then(Level::from_name),
        category: on("categoryStamping"),
        stamp_level: on("logLevelStamping"),
        time: on("timeStamping"),
        date: on("dateStamping"),
    }
}

impl ErrorLog {
    fn message(&self, record: &crate::log::Record) -> Value {
        let mut message = json!({ "message": record.message });
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = crate::clock::iso(crate::clock::from_unix(now.as_secs_f64()));
        let (date, time) = now.split_once('T').unwrap_or_default();
        for (wanted, key, text) in [
            (self.category, "category", record.category.as_str()),
            (self.stamp_level, "level", record.level.name()),
            (self.time, "timeStamp", time),
            (self.date, "dateStamp", date),
        ] {
            if wanted {
                message[key] = json!(text);
            }
        }
        message
    }
}
