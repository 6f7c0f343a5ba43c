//! What arrives, and what does not, of the last seconds. Pure.

use std::{collections::VecDeque, ops::Range, time::Duration};

use super::departures::Report;

/// What arrived in so long is the rate that arrives.
const RATE_WINDOW: Duration = Duration::from_millis(1000);
/// While the path is full, packets arrive at its rate, one right behind the other: a short look is exact then, and
/// sees nothing of the time before.
const FULL_WINDOW: Duration = Duration::from_millis(100);
const FULL_PACKETS_MIN: usize = 6;
/// Loss is judged over this and no less: a few packets of a short window say nothing.
const LOSS_WINDOW: Duration = Duration::from_secs(2);
const LOSS_PACKETS_MIN: usize = 50;
/// Where nothing arrives for so long, nothing gets through at all.
const HOLE: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub(crate) struct Arriving {
    /// In the order in which they arrived, on the viewer's clock.
    arrived: VecDeque<(Duration, usize)>,
    /// When it was heard, and whether it was lost.
    fates: VecDeque<(Duration, bool)>,
    lost: usize,
}

impl Arriving {
    pub(crate) fn hear(&mut self, now: Duration, reports: &[Report]) {
        let holes = holes(reports);
        for (index, report) in reports.iter().enumerate() {
            match (report.arrived, report.late) {
                (Some(at), late) => {
                    self.arrived.push_back((at, report.bytes));
                    if late {
                        self.forgive();
                    } else {
                        self.fates.push_back((now, false));
                    }
                }
                (None, _) if holes.iter().any(|hole| hole.contains(&index)) => {}
                (None, _) => {
                    self.fates.push_back((now, true));
                    self.lost += 1;
                }
            }
        }
        while self.fates.front().is_some_and(|(heard, _)| now.saturating_sub(*heard) > LOSS_WINDOW) {
            let lost = self.fates.pop_front().is_some_and(|(_, lost)| lost);
            self.lost -= usize::from(lost);
        }
        if let Some(newest) = self.newest() {
            while self.arrived.front().is_some_and(|(at, _)| newest.saturating_sub(*at) > RATE_WINDOW) {
                self.arrived.pop_front();
            }
        }
    }

    /// It came late, out of order: no loss.
    fn forgive(&mut self) {
        if let Some((_, lost)) = self.fates.iter_mut().rev().find(|(_, lost)| *lost) {
            *lost = false;
            self.lost -= 1;
        }
    }

    /// What was lost so far says nothing of what is lost from now on.
    pub(crate) fn forgive_all(&mut self) {
        self.fates.clear();
        self.lost = 0;
    }

    fn newest(&self) -> Option<Duration> {
        self.arrived.iter().rev().take(16).map(|(at, _)| *at).max()
    }

    /// Over the last second.
    pub(crate) fn bps(&self) -> Option<f64> {
        let span = self.newest()?.saturating_sub(self.arrived.front()?.0);
        // Less than half of the window is a burst, not a rate.
        (span >= RATE_WINDOW / 2)
            .then(|| self.bps_since(self.arrived.front().map_or(Duration::ZERO, |(at, _)| *at)))
    }

    /// Over the last moments, for a path that is full.
    pub(crate) fn bps_when_full(&self) -> Option<f64> {
        let from = self.newest()?.saturating_sub(FULL_WINDOW);
        let recent = self.arrived.iter().rev().take_while(|(at, _)| *at >= from);
        let (count, since) = recent.fold((0, None), |(count, _), (at, _)| (count + 1, Some(*at)));
        if count < FULL_PACKETS_MIN {
            return self.bps();
        }
        Some(self.bps_since(since?)).filter(|bps| *bps > 0.0)
    }

    /// What arrived after the first packet of the span took the span to arrive.
    fn bps_since(&self, since: Duration) -> f64 {
        let span = self.newest().unwrap_or(since).saturating_sub(since).as_secs_f64();
        let bytes: usize =
            self.arrived.iter().rev().take_while(|(at, _)| *at > since).map(|(_, bytes)| bytes).sum();
        if span > 0.0 { bytes as f64 * 8.0 / span } else { 0.0 }
    }

    /// 0.0–1.0 of the last seconds.
    pub(crate) fn loss(&self) -> f64 {
        if self.fates.len() < LOSS_PACKETS_MIN {
            return 0.0;
        }
        self.lost as f64 / self.fates.len() as f64
    }

    /// The time before says nothing of what comes: there was a hole in between.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Runs of packets of which not one arrived, for a while: the path was gone, not full. A full path carries what it can.
fn holes(reports: &[Report]) -> Vec<Range<usize>> {
    let mut holes = Vec::new();
    let mut start = 0;
    for end in 0..=reports.len() {
        if reports.get(end).is_some_and(|report| report.arrived.is_none()) {
            continue;
        }
        if let Some([first, .., last]) = reports.get(start..end)
            && last.sent.saturating_sub(first.sent) >= HOLE
        {
            holes.push(start..end);
        }
        start = end + 1;
    }
    holes
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A packet each 5 ms, of which those in `lost` are lost.
    fn reports(lost: Range<u32>) -> Vec<Report> {
        let of = |n: u32| Report {
            sent: n * 5 * MS,
            arrived: (!lost.contains(&n)).then_some(n * 5 * MS),
            bytes: 1000,
            own_queue: Duration::ZERO,
            probe: None,
            late: false,
        };
        (0..200).map(of).collect()
    }

    #[test]
    fn a_tunnel_is_no_loss_and_a_burst_of_lost_packets_is() {
        for (lost, loss) in [(50..150, 0.0), (50..70, 0.1), (0..200, 0.0)] {
            let mut arriving = Arriving::default();
            arriving.hear(Duration::from_secs(1), &reports(lost.clone()));
            assert!((arriving.loss() - loss).abs() < 0.001, "{lost:?}: {}", arriving.loss());
        }
    }
}
