//! OpenSpace's JSON, in both generations: only this file and those below it know its shapes. Pure.
//!
//! What is asked here looks the same in both; they differ in the handshake that must come first from 0.22 on, and in the
//! names that [`functions`] chooses between.

pub(super) mod flight;
pub(super) mod functions;
pub(super) mod missions;
pub(super) mod scene;
pub(super) mod tree;
pub(super) mod view;

use model::ApiGeneration;
use serde_json::{Value, json};

use self::functions::Step;
use super::{ClientError, Version};

/// One exchange with OpenSpace. It lives on a topic of its own, whose number the client chooses.
pub(super) type Topic = u64;

/// What can be asked. Each has exactly one answer.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Question {
    Version,
    /// The version again, with the commit.
    Commit,
    /// A toggle inside OpenSpace: asked twice, it aborts itself.
    ToggleShutdown,
    /// An impulse along the line to what the camera looks at; positive is closer.
    AddTruckMovement(f64),
    /// A function that the gate let through.
    Step(Step),
    /// An administrator's own words, which the gate let through where the machine's configuration does.
    Script(String),
    /// Where the camera is.
    View,
    /// All property owners, the scene's nodes among them.
    Owners,
    Actions,
    /// The actions of builds up to 0.20.
    Shortcuts,
    /// Which functions this build has.
    Functions,
    Missions,
}

impl Question {
    /// What people read when it was not answered.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Version | Self::Commit => "version",
            Self::ToggleShutdown => "toggleShutdown",
            Self::AddTruckMovement(_) => "addTruckMovement",
            Self::Step(step) => step.function,
            Self::Script(_) => "the script",
            Self::View => "the place of the camera",
            Self::Owners => "the scene",
            Self::Actions | Self::Shortcuts => "the actions",
            Self::Functions => "the functions",
            Self::Missions => "the missions",
        }
    }

    fn topic_type(&self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Commit
            | Self::ToggleShutdown
            | Self::AddTruckMovement(_)
            | Self::Step(_)
            | Self::Script(_)
            | Self::View => "luascript",
            Self::Owners => "get",
            Self::Actions => "actionsKeybinds",
            Self::Shortcuts => "shortcuts",
            Self::Functions => "documentation",
            Self::Missions => "missions",
        }
    }

    fn payload(&self) -> Value {
        match self {
            Self::Version | Self::Missions => json!({}),
            Self::Commit => function("version", &[]),
            Self::ToggleShutdown => function("toggleShutdown", &[]),
            Self::AddTruckMovement(value) => function("navigation.addTruckMovement", &[json!(value)]),
            Self::Step(step) => function(step.function, &step.arguments),
            Self::Script(text) => json!({ "script": text, "return": true }),
            Self::View => function("navigation.getNavigationState", &[]),
            Self::Owners => json!({ "property": "__rootOwner" }),
            Self::Actions => json!({ "event": "get_all" }),
            Self::Shortcuts => json!({ "event": "get_all_shortcuts" }),
            Self::Functions => json!({ "type": "lua" }),
        }
    }
}

/// The answer is asked for though it is empty: it says that a frame has handled the call. A function that a build does
/// not have is answered alike.
fn function(name: &'static str, arguments: &[Value]) -> Value {
    json!({ "function": format!("openspace.{name}"), "arguments": arguments, "return": true })
}

/// What must be said before anything else. OpenSpace keeps the version without comparing it.
pub(super) fn handshake(generation: ApiGeneration) -> Option<String> {
    match generation {
        ApiGeneration::New => {
            let version = json!({ "major": 0, "minor": 1, "patch": 0 });
            Some(json!({ "type": "apiHandshake", "apiVersion": version }).to_string())
        }
        ApiGeneration::Legacy => None,
    }
}

pub(super) fn request(topic: Topic, question: &Question) -> String {
    json!({ "topic": topic, "type": question.topic_type(), "payload": question.payload() }).to_string()
}

/// Is this the kind of answer that this question has? An empty one is.
pub(super) fn is_answer(question: &Question, payload: &Value) -> bool {
    let list = |key: &str| payload[key].is_array();
    match question {
        Question::Version => payload.is_object(),
        Question::Owners => payload["subowners"].is_array() || payload["value"]["subowners"].is_array(),
        Question::Actions => list("actions") || list("keybinds") || list("shortcuts"),
        Question::Shortcuts => list("shortcuts"),
        Question::Functions => payload.is_array(),
        Question::Missions => {
            payload.is_object() && (tells_none(payload) || !missions::read(payload).is_empty())
        }
        // What a call returns, by its position; nothing is a list of nothing in one generation, an object of it in the other.
        _ => payload.is_object() || payload.is_array() || payload.is_null(),
    }
}

