//! Sender reports of the picture (RFC 3550 §6.4.1): what was sent so far, and which moment its clock stands for. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use rtc::{rtcp::sender_report::SenderReport, rtp};

use crate::peer::{clock::Clock, connection::VIDEO_CLOCK_HZ};

const EVERY: Duration = Duration::from_secs(1);
/// Reports that a receiver report may still refer to.
const REPORTS: usize = 16;

#[derive(Debug)]
pub(super) struct Reporter {
    clock: Clock,
    packets: u32,
    octets: u32,
    /// The newest frame's time on the stream's clock, and when it was captured.
    newest: Option<(u32, Instant)>,
    due: Option<Instant>,
    /// The part of each that a receiver report repeats, and when it was made.
    made: VecDeque<(u32, Instant)>,
}

impl Reporter {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, packets: 0, octets: 0, newest: None, due: None, made: VecDeque::new() }
    }

    /// A packet of this frame is about to leave.
    pub(super) fn frame(&mut self, rtp_time: u32, captured: Instant, now: Instant) {
        self.newest = Some((rtp_time, captured));
        self.due.get_or_insert(now + EVERY);
    }

    pub(super) fn left(&mut self, packet: &rtp::Packet) {
        self.packets = self.packets.wrapping_add(1);
        // Both counts wrap around, as their fields do.
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn take(&mut self, ssrc: u32, now: Instant) -> Option<SenderReport> {
        self.due.filter(|due| *due <= now)?;
        self.due = Some(now + EVERY);
        let (rtp_time, captured) = self.newest?;
        let since = now.saturating_duration_since(captured).as_secs_f64();
        let report = SenderReport {
            ssrc,
            ntp_time: self.clock.ntp_of(now),
            rtp_time: rtp_time.wrapping_add((since * f64::from(VIDEO_CLOCK_HZ)) as u32),
            packet_count: self.packets,
            octet_count: self.octets,
            ..Default::default()
        };
        if self.made.len() == REPORTS {
            self.made.pop_front();
        }
        self.made.push_back((middle(report.ntp_time), now));
        Some(report)
    }

    /// When the report was made that a viewer names by this part of it.
    pub(super) fn made_at(&self, named: u32) -> Option<Instant> {
        self.made.iter().find(|(middle, _)| *middle == named).map(|(_, at)| *at)
    }
}

/// The middle 32 of 64 bits.
fn middle(ntp: u64) -> u32 {
    ((ntp >> 16) & 0xFFFF_FFFF) as u32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_report_comes_each_second_and_its_clocks_stand_for_one_moment() {
        let start = Instant::now();
        let clock = Clock::set(start);
        let mut reporter = Reporter::new(clock);
        assert_eq!((reporter.due(), reporter.take(7, start)), (None, None), "nothing was sent");
        reporter.frame(1000, start, start + Duration::from_millis(4));
        let packet = rtp::Packet { header: Default::default(), payload: vec![0; 100].into() };
        (0..3).for_each(|_| reporter.left(&packet));
        let due = reporter.due().unwrap();
        assert_eq!(due, start + Duration::from_millis(1004));
        assert_eq!(reporter.take(7, due - Duration::from_millis(1)), None);
        let now = start + Duration::from_millis(1100);
        let report = reporter.take(7, now).unwrap();
        assert_eq!((report.ssrc, report.packet_count, report.octet_count), (7, 3, 300));
        assert_eq!((report.ntp_time, report.rtp_time), (clock.ntp_of(now), 1000 + 99_000));
        assert_eq!(reporter.due(), Some(now + EVERY));
        assert_eq!(reporter.made_at(middle(report.ntp_time)), Some(now));
        assert_eq!(reporter.made_at(1), None);
    }

    #[test]
    fn the_newest_reports_are_remembered() {
        let start = Instant::now();
        let mut reporter = Reporter::new(Clock::set(start));
        reporter.frame(0, start, start);
        let made: Vec<_> =
            (1..=20).filter_map(|s| reporter.take(7, start + Duration::from_secs(s))).collect();
        let known = made.iter().filter(|report| reporter.made_at(middle(report.ntp_time)).is_some()).count();
        assert_eq!((made.len(), known), (20, REPORTS));
    }
}
