//! One WebRTC peer per viewer, all on one port for UDP and TCP.
//!
//! It reports ([`PeerEvent`]) and obeys ([`PeerHandle`]). Absent on purpose: who may watch, what an input does, which encoder runs.
//!
//! The library's sans-I/O core (`rtc`) is driven by a task of our own per peer: one datagram a turn, as the library's
//! driver sends them, costs twice the processor, and it opens sockets per peer.
//!
//! ```text
//!   UDP ─► port: ufrag or source address ─► peer's queue ─► peer (rtc core) ─► PeerEvent
//!   TCP ─► first frame's ufrag ──────────────────┘             ▲   │
//!          media::Feed ─► packetize, once per frame ───────────┘   └─► UDP (GSO) or TCP
//! ```

mod packetize;
mod peer;
mod port;
mod sdp;

pub use peer::{Answer, Frames, PeerEvent, PeerHandle, PeerSpec, PeerStats, Playout, Why};
pub use port::{Config, MediaPort, OpenError, PortStats, forward::Forward};
pub use sdp::OfferError;
