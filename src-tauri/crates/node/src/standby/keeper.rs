//! Looks at the machine, asks [`plan`](super::plan) for one step, and takes it.

use std::time::Duration;

use model::{BuildId, Size, StopReason, health::HealthSample};
use store::{Store, StoreError};
use tokio::{select, sync::watch, time::sleep};
use tracing::{info, warn};

use super::plan::{Deed, Kept, Needs, Room, Wanted, next};
use crate::{
    builds::Builds,
    clock,
    life::Draining,
    resources::Resources,
    roster::{Launch, Roster},
    rows::{self, Row, Rows},
    whose::STANDBY,
};

/// Where the journal keeps what an administrator wants, as JSON.
const KEY: &str = "standby";
/// A machine's figures settle within seconds after something was started or ended on it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const MIB: u64 = 1 << 20;

#[derive(Clone, Debug)]
pub struct Setup {
    /// Of the default build, until an administrator says otherwise.
    pub count: u32,
    pub slots: u32,
    pub size: Size,
    pub resources: Resources,
    pub idle_cores: f32,
}

/// The remote control: what is wanted. Its task ends when it is dropped by whoever spawned it.
#[derive(Clone, Debug)]
pub struct Keeper {
    setup: Setup,
    store: Store,
    builds: Builds,
    drain: watch::Receiver<Option<Draining>>,
    wanted: watch::Sender<Option<Vec<Wanted>>>,
}

impl Keeper {
    pub async fn open(
        setup: Setup,
        store: Store,
        builds: Builds,
        drain: watch::Receiver<Option<Draining>>,
    ) -> Result<Self, StoreError> {
        let stored = store.setting(KEY).await?;
        // Something else than we wrote is as good as nothing: the configuration holds.
        let wanted = stored.and_then(|text| serde_json::from_str(&text).ok());
        Ok(Self { setup, store, builds, drain, wanted: watch::Sender::new(wanted) })
    }

    /// Sets how many of one scene stand ready; 0 is none.
    pub async fn set(&self, want: Wanted) -> Result<(), StoreError> {
        let mut wanted = self.wanted();
        wanted.retain(|other| (&other.build, &other.profile) != (&want.build, &want.profile));
        if want.count > 0 {
            wanted.push(want);
        }
        let text = serde_json::to_string(&wanted).expect("names and numbers are JSON");
        self.store.put_setting(KEY, &text).await?;
        self.wanted.send_replace(Some(wanted));
        Ok(())
    }

    /// What is wanted: as an administrator said, else as the configuration says.
    pub fn wanted(&self) -> Vec<Wanted> {
        let said = self.wanted.borrow().clone();
        match said {
            Some(wanted) => wanted,
            None if self.setup.count == 0 => Vec::new(),
            None => self.of_default_build().into_iter().collect(),
        }
    }

    fn of_default_build(&self) -> Option<Wanted> {
        let catalog = self.builds.catalog();
        let entry = catalog.default_build()?;
        let profile = entry.with_profile(None).ok()?;
        Some(Wanted { build: entry.build.id.clone(), profile, count: self.setup.count })
    }

    pub async fn run(self, roster: Roster, health: watch::Receiver<Option<HealthSample>>) {
        let setup = self.setup.clone();
        let mut rows = roster.rows();
        let mut wishes = self.wanted.subscribe();
        let mut drain = self.drain.clone();
        loop {
            // Nobody is let in while the machine is emptied.
            let draining = drain.borrow_and_update().is_some();
            let wanted = if draining { Vec::new() } else { self.wanted() };
            let known = rows.borrow_and_update().clone();
            let deed = health.borrow().as_ref().and_then(|sample| {
                let needs = |build: &BuildId| setup.needs(build);
                next(&wanted, &kept(&known), setup.size, setup.room(&known, sample), needs)
            });
            if let Some(deed) = deed {
                perform(deed, &setup, &roster, &self.builds).await;
            }
            select! {
                () = sleep(LOOK_EVERY) => {}
                changed = wishes.changed() => if changed.is_err() { return },
                Ok(()) = drain.changed() => {}
            }
        }
    }
}

async fn perform(deed: Deed, setup: &Setup, roster: &Roster, builds: &Builds) {
    match deed {
        Deed::End(id) => {
            info!(instance = %id, "nobody has to find this one ready any more");
            roster.stop(id, StopReason::Unneeded).await;
        }
        Deed::Start(Wanted { build, profile, .. }) => {
            let started = async {
                let (build, profile) = builds.resolve(Some(build.as_str()), profile.as_deref()).await?;
                let launch = Launch {
                    id: None,
                    by: STANDBY,
                    limited: false,
                    build,
                    profile,
                    size: setup.size,
                    resume: None,
                    now: clock::now(),
                };
                roster.launch(launch).await
            };
            if let Err(problem) = started.await {
                warn!(%build, why = problem.detail, "none can be started ahead of people");
            }
        }
    }
}

fn kept(rows: &Rows) -> Vec<Kept> {
    let standby = rows.values().filter(|row| row.member.is_standby());
    standby
        .map(|Row { member, report, .. }| Kept {
            id: member.id,
            build: member.build.id.clone(),
            profile: member.profile.clone(),
            size: member.size,
            state: report.status.state,
        })
        .collect()
}

impl Setup {
    /// What the machine has left.
    pub fn room(&self, rows: &Rows, sample: &HealthSample) -> Room {
        use model::InstanceState::{Restarting, Starting};
        let host = &sample.host;
        // One that downloads for hours is in nobody's way.
        let starts =
            |row: &Row| matches!(row.report.status.state, Starting | Restarting) && !row.member.fetches();
        Room {
            slots: rows::free(self.slots, rows, false),
            starting: rows.values().any(starts),
            memory: host.memory_total_bytes.saturating_sub(host.memory_used_bytes),
            gpu_memory: sample.gpus.memory_free_bytes(),
            idle_cores: host.cpu_cores as f32 * (1.0 - host.cpu_percent / 100.0),
        }
    }

    /// What one more of this build is expected to take.
    pub fn needs(&self, build: &BuildId) -> Needs {
        let peak = self.resources.peak(build);
        Needs {
            memory: u64::from(peak.memory_mb) * MIB,
            gpu_memory: u64::from(peak.gpu_memory_mb) * MIB,
            cores: self.idle_cores,
        }
    }
}
