//! The room with its neighbours: this machine, and a library that answers NVML's calls.
#![allow(clippy::unwrap_used, missing_debug_implementations)]

mod gpus;
mod machine;
mod stub;

use std::time::Duration;

use model::health::HealthSample;
use telemetry::{Config, Sampler};
use tokio::sync::watch;

/// Only a failing test waits so long.
const DEADLINE: Duration = Duration::from_secs(30);

pub fn config(nvml_library: Option<std::path::PathBuf>) -> Config {
    Config { nvml_library, data_dir: std::env::temp_dir(), period: Duration::from_millis(20) }
}

pub fn start(config: Config, roots: Vec<u32>) -> (Sampler, watch::Sender<Vec<u32>>) {
    let (roots_in, roots) = watch::channel(roots);
    (Sampler::start(config, roots), roots_in)
}

/// The first sample that shows what is claimed.
pub async fn until(sampler: &Sampler, what: &str, shows: impl Fn(&HealthSample) -> bool) -> HealthSample {
    let mut samples = sampler.samples();
    let found =
        tokio::time::timeout(DEADLINE, samples.wait_for(|sample| sample.as_ref().is_some_and(&shows))).await;
    let last = || sampler.samples().borrow().clone();
    found.unwrap_or_else(|_| panic!("no {what}; the last sample: {:#?}", last())).unwrap().clone().unwrap()
}
