//! Everything between a frame's packets and the wire: in which order they leave, at what pace, which leave again, and
//! what their fate says of the path. Pure: time counts from the peer's beginning.
//!
//! ```text
//!   frames, repairs ──► pacer ───┐
//!   NACK ────► resends (budget) ─┼─► next() ─► wire          departures: number, time, bytes
//!   probe ───► repeats ──────────┘                                  │
//!   TWCC ◄───────────────────────────── feedback ───────────────────┘─► estimate, probe, does the path carry it at all
//! ```

mod arriving;
mod delay;
mod departures;
mod estimate;
mod pacer;
mod probe;
mod protect;
mod resend;
mod search;
#[cfg(test)]
mod sim;

use std::time::Duration;

use model::Bitrate;

pub use self::estimate::Why;
use self::{
    departures::Departures,
    estimate::Estimator,
    pacer::Pacer,
    probe::{Prober, Shown},
    protect::Protection,
    resend::{Request, Resends},
    search::Search,
};

/// The round trip to assume until one was measured.
const RTT_UNKNOWN: Duration = Duration::from_millis(100);
/// The share of a new measurement of the round trip.
const RTT_SHARE: u32 = 4;
/// Our own packets may queue behind each other for so long: a large keyframe. What waits longer is a path that is full.
const OWN_QUEUE_MAX: Duration = Duration::from_millis(250);
/// What has not drained after so long is no burst, but more than the path carries.
const OWN_QUEUE_FOR: Duration = Duration::from_millis(400);
/// It is taken to drain a little faster than the estimate has it: a stream at exactly that rate would excuse any queue.
const OWN_DRAINS: f64 = 1.25;
/// Viewers speak of packets every 50 to 250 ms. When they have not for so long, nothing gets through.
const SILENT_AFTER: Duration = Duration::from_millis(700);
/// What is sent on a blocked path, to hear when it is free: what was lost last is only told beside what came after it.
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_millis(60);
/// What may be under way beside the round trip: more is a queue that only grows stale.
const UNDERWAY_MAX: Duration = Duration::from_millis(600);
/// Of a stream of few bits, one keyframe is more than that.
const UNDERWAY_SPARE_BYTES: f64 = 30_000.0;
/// Of its rate: what was made for the path as it was comes too late on what is left of it, and in the way of what follows.
const COLLAPSED: f64 = 0.5;
/// It is drained down to this, or to a few packets, before a keyframe follows.
const UNDERWAY_DRAINED: Duration = Duration::from_millis(200);
const FEW_BYTES: f64 = 10_000.0;
/// A path that is full again so soon after it was free is too narrow for the stream.
const FULL_AGAIN: Duration = Duration::from_secs(10);
/// Then it waits for a keyframe that others ask for, longer each time, before it asks itself.
const PATIENCE_MIN: Duration = Duration::from_secs(1);
const PATIENCE_MAX: Duration = Duration::from_secs(4);
/// A viewer that was heard so lately is in no tunnel.
const SPEAKS_WITHIN: Duration = Duration::from_millis(300);
/// A stream that rests this long is not probed: there is nothing to grow for.
const RESTS_AFTER: Duration = Duration::from_millis(500);

/// One RTP packet of the picture.
pub(crate) trait Parcel: Clone {
    fn sequence(&self) -> u16;
    fn bytes(&self) -> usize;
    /// What of it is needed to send it again.
    fn to_keep(&self) -> Self {
        self.clone()
    }
}

/// A packet that leaves now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaving<P> {
    pub(crate) parcel: P,
    /// The transport's number for it.
    pub(crate) number: u16,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Fresh,
    /// It mends the loss of one of those that left before it.
    Repair,
    /// The viewer has asked for it.
    Again,
    /// It was sent before, and fills a probe.
    Filling,
}

/// What has a chance to arrive in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    Frames,
    /// A keyframe, if one comes along: asking for one would cost all the others too, and this path was too narrow for
    /// the last.
    Keyframes,
    Nothing,
}

/// What the path to the viewer is like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct View {
    pub(crate) estimate: Option<Bitrate>,
    pub(crate) why: Why,
    pub(crate) queue: Duration,
    pub(crate) loss: f64,
    pub(crate) refused: u64,
    /// Nothing more can be carried for now.
    pub(crate) blocked: bool,
    /// Repair packets for each packet of the picture.
    pub(crate) repair_share: f64,
}

