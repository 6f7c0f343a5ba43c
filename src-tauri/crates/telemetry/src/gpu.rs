//! Asks NVML for the GPUs. Every figure is its own call and may be missing; a driver that is lost is asked again, seldom.

use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use model::health::{Gpu, GpuState};
use nvml_wrapper::{
    Device, Nvml,
    enum_wrappers::device::{Clock, TemperatureSensor},
    enums::device::UsedGpuMemory,
    error::NvmlError,
};

use crate::words::{is_loss, throttle_reasons, why_unavailable};

/// More cards than any machine takes; the driver's word is not trusted beyond it.
const GPUS_MAX: u32 = 64;

/// What the GPUs are like now.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) state: GpuState,
    /// By process id, over all GPUs; `None` where the driver does not tell.
    pub(crate) memory_by_pid: Option<HashMap<u32, u64>>,
}

impl Reading {
    fn unavailable(reason: &str) -> Self {
        Self { state: GpuState::Unavailable { reason: reason.to_owned() }, memory_by_pid: None }
    }
}

/// The door to NVML, open or not.
#[derive(Debug)]
pub(crate) struct Probe {
    library: Option<PathBuf>,
    nvml: Option<Nvml>,
    /// How long an absent driver is left alone.
    retry: Duration,
    try_again: Instant,
    reason: String,
}

impl Probe {
    /// Nothing is loaded yet: the first reading does that.
    pub(crate) const fn new(library: Option<PathBuf>, retry: Duration, now: Instant) -> Self {
        Self { library, nvml: None, retry, try_again: now, reason: String::new() }
    }

    pub(crate) fn read(&mut self, now: Instant) -> Reading {
        if self.nvml.is_none() && now < self.try_again {
            return Reading::unavailable(&self.reason);
        }
        let loaded = self.nvml.take().map_or_else(|| self.load(), Ok);
        match loaded.and_then(|nvml| Ok((read_all(&nvml)?, nvml))) {
            Ok((reading, nvml)) => {
                self.nvml = Some(nvml);
                reading
            }
            // The library is closed with it: a driver that comes back is a new one.
            Err(error) => {
                self.reason = why_unavailable(&error, self.library.as_deref());
                self.try_again = now + self.retry;
                Reading::unavailable(&self.reason)
            }
        }
    }

    fn load(&self) -> Result<Nvml, NvmlError> {
        match &self.library {
            Some(path) => Nvml::builder().lib_path(path.as_os_str()).init(),
            None => Nvml::init(),
        }
    }
}

/// As long as one card answers, the others are left out; when none does, the driver counts as lost.
fn read_all(nvml: &Nvml) -> Result<Reading, NvmlError> {
    let count = nvml.device_count()?.min(GPUS_MAX);
    let mut gpus = Vec::new();
    let mut memory_by_pid: Option<HashMap<u32, u64>> = None;
    let mut loss = NvmlError::NotFound;
    for index in 0..count {
        match nvml.device_by_index(index).and_then(|device| read_card(&device, index)) {
            Ok((gpu, memory)) => {
                gpus.push(gpu);
                // Known, even if it is known to be nothing, as soon as one card tells.
                if let Some(memory) = memory {
                    let sums = memory_by_pid.get_or_insert_default();
                    memory.into_iter().for_each(|(pid, bytes)| *sums.entry(pid).or_default() += bytes);
                }
            }
            Err(error) => loss = error,
        }
    }
    if gpus.is_empty() {
        return Err(loss);
    }
    Ok(Reading {
        state: GpuState::Available { driver_version: nvml.sys_driver_version().ok(), gpus },
        memory_by_pid,
    })
}

/// One card and the memory that each process has on it.
///
/// # Errors
/// Only the loss of the whole card; a figure that it lacks is `None`.
fn read_card(device: &Device<'_>, index: u32) -> Result<(Gpu, Option<HashMap<u32, u64>>), NvmlError> {
    let memory = figure(device.memory_info())?;
    let encoder = figure(device.encoder_stats())?;
    let sessions = match &encoder {
        Some(stats) => Some(stats.session_count),
        None => figure(device.encoder_sessions())?.and_then(|list| u32::try_from(list.len()).ok()),
    };
    let watts = |milliwatts: Option<u32>| milliwatts.map(|mw| mw as f32 / 1000.0);
    let gpu = Gpu {
        index,
        name: figure(device.name())?,
        uuid: figure(device.uuid())?,
        memory_used_bytes: memory.as_ref().map(|memory| memory.used),
        memory_total_bytes: memory.as_ref().map(|memory| memory.total),
        utilization_percent: figure(device.utilization_rates())?.map(|rates| rates.gpu),
        encoder_percent: figure(device.encoder_utilization())?.map(|encoder| encoder.utilization),
        encoder_sessions: sessions,
        encoder_fps: encoder.map(|stats| stats.average_fps),
        temperature_celsius: figure(device.temperature(TemperatureSensor::Gpu))?,
        power_watts: watts(figure(device.power_usage())?),
        power_limit_watts: watts(figure(device.enforced_power_limit())?),
        graphics_clock_mhz: figure(device.clock_info(Clock::Graphics))?,
        video_clock_mhz: figure(device.clock_info(Clock::Video))?,
        throttle_reasons: figure(device.current_throttle_reasons())?
            .map(throttle_reasons)
            .unwrap_or_default(),
    };
    Ok((gpu, process_memory(device)?))
}

/// What each process has on this card. One that draws and computes is in both lists with the same memory.
fn process_memory(device: &Device<'_>) -> Result<Option<HashMap<u32, u64>>, NvmlError> {
    let lists = [figure(device.running_graphics_processes())?, figure(device.running_compute_processes())?];
    if lists.iter().all(Option::is_none) {
        return Ok(None);
    }
    let mut by_pid: HashMap<u32, u64> = HashMap::new();
    for process in lists.into_iter().flatten().flatten() {
        if let UsedGpuMemory::Used(bytes) = process.used_gpu_memory {
            let known = by_pid.entry(process.pid).or_default();
            *known = bytes.max(*known);
        }
    }
    Ok(Some(by_pid))
}

/// A figure that this card or this driver lacks is none; only the loss of the card is an error.
fn figure<T>(answer: Result<T, NvmlError>) -> Result<Option<T>, NvmlError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_loss(&error) => Err(error),
        Err(_) => Ok(None),
    }
}
