//! Words about pictures that are encoded.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    H264,
    Vp8,
}

/// Which encoder runs, and why this one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct EncoderChoice {
    /// As its makers call it: `nvh264enc`, `x264enc`, `openh264`.
    pub name: String,
    pub codec: Codec,
    pub hardware: bool,
    /// One sentence: "x264enc: a session opened; nvh264enc has no NVIDIA driver".
    pub reason: String,
    /// The candidates that were tried before it, each with the reason why it did not open.
    pub rejected: Vec<Rejected>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct Rejected {
    pub name: String,
    pub why: String,
}
