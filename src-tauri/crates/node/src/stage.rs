//! Where the viewers of one instance meet: who is there, who steers, and the one picture that all of them see.
//!
//! One task owns this for each instance. Viewers' sessions hold a [`Stage`] handle; they read the picture from [`State`] and take
//! frames from its pipeline themselves, so that no frame passes through here.

mod driver;
mod hand;
mod picture;
mod sizing;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use media::{Pipeline, Sound};
use model::{
    Bitrate, InstanceId, Role, SecretHash, Size, ViewerId,
    input::{Input, Velocities},
    video::{PictureSize, Rendition, Rung, SizeMode},
};
use protocol::signal::{ControlAction, QualityMode, SizeNews, ViewerView};
use supervisor::{InstanceHandle, Report};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use self::sizing::Sizing;
use crate::{audit::Audit, ladder::Limits, socket::Socket};

/// Commands that may wait. A burst of pointer moves from a class of viewers fits; past that moves are lost, which the next move mends.
const COMMANDS: usize = 512;

/// What a viewer is told whose stage is gone.
const ENDED: &str = "The instance has ended.";

/// What a stage needs to know once.
#[derive(Clone, Debug)]
pub struct Setup {
    /// As it was launched.
    pub size: Size,
    /// The largest that somebody may make it.
    pub size_max: Size,
    /// What somebody made of it while an earlier node ran.
    pub picture: Option<PictureSize>,
    pub fps: model::FrameRate,
    pub bitrates: Limits,
    pub encoders: Vec<String>,
    /// How long capture and encoder outlive the last viewer.
    pub linger: Duration,
    pub audit: Audit,
    /// OpenSpace gets the wheel through its API, and is kept from keys that open its console.
    pub openspace: bool,
}

/// What everybody on the stage may see; a new one for each change.
#[derive(Clone, Debug)]
pub struct State {
    pub viewers: Vec<ViewerView>,
    pub holder: Option<ViewerId>,
    pub picture: Option<Picture>,
    /// How large the picture is to be, and what that goes by.
    pub size: SizeNews,
    /// What the program plays; `None` while it does not run, and where the machine has no sound server.
    pub sound: Option<Sound>,
    /// How the way to each viewer is; read when somebody asks, so that a round trip that changes wakes nobody.
    pub paths: BTreeMap<ViewerId, watch::Receiver<Path>>,
    /// Why there is no picture although the instance is ready, in words.
    pub trouble: Option<String>,
}

impl State {
    fn empty(setup: &Setup) -> Self {
        Self {
            viewers: Vec::new(),
            holder: None,
            picture: None,
            size: Sizing::of(setup).news(),
            sound: None,
            paths: BTreeMap::new(),
            trouble: None,
        }
    }
}

/// The running pipeline. Take frames with `pipeline.subscribe()`, but keep no clone of it: it ends when the stage lets go.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Rises with each new pipeline, so that a session knows when to subscribe anew.
    pub epoch: u64,
    pub size: Size,
    pub pipeline: Arc<Pipeline>,
}

/// The way to a viewer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Path {
    pub connected: bool,
    pub rtt_ms: Option<f32>,
    /// What the viewer is shown.
    pub shown: Option<Rendition>,
    /// Of the last second: 0.0–1.0.
    pub fraction_lost: f32,
    pub frames_skipped: u64,
    pub over_tcp: bool,
}

/// A new socket for a viewer whose old one broke.
#[derive(Debug)]
pub struct Attach(pub Socket);

#[derive(Debug)]
enum Command {
    Sit {
        viewer: ViewerId,
        seat: Seat,
    },
    Present {
        viewer: ViewerId,
        present: bool,
    },
    Leave {
        viewer: ViewerId,
    },
    Resume {
        viewer: ViewerId,
        bearer: SecretHash,
        channel: Socket,
        reply: oneshot::Sender<Option<Socket>>,
    },
    Control {
        viewer: ViewerId,
        action: ControlAction,
        on: Option<ViewerId>,
        reply: oneshot::Sender<Result<(), &'static str>>,
    },
    RoleOf {
        bearer: SecretHash,
        reply: oneshot::Sender<Option<Role>>,
    },
    Steer {
        viewer: ViewerId,
        reply: oneshot::Sender<Result<(), &'static str>>,
    },
    Hand {
        viewer: ViewerId,
        input: Input,
    },
    Estimate {
        viewer: ViewerId,
        bitrate: Bitrate,
    },
    Quality {
        viewer: ViewerId,
        mode: QualityMode,
    },
    Size {
        viewer: ViewerId,
        mode: SizeMode,
        reply: oneshot::Sender<Result<(), String>>,
    },
    Window {
        viewer: ViewerId,
        size: Size,
    },
}

