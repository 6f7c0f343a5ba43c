//! What a viewer's hand sends over the data channels, JSON, at most [`MAX_MESSAGE_BYTES`] a message.
//!
//! `pointer` is unordered and never retransmitted: only the newest place counts. `keys` is ordered and reliable: a lost
//! release is worse than a late one. Places are 0.0–1.0 of the picture.

use model::input::{Button, Input, Point, Velocities};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub const MAX_MESSAGE_BYTES: usize = 1024;

/// Channel `pointer`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PointerMessage {
    /// `seq` rises by one a message; one that is older than the newest is dropped.
    Move { seq: u32, x: f32, y: f32 },
    /// The camera moves by the program's own flight controller until the next message, which comes within 100 ms; 250 ms of
    /// silence stop it. Each velocity is within −1.0–1.0, else the message is refused; those that are absent are 0.
    /// Programs without a flight controller ignore it.
    Fly { seq: u32, velocities: Velocities },
    /// Sent every 100 ms while something is held and the pointer rests; 250 ms of silence release everything.
    StillHere { seq: u32 },
}

/// Channel `keys`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum KeysMessage {
    Button {
        button: Button,
        pressed: bool,
        x: f32,
        y: f32,
    },
    /// Notches; positive is up and right.
    Wheel {
        dx: f32,
        dy: f32,
        x: f32,
        y: f32,
    },
    /// `code` is `KeyboardEvent.code`.
    Key {
        code: String,
        pressed: bool,
    },
    /// The page lost its focus.
    ReleaseAll,
}

impl From<PointerMessage> for Input {
    fn from(message: PointerMessage) -> Self {
        match message {
            PointerMessage::Move { x, y, .. } => Self::Move(Point { x, y }.clamped()),
            PointerMessage::Fly { velocities, .. } => Self::Fly(velocities),
            PointerMessage::StillHere { .. } => Self::StillHere,
        }
    }
}

impl From<KeysMessage> for Input {
    fn from(message: KeysMessage) -> Self {
        match message {
            KeysMessage::Button { button, pressed, x, y } => {
                Self::Button { button, pressed, at: Point { x, y }.clamped() }
            }
            KeysMessage::Wheel { dx, dy, x, y } => Self::Wheel { dx, dy, at: Point { x, y }.clamped() },
            KeysMessage::Key { code, pressed } => Self::Key { code, pressed },
            KeysMessage::ReleaseAll => Self::ReleaseAll,
        }
    }
}

/// Channel `intent`: a request of a viewer, answered with [`IntentReply`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Intent {
    pub id: u32,
    pub name: String,
    #[serde(default)]
    #[ts(type = "unknown")]
    pub args: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct IntentReply {
    pub id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "unknown")]
    pub ok: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub error: Option<String>,
}