#[derive(Debug)]
pub(crate) struct Sending<P> {
    pacer: Pacer<P>,
    resends: Resends<P>,
    departures: Departures,
    estimator: Estimator,
    prober: Prober,
    protection: Protection,
    /// Room beyond this is not looked for: nothing would fill it.
    useful: Bitrate,
    search: Search,
    rtt: Option<Duration>,
    /// What of ours waits on the path, if the path is as the estimate says.
    own_bytes: f64,
    /// When nothing of ours waited last.
    own_since: Duration,
    counted: Duration,
    fresh_left: Option<Duration>,
    blocked: Option<Blocked>,
    /// Frames were skipped: only a keyframe goes on from there.
    broken: bool,
    freed: Option<Duration>,
    patience: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Blocked {
    silent: bool,
    since: Duration,
    sign: Duration,
}

impl<P: Parcel> Sending<P> {
    pub(crate) fn new(useful: Bitrate) -> Self {
        Self {
            pacer: Pacer::default(),
            resends: Resends::default(),
            departures: Departures::default(),
            estimator: Estimator::default(),
            prober: Prober::default(),
            protection: Protection::default(),
            useful,
            search: Search::default(),
            rtt: None,
            own_bytes: 0.0,
            own_since: Duration::ZERO,
            counted: Duration::ZERO,
            fresh_left: None,
            blocked: None,
            broken: false,
            freed: None,
            patience: Duration::ZERO,
        }
    }

    /// The handshake is over: a round trip takes so long.
    pub(crate) fn begin(&mut self, rtt: Duration) {
        self.rtt = self.rtt.or(Some(rtt));
        self.estimator.begin(rtt);
    }

    pub(crate) fn post(&mut self, parcel: P, now: Duration) {
        self.queue(parcel, Kind::Fresh, now);
    }

    pub(crate) fn post_repair(&mut self, parcel: P, now: Duration) {
        self.queue(parcel, Kind::Repair, now);
    }

    fn queue(&mut self, parcel: P, kind: Kind, now: Duration) {
        let narrow = self.estimator.is_narrow().then(|| self.estimator.bps());
        self.pacer.post(parcel, kind, narrow, now);
    }

    /// How many repair packets the next frame is to have, of so many packets, on a path of this round trip.
    pub(crate) fn repairs(&mut self, packets: usize, rtt: Option<Duration>) -> usize {
        self.protection.repairs(packets, rtt, self.estimator.is_drained())
    }

    /// A keyframe begins with this packet.
    pub(crate) fn keyframe_from(&mut self, sequence: u16) {
        self.broken = false;
        self.resends.keyframe_from(sequence);
    }

    /// The viewer misses this packet. False when it is beyond repair: a keyframe is needed.
    pub(crate) fn ask_again(&mut self, sequence: u16, now: Duration) -> bool {
        // Where a keyframe follows, every other packet only stands in its way.
        if self.broken {
            return true;
        }
        match self.resends.admit(sequence, now, self.rtt()) {
            Request::Sent(parcel) => {
                if self.estimator.is_drained() && self.resends.may_double(parcel.bytes()) {
                    self.pacer.post_urgent(parcel.clone());
                }
                self.pacer.post_urgent(parcel);
            }
            Request::Pointless => {}
            Request::BeyondRepair => return false,
        }
        true
    }

    /// The next packet that leaves now; `None` until the time of [`Self::wake_at`].
    pub(crate) fn next(&mut self, now: Duration) -> Option<Leaving<P>> {
        let leaving = self.choose(now);
        if leaving.is_none() {
            self.turn(now);
        }
        let (parcel, kind) = leaving.or_else(|| self.choose(now))?;
        let probe = self.prober.burst();
        let bytes = parcel.bytes();
        let own_queue = self.own_queue(now, bytes);
        let number = self.departures.depart(now, bytes, own_queue, probe);
        self.prober.left(bytes);
        if kind == Kind::Fresh {
            self.resends.keep(parcel.to_keep());
            self.fresh_left = Some(now);
        }
        Some(Leaving { parcel, number, kind })
    }

    fn choose(&mut self, now: Duration) -> Option<(P, Kind)> {
        if let Some(parcel) = self.pacer.take_urgent() {
            return Some((parcel, Kind::Again));
        }
        if let Some(fresh) = self.pacer.take_fresh(now) {
            return Some(fresh);
        }
        if self.prober.wants_filling(now) {
            return self.resends.repeat().map(|parcel| (parcel, Kind::Filling));
        }
        let blocked = self.blocked.as_mut().filter(|blocked| now >= blocked.sign)?;
        blocked.sign = now + SIGN_OF_LIFE_EVERY;
        self.resends.repeat().map(|parcel| (parcel, Kind::Filling))
    }

