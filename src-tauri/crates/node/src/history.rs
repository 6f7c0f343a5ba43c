//! The last two minutes of health, for the panel's small charts. Pure.

use std::collections::VecDeque;

use model::health::{GpuState, HealthSample};
use protocol::admin::HealthPoint;

/// Two minutes at one sample a second.
const POINTS: usize = 120;

#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<HealthPoint>);

impl History {
    pub fn push(&mut self, sample: &HealthSample) {
        if self.0.len() == POINTS {
            self.0.pop_front();
        }
        self.0.push_back(point(sample));
    }

    pub fn points(&self) -> Vec<HealthPoint> {
        self.0.iter().copied().collect()
    }
}

fn point(sample: &HealthSample) -> HealthPoint {
    let gpu = match &sample.gpus {
        GpuState::Available { gpus, .. } => gpus.first(),
        GpuState::Unavailable { .. } => None,
    };
    HealthPoint {
        cpu_percent: sample.host.cpu_percent,
        memory_percent: percent(sample.host.memory_used_bytes, sample.host.memory_total_bytes),
        gpu_percent: gpu.and_then(|gpu| gpu.utilization_percent).map(|value| value as f32),
        gpu_memory_percent: gpu
            .and_then(|gpu| Some(percent(gpu.memory_used_bytes?, gpu.memory_total_bytes?))),
    }
}

fn percent(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (part as f64 * 100.0 / whole as f64) as f32 }
}

#[cfg(test)]
mod tests {
    use model::{UnixMillis, health::Host};

    use super::*;

    #[test]
    fn it_keeps_two_minutes() {
        let mut history = History::default();
        for n in 0..200u16 {
            let host = Host { cpu_percent: f32::from(n), ..Host::default() };
            let gpus = GpuState::Unavailable { reason: String::new() };
            history.push(&HealthSample { taken: UnixMillis(0), host, gpus });
        }
        let points = history.points();
        assert_eq!((points.len(), points[0].cpu_percent, points[119].cpu_percent), (120, 80.0, 199.0));
    }
}
