//! What one more instance of a build takes, by what its former runs took; and what this machine has left.

use std::{collections::BTreeMap, sync::Arc};

use cluster::placement::Needs;
use model::{
    BuildId, InstanceId,
    health::{HealthSample, ProcessLoad},
};
use registry::Load;
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};
use tokio::sync::watch;
use tracing::warn;

use crate::rows::Rows;

/// Where the journal keeps what former runs took, as JSON.
const KEY: &str = "usage";
/// As many former runs of a build count: one odd run is forgotten in time.
const RUNS: usize = 5;
/// What is told of GPU memory is rounded up, so that it does not change with every frame.
const STEP_MB: u32 = 64;
const MIB: u64 = 1 << 20;

/// The most that one run took; 0 where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    pub memory_mb: u32,
    pub gpu_memory_mb: u32,
}

impl Peak {
    fn of(load: &ProcessLoad) -> Self {
        let gpu = load.gpu_memory_bytes.unwrap_or_default();
        Self { memory_mb: mb(load.memory_bytes), gpu_memory_mb: mb(gpu) }
    }

    fn max(self, other: Self) -> Self {
        Self {
            memory_mb: self.memory_mb.max(other.memory_mb),
            gpu_memory_mb: self.gpu_memory_mb.max(other.gpu_memory_mb),
        }
    }
}

/// Runs that are over, and those that are not.
#[derive(Clone, Debug, Default)]
struct Runs {
    over: BTreeMap<BuildId, Vec<Peak>>,
    live: BTreeMap<InstanceId, (BuildId, Peak)>,
}

impl Runs {
    /// True when a run is over, so that there is something to keep.
    fn see(&mut self, now: &BTreeMap<InstanceId, (BuildId, Peak)>) -> bool {
        let ended: Vec<_> = self.live.keys().filter(|id| !now.contains_key(id)).copied().collect();
        for id in &ended {
            if let Some((build, peak)) = self.live.remove(id) {
                let over = self.over.entry(build).or_default();
                over.push(peak);
                over.drain(..over.len().saturating_sub(RUNS));
            }
        }
        for (id, (build, peak)) in now {
            let known = self.live.entry(*id).or_insert_with(|| (build.clone(), Peak::default()));
            known.1 = known.1.max(*peak);
        }
        !ended.is_empty()
    }

    fn peak(&self, build: &BuildId) -> Peak {
        let over = self.over.get(build).into_iter().flatten().copied();
        let live = self.live.values().filter(|(of, _)| of == build).map(|(_, peak)| *peak);
        over.chain(live).fold(Peak::default(), Peak::max)
    }
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Resources {
    runs: Arc<watch::Sender<Runs>>,
    health: watch::Receiver<Option<HealthSample>>,
    /// What is expected of a build that has not run yet.
    expected: Peak,
    /// What the driver grants; `None`: as many as are asked for.
    encoder_sessions_max: Option<u32>,
}

impl Resources {
    pub async fn open(
        store: &Store,
        health: watch::Receiver<Option<HealthSample>>,
        expected: Peak,
        encoder_sessions_max: Option<u32>,
    ) -> Result<Self, StoreError> {
        // Something else than we wrote is as good as nothing.
        let over = store.setting(KEY).await?.and_then(|text| serde_json::from_str(&text).ok());
        let runs = Runs { over: over.unwrap_or_default(), live: BTreeMap::new() };
        Ok(Self { runs: Arc::new(watch::Sender::new(runs)), health, expected, encoder_sessions_max })
    }

    /// Follows what runs, for as long as it is let.
    pub async fn follow(self, store: Store, rows: watch::Receiver<Rows>) {
        let mut health = self.health.clone();
        while health.changed().await.is_ok() {
            let Some(sample) = health.borrow_and_update().clone() else { continue };
            let now = taken(&rows.borrow(), &sample);
            let mut ended = false;
            self.runs.send_modify(|runs| ended = runs.see(&now));
            if ended {
                let over =
                    serde_json::to_string(&self.runs.borrow().over).expect("names and numbers are JSON");
                if let Err(error) = store.put_setting(KEY, &over).await {
                    warn!(%error, "what a run took is not kept");
                }
            }
        }
    }

