//! From a window to encoded frames: grabbed when the program swaps, encoded once per rendition, handed to whoever subscribed.
//!
//! ```text
//!  display ──► capture ──► picture ──► encode ──► hub ──► Feed, Feed, …      one thread, up to the hub
//!                 ▲           │ pace says when      └─ wishes ◄── Pipeline: keyframe, bitrate, stop
//!                             └─► mailbox ──► scale ──► encode ──► hub …     one more thread per watched rendition (ladder)
//! ```
//!
//! Absent on purpose: networks, viewers, and any waiting for either. A late frame is dropped, never queued.

mod adjust;
mod annexb;
mod branch;
mod camera;
mod capture;
mod encode;
mod feed;
mod hub;
mod ladder;
mod mailbox;
mod meter;
mod pace;
mod picture;
mod pipeline;
mod priority;
mod scale;
mod shm;
mod sound;
mod thumbnail;
mod wishes;
mod worker;

use std::{thread, time::Instant};

use bytes::Bytes;
use model::{
    Bitrate, DisplayAddress, FrameRate, Size, WindowId,
    video::{Codec, EncoderChoice, Rejected, Rendition},
};

use crate::encode::{
    Settings,
    choose::{choose, names_of},
};
pub use crate::{
    feed::Feed,
    pipeline::Pipeline,
    sound::{SOUND_HZ, Sound, SoundFeed, SoundPacket},
};

/// What [`probe`] opens its sessions with: a usual stream of 720p.
const PROBE_KBPS: u32 = 6000;

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
    /// The display was just given this size: its program has yet to draw in it.
    pub resized: bool,
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

/// A rendition that somebody watches.
#[derive(Clone, Debug, PartialEq)]
pub struct RenditionStats {
    pub rendition: Rendition,
    /// The encoder's name.
    pub encoder: String,
    pub viewers: usize,
    pub stats: Stats,
}

/// The encoders that are known, best first: the names that [`PipelineSpec::encoders`] and [`probe`] take.
pub fn encoder_names() -> impl Iterator<Item = &'static str> {
    encode::table::TABLE.iter().map(|candidate| candidate.name)
}

/// Tries `encoders` (empty: the whole table) by opening a session with each; for the `doctor` and the panel.
/// Blocking: up to some seconds where a driver hangs, else some tens of milliseconds.
pub fn probe(size: Size, encoders: &[String]) -> Result<EncoderChoice, Vec<Rejected>> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let settings =
        Settings { size: size.clamped(), fps_max: FrameRate(30), bitrate: Bitrate::kbps(PROBE_KBPS), cores };
    choose(encoders, settings).map(|chosen| chosen.choice)
}

/// Whether something here makes this codec: what viewers may get that have not the one of [`probe`]'s choice.
/// Blocking, as [`probe`] is.
pub fn encodes(codec: Codec, size: Size, encoders: &[String]) -> bool {
    probe(size, &names_of(codec, None, encoders)).is_ok()
}

/// A JPEG of the whole display, at most `width` wide and 30 kB large. Blocking: a few milliseconds.
pub fn thumbnail(display: &DisplayAddress, width: u32) -> anyhow::Result<Vec<u8>> {
    thumbnail::thumbnail(display, width)
}
