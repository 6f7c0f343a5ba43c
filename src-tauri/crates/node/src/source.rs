//! Builds an OpenSpace from its sources: configure, build, install into a fresh folder, and only then is it registered.
//!
//! ```text
//!   Workshop (handle) ── commands ──► one task ── cmake, in a process group of its own, at low priority
//!                     ◄── watch<Option<SourceBuildView>>
//! ```
//!
//! A build that fails or is given up leaves nothing registered that was not before. It goes on without a panel, and ends with the node.

mod cmake;
mod order;
mod words;

use std::path::{Path, PathBuf};

use protocol::{
    admin::{SourceBuildView, SourceStep},
    api::Problem,
};
use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::cmake::{Job, Why};
pub use self::order::Order;
use crate::{builds::Builds, clock, problem::problem};

/// People press once or twice.
const COMMANDS: usize = 8;

/// The remote control. Cheap to clone; what is being built ends with the last clone.
#[derive(Clone, Debug)]
pub struct Workshop {
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<Option<SourceBuildView>>,
}

#[derive(Debug)]
enum Command {
    Start { order: Order, reply: oneshot::Sender<Result<(), Problem>> },
    Cancel,
}

impl Workshop {
    /// Everything is made below `root`: `work` holds what makes the next build of the same sources quick, `installed` the results.
    pub fn open(root: PathBuf, builds: Builds) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, view) = watch::channel(None);
        tokio::spawn(run(root, builds, inbox, publish));
        Self { commands, view }
    }

    /// The one that is under way, or the last one.
    pub fn view(&self) -> watch::Receiver<Option<SourceBuildView>> {
        self.view.clone()
    }

    pub async fn start(&self, order: Order) -> Result<(), Problem> {
        let (reply, answer) = oneshot::channel();
        drop(self.commands.send(Command::Start { order, reply }).await);
        answer.await.unwrap_or_else(|_| Err(problem(503, "Shutting down", "This machine is shutting down.")))
    }

    pub async fn cancel(&self) {
        drop(self.commands.send(Command::Cancel).await);
    }
}

/// One at a time: a build takes all cores that it can get.
async fn run(
    root: PathBuf,
    builds: Builds,
    mut inbox: mpsc::Receiver<Command>,
    publish: watch::Sender<Option<SourceBuildView>>,
) {
    let mut job: JoinSet<Result<String, Why>> = JoinSet::new();
    let mut cancel = CancellationToken::new();
    loop {
        select! {
            command = inbox.recv() => match command {
                Some(Command::Start { order, reply }) => {
                    if !job.is_empty() {
                        let busy = "Another build from source is under way. Wait for its end, or cancel it.";
                        let _ = reply.send(Err(problem(409, "The workshop is busy", busy)));
                        continue;
                    }
                    cancel = CancellationToken::new();
                    publish.send_replace(Some(first_view(&order)));
                    job.spawn(build(root.clone(), order, builds.clone(), publish.clone(), cancel.clone()));
                    let _ = reply.send(Ok(()));
                }
                Some(Command::Cancel) => cancel.cancel(),
                // The job is dropped with the set, and its processes with it.
                None => return,
            },
            Some(done) = job.join_next() => finish(&publish, done.unwrap_or_else(|error| Err(Why::Failed(error.to_string())))),
        }
    }
}

async fn build(
    root: PathBuf,
    order: Order,
    builds: Builds,
    publish: watch::Sender<Option<SourceBuildView>>,
    cancel: CancellationToken,
) -> Result<String, Why> {
    let id = order.build_id();
    let prefix = root.join("installed").join(format!("{id}-{}", clock::now().0));
    let job = Job {
        order: &order,
        work: root.join("work").join(id.as_str()),
        prefix: prefix.clone(),
        publish: &publish,
        cancel: &cancel,
    };
    info!(sources = %order.dir.display(), "building from source");
    match job.run().await {
        Ok(()) => register(&builds, &order, &prefix).await,
        Err(why) => {
            remove(&prefix).await;
            Err(why)
        }
    }
}

async fn register(builds: &Builds, order: &Order, prefix: &Path) -> Result<String, Why> {
    let installed = builds.install(order.build_id(), order.name(), prefix.to_owned()).await;
    match installed {
        // What still runs from it keeps it until the next build of the same sources.
        Ok((id, former)) => {
            sweep(prefix, former.as_deref()).await;
            Ok(id.to_string())
        }
        Err(error) => {
            remove(prefix).await;
            Err(Why::Failed(format!(
                "It was built, but what its install step made is no OpenSpace: {error}. If it builds into its own folder, add that folder instead."
            )))
        }
    }
}

/// Removes the results of older builds of the same sources; the newest and the one before it stay.
async fn sweep(newest: &Path, former: Option<&Path>) {
    let (Some(folder), Some(name)) = (newest.parent(), newest.file_name().and_then(|name| name.to_str()))
    else {
        return;
    };
    let Some((stem, _)) = name.rsplit_once('-') else { return };
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else { return };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let path = entry.path();
        let same = entry
            .file_name()
            .to_str()
            .and_then(|name| name.rsplit_once('-'))
            .is_some_and(|(other, _)| other == stem);
        if same && path != newest && Some(path.as_path()) != former {
            remove(&path).await;
        }
    }
}

async fn remove(folder: &Path) {
    if let Err(error) = tokio::fs::remove_dir_all(folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        warn!(folder = %folder.display(), %error, "what a build from source left could not be removed");
    }
}

fn first_view(order: &Order) -> SourceBuildView {
    SourceBuildView {
        dir: order.dir.display().to_string(),
        step: SourceStep::Configuring,
        progress: None,
        started: clock::now(),
        message: None,
        build: None,
        log_tail: Vec::new(),
    }
}

fn finish(publish: &watch::Sender<Option<SourceBuildView>>, done: Result<String, Why>) {
    publish.send_modify(|view| {
        let Some(view) = view else { return };
        view.progress = None;
        (view.step, view.message, view.build) = match done {
            Ok(build) => (SourceStep::Done, Some("It is built and can be launched.".to_owned()), Some(build)),
            Err(Why::Cancelled) => (
                SourceStep::Cancelled,
                Some("It was cancelled; what could be launched before still can.".to_owned()),
                None,
            ),
            Err(Why::Failed(why)) => {
                warn!(why, "a build from source failed");
                (SourceStep::Failed, Some(why), None)
            }
        };
    });
}
