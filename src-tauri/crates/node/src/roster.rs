//! The instances of this machine: one task owns the list, journals each change and publishes what there is.

mod driver;
mod first;
mod standing;

use std::path::PathBuf;

use display::graphics::Graphics;
use model::{Build, InstanceId, InstanceState, SecretHash, Size, StopReason, UnixMillis};
use protocol::api::Problem;
use store::Store;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    admission::Slots,
    continuity::Resume,
    life,
    logs::Logs,
    rows::{Row, Rows},
    stage,
};

/// Commands that may wait: launches and stops come from people.
const COMMANDS: usize = 64;

/// What the roster needs to know once.
#[derive(Clone, Debug)]
pub struct Setup {
    pub slots: Slots,
    /// Where what instances leave to read is kept for a while.
    pub logs: Logs,
    /// Each instance gets a folder of its own below.
    pub instances_dir: PathBuf,
    pub sync_dir: PathBuf,
    pub graphics: Graphics,
    pub policy: supervisor::Policy,
    pub stage: stage::Setup,
    pub life: life::Means,
}

/// What is to be launched; the build is known and the profile exists.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The instance that a reserved slot is for; one that stood ready keeps its own.
    pub id: Option<InstanceId>,
    pub by: SecretHash,
    /// An administrator has no limit of instances of his own.
    pub limited: bool,
    pub build: Build,
    pub profile: Option<String>,
    pub size: Size,
    pub resume: Option<Resume>,
    pub now: UnixMillis,
}

/// What a launch came to: a new instance, or one that stood ready.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    pub id: InstanceId,
    pub state: InstanceState,
}

#[derive(Debug)]
enum Command {
    Launch {
        launch: Box<Launch>,
        reply: oneshot::Sender<Result<Started, Problem>>,
    },
    Stop {
        id: InstanceId,
        reason: StopReason,
    },
    Restart {
        id: InstanceId,
    },
    /// The node ends.
    Close {
        stop: bool,
        reply: oneshot::Sender<()>,
    },
}

#[derive(Clone, Debug)]
pub struct Roster {
    commands: mpsc::Sender<Command>,
    rows: watch::Receiver<Rows>,
}

impl Roster {
    /// Takes over what the journal says was running, then waits for commands.
    pub fn open(
        setup: Setup,
        store: Store,
        adopted: Vec<(store::InstanceRecord, Build)>,
    ) -> (Self, JoinHandle<()>) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, rows) = watch::channel(Rows::default());
        let task = tokio::spawn(driver::run(setup, store, adopted, inbox, publish));
        (Self { commands, rows }, task)
    }

    pub fn rows(&self) -> watch::Receiver<Rows> {
        self.rows.clone()
    }

    pub fn row(&self, id: InstanceId) -> Option<Row> {
        self.rows.borrow().get(&id).cloned()
    }

    pub async fn launch(&self, launch: Launch) -> Result<Started, Problem> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Launch { launch: Box::new(launch), reply }).await;
        answer.await.unwrap_or_else(|_| {
            Err(crate::problem::problem(503, "Shutting down", "This machine is shutting down."))
        })
    }

    /// Ends it; one that has failed holds nothing any more and is just forgotten.
    pub async fn stop(&self, id: InstanceId, reason: StopReason) {
        self.send(Command::Stop { id, reason }).await;
    }

    pub async fn restart(&self, id: InstanceId) {
        self.send(Command::Restart { id }).await;
    }

    /// Ends the instances, or leaves them to the next node. Resolves when that is done.
    pub async fn close(&self, stop: bool) {
        let (reply, done) = oneshot::channel();
        self.send(Command::Close { stop, reply }).await;
        drop(done.await);
    }

    async fn send(&self, command: Command) {
        drop(self.commands.send(command).await);
    }
}
