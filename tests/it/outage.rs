//! The registry hangs, and then falls, under twenty viewers of one machine: nobody notices, and afterwards registry and machine agree,
//! row by row.
//!
//! ```text
//!  OPENSPACE_WEBRTC_OUTAGE_S=300 cargo test -p e2e --test it outage -- --nocapture    each of both lasts five minutes
//! ```

use std::{
    collections::BTreeMap,
    env, fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use e2e::{Api, Crowd, Postgres, TestNode, crowd::Seen, programs::sleeper};
use model::{InstanceId, InstanceState};
use protocol::{
    admin::{AdminCommand, RegistryState},
    api::Launched,
};
use reqwest::{Method, StatusCode};

const VIEWERS: usize = 20;
const SLOTS: usize = 3;
/// A machine that waited for its registry would stand still for as long as it waits for an answer, which is five seconds.
const STILL_MAX_MS: u64 = 3_000;
/// Some seconds of the demo's picture.
const BEFORE_FRAMES: u64 = 150;
const LOOK_EVERY: Duration = Duration::from_millis(250);
const WITHIN: Duration = Duration::from_secs(60);

/// A machine whose registry comes and goes, and those who watch what runs there.
struct Scene {
    postgres: Postgres,
    node: TestNode,
    admin: Api,
    ann: Api,
    watched: InstanceId,
    crowd: Crowd,
    sleeper: String,
}

impl Scene {
    async fn open() -> Result<Self> {
        let postgres = Postgres::start()?;
        let url = postgres.url("openspace");
        let slots = format!("instances.slots={SLOTS}");
        let sets = [&slots, "instances.width=640", "instances.height=360", "instances.per_session=3"];
        let node = TestNode::start_with(&sets, &[("OPENSPACE_WEBRTC_REGISTRY_URL", &url)]).await?;
        let admin = node.admin()?;
        admin.until_registry(RegistryState::NotSetUp).await?;
        admin.command(&AdminCommand::SetUpRegistry).await?;
        admin.until_registry(RegistryState::Up).await?;
        let ann = node.browser().await?;
        let watched = ann.launch_build("demo").await?;
        ann.until(watched, InstanceState::Ready).await?;
        let sleeper = sleeper(&node).await?;
        let mut crowd = Crowd::of(&node, watched, &ann)?;
        for _ in 0..VIEWERS {
            crowd.join().await?;
        }
        crowd.until_frames(30).await?;
        Ok(Self { postgres, node, admin, ann, watched, crowd, sleeper })
    }

    /// What everybody has got since the crowd began anew, and gets still.
    async fn watched_since(&mut self, began: Instant) -> Result<Watched> {
        self.crowd.until_frames(10).await?;
        Ok(Watched::of(&self.crowd.counts().await?, began.elapsed()))
    }

    /// With the registry there, while the same happens.
    async fn before(&mut self) -> Result<Watched> {
        self.crowd.begin().await?;
        let began = Instant::now();
        let more = self.go_on(1).await?;
        self.crowd.until_frames(BEFORE_FRAMES).await?;
        let watched = self.watched_since(began).await?;
        self.end(more).await?;
        Ok(watched)
    }

    async fn end(&self, more: InstanceId) -> Result<()> {
        self.ann.stop(more).await?;
        self.ann.until_gone(more).await?;
        self.agrees().await
    }

    /// The registry is away for as long as is asked for, and comes back.
    async fn during(&mut self, kind: Outage, before: &Watched) -> Result<()> {
        self.crowd.begin().await?;
        let began = Instant::now();
        kind.begin(&mut self.postgres)?;
        let away = self.admin.until_registry(RegistryState::Unreachable).await?;
        ensure!(away.since.is_some() && away.last_contact.is_some(), "{away:?}");
        let noticed = began.elapsed();
        let more = self.go_on(0).await?;
        tokio::time::sleep(lasts().saturating_sub(began.elapsed())).await;
        let still = self.admin.until_registry(RegistryState::Unreachable).await?;
        ensure!(still.since == away.since, "unreachable since {:?}, then {:?}", away.since, still.since);
        kind.end(&mut self.postgres)?;
        let back = Instant::now();
        self.admin.until_registry(RegistryState::Up).await?;
        self.agrees().await?;
        let (agreed, watched) = (back.elapsed(), self.watched_since(began).await?);
        println!(
            "{kind:?} for {:.0?}, said after {noticed:.1?}, agreed {agreed:.1?} later: {watched}",
            began.elapsed()
        );
        watched.is_as_good_as(before).with_context(|| format!("{kind:?}"))?;
        self.end(more).await
    }

    /// People launch, wait and stop, whether the registry is there or not. One runs on.
    async fn go_on(&self, registry_up: u8) -> Result<InstanceId> {
        let (bob, eve) = (self.node.browser().await?, self.node.browser().await?);
        let more = self.ann.launch_build(&self.sleeper).await?;
        let gone = bob.launch_build(&self.sleeper).await?;
        let Launched::Queued { ticket_id, position: 1, .. } = eve.launch_or_wait(&self.sleeper).await? else {
            bail!("all places are taken")
        };
        bob.stop(gone).await?;
        bob.until_gone(gone).await?;
        eve.until_turn(ticket_id).await?;
        let Launched::Instance { instance_id, .. } = eve.claim(ticket_id).await? else {
            bail!("it was her turn")
        };
        eve.stop(instance_id).await?;
        eve.until_gone(instance_id).await?;
        ensure!(self.ann.instance(self.watched).await?.state == InstanceState::Ready);
        let (status, _) = self.admin.call(Method::GET, "/readyz", None).await?;
        ensure!(status == StatusCode::OK, "it can take launches: {status}");
        let (_, figures) = self.admin.call(Method::GET, "/metrics", None).await?;
        ensure!(figures.contains(&format!("openspace_webrtc_registry_up {registry_up}")), "{figures}");
        Ok(more)
    }

    /// What the registry says of this machine is what its own journal says, each row once.
    async fn agrees(&self) -> Result<()> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let (here, there) = (self.by_the_journal()?, self.by_the_registry()?);
            if here == there {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the journal says\n{here:#?}\nand the registry\n{there:#?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn by_the_journal(&self) -> Result<Rows> {
        let file = self.node.data_dir().join("node.sqlite");
        let database = rusqlite::Connection::open_with_flags(
            file,
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let all = "
            SELECT id || '|' || lower(hex(session)) || '|' || build || '|' || coalesce(profile, '') || '|' || state || '|' || created
            FROM instances";
        let mut statement = database.prepare(all)?;
        let instances: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut statement = database.prepare("SELECT id FROM instances")?;
        let running: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let free = SLOTS - running.len();
        Ok(Rows {
            machines: vec![format!("active|{free}|{SLOTS}|{SLOTS}|{free}|{VIEWERS}")],
            instances: sorted(instances),
            slots: sorted(running),
            waiting: Vec::new(),
        })
    }

    fn by_the_registry(&self) -> Result<Rows> {
        let lines = |sql: &str| -> Result<Vec<String>> {
            Ok(self.postgres.sql("openspace", sql)?.lines().map(str::to_owned).collect())
        };
        Ok(Rows {
            machines: lines("
                SELECT s.status, s.available_instances, s.num_instances, h.slots_total, h.slots_free, h.viewers
                FROM servers s LEFT JOIN machines m USING (server_id) LEFT JOIN heartbeats h USING (machine_id)")?,
            instances: sorted(lines("
                SELECT instance_id, encode(session, 'hex'), view->>'build', view->>'profile', view->>'state', view->>'created'
                FROM machine_instances")?),
            slots: sorted(lines("SELECT instance_id FROM slots WHERE expires > now()")?),
            waiting: lines("SELECT ticket_id FROM queue")?,
        })
    }
}

/// Of one machine, as text.
#[derive(Debug, PartialEq, Eq)]
struct Rows {
    machines: Vec<String>,
    instances: Vec<String>,
    slots: Vec<String>,
    waiting: Vec<String>,
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// What the worst served of all viewers got.
struct Watched {
    viewers: usize,
    frames_per_s: f64,
    lost: u32,
    longest_step_ms: u64,
    longest_pause_ms: u64,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { viewers, frames_per_s, lost, longest_step_ms, longest_pause_ms } = self;
        write!(f, "{viewers} viewers, {frames_per_s:.1} frames/s or more, {lost} packets lost, ")?;
        write!(f, "at most {longest_step_ms} ms from frame to frame and {longest_pause_ms} ms without one")
    }
}

impl Watched {
    fn of(all: &BTreeMap<u32, Seen>, took: Duration) -> Self {
        let most = |of: fn(&Seen) -> u64| all.values().map(of).max().unwrap_or(0);
        let fewest = all.values().map(|seen| seen.frames).min().unwrap_or(0);
        Self {
            viewers: all.len(),
            frames_per_s: fewest as f64 / took.as_secs_f64(),
            lost: all.values().map(|seen| seen.lost).sum(),
            longest_step_ms: most(|seen| seen.longest_step_ms),
            longest_pause_ms: most(|seen| seen.longest_pause_ms),
        }
    }

    /// What a busy machine does to a picture it does before, too. Lost packets are told and not judged: a receiver that gets no processor
    /// loses some, whatever the registry does.
    fn is_as_good_as(&self, before: &Self) -> Result<()> {
        ensure!(self.viewers == before.viewers, "viewers are gone: {self}; before: {before}");
        let still = |ms: u64, before: u64| ms > STILL_MAX_MS.max(before * 2);
        let stood_still = still(self.longest_step_ms, before.longest_step_ms)
            || still(self.longest_pause_ms, before.longest_pause_ms);
        let most_is_missing = self.frames_per_s < before.frames_per_s / 3.0;
        ensure!(!most_is_missing, "most frames are missing: {self}; before: {before}");
        ensure!(!stood_still, "the picture stood still: {self}; before: {before}");
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Outage {
    /// Connections stay, and nothing answers.
    Hangs,
    /// As in a power cut.
    Falls,
}

impl Outage {
    fn begin(self, postgres: &mut Postgres) -> Result<()> {
        match self {
            Self::Hangs => postgres.freeze(),
            Self::Falls => postgres.down(),
        }
    }

    fn end(self, postgres: &mut Postgres) -> Result<()> {
        match self {
            Self::Hangs => postgres.thaw(),
            Self::Falls => postgres.up(),
        }
    }
}

/// Each of both; by itself no longer than it takes to be noticed.
fn lasts() -> Duration {
    let told = env::var("OPENSPACE_WEBRTC_OUTAGE_S").ok().and_then(|told| told.parse().ok());
    Duration::from_secs(told.unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_hangs_and_falls_under_twenty_viewers_is_not_noticed_and_agrees_afterwards()
-> Result<()> {
    let mut scene = Scene::open().await?;
    scene.agrees().await?;
    let before = scene.before().await?;
    println!("before: {before}");
    for kind in [Outage::Hangs, Outage::Falls] {
        scene.during(kind, &before).await?;
    }
    Ok(())
}
