//! What can be launched here: one task owns what is known of the builds, looks at their folders when they change, and tells everybody.
//!
//! ```text
//!   Builds (handle) ── commands ──► driver (owns the store's list) ── blocking looks at folders
//!                   ◄── watch<Catalog>: who asks what can be launched reads memory, not disks
//! ```

mod catalog;
mod confirm;
mod driver;
mod look;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use model::{Build, BuildId, BuildKind, Confirmed};
use openspace::build::NotABuild;
use protocol::api::Problem;
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    catalog::{Catalog, Entry, Seen},
    confirm::follow_starts,
};
use crate::problem::problem;

/// Commands that may wait: they come from people, and a few from starts.
const COMMANDS: usize = 32;

/// The builds of this machine. Cheap to clone; the task ends with the last clone.
#[derive(Clone, Debug)]
pub struct Builds {
    commands: mpsc::Sender<Command>,
    catalog: watch::Receiver<Arc<Catalog>>,
}

#[derive(Debug)]
enum Command {
    Put {
        build: Box<Build>,
        reply: Reply<Result<Build, AddError>>,
    },
    /// In the place of what was built from the same sources before.
    Install {
        build: Box<Build>,
        reply: Reply<Result<(BuildId, Option<PathBuf>), AddError>>,
    },
    Remove {
        id: BuildId,
        reply: Reply<Result<bool, StoreError>>,
    },
    SetDefault {
        id: BuildId,
        reply: Reply<Result<(), StoreError>>,
    },
    /// A running program has said what it is.
    Confirm {
        id: BuildId,
        said: Confirmed,
    },
    /// Its newest start came to nothing for this reason, or, without one, it came well.
    Started {
        id: BuildId,
        failure: Option<String>,
    },
    /// Look at its folder now, whatever is known.
    Look {
        id: BuildId,
        reply: Reply<()>,
    },
}

type Reply<T> = oneshot::Sender<T>;

#[derive(Debug, thiserror::Error)]
pub enum AddError {
    #[error(transparent)]
    NotABuild(#[from] NotABuild),
    #[error("{0} is not a program that can be started: {1}")]
    NotAProgram(PathBuf, &'static str),
    #[error("a program needs a command")]
    NoCommand,
    #[error(transparent)]
    BadName(#[from] model::build::MalformedBuildId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Builds {
    /// Reads the journal and has a first look at the folders; then looks again whenever one changes.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, catalog) = watch::channel(Arc::default());
        driver::open(store, inbox, publish).await?;
        Ok(Self { commands, catalog })
    }

    /// What is known now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.borrow().clone()
    }

    pub fn changes(&self) -> watch::Receiver<Arc<Catalog>> {
        self.catalog.clone()
    }

    pub async fn set_default(&self, id: &BuildId) -> Result<(), StoreError> {
        self.ask(|reply| Command::SetDefault { id: id.clone(), reply })
            .await
            .unwrap_or(Err(StoreError::Closed))
    }

    /// False when there was none.
    pub async fn remove(&self, id: &BuildId) -> Result<bool, StoreError> {
        self.ask(|reply| Command::Remove { id: id.clone(), reply }).await.unwrap_or(Err(StoreError::Closed))
    }

    pub async fn add_openspace(
        &self,
        dir: &Path,
        env: BTreeMap<String, String>,
        args: Vec<String>,
    ) -> Result<Build, AddError> {
        let dir = dir.canonicalize().map_err(|_| NotABuild::Missing(dir.to_owned()))?;
        let build = tokio::task::spawn_blocking(move || look::register(dir, env, args)).await;
        self.put(build.map_err(|_| AddError::Store(StoreError::Closed))??).await
    }

    pub async fn add_program(
        &self,
        name: &str,
        run: Vec<String>,
        working_dir: Option<PathBuf>,
        env: BTreeMap<String, String>,
    ) -> Result<Build, AddError> {
        let mut run = run.into_iter();
        let command = run.next().filter(|command| !command.is_empty()).ok_or(AddError::NoCommand)?;
        let command = look::locate(Path::new(&command))?;
        let kind = BuildKind::Program { command, working_dir };
        let build =
            Build { id: BuildId::from_name(name)?, name: name.to_owned(), kind, env, args: run.collect() };
        self.put(build).await
    }

    /// What was built from source takes the place of what the same sources gave before, with its settings; whose folder is told.
    pub async fn install(
        &self,
        id: BuildId,
        name: String,
        dir: PathBuf,
    ) -> Result<(BuildId, Option<PathBuf>), AddError> {
        let looked = tokio::task::spawn_blocking(move || {
            let dir = dir.canonicalize().map_err(|_| NotABuild::Missing(dir))?;
            look::register(dir, BTreeMap::new(), Vec::new())
        });
        let build = looked.await.map_err(|_| AddError::Store(StoreError::Closed))??;
        let build = Box::new(Build { id, name, ..build });
        self.ask(|reply| Command::Install { build, reply }).await.unwrap_or(Err(StoreError::Closed.into()))
    }

    async fn put(&self, build: Build) -> Result<Build, AddError> {
        let build = Box::new(build);
        self.ask(|reply| Command::Put { build, reply }).await.unwrap_or(Err(StoreError::Closed.into()))
    }

    /// What to launch for this wish: the build and a profile that it has. What is not known is looked for on the disk once more.
    pub async fn resolve(
        &self,
        build: Option<&str>,
        profile: Option<&str>,
    ) -> Result<(Build, Option<String>), Problem> {
        let catalog = self.catalog();
        let entry = catalog.pick(build)?;
        if let Ok(found) = entry.with_profile(profile) {
            return Ok((entry.build.clone(), found));
        }
        let id = entry.build.id.clone();
        self.ask(|reply| Command::Look { id, reply }).await;
        let catalog = self.catalog();
        let entry = catalog.pick(build)?;
        Ok((entry.build.clone(), entry.with_profile(profile)?))
    }

    /// The build of this id; unlike in a launch, one must be named.
    pub fn named(&self, id: &str) -> Result<Build, Problem> {
        self.catalog().pick(Some(id)).map(|entry| entry.build.clone())
    }

    fn tell(&self, command: Command) {
        if self.commands.try_send(command).is_err() {
            tracing::warn!("news of a build's start is lost: the list of builds does not follow");
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// What is said of a build that is not there.
fn unknown(id: &str) -> Problem {
    let id: String = id.chars().take(80).collect();
    problem(
        404,
        "Unknown build",
        format!("This machine has no build `{id}`. GET /api/v1/builds lists those that it has."),
    )
}
