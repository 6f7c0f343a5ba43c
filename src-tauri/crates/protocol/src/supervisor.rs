//! The protocol of the old supervisor, by which the old back end starts and stops instances: one JSON request a connection. Pure.
//!
//! Unlike the old one, every bad id is answered, and with the id that was asked.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request is 40 bytes.
pub const MAX_MESSAGE_BYTES: usize = 4096;
const QUOTED: usize = 40;

/// `id` is `None` where it is no number, or absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Start,
    Stop { id: Option<i64> },
    Status { id: Option<i64> },
    ServerStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SlotStatus {
    Idle,
    Initializing,
    Running,
    Deinitializing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'static str>,
    pub error: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<SlotStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

/// `Err` is the answer to what is not understood.
pub fn parse(text: &str) -> Result<Request, Reply> {
    let Ok(message) = serde_json::from_str::<Value>(text) else {
        return Err(Reply::error("json decode error"));
    };
    let id = message.get("id").and_then(Value::as_i64);
    match message.get("command").and_then(Value::as_str) {
        Some("START") => Ok(Request::Start),
        Some("STOP") => Ok(Request::Stop { id }),
        Some("STATUS") => Ok(Request::Status { id }),
        Some("SERVER_STATUS") => Ok(Request::ServerStatus),
        other => {
            let quoted: String = other.unwrap_or_default().chars().take(QUOTED).collect();
            Err(Reply::error(format!("invalid message received: {quoted}")))
        }
    }
}

impl Reply {
    pub fn error(error: impl Into<Cow<'static, str>>) -> Self {
        Self { command: None, error: error.into(), id: None, status: None, running: None, total: None }
    }

    fn to(command: &'static str, error: &'static str) -> Self {
        Self { command: Some(command), ..Self::error(error) }
    }

    pub fn started(slot: u32) -> Self {
        Self { id: Some(slot.into()), ..Self::to("START", "none") }
    }

    pub fn full() -> Self {
        Self { id: Some(-1), ..Self::to("START", "no available slots") }
    }

    pub fn stopped(slot: u32) -> Self {
        Self { id: Some(slot.into()), ..Self::to("STOP", "none") }
    }

    pub fn not_running(slot: u32) -> Self {
        Self { id: Some(slot.into()), ..Self::to("STOP", "not running") }
    }

    pub fn status(slot: u32, status: SlotStatus) -> Self {
        Self { id: Some(slot.into()), status: Some(status), ..Self::to("STATUS", "none") }
    }

    pub fn invalid_id(command: &'static str, id: Option<i64>) -> Self {
        Self { id: Some(id.unwrap_or(-1)), ..Self::to(command, "invalid id") }
    }

    pub fn server(running: u32, total: u32) -> Self {
        // The old one sends an id here, too: its clients may look for it.
        Self { id: Some(0), running: Some(running), total: Some(total), ..Self::to("SERVER_STATUS", "none") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_whatever_else_is_answered() {
        for (text, read) in [
            (r#"{"command":"START"}"#, Ok(Request::Start)),
            (r#"{"command":"STOP","id":2}"#, Ok(Request::Stop { id: Some(2) })),
            (r#"{"command":"STATUS","id":"2"}"#, Ok(Request::Status { id: None })),
            (r#"{"command":"STATUS"}"#, Ok(Request::Status { id: None })),
            (r#"{"command":"SERVER_STATUS"}"#, Ok(Request::ServerStatus)),
            ("nonsense", Err("json decode error")),
            (r#"{"command":"FOO"}"#, Err("invalid message received: FOO")),
            ("[]", Err("invalid message received: ")),
            ("{}", Err("invalid message received: ")),
            (r#"{"command":7}"#, Err("invalid message received: ")),
        ] {
            assert_eq!(parse(text), read.map_err(Reply::error), "{text}");
        }
    }

    #[test]
    fn answers_read_as_the_old_ones() {
        for (reply, text) in [
            (Reply::started(0), r#"{"command":"START","error":"none","id":0}"#),
            (Reply::full(), r#"{"command":"START","error":"no available slots","id":-1}"#),
            (Reply::stopped(1), r#"{"command":"STOP","error":"none","id":1}"#),
            (
                Reply::status(0, SlotStatus::Deinitializing),
                r#"{"command":"STATUS","error":"none","id":0,"status":"DEINITIALIZING"}"#,
            ),
            (
                Reply::server(1, 3),
                r#"{"command":"SERVER_STATUS","error":"none","id":0,"running":1,"total":3}"#,
            ),
            (Reply::error("json decode error"), r#"{"error":"json decode error"}"#),
            (Reply::invalid_id("STOP", Some(-4)), r#"{"command":"STOP","error":"invalid id","id":-4}"#),
        ] {
            assert_eq!(serde_json::to_string(&reply).ok().as_deref(), Some(text));
        }
    }
}
