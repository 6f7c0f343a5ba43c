//! How the machine is: NVML for the GPU, sysinfo for the rest, one sample a second.
//!
//! ```text
//!   Sampler (thread) ── asks ──► gpu (NVML) ──► words (pure)     an absent driver is a value, asked for again once a minute
//!        │            └─ asks ──► host (sysinfo) ──► tree (pure)  load of the process trees
//!        └──► watch<HealthSample>
//! ```
//!
//! An absent driver is a value, not an error. Absent on purpose: alarms, history, databases.

mod gpu;
mod host;
mod machine;
mod sampler;
mod tree;
mod words;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use model::health::{GpuState, Host};

pub use machine::{capacity, host_name, is_ssd};
pub use sampler::Sampler;

#[derive(Clone, Debug)]
pub struct Config {
    /// Where NVML is; `None` is the driver's own place.
    pub nvml_library: Option<PathBuf>,
    /// The disk that holds this folder is reported.
    pub data_dir: PathBuf,
    /// Between two samples: a second, for people. An absent GPU driver is asked for again every 60 periods.
    pub period: Duration,
}

/// Asks the GPU driver once; for the `doctor` and for choosing how instances are drawn. Blocks: a driver that has to wake its card
/// takes a second or two.
pub fn gpus(config: &Config) -> GpuState {
    let now = Instant::now();
    gpu::Probe::new(config.nvml_library.clone(), Duration::ZERO, now).read(now).state
}

/// Reads the machine once, without its GPUs.
pub fn host(config: &Config) -> Host {
    let now = Instant::now();
    host::Probe::new(config.data_dir.clone(), now).read(now)
}