    /// How long this packet waits behind those of ours that left before it.
    fn own_queue(&mut self, now: Duration, bytes: usize) -> Duration {
        let bytes_per_s = self.estimator.bps() / 8.0;
        let drained = bytes_per_s * OWN_DRAINS * now.saturating_sub(self.counted).as_secs_f64();
        self.counted = now;
        let most = bytes_per_s * OWN_QUEUE_MAX.as_secs_f64();
        let waiting = (self.own_bytes - drained).max(0.0);
        self.own_bytes = (waiting + bytes as f64).min(most);
        if waiting == 0.0 {
            self.own_since = now;
        }
        let excused = now.saturating_sub(self.own_since) < OWN_QUEUE_FOR;
        if excused { Duration::from_secs_f64(waiting / bytes_per_s) } else { Duration::ZERO }
    }

    /// One feedback of the viewer: what became of each number from `base` on, with times of arrival on its clock.
    pub(crate) fn hear(
        &mut self,
        now: Duration,
        base: u16,
        fates: impl IntoIterator<Item = (u16, Option<Duration>)>,
    ) {
        let reports = self.departures.hear(now, base, fates);
        self.measure_rtt(now, &reports);
        let before = self.estimator.bps();
        if self.estimator.hear(now, self.rtt(), &reports) {
            self.prober.stand_back(now);
            if self.estimator.bps() < before * COLLAPSED && self.blocked.is_none() {
                // What is under way says enough for now.
                let sign = now + 2 * SIGN_OF_LIFE_EVERY;
                self.blocked = Some(Blocked { silent: false, since: now, sign });
            }
        }
        // What a full queue drops is no reason to send more.
        if self.estimator.is_drained() {
            let lost = reports.iter().filter(|report| report.arrived.is_none()).count();
            self.protection.hear(now, reports.len(), lost);
        }
        let shown = self.prober.hear(now, &reports);
        if let Some(shown) = shown {
            self.estimator.believe(now, shown);
        }
        self.search.hear(now, self.is_found(shown));
        self.block_or_free(now);
    }

    /// The end of the path, or of what is of use.
    fn is_found(&self, shown: Option<Shown>) -> bool {
        let useful = self.estimator.bps() >= self.useful.bps() as f64 * probe::NEARLY;
        let full =
            !self.estimator.is_drained() || self.estimator.why() == Why::Loss || self.blocked.is_some();
        useful || full || matches!(shown, Some(Shown::Limit(_) | Shown::NoRoom))
    }

    fn measure_rtt(&mut self, now: Duration, reports: &[departures::Report]) {
        let newest = reports.iter().filter(|report| report.arrived.is_some()).map(|report| report.sent).max();
        let Some(measured) = newest.map(|sent| now.saturating_sub(sent)) else { return };
        self.rtt = Some(match self.rtt {
            Some(rtt) => (rtt * (RTT_SHARE - 1) + measured) / RTT_SHARE,
            None => measured,
        });
    }

    fn rtt(&self) -> Duration {
        self.rtt.unwrap_or(RTT_UNKNOWN)
    }

    /// What time alone changes.
    fn turn(&mut self, now: Duration) {
        self.prober.turn(now);
        self.block_or_free(now);
        let flows = self.fresh_left.is_some_and(|at| now.saturating_sub(at) < RESTS_AFTER);
        if flows && self.blocked.is_none() && self.pacer.is_empty() && self.estimator.is_calm(now) {
            self.prober.consider(now, self.estimator.bps(), self.useful.bps() as f64);
        }
    }

