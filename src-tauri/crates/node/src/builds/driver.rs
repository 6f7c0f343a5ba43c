//! The task that owns the builds: one loop. Looks at folders are errands beside it, so that a disk that hangs holds up nobody.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use model::{Build, BuildId, BuildKind, Confirmed};
use store::{Store, StoreError};
use tokio::{
    select,
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tracing::{info, warn};

use super::{AddError, Catalog, Command, Entry, Reply, Seen, look};
use crate::clock;

const DEFAULT_BUILD: &str = "default_build";

/// How often folders are asked whether they changed: some dozens of looks at names each. Asking, unlike the system's notices, also
/// works on network disks and for folders that vanish and come back.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// A folder on a disk that hangs is shown as such after so long, and the node starts without it.
const FIRST_LOOK_WITHIN: Duration = Duration::from_secs(5);

struct Driver {
    store: Store,
    entries: Vec<Entry>,
    chosen: Option<String>,
    publish: watch::Sender<Arc<Catalog>>,
    looks: JoinSet<Look>,
    /// One look at a time for each build; who waits for it.
    looking: BTreeMap<BuildId, Vec<Reply<()>>>,
}

/// What a look came back with; nothing where the folder is as it was.
struct Look {
    id: BuildId,
    found: Option<(Build, Seen)>,
}

/// Starts the task, once the folders have been looked at.
pub(super) async fn open(
    store: Store,
    inbox: mpsc::Receiver<Command>,
    publish: watch::Sender<Arc<Catalog>>,
) -> Result<(), StoreError> {
    let chosen = store.setting(DEFAULT_BUILD).await?;
    let mut confirmed: BTreeMap<BuildId, Confirmed> = store.confirmed().await?.into_iter().collect();
    let builds = store.builds().await?;
    let entries = builds.into_iter().map(|build| {
        let said = confirmed.remove(&build.id);
        Entry::new(build, said)
    });
    let mut driver = Driver {
        store,
        entries: entries.collect(),
        chosen,
        publish,
        looks: JoinSet::new(),
        looking: BTreeMap::new(),
    };
    driver.look_at_all();
    let first = async {
        while let Some(look) = driver.looks.join_next().await {
            driver.seen(look.ok()).await;
        }
    };
    if timeout(FIRST_LOOK_WITHIN, first).await.is_err() {
        warn!("a folder of a build does not answer; it is shown without what it holds until it does");
    }
    driver.publish();
    tokio::spawn(driver.run(inbox));
    Ok(())
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut ticks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                command = inbox.recv() => match command {
                    Some(command) => self.command(command).await,
                    None => return,
                },
                Some(look) = self.looks.join_next() => self.seen(look.ok()).await,
                _ = ticks.tick() => self.look_at_all(),
            }
        }
    }

    /// Who asked reads the catalog next, so it is published before the answer.
    async fn command(&mut self, command: Command) {
        match command {
            Command::Put { build, reply } => {
                let done = self.put(*build).await;
                self.publish();
                let _ = reply.send(done);
            }
            Command::Install { build, reply } => {
                let done = self.install(*build).await;
                self.publish();
                let _ = reply.send(done);
            }
            Command::Remove { id, reply } => {
                let done = self.remove(&id).await;
                self.publish();
                let _ = reply.send(done);
            }
            Command::SetDefault { id, reply } => {
                let done = self.set_default(&id).await;
                self.publish();
                let _ = reply.send(done);
            }
            Command::Confirm { id, said } => {
                self.confirm(&id, said).await;
                self.publish();
            }
            Command::Started { id, failure } => {
                if let Some(entry) = self.entry(&id) {
                    entry.failure = failure;
                    self.publish();
                }
            }
            Command::Look { id, reply } => match self.entry(&id).map(|entry| entry.build.clone()) {
                Some(build) => self.look_at(build, None, Some(reply)),
                None => drop(reply),
            },
        }
    }

    /// One of the same folder keeps its id; another of the same name gets a number.
    async fn put(&mut self, mut build: Build) -> Result<Build, AddError> {
        let same = self.entries.iter().position(|other| is_same_folder(&other.build.kind, &build.kind));
        match same {
            Some(index) => build.id = self.entries[index].build.id.clone(),
            None => build.id = self.free_id(&build.id)?,
        }
        self.write(build.clone()).await?;
        Ok(build)
    }

    /// Keeps it, in its place where its id is known, and looks at it at once.
    async fn write(&mut self, build: Build) -> Result<(), AddError> {
        self.store.put_build(&build).await?;
        let known = self.entries.iter().position(|entry| entry.build.id == build.id);
        let index = known.unwrap_or(self.entries.len());
        if known.is_none() {
            self.entries.push(Entry::new(build.clone(), None));
        }
        let looked = tokio::task::spawn_blocking({
            let build = build.clone();
            move || look_now(build)
        });
        let seen = looked.await.map(|(_, seen)| seen).unwrap_or_default();
        let entry = &mut self.entries[index];
        entry.build = build;
        entry.seen = seen;
        entry.failure = None;
        Ok(())
    }

    async fn install(&mut self, mut build: Build) -> Result<(BuildId, Option<PathBuf>), AddError> {
        let former = self.entry(&build.id).map(|entry| entry.build.clone());
        let folder = former.as_ref().and_then(|former| folder_of(&former.kind)).map(Path::to_owned);
        // Somebody else's folder of that id is not replaced.
        let is_ours =
            folder.as_deref().and_then(Path::parent) == folder_of(&build.kind).and_then(Path::parent);
        match former.filter(|_| is_ours) {
            Some(former) => (build.env, build.args) = (former.env, former.args),
            None => build.id = self.free_id(&build.id)?,
        }
        let id = build.id.clone();
        self.write(build).await?;
        Ok((id, folder.filter(|_| is_ours)))
    }

    fn free_id(&self, base: &BuildId) -> Result<BuildId, AddError> {
        let taken = |id: &BuildId| self.entries.iter().any(|other| other.build.id == *id);
        let mut id = base.clone();
        let mut number = 2;
        while taken(&id) {
            id = BuildId::from_name(&format!("{base}-{number}"))?;
            number += 1;
        }
        Ok(id)
    }

    async fn set_default(&mut self, id: &BuildId) -> Result<(), StoreError> {
        self.store.put_setting(DEFAULT_BUILD, id.as_str()).await?;
        self.chosen = Some(id.to_string());
        Ok(())
    }

    async fn remove(&mut self, id: &BuildId) -> Result<bool, StoreError> {
        let known = self.store.remove_build(id).await?;
        self.entries.retain(|entry| entry.build.id != *id);
        Ok(known)
    }

    async fn confirm(&mut self, id: &BuildId, said: Confirmed) {
        let Some(entry) = self.entry(id) else { return };
        entry.failure = None;
        if entry.confirmed.as_ref().is_some_and(|last| Confirmed { at: said.at, ..last.clone() } == said) {
            return;
        }
        info!(build = %id, version = said.version, commit = said.commit, "a running program said what it is");
        entry.confirmed = Some(said.clone());
        if let Err(error) = self.store.put_confirmed(id, &said).await {
            warn!(build = %id, %error, "what a running program said of itself was not kept");
        }
    }

    fn look_at_all(&mut self) {
        let known = |entry: &Entry| (entry.build.clone(), entry.seen.fingerprint.clone());
        for (build, fingerprint) in self.entries.iter().map(known).collect::<Vec<_>>() {
            self.look_at(build, Some(fingerprint), None);
        }
    }

    /// With `known`, only if it is not as it was. One that is under way serves who asks now too.
    fn look_at(&mut self, build: Build, known: Option<String>, reply: Option<Reply<()>>) {
        let id = build.id.clone();
        if !self.looking.contains_key(&id) {
            let id = id.clone();
            self.looks.spawn_blocking(move || {
                let is_as_it_was = known.is_some_and(|known| look::fingerprint(&build) == known);
                Look { id, found: (!is_as_it_was).then(|| look_now(build)) }
            });
        }
        self.looking.entry(id).or_default().extend(reply);
    }

    async fn seen(&mut self, look: Option<Look>) {
        // A look that broke has said so; its folder is looked at again in a moment.
        let Some(Look { id, found }) = look else { return };
        let waiting = self.looking.remove(&id).unwrap_or_default();
        if let Some((build, seen)) = found {
            self.take(&id, build, seen).await;
            self.publish();
        }
        for reply in waiting {
            // Who asked may be gone.
            let _ = reply.send(());
        }
    }

    async fn take(&mut self, id: &BuildId, build: Build, seen: Seen) {
        let Some(entry) = self.entry(id) else { return };
        let is_first = entry.seen.fingerprint.is_empty();
        if !is_first && entry.seen.fingerprint != seen.fingerprint {
            info!(build = %id, "the folder of a build changed");
            entry.changed = Some(clock::now());
            entry.failure = None;
        }
        entry.seen = seen;
        if entry.build != build {
            entry.build = build.clone();
            if let Err(error) = self.store.put_build(&build).await {
                warn!(build = %id, %error, "the journal does not know yet what became of a build's folder");
            }
        }
    }

    fn entry(&mut self, id: &BuildId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.build.id == *id)
    }

    fn publish(&self) {
        let catalog = Catalog { entries: self.entries.clone(), chosen: self.chosen.clone() };
        self.publish.send_if_modified(|last| {
            let is_news = last.chosen != catalog.chosen || last.entries != catalog.entries;
            if is_news {
                *last = Arc::new(catalog);
            }
            is_news
        });
    }
}

/// The fingerprint is taken first: what changes during the look is then seen by the next one.
fn look_now(build: Build) -> (Build, Seen) {
    let fingerprint = look::fingerprint(&build);
    let (build, seen) = look::look(build);
    (build, Seen { fingerprint, ..seen })
}

fn folder_of(kind: &BuildKind) -> Option<&Path> {
    match kind {
        BuildKind::OpenSpace { dir, .. } => Some(dir),
        BuildKind::Program { .. } => None,
    }
}

fn is_same_folder(a: &BuildKind, b: &BuildKind) -> bool {
    folder_of(a).is_some() && folder_of(a) == folder_of(b)
}
