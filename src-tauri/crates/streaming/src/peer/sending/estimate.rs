//! What the path to one viewer carries, from how its packets arrive. Pure.
//!
//! ```text
//!                  queue, or loss with one                       drained
//!   Start ── Grows ───────────────────────► Falls ─► (drains) ──────────► Grows, slowly where it fell last
//!              │  ▲                                                          │
//!              │  └── room ── Limited: what is sent proves no more ◄─────────┤
//!              └─ Holds: a short queue, or loss alone                        └─ Probed: a burst has shown room
//! ```
//!
//! Delay is judged against what our own packets must have waited behind each other: a keyframe that drains is no
//! congestion, and a queue that stays is. Loss counts with a queue, and without one only where it is heavy and takes
//! from what arrives: radios lose packets, policers do too. It never leads what was proved by more than half.

use std::time::Duration;

use model::Bitrate;

use super::{arriving::Arriving, delay::Base, departures::Report, probe::Shown};

/// What a stream of 720p wants: until a path has shown less, it is not held back.
pub(crate) const START: Bitrate = Bitrate::kbps(6_000);
/// But for a long path, of which the first word comes late: what is under way until then is no more than this, twice
/// TCP's first window (RFC 6928).
const START_WINDOW_BYTES: f64 = 20_000.0;
const START_LEAST: Bitrate = Bitrate::kbps(1_000);
/// Below this no picture is worth sending.
const LEAST: Bitrate = Bitrate::kbps(150);
const MOST: Bitrate = Bitrate::kbps(60_000);
/// Loss with an empty queue is the radio's, not congestion's: only heavy loss counts then.
const LOSS_WITH_QUEUE: f64 = 0.05;
const LOSS_HOLDS: f64 = 0.08;
const LOSS_ALONE: f64 = 0.12;
/// Of fewer packets, half are too few: one that a busy computer read late would be a queue.
const NEWEST_OF: usize = 8;
/// So many of them do where each came so much later than the one before: of full packets, that is less than 1.2 Mbit/s.
const QUEUES_UP_OF: usize = 3;
const QUEUES_UP_S: f64 = 0.008;
/// A queue of less is jitter.
const QUEUE_NONE: Duration = Duration::from_millis(15);
/// A queue of more is the sender's own doing.
const QUEUE_TOO_LONG: Duration = Duration::from_millis(35);
/// After a fall: the time until its effect is seen, beside the round trip. An encoder takes 170 ms to follow.
const FALL_PAUSE: Duration = Duration::from_millis(250);
/// It has become narrower still meanwhile: nothing is waited for.
const WORSE_BY: Duration = Duration::from_millis(30);
const WORSE_TO: f64 = 0.7;
/// Of the rate that arrives while a queue builds; and that much less again for each second of queue.
const FALL_TO: f64 = 0.9;
const DRAIN_MAX: f64 = 0.4;
const FALL_FOR_LOSS: f64 = 0.85;
/// A second's growth while all is well; and from near the rate that was too much on: faster is for probes to find.
const GROWTH_PER_S: f64 = 0.25;
const GROWTH_PER_S_NEAR: f64 = 0.04;
const NEAR: f64 = 0.75;
/// A probe that shows so much more has found another path.
const OUTGROWN: f64 = 1.3;
/// The rate that was too much is remembered so long.
const CEILING_FOR: Duration = Duration::from_secs(30);
/// The estimate may lead what has been proved by so much.
const LEAD: f64 = 1.5;
/// What a probe has shown holds so long, while too little is sent to prove anything.
const SHOWN_FOR: Duration = Duration::from_secs(30);
/// The rate falls for so long, nothing is lost, and the delay stays: the path has become longer, not fuller.
const FALLS_IN_VAIN: Duration = Duration::from_millis(1500);
const LOSS_NONE: f64 = 0.02;

