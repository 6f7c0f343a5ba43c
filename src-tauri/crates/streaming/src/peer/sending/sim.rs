//! Seeded simulations in virtual time: the real machine, a model of the path, of an encoder and of a browser.

mod link;
mod viewer;

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use model::Bitrate;

use self::{
    link::{Link, Profile},
    viewer::{Message, Viewer},
};
use super::{Parcel, Sending};

pub(super) const MS: Duration = Duration::from_millis(1);
const FRAME: Duration = Duration::from_micros(33_333);
const PAYLOAD: usize = 1160;
/// Of RTP, its extensions and SRTP.
const OVERHEAD: usize = 50;
/// What the stream is allowed.
const USEFUL: Bitrate = Bitrate::kbps(12_000);
/// The encoder is told what is left for the picture.
const PICTURE_SHARE: f64 = 0.94;
/// An encoder follows its new rate after so many frames.
const ENCODER_FRAMES: usize = 5;
const KEYFRAMES_APART: Duration = Duration::from_millis(500);

/// A packet of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) sequence: u16,
    pub(super) bytes: usize,
    pub(super) frame: u32,
    pub(super) first: bool,
    pub(super) last: bool,
    pub(super) keyframe: bool,
    pub(super) captured: Duration,
}

impl Parcel for Piece {
    fn sequence(&self) -> u16 {
        self.sequence
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

enum Event {
    Frame,
    Wake,
    Arrives(u16, Piece),
    /// The viewer looks at its clock.
    Viewer,
    Hears(Message),
}

#[derive(Default)]
struct Encoder {
    frame: u32,
    sequence: u16,
    kbps: Vec<f64>,
    keyframe_wanted: bool,
    keyframe_at: Option<Duration>,
    waits_for_keyframe: bool,
}

/// What came of a run.
#[derive(Debug, Default)]
struct Run {
    /// When a frame was shown, and how old it was.
    shown: Vec<(Duration, Duration)>,
    /// The estimate at each frame.
    kbps: Vec<(Duration, f64)>,
    keyframes: usize,
    filling_bytes: usize,
    fresh_bytes: usize,
}

impl Run {
    fn longest_gap(&self, from_s: u64, to_s: u64) -> Duration {
        let (from, to) = (Duration::from_secs(from_s), Duration::from_secs(to_s));
        let mut times = vec![from];
        times.extend(self.shown.iter().map(|(at, _)| *at).filter(|at| (from..to).contains(at)));
        times.push(to);
        times.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default()
    }

    fn age(&self, quantile: f64, from_s: u64, to_s: u64) -> Duration {
        let (from, to) = (Duration::from_secs(from_s), Duration::from_secs(to_s));
        let mut ages: Vec<_> =
            self.shown.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, age)| *age).collect();
        ages.sort();
        ages.get(((ages.len().max(1) - 1) as f64 * quantile) as usize).copied().unwrap_or(Duration::MAX)
    }

    fn mean_kbps(&self, from_s: u64, to_s: u64) -> f64 {
        let (from, to) = (Duration::from_secs(from_s), Duration::from_secs(to_s));
        let of: Vec<f64> =
            self.kbps.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, kbps)| *kbps).collect();
        of.iter().sum::<f64>() / of.len() as f64
    }

    fn reaches(&self, kbps: f64, from_s: u64) -> Duration {
        let from = Duration::from_secs(from_s);
        let found = self.kbps.iter().find(|(at, now)| *at >= from && *now >= kbps);
        found.map_or(Duration::MAX, |(at, _)| *at - from)
    }
}

/// An encoder that obeys, unless `fixed_kbps` says what it makes whatever it is told.
fn run(profile: &Profile, seconds: u64, seed: u64, fixed_kbps: Option<f64>) -> Run {
    run_with(profile, seconds, seed, fixed_kbps, &[])
}

