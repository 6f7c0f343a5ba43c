//! When a packet may leave: what was asked for again first, small frames at once, large ones over a few milliseconds. Pure.
//!
//! A keyframe of 80 kB at once overflows the queue of a narrow path, and the one switch between a hundred viewers.

use std::{collections::VecDeque, time::Duration};

use super::{Kind, Parcel};

/// What leaves at once: any frame of an even stream of 8 Mbit/s at 30 fps. The kernel sends it in one call.
const BURST_BYTES: f64 = 48_000.0;
/// On a path that has shown a limit.
const NARROW_BURST_BYTES: f64 = 24_000.0;
/// On a path that has shown no limit, the whole of a large frame is out after this.
const SPREAD: Duration = Duration::from_millis(5);
/// On a narrow path: so many times its rate. It drains slower than that, so that nothing comes later by it.
const NARROW_PACE: f64 = 2.5;
/// A frame that cannot be out after this is one that the path cannot carry anyway.
const SPREAD_MAX: Duration = Duration::from_millis(400);

#[derive(Debug)]
pub(crate) struct Pacer<P> {
    urgent: VecDeque<P>,
    /// The frames' packets, each frame's repair packets behind them.
    fresh: VecDeque<(P, Kind)>,
    fresh_bytes: usize,
    burst_bytes: f64,
    /// May leave now; grows with time.
    credit_bytes: f64,
    rate_bytes_per_s: f64,
    counted: Duration,
}

impl<P> Default for Pacer<P> {
    fn default() -> Self {
        Self {
            urgent: VecDeque::new(),
            fresh: VecDeque::new(),
            fresh_bytes: 0,
            burst_bytes: BURST_BYTES,
            credit_bytes: BURST_BYTES,
            rate_bytes_per_s: 0.0,
            counted: Duration::ZERO,
        }
    }
}

impl<P: Parcel> Pacer<P> {
    pub(crate) fn post(&mut self, parcel: P, kind: Kind, narrow_bps: Option<f64>, now: Duration) {
        self.burst_bytes = narrow_bps.map_or(BURST_BYTES, |_| NARROW_BURST_BYTES);
        self.count(now);
        self.fresh_bytes += parcel.bytes();
        self.fresh.push_back((parcel, kind));
        let over = (self.fresh_bytes as f64 - self.credit_bytes).max(0.0);
        let spread = over / SPREAD.as_secs_f64();
        let least = over / SPREAD_MAX.as_secs_f64();
        let narrow = narrow_bps.map_or(spread, |bps| (bps * NARROW_PACE / 8.0).max(least));
        self.rate_bytes_per_s = self.rate_bytes_per_s.max(narrow.min(spread));
    }

    pub(crate) fn post_urgent(&mut self, parcel: P) {
        self.urgent.push_back(parcel);
    }

    pub(crate) fn take_urgent(&mut self) -> Option<P> {
        self.urgent.pop_front()
    }

    pub(crate) fn take_fresh(&mut self, now: Duration) -> Option<(P, Kind)> {
        self.count(now);
        if self.credit_bytes <= 0.0 {
            return None;
        }
        let (parcel, kind) = self.fresh.pop_front()?;
        self.fresh_bytes -= parcel.bytes();
        self.credit_bytes -= parcel.bytes() as f64;
        if self.fresh.is_empty() {
            self.rate_bytes_per_s = 0.0;
        }
        Some((parcel, kind))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.urgent.is_empty()
    }

    /// When something may leave next.
    pub(crate) fn wake_at(&self) -> Option<Duration> {
        if !self.urgent.is_empty() {
            return Some(self.counted);
        }
        self.fresh.front()?;
        let wait = (-self.credit_bytes).max(0.0) / self.rate_bytes_per_s.max(1000.0);
        Some(self.counted + Duration::from_secs_f64(wait) + Duration::from_micros(1))
    }

    fn count(&mut self, now: Duration) {
        let since = now.saturating_sub(self.counted).as_secs_f64();
        self.counted = self.counted.max(now);
        if self.fresh.is_empty() {
            // Between two frames the burst is whole again.
            self.credit_bytes = self.burst_bytes;
        } else {
            self.credit_bytes = (self.credit_bytes + since * self.rate_bytes_per_s).min(self.burst_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(frame_bytes: usize, narrow_bps: Option<f64>) -> Vec<(Duration, u16)> {
        let mut pacer = Pacer::default();
        let mut now = Duration::from_secs(1);
        let packets = frame_bytes / 1200;
        (0..packets)
            .for_each(|n| pacer.post((u16::try_from(n).unwrap(), 1200_usize), Kind::Fresh, narrow_bps, now));
        let mut left = Vec::new();
        while !pacer.is_empty() {
            while let Some(((sequence, _), _)) = pacer.take_fresh(now) {
                left.push((now - Duration::from_secs(1), sequence));
            }
            now = pacer.wake_at().unwrap_or(now).max(now);
        }
        left
    }

    #[test]
    fn a_common_frame_leaves_at_once_and_in_order() {
        let left = run(18_000, Some(1e6));
        assert!(left.iter().all(|(at, _)| *at == Duration::ZERO));
        assert!(left.windows(2).all(|two| two[0].1 + 1 == two[1].1));
    }

    #[test]
    fn a_large_frame_of_an_even_stream_leaves_at_once_where_no_limit_was_seen() {
        assert!(run(46_000, None).iter().all(|(at, _)| *at == Duration::ZERO));
        assert!(run(46_000, Some(5e6)).iter().any(|(at, _)| *at > Duration::ZERO));
    }

    #[test]
    fn a_keyframe_takes_a_few_milliseconds_on_a_wide_path() {
        let left = run(120_000, None);
        let (last, first) = (left.last().unwrap().0, left[0].0);
        assert_eq!(first, Duration::ZERO);
        assert!(last > Duration::from_millis(3) && last < Duration::from_millis(8), "{last:?}");
    }

    #[test]
    fn on_a_narrow_path_it_leaves_at_a_little_more_than_the_path_carries() {
        let last = run(80_000, Some(2e6)).last().unwrap().0.as_secs_f64();
        let carried = 80_000.0 * 8.0 / 2e6;
        assert!(last > carried / 4.0 && last < carried / 2.0, "{last} s of {carried}");
    }

    #[test]
    fn what_was_asked_for_again_does_not_wait_for_a_keyframe() {
        let mut pacer = Pacer::default();
        (0..100).for_each(|n| pacer.post((n, 1200_usize), Kind::Fresh, Some(1e6), Duration::ZERO));
        pacer.post_urgent((7, 1200));
        assert_eq!(pacer.take_urgent(), Some((7, 1200)));
        assert_eq!(pacer.take_fresh(Duration::ZERO), Some(((0, 1200), Kind::Fresh)));
    }
}
