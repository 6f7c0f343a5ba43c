//! How a machine is. Every figure that a machine may lack is an `Option`; an absent GPU driver is a value, not an error.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::units::UnixMillis;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct HealthSample {
    pub taken: UnixMillis,
    pub host: Host,
    pub gpus: GpuState,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, TS, ToSchema)]
pub struct Host {
    pub name: String,
    pub cpu_model: String,
    pub cpu_cores: u32,
    /// 0–100, all cores together.
    pub cpu_percent: f32,
    pub memory_used_bytes: u64,
    pub memory_total_bytes: u64,
    /// The disk that holds the data folder.
    pub disk_free_bytes: u64,
    pub disk_total_bytes: u64,
    pub network_received_bytes_per_s: u64,
    pub network_sent_bytes_per_s: u64,
    pub uptime_s: u64,
    /// CPU and memory of the process trees that were asked for, by the pid of their root.
    pub processes: Vec<ProcessLoad>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct ProcessLoad {
    pub root_pid: u32,
    /// 100 is one core.
    pub cpu_percent: f32,
    pub memory_bytes: u64,
    pub gpu_memory_bytes: Option<u64>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum GpuState {
    /// No NVIDIA driver, or it does not answer; `reason` is a sentence for people.
    Unavailable {
        reason: String,
    },
    Available {
        driver_version: Option<String>,
        gpus: Vec<Gpu>,
    },
}

impl GpuState {
    /// None where there is no driver.
    pub fn gpus(&self) -> &[Gpu] {
        match self {
            Self::Available { gpus, .. } => gpus,
            Self::Unavailable { .. } => &[],
        }
    }

    /// Of the card that has the most; absent where none tells it.
    pub fn memory_free_bytes(&self) -> Option<u64> {
        let free = |gpu: &Gpu| Some(gpu.memory_total_bytes?.saturating_sub(gpu.memory_used_bytes?));
        self.gpus().iter().filter_map(free).max()
    }
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, TS, ToSchema)]
pub struct Gpu {
    pub index: u32,
    pub name: Option<String>,
    pub uuid: Option<String>,
    pub memory_used_bytes: Option<u64>,
    pub memory_total_bytes: Option<u64>,
    pub utilization_percent: Option<u32>,
    pub encoder_percent: Option<u32>,
    pub encoder_sessions: Option<u32>,
    pub encoder_fps: Option<u32>,
    pub temperature_celsius: Option<u32>,
    pub power_watts: Option<f32>,
    pub power_limit_watts: Option<f32>,
    pub graphics_clock_mhz: Option<u32>,
    pub video_clock_mhz: Option<u32>,
    /// Why it runs slower than it could, in words; empty when it does not.
    pub throttle_reasons: Vec<String>,
}