/// Others ask for keyframes at `keyframes`, and get them.
fn run_with(
    profile: &Profile,
    seconds: u64,
    seed: u64,
    fixed_kbps: Option<f64>,
    keyframes: &[Duration],
) -> Run {
    let mut sim = Simulation {
        link: Link::new(profile, seed),
        sending: Sending::new(USEFUL),
        viewer: Viewer::new(profile.rtt()),
        encoder: Encoder { keyframe_wanted: true, ..Encoder::default() },
        events: BinaryHeap::new(),
        details: Vec::new(),
        wake: None,
        fixed_kbps,
        asked: keyframes.iter().rev().copied().collect(),
        run: Run::default(),
    };
    sim.sending.begin(profile.rtt());
    sim.at(Duration::ZERO, Event::Frame);
    sim.at(Duration::ZERO, Event::Viewer);
    let end = Duration::from_secs(seconds);
    while let Some(Reverse((now, id))) = sim.events.pop() {
        if now > end {
            break;
        }
        if let Some(event) = sim.details[id].take() {
            sim.handle(now, event);
        }
    }
    sim.run
}

struct Simulation {
    link: Link,
    sending: Sending<Piece>,
    viewer: Viewer,
    encoder: Encoder,
    events: BinaryHeap<Reverse<(Duration, usize)>>,
    details: Vec<Option<Event>>,
    wake: Option<Duration>,
    fixed_kbps: Option<f64>,
    /// Keyframes that others ask for, the next one last.
    asked: Vec<Duration>,
    run: Run,
}

impl Simulation {
    fn at(&mut self, at: Duration, event: Event) {
        self.events.push(Reverse((at, self.details.len())));
        self.details.push(Some(event));
    }

    fn handle(&mut self, now: Duration, event: Event) {
        match event {
            Event::Frame => {
                self.frame(now);
                self.at(now + FRAME, Event::Frame);
            }
            Event::Wake => self.wake = None,
            Event::Arrives(number, piece) => {
                let shown = self.viewer.take(now, number, piece);
                self.run.shown.extend(shown);
            }
            Event::Viewer => {
                for message in self.viewer.speak(now) {
                    // What it says goes back by an unshaped way, unless nothing gets through at all.
                    if let Some(at) = self.link.back(now) {
                        self.at(at, Event::Hears(message));
                    }
                }
                self.at(now + 5 * MS, Event::Viewer);
            }
            Event::Hears(Message::Feedback { base, fates }) => self.sending.hear(now, base, fates),
            Event::Hears(Message::Missing(sequence)) => {
                self.encoder.keyframe_wanted |= !self.sending.ask_again(sequence, now);
            }
            Event::Hears(Message::PictureLost) => self.encoder.keyframe_wanted = true,
        }
        self.send(now);
    }

    fn frame(&mut self, now: Duration) {
        let estimate = f64::from(self.sending.view().estimate.map_or(6000, |estimate| estimate.kbps));
        self.run.kbps.push((now, estimate));
        let encoder = &mut self.encoder;
        encoder.kbps.push(self.fixed_kbps.unwrap_or((estimate * PICTURE_SHARE).min(f64::from(USEFUL.kbps))));
        let kbps = encoder.kbps[encoder.kbps.len().saturating_sub(ENCODER_FRAMES)];
        if self.sending.carries(now) != super::Carries::Frames {
            encoder.waits_for_keyframe = true;
            return;
        }
        encoder.keyframe_wanted |= encoder.waits_for_keyframe;
        let asked = self.asked.pop_if(|at| *at <= now).is_some();
        let may = encoder.keyframe_at.is_none_or(|at| now - at >= KEYFRAMES_APART);
        let keyframe = asked || (encoder.keyframe_wanted && may);
        if encoder.waits_for_keyframe && !keyframe {
            return;
        }
        encoder.frame += 1;
        let share = if keyframe { 2.5 } else { 0.8 + 0.4 * self.link.random() };
        let mut bytes = (kbps * 125.0 / 30.0 * share) as usize;
        if keyframe {
            bytes = bytes.max(8_000);
            self.run.keyframes += 1;
            encoder.keyframe_at = Some(now);
            (encoder.keyframe_wanted, encoder.waits_for_keyframe) = (false, false);
            self.sending.keyframe_from(encoder.sequence);
        }
        let packets = bytes.div_ceil(PAYLOAD).max(1);
        for index in 0..packets {
            let piece = Piece {
                sequence: encoder.sequence,
                bytes: bytes / packets + OVERHEAD,
                frame: encoder.frame,
                first: index == 0,
                last: index + 1 == packets,
                keyframe,
                captured: now,
            };
            encoder.sequence = encoder.sequence.wrapping_add(1);
            self.sending.post(piece, now);
        }
    }

