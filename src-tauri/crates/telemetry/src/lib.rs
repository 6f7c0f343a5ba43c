//! How the machine is: NVML for the GPU, sysinfo for the rest, one sample a second.
//!
//! An absent driver is a value, not an error. Absent on purpose: alarms, history, databases.

use std::{path::PathBuf, time::Duration};

use model::health::{GpuState, HealthSample};
use tokio::sync::watch;

#[derive(Clone, Debug)]
pub struct Config {
    /// Where NVML is; `None` is the driver's own place.
    pub nvml_library: Option<PathBuf>,
    /// The disk that holds this folder is reported.
    pub data_dir: PathBuf,
    pub period: Duration,
}

/// Owns the sampling thread; dropping it ends the thread.
#[derive(Debug)]
pub struct Sampler;

impl Sampler {
    /// `roots` are the pids whose process trees are summed up.
    pub fn start(_config: Config, _roots: watch::Receiver<Vec<u32>>) -> Self {
        todo!()
    }
    /// `None` until the first sample is there.
    pub fn samples(&self) -> watch::Receiver<Option<HealthSample>> {
        todo!()
    }
}

/// Asks the GPU driver once; for the `doctor` and for choosing how instances are drawn.
pub fn gpus(_config: &Config) -> GpuState {
    todo!()
}
