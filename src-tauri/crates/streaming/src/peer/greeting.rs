//! The round trip of a handshake: from a check of ours to the viewer's answer. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::port::stun::{Binding, Transaction, binding};

/// Checks that may wait for their answers: a second of them.
const UNANSWERED_MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Greeting {
    unanswered: VecDeque<(Transaction, Instant)>,
    least: Option<Duration>,
}

impl Greeting {
    pub(crate) fn leaves(&mut self, datagram: &[u8], now: Instant) {
        let Some(Binding::Request(transaction)) = binding(datagram) else { return };
        // One that is sent again: its answer may be the first one's.
        if self.unanswered.iter().any(|(known, _)| *known == transaction) {
            return;
        }
        if self.unanswered.len() == UNANSWERED_MAX {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back((transaction, now));
    }

    pub(crate) fn arrives(&mut self, datagram: &[u8], now: Instant) {
        let Some(Binding::Success(transaction)) = binding(datagram) else { return };
        let index = self.unanswered.iter().position(|(known, _)| *known == transaction);
        let Some((_, sent)) = index.and_then(|index| self.unanswered.remove(index)) else { return };
        let took = now.saturating_duration_since(sent);
        self.least = Some(self.least.map_or(took, |least| least.min(took)));
    }

    /// The least that was measured: a busy computer answers late, and none too early.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, transaction: u8) -> Vec<u8> {
        let mut datagram = vec![kind, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        datagram.extend([transaction; 12]);
        datagram
    }

    #[test]
    fn the_shortest_way_from_a_check_to_its_own_answer_counts() {
        let (mut greeting, began) = (Greeting::default(), Instant::now());
        let at = |ms| began + Duration::from_millis(ms);
        for (ms, check) in [(0, 1), (20, 2), (40, 3)] {
            greeting.leaves(&message(0, check), at(ms));
        }
        assert_eq!(greeting.rtt(), None);
        greeting.arrives(&message(1, 2), at(90));
        greeting.arrives(&message(1, 3), at(95));
        greeting.arrives(&message(1, 3), at(96));
        greeting.arrives(&message(1, 9), at(97));
        assert_eq!(greeting.rtt(), Some(Duration::from_millis(55)));
    }

    #[test]
    fn a_check_that_is_sent_again_counts_from_the_first_time() {
        let (mut greeting, began) = (Greeting::default(), Instant::now());
        greeting.leaves(&message(0, 1), began);
        greeting.leaves(&message(0, 1), began + Duration::from_millis(40));
        greeting.arrives(&message(1, 1), began + Duration::from_millis(50));
        assert_eq!(greeting.rtt(), Some(Duration::from_millis(50)));
    }
}
