//! Which lost packets are sent again. Pure.
//!
//! A full path loses packets, the viewer asks for them, and answering every request fills the path further: without a
//! budget, 6 Mbit/s into a path of 2 decoded not one frame in 12 s.

use std::time::{Duration, Instant};

/// Packets that can be asked for: the library's own history is as long.
pub(crate) const HISTORY: u16 = 2048;
/// Of the bytes sent, one in so many may be sent again.
const SHARE: usize = 4;
/// What may be saved up: two lost bursts of some twenty packets.
const SAVED_MAX_BYTES: usize = 100_000;
/// For the first losses, before anything could be saved up.
const SAVED_AT_START_BYTES: usize = 30_000;
/// The round trip to assume until one was measured, and the least that is believed.
const RTT_UNKNOWN: Duration = Duration::from_millis(100);
const RTT_MIN: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Resends {
    history: Vec<Option<Sent>>,
    saved_bytes: usize,
    /// Requests that the budget refused.
    refused: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    sequence: u16,
    bytes: usize,
    resent: Option<Instant>,
}

impl Default for Resends {
    fn default() -> Self {
        Self { history: vec![None; usize::from(HISTORY)], saved_bytes: SAVED_AT_START_BYTES, refused: 0 }
    }
}

impl Resends {
    pub(crate) fn sent(&mut self, sequence: u16, bytes: usize) {
        self.history[usize::from(sequence % HISTORY)] = Some(Sent { sequence, bytes, resent: None });
        self.saved_bytes = (self.saved_bytes + bytes / SHARE).min(SAVED_MAX_BYTES);
    }

    /// Whether `sequence` is sent again now: once a round trip at most, and within the budget.
    pub(crate) fn admit(&mut self, sequence: u16, now: Instant, rtt: Option<Duration>) -> bool {
        let Some(sent) = self.history[usize::from(sequence % HISTORY)].as_mut() else { return false };
        if sent.sequence != sequence {
            return false;
        }
        let rtt = rtt.unwrap_or(RTT_UNKNOWN).max(RTT_MIN);
        if sent.resent.is_some_and(|at| now.saturating_duration_since(at) < rtt) {
            return false;
        }
        if self.saved_bytes < sent.bytes {
            self.refused += 1;
            return false;
        }
        self.saved_bytes -= sent.bytes;
        sent.resent = Some(now);
        true
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

    #[test]
    fn a_packet_is_sent_again_once_a_round_trip() {
        let (mut resends, start) = (Resends::default(), Instant::now());
        resends.sent(7, 1200);
        let rtt = Some(50 * MS);
        assert!(resends.admit(7, start, rtt));
        assert!(!resends.admit(7, start + 49 * MS, rtt), "the first one is still on its way");
        assert!(resends.admit(7, start + 50 * MS, rtt), "it was lost too");
    }

    #[test]
    fn what_was_never_sent_or_is_long_gone_is_not_sent_again() {
        let (mut resends, now) = (Resends::default(), Instant::now());
        resends.sent(7, 1200);
        resends.sent(7 + HISTORY, 1200);
        assert!(!resends.admit(8, now, None));
        assert!(!resends.admit(7, now, None));
        assert!(resends.admit(7 + HISTORY, now, None));
    }

    proptest! {
        #[test]
        fn no_storm_of_requests_gets_more_than_its_share(
            packets in 1u16..2000,
            rounds in 1u32..30,
            rtt_ms in 0u64..100,
        ) {
            let (mut resends, start) = (Resends::default(), Instant::now());
            let (mut sent, mut resent) = (0, 0);
            for round in 0..rounds {
                for sequence in 0..packets {
                    resends.sent(sequence, 1200);
                    sent += 1200;
                }
                for sequence in 0..packets {
                    let now = start + u32::try_from(rtt_ms).unwrap_or(0) * round * MS;
                    if resends.admit(sequence, now, Some(Duration::from_millis(rtt_ms))) {
                        resent += 1200;
                    }
                }
            }
            prop_assert!(resent <= sent / SHARE + SAVED_AT_START_BYTES);
        }
    }
}
