//! Keeps each wanted instance alive.
//!
//! ```text
//!              Start                      answers, past loading
//!   Absent ───────────► Starting ─────────────────────────────► Ready
//!     ▲                  │    ▲                                  │  │
//!     │    exit, or too  │    │ backoff is over             exit │  │ Stop
//!     │    slow to load  ▼    │                                  │  ▼
//!     │                 Waiting ◄────────────────────────────────┘ Stopping
//!     │                  │ too many tries in the window             │ exited, or killed after the grace
//!     │                  ▼                                          │
//!     │                 Failed{why} ── Start ──► Starting           │
//!     └─────────────────────────────────────────────────────────────┘
//! ```
//!
//! Decisions are in `machine`; the driver only does what the machine says. Absent on purpose: databases, viewers, encoders.

use std::{path::PathBuf, time::Duration};

use model::{Build, InstanceId, InstanceStatus, Running, Size, StopReason};
use openspace::client::Client;
use tokio::sync::watch;

#[derive(Clone, Debug)]
pub struct Spec {
    pub id: InstanceId,
    pub build: Build,
    pub profile: Option<String>,
    pub size: Size,
    /// This instance's own folder; the program writes here only.
    pub dir: PathBuf,
    /// Shared by all instances: downloaded assets.
    pub sync_dir: PathBuf,
    /// `vglrun` and its device where an NVIDIA driver is there; `None` is Mesa.
    pub virtual_gl: Option<PathBuf>,
    pub policy: Policy,
}

/// How long to wait and how often to try.
#[derive(Clone, Debug)]
pub struct Policy {
    /// From the program's start to its readiness.
    pub load_timeout: Duration,
    /// Between the polite request to end and the kill.
    pub stop_grace: Duration,
    /// The first pause before a restart; it doubles each time.
    pub backoff_first: Duration,
    pub backoff_max: Duration,
    /// So many starts within `attempts_window`, then the instance has failed.
    pub attempts_max: u32,
    pub attempts_window: Duration,
    /// Bytes of the program's output that are kept on disk.
    pub log_bytes_max: u64,
}

/// What is known of an instance; a new one for each change.
#[derive(Clone, Debug)]
pub struct Report {
    pub status: InstanceStatus,
    /// Its processes, from the display's start on. Absent once all have ended.
    pub running: Option<Running>,
    /// The one connection to OpenSpace's API, kept as long as the program lives.
    pub client: Option<Client>,
    /// Sentences for the administrator: what was set for it and why.
    pub notes: Vec<String>,
}

/// The remote control of one instance's task. The task ends after `Stopped`; dropping the handle leaves the programs running.
#[derive(Clone, Debug)]
pub struct InstanceHandle;

impl InstanceHandle {
    pub fn reports(&self) -> watch::Receiver<Report> {
        todo!()
    }
    /// Again, after `Failed`.
    pub fn start(&self) {
        todo!()
    }
    pub fn stop(&self, _reason: StopReason) {
        todo!()
    }
    pub fn restart(&self) {
        todo!()
    }
    /// The last lines that the program printed, oldest first.
    pub fn log_tail(&self, _lines: usize) -> Vec<String> {
        todo!()
    }
    /// Lets go of the instance without ending it: its task ends, its programs run on for the next node to adopt.
    pub fn abandon(&self) {
        todo!()
    }
}

/// Starts an instance, or takes over the processes that an earlier node left `running`.
pub fn start(_spec: Spec, _running: Option<Running>) -> InstanceHandle {
    todo!()
}
