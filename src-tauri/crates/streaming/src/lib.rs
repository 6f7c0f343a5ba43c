//! One WebRTC peer per viewer, all on one UDP port.
//!
//! It reports ([`PeerEvent`]) and obeys ([`PeerHandle`]). Absent on purpose: who may watch, what an input does, which encoder runs.

use std::net::IpAddr;

use media::Feed;
use model::{Bitrate, ViewerId, video::Codec};
use protocol::{
    input::{Intent, IntentReply, KeysMessage, PointerMessage},
    signal::Candidate,
};
use tokio::sync::mpsc;

#[derive(Clone, Debug)]
pub struct Config {
    /// UDP (and TCP) port of all media; 0 is any free one.
    pub port: u16,
    /// Addresses that viewers reach this machine by; empty: those of its interfaces, loopback last.
    pub addresses: Vec<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("media port {0} is taken by another program: choose another with `--set media.port=…`, or end that program")]
    PortTaken(u16),
    #[error("media port {0} cannot be opened: {1}")]
    Failed(u16, String),
}

/// The machine's one socket for media.
#[derive(Clone, Debug)]
pub struct MediaPort;

impl MediaPort {
    pub async fn open(_config: Config) -> Result<Self, OpenError> {
        todo!()
    }
    pub fn port(&self) -> u16 {
        todo!()
    }
    /// A peer that offers at once: its first event is [`PeerEvent::Offer`].
    pub async fn peer(&self, _spec: PeerSpec) -> anyhow::Result<(PeerHandle, mpsc::Receiver<PeerEvent>)> {
        todo!()
    }
}

#[derive(Debug)]
pub struct PeerSpec {
    pub viewer: ViewerId,
    pub codec: Codec,
}

/// What a peer has to say.
#[derive(Debug)]
pub enum PeerEvent {
    Offer { sdp: String },
    Candidate(Candidate),
    /// Media can flow: the first time, or again.
    Connected,
    /// The path is broken; it may come back by itself or by an ICE restart.
    Disconnected,
    /// Over for good.
    Closed,
    Pointer(PointerMessage),
    Keys(KeysMessage),
    Intent(Intent),
    /// PLI, FIR, or a loss beyond repair. Debouncing is the encoder's.
    KeyframeWanted,
    /// What the path to this viewer carries.
    Estimate(Bitrate),
    /// Too large, too many, not JSON: dropped and counted.
    BadInput { channel: &'static str, why: String },
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeerStats {
    pub rtt_ms: Option<f32>,
    pub packets_sent: u64,
    pub bytes_sent: u64,
    pub packets_retransmitted: u64,
    pub fraction_lost: f32,
}

/// The remote control of a peer. Dropping it closes the peer.
#[derive(Debug)]
pub struct PeerHandle;

impl PeerHandle {
    pub async fn answer(&self, _sdp: String) -> anyhow::Result<()> {
        todo!()
    }
    pub async fn candidate(&self, _candidate: Candidate) -> anyhow::Result<()> {
        todo!()
    }
    /// A new offer follows as an event.
    pub async fn restart_ice(&self) -> anyhow::Result<()> {
        todo!()
    }
    /// What to send from now on; `None` while the instance restarts or the tab is hidden.
    pub fn set_feed(&self, _feed: Option<Feed>) {
        todo!()
    }
    /// On the channel `state`. Lost when the channel is full: the next one says it all.
    pub fn send_state(&self, _json: String) {
        todo!()
    }
    pub fn reply(&self, _reply: IntentReply) {
        todo!()
    }
    pub fn stats(&self) -> PeerStats {
        todo!()
    }
}