    /// What one more of the build is expected to take.
    pub fn peak(&self, build: &BuildId) -> Peak {
        let known = self.runs.borrow().peak(build);
        let or = |known: u32, expected: u32| if known > 0 { known } else { expected };
        Peak {
            memory_mb: or(known.memory_mb, self.expected.memory_mb),
            gpu_memory_mb: or(known.gpu_memory_mb, self.expected.gpu_memory_mb),
        }
    }

    /// The same as placement weighs it.
    pub fn needs(&self, build: &BuildId) -> Needs {
        Needs {
            gpu_memory_mb: self.peak(build).gpu_memory_mb.next_multiple_of(STEP_MB),
            encoder_sessions_max: self.encoder_sessions_max,
        }
    }

    /// As the machine stands now. What is nobody's makes way, so it counts as free.
    pub fn load(&self, rows: &Rows) -> Load {
        let Some(health) = self.health.borrow().clone() else { return Load::default() };
        let nobodys = rows.values().filter(|row| row.member.is_nobodys());
        let makes_way: u32 = nobodys.map(|row| self.peak(&row.member.build.id).gpu_memory_mb).sum();
        Load {
            viewers: rows.values().map(|row| row.stage.viewers.len() as u32).sum(),
            cpu_percent: health.host.cpu_percent,
            memory_free_mb: mb(health.host.memory_total_bytes.saturating_sub(health.host.memory_used_bytes)),
            gpu_memory_free_mb: health
                .gpus
                .memory_free_bytes()
                .map(|free| mb(free).saturating_add(makes_way)),
            encoder_sessions: health.gpus.gpus().iter().filter_map(|gpu| gpu.encoder_sessions).max(),
        }
    }
}

fn taken(rows: &Rows, sample: &HealthSample) -> BTreeMap<InstanceId, (BuildId, Peak)> {
    let of = |id: &InstanceId, row: &crate::rows::Row| {
        let pid = row.report.running.as_ref()?.program?.pid;
        let load = sample.host.processes.iter().find(|load| load.root_pid == pid)?;
        Some((*id, (row.member.build.id.clone(), Peak::of(load))))
    };
    rows.iter().filter_map(|(id, row)| of(id, row)).collect()
}

fn mb(bytes: u64) -> u32 {
    u32::try_from(bytes / MIB).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const EXPECTED: Peak = Peak { memory_mb: 1024, gpu_memory_mb: 1024 };

    fn run(id: InstanceId, gpu_memory_mb: u32) -> BTreeMap<InstanceId, (BuildId, Peak)> {
        BTreeMap::from([(id, ("demo".parse().unwrap(), Peak { memory_mb: 0, gpu_memory_mb }))])
    }

    #[tokio::test]
    async fn what_former_runs_took_is_what_the_next_one_needs() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("node.sqlite")).unwrap();
        let (_, health) = watch::channel(None);
        let resources = Resources::open(&store, health, EXPECTED, Some(8)).await.unwrap();
        let demo = "demo".parse().unwrap();
        assert_eq!(resources.needs(&demo), Needs { gpu_memory_mb: 1024, encoder_sessions_max: Some(8) });

        let (one, other) = (InstanceId::random(), InstanceId::random());
        resources.runs.send_modify(|runs| {
            assert!(!runs.see(&run(one, 2000)));
            assert!(!runs.see(&run(one, 300)), "the most counts");
            assert!(runs.see(&run(other, 500)), "one is over");
        });
        assert_eq!(resources.needs(&demo).gpu_memory_mb, 2048);
        assert_eq!(resources.peak(&demo).memory_mb, 1024, "what was never measured is expected");
        assert_eq!(resources.needs(&"else".parse().unwrap()).gpu_memory_mb, 1024);
        resources.runs.send_modify(|runs| {
            for _ in 0..RUNS {
                runs.see(&run(InstanceId::random(), 500));
            }
        });
        assert_eq!(resources.needs(&demo).gpu_memory_mb, 512, "an odd run is forgotten in time");
    }
}
