//! From a window to encoded frames: grabbed when the program swaps, encoded once, handed to whoever subscribed.
//!
//! Absent on purpose: networks, viewers, and any waiting for either. A late frame is dropped, never queued.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use model::{
    Bitrate, DisplayAddress, FrameRate, Size, WindowId,
    video::{Codec, EncoderChoice, Rejected},
};
use tokio::sync::watch;

/// One picture of one instance, encoded.
#[derive(Clone, Debug)]
pub struct EncodedFrame {
    /// H.264: one access unit in Annex B, parameter sets before each keyframe. VP8: one frame.
    pub data: Bytes,
    pub codec: Codec,
    pub keyframe: bool,
    /// When the picture was grabbed.
    pub captured: Instant,
    /// The same moment on the 90 kHz clock of RTP.
    pub rtp_time: u32,
}

#[derive(Clone, Debug)]
pub struct PipelineSpec {
    pub display: DisplayAddress,
    pub window: WindowId,
    pub size: Size,
    pub fps_max: FrameRate,
    pub bitrate: Bitrate,
    /// Names of encoders to try, best first; empty means the whole table in its own order.
    pub encoders: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("no encoder could be opened: {}", list(.0))]
    NoEncoder(Vec<Rejected>),
    #[error("the window cannot be captured: {0}")]
    Capture(String),
}

fn list(rejected: &[Rejected]) -> String {
    rejected.iter().map(|r| format!("{}: {}", r.name, r.why)).collect::<Vec<_>>().join("; ")
}

/// Why a pipeline has ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    WindowGone,
    EncoderFailed(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    pub fps: f32,
    pub bitrate_kbps: u32,
    pub target_kbps: u32,
    /// Grab → encoded, median of the last second.
    pub encode_ms: f32,
    pub frames: u64,
    /// Pictures that were not encoded because the encoder was still busy.
    pub dropped_frames: u64,
    pub keyframes: u64,
}

/// Capture and encoder of one instance. Dropping it ends both.
#[derive(Debug)]
pub struct Pipeline;

impl Pipeline {
    pub async fn open(_spec: PipelineSpec) -> Result<Self, OpenError> {
        todo!()
    }
    /// A new subscriber gets a keyframe first.
    pub fn subscribe(&self) -> Feed {
        todo!()
    }
    /// Asks for a keyframe; debounced for the whole instance.
    pub fn want_keyframe(&self) {
        todo!()
    }
    pub fn set_bitrate(&self, _bitrate: Bitrate) {
        todo!()
    }
    pub fn choice(&self) -> &EncoderChoice {
        todo!()
    }
    pub fn stats(&self) -> watch::Receiver<Stats> {
        todo!()
    }
    pub async fn ended(&self) -> End {
        todo!()
    }
}

/// The frames of one pipeline for one subscriber. One that lags loses frames up to the next keyframe.
#[derive(Debug)]
pub struct Feed;

impl Feed {
    /// `None` when the pipeline has ended.
    pub async fn next(&mut self) -> Option<Arc<EncodedFrame>> {
        todo!()
    }
}

/// Tries each encoder of the table by opening a session; for the `doctor` and the panel.
pub fn probe(_size: Size) -> Result<EncoderChoice, Vec<Rejected>> {
    todo!()
}

/// A JPEG of the whole display, at most `width` wide and 30 kB large. Blocking: a few milliseconds.
pub fn thumbnail(_display: &DisplayAddress, _width: u32) -> anyhow::Result<Vec<u8>> {
    todo!()
}
