//! The queue on the path: how much later packets arrive than the path alone would have it. Pure.

use std::{collections::VecDeque, time::Duration};

/// The least delay of so long is the path's own: routes change, clocks drift.
const BASE_WINDOW: Duration = Duration::from_secs(20);
const BUCKET: Duration = Duration::from_secs(1);
/// More is a viewer's clock that was set, or a lie.
const QUEUE_MAX_S: f64 = 10.0;

#[derive(Debug, Default)]
pub(crate) struct Base {
    /// The least delay, on two clocks, of each second; front is the oldest.
    least: VecDeque<(Duration, f64)>,
}

impl Base {
    /// Delays are differences of two clocks: only differences of them mean something. `least_s` is the least of some
    /// packets, `waited_s` the least of them without what they waited behind packets of ours.
    pub(crate) fn queue(&mut self, now: Duration, least_s: f64, waited_s: f64) -> Duration {
        match self.least.back_mut() {
            Some((since, least)) if now.saturating_sub(*since) < BUCKET => *least = least.min(least_s),
            _ => self.least.push_back((now, least_s)),
        }
        while self.least.front().is_some_and(|(since, _)| now.saturating_sub(*since) > BASE_WINDOW) {
            self.least.pop_front();
        }
        let base = self.least.iter().map(|(_, least)| *least).fold(f64::INFINITY, f64::min);
        Duration::from_secs_f64((waited_s - base).clamp(0.0, QUEUE_MAX_S))
    }

    /// What looks like a queue does not drain: it is another path.
    pub(crate) fn forget(&mut self) {
        self.least.clear();
    }
}