    fn block_or_free(&mut self, now: Duration) {
        let bytes_per_s = self.estimator.bps() / 8.0;
        let underway = self.departures.underway_bytes() as f64;
        let room = |spare: Duration| bytes_per_s * (self.rtt() + spare).as_secs_f64();
        let Some(heard) = self.departures.heard() else { return };
        let silent_at =
            self.departures.waiting_since().map(|since| since.max(heard) + self.rtt() + SILENT_AFTER);
        let silent = silent_at.is_some_and(|at| now >= at);
        let drained = underway < room(UNDERWAY_DRAINED).max(FEW_BYTES) || self.estimator.is_drained();
        match self.blocked {
            None if silent || underway > room(UNDERWAY_MAX) + UNDERWAY_SPARE_BYTES => {
                let again = self.freed.is_some_and(|freed| now.saturating_sub(freed) < FULL_AGAIN);
                let speaks = now.saturating_sub(heard) < SPEAKS_WITHIN;
                self.patience = match again && speaks {
                    true => (self.patience * 2).clamp(PATIENCE_MIN, PATIENCE_MAX),
                    false => Duration::ZERO,
                };
                self.blocked = Some(Blocked { silent, since: now, sign: now });
                if silent {
                    self.estimator.note_silence();
                    self.prober.stand_back(now);
                }
            }
            Some(blocked) if heard > blocked.since && !silent && drained => {
                self.blocked = None;
                self.freed = Some(now);
            }
            Some(blocked) if silent && !blocked.silent => {
                self.blocked = Some(Blocked { silent, since: now, sign: now });
                self.estimator.note_silence();
            }
            _ => {}
        }
    }

    /// What of the next frames has a chance to arrive in time. Where none has, the viewer is better served by a keyframe
    /// as soon as one has.
    pub(crate) fn carries(&mut self, now: Duration) -> Carries {
        self.block_or_free(now);
        self.broken |= self.blocked.is_some();
        let patient = self.freed.is_some_and(|freed| now < freed + self.patience);
        match (self.blocked, self.broken && patient) {
            (Some(_), _) => Carries::Nothing,
            (None, true) => Carries::Keyframes,
            (None, false) => Carries::Frames,
        }
    }

    pub(crate) fn wake_at(&self) -> Option<Duration> {
        let sign = self.blocked.map(|blocked| blocked.sign);
        [self.pacer.wake_at(), self.prober.wake_at(), sign].into_iter().flatten().min()
    }

    /// A careful beginning is told before the first frame. A bold one is no estimate: whoever is told of it holds back
    /// what the path carries, or goes down a rung, for no reason.
    fn is_told(&self) -> bool {
        self.search.is_over() || self.estimator.is_careful()
    }

    pub(crate) fn view(&self) -> View {
        View {
            estimate: self.is_told().then(|| self.estimator.estimate()),
            why: self.estimator.why(),
            queue: self.estimator.queue(),
            loss: self.estimator.loss(),
            refused: self.resends.refused(),
            blocked: self.blocked.is_some(),
            repair_share: self.protection.share(),
        }
    }
}

#[cfg(test)]
impl Parcel for (u16, usize) {
    fn sequence(&self) -> u16 {
        self.0
    }

    fn bytes(&self) -> usize {
        self.1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Feedback about anything, at any time, requests for everything: packets leave in order, again only within the
        /// budget, and there is always an end to what leaves at one moment.
        #[test]
        fn whatever_a_viewer_says_it_gets_no_more_than_its_share(
            said in prop::collection::vec((0u8..4, any::<u16>(), prop::collection::vec(any::<Option<u32>>(), 0..40), 0u32..2000), 1..120),
        ) {
            let mut sending = Sending::new(Bitrate::kbps(12_000));
            let (mut now, mut sequence, mut next_out) = (Duration::ZERO, 0_u16, 0_u16);
            let (mut fresh, mut again) = (0, 0);
            for (what, number, fates, ms) in said {
                now += ms * Duration::from_millis(1);
                match what {
                    0 => for _ in 0..number % 60 {
                        sending.post((sequence, 1200), now);
                        sequence = sequence.wrapping_add(1);
                    },
                    1 => sending.hear(now, number, fates.iter().zip(0_u16..).map(|(fate, step)| {
                        (number.wrapping_add(step), fate.map(|us| Duration::from_micros(us.into())))
                    })),
                    2 => for step in 0..500 {
                        sending.ask_again(number.wrapping_add(step), now);
                    },
                    _ => drop(sending.carries(now)),
                }
                let mut left = 0;
                while let Some(leaving) = sending.next(now) {
                    left += 1;
                    match leaving.kind {
                        Kind::Fresh => {
                            prop_assert_eq!(leaving.parcel.0, next_out);
                            next_out = next_out.wrapping_add(1);
                            fresh += 1200;
                        }
                        Kind::Again => again += 1200,
                        Kind::Repair | Kind::Filling => {}
                    }
                    prop_assert!(left < 20_000, "no end to what leaves");
                }
                prop_assert!(again <= fresh / 4 + 30_000);
                prop_assert!(sending.wake_at().is_none_or(|at| at + Duration::from_millis(1) > now));
            }
        }
    }
}
