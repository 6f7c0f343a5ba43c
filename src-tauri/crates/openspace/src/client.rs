//! The one connection to an instance's API. A real OpenSpace never cleans up a client that leaves, so it is kept.
//!
//! ```text
//!   Client (handle, clones)  ── commands ──►  Connection (task, owns the socket)  ◄── one WebSocket ──►  OpenSpace
//!                            ◄── answers ──       asks Dialogue (pure) what to do; wire knows the JSON
//! ```

mod connection;
mod dialogue;
mod flight;
mod health;
#[cfg(test)]
mod hostile;
mod perform;
mod save;
mod wire;

pub use self::{connection::Parting, health::Patience, perform::Answer, save::Baseline};

use std::{sync::Arc, time::Duration};

use model::{ApiGeneration, SceneState, Trouble, input::Velocities, launch::Api};
use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use self::{
    connection::{Adjusted, Command, Connection, Shown, Tell},
    perform::Known,
    wire::Question,
};

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ClientError {
    #[error("OpenSpace's socket does not accept: {0}")]
    Connect(String),
    #[error("OpenSpace did not answer `{0}` within {1:?}")]
    Deadline(&'static str, Duration),
    #[error("the connection to OpenSpace is closed")]
    Closed,
    #[error(
        "OpenSpace closed the connection before it answered. It ended, or it does not speak {}: check the build again",
        match .0 { ApiGeneration::New => "the API from 0.22 on", ApiGeneration::Legacy => "the API up to 0.21" }
    )]
    ClosedEarly(ApiGeneration),
    #[error("OpenSpace answered something that is not understood: {0}")]
    Garbage(String),
    #[error("OpenSpace does not answer at the moment when it is asked {0}: it is asked again by itself")]
    Ails(&'static str),
    #[error("this OpenSpace has no function `{0}`, so it cannot do that: it is too old, or built without it")]
    Lacks(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `0.22.0`; a development build says 255.255.255 or nothing.
    pub openspace: String,
    /// The hash of the commit that it was built from, where it knows it.
    pub commit: Option<String>,
}

/// Commands that wait for the connection's task, which takes them at once unless OpenSpace stops reading its socket.
/// A zoom that finds it full is dropped; a call waits.
const COMMANDS: usize = 64;

/// The renderer that does not answer this in time hangs, and is ended otherwise.
const SHUT_DOWN_WITHIN: Duration = Duration::from_secs(5);

/// A handle; clones share the one connection, which closes with the last of them.
#[derive(Clone, Debug)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    /// Its sender goes away with the connection.
    open: watch::Receiver<Option<Parting>>,
    scene: watch::Receiver<Option<SceneState>>,
    shown: watch::Receiver<Shown>,
    adjusted: watch::Receiver<Adjusted>,
    trouble: watch::Receiver<Option<Trouble>>,
    patience: Patience,
    known: Arc<Known>,
    /// Ends by itself: with the last handle, or with the connection.
    _task: Arc<JoinHandle<()>>,
}

impl Client {
    /// Connects and waits until OpenSpace has answered once, which it does when its scene is loaded.
    ///
    /// `within` holds for everything together. A port that is not open yet is waited for; once it accepts, there is
    /// exactly one connection, and giving it up (by dropping this future) leaves a dead client in OpenSpace until it ends.
    pub async fn connect(api: Api, within: Duration) -> Result<Self, ClientError> {
        Self::connect_with(api, within, Patience::default()).await
    }

    /// The same with another patience for all that follows.
    pub async fn connect_with(api: Api, within: Duration, patience: Patience) -> Result<Self, ClientError> {
        let until = Instant::now() + within;
        let socket = connection::open(api, until, within).await?;
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let (is_open, open) = watch::channel(None);
        let (tell_scene, scene) = watch::channel(None);
        let (tell_shown, shown) = watch::channel(Shown::new());
        let (tell_adjusted, adjusted) = watch::channel(Adjusted::new());
        let (tell_trouble, trouble) = watch::channel(None);
        let tell =
            Tell { scene: tell_scene, shown: tell_shown, adjusted: tell_adjusted, trouble: tell_trouble };
        let task = tokio::spawn(Connection::new(socket, api, patience, tell).run(receiver, is_open));
        let client = Self {
            commands,
            open,
            scene,
            shown,
            adjusted,
            trouble,
            patience,
            known: Arc::default(),
            _task: Arc::new(task),
        };

        match timeout_at(until, client.ask(Question::Version, within)).await {
            Ok(Ok(_)) => Ok(client),
            Ok(Err(ClientError::Closed)) => Err(ClientError::ClosedEarly(api.generation)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ClientError::Deadline(Question::Version.name(), within)),
        }
    }

    pub async fn version(&self) -> Result<Version, ClientError> {
        let version = wire::version(&self.ask(Question::Version, self.patience.call).await?)?;
        // Only its Lua knows the commit; a build without that function answers with nothing.
        let commit = wire::commit(&self.ask(Question::Commit, self.patience.call).await?);
        Ok(Version { commit, ..version })
    }

    /// Starts the orderly shutdown. A toggle inside OpenSpace: called once only, later calls do nothing.
    ///
    /// Returns when OpenSpace has taken it or is gone already; [`Self::closed`] follows when it has ended.
    pub async fn shut_down(&self) -> Result<(), ClientError> {
        self.ask(Question::ToggleShutdown, SHUT_DOWN_WITHIN).await.map(|_| ())
    }

    /// Moves the camera towards (positive) or away from what it looks at, as the mouse wheel should. OpenSpace gives the wheel to its GUI only.
    ///
    /// Notches that come faster than OpenSpace's frames are added up; a build without that function ignores them.
    pub fn zoom(&self, notches: f32) {
        let _ = self.commands.try_send(Command::Zoom { notches });
    }

    /// Moves the camera from now on, until the next word or a quarter of a second without one. A real OpenSpace would go on
    /// for ever, even when who said so is gone; so whoever begins says [`Velocities::REST`] first.
    ///
    /// What is out of its range is ignored.
    pub fn fly(&self, velocities: Velocities) {
        // Where the queue is full, silence stops the camera.
        let _ = self.commands.try_send(Command::Fly { velocities });
    }

    /// Both speak over the same connection.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.commands.same_channel(&other.commands)
    }

    /// Resolves when the connection is lost, with what it was lost by.
    pub async fn closed(&self) -> Parting {
        let mut open = self.open.clone();
        while open.changed().await.is_ok() {}
        open.borrow().clone().unwrap_or(Parting::HungUp(None))
    }

    /// What is the matter with OpenSpace while it is connected; nothing while it answers as it should.
    pub fn trouble(&self) -> watch::Receiver<Option<Trouble>> {
        self.trouble.clone()
    }

    /// How the scene is, from the first call on; `None` until OpenSpace has told. Its sender goes away with the connection.
    pub fn scene(&self) -> watch::Receiver<Option<SceneState>> {
        // A full queue means that OpenSpace does not read; who asks next asks again.
        let _ = self.commands.try_send(Command::Watch);
        self.scene.clone()
    }

    async fn ask(&self, question: Question, within: Duration) -> Result<Value, ClientError> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Ask { question, within, answer };
        self.commands.send(command).await.map_err(|_| ClientError::Closed)?;
        answered.await.map_err(|_| ClientError::Closed)?
    }
}