/// Why the estimate is what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Why {
    /// Nothing has been heard so far.
    #[default]
    Start,
    Grows,
    /// More might fit, but what is sent does not show it.
    Limited,
    /// A short queue, or some loss: neither up nor down.
    Holds,
    /// Packets queue up on the way.
    Queue,
    /// Packets are lost, and less arrives for it.
    Loss,
    /// A probe has shown that more fits.
    Probed,
    /// Nothing is heard of what is sent.
    Silent,
}

impl Why {
    /// For figures and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Grows => "grows",
            Self::Limited => "limited",
            Self::Holds => "holds",
            Self::Queue => "queue",
            Self::Loss => "loss",
            Self::Probed => "probed",
            Self::Silent => "silent",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Estimator {
    bps: f64,
    careful: bool,
    why: Why,
    base: Base,
    arriving: Arriving,
    queue: Duration,
    grown: Option<Duration>,
    fallen: Option<Fall>,
    /// What arrived when the path was full last.
    ceiling: Option<(Duration, f64)>,
    shown: Option<(Duration, f64)>,
}

#[derive(Clone, Copy, Debug)]
struct Fall {
    /// Of falls one after the other, without the queue having drained in between.
    first: Duration,
    at: Duration,
    until: Duration,
    queue: Duration,
    drained: bool,
}

impl Default for Estimator {
    fn default() -> Self {
        Self {
            bps: START.bps() as f64,
            careful: false,
            why: Why::default(),
            base: Base::default(),
            arriving: Arriving::default(),
            queue: Duration::ZERO,
            grown: None,
            fallen: None,
            ceiling: None,
            shown: None,
        }
    }
}

impl Estimator {
    /// What the handshake has shown of the path.
    pub(crate) fn begin(&mut self, rtt: Duration) {
        let window = START_WINDOW_BYTES * 8.0 / rtt.as_secs_f64().max(0.001);
        if self.why == Why::Start {
            self.bps = window.clamp(START_LEAST.bps() as f64, START.bps() as f64);
            self.careful = self.bps < START.bps() as f64;
        }
    }

    /// It begins with less than is wished for.
    pub(crate) fn is_careful(&self) -> bool {
        self.careful
    }

    pub(crate) fn estimate(&self) -> Bitrate {
        Bitrate::kbps((self.bps / 1000.0) as u32)
    }

    pub(crate) fn bps(&self) -> f64 {
        self.bps
    }

    pub(crate) fn why(&self) -> Why {
        self.why
    }

    pub(crate) fn queue(&self) -> Duration {
        self.queue
    }

    pub(crate) fn loss(&self) -> f64 {
        self.arriving.loss()
    }

    /// The path has shown a limit lately.
    pub(crate) fn is_narrow(&self) -> bool {
        self.ceiling.is_some()
    }

    /// Nothing to speak of waits on the path.
    pub(crate) fn is_drained(&self) -> bool {
        self.queue <= QUEUE_NONE
    }

    /// A good time to look for room: nothing queues, little is lost, and the last fall is past.
    pub(crate) fn is_calm(&self, now: Duration) -> bool {
        self.queue <= QUEUE_NONE
            && self.loss() < LOSS_HOLDS
            && self.why != Why::Start
            && self.fallen.is_none_or(|fall| fall.drained && now >= fall.until)
    }

    /// True when the path was found full.
    pub(crate) fn hear(&mut self, now: Duration, rtt: Duration, reports: &[Report]) -> bool {
        if reports.is_empty() {
            return false;
        }
        self.arriving.hear(now, reports);
        self.forget_what_is_old(now);
        // The least of them: jitter delays some packets, a queue delays all. What a queue is now, the newest know.
        let least =
            |of: &[Report], delay: fn(&Report) -> Option<f64>| of.iter().filter_map(delay).reduce(f64::min);
        let tell = reports.len() >= NEWEST_OF || queues_up(reports);
        let newest = if tell { &reports[reports.len() / 2..] } else { reports };
        if let (Some(least), Some(waited)) = (least(reports, underway_s), least(newest, waited_s)) {
            self.queue = self.base.queue(now, least, waited);
        }
        self.judge(now, rtt)
    }

