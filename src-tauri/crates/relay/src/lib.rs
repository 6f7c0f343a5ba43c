//! Machines that talk to each other: an authenticated, encrypted link, and how a machine comes to be trusted.
//!
//! ```text
//!  found:  one machine makes the fleet's authority, and keeps its key        (the founder)
//!  join:   founder ──join code, by a person──► another machine ──TLS, founder known by its fingerprint──► certificate
//!  link:   A ══ mutual TLS 1.3: both names proven by the authority ══► B     one connection, many streams, opened by A
//! ```
//!
//! Who is who is decided by certificates alone: the registry may say where a machine is, never which machine it is. What goes
//! through the streams is bytes; what they mean is the node's matter. Absent on purpose: instances, viewers, databases.

mod authority;
mod code;
mod codes;
mod command;
mod dial;
mod door;
mod identity;
mod link;
mod peer;
mod relay;
mod removed;
mod tls;
mod trouble;
mod wire;

use std::{net::SocketAddr, path::PathBuf};

use bytes::Bytes;
use model::{ServerId, UnixMillis};

pub use code::JoinCode;
pub use identity::{Identity, join, leave};
pub use link::Stream;
pub use relay::Relay;
pub use removed::Removed;
pub use trouble::Trouble;
pub use wire::{MESSAGE_BYTES_MAX, PROTOCOL};

/// Who this machine is to the others, and where it listens.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where certificates and keys lie.
    pub dir: PathBuf,
    pub listen: SocketAddr,
    pub me: Me,
    /// The machine's clock: certificates and join codes have times.
    pub now: fn() -> UnixMillis,
}

#[derive(Clone, Debug)]
pub struct Me {
    pub server: ServerId,
    pub name: String,
    pub version: String,
}

/// A stream that another machine has opened.
#[derive(Debug)]
pub struct Incoming {
    /// Proven by its certificate.
    pub from: ServerId,
    /// What it wants, in the node's words.
    pub opening: Bytes,
    pub stream: Stream,
}

/// This machine's place in the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It belongs to none: no door is open.
    #[default]
    Alone,
    /// Its files cannot be used, so nobody is let in.
    Broken { why: String },
    /// The founder has removed it: the others do not let it in, and it lets nobody in, until it joins again.
    Removed { founder: ServerId },
    Member {
        founder: ServerId,
        /// `None`: the door could not be opened; the others cannot reach this machine, but it reaches them.
        port: Option<u16>,
        trouble: Option<String>,
    },
}

impl Standing {
    pub fn port(&self) -> Option<u16> {
        if let Self::Member { port, .. } = self { *port } else { None }
    }
}
