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
/// Long enough for five datagrams at the least rates, short enough that its queue is no freeze.
const BURST: Duration = Duration::from_millis(60);
const BURST_PACKETS_MIN: usize = 8;
const BURST_MAX: Duration = Duration::from_millis(250);
/// Feedback of the burst that has not come by then will not come.
const JUDGED_WITHIN: Duration = Duration::from_secs(1);
/// Of the rate at which the burst left, this has to arrive for the path to carry it.
const CARRIED: f64 = 0.85;
/// Of what arrived, the estimate believes this.
const BELIEVED: f64 = 0.9;
/// A probe that finds less than this more has found no room.
const WORTH: f64 = 1.1;
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
    Bursting { since: Duration, from_bps: f64, bps: f64, left_bytes: f64, packets: usize },
    Judging { until: Duration, from_bps: f64, bps: f64, seen: Seen },
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Seen {
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
        if self.state == State::Resting && now >= self.not_before && estimate_bps < useful_bps * 0.95 {
            // The belief is a little less than what is shown: reach so far that it is enough.
            let reach = if self.succeeded.is_some() { REACH_ON } else { REACH };
            let bps = (estimate_bps * reach).min(useful_bps / BELIEVED * 1.05);
            self.number += 1;
            self.state =
                State::Bursting { since: now, from_bps: estimate_bps, bps, left_bytes: 0.0, packets: 0 };
        }
    }

    /// The probe that packets which leave now belong to.
    pub(crate) fn burst(&self) -> Option<u32> {
        matches!(self.state, State::Bursting { .. }).then_some(self.number)
    }

    /// Whether a repeated packet should leave now to fill the burst.
    pub(crate) fn wants_filling(&self, now: Duration) -> bool {
        match self.state {
            State::Bursting { since, bps, left_bytes, .. } => {
                left_bytes <= bps / 8.0 * now.saturating_sub(since).as_secs_f64()
            }
            _ => false,
        }
    }

    pub(crate) fn left(&mut self, bytes: usize) {
        if let State::Bursting { left_bytes, packets, .. } = &mut self.state {
            *left_bytes += bytes as f64;
            *packets += 1;
        }
    }

    /// After everything that may leave has left.
    pub(crate) fn turn(&mut self, now: Duration) {
        match self.state {
            State::Bursting { since, from_bps, bps, packets, .. } if is_over(since, packets, now) => {
                self.state =
                    State::Judging { until: now + JUDGED_WITHIN, from_bps, bps, seen: Seen::default() };
            }
            State::Judging { until, .. } if now >= until => self.fail(now),
            _ => {}
        }
    }

    pub(crate) fn wake_at(&self) -> Option<Duration> {
        match self.state {
            State::Resting => None,
            State::Bursting { since, bps, left_bytes, packets, .. } => {
                let next = since + Duration::from_secs_f64(left_bytes * 8.0 / bps.max(1.0));
                Some(if packets < BURST_PACKETS_MIN { next } else { next.min(since + BURST) })
            }
            State::Judging { until, .. } => Some(until),
        }
    }

    pub(crate) fn hear(&mut self, now: Duration, reports: &[Report]) -> Option<Shown> {
        let State::Judging { mut seen, from_bps, bps, until } = self.state else { return None };
        let mine = |report: &&Report| report.probe == Some(self.number) && !report.late;
        reports.iter().filter(mine).for_each(|report| seen.note(report));
        let past = reports.iter().any(|report| report.probe.is_none() && seen.packets > 0);
        self.state = State::Judging { until, from_bps, bps, seen };
        let enough =
            seen.packets + seen.lost >= BURST_PACKETS_MIN && (past || seen.sent_span() >= BURST.mul_f64(0.8));
        if !enough {
            return None;
        }
        let shown = seen.judge(from_bps, bps);
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

/// At the least rates a burst of so many packets takes longer.
fn is_over(since: Duration, packets: usize, now: Duration) -> bool {
    let elapsed = now.saturating_sub(since);
    (elapsed >= BURST && packets >= BURST_PACKETS_MIN) || elapsed >= BURST_MAX
}

impl Seen {
    fn note(&mut self, report: &Report) {
        let Some(arrived) = report.arrived else {
            self.lost += 1;
            return;
        };
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

    #[test]
    fn nothing_is_probed_beyond_what_is_of_use() {
        let mut prober = Prober::default();
        prober.consider(Duration::from_secs(9), 6e6, 6e6);
        assert!(prober.burst().is_none());
    }
}
