//! Figures of the last second. Pure: time is an argument.

use std::time::{Duration, Instant};

use model::Bitrate;

use crate::Stats;

const PERIOD: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Meter {
    since: Instant,
    /// Grab → encoded of each frame of this period.
    times: Vec<Duration>,
    bytes: u64,
    total: Stats,
}

impl Meter {
    pub fn new(now: Instant) -> Self {
        Self { since: now, times: Vec::new(), bytes: 0, total: Stats::default() }
    }

    /// Begins a period: after a pause, the pause is not counted.
    pub fn restart(&mut self, now: Instant) {
        self.since = now;
        self.times.clear();
        self.bytes = 0;
    }

    pub fn frame(&mut self, took: Duration, bytes: usize, keyframe: bool) {
        self.times.push(took);
        self.bytes += bytes as u64;
        self.total.frames += 1;
        self.total.keyframes += u64::from(keyframe);
    }

    pub fn missed(&mut self, pictures: u32) {
        self.total.dropped_frames += u64::from(pictures);
    }

    pub fn due(&self) -> Instant {
        self.since + PERIOD
    }

    /// The figures of the period that ends now; the next one begins.
    pub fn read(&mut self, target: Bitrate, now: Instant) -> Stats {
        let seconds = now.saturating_duration_since(self.since).as_secs_f32().max(0.001);
        self.times.sort_unstable();
        let median = self.times.get(self.times.len() / 2).copied().unwrap_or_default();
        let stats = Stats {
            fps: self.times.len() as f32 / seconds,
            bitrate_kbps: (self.bytes as f32 * 8.0 / 1000.0 / seconds) as u32,
            target_kbps: target.kbps,
            encode_ms: median.as_secs_f32() * 1000.0,
            ..self.total
        };
        self.restart(now);
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_last_period_and_counts_of_all() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        for (n, took) in [3, 5, 100].into_iter().enumerate() {
            meter.frame(Duration::from_millis(took), 1000, n == 0);
        }
        meter.missed(2);
        let stats = meter.read(Bitrate::kbps(6000), start + Duration::from_secs(2));
        let expected = Stats {
            fps: 1.5,
            bitrate_kbps: 12,
            target_kbps: 6000,
            encode_ms: 5.0,
            frames: 3,
            dropped_frames: 2,
            keyframes: 1,
        };
        assert_eq!(stats, expected);
        let quiet = meter.read(Bitrate::kbps(6000), start + Duration::from_secs(3));
        assert_eq!((quiet.fps, quiet.encode_ms, quiet.bitrate_kbps, quiet.frames), (0.0, 0.0, 0, 3));
    }
}
