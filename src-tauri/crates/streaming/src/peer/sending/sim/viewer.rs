//! What a browser does: shows frames in order, asks for what is missing, reports arrivals. Pure.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{MS, Piece};

const FEEDBACK_EVERY: Duration = Duration::from_millis(60);
/// A browser gives up on a packet after ten requests.
const REQUESTS_MAX: u32 = 10;
const PICTURE_LOST_EVERY: Duration = Duration::from_millis(500);
/// Where nothing was shown for so long after the first packet, the picture that it began is not waited for.
const FIRST_WITHIN: Duration = Duration::from_millis(200);
/// The two clocks have nothing in common.
const CLOCK_AHEAD: Duration = Duration::from_secs(5000);

pub(super) enum Message {
    Feedback { base: u16, fates: Vec<(u16, Option<Duration>)> },
    Missing(u16),
    PictureLost,
}

pub(super) struct Viewer {
    rtt: Duration,
    /// Arrivals since the last feedback, by unwrapped number.
    arrivals: BTreeMap<u64, Duration>,
    reported: u64,
    newest_number: u64,
    spoke: Duration,
    /// Pieces by unwrapped sequence.
    pieces: BTreeMap<u64, Piece>,
    newest: Option<u64>,
    /// The sequence that the next frame to be shown begins with.
    next: Option<u64>,
    missing: BTreeMap<u64, (Duration, u32)>,
    lost_told: Option<Duration>,
    began: Option<Duration>,
    gave_up: bool,
    asks: VecDeque<u16>,
}

impl Viewer {
    pub(super) fn new(rtt: Duration) -> Self {
        Self {
            rtt,
            arrivals: BTreeMap::new(),
            reported: 0,
            newest_number: 0,
            spoke: Duration::ZERO,
            pieces: BTreeMap::new(),
            newest: None,
            next: None,
            missing: BTreeMap::new(),
            lost_told: None,
            began: None,
            gave_up: false,
            asks: VecDeque::new(),
        }
    }

    /// Frames that are shown now: when, and how old.
    pub(super) fn take(&mut self, now: Duration, number: u16, piece: Piece) -> Vec<(Duration, Duration)> {
        self.began = self.began.or(Some(now));
        let number = unwrap(self.newest_number, number);
        self.newest_number = self.newest_number.max(number);
        self.arrivals.insert(number, now + CLOCK_AHEAD);
        let sequence = unwrap(self.newest.unwrap_or(1 << 20), piece.sequence);
        self.missing.remove(&sequence);
        if let Some(newest) = self.newest {
            for skipped in newest + 1..sequence {
                self.missing.insert(skipped, (Duration::ZERO, 0));
            }
        }
        self.newest = Some(self.newest.unwrap_or(0).max(sequence));
        if self.next.is_none_or(|next| sequence >= next) {
            self.pieces.insert(sequence, piece);
        }
        let mut shown = Vec::new();
        while let Some((after, piece)) = self.whole_frame() {
            self.next = Some(after);
            self.pieces = self.pieces.split_off(&after);
            self.missing = self.missing.split_off(&after);
            self.gave_up = false;
            shown.push((now, now - piece.captured));
        }
        shown
    }

    /// The next frame in order, or a keyframe that makes good what lies before it.
    fn whole_frame(&self) -> Option<(u64, Piece)> {
        let starts = self
            .pieces
            .iter()
            .filter(|(sequence, piece)| self.next == Some(**sequence) || (piece.keyframe && piece.first));
        for (start, piece) in starts {
            let mut at = *start;
            while let Some(found) = self.pieces.get(&at).filter(|found| found.frame == piece.frame) {
                at += 1;
                if found.last {
                    return Some((at, *found));
                }
            }
        }
        None
    }

    pub(super) fn speak(&mut self, now: Duration) -> Vec<Message> {
        let mut said = Vec::new();
        for (sequence, (asked, times)) in &mut self.missing {
            if *times < REQUESTS_MAX && now.saturating_sub(*asked) >= self.rtt.max(20 * MS) {
                (*asked, *times) = (now, *times + 1);
                self.asks.push_back((*sequence & 0xFFFF) as u16);
            }
            self.gave_up |= *times == REQUESTS_MAX;
        }
        said.extend(self.asks.drain(..).map(Message::Missing));
        let never = self.next.is_none() && self.began.is_some_and(|began| now - began >= FIRST_WITHIN);
        if (self.gave_up || never) && self.lost_told.is_none_or(|at| now - at >= PICTURE_LOST_EVERY) {
            self.lost_told = Some(now);
            said.push(Message::PictureLost);
        }
        if now - self.spoke >= FEEDBACK_EVERY && !self.arrivals.is_empty() {
            self.spoke = now;
            let first = self.arrivals.keys().next().copied().unwrap_or(0).min(self.reported);
            let last = self.arrivals.keys().last().copied().unwrap_or(0);
            let fates =
                (first..=last).map(|number| ((number & 0xFFFF) as u16, self.arrivals.get(&number).copied()));
            said.push(Message::Feedback { base: (first & 0xFFFF) as u16, fates: fates.collect() });
            self.arrivals.clear();
            self.reported = last + 1;
        }
        said
    }
}

fn unwrap(near: u64, number: u16) -> u64 {
    let step = i64::from(number.wrapping_sub((near & 0xFFFF) as u16) as i16);
    near.saturating_add_signed(step)
}
