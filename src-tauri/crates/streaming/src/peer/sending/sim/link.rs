//! A path in one direction: rate, delay, jitter, loss, a bucket for bursts, a queue that drops its tail, outages. Pure.

use std::time::Duration;

use super::MS;

/// What the rig of the browsers knows under the same names.
#[derive(Clone, Debug)]
pub(in super::super) struct Profile {
    /// From the second on.
    kbps: Vec<(u64, f64)>,
    pub(in super::super) delay: Duration,
    jitter: Duration,
    loss: f64,
    /// What waits at most.
    queue: Duration,
    /// Passes at once, beside the rate.
    bucket_bytes: f64,
    /// A policer drops at once what is over its rate.
    polices: bool,
    /// Each so many seconds, nothing gets through for one.
    outage_every_s: Option<u64>,
    /// From this second on the path is so much longer.
    longer: Option<(u64, Duration)>,
}

impl Profile {
    fn plain(kbps: f64, delay_ms: u32) -> Self {
        Self {
            kbps: vec![(0, kbps)],
            delay: delay_ms * MS,
            jitter: Duration::ZERO,
            loss: 0.0,
            queue: 200 * MS,
            bucket_bytes: 3000.0,
            polices: false,
            outage_every_s: None,
            longer: None,
        }
    }

    pub(super) fn lan() -> Self {
        Self::plain(1_000_000.0, 1)
    }

    pub(super) fn wifi() -> Self {
        Self { jitter: 12 * MS, loss: 0.005, ..Self::plain(40_000.0, 3) }
    }

    pub(super) fn hotel() -> Self {
        Self { jitter: 3 * MS, loss: 0.003, ..Self::plain(15_000.0, 25) }
    }

    pub(super) fn step() -> Self {
        Self { kbps: vec![(0, 5000.0), (10, 500.0), (25, 5000.0)], ..Self::plain(5000.0, 20) }
    }

    pub(super) fn mobile() -> Self {
        Self { jitter: 8 * MS, loss: 0.02, ..Self::plain(2000.0, 50) }
    }

    pub(super) fn train() -> Self {
        Self { outage_every_s: Some(10), jitter: 4 * MS, loss: 0.005, ..Self::plain(5000.0, 35) }
    }

    pub(super) fn policed() -> Self {
        Self { polices: true, bucket_bytes: 60_000.0, ..Self::plain(2500.0, 20) }
    }

    pub(super) fn longer() -> Self {
        Self { longer: Some((10, 80 * MS)), ..Self::plain(20_000.0, 20) }
    }

    fn bytes_per_s(&self, now: Duration) -> f64 {
        let present = self.kbps.iter().rev().find(|(from, _)| now >= Duration::from_secs(*from));
        present.map_or(0.0, |(_, kbps)| kbps * 125.0)
    }

    fn is_out(&self, now: Duration) -> bool {
        self.outage_every_s.is_some_and(|every| now.as_secs() % every == every - 1)
    }
}

pub(super) struct Link {
    profile: Profile,
    /// When what waits is through.
    free: Duration,
    bucket: f64,
    counted: Duration,
    newest: Duration,
    seed: u64,
}

impl Link {
    pub(super) fn new(profile: &Profile, seed: u64) -> Self {
        Self {
            bucket: profile.bucket_bytes,
            profile: profile.clone(),
            free: Duration::ZERO,
            counted: Duration::ZERO,
            newest: Duration::ZERO,
            seed: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        }
    }

    /// 0.0–1.0.
    pub(super) fn random(&mut self) -> f64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) as f64 / (1u64 << 53) as f64
    }

    /// When it arrives; `None` is lost.
    pub(super) fn carry(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        if self.profile.is_out(now) || self.random() < self.profile.loss {
            return None;
        }
        let rate = self.profile.bytes_per_s(now);
        let bytes = bytes as f64;
        let gained = (now - self.counted).as_secs_f64() * rate;
        self.counted = now;
        if self.profile.polices {
            self.bucket = (self.bucket + gained).min(self.profile.bucket_bytes) - bytes;
            if self.bucket < 0.0 {
                self.bucket += bytes;
                return None;
            }
            return Some(now + self.delay(now));
        }
        let start = self.free.max(now);
        if start - now > self.profile.queue {
            return None;
        }
        self.free = start + Duration::from_secs_f64(bytes / rate);
        Some(self.free + self.delay(now))
    }

    /// What the viewer says.
    pub(super) fn back(&mut self, now: Duration) -> Option<Duration> {
        (!self.profile.is_out(now)).then(|| now + self.profile.delay)
    }

    /// Jitter delays and never overtakes, as radios do.
    fn delay(&mut self, now: Duration) -> Duration {
        let longer = self.profile.longer.filter(|(from, _)| now >= Duration::from_secs(*from));
        let jitter = self.profile.jitter.mul_f64(self.random().powi(2));
        let base = self.profile.delay + longer.map_or(Duration::ZERO, |(_, more)| more);
        let arrives = (self.free.max(now) + base + jitter).max(self.newest);
        self.newest = arrives;
        arrives - self.free.max(now)
    }
}
