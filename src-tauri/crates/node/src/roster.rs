//! The instances of this machine: one task owns the list, journals each change and publishes what there is.

mod driver;
mod first;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use display::graphics::Graphics;
use model::{Build, InstanceId, InstanceState, SecretHash, Size, StopReason, UnixMillis};
use openspace::saved::Saved;
use protocol::api::{EndingView, Problem};
use store::Store;
use supervisor::{InstanceHandle, Report};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    admission::{self, Slots},
    continuity::{self, Resume},
    life,
    logs::Logs,
    stage::{self, Stage},
};

/// Whose instances an administrator launches. It is no session's hash, since nothing hashes to zeros.
pub const ADMINISTRATOR: SecretHash = SecretHash([0; 32]);

/// Whose the instances are that stand ready for somebody. It is no session's hash, since nothing hashes to ones.
pub const STANDBY: SecretHash = SecretHash([0xff; 32]);

/// Commands that may wait: launches and stops come from people.
const COMMANDS: usize = 64;

/// One instance: what does not change while it lives, and the handles of its tasks.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: InstanceId,
    /// Whose it is.
    pub session: SecretHash,
    pub build: Build,
    pub profile: Option<String>,
    pub size: Size,
    pub created: UnixMillis,
    pub instance: InstanceHandle,
    pub stage: Stage,
    pub saved: Saved,
    pub scene: continuity::Keeper,
    pub life: life::Keeper,
}

impl Member {
    /// Also one that was given up. Its scene is looked at once more before; beside the caller, since a program may not answer.
    pub fn restart(&self) {
        let Self { scene, instance, .. } = self.clone();
        tokio::spawn(async move {
            let state = instance.reports().borrow().status.state;
            match state {
                InstanceState::Failed => instance.start(),
                _ => {
                    scene.save_now().await;
                    instance.restart();
                }
            }
        });
    }

    /// Nobody's yet.
    pub fn is_standby(&self) -> bool {
        self.session == STANDBY
    }
}

/// A member and how it is now.
#[derive(Clone, Debug)]
pub struct Row {
    pub member: Member,
    pub report: Report,
    pub stage: stage::State,
    /// Present while people are to be told that it ends soon.
    pub ending: Option<EndingView>,
}

pub type Rows = Arc<BTreeMap<InstanceId, Row>>;

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

/// The instances that take a slot, by owner. One that stands ready takes none: it makes way for any other.
fn live(rows: &BTreeMap<InstanceId, Row>) -> Vec<SecretHash> {
    let takes_slot = |row: &&Row| row.report.status.state.is_live() && !row.member.is_standby();
    rows.values().filter(takes_slot).map(|row| row.member.session).collect()
}

/// How many slots are taken.
pub fn taken(rows: &BTreeMap<InstanceId, Row>) -> u32 {
    u32::try_from(live(rows).len()).unwrap_or(u32::MAX)
}

/// How many of them by one session.
pub fn taken_by(session: SecretHash, rows: &BTreeMap<InstanceId, Row>) -> u32 {
    admission::owned(&live(rows), session)
}

/// How many of `slots` are free; of a machine that is being emptied none is.
pub fn free(slots: u32, rows: &BTreeMap<InstanceId, Row>, emptied: bool) -> u32 {
    if emptied { 0 } else { slots.saturating_sub(taken(rows)) }
}

/// What may be forgotten: it holds nothing any more.
pub fn is_over(state: InstanceState) -> bool {
    matches!(state, InstanceState::Stopped)
}
