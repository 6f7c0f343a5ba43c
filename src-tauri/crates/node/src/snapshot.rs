//! One picture of the whole machine for the panel, put together from what the rooms publish.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use futures_util::stream::{self, BoxStream, StreamExt};
use model::{ServerId, Size, health::HealthSample};
use protocol::{
    admin::{
        AdminInstance, AdminViewer, DrainView, NodeSnapshot, NodeView, RenditionView, StandbyView, StreamView,
    },
    signal::ViewerView,
};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_stream::wrappers::WatchStream;

use crate::{
    builds::Builds,
    clock,
    fetcher::Fetcher,
    fleet::Fleet,
    history::History,
    life::{Drain, Draining},
    membership::Membership,
    roster::Roster,
    rows::{self, Row, Rows},
    source::Workshop,
    stage::Picture,
    standby::{Keeper, plan::Wanted},
    views,
};

/// Lines of a program's output that the panel shows.
const LOG_LINES: usize = 40;

/// The panel is redrawn this often while nothing else changes: the figures are sampled once a second.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);
/// Between two snapshots, however fast things change: a few a second are as many as people see.
const SNAPSHOT_PAUSE: Duration = Duration::from_millis(200);

/// Where a snapshot comes from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// What does not change while the node runs; slots and viewers are filled in for each snapshot.
    pub node: watch::Receiver<NodeView>,
    pub health: watch::Receiver<Option<HealthSample>>,
    pub history: watch::Receiver<History>,
    pub roster: Roster,
    pub builds: Builds,
    pub workshop: Workshop,
    pub fetcher: Fetcher,
    pub standby: Keeper,
    pub drain: Drain,
    pub membership: Membership,
    pub fleet: Fleet,
    pub server: ServerId,
    /// Sentences about the start: what did not work.
    pub warnings: Vec<String>,
}

/// The snapshots of this machine: one task takes them for all who watch, however many there are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshots {
    sources: Arc<Sources>,
    newest: Arc<watch::Sender<Arc<NodeSnapshot>>>,
}

impl Snapshots {
    /// The task ends with the last clone.
    pub fn open(sources: Sources) -> Self {
        let sources = Arc::new(sources);
        let newest = Arc::new(watch::Sender::new(Arc::new(sources.take())));
        tokio::spawn(take_for_all(sources.clone(), Arc::downgrade(&newest)));
        Self { sources, newest }
    }

    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// One at once, then the newest at each change.
    pub fn follow(&self) -> BoxStream<'static, Arc<NodeSnapshot>> {
        let changes = WatchStream::from_changes(self.newest.subscribe());
        stream::once(std::future::ready(Arc::new(self.sources.take()))).chain(changes).boxed()
    }
}

async fn take_for_all(sources: Arc<Sources>, newest: Weak<watch::Sender<Arc<NodeSnapshot>>>) {
    let mut rows = sources.roster.rows();
    let mut builds = sources.builds.changes();
    let mut ticks = interval(SNAPSHOT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_over = tokio::select! {
            _ = ticks.tick() => false,
            gone = rows.changed() => gone.is_err(),
            gone = builds.changed() => gone.is_err(),
        };
        let Some(newest) = newest.upgrade().filter(|_| !is_over) else { return };
        if newest.receiver_count() > 0 {
            newest.send_replace(Arc::new(sources.take()));
        }
        drop(newest);
        tokio::time::sleep(SNAPSHOT_PAUSE).await;
    }
}

impl Sources {
    /// None while the machine is being emptied.
    pub fn slots_free(&self) -> u32 {
        let total = self.node.borrow().slots_total;
        rows::free(total, &self.roster.rows().borrow(), self.drain.now().is_some())
    }

    pub fn take(&self) -> NodeSnapshot {
        let wanted = self.standby.wanted();
        let rows = self.roster.rows().borrow().clone();
        let health = self.health.borrow().clone();
        let mut node = self.node.borrow().clone();
        let draining = self.drain.now();
        node.slots_free = self.slots_free();
        node.draining = draining.map(|Draining { since, until }| DrainView { since, until });
        node.viewers = rows.values().map(|row| row.stage.viewers.len() as u32).sum();
        let running = rows.values().find_map(|row| row.stage.picture.as_ref());
        if let Some(picture) = running {
            node.encoder = Some(picture.pipeline.choice().clone());
        }
        let mut warnings = self.warnings.clone();
        warnings.extend(health.as_ref().and_then(disk_warning));
        warnings.extend(rows.values().filter_map(trouble_warning));
        warnings.extend(self.fleet.warnings());
        NodeSnapshot {
            node,
            history: self.history.borrow().points(),
            instances: rows.values().map(|row| instance(row, self.server, health.as_ref())).collect(),
            health,
            builds: self.builds.catalog().admin_views(),
            source_build: self.workshop.view().borrow().clone(),
            fetches: self.fetcher.view(),
            standby: standby(&wanted, &rows),
            registry: self.membership.view(),
            fleet: self.fleet.view(),
            warnings,
        }
    }
}