    /// What a probe has shown is proved.
    pub(crate) fn believe(&mut self, now: Duration, shown: Shown) {
        if let Shown::Carries(bps) | Shown::Limit(bps) = shown {
            self.shown = Some((now, bps));
            self.ceiling = self.ceiling.filter(|(_, carried)| bps < carried * OUTGROWN);
            if bps > self.bps {
                self.set(bps, Why::Probed);
                self.grown = Some(now);
            }
        }
    }

    /// Nothing was heard for long: what was known of the path may not be so any more.
    pub(crate) fn note_silence(&mut self) {
        self.why = Why::Silent;
        self.arriving.forget();
        self.grown = None;
    }

    fn judge(&mut self, now: Duration, rtt: Duration) -> bool {
        let loss = self.loss();
        let heavy = loss > LOSS_ALONE && self.arriving.bps().is_some_and(|bps| bps < self.bps * 1.1);
        let queued = self.queue > QUEUE_TOO_LONG;
        if queued || heavy || (self.queue > QUEUE_NONE && loss > LOSS_WITH_QUEUE) {
            let why = if queued || !heavy { Why::Queue } else { Why::Loss };
            return self.fall(now, rtt, why);
        }
        if self.queue > QUEUE_NONE || loss > LOSS_HOLDS {
            self.grown = Some(now);
            self.why = Why::Holds;
            return false;
        }
        self.drained(now);
        self.grow(now);
        false
    }

    fn fall(&mut self, now: Duration, rtt: Duration, why: Why) -> bool {
        self.grown = Some(now);
        self.why = why;
        // What arrives while the path is full is what it carries; never upwards.
        let full = self.arriving.bps_when_full().unwrap_or(self.bps).min(self.bps);
        let worse = |fall: Fall| self.queue > fall.queue + WORSE_BY && full < self.bps * WORSE_TO;
        if self.fallen.is_some_and(|fall| now < fall.until && !worse(fall)) {
            return false;
        }
        let first = self.fallen.filter(|fall| !fall.drained).map_or(now, |fall| fall.first);
        if self.is_in_vain(now, first) {
            self.base.forget();
            self.fallen = None;
            return false;
        }
        let to = match why {
            Why::Loss => FALL_FOR_LOSS,
            _ => FALL_TO - self.queue.as_secs_f64().min(DRAIN_MAX),
        };
        self.ceiling = Some((now, full));
        self.shown = None;
        self.fallen =
            Some(Fall { first, at: now, until: now + rtt + FALL_PAUSE, queue: self.queue, drained: false });
        self.set(full * to, why);
        true
    }

    fn is_in_vain(&self, now: Duration, first: Duration) -> bool {
        let stays = self.fallen.is_some_and(|fall| self.queue.abs_diff(fall.queue) <= fall.queue / 5);
        stays && now - first >= FALLS_IN_VAIN && self.loss() < LOSS_NONE
    }

    /// The queue of the last fall is gone: from draining to what the path carries.
    fn drained(&mut self, now: Duration) {
        let Some(fall) = self.fallen.as_mut().filter(|fall| !fall.drained && now > fall.at) else { return };
        fall.drained = true;
        // What was lost until then did not fit into that queue: it is answered for.
        self.arriving.forgive_all();
        if let Some((_, carried)) = self.ceiling {
            self.set(self.bps.max(carried * FALL_TO), Why::Grows);
        }
    }

    /// Not past what has been proved: an encoder that sends little proves little.
    fn grow(&mut self, now: Duration) {
        let since =
            self.grown.map_or(Duration::ZERO, |at| now.saturating_sub(at)).min(Duration::from_secs(1));
        self.grown = Some(now);
        let arriving = self.arriving.bps().unwrap_or(0.0) * LEAD;
        let proved = self.shown.map_or(arriving, |(_, shown)| arriving.max(shown));
        if self.bps >= proved {
            self.why = if self.why == Why::Probed { Why::Probed } else { Why::Limited };
            return;
        }
        let near = self.ceiling.is_some_and(|(_, carried)| self.bps > carried * NEAR);
        let per_s = if near { GROWTH_PER_S_NEAR } else { GROWTH_PER_S };
        self.set((self.bps * (1.0 + per_s * since.as_secs_f64())).min(proved), Why::Grows);
    }

