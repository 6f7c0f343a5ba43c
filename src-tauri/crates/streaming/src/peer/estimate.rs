//! What the path to one viewer carries, from how its packets arrive. Pure.
//!
//! Three signs: packets queue up on the way (their delay over the least of the last seconds), how much arrives, and
//! how much is lost. A first, honest estimate: it falls at once when a queue builds, and rises only as far as what was
//! sent has proved. It probes nothing.

use std::{collections::VecDeque, time::Duration};

use model::Bitrate;

/// What a stream of 720p wants: until a path has shown less, it is not held back.
const START: Bitrate = Bitrate::kbps(6_000);
/// Below this no picture is worth sending.
const LEAST: Bitrate = Bitrate::kbps(150);
const MOST: Bitrate = Bitrate::kbps(30_000);
/// The least delay of so long is the path's own: routes change, clocks drift.
const BASE_WINDOW: Duration = Duration::from_secs(20);
/// What arrived in so long is the rate that arrives.
const RATE_WINDOW: Duration = Duration::from_millis(1000);
/// Loss is judged over this and no less: a few packets of a short window say nothing.
const LOSS_WINDOW: Duration = Duration::from_secs(2);
const LOSS_PACKETS_MIN: usize = 50;
/// Loss with an empty queue is the radio's, not congestion's: only heavy loss counts then.
const LOSS_WITH_QUEUE: f64 = 0.05;
const LOSS_ALONE: f64 = 0.20;
/// A queue of less is jitter.
const QUEUE_NONE: Duration = Duration::from_millis(15);
/// A queue of more is the sender's own doing.
const QUEUE_TOO_LONG: Duration = Duration::from_millis(50);
/// After a fall, time for the queue to drain and to be seen drained.
const FALL_PAUSE: Duration = Duration::from_millis(400);
/// Of the rate that arrives while a queue builds.
const FALL_TO: f64 = 0.85;
/// A second's growth while all is well.
const GROWTH_PER_S: f64 = 0.10;
/// The estimate may lead what has been proved by so much.
const LEAD: f64 = 1.5;

