//! The roster's task: one loop, one owner.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use model::{
    Build, InstanceId, InstanceState, Size, StopReason,
    video::{PictureSize, SizeMode},
};
use openspace::saved::Saved;
use protocol::{api::Problem, signal::SizeNews};
use store::{InstanceRecord, LeftBy, Store};
use supervisor::Report;
use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_stream::{StreamExt, StreamMap, wrappers::WatchStream};
use tracing::{error, info, warn};

use super::{Command, Launch, Setup, Started, first::FirstStarts, standing};
use crate::{
    admission::{self, Doors, Refusal},
    clock, continuity,
    life::{self, span::Ending},
    logs::About,
    problem::{problem, too_many},
    rows::{Member, Row, Rows, is_over, live},
    stage::{self, Stage},
    views,
    whose::{self, FETCHER},
};

/// How long an instance's task may take to let go.
const ABANDON_WITHIN: Duration = Duration::from_secs(2);

struct Driver {
    setup: Setup,
    store: Store,
    rows: BTreeMap<InstanceId, Row>,
    reports: StreamMap<InstanceId, WatchStream<Report>>,
    stages: StreamMap<InstanceId, WatchStream<stage::State>>,
    endings: StreamMap<InstanceId, WatchStream<Option<Ending>>>,
    publish: watch::Sender<Rows>,
    /// Set while the node ends: who waits for the last instance.
    closing: Option<oneshot::Sender<()>>,
    stage_setup: stage::Setup,
    first: FirstStarts,
    /// What is being copied for those who look for a cause later.
    keeping: JoinSet<()>,
}

pub(super) async fn run(
    setup: Setup,
    store: Store,
    adopted: Vec<(InstanceRecord, Build)>,
    mut inbox: mpsc::Receiver<Command>,
    publish: watch::Sender<Rows>,
) {
    let stage_setup = setup.stage.clone();
    let mut driver = Driver {
        setup,
        rows: BTreeMap::new(),
        reports: StreamMap::new(),
        stages: StreamMap::new(),
        endings: StreamMap::new(),
        publish,
        closing: None,
        keeping: JoinSet::new(),
        stage_setup,
        first: FirstStarts::open(&store).await,
        store,
    };
    for (record, build) in adopted {
        driver.open(record, build);
    }
    driver.publish();
    loop {
        select! {
            command = inbox.recv() => match command {
                Some(Command::Close { stop: false, reply }) => {
                    driver.abandon().await;
                    while driver.keeping.join_next().await.is_some() {}
                    let _ = reply.send(());
                    return;
                }
                Some(command) => driver.command(command).await,
                None => return,
            },
            Some((id, report)) = driver.reports.next() => driver.report(id, report).await,
            Some((id, stage)) = driver.stages.next() => driver.stage(id, stage).await,
            Some((id, ending)) = driver.endings.next() => driver.ending(id, ending),
            Some(_) = driver.keeping.join_next() => {}
        }
        if driver.rows.is_empty()
            && let Some(done) = driver.closing.take()
        {
            while driver.keeping.join_next().await.is_some() {}
            let _ = done.send(());
            return;
        }
    }
}

impl Driver {
    async fn command(&mut self, command: Command) {
        match command {
            Command::Launch { launch, reply } => drop(reply.send(self.launch(*launch).await)),
            Command::Stop { id, reason } => self.stop(id, reason).await,
            Command::Restart { id } => {
                if let Some(row) = self.rows.get(&id) {
                    row.member.restart();
                }
            }
            Command::Close { reply, .. } => {
                self.closing = Some(reply);
                for id in self.rows.keys().copied().collect::<Vec<_>>() {
                    self.stop(id, StopReason::Shutdown).await;
                }
            }
        }
    }

    async fn launch(&mut self, launch: Launch) -> Result<Started, Problem> {
        let by = launch.limited.then_some(launch.by);
        let open = match self.setup.life.drain.borrow().is_some() {
            _ if self.closing.is_some() => Doors::Closing,
            true => Doors::Draining,
            false => Doors::Open,
        };
        admission::admit(self.setup.slots, &live(&self.rows), by, open)
            .map_err(|refusal| refused(refusal, self.setup.slots))?;
        match standing::fitting(self.rows.values(), &launch) {
            Some(id) => self.hand_out(id, &launch).await,
            None => self.begin(launch).await,
        }
    }

    /// What stood ready is from now on whoever's launched it.
    async fn hand_out(&mut self, id: InstanceId, launch: &Launch) -> Result<Started, Problem> {
        let row = self.rows.get_mut(&id).expect("it was just found there");
        let taken = Row {
            member: Member { session: launch.by, created: launch.now, ..row.member.clone() },
            ..row.clone()
        };
        self.store.put_instance(&record(&taken)).await.map_err(unjournaled)?;
        let state = taken.report.status.state;
        let (scene, life) = (taken.member.scene.clone(), taken.member.life.clone());
        *row = taken;
        life.begin().await;
        info!(instance = %id, "handed out, as it stood ready");
        if let Some(left) = &launch.resume {
            if let Some(shown) = &left.scene {
                scene.restore(shown.clone()).await;
            }
            self.taken_up(left.id).await;
        }
        self.publish();
        Ok(Started { id, state })
    }