/// One viewer's place: kept while its session lives, so that it can come back to it.
#[derive(Debug)]
pub struct Seat {
    pub role: Role,
    /// Whose browser it is; only the same may resume.
    pub bearer: SecretHash,
    pub attach: mpsc::Sender<Attach>,
    pub path: watch::Receiver<Path>,
    /// Which rendition this viewer is to get.
    pub rung: watch::Sender<Rung>,
}

/// The remote control of a stage. The task ends when the last of them is gone, or the instance is over.
#[derive(Clone, Debug)]
pub struct Stage {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
    /// When a hand last moved.
    moves: watch::Receiver<Instant>,
}

impl Stage {
    pub fn open(setup: Setup, id: InstanceId, instance: InstanceHandle) -> (Self, JoinHandle<()>) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, state) = watch::channel(State::empty(&setup));
        let (moved, moves) = watch::channel(Instant::now());
        let task = tokio::spawn(driver::run(setup, id, instance, inbox, driver::News { publish, moved }));
        (Self { commands, state, moves }, task)
    }

    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// When somebody last steered; it changes with each move of a hand.
    pub fn moves(&self) -> watch::Receiver<Instant> {
        self.moves.clone()
    }

    pub async fn sit(&self, viewer: ViewerId, seat: Seat) {
        self.send(Command::Sit { viewer, seat }).await;
    }

    /// A viewer with neither a socket nor media is absent: it does not count and does not steer.
    pub async fn present(&self, viewer: ViewerId, present: bool) {
        self.send(Command::Present { viewer, present }).await;
    }

    pub async fn leave(&self, viewer: ViewerId) {
        self.send(Command::Leave { viewer }).await;
    }

    /// Hands a new socket to the session of `viewer`. Gives the socket back when there is none, or it is somebody else's.
    pub async fn resume(&self, viewer: ViewerId, bearer: SecretHash, channel: Socket) -> Option<Socket> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Resume { viewer, bearer, channel, reply }).await;
        answer.await.unwrap_or_default()
    }

    pub async fn control(
        &self,
        viewer: ViewerId,
        action: ControlAction,
        on: Option<ViewerId>,
    ) -> Result<(), &'static str> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Control { viewer, action, on, reply }).await;
        answer.await.unwrap_or(Err(ENDED))
    }

    /// May this viewer steer now, by other means than its hand? It takes a free wheel by that. The error is a sentence for it.
    pub async fn steer(&self, viewer: ViewerId) -> Result<(), &'static str> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Steer { viewer, reply }).await;
        answer.await.unwrap_or(Err(ENDED))
    }

    /// As what somebody has a place here; the highest of several.
    pub async fn role_of(&self, bearer: SecretHash) -> Option<Role> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::RoleOf { bearer, reply }).await;
        answer.await.unwrap_or_default()
    }

    /// Moves may be lost when the stage is busy; presses and releases wait for their turn.
    pub async fn hand(&self, viewer: ViewerId, input: Input) {
        if is_repeated(&input) {
            drop(self.commands.try_send(Command::Hand { viewer, input }));
        } else {
            self.send(Command::Hand { viewer, input }).await;
        }
    }

    pub fn estimate(&self, viewer: ViewerId, bitrate: Bitrate) {
        drop(self.commands.try_send(Command::Estimate { viewer, bitrate }));
    }

    pub async fn quality(&self, viewer: ViewerId, mode: QualityMode) {
        self.send(Command::Quality { viewer, mode }).await;
    }

    /// How large the picture is to be. The error is a sentence for the viewer.
    pub async fn size(&self, viewer: ViewerId, mode: SizeMode) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Size { viewer, mode, reply }).await;
        answer.await.unwrap_or_else(|_| Err(ENDED.to_owned()))
    }

    /// How large this viewer could show it.
    pub async fn window(&self, viewer: ViewerId, size: Size) {
        self.send(Command::Window { viewer, size }).await;
    }

    /// A stage that has ended takes no commands, and nobody misses them.
    async fn send(&self, command: Command) {
        drop(self.commands.send(command).await);
    }
}

/// The next of its kind mends its loss.
fn is_repeated(input: &Input) -> bool {
    match input {
        Input::Move(_) | Input::StillHere => true,
        Input::Fly(velocities) => *velocities != Velocities::REST,
        Input::Button { .. } | Input::Wheel { .. } | Input::Key { .. } | Input::ReleaseAll => false,
    }
}

/// Is the program there to be seen and touched?
fn is_on_stage(report: &Report) -> bool {
    report.status.state == model::InstanceState::Ready
        && report.running.as_ref().is_some_and(|running| running.window.is_some())
}
