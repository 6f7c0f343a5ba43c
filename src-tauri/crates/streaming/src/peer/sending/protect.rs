//! How many repair packets a frame gets (forward error correction). Pure.
//!
//! What is lost can be asked for again, a round trip later. Where that is long and losses are many, every tenth frame waits for it; a
//! packet more for each few would have mended it at once.

use std::time::Duration;

/// On a shorter round trip, what is asked for again comes soon enough.
const RTT_WORTH: Duration = Duration::from_millis(40);
/// Fewer losses are not worth a packet in each frame.
const LOSS_WORTH: f64 = 0.002;
/// So many losses are expected under one repair packet, which mends one of them.
const LOSSES_EACH: f64 = 0.25;
const EACH_MIN: f64 = 3.0;
const EACH_MAX: f64 = 12.0;
/// What was told so long ago counts for half.
const HALF_LIFE_S: f64 = 3.0;
/// Of fewer, nothing is known yet.
const KNOWN_PACKETS: f64 = 100.0;
/// The weight of one frame in [`Protection::share`].
const SHARE_WEIGHT: f64 = 0.05;

#[derive(Debug, Default)]
pub(crate) struct Protection {
    told: f64,
    lost: f64,
    heard: Duration,
    share: f64,
}

impl Protection {
    /// What a feedback says, of a path without a queue.
    pub(crate) fn hear(&mut self, now: Duration, told: usize, lost: usize) {
        let keep = 0.5_f64.powf(now.saturating_sub(self.heard).as_secs_f64() / HALF_LIFE_S);
        self.heard = now;
        self.told = self.told * keep + told as f64;
        self.lost = self.lost * keep + lost as f64;
    }

    /// Of the next frame. `even`: what is lost is lost to no queue of ours, which more packets would only fill.
    pub(crate) fn repairs(&mut self, packets: usize, rtt: Option<Duration>, even: bool) -> usize {
        let repairs = match even && rtt.is_some_and(|rtt| rtt >= RTT_WORTH) {
            true => self.wanted(packets),
            false => 0,
        };
        let share = repairs as f64 / packets.max(1) as f64;
        self.share += (share - self.share) * SHARE_WEIGHT;
        repairs
    }

    fn wanted(&self, packets: usize) -> usize {
        let loss = self.lost / self.told.max(1.0);
        if self.told < KNOWN_PACKETS || loss < LOSS_WORTH {
            return 0;
        }
        let each = (LOSSES_EACH / loss).clamp(EACH_MIN, EACH_MAX);
        (packets as f64 / each).ceil() as usize
    }

    /// Repair packets for each packet of the picture, of late: they take their room from it.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Option<Duration> = Some(Duration::from_millis(100));

    fn after(told: usize, lost: usize) -> Protection {
        let mut protection = Protection::default();
        protection.hear(Duration::ZERO, told, lost);
        protection
    }

    #[test]
    fn repair_packets_come_where_there_are_losses_and_the_way_is_long() {
        assert_eq!(after(1000, 30).repairs(6, FAR, true), 1);
        assert_eq!(after(1000, 30).repairs(14, FAR, true), 2);
        assert_eq!(after(1000, 100).repairs(6, FAR, true), 2);
        assert_eq!(after(1000, 0).repairs(6, FAR, true), 0, "nothing is lost");
        assert_eq!(after(50, 2).repairs(6, FAR, true), 0, "little is known");
        assert_eq!(after(1000, 30).repairs(6, Some(Duration::from_millis(5)), true), 0, "a short way");
        assert_eq!(after(1000, 30).repairs(6, None, true), 0, "an unknown way");
        assert_eq!(after(1000, 30).repairs(6, FAR, false), 0, "a queue");
    }

    #[test]
    fn losses_of_long_ago_are_forgotten() {
        let mut protection = after(1000, 50);
        (0..20).for_each(|s| protection.hear(Duration::from_secs(s), 200, 0));
        assert_eq!(protection.repairs(10, FAR, true), 0);
    }

    #[test]
    fn the_share_follows_what_was_added() {
        let mut protection = after(1000, 30);
        let repairs: usize = (0..200).map(|_| protection.repairs(10, FAR, true)).sum();
        assert_eq!(repairs, 400);
        assert!((protection.share() - 0.2).abs() < 0.01, "{protection:?}");
        let repairs: usize = (0..200).map(|_| protection.repairs(10, FAR, false)).sum();
        assert!(repairs == 0 && protection.share() < 0.01, "{protection:?}");
    }
}