    fn send(&mut self, now: Duration) {
        while let Some(leaving) = self.sending.next(now) {
            match leaving.kind {
                super::Kind::Fresh => self.run.fresh_bytes += leaving.parcel.bytes,
                super::Kind::Filling => self.run.filling_bytes += leaving.parcel.bytes,
                super::Kind::Again | super::Kind::Repair => {}
            }
            if let Some(at) = self.link.carry(now, leaving.parcel.bytes) {
                self.at(at, Event::Arrives(leaving.number, leaving.parcel));
            }
        }
        if let Some(at) = self.sending.wake_at() {
            let at = at.max(now + MS);
            if self.wake.is_none_or(|known| at < known) {
                self.wake = Some(at);
                self.at(at, Event::Wake);
            }
        }
    }
}

fn for_seeds(claim: impl Fn(u64)) {
    (1..=3).for_each(claim);
}

#[test]
fn lan_the_room_is_found_at_once_and_looked_for_no_longer() {
    for_seeds(|seed| {
        let run = run(&Profile::named("lan"), 20, seed, None);
        assert!(run.reaches(11_000.0, 0) <= Duration::from_secs(1), "{:?}", run.reaches(11_000.0, 0));
        assert!(run.longest_gap(1, 20) < 100 * MS, "{:?}", run.longest_gap(1, 20));
        assert!(run.filling_bytes <= 200_000, "{}", run.filling_bytes);
        assert_eq!(run.keyframes, 1);
    });
}

#[test]
fn a_long_path_begins_carefully_and_is_found_wide_within_a_second() {
    for_seeds(|seed| {
        let run = run(&Profile::named("hotel"), 5, seed, None);
        assert!(run.kbps[0].1 <= 4000.0, "{}", run.kbps[0].1);
        assert!(run.reaches(11_000.0, 0) <= Duration::from_secs(1), "{:?}", run.reaches(11_000.0, 0));
    });
}

#[test]
fn wifi_jitter_and_loss_of_the_radio_are_no_congestion() {
    for_seeds(|seed| {
        let run = run(&Profile::named("wifi"), 30, seed, None);
        assert!(run.mean_kbps(5, 30) >= 11_000.0, "{}", run.mean_kbps(5, 30));
        assert!(run.longest_gap(1, 30) < 200 * MS, "{:?}", run.longest_gap(1, 30));
    });
}

#[test]
fn hotel_five_minutes_without_a_freeze() {
    let run = run(&Profile::named("hotel"), 300, 1, None);
    assert!(run.longest_gap(2, 300) <= 150 * MS, "{:?}", run.longest_gap(2, 300));
    assert!(run.mean_kbps(5, 300) >= 11_000.0, "{}", run.mean_kbps(5, 300));
}

#[test]
fn step_the_picture_is_back_at_once_and_the_rate_soon_after_the_path_is() {
    for_seeds(|seed| {
        let run = run(&Profile::named("step"), 40, seed, None);
        assert!(run.longest_gap(9, 40) <= 600 * MS, "seed {seed}: {:?}", run.longest_gap(9, 40));
        assert!(run.age(0.5, 12, 25) <= 150 * MS, "seed {seed}: {:?}", run.age(0.5, 12, 25));
        assert!(
            run.reaches(4500.0, 25) <= Duration::from_secs(5),
            "seed {seed}: {:?}",
            run.reaches(4500.0, 25)
        );
    });
}