    fn set(&mut self, bps: f64, why: Why) {
        self.bps = bps.clamp(LEAST.bps() as f64, MOST.bps() as f64);
        self.why = why;
    }

    fn forget_what_is_old(&mut self, now: Duration) {
        self.ceiling = self.ceiling.filter(|(at, _)| now.saturating_sub(*at) < CEILING_FOR);
        self.shown = self.shown.filter(|(at, _)| now.saturating_sub(*at) < SHOWN_FOR);
    }
}

/// How long a packet was under way, on two clocks.
fn underway_s(report: &Report) -> Option<f64> {
    Some(report.arrived?.as_secs_f64() - report.sent.as_secs_f64())
}

/// The same without what it waited behind packets of ours.
fn waited_s(report: &Report) -> Option<f64> {
    Some(underway_s(report)? - report.own_queue.as_secs_f64())
}

/// Each came later than the one before. A busy computer that reads late does the opposite: it reads them all at once.
fn queues_up(reports: &[Report]) -> bool {
    let waited = reports.iter().filter_map(waited_s);
    let later = waited.clone().zip(waited.skip(1)).all(|(one, next)| next > one + QUEUES_UP_S);
    later && reports.len() >= QUEUES_UP_OF
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RTT: Duration = Duration::from_millis(40);

    /// A tenth of a second of packets, each under way for so long on top of the path's own time; the first `lost` of them do not arrive.
    fn hear(estimator: &mut Estimator, tenth: u64, queue_ms: u64, lost: u64) {
        let ms = Duration::from_millis;
        let report = |n: u64| Report {
            sent: ms(tenth * 100 + n * 4),
            arrived: (n >= lost).then(|| ms(tenth * 100 + n * 4 + 20 + queue_ms)),
            bytes: 1200,
            own_queue: Duration::ZERO,
            probe: None,
            late: false,
        };
        let reports: Vec<_> = (0..25).map(report).collect();
        estimator.hear(ms(tenth * 100 + 150), RTT, &reports);
    }

    #[test]
    fn what_was_lost_in_a_queue_that_has_drained_lowers_nothing_after_it() {
        let mut estimator = Estimator::default();
        (0..20).for_each(|tenth| hear(&mut estimator, tenth, 0, 0));
        (20..23).for_each(|tenth| hear(&mut estimator, tenth, 100, 12));
        assert_eq!(estimator.why(), Why::Queue);
        (23..28).for_each(|tenth| hear(&mut estimator, tenth, 0, 0));
        let (drained, why) = (estimator.bps(), estimator.why());
        assert_ne!(why, Why::Queue);
        // A little jitter, which with that loss would be a full path.
        (28..34).for_each(|tenth| hear(&mut estimator, tenth, 18, 0));
        assert!(estimator.bps() >= drained, "{} of {drained}", estimator.bps());
    }

    proptest! {
        #[test]
        fn whatever_is_reported_it_stays_within_its_limits(
            reports in prop::collection::vec((0u64..100_000, prop::option::of(0u64..u64::MAX / 2), 0usize..70_000, 0u64..2000, any::<bool>()), 0..200),
            every_ms in 0u64..3000,
        ) {
            let mut estimator = Estimator::default();
            for (index, chunk) in reports.chunks(7).enumerate() {
                let chunk: Vec<Report> = chunk
                    .iter()
                    .map(|(sent, arrived, bytes, own_ms, late)| Report {
                        sent: Duration::from_millis(*sent),
                        arrived: arrived.map(Duration::from_micros),
                        bytes: *bytes,
                        own_queue: Duration::from_millis(*own_ms),
                        probe: None,
                        late: *late && arrived.is_some(),
                    })
                    .collect();
                let now = Duration::from_millis(index as u64 * every_ms);
                estimator.hear(now, Duration::from_millis(every_ms), &chunk);
                prop_assert!((LEAST..=MOST).contains(&estimator.estimate()));
            }
        }
    }
}