    async fn begin(&mut self, launch: Launch) -> Result<Started, Problem> {
        let record = InstanceRecord {
            id: launch.id.unwrap_or_else(InstanceId::random),
            session: launch.by,
            build: launch.build.id.clone(),
            profile: launch.profile,
            size: launch.size,
            created: launch.now,
            state: InstanceState::Starting,
            message: None,
            running: None,
            picture: None,
        };
        // Journaled before it starts: a program that nobody knows of would run for ever.
        self.store.put_instance(&record).await.map_err(unjournaled)?;
        info!(instance = %record.id, build = %record.build, "launching");
        let (id, state) = (record.id, record.state);
        if let Some(left) = launch.resume {
            if let Some(shown) = &left.scene {
                self.store.put_scene(id, shown, launch.now).await.map_err(unjournaled)?;
            }
            if left.id != id {
                self.taken_up(left.id).await;
            }
        }
        self.open(record, launch.build);
        self.publish();
        Ok(Started { id, state })
    }

    /// What is gone on with is not offered any more.
    async fn taken_up(&self, left: InstanceId) {
        if let Err(error) = self.store.remove_scene(left).await {
            warn!(instance = %left, %error, "a scene that is gone on with is still offered");
        }
    }

    /// Starts the tasks of an instance, or lets them take over what runs already.
    fn open(&mut self, record: InstanceRecord, build: Build) {
        let dir = self.setup.instances_dir.join(record.id.to_string());
        let saved = Saved::of(&dir);
        let spec = supervisor::Spec {
            id: record.id,
            build: build.clone(),
            profile: record.profile.clone(),
            size: record.size,
            dir,
            sync_dir: self.setup.sync_dir.clone(),
            graphics: self.setup.graphics.clone(),
            policy: self.setup.policy.clone(),
            turn: self.first.turn(&build, record.profile.as_deref(), record.session == FETCHER),
        };
        let adopted = record.running.as_ref().and_then(|running| running.program);
        let instance = supervisor::start(spec, record.running);
        let stage_setup = stage::Setup {
            size: record.size,
            picture: record.picture,
            openspace: build.is_openspace(),
            ..self.stage_setup.clone()
        };
        // The stage ends with the instance that it watches; nothing waits for it.
        let (stage, _task) = Stage::open(stage_setup, record.id, instance.clone());
        let scene = continuity::Keeper::open(record.id, adopted, &instance, &stage, self.store.clone());
        let created = Some(record.created).filter(|_| !whose::is_nobodys(record.session));
        let means = self.setup.life.clone();
        let extensions = life::Extensions { store: self.store.clone(), id: record.id };
        let life = life::Keeper::open(means, created, extensions, instance.clone(), &stage, scene.clone());
        let member = Member {
            id: record.id,
            session: record.session,
            build,
            profile: record.profile,
            size: record.size,
            created: record.created,
            instance,
            stage,
            saved,
            scene,
            life,
        };
        let report = member.instance.reports().borrow().clone();
        let stage = member.stage.state().borrow().clone();
        self.reports.insert(member.id, WatchStream::new(member.instance.reports()));
        self.stages.insert(member.id, WatchStream::new(member.stage.state()));
        self.endings.insert(member.id, WatchStream::from_changes(member.life.warnings()));
        self.rows.insert(member.id, Row { member, report, stage, ending: None });
    }

    async fn stop(&mut self, id: InstanceId, reason: StopReason) {
        if let Some(row) = self.rows.get(&id) {
            info!(instance = %id, ?reason, "stopping");
            let Member { scene, instance, .. } = row.member.clone();
            // Beside the loop: a program that does not answer would hold up everybody.
            tokio::spawn(async move {
                scene.save_now().await;
                instance.stop(reason);
            });
        }
    }

    async fn report(&mut self, id: InstanceId, report: Report) {
        let Some(row) = self.rows.get_mut(&id) else { return };
        let before = record(row);
        let fell = row.report.running.as_ref().is_some_and(|running| running.program.is_some())
            && report.running.as_ref().is_none_or(|running| running.program.is_none())
            && matches!(report.status.state, InstanceState::Restarting | InstanceState::Failed);
        row.report = report;
        let record = record(row);
        // What could not be downloaded is tried again by the next start, which is a first one still.
        if record.state == InstanceState::Ready && row.report.downloads.failed.is_empty() {
            self.first.was_ready(&row.member.build, row.member.profile.as_deref(), &self.store).await;
        }
        if fell {
            self.put_crash_aside(id);
        }
        if is_over(record.state) {
            self.forget(id).await;
        } else {
            self.journal(&before, &record).await;
        }
        self.publish();
    }

    async fn journal(&self, before: &InstanceRecord, now: &InstanceRecord) {
        if now != before
            && let Err(error) = self.store.put_instance(now).await
        {
            // The instance lives on; only a restart of the node would not find its newest state.
            warn!(instance = %now.id, %error, "the journal missed a change");
        }
    }