/// The fate of one packet. Times count from the peer's beginning; `arrived` is on the viewer's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) sent: Duration,
    pub(crate) arrived: Option<Duration>,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Estimator {
    bps: f64,
    /// The least one-way delay (on two clocks) of each second of [`BASE_WINDOW`]; front is the oldest.
    base: VecDeque<(Duration, f64)>,
    fates: VecDeque<Fate>,
    grown: Option<Duration>,
    fallen: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Fate {
    heard: Duration,
    bytes: usize,
    arrived: bool,
}

impl Default for Estimator {
    fn default() -> Self {
        Self {
            bps: START.bps() as f64,
            base: VecDeque::new(),
            fates: VecDeque::new(),
            grown: None,
            fallen: None,
        }
    }
}

impl Estimator {
    pub(crate) fn estimate(&self) -> Bitrate {
        Bitrate::kbps((self.bps / 1000.0) as u32)
    }

    /// `None` where the reports say nothing.
    pub(crate) fn hear(&mut self, now: Duration, reports: &[Report]) -> Option<Bitrate> {
        let delays = reports
            .iter()
            .filter_map(|report| Some(report.arrived?.as_secs_f64() - report.sent.as_secs_f64()));
        let least = delays.reduce(f64::min);
        self.remember(now, reports);
        let Some(least) = least else {
            return (!reports.is_empty()).then(|| self.judge(now, Duration::ZERO));
        };
        // The least of the batch: back-to-back packets of one keyframe queue behind each other on any path.
        let queue = Duration::from_secs_f64((least - self.base_with(now, least)).clamp(0.0, 10.0));
        Some(self.judge(now, queue))
    }

    fn remember(&mut self, now: Duration, reports: &[Report]) {
        let fates = reports.iter().map(|r| Fate { heard: now, bytes: r.bytes, arrived: r.arrived.is_some() });
        self.fates.extend(fates);
        while self.fates.front().is_some_and(|fate| now.saturating_sub(fate.heard) > LOSS_WINDOW) {
            self.fates.pop_front();
        }
    }

    fn base_with(&mut self, now: Duration, delay: f64) -> f64 {
        match self.base.back_mut() {
            Some((second, least)) if now.saturating_sub(*second) < Duration::from_secs(1) => {
                *least = least.min(delay);
            }
            _ => self.base.push_back((now, delay)),
        }
        while self.base.front().is_some_and(|(second, _)| now.saturating_sub(*second) > BASE_WINDOW) {
            self.base.pop_front();
        }
        self.base.iter().map(|(_, least)| *least).fold(f64::INFINITY, f64::min)
    }

    fn judge(&mut self, now: Duration, queue: Duration) -> Bitrate {
        let arriving = self.arriving_bps(now);
        let loss = self.loss();
        let congested =
            queue > QUEUE_TOO_LONG || (queue > QUEUE_NONE && loss > LOSS_WITH_QUEUE) || loss > LOSS_ALONE;
        if congested {
            self.fall(now, arriving);
        } else if queue <= QUEUE_NONE {
            self.grow(now, arriving);
        } else {
            self.grown = Some(now);
        }
        self.bps = self.bps.clamp(LEAST.bps() as f64, MOST.bps() as f64);
        self.estimate()
    }

    fn fall(&mut self, now: Duration, arriving: Option<f64>) {
        self.grown = Some(now);
        if self.fallen.is_some_and(|at| now.saturating_sub(at) < FALL_PAUSE) {
            return;
        }
        self.fallen = Some(now);
        // What arrives while a queue builds is what the path carries; never upwards.
        self.bps = arriving.map_or(self.bps, |bps| bps.min(self.bps)) * FALL_TO;
    }

    /// Not past what has been proved: an encoder that sends little proves little.
    fn grow(&mut self, now: Duration, arriving: Option<f64>) {
        let since =
            self.grown.map_or(Duration::ZERO, |at| now.saturating_sub(at)).min(Duration::from_secs(1));
        self.grown = Some(now);
        let proved = arriving.unwrap_or(0.0) * LEAD;
        if self.bps < proved {
            self.bps = (self.bps * (1.0 + GROWTH_PER_S * since.as_secs_f64())).min(proved);
        }
    }

    fn arriving_bps(&self, now: Duration) -> Option<f64> {
        let recent =
            || self.fates.iter().rev().take_while(|fate| now.saturating_sub(fate.heard) <= RATE_WINDOW);
        let since = recent().last()?.heard;
        let span = now.saturating_sub(since);
        // Less than half of the window is a burst, not a rate.
        (span >= RATE_WINDOW / 2).then(|| {
            let bytes: usize =
                recent().filter(|fate| fate.arrived && fate.heard > since).map(|fate| fate.bytes).sum();
            bytes as f64 * 8.0 / span.as_secs_f64()
        })
    }

    fn loss(&self) -> f64 {
        if self.fates.len() < LOSS_PACKETS_MIN {
            return 0.0;
        }
        let lost = self.fates.iter().filter(|fate| !fate.arrived).count();
        lost as f64 / self.fates.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A path with a rate, a queue in front of it and random loss; a sender that follows the estimate.
    struct Path {
        bps: f64,
        delay_s: f64,
        queue_max_s: f64,
        loss_every: usize,
    }

    struct Run {
        estimates_kbps: Vec<u32>,
        worst_queue_s: f64,
    }

    /// 30 frames a second at `share` of the estimate, feedback for each frame.
    fn run(path: &Path, seconds: u32, share: f64) -> Run {
        let mut estimator = Estimator::default();
        let (mut free_at, mut count) = (0.0_f64, 0_usize);
        let mut out = Run { estimates_kbps: vec![], worst_queue_s: 0.0 };
        for frame in 0..seconds * 30 {
            let now = f64::from(frame) / 30.0;
            let bytes = estimator.estimate().bps() as f64 * share / 8.0 / 30.0;
            let packets = (bytes / 1200.0).ceil() as usize;
            let reports: Vec<Report> = (0..packets)
                .map(|_| {
                    count += 1;
                    let queue = (free_at - now).max(0.0);
                    let lost =
                        queue > path.queue_max_s || (path.loss_every > 0 && count % path.loss_every == 0);
                    if !lost {
                        free_at = free_at.max(now) + 1200.0 * 8.0 / path.bps;
                    }
                    let arrived = (!lost).then(|| Duration::from_secs_f64(1000.0 + free_at + path.delay_s));
                    Report { sent: Duration::from_secs_f64(now), arrived, bytes: 1200 }
                })
                .collect();
            let heard = now + path.delay_s * 2.0;
            estimator.hear(Duration::from_secs_f64(heard), &reports);
            if now > 5.0 {
                out.worst_queue_s = out.worst_queue_s.max(free_at - now);
            }
            out.estimates_kbps.push(estimator.estimate().kbps);
        }
        out
    }

    #[test]
    fn a_narrow_path_is_filled_but_not_flooded() {
        let path = Path { bps: 2e6, delay_s: 0.025, queue_max_s: 0.2, loss_every: 0 };
        let run = run(&path, 40, 0.9);
        let settled = &run.estimates_kbps[600..];
        assert!(settled.iter().all(|kbps| (1000..=2400).contains(kbps)), "{settled:?}");
        assert!(run.worst_queue_s < 0.15, "{}", run.worst_queue_s);
    }

    #[test]
    fn a_wide_path_is_found() {
        let path = Path { bps: 50e6, delay_s: 0.01, queue_max_s: 0.2, loss_every: 0 };
        assert!(run(&path, 30, 0.9).estimates_kbps[899] > 10_000);
    }

    #[test]
    fn loss_on_the_radio_alone_does_not_stop_the_stream() {
        let path = Path { bps: 20e6, delay_s: 0.05, queue_max_s: 0.2, loss_every: 20 };
        assert!(run(&path, 30, 0.9).estimates_kbps[899] >= START.kbps);
    }

    #[test]
    fn an_encoder_that_sends_little_proves_little() {
        let path = Path { bps: 50e6, delay_s: 0.01, queue_max_s: 0.2, loss_every: 0 };
        assert!(run(&path, 60, 0.3).estimates_kbps[1799] <= START.kbps);
    }

    proptest! {
        #[test]
        fn whatever_is_reported_it_stays_within_its_limits(
            reports in prop::collection::vec((0u64..100_000, prop::option::of(0u64..u64::MAX / 2), 0usize..70_000), 0..200),
            every_ms in 0u64..3000,
        ) {
            let mut estimator = Estimator::default();
            for (index, chunk) in reports.chunks(7).enumerate() {
                let chunk: Vec<Report> = chunk
                    .iter()
                    .map(|(sent, arrived, bytes)| Report {
                        sent: Duration::from_millis(*sent),
                        arrived: arrived.map(Duration::from_micros),
                        bytes: *bytes,
                    })
                    .collect();
                estimator.hear(Duration::from_millis(index as u64 * every_ms), &chunk);
                prop_assert!((LEAST..=MOST).contains(&estimator.estimate()));
            }
        }
    }
}
