//! The fetcher's task: looks at the machine, asks [`line`](super::line) for one step, and takes it.

use std::{path::PathBuf, time::Duration};

use model::{Build, BuildId, InstanceId, Size, StopReason, health::HealthSample};
use protocol::{
    admin::{FetchStep, FetchView},
    api::Problem,
};
use tokio::{select, sync::watch, time::sleep};
use tracing::{info, warn};

use super::{
    BY_ITSELF, Beginning, Command, KEY,
    line::{Deed, Entry, Refused, Room, Scene, Sight, Stage, Then},
    verdict::Verdict,
};
use crate::{
    clock,
    life::Draining,
    problem::problem,
    roster::{Launch, Roster},
    rows::{self, Row, Rows},
    standby::{self, plan::Needs},
    whose::FETCHER,
};

/// A machine's figures change without a word; an instance's state is told.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What it needs of the machine.
#[derive(Debug)]
pub struct Means {
    /// Each build that is added is fetched by itself, once.
    pub by_itself: bool,
    pub sync_dir: PathBuf,
    /// What one more instance takes, as for those that stand ready.
    pub standby: standby::Setup,
    pub roster: Roster,
    pub health: watch::Receiver<Option<HealthSample>>,
    pub drain: watch::Receiver<Option<Draining>>,
}

/// Nobody sees it: as small a picture as OpenSpace draws.
const SIZE: Size = Size { width: 640, height: 360 };

struct Driver {
    begun: Beginning,
    means: Means,
    /// What the journal has to be done.
    kept: Vec<Scene>,
}

impl Beginning {
    pub async fn run(self, means: Means) {
        let kept = self.line.undone();
        Driver { begun: self, means, kept }.run().await;
    }
}

impl Driver {
    async fn run(mut self) {
        let mut rows = self.means.roster.rows();
        let mut catalog = self.begun.builds.changes();
        let mut drain = self.means.drain.clone();
        let known = rows.borrow_and_update().clone();
        self.adopt(&known).await;
        loop {
            if self.means.by_itself {
                self.order_new().await;
            }
            self.work().await;
            select! {
                command = self.begun.inbox.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                changed = rows.changed() => if changed.is_err() { return },
                changed = catalog.changed() => if changed.is_err() { return },
                Ok(()) = drain.changed() => {}
                () = sleep(LOOK_EVERY), if self.begun.line.is_busy() => {}
            }
        }
    }