#[test]
fn mobile_is_filled_without_a_standing_queue_or_an_outage() {
    for_seeds(|seed| {
        let run = run(&Profile::named("mobile"), 60, seed, None);
        let rate = run.mean_kbps(10, 60);
        assert!((1200.0..2100.0).contains(&rate), "seed {seed}: {rate}");
        // Of its beginning too: nothing is known of the path then but its length.
        assert!(run.longest_gap(0, 5) <= 500 * MS, "seed {seed}: {:?}", run.longest_gap(0, 5));
        assert!(run.age(0.95, 5, 60) <= 250 * MS, "seed {seed}: {:?}", run.age(0.95, 5, 60));
        assert!(run.longest_gap(5, 60) <= 500 * MS, "seed {seed}: {:?}", run.longest_gap(5, 60));
    });
}

#[test]
fn train_the_picture_is_back_right_after_each_tunnel() {
    for_seeds(|seed| {
        let run = run(&Profile::named("train"), 60, seed, None);
        assert!(run.longest_gap(5, 60) <= 1500 * MS, "seed {seed}: {:?}", run.longest_gap(5, 60));
        assert!(run.mean_kbps(10, 60) > 2000.0, "seed {seed}: {}", run.mean_kbps(10, 60));
    });
}

#[test]
fn a_policer_that_lets_bursts_pass_is_found_out() {
    for_seeds(|seed| {
        let run = run(&Profile::named("policed"), 60, seed, None);
        let rate = run.mean_kbps(20, 60);
        assert!((1000.0..2500.0).contains(&rate), "seed {seed}: {rate}");
        assert!(run.longest_gap(20, 60) <= 1500 * MS, "seed {seed}: {:?}", run.longest_gap(20, 60));
    });
}

#[test]
fn a_path_that_becomes_longer_is_not_taken_for_a_full_one() {
    for_seeds(|seed| {
        let run = run(&Profile::named("longer"), 40, seed, None);
        assert!(run.mean_kbps(20, 40) >= 4000.0, "seed {seed}: {}", run.mean_kbps(20, 40));
    });
}

#[test]
fn an_encoder_that_makes_little_lets_the_estimate_lead_by_half_or_by_what_a_probe_has_shown() {
    for_seeds(|seed| {
        let run = run(&Profile::named("lan"), 60, seed, Some(500.0));
        assert!(run.mean_kbps(30, 60) <= 12_700.0, "{}", run.mean_kbps(30, 60));
    });
}

#[test]
fn a_path_too_narrow_for_the_stream_costs_the_others_few_keyframes_and_carries_nothing_stale() {
    for_seeds(|seed| {
        // Others decide the encoder's rate: 3 Mbit/s for a path of 2.
        let run = run(&Profile::named("mobile"), 60, seed, Some(3000.0));
        assert!((6..=30).contains(&run.keyframes), "seed {seed}: {}", run.keyframes);
        assert!(run.shown.len() > 60, "seed {seed}: {}", run.shown.len());
        assert!(run.age(0.95, 5, 60) <= 1200 * MS, "seed {seed}: {:?}", run.age(0.95, 5, 60));
    });
}

#[test]
fn keyframes_one_right_after_the_other_cost_neither_the_rate_nor_a_freeze() {
    for_seeds(|seed| {
        let asked: Vec<_> = (0..4).map(|n| Duration::from_secs(10) + n * 3 * FRAME).collect();
        let run = run_with(&Profile::named("hotel"), 20, seed, None, &asked);
        assert!(run.keyframes > asked.len(), "seed {seed}: {}", run.keyframes);
        assert!(run.mean_kbps(10, 20) >= 11_000.0, "seed {seed}: {}", run.mean_kbps(10, 20));
        assert!(run.longest_gap(9, 20) <= 200 * MS, "seed {seed}: {:?}", run.longest_gap(9, 20));
    });
}
