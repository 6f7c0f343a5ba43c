//! What was sent, and which of it is sent again. Pure.
//!
//! A full path loses packets, the viewer asks for them, and answering every request fills the path further: without a
//! budget, 6 Mbit/s into a path of 2 decoded not one frame in 12 s.

use std::{collections::VecDeque, time::Duration};

use super::Parcel;

/// Packets that can be asked for: two seconds of 5 Mbit/s. What is older comes too late.
pub(crate) const HISTORY: u16 = 1024;
/// Of the bytes sent, one in so many may be sent again.
const SHARE: usize = 4;
/// What may be saved up: two lost bursts of some twenty packets.
const SAVED_MAX_BYTES: usize = 100_000;
/// Of that, what is kept for packets that were not sent again at all.
const SPARE_BYTES: usize = 50_000;
/// For the first losses, before anything could be saved up.
const SAVED_AT_START_BYTES: usize = 30_000;
/// The least round trip that is believed.
const RTT_MIN: Duration = Duration::from_millis(10);
/// A packet that was lost so often is not waited for any longer.
const TIMES_MAX: u8 = 4;
/// Probes repeat one of the last so many packets: what is missing there is still of use.
const REPEATED: usize = 64;

#[derive(Debug)]
pub(crate) struct Resends<P> {
    /// In the order of their sequence numbers, without a gap.
    history: VecDeque<Kept<P>>,
    saved_bytes: usize,
    /// Requests that the budget refused.
    refused: u64,
    repeated: usize,
    /// The first packet of the newest keyframe, while the history holds it.
    keyframe: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Kept<P> {
    parcel: P,
    resent: Option<Duration>,
    times: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request<P> {
    Sent(P),
    /// It is on its way, or nobody needs it.
    Pointless,
    /// The picture cannot be mended by packets any more: a keyframe can.
    BeyondRepair,
}

impl<P> Default for Resends<P> {
    fn default() -> Self {
        Self {
            history: VecDeque::new(),
            saved_bytes: SAVED_AT_START_BYTES,
            refused: 0,
            repeated: 0,
            keyframe: None,
        }
    }
}

impl<P: Parcel> Resends<P> {
    pub(crate) fn keep(&mut self, parcel: P) {
        let expected = self.history.back().map(|newest| newest.parcel.sequence().wrapping_add(1));
        if expected.is_some_and(|expected| expected != parcel.sequence()) {
            self.history.clear();
        }
        if self.history.len() == usize::from(HISTORY) {
            let gone = self.history.pop_front().map(|kept| kept.parcel.sequence());
            self.keyframe = self.keyframe.filter(|first| Some(*first) != gone);
        }
        self.saved_bytes = (self.saved_bytes + parcel.bytes() / SHARE).min(SAVED_MAX_BYTES);
        self.history.push_back(Kept { parcel, resent: None, times: 0 });
        self.repeated = 0;
    }

    /// What comes of a request for `sequence`: it is sent once a round trip at most, and within the budget.
    pub(crate) fn admit(&mut self, sequence: u16, now: Duration, rtt: Duration) -> Request<P> {
        let Some(newest) = self.history.back().map(|kept| kept.parcel.sequence()) else {
            return Request::Pointless;
        };
        let back = newest.wrapping_sub(sequence);
        // From the future, or older than what a keyframe has made good: nobody needs it.
        if back >= 1 << 15 || self.keyframe.is_some_and(|first| newest.wrapping_sub(first) < back) {
            return Request::Pointless;
        }
        let index = self.history.len().checked_sub(usize::from(back) + 1);
        let Some(kept) = index.and_then(|index| self.history.get_mut(index)) else {
            return Request::BeyondRepair;
        };
        if kept.resent.is_some_and(|at| now.saturating_sub(at) < rtt.max(RTT_MIN)) {
            return Request::Pointless;
        }
        let affordable = self.saved_bytes.checked_sub(kept.parcel.bytes());
        let Some(left) = affordable.filter(|_| kept.times < TIMES_MAX) else {
            self.refused += 1;
            return Request::BeyondRepair;
        };
        self.saved_bytes = left;
        kept.resent = Some(now);
        kept.times += 1;
        Request::Sent(kept.parcel.clone())
    }

    /// Whether a packet that is sent again may go twice: lost once more, it would be a round trip later still. Only from what
    /// has been saved up well.
    pub(crate) fn may_double(&mut self, bytes: usize) -> bool {
        let spare = self.saved_bytes >= SPARE_BYTES + bytes;
        if spare {
            self.saved_bytes -= bytes;
        }
        spare
    }

    /// A keyframe begins with this packet: what was sent before is of no use once it has arrived.
    pub(crate) fn keyframe_from(&mut self, sequence: u16) {
        self.keyframe = Some(sequence);
    }

    /// Something that was sent lately, to fill a probe with: a viewer that lost it is glad of it, another drops it.
    pub(crate) fn repeat(&mut self) -> Option<P> {
        let among = self.history.len().min(REPEATED);
        let back = self.repeated.checked_rem(among)?;
        self.repeated += 1;
        self.history.get(self.history.len() - 1 - back).map(|kept| kept.parcel.clone())
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn kept(sequence: u16) -> (u16, usize) {
        (sequence, 1200)
    }

    fn is_sent(request: Request<(u16, usize)>) -> bool {
        matches!(request, Request::Sent(_))
    }

    #[test]
    fn a_packet_is_sent_again_once_a_round_trip_and_a_few_times_at_most() {
        let mut resends = Resends::default();
        resends.keep(kept(7));
        assert!(is_sent(resends.admit(7, Duration::ZERO, 50 * MS)));
        assert_eq!(
            resends.admit(7, 49 * MS, 50 * MS),
            Request::Pointless,
            "the first one is still on its way"
        );
        for time in 1..u32::from(TIMES_MAX) {
            assert!(is_sent(resends.admit(7, time * 50 * MS, 50 * MS)), "it was lost too");
        }
        assert_eq!(resends.admit(7, Duration::from_secs(1), 50 * MS), Request::BeyondRepair);
    }

    #[test]
    fn what_is_long_gone_is_beyond_repair_and_what_was_never_sent_is_nothing() {
        let mut resends = Resends::default();
        for sequence in 0..=HISTORY {
            resends.keep(kept(sequence));
        }
        assert_eq!(resends.admit(HISTORY + 1, Duration::ZERO, MS), Request::Pointless);
        assert_eq!(resends.admit(0, Duration::ZERO, MS), Request::BeyondRepair);
        assert!(is_sent(resends.admit(HISTORY, Duration::ZERO, MS)));
    }

    #[test]
    fn only_well_saved_budget_pays_for_a_second_copy() {
        let mut resends = Resends::default();
        assert!(!resends.may_double(1200), "the first losses need it");
        (0..HISTORY).for_each(|sequence| resends.keep(kept(sequence)));
        let copies = (0..1000).filter(|_| resends.may_double(1200)).count();
        assert_eq!(copies, (SAVED_MAX_BYTES - SPARE_BYTES) / 1200);
        assert!(is_sent(resends.admit(HISTORY - 1, Duration::ZERO, MS)));
    }

    #[test]
    fn what_lies_before_a_keyframe_is_not_sent_again() {
        let mut resends = Resends::default();
        (0..10).for_each(|sequence| resends.keep(kept(sequence)));
        resends.keyframe_from(5);
        assert_eq!(resends.admit(4, Duration::ZERO, MS), Request::Pointless);
        assert!(is_sent(resends.admit(5, Duration::ZERO, MS)));
    }

    #[test]
    fn the_history_goes_on_where_the_numbers_begin_anew() {
        let mut resends = Resends::default();
        for step in 0..100 {
            resends.keep(kept(65_500_u16.wrapping_add(step)));
        }
        for sequence in [65_500, 65_535, 0, 63] {
            assert!(is_sent(resends.admit(sequence, Duration::ZERO, MS)), "{sequence}");
        }
    }

    #[test]
    fn a_probe_repeats_what_was_sent_last_and_costs_no_budget() {
        let mut resends = Resends::default();
        assert!(resends.repeat().is_none());
        (0..3).for_each(|sequence| resends.keep(kept(sequence)));
        let repeated: Vec<u16> =
            (0..4).filter_map(|_| resends.repeat()).map(|(sequence, _)| sequence).collect();
        assert_eq!(repeated, [2, 1, 0, 2]);
        assert_eq!(resends.saved_bytes, SAVED_AT_START_BYTES + 3 * 1200 / SHARE);
    }

    proptest! {
        #[test]
        fn no_storm_of_requests_gets_more_than_its_share(
            packets in 1u16..HISTORY,
            rounds in 1u32..30,
            rtt_ms in 0u32..100,
        ) {
            let mut resends = Resends::default();
            let (mut sent, mut resent) = (0, 0);
            for round in 0..rounds {
                for sequence in 0..packets {
                    resends.keep(kept(sequence));
                    sent += 1200;
                }
                for sequence in 0..packets {
                    if is_sent(resends.admit(sequence, rtt_ms * round * MS, rtt_ms * MS)) {
                        resent += 1200;
                    }
                }
            }
            prop_assert!(resent <= sent / SHARE + SAVED_AT_START_BYTES);
        }
    }
}
