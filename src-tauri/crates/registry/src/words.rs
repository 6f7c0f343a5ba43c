//! What is said to the registry, and what it says. Pure.

use std::{fmt, time::Duration};

use model::{InstanceId, SecretHash, ServerId, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Which of a machine's lives is speaking: each join counts it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub i64);

/// Grows with every slot that is given out, over all machines. Who acts on a slot shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(pub i64);

/// A machine as it describes itself; the row of `servers` by which the old back end knows it, and what only we need.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerRow {
    pub server: ServerId,
    pub name: String,
    pub version: String,
    /// Where the other machines reach its pages and its API.
    pub url: Option<String>,
    /// Where its door for the other machines is, host and port; `None`: it has joined no fleet.
    pub relay: Option<String>,
    pub region: Option<String>,
    pub ip_address: String,
    /// Of the old supervisor protocol.
    pub port: u16,
    pub slots: u32,
    /// "64GB".
    pub ram: String,
    /// "NVIDIA Tesla T4".
    pub graphics_card: Option<String>,
    /// "1TB SSD".
    pub storage: String,
}

/// What a join has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    pub generation: Generation,
    pub row: Place,
}

/// Which row of `servers` is this machine's now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Inserted,
    /// There was a row of this address that no machine had claimed: the old seed's.
    TakenOver,
    Kept,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heartbeat {
    pub server: ServerId,
    pub generation: Generation,
    pub slots_total: u32,
    /// As the machine itself counts them: what the old back end shows.
    pub slots_free: u32,
    /// It takes no new instances.
    pub draining: bool,
    pub load: Load,
}

/// What placement weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub viewers: u32,
    /// 0–100, all cores together.
    pub cpu_percent: f32,
    pub memory_free_mb: u32,
    pub gpu_memory_free_mb: Option<u32>,
    pub encoder_sessions: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// The moment by the database's clock.
    Kept {
        database_now: UnixMillis,
        /// Does anybody wait for a slot?
        waiting: bool,
        /// Rows of its slots that are not there.
        slots_missing: u32,
    },
    /// Somebody has joined in this machine's place, or its row is gone: let go of what was given to the old generation, and join again.
    Stale,
}

/// What a machine says of itself, as its columns hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub version: String,
    pub url: Option<String>,
    pub relay: Option<String>,
    pub region: Option<String>,
    pub ip_address: String,
    /// Of the old supervisor protocol; what stands there may have been edited to what is none.
    pub port: i32,
    pub ram: String,
    pub graphics_card: Option<String>,
    pub storage: String,
}

/// A machine as the others see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    pub server: ServerId,
    pub generation: Generation,
    pub description: Description,
    /// Since its last heartbeat, by the database's clock.
    pub age: Duration,
    /// It has missed three heartbeats, or has said farewell.
    pub alive: bool,
    pub draining: bool,
    pub slots_total: u32,
    /// Neither running nor reserved.
    pub slots_free: u32,
    pub load: Load,
}

/// A row of `servers` that no machine of ours has claimed: one of the old world, or one edited by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct OldServer {
    pub row: Uuid,
    pub ip_address: String,
    pub port: i32,
    pub active: bool,
}

/// A slot of a machine, ours until `lasts` is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub server: ServerId,
    pub slot: u32,
    pub token: FencingToken,
    /// The instance that is to run in it; its URL can be told before it starts.
    pub instance: InstanceId,
    pub lasts: Duration,
}

/// An instance as its machine tells it to the others.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedInstance {
    pub instance: InstanceId,
    pub server: ServerId,
    pub session: SecretHash,
    /// Does it take a slot?
    pub live: bool,
    /// As the machine's API tells it.
    pub view: Value,
    /// Is it known what it shows?
    pub has_scene: bool,
}

/// What another machine needs to go on with an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub shared: SharedInstance,
    pub scene: Option<Value>,
    /// Its machine does not answer any more.
    pub lost: bool,
}

/// What became of the list that a machine has published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// `taken` run on other machines meanwhile: this one is to let them go.
    Done {
        taken: Vec<InstanceId>,
    },
    Stale,
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