    async fn forget(&mut self, id: InstanceId) {
        if let Some(row) = self.rows.remove(&id) {
            self.leave_scene(&row.member).await;
            self.put_away(&row);
        }
        self.reports.remove(&id);
        self.stages.remove(&id);
        self.endings.remove(&id);
        if let Err(error) = self.store.remove_instance(id).await {
            warn!(instance = %id, %error, "the journal kept an instance that is over");
        }
        info!(instance = %id, "gone");
    }

    /// Its folder goes; what may tell why it ended stays for a while. A slow disk holds nobody up.
    fn put_away(&mut self, row: &Row) {
        let (id, dir) = (row.member.id, self.setup.instances_dir.join(row.member.id.to_string()));
        let logs = self.setup.logs.clone();
        let about = About {
            instance: row.member.id,
            build_name: row.member.build.name.clone(),
            profile: row.member.profile.clone(),
            ended: clock::now(),
            message: row.report.status.message.clone(),
        };
        self.keeping.spawn_blocking(move || {
            if let Err(error) = logs.keep(&about) {
                warn!(instance = %id, %error, "the logs of an instance could not be kept");
            }
            if let Err(error) = std::fs::remove_dir_all(&dir)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                warn!(instance = %id, %error, "the folder of an instance could not be removed");
            }
        });
    }

    /// What a crash has left is put aside, before the next start writes over it.
    fn put_crash_aside(&mut self, id: InstanceId) {
        let logs = self.setup.logs.clone();
        self.keeping.spawn_blocking(move || {
            if let Err(error) = logs.put_crash_aside(id, clock::now()) {
                warn!(instance = %id, %error, "what a crash left behind was not put aside");
            }
        });
    }

    /// What it showed stays with whose it was, to go on with later.
    async fn leave_scene(&self, member: &Member) {
        let Member { id, session, build, profile, .. } = member;
        let by = LeftBy { session: *session, build: build.id.clone(), profile: profile.clone() };
        if let Err(error) = self.store.leave_scene(*id, by, clock::now()).await {
            warn!(instance = %id, %error, "the scene of an instance that is over was not kept");
        }
    }

    async fn stage(&mut self, id: InstanceId, stage: stage::State) {
        let Some(row) = self.rows.get_mut(&id) else { return };
        let before = record(row);
        row.stage = stage;
        let now = record(row);
        self.journal(&before, &now).await;
        self.publish();
    }

    fn ending(&mut self, id: InstanceId, ending: Option<Ending>) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.ending = ending.map(|ending| views::ending(&ending, Instant::now(), clock::now()));
            self.publish();
        }
    }

    /// Lets go of what runs. A start under way tells its last news then, and the next node needs them.
    async fn abandon(&mut self) {
        for row in self.rows.values() {
            row.member.instance.abandon();
        }
        for row in self.rows.values_mut() {
            let reports = row.member.instance.reports();
            if timeout(ABANDON_WITHIN, row.member.instance.ended()).await.is_err() {
                warn!(instance = %row.member.id, "an instance's task did not end; its last news may be missing");
            }
            row.report = reports.borrow().clone();
            if let Err(error) = self.store.put_instance(&record(row)).await {
                warn!(instance = %row.member.id, %error, "the journal missed the last change");
            }
        }
    }

    fn publish(&self) {
        self.publish.send_replace(Rows::from(Arc::new(self.rows.clone())));
    }
}

fn unjournaled(error: store::StoreError) -> Problem {
    error!(%error, "an instance cannot be journaled");
    problem(503, "The journal cannot be written", error.to_string())
}

/// `None`: as it was launched.
fn picture(news: &SizeNews, launched: Size) -> Option<PictureSize> {
    let now = PictureSize { mode: news.mode, size: Size::new(news.width, news.height) };
    Some(now).filter(|now| *now != PictureSize { mode: SizeMode::Launched, size: launched.clamped() })
}

fn record(row: &Row) -> InstanceRecord {
    let member = &row.member;
    InstanceRecord {
        id: member.id,
        session: member.session,
        build: member.build.id.clone(),
        profile: member.profile.clone(),
        size: member.size,
        created: member.created,
        state: row.report.status.state,
        message: row.report.status.message.clone(),
        running: row.report.running.clone(),
        picture: picture(&row.stage.size, member.size),
    }
}

fn refused(refusal: Refusal, slots: admission::Slots) -> Problem {
    match refusal {
        Refusal::MachineFull => problem(
            503,
            "All slots are taken",
            format!(
                "This machine runs {} instances at once and all are taken. Try again when one has been stopped.",
                slots.total
            ),
        ),
        Refusal::SessionFull => too_many(slots.per_session, false),
        Refusal::Closing => problem(503, "Shutting down", "This machine takes no new instances now."),
        Refusal::Draining => problem(
            503,
            "Out of service soon",
            "This machine is taken out of service for a while and starts nothing new. What runs goes on. Try again \
             later.",
        ),
    }
}