fn standby(wanted: &[Wanted], rows: &Rows) -> Vec<StandbyView> {
    let ready = |want: &Wanted| {
        let stands = |row: &&Row| {
            let member = &row.member;
            let is_of = member.build.id == want.build && member.profile == want.profile;
            member.is_standby() && is_of && row.report.status.state == model::InstanceState::Ready
        };
        rows.values().filter(stands).count() as u32
    };
    let view = |want: &Wanted| StandbyView {
        build: want.build.to_string(),
        profile: want.profile.clone(),
        wanted: want.count,
        ready: ready(want),
    };
    wanted.iter().map(view).collect()
}

fn trouble_warning(row: &Row) -> Option<String> {
    let id = row.member.id.to_string();
    Some(format!("{} ({}): {}", row.member.build.name, &id[..8], views::trouble(row)?))
}

fn disk_warning(health: &HealthSample) -> Option<String> {
    const LEAST_BYTES: u64 = 1 << 30;
    let free = health.host.disk_free_bytes;
    (health.host.disk_total_bytes > 0 && free < LEAST_BYTES).then(|| {
        format!("The disk of the data folder has {} MB left: OpenSpace needs more to load its data. Free some space.", free >> 20)
    })
}

fn instance(row: &Row, server: ServerId, health: Option<&HealthSample>) -> AdminInstance {
    let running = row.report.running.as_ref();
    let pid = running.and_then(|running| running.program).map(|program| program.pid);
    let load = health.and_then(|health| health.host.processes.iter().find(|load| Some(load.root_pid) == pid));
    let picture = row.stage.picture.as_ref();
    AdminInstance {
        instance: views::instance(row, server),
        size: Size::new(row.stage.size.width, row.stage.size.height),
        display: running.map(|running| running.display.address.name()),
        pid,
        cpu_percent: load.map(|load| load.cpu_percent),
        memory_bytes: load.map(|load| load.memory_bytes),
        gpu_memory_bytes: load.and_then(|load| load.gpu_memory_bytes),
        encoder: picture.map(|picture| picture.pipeline.choice().clone()),
        stream: picture.map(|picture| stream(*picture.pipeline.stats().borrow())),
        renditions: picture.map(renditions).unwrap_or_default(),
        viewers: viewers(row),
        ending: row.member.life.ending().map(|ending| views::ending(&ending, Instant::now(), clock::now())),
        log_tail: notes_and_log(row),
    }
}

fn stream(stats: media::Stats) -> StreamView {
    StreamView {
        fps: stats.fps,
        bitrate_kbps: stats.bitrate_kbps,
        target_kbps: stats.target_kbps,
        encode_ms: stats.encode_ms,
        dropped_frames: stats.dropped_frames,
    }
}

fn renditions(picture: &Picture) -> Vec<RenditionView> {
    let view = |running: media::RenditionStats| RenditionView {
        rendition: running.rendition,
        size: running.rendition.rung.size(picture.size),
        encoder: running.encoder,
        viewers: running.viewers as u32,
        stream: stream(running.stats),
    };
    picture.pipeline.renditions().into_iter().map(view).collect()
}

fn viewers(row: &Row) -> Vec<AdminViewer> {
    let holder = row.stage.holder;
    let view = |viewer: &ViewerView| {
        let path = row.stage.paths.get(&viewer.viewer_id).map(|path| *path.borrow()).unwrap_or_default();
        AdminViewer {
            viewer_id: viewer.viewer_id,
            role: viewer.role,
            in_control: holder == Some(viewer.viewer_id),
            connected: path.connected,
            rtt_ms: path.rtt_ms,
            rendition: path.shown,
            fraction_lost: path.fraction_lost,
            frames_skipped: path.frames_skipped,
            over_tcp: path.over_tcp,
        }
    };
    row.stage.viewers.iter().map(view).collect()
}

/// What was set for the program comes before what it said.
fn notes_and_log(row: &Row) -> Vec<String> {
    let notes = row.report.notes.iter().map(|note| format!("» {note}"));
    notes.chain(row.member.instance.log_tail(LOG_LINES)).collect()
}
