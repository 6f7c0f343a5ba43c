//! Packets on their way: each gets a number of the transport, and the viewer's feedback says what became of it. Pure.

use std::{collections::VecDeque, time::Duration};

/// A packet that nobody has spoken of for so long is forgotten: its feedback was lost, or the path is dead.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(5);
/// A packet that was reported as lost may still arrive, out of order, so much later.
const LATE_BY: Duration = Duration::from_millis(500);
/// Packets that are remembered at most: five seconds of 30 Mbit/s.
const REMEMBERED_MAX: usize = 16_384;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Arrived,
}

#[derive(Clone, Copy, Debug)]
struct Departed {
    at: Duration,
    bytes: usize,
    own_queue: Duration,
    probe: Option<u32>,
    fate: Fate,
}

/// What became of one packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) sent: Duration,
    /// On the viewer's clock; `None` is lost.
    pub(crate) arrived: Option<Duration>,
    pub(crate) bytes: usize,
    /// How long it had to wait on the path behind packets of ours, if the path is what it is taken for.
    pub(crate) own_queue: Duration,
    /// The probe that it was sent in.
    pub(crate) probe: Option<u32>,
    /// It was reported as lost before, and has arrived after all.
    pub(crate) late: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Departures {
    /// The number of the packet at the front of `packets`.
    first: u64,
    packets: VecDeque<Departed>,
    underway_bytes: usize,
    /// The oldest packet of which nothing has been heard is not before this number.
    oldest_unknown: u64,
    heard: Option<Duration>,
}

impl Departures {
    /// The packet's number of the transport.
    pub(crate) fn depart(
        &mut self,
        at: Duration,
        bytes: usize,
        own_queue: Duration,
        probe: Option<u32>,
    ) -> u16 {
        self.forget(at);
        let number = self.first + self.packets.len() as u64;
        self.packets.push_back(Departed { at, bytes, own_queue, probe, fate: Fate::Unknown });
        self.underway_bytes += bytes;
        (number & 0xFFFF) as u16
    }

    /// Sent, and neither arrived nor lost so far.
    pub(crate) fn underway_bytes(&self) -> usize {
        self.underway_bytes
    }

    /// When the oldest packet left of which nothing has been heard.
    pub(crate) fn waiting_since(&self) -> Option<Duration> {
        let skip = usize::try_from(self.oldest_unknown.saturating_sub(self.first)).ok()?;
        self.packets.iter().skip(skip).find(|packet| packet.fate == Fate::Unknown).map(|packet| packet.at)
    }

    /// When the viewer last spoke of packets.
    pub(crate) fn heard(&self) -> Option<Duration> {
        self.heard
    }

    /// One feedback: what it says of each number from `base` on. What lies before `base` will not be spoken of again.
    pub(crate) fn hear(
        &mut self,
        now: Duration,
        base: u16,
        fates: impl IntoIterator<Item = (u16, Option<Duration>)>,
    ) -> Vec<Report> {
        self.heard = Some(now);
        let mut reports = Vec::new();
        for (number, arrived) in fates {
            let Some(index) = self.index_of(number) else { continue };
            let packet = &mut self.packets[index];
            let (fate, late) = match (packet.fate, arrived) {
                (Fate::Unknown, Some(_)) => (Fate::Arrived, false),
                (Fate::Unknown, None) => (Fate::Lost, false),
                (Fate::Lost, Some(_)) => (Fate::Arrived, true),
                (Fate::Lost, None) | (Fate::Arrived, _) => continue,
            };
            if packet.fate == Fate::Unknown {
                self.underway_bytes -= packet.bytes;
            }
            packet.fate = fate;
            let Departed { at: sent, bytes, own_queue, probe, .. } = *packet;
            reports.push(Report { sent, arrived, bytes, own_queue, probe, late });
        }
        self.give_up_before(base);
        self.forget(now);
        reports
    }

    fn index_of(&self, number: u16) -> Option<usize> {
        let next = self.first + self.packets.len() as u64;
        // The newest packet with this number: numbers come again every 65536.
        let back = u64::from(((next & 0xFFFF) as u16).wrapping_sub(number).wrapping_sub(1)) + 1;
        let index = next.checked_sub(back)?.checked_sub(self.first)?;
        usize::try_from(index).ok().filter(|index| *index < self.packets.len())
    }

    /// A feedback that was lost itself says nothing of the path's losses: its packets are neither here nor there.
    fn give_up_before(&mut self, base: u16) {
        let Some(base) = self.index_of(base) else { return };
        let from = usize::try_from(self.oldest_unknown.saturating_sub(self.first)).unwrap_or(0);
        for packet in self.packets.range_mut(from.min(base)..base) {
            if packet.fate == Fate::Unknown {
                self.underway_bytes -= packet.bytes;
                packet.fate = Fate::Arrived;
            }
        }
        self.oldest_unknown = self.oldest_unknown.max(self.first + base as u64);
    }

    fn forget(&mut self, now: Duration) {
        while let Some(front) = self.packets.front() {
            let age = now.saturating_sub(front.at);
            let done = match front.fate {
                Fate::Unknown => age > FORGOTTEN_AFTER,
                Fate::Lost | Fate::Arrived => age > LATE_BY,
            };
            if !done && self.packets.len() < REMEMBERED_MAX {
                break;
            }
            if front.fate == Fate::Unknown {
                self.underway_bytes -= front.bytes;
            }
            self.packets.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn each_packet_is_reported_once_and_a_late_one_once_more() {
        let mut departures = Departures::default();
        let numbers: Vec<u16> =
            (0..4).map(|_| departures.depart(Duration::ZERO, 1000, Duration::ZERO, None)).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
        let first = departures.hear(50 * MS, 0, [(0, Some(7 * MS)), (1, None), (2, Some(8 * MS))]);
        let arrived: Vec<_> = first.iter().map(|report| report.arrived.is_some()).collect();
        assert_eq!((arrived, departures.underway_bytes()), (vec![true, false, true], 1000));
        let again = departures.hear(60 * MS, 0, [(0, Some(7 * MS)), (1, Some(9 * MS)), (2, None)]);
        assert_eq!(again.iter().map(|report| report.late).collect::<Vec<_>>(), [true]);
        assert_eq!(departures.waiting_since(), Some(Duration::ZERO));
    }

    #[test]
    fn a_lost_feedback_is_no_loss_of_packets() {
        let mut departures = Departures::default();
        for _ in 0..6 {
            departures.depart(Duration::ZERO, 1000, Duration::ZERO, None);
        }
        assert_eq!(departures.hear(50 * MS, 4, [(4, Some(MS)), (5, Some(MS))]).len(), 2);
        assert_eq!((departures.underway_bytes(), departures.waiting_since()), (0, None));
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_count_of_bytes_holds(
            said in prop::collection::vec((any::<u16>(), prop::collection::vec((any::<u16>(), any::<bool>()), 0..20), 0usize..30), 0..60),
        ) {
            let mut departures = Departures::default();
            let mut now = Duration::ZERO;
            for (base, fates, packets) in said {
                for _ in 0..packets {
                    departures.depart(now, 1200, Duration::ZERO, None);
                }
                now += 97 * MS;
                let near = |number: u16| number % 2000;
                departures.hear(now, near(base), fates.into_iter().map(|(n, arrived)| (near(n), arrived.then_some(now))));
                let unknown = departures.packets.iter().filter(|packet| packet.fate == Fate::Unknown).count();
                prop_assert_eq!(departures.underway_bytes(), unknown * 1200);
            }
        }
    }
}
