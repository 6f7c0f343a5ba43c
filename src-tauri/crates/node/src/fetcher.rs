//! Data that is fetched before anybody asks: OpenSpace downloads what a scene needs when it first starts, gigabytes of it, so it is
//! started once for that, by nobody and for nobody to see, until its scene is loaded, and ended.
//!
//! ```text
//!   Fetcher (handle) ── order, cancel ──► driver ── line (pure): what next? ──► roster: launch, stop
//!                    ◄── watch<Vec<FetchView>>          ▲ what runs, what room there is
//! ```
//!
//! One at a time, in the turn that all first starts of a build take, into the one `sync` folder. It takes no place from anybody: it begins
//! where one is free, and makes way for people; what has come by then stays. What is not done when the node ends is gone on with by the
//! next one.

mod driver;
mod line;
mod verdict;

use model::BuildId;
use protocol::{admin::FetchView, api::Problem};
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

pub use self::driver::Means;
use self::line::{Line, Scene};
use crate::{builds::Builds, problem::problem};

/// Where the journal keeps what is not done yet: a JSON list of scenes.
const KEY: &str = "fetches";
/// Where it keeps which builds were fetched by themselves: once each.
const BY_ITSELF: &str = "fetched_by_itself";
/// People press once or twice.
const COMMANDS: usize = 8;

#[derive(Debug)]
enum Command {
    Order { scene: Scene, reply: oneshot::Sender<Result<(), Problem>> },
    Cancel { scene: Scene, reply: oneshot::Sender<Result<(), Problem>> },
}

/// The remote control. Its task ends when it is dropped by whoever spawned it.
#[derive(Clone, Debug)]
pub struct Fetcher {
    commands: mpsc::Sender<Command>,
    builds: Builds,
    view: watch::Receiver<Vec<FetchView>>,
}

/// What the task is made of; it runs once there is a roster and a sampler.
#[derive(Debug)]
pub struct Beginning {
    line: Line,
    store: Store,
    builds: Builds,
    inbox: mpsc::Receiver<Command>,
    publish: watch::Sender<Vec<FetchView>>,
    by_itself: Vec<BuildId>,
}

impl Fetcher {
    pub async fn open(store: Store, builds: Builds) -> Result<(Self, Beginning), StoreError> {
        // Something else than we wrote is as good as nothing: at worst somebody presses again.
        let told = |text: Option<String>| text.unwrap_or_default();
        let scenes: Vec<Scene> = serde_json::from_str(&told(store.setting(KEY).await?)).unwrap_or_default();
        let by_itself = serde_json::from_str(&told(store.setting(BY_ITSELF).await?)).unwrap_or_default();
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, view) = watch::channel(Vec::new());
        let line = Line::of(scenes);
        let beginning = Beginning { line, store, builds: builds.clone(), inbox, publish, by_itself };
        Ok((Self { commands, builds, view }, beginning))
    }

    /// What is under way, and how the last ones ended.
    pub fn view(&self) -> Vec<FetchView> {
        self.view.borrow().clone()
    }

    pub async fn order(&self, build: &str, profile: Option<&str>) -> Result<(), Problem> {
        let scene = self.scene(build, profile).await?;
        self.ask(|reply| Command::Order { scene, reply }).await
    }

    pub async fn cancel(&self, build: &str, profile: Option<&str>) -> Result<(), Problem> {
        let scene = self.scene(build, profile).await?;
        self.ask(|reply| Command::Cancel { scene, reply }).await
    }

    async fn scene(&self, build: &str, profile: Option<&str>) -> Result<Scene, Problem> {
        let (build, profile) = self.builds.resolve(Some(build), profile).await?;
        let nothing = || {
            let detail = format!("{} is no OpenSpace: it downloads nothing when it starts.", build.name);
            problem(422, "Nothing to fetch", detail)
        };
        Ok(Scene { profile: profile.ok_or_else(nothing)?, build: build.id })
    }

    async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), Problem>>) -> Command,
    ) -> Result<(), Problem> {
        let (reply, answer) = oneshot::channel();
        drop(self.commands.send(command(reply)).await);
        answer.await.unwrap_or_else(|_| Err(problem(503, "Shutting down", "This machine is shutting down.")))
    }
}