    /// What an earlier node has left running. What was finished meanwhile, or that nobody knows of, is ended.
    async fn adopt(&mut self, rows: &Rows) {
        for row in rows.values().filter(|row| row.member.fetches()) {
            let profile = row.member.profile.clone().unwrap_or_default();
            let scene = Scene { build: row.member.build.id.clone(), profile };
            if !self.begun.line.adopt(&scene, row.member.id) {
                self.means.roster.stop(row.member.id, StopReason::Unneeded).await;
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        let now = clock::now();
        match command {
            Command::Order { scene, reply } => {
                let done = self.begun.line.order(scene, now);
                // Whoever looks after the answer sees what it has changed.
                self.tell().await;
                let _ = reply.send(done.map_err(refused));
            }
            Command::Cancel { scene, reply } => {
                let done = self.begun.line.cancel(&scene, now);
                if let Ok(Some(deed)) = &done {
                    self.perform(deed.clone()).await;
                }
                self.tell().await;
                let _ = reply.send(done.map(drop).map_err(refused));
            }
        }
    }

    /// Builds that were not there before, by their default profile. The demo comes with the program and has nothing to fetch.
    async fn order_new(&mut self) {
        let catalog = self.begun.builds.catalog();
        let known = self.begun.by_itself.clone();
        let is_new = |build: &&Build| build.is_openspace() && !build.is_demo() && !known.contains(&build.id);
        let new: Vec<BuildId> = catalog.builds().filter(is_new).map(|build| build.id.clone()).collect();
        for build in new {
            self.begun.by_itself.push(build.clone());
            self.journal(BY_ITSELF, serde_json::to_string(&self.begun.by_itself)).await;
            if let Ok((build, Some(profile))) = self.begun.builds.resolve(Some(build.as_str()), None).await {
                info!(build = %build.id, profile, "its data is fetched, since it is new");
                let _ = self.begun.line.order(Scene { build: build.id, profile }, clock::now());
            }
        }
    }

    /// One step after the other until there is nothing to do now; the panel is told in between.
    async fn work(&mut self) {
        // The first figures come a moment after the node's start.
        while self.means.health.borrow().is_some() {
            let rows = self.means.roster.rows().borrow().clone();
            let now = clock::now();
            let Self { begun, means, .. } = self;
            let catalog = begun.builds.catalog();
            let sight = |id| rows.get(&id).map(sight);
            let disk_free = |id: &BuildId| {
                let build = catalog.builds().find(|build| build.id == *id)?;
                means.disk_free(build)
            };
            let deed = begun.line.step(sight, |build| means.room(&rows, build), disk_free, now);
            self.tell().await;
            match deed {
                Some(deed) => self.perform(deed).await,
                None => return,
            }
        }
        self.tell().await;
    }

    async fn perform(&mut self, deed: Deed) {
        match deed {
            Deed::End(id) => self.means.roster.stop(id, StopReason::Fetched).await,
            Deed::Start(scene) => {
                let outcome = self.start(&scene).await.map_err(|problem| problem.detail);
                info!(build = %scene.build, profile = scene.profile, ?outcome, "its data is fetched");
                self.begun.line.started(&scene, outcome, clock::now());
            }
        }
    }

    async fn start(&self, scene: &Scene) -> Result<InstanceId, Problem> {
        let Scene { build, profile } = scene;
        let (build, profile) = self.begun.builds.resolve(Some(build.as_str()), Some(profile)).await?;
        let launch = Launch {
            id: None,
            by: FETCHER,
            limited: false,
            build,
            profile,
            size: SIZE,
            resume: None,
            now: clock::now(),
        };
        Ok(self.means.roster.launch(launch).await?.id)
    }

    /// The panel, and the journal where what is to be done has changed.
    async fn tell(&mut self) {
        let view: Vec<FetchView> = self.begun.line.entries().iter().map(view).collect();
        self.begun.publish.send_if_modified(|last| {
            let is_news = *last != view;
            *last = view;
            is_news
        });
        let undone = self.begun.line.undone();
        if self.kept != undone {
            self.journal(KEY, serde_json::to_string(&undone)).await;
            self.kept = undone;
        }
    }

    async fn journal(&self, key: &str, text: serde_json::Result<String>) {
        let text = text.expect("names are text");
        if let Err(error) = self.begun.store.put_setting(key, &text).await {
            warn!(%error, key, "what is to be fetched was not journaled; after a restart it has to be asked for again");
        }
    }
}

impl Means {
    fn room(&self, rows: &Rows, build: &BuildId) -> Room {
        if self.drain.borrow().is_some() {
            return Room::Emptied;
        }
        if rows::free(self.standby.slots, rows, false) == 0 {
            return Room::Taken;
        }
        let health = self.health.borrow();
        let Some(sample) = health.as_ref() else { return Room::Short };
        // Loading is not watched by anybody: it may be slow.
        let needs = Needs { cores: 0.0, ..self.standby.needs(build) };
        if self.standby.room(rows, sample).is_ample(needs) { Room::Free } else { Room::Short }
    }

    fn disk_free(&self, build: &Build) -> Option<u64> {
        let own = openspace::build::own_sync_folder(&build.env);
        openspace::build::free_bytes(own.as_deref().unwrap_or(&self.sync_dir))
    }
}

fn sight(row: &Row) -> Sight {
    let status = &row.report.status;
    Sight {
        state: status.state,
        detail: status.detail.clone(),
        message: status.message.clone(),
        downloads: row.report.downloads.clone(),
    }
}

fn view(entry: &Entry) -> FetchView {
    let Entry { scene, since, stage } = entry;
    let (begun, done) = match stage {
        Stage::Runs { downloads, .. } => (downloads.begun, downloads.done),
        _ => (0, 0),
    };
    let (step, message) = match stage {
        Stage::Waits(why) => (FetchStep::Waiting, why.map(str::to_owned)),
        Stage::Runs { detail, .. } => (FetchStep::Fetching, detail.clone()),
        Stage::Ends { then: Then::Wait, .. } => {
            (FetchStep::Waiting, Some("making way for people".to_owned()))
        }
        Stage::Ends { .. } => (FetchStep::Ending, None),
        Stage::Over(Verdict::Done(said)) => (FetchStep::Done, Some(said.clone())),
        Stage::Over(Verdict::Failed(why)) => (FetchStep::Failed, Some(why.clone())),
        Stage::Over(Verdict::Cancelled) => {
            (FetchStep::Cancelled, Some("It was cancelled; what has come by then stays.".to_owned()))
        }
    };
    let instance_id = match stage {
        Stage::Runs { id, .. } | Stage::Ends { id, .. } => Some(*id),
        Stage::Waits(_) | Stage::Over(_) => None,
    };
    FetchView {
        build: scene.build.to_string(),
        profile: scene.profile.clone(),
        step,
        since: *since,
        instance_id,
        files_begun: begun,
        files_done: done,
        message,
    }
}

fn refused(why: Refused) -> Problem {
    match why {
        Refused::UnderWay => problem(409, "It is under way", "Its data is being fetched already."),
        Refused::NotUnderWay => problem(409, "It is over", "Its data is not being fetched now."),
    }
}
