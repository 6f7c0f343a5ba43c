//! Looks for room on the path: a short burst above the present rate, and how it arrives. Pure.
//!
//! ```text
//!   resting ──due, and the path is calm──► bursting ──sent──► judging ──proved: the estimate rises, the next soon
//!      ▲                                                          └──no room: the pause doubles
//!      └──────────────────────────────────────────────────────────┘
//! ```

use std::time::Duration;

use super::departures::Report;

/// How far above the estimate a probe looks; and one that follows a success.
const REACH: f64 = 1.5;
const REACH_ON: f64 = 2.0;
/// Long enough to tell a rate, short enough that its queue is no freeze.
const BURST: Duration = Duration::from_millis(60);
/// What passes at once out of a bucket that was saved up tells nothing of a rate, and so much at least has to follow.
const BUCKET_BYTES: usize = 4_000;
const PACKETS_MIN: usize = 4;
const BURST_BYTES_MIN: f64 = 12_000.0;
/// At the least rates so much takes longer.
const BURST_MAX: Duration = Duration::from_millis(450);
/// It is judged when so much of it was heard of.
const HEARD: f64 = 0.8;
/// Feedback of the burst that has not come by then will not come.
const JUDGED_WITHIN: Duration = Duration::from_secs(1);
/// Of the rate at which the burst left, this has to arrive for the path to carry it.
const CARRIED: f64 = 0.85;
/// Of what arrived, the estimate believes this.
const BELIEVED: f64 = 0.9;
/// A probe that finds less than this more has found no room.
const WORTH: f64 = 1.1;
/// Of what is of use, this is all that is worth looking for.
pub(crate) const NEARLY: f64 = 0.95;
const PAUSE_MIN: Duration = Duration::from_millis(800);
const PAUSE_AFTER_SUCCESS: Duration = Duration::from_millis(50);
/// A path that was narrow for a while is found wide again soon after it is; looking costs it 1 % of its rate.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A path may carry a burst and no more: what a probe has shown has to hold for so long.
const LASTS: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct Prober {
    number: u32,
    state: State,
    pause: Duration,
    not_before: Duration,
    succeeded: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Resting,
    Bursting(Burst),
    Judging { until: Duration, burst: Burst },
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Burst {
    since: Duration,
    from_bps: f64,
    bps: f64,
    left_bytes: f64,
    /// At the least rates, feedback comes while it still leaves.
    seen: Seen,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Seen {
    /// Of all of them.
    heard_bytes: usize,
    bucket_bytes: usize,
    packets: usize,
    lost: usize,
    /// Of all but the first.
    bytes: usize,
    first: Option<(Duration, Duration)>,
    last: (Duration, Duration),
}

/// What a probe has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shown {
    /// The path carries this, and maybe more.
    Carries(f64),
    /// The path carries this and no more.
    Limit(f64),
    NoRoom,
}

impl Default for Prober {
    fn default() -> Self {
        Self {
            number: 0,
            state: State::Resting,
            pause: PAUSE_MIN,
            not_before: Duration::ZERO,
            succeeded: None,
        }
    }
}

impl Prober {
    /// Begins a probe when one is due. `useful_bps`: more would serve nothing.
    pub(crate) fn consider(&mut self, now: Duration, estimate_bps: f64, useful_bps: f64) {
        if self.succeeded.is_some_and(|at| now.saturating_sub(at) > LASTS) {
            self.pause = PAUSE_MIN;
            self.succeeded = None;
        }
        if self.state == State::Resting && now >= self.not_before && estimate_bps < useful_bps * NEARLY {
            // The belief is a little less than what is shown: reach so far that it is enough.
            let reach = if self.succeeded.is_some() { REACH_ON } else { REACH };
            let bps = (estimate_bps * reach).min(useful_bps / BELIEVED * 1.05);
            self.number += 1;
            self.state = State::Bursting(Burst {
                since: now,
                from_bps: estimate_bps,
                bps,
                left_bytes: 0.0,
                seen: Seen::default(),
            });
        }
    }

    /// The probe that packets which leave now belong to.
    pub(crate) fn burst(&self) -> Option<u32> {
        matches!(self.state, State::Bursting(_)).then_some(self.number)
    }

    /// Whether a repeated packet should leave now to fill the burst.
    pub(crate) fn wants_filling(&self, now: Duration) -> bool {
        match self.state {
            State::Bursting(burst) => {
                burst.left_bytes <= burst.bps / 8.0 * now.saturating_sub(burst.since).as_secs_f64()
            }
            _ => false,
        }
    }

    pub(crate) fn left(&mut self, bytes: usize) {
        if let State::Bursting(burst) = &mut self.state {
            burst.left_bytes += bytes as f64;
        }
    }

    /// After everything that may leave has left.
    pub(crate) fn turn(&mut self, now: Duration) {
        match self.state {
            State::Bursting(burst) if burst.is_over(now) => {
                self.state = State::Judging { until: now + JUDGED_WITHIN, burst };
            }
            State::Judging { until, .. } if now >= until => self.fail(now),
            _ => {}
        }
    }

    pub(crate) fn wake_at(&self) -> Option<Duration> {
        match self.state {
            State::Resting => None,
            State::Bursting(Burst { since, bps, left_bytes, .. }) => {
                let next = since + Duration::from_secs_f64(left_bytes * 8.0 / bps.max(1.0));
                let end = if left_bytes < BURST_BYTES_MIN { BURST_MAX } else { BURST };
                Some(next.min(since + end))
            }
            State::Judging { until, .. } => Some(until),
        }
    }

    pub(crate) fn hear(&mut self, now: Duration, reports: &[Report]) -> Option<Shown> {
        let (State::Bursting(burst) | State::Judging { burst, .. }) = &mut self.state else { return None };
        let mine = |report: &&Report| report.probe == Some(self.number) && !report.late;
        reports.iter().filter(mine).for_each(|report| burst.seen.note(report));
        let State::Judging { burst, .. } = self.state else { return None };
        if !burst.is_heard(reports) {
            return None;
        }
        let shown = burst.seen.judge(burst.from_bps, burst.bps);
        match shown {
            Shown::Carries(_) => {
                self.succeeded = Some(now);
                self.rest(now + PAUSE_AFTER_SUCCESS);
            }
            Shown::Limit(_) => self.rest(now + self.pause),
            Shown::NoRoom => self.fail(now),
        }
        Some(shown)
    }

    fn fail(&mut self, now: Duration) {
        self.rest(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    /// The path is full: what was shown lately was not so, and room is looked for again after a while.
    pub(crate) fn stand_back(&mut self, now: Duration) {
        if self.state != State::Resting || self.succeeded.take().is_some() {
            self.fail(now);
        }
        self.not_before = self.not_before.max(now + self.pause);
    }

    fn rest(&mut self, not_before: Duration) {
        self.state = State::Resting;
        self.not_before = not_before;
    }
}

impl Burst {
    fn is_over(&self, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.since);
        (elapsed >= BURST && self.left_bytes >= BURST_BYTES_MIN) || elapsed >= BURST_MAX
    }

    /// Most of it, or what left after it.
    fn is_heard(&self, reports: &[Report]) -> bool {
        let seen = &self.seen;
        let most = seen.heard_bytes as f64 >= self.left_bytes * HEARD;
        let left_after = |report: &Report| seen.first.is_some_and(|(sent, _)| report.sent > sent);
        let past = reports.iter().any(|report| report.probe.is_none() && left_after(report));
        seen.packets + seen.lost >= PACKETS_MIN && (most || past)
    }
}

impl Seen {
    fn note(&mut self, report: &Report) {
        self.heard_bytes += report.bytes;
        let Some(arrived) = report.arrived else {
            self.lost += 1;
            return;
        };
        if self.bucket_bytes < BUCKET_BYTES {
            self.bucket_bytes += report.bytes;
            return;
        }
        self.packets += 1;
        if self.first.is_none() {
            self.first = Some((report.sent, arrived));
        } else {
            self.bytes += report.bytes;
        }
        self.last = (report.sent, self.last.1.max(arrived));
    }

    fn sent_span(&self) -> Duration {
        self.first.map_or(Duration::ZERO, |(sent, _)| self.last.0.saturating_sub(sent))
    }

    fn judge(&self, from_bps: f64, wanted_bps: f64) -> Shown {
        let Some((_, arrived)) = self.first else { return Shown::NoRoom };
        let rate = |span: Duration| self.bytes as f64 * 8.0 / span.as_secs_f64().max(0.001);
        let left = rate(self.sent_span()).min(wanted_bps);
        let came = rate(self.last.1.saturating_sub(arrived));
        let many_lost = self.lost * 10 > self.packets;
        let carried = if came >= left * CARRIED { left } else { came };
        if many_lost || carried * BELIEVED < from_bps * WORTH {
            return Shown::NoRoom;
        }
        if came < left * CARRIED {
            Shown::Limit(carried * BELIEVED)
        } else {
            Shown::Carries(carried * BELIEVED)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// One probe from 1 Mbit/s on a path of `carries_bps`.
    fn probe(prober: &mut Prober, now: Duration, carries_bps: f64) -> Option<Shown> {
        prober.consider(now, 1e6, 10e6);
        let mut reports = Vec::new();
        let (mut at, mut free) = (now, Duration::ZERO);
        while let Some(number) = prober.burst() {
            while prober.wants_filling(at) {
                prober.left(1200);
                free = free.max(at) + Duration::from_secs_f64(1200.0 * 8.0 / carries_bps);
                reports.push(Report {
                    sent: at,
                    arrived: Some(free),
                    bytes: 1200,
                    own_queue: Duration::ZERO,
                    probe: Some(number),
                    late: false,
                });
            }
            at += Duration::from_millis(1);
            prober.turn(at);
        }
        prober.hear(at, &reports)
    }

    #[test]
    fn a_wide_path_carries_the_whole_burst_and_is_probed_again_soon() {
        let mut prober = Prober::default();
        let Some(Shown::Carries(bps)) = probe(&mut prober, Duration::from_secs(1), 50e6) else { panic!() };
        assert!((1.2e6..1.5e6).contains(&bps), "{bps}");
        prober.consider(Duration::from_millis(1200), 1.8e6, 10e6);
        assert!(prober.burst().is_some());
    }

    #[test]
    fn a_full_path_shows_no_room_and_is_left_alone_longer_each_time() {
        let mut prober = Prober::default();
        let mut now = Duration::from_secs(1);
        let mut pauses = Vec::new();
        for _ in 0..4 {
            assert_eq!(probe(&mut prober, now, 1.05e6), Some(Shown::NoRoom));
            let failed = now;
            while prober.burst().is_none() {
                now += Duration::from_millis(10);
                prober.consider(now, 1e6, 10e6);
            }
            pauses.push(now - failed);
            prober.rest(now);
        }
        assert!(
            pauses.windows(2).all(|two| two[1] > two[0].mul_f64(1.5) || two[1] >= PAUSE_MAX),
            "{pauses:?}"
        );
    }

    /// 3000 bytes pass at once whatever the rate, as on many a line.
    #[test]
    fn a_burst_that_fits_into_a_bucket_is_no_room() {
        let mut prober = Prober::default();
        prober.consider(Duration::ZERO, 3e5, 10e6);
        let (mut at, mut free) = (Duration::from_millis(100), Duration::ZERO);
        let mut shown = None;
        while shown.is_none() && at < Duration::from_secs(2) {
            while prober.wants_filling(at) {
                prober.left(600);
                let unused = at.saturating_sub(Duration::from_secs_f64(3000.0 * 8.0 / 3.2e5));
                free = free.max(unused) + Duration::from_secs_f64(600.0 * 8.0 / 3.2e5);
                // Feedback comes while the burst still leaves.
                let report = Report {
                    sent: at,
                    arrived: Some(free.max(at)),
                    bytes: 600,
                    own_queue: Duration::ZERO,
                    probe: Some(1),
                    late: false,
                };
                shown = shown.or(prober.hear(at, &[report]));
            }
            at += Duration::from_millis(1);
            prober.turn(at);
            shown = shown.or(prober.hear(at, &[]));
        }
        assert_eq!(shown, Some(Shown::NoRoom));
    }

    #[test]
    fn nothing_is_probed_beyond_what_is_of_use() {
        let mut prober = Prober::default();
        prober.consider(Duration::from_secs(9), 6e6, 6e6);
        assert!(prober.burst().is_none());
    }
}
