//! A path in one direction: rate, delay, jitter, loss, reordering, a bucket for bursts, a queue that drops its tail,
//! outages. Pure. The rig of the browsers shapes by the same table and the same rules.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

/// Whoever changes a figure changes it for the browsers too.
const TABLE: &str = include_str!("../../../../../../../tests/networks.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "about")]
    _about: Vec<String>,
    networks: BTreeMap<String, Profile>,
}

/// What it becomes from which second on.
type Steps = Vec<(u64, f64)>;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Profile {
    #[serde(rename = "source")]
    _source: String,
    kbps: Steps,
    /// What a viewer says is little: here it goes back by an unshaped way.
    #[serde(rename = "kbps_up")]
    _kbps_up: f64,
    delay_ms: Steps,
    jitter_ms: f64,
    loss: f64,
    reorder: f64,
    queue_ms: f64,
    bucket_bytes: f64,
    outage_every_s: Option<u64>,
}

impl Profile {
    pub(super) fn named(name: &str) -> Self {
        let table: Table = serde_json::from_str(TABLE).expect("tests/networks.json is a table of networks");
        table.networks.get(name).cloned().unwrap_or_else(|| panic!("there is no network {name}"))
    }

    pub(in super::super) fn rtt(&self) -> Duration {
        self.delay(Duration::ZERO) * 2
    }

    fn bytes_per_s(&self, now: Duration) -> f64 {
        step(&self.kbps, now) * 125.0
    }

    fn delay(&self, now: Duration) -> Duration {
        Duration::from_secs_f64(step(&self.delay_ms, now) / 1000.0)
    }

    fn is_out(&self, now: Duration) -> bool {
        self.outage_every_s.is_some_and(|every| now.as_secs() % every == every - 1)
    }
}

fn step(steps: &Steps, now: Duration) -> f64 {
    let present = steps.iter().rev().find(|(from, _)| now >= Duration::from_secs(*from));
    present.map_or(0.0, |(_, value)| *value)
}

pub(super) struct Link {
    profile: Profile,
    /// When what waits is through.
    free: Duration,
    /// When the last packet arrives.
    newest: Duration,
    seed: u64,
}

impl Link {
    pub(super) fn new(profile: &Profile, seed: u64) -> Self {
        Self {
            profile: profile.clone(),
            free: Duration::ZERO,
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
        if self.free.saturating_sub(now).as_secs_f64() * 1000.0 > self.profile.queue_ms {
            return None;
        }
        let rate = self.profile.bytes_per_s(now);
        // What was not used lately is a burst that passes at once.
        let unused = now.saturating_sub(Duration::from_secs_f64(self.profile.bucket_bytes / rate));
        self.free = self.free.max(unused) + Duration::from_secs_f64(bytes as f64 / rate);
        let jitter = Duration::from_secs_f64(self.profile.jitter_ms / 1000.0).mul_f64(self.random().powi(2));
        let arrives = self.free.max(now) + self.profile.delay(now) + jitter;
        if self.random() < self.profile.reorder {
            return Some(arrives);
        }
        // Radios delay, and seldom overtake.
        self.newest = self.newest.max(arrives);
        Some(self.newest)
    }

    /// What the viewer says.
    pub(super) fn back(&mut self, now: Duration) -> Option<Duration> {
        (!self.profile.is_out(now)).then(|| now + self.profile.delay(now))
    }
}
