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
//! Decisions are in [`machine`]; the [`driver`] only does what the machine says. Absent on purpose: databases, viewers, encoders.

use std::{path::PathBuf, sync::Arc, time::Duration};

use display::graphics::Graphics;
use model::{Build, InstanceId, InstanceState, InstanceStatus, Phase, Running, Size, StopReason, Trouble};
use openspace::client::Client;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
};
use tracing::Instrument;

mod backoff;
mod driver;
mod launch;
mod log;
mod machine;
mod process;

use driver::{Command, Driver};

/// What people may press before the driver has looked: it looks within milliseconds. Past that, the newest press is lost, and said to be.
const COMMANDS: usize = 32;

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
    /// What draws its OpenGL.
    pub graphics: Graphics,
    pub policy: Policy,
    /// Starts of one build that must not overlap share this: it begins once it has the permit, and gives it back when it is ready or over.
    pub turn: Option<Arc<Semaphore>>,
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
    /// What is the matter with its API while it is ready.
    pub trouble: Option<Trouble>,
    /// Sentences for the administrator: what was set for it and why.
    pub notes: Vec<String>,
    /// What this start had to fetch.
    pub downloads: Downloads,
}

/// Files of the shared `sync` folder, as OpenSpace's log tells of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Downloads {
    pub begun: u32,
    pub done: u32,
    /// What could not be fetched, by name.
    pub failed: Vec<String>,
}

impl Report {
    /// A client has no identity to compare; it comes and goes with the connection.
    fn says_the_same(&self, other: &Self) -> bool {
        self.status == other.status
            && self.running == other.running
            && self.notes == other.notes
            && self.client.is_some() == other.client.is_some()
            && self.trouble == other.trouble
            && self.downloads == other.downloads
    }
}

/// The remote control of one instance's task. The task ends after `Stopped`; dropping the handle leaves the programs running.
#[derive(Clone, Debug)]
pub struct InstanceHandle {
    id: InstanceId,
    commands: mpsc::Sender<Command>,
    reports: watch::Receiver<Report>,
    ring: log::Ring,
    task: Arc<JoinHandle<()>>,
}

impl InstanceHandle {
    pub fn reports(&self) -> watch::Receiver<Report> {
        self.reports.clone()
    }
    /// Again, after `Failed`.
    pub fn start(&self) {
        self.tell(Command::Start);
    }
    pub fn stop(&self, reason: StopReason) {
        self.tell(Command::Stop(reason));
    }
    /// Ends the program politely and starts it again on the same display.
    pub fn restart(&self) {
        self.tell(Command::Restart);
    }
    /// The last lines that the program printed, oldest first.
    pub fn log_tail(&self, lines: usize) -> Vec<String> {
        self.ring.tail(lines)
    }
    /// What the program prints, from the last lines that are kept on.
    pub fn follow_log(&self) -> LogLines {
        LogLines {
            ring: self.ring.clone(),
            printed: self.ring.printed(),
            reports: self.reports.clone(),
            seen: 0,
        }
    }
    /// Lets go of the instance without ending it: its task ends, its programs run on for the next node to adopt.
    pub fn abandon(&self) {
        self.tell(Command::Abandon);
    }
    /// Resolves when the task has ended: after `Stopped`, or after [`Self::abandon`].
    pub async fn ended(&self) {
        let mut reports = self.reports.clone();
        while reports.changed().await.is_ok() {}
    }

    fn tell(&self, command: Command) {
        if let Err(error) = self.commands.try_send(command)
            && !self.task.is_finished()
        {
            tracing::warn!(instance = %self.id, ?command, %error, "a command to the instance is lost");
        }
    }
}

/// A reader of what a program prints. One that is slow misses lines, and holds nobody up.
#[derive(Debug)]
pub struct LogLines {
    ring: log::Ring,
    printed: watch::Receiver<u64>,
    reports: watch::Receiver<Report>,
    seen: u64,
}

impl LogLines {
    /// All that is new; `None` once the instance is gone.
    pub async fn next(&mut self) -> Option<Vec<String>> {
        loop {
            let (lines, seen) = self.ring.since(self.seen);
            self.seen = seen;
            if !lines.is_empty() {
                return Some(lines);
            }
            let is_over = tokio::select! {
                _ = self.printed.changed() => false,
                report = self.reports.changed() => report.is_err(),
            };
            if is_over && self.ring.since(self.seen).0.is_empty() {
                return None;
            }
        }
    }
}

/// Starts an instance, or takes over the processes that an earlier node left `running`. Runs in the current tokio runtime.
pub fn start(spec: Spec, running: Option<Running>) -> InstanceHandle {
    let id = spec.id;
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let status =
        InstanceStatus { phase: Some(Phase::Display), ..InstanceStatus::new(InstanceState::Starting) };
    let first = Report {
        status,
        running: running.clone(),
        client: None,
        trouble: None,
        notes: Vec::new(),
        downloads: Downloads::default(),
    };
    let (outbox, reports) = watch::channel(first);
    let ring = log::Ring::default();
    let driver = Driver::new(spec, inbox, outbox, ring.clone());
    let task = tokio::spawn(driver.run(running).instrument(tracing::info_span!("instance", %id)));
    InstanceHandle { id, commands, reports, ring, task: Arc::new(task) }
}
