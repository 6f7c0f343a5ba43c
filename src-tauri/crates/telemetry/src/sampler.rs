//! The thread that takes the samples.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant, SystemTime},
};

use model::{
    UnixMillis,
    health::{GpuState, HealthSample},
};
use tokio::sync::watch;

use crate::{Config, gpu, host, tree};

/// A driver that is absent is asked for again after so many samples: once a minute at one sample a second.
const RETRY_SAMPLES: u32 = 60;
/// sysinfo gives no CPU load for two readings that are closer than this.
const FIRST_SAMPLE: Duration = Duration::from_millis(250);

/// Owns the sampling thread; dropping it ends the thread after the sample that it takes just then.
#[derive(Debug)]
pub struct Sampler {
    samples: watch::Receiver<Option<HealthSample>>,
    /// Nothing is ever sent: the thread ends when this is dropped. It is not joined, since a GPU driver in trouble can hold it for long.
    _end: mpsc::Sender<()>,
}

impl Sampler {
    /// `roots` are the pids whose process trees are summed up.
    pub fn start(config: Config, roots: watch::Receiver<Vec<u32>>) -> Self {
        let (samples_in, samples) = watch::channel(None);
        let (end, ended) = mpsc::channel();
        let run = move || Thread::new(config, roots, samples_in).run(&ended);
        if let Err(error) = thread::Builder::new().name("telemetry".to_owned()).spawn(run) {
            tracing::error!(%error, "no thread for sampling: the machine's health is unknown");
        }
        Self { samples, _end: end }
    }

    /// `None` until the first sample is there. The channel closes when the sampler has ended.
    pub fn samples(&self) -> watch::Receiver<Option<HealthSample>> {
        self.samples.clone()
    }
}

struct Thread {
    period: Duration,
    roots: watch::Receiver<Vec<u32>>,
    samples: watch::Sender<Option<HealthSample>>,
    gpu: gpu::Probe,
    host: host::Probe,
    /// As it was logged last.
    gpu_says: Option<String>,
}

impl Thread {
    fn new(
        config: Config,
        roots: watch::Receiver<Vec<u32>>,
        samples: watch::Sender<Option<HealthSample>>,
    ) -> Self {
        let now = Instant::now();
        let mut host = host::Probe::new(config.data_dir, now);
        // The first of two readings: a tree that is there from the start has its load in the first sample.
        host.processes();
        Self {
            period: config.period,
            roots,
            samples,
            gpu: gpu::Probe::new(config.nvml_library, config.period * RETRY_SAMPLES, now),
            host,
            gpu_says: None,
        }
    }

    fn run(mut self, ended: &mpsc::Receiver<()>) {
        let mut next = Instant::now() + FIRST_SAMPLE.min(self.period);
        while ended.recv_timeout(next.saturating_duration_since(Instant::now()))
            == Err(RecvTimeoutError::Timeout)
        {
            let sample = self.sample(Instant::now());
            self.log_gpu(&sample.gpus);
            self.samples.send_replace(Some(sample));
            // Samples that a sleeping machine or a slow driver has missed are not made up for.
            next = (next + self.period).max(Instant::now());
        }
    }

    fn sample(&mut self, now: Instant) -> HealthSample {
        let gpu = self.gpu.read(now);
        let mut host = self.host.read(now);
        let roots = self.roots.borrow_and_update().clone();
        if !roots.is_empty() {
            host.processes = tree::loads(&self.host.processes(), &roots, gpu.memory_by_pid.as_ref());
        }
        HealthSample { taken: wall_clock(), host, gpus: gpu.state }
    }

    fn log_gpu(&mut self, gpus: &GpuState) {
        let says = match gpus {
            GpuState::Unavailable { reason } => reason.clone(),
            GpuState::Available { gpus, .. } => {
                gpus.iter().map(|gpu| gpu.name.as_deref().unwrap_or("a GPU")).collect::<Vec<_>>().join(", ")
            }
        };
        if self.gpu_says.as_ref() == Some(&says) {
            return;
        }
        match gpus {
            // A machine that never had one is nothing to worry about; one that had is.
            GpuState::Unavailable { .. } if self.gpu_says.is_some() => {
                tracing::warn!(reason = says, "no GPU any more")
            }
            GpuState::Unavailable { .. } => tracing::info!(reason = says, "no GPU"),
            GpuState::Available { .. } => tracing::info!(gpus = says, "GPU found"),
        }
        self.gpu_says = Some(says);
    }
}

fn wall_clock() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