fn tells_none(payload: &Value) -> bool {
    match &payload["missions"] {
        Value::Object(named) => named.is_empty(),
        Value::Array(list) => list.is_empty(),
        other => other.is_null(),
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Reply {
    pub topic: Topic,
    /// The older generation tells some errors, with their text.
    pub payload: Result<Value, String>,
}

/// Characters of foreign text that get into a log or an error.
const QUOTED_CHARS: usize = 120;

/// One message of OpenSpace. The error is a short piece of what was not understood.
pub(super) fn read(text: &str) -> Result<Reply, String> {
    let garbage = || quoted(text);
    let mut message: Value = serde_json::from_str(text).map_err(|_| garbage())?;
    let topic = message.get("topic").and_then(Value::as_u64).ok_or_else(garbage)?;
    if let Some(payload) = message.get_mut("payload") {
        return Ok(Reply { topic, payload: Ok(payload.take()) });
    }
    if message.get("status").and_then(Value::as_str) != Some("error") {
        return Err(garbage());
    }
    let why = message.get("message").and_then(Value::as_str).unwrap_or("an error without a text");
    Ok(Reply { topic, payload: Err(quoted(why)) })
}

pub(super) fn quoted(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(QUOTED_CHARS).collect()
}

/// Reads the answer to [`Question::Version`]. Builds without a version of their own leave it out or say 255.255.255.
pub(super) fn version(payload: &Value) -> Result<Version, ClientError> {
    let part = |name: &str| match payload.get("openSpaceVersion")?.get(name)? {
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::String(text) if text.parse::<u32>().is_ok() => Some(text.clone()),
        _ => None,
    };
    if !payload.is_object() {
        return Err(ClientError::Garbage(quoted(&payload.to_string())));
    }
    let parts: Option<Vec<_>> = ["major", "minor", "patch"].into_iter().map(part).collect();
    Ok(Version { openspace: parts.map(|parts| parts.join(".")).unwrap_or_default(), commit: None })
}

/// Reads the answer to [`Question::Commit`].
pub(super) fn commit(payload: &Value) -> Option<String> {
    let table = payload.get("1").or_else(|| payload.get(0))?;
    let commit = table.get("Commit")?.as_str()?.trim();
    let is_hash = (7..=40).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| commit.to_ascii_lowercase())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SESSIONS: [&str; 2] = [
        include_str!("../../../../../tests/fixtures/openspace/session-0.22-a.jsonl"),
        include_str!("../../../../../tests/fixtures/openspace/session-0.22-b.jsonl"),
    ];

    fn recorded(direction: &str) -> Vec<Value> {
        let lines = SESSIONS.iter().flat_map(|session| session.lines());
        let entries = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        entries.filter(|entry| entry["dir"] == direction).map(|entry| entry["d"].clone()).collect()
    }

    #[test]
    fn everything_a_real_openspace_said_is_understood() {
        let said = recorded("<");
        assert!(said.len() > 50);
        for message in said {
            let reply = read(&message.to_string()).unwrap();
            assert_eq!(
                (Value::from(reply.topic), reply.payload.unwrap()),
                (message["topic"].clone(), message["payload"].clone())
            );
        }
    }

    #[test]
    fn our_messages_are_those_that_a_real_openspace_answered() {
        let sent = recorded(">");
        let handshake: Value = serde_json::from_str(&handshake(ApiGeneration::New).unwrap()).unwrap();
        assert_eq!(handshake, sent[0]);
        let ours: Value = serde_json::from_str(&request(0, &Question::Version)).unwrap();
        assert_eq!(ours, sent[1]);
        let theirs = sent.iter().find(|message| message["payload"]["function"].is_string()).unwrap();
        let ours: Value = serde_json::from_str(&request(5, &Question::ToggleShutdown)).unwrap();
        let keys =
            |message: &Value| message["payload"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!((keys(&ours), &ours["type"]), (keys(theirs), &theirs["type"]));
    }

    #[test]
    fn the_older_generation_needs_no_handshake_and_tells_some_errors() {
        assert_eq!(handshake(ApiGeneration::Legacy), None);
        let reply =
            read(r#"{"topic":3,"status":"error","message":"Property not found","code":404}"#).unwrap();
        assert_eq!(reply, Reply { topic: 3, payload: Err("Property not found".to_owned()) });
    }

    #[test]
    fn the_version_is_read_where_there_is_one() {
        for (payload, expected) in [
            (json!({ "openSpaceVersion": { "major": 0, "minor": 22, "patch": 0 } }), "0.22.0"),
            (json!({ "openSpaceVersion": { "major": 255, "minor": 255, "patch": 255 } }), "255.255.255"),
            (json!({ "openSpaceVersion": { "major": "0", "minor": "21", "patch": "4" } }), "0.21.4"),
            (json!({ "openSpaceVersion": { "major": "", "minor": "", "patch": "" } }), ""),
            (json!({}), ""),
        ] {
            assert_eq!(version(&payload).unwrap().openspace, expected, "{payload}");
        }
        assert!(matches!(version(&json!([1])), Err(ClientError::Garbage(_))));
    }

    #[test]
    fn the_commit_is_read_where_there_is_one() {
        let said = json!({ "1": { "Branch": "HEAD", "Commit": "8b2778bed1", "Version": { "Major": 0 } } });
        assert_eq!(commit(&said).as_deref(), Some("8b2778bed1"));
        assert_eq!(commit(&json!([{ "Commit": "37E7E4F" }])).as_deref(), Some("37e7e4f"));
        for none in
            [json!({}), json!({ "1": { "Commit": "" } }), json!({ "1": { "Commit": "<b>x</b> and more" } })]
        {
            assert_eq!(commit(&none), None, "{none}");
        }
    }

    #[test]
    fn garbage_is_named_by_a_short_piece_of_it() {
        for text in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"topic":1}"#,
            r#"{"topic":-1,"payload":{}}"#,
            r#"{"topic":"a","payload":1}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&"x".repeat(100_000)).unwrap_err().len() <= QUOTED_CHARS);
        assert!(read(&"[".repeat(100_000)).is_err(), "depth is bounded");
    }

    proptest! {
        #[test]
        fn no_message_is_too_strange_to_read(text in "\\PC{0,80}|[\\[\\]{}\",:0-9a-z]{0,60}") {
            if let Err(shown) = read(&text) {
                prop_assert!(shown.chars().count() <= QUOTED_CHARS);
            }
        }
    }
}
