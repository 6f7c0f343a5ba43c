//! Decides when to grab and when to encode. Pure: time is an argument.
//!
//! There is no frame timer. A change of the display is grabbed at once, so that the picture is as old as the grab and no
//! older; only a program that draws faster than wanted has some of its changes passed over. At rest the last picture is sent
//! a few more times, which lets the encoder sharpen it, then slowly, so that a lost last packet is noticed.

use std::time::{Duration, Instant};

use model::FrameRate;

/// Keyframes are many times as large as other frames: where several watch, never two within this time, whoever asks.
pub(crate) const KEYFRAME_EVERY: Duration = Duration::from_millis(500);

/// Where nobody else watches, nobody else pays for it: one that came while the path took nothing is followed by another as soon as it
/// does.
const KEYFRAME_ALONE_EVERY: Duration = Duration::from_millis(100);

/// A viewer that lags gets its keyframe less eagerly: all others pay for it.
const KEYFRAME_AFTER_LAG_EVERY: Duration = Duration::from_secs(2);

/// A program that means to draw at the highest rate may be this much faster by its own clock, and still has every picture
/// taken: passing one over every few seconds shows as a stutter.
const RATE_TOLERANCE: f64 = 1.05;

/// The part of a frame's time that a change may come early before it is passed over. Less than a half, so that of a program
/// at twice the rate every second picture is taken, evenly; as much as that allows, so that one at 1.5 times loses a third.
const EARLY: f64 = 0.4;

/// Of the wanted time between two pictures, the least that a program takes on average which counts as no faster than wanted.
/// Its late pictures are followed by punctual ones, sooner than a frame's time: those are no surplus.
const NO_FASTER: f64 = 0.9;

/// Gaps longer than this say nothing about a program's rhythm.
const RHYTHM_GAP_MAX: Duration = Duration::from_millis(250);

/// When a picture that has come to rest is sent again. Each repeat spends the bits that motion no longer needs.
const SHARPEN_AFTER: [Duration; 4] = [
    Duration::from_millis(80),
    Duration::from_millis(240),
    Duration::from_millis(600),
    Duration::from_millis(1200),
];

/// How often a picture at rest is sent after that.
const REFRESH_EVERY: Duration = Duration::from_secs(2);

/// What to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Nothing until then, or until something happens.
    Sleep(Option<Instant>),
    /// Grab the display and encode that.
    Grab { keyframe: bool },
    /// Encode the last picture again: it is still what the display shows.
    Repeat { keyframe: bool },
}

/// Who asks for a keyframe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Demand {
    /// A viewer that came, or that cannot go on without.
    Viewer,
    /// The same, and nobody else watches.
    Alone,
    /// A viewer whose queue ran over.
    Lag,
}

#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    watched: bool,
    /// The newest change that is not in a picture yet.
    change: Option<Instant>,
    changed_last: Option<Instant>,
    /// Time between two changes, smoothed; `None` while there is no rhythm.
    rhythm: Option<Duration>,
    /// Changes before this moment come too early.
    next_slot: Option<Instant>,
    /// When the wanted keyframe is due.
    keyframe_due: Option<Instant>,
    keyframe_last: Option<Instant>,
    /// Since when the picture rests, and how often it has been sent since. `None` before the first picture.
    rest: Option<(Instant, usize)>,
    encoded_last: Option<Instant>,
}

impl Pace {
    pub fn new(fps_max: FrameRate) -> Self {
        Self {
            interval: Duration::from_secs_f64(1.0 / (f64::from(fps_max.0.max(1)) * RATE_TOLERANCE)),
            watched: false,
            change: None,
            changed_last: None,
            rhythm: None,
            next_slot: None,
            keyframe_due: None,
            keyframe_last: None,
            rest: None,
            encoded_last: None,
        }
    }

    pub fn is_watched(&self) -> bool {
        self.watched
    }

    /// Whether anybody wants frames. While nobody does, nothing is grabbed, so the first picture after that is a new one.
    pub fn set_watched(&mut self, watched: bool, now: Instant) {
        if watched && !self.watched {
            self.change = Some(now);
            self.rhythm = None;
            self.changed_last = None;
            // A debounce spares those who watch already.
            self.keyframe_due = self.keyframe_due.map(|_| now);
            self.keyframe_last = None;
        }
        self.watched = watched;
    }

    pub fn changed(&mut self, now: Instant) {
        let gap = self.changed_last.map(|last| now.saturating_duration_since(last));
        self.rhythm = match (gap.filter(|gap| *gap <= RHYTHM_GAP_MAX), self.rhythm) {
            (Some(gap), Some(rhythm)) => Some((rhythm * 3 + gap) / 4),
            (gap, _) => gap,
        };
        self.change = Some(now);
        self.changed_last = Some(now);
    }

    pub fn want_keyframe(&mut self, demand: Demand, now: Instant) {
        let apart = match demand {
            Demand::Alone => KEYFRAME_ALONE_EVERY,
            Demand::Viewer => KEYFRAME_EVERY,
            Demand::Lag => KEYFRAME_AFTER_LAG_EVERY,
        };
        let due = self.keyframe_last.map_or(now, |last| now.max(last + apart));
        self.keyframe_due = Some(self.keyframe_due.map_or(due, |wanted| wanted.min(due)));
    }

    /// Whoever wanted a keyframe has gone.
    pub fn forget_keyframe(&mut self) {
        self.keyframe_due = None;
    }

    pub fn decide(&self, now: Instant) -> Step {
        if !self.watched {
            return Step::Sleep(None);
        }
        let keyframe = self.keyframe_due.is_some_and(|due| due <= now);
        let change_at = self.change.map(|change| self.grab_at(change));
        let repeat_at = self.repeat_at().filter(|_| self.change.is_none());
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if self.rest.is_none() || (keyframe && self.change.is_some()) || due(change_at) {
            Step::Grab { keyframe }
        } else if keyframe || due(repeat_at) {
            Step::Repeat { keyframe }
        } else {
            Step::Sleep([self.keyframe_due, change_at, repeat_at].into_iter().flatten().min())
        }
    }

    /// The display was grabbed: what had changed until then is in the picture.
    pub fn grabbed(&mut self, now: Instant) {
        self.change = None;
        // Time that nobody used is not saved up: after a rest, two pictures are still a frame's time apart. Only the time by
        // which a picture was late is the next one's, at most one frame's.
        let earliest =
            if self.is_late_at_times() { now.checked_sub(self.interval).unwrap_or(now) } else { now };
        let slot = self.next_slot.map_or(now, |slot| slot.max(earliest)) + self.interval;
        // Grabs for keyframes are not held back, so they must not pile up a debt either.
        self.next_slot = Some(slot.min(now + self.interval * 2));
        self.rest = Some((now, 0));
    }

    /// The last picture is being sent once more.
    pub fn repeated(&mut self) {
        if let Some((_, repeats)) = &mut self.rest {
            *repeats += 1;
        }
    }

    /// A picture came out of the encoder, or was left out by it (`keyframe` is `None`). Returns how many pictures of the
    /// program's were missed because the encoder was busy for so long.
    pub fn encoded(&mut self, began: Instant, now: Instant, keyframe: Option<bool>) -> u32 {
        self.encoded_last = Some(now);
        if keyframe == Some(true) {
            self.keyframe_last = Some(began);
            self.keyframe_due = None;
            // A keyframe is coarser than what it replaces: sharpen again.
            self.rest = Some((began, 0));
        } else {
            self.keyframe_due = self.keyframe_due.map(|due| due.max(now + self.interval));
        }
        let Some(rhythm) = self.rhythm else { return 0 };
        let period = rhythm.max(self.interval);
        u32::try_from(now.saturating_duration_since(began).as_nanos() / period.as_nanos()).unwrap_or(u32::MAX)
    }

    /// When a change is grabbed: at once, if it did not come too early. One that did is passed over for the next, which is
    /// fresher; if the rhythm breaks and no next one comes, it is grabbed after all.
    fn grab_at(&self, change: Instant) -> Instant {
        let Some(slot) = self.next_slot else { return change };
        let opens = slot.checked_sub(self.interval.mul_f64(EARLY)).unwrap_or(slot);
        if opens <= change {
            return change;
        }
        let missed_beat = self.rhythm.map_or(change, |rhythm| change + rhythm * 3 / 2);
        missed_beat.clamp(opens, opens + self.interval)
    }

    /// The program draws as fast as wanted, on average; what comes early then makes up for what came late.
    fn is_late_at_times(&self) -> bool {
        self.rhythm.is_some_and(|rhythm| rhythm >= self.interval.mul_f64(NO_FASTER))
    }

    fn repeat_at(&self) -> Option<Instant> {
        let (since, repeats) = self.rest?;
        Some(match SHARPEN_AFTER.get(repeats) {
            // Two beats without a change are a rest; one late picture of a slow program is not.
            Some(wait) => since + (*wait).max(self.rhythm.map_or(Duration::ZERO, |rhythm| rhythm * 2)),
            None => self.encoded_last.map_or(since, |last| last.max(since)) + REFRESH_EVERY,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FPS: u32 = 30;
    const ENCODING: Duration = Duration::from_millis(5);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A program that changes the display at given moments, and the machine with an encoder of constant speed.
    struct Run {
        pace: Pace,
        start: Instant,
        now: Instant,
        /// When each picture was grabbed or repeated: milliseconds, whether grabbed, whether a keyframe.
        pictures: Vec<(f64, bool, bool)>,
    }

    impl Run {
        fn watched(fps: u32) -> Self {
            let now = Instant::now();
            let mut pace = Pace::new(FrameRate(fps));
            pace.set_watched(true, now);
            pace.want_keyframe(Demand::Viewer, now);
            Self { pace, start: now, now, pictures: Vec::new() }
        }

        /// Lets time pass until then, doing what the machine says.
        fn until(&mut self, at: Duration) -> &mut Self {
            let end = self.start + at;
            loop {
                match self.pace.decide(self.now) {
                    Step::Sleep(wake) => match wake.filter(|wake| *wake <= end) {
                        Some(wake) => {
                            assert!(wake > self.now, "it would spin");
                            self.now = wake;
                        }
                        None => break,
                    },
                    Step::Grab { keyframe } => self.encode(true, keyframe),
                    Step::Repeat { keyframe } => self.encode(false, keyframe),
                }
            }
            self.now = self.now.max(end);
            self
        }

        fn encode(&mut self, grabbed: bool, keyframe: bool) {
            let began = self.now;
            self.pictures.push(((began - self.start).as_secs_f64() * 1000.0, grabbed, keyframe));
            if grabbed {
                self.pace.grabbed(began);
            } else {
                self.pace.repeated();
            }
            self.now += ENCODING;
            self.pace.encoded(began, self.now, Some(keyframe));
        }

        fn change(&mut self, at: Duration) -> &mut Self {
            self.until(at);
            self.pace.changed(self.now);
            self
        }

        fn keyframe(&mut self, at: Duration) -> &mut Self {
            self.until(at);
            self.pace.want_keyframe(Demand::Viewer, self.now);
            self
        }

        fn grabs(&self) -> Vec<f64> {
            self.pictures.iter().filter(|(_, grabbed, _)| *grabbed).map(|(at, ..)| *at).collect()
        }

        fn keyframes(&self) -> Vec<f64> {
            self.pictures.iter().filter(|(.., keyframe)| *keyframe).map(|(at, ..)| *at).collect()
        }
    }

    /// Changes at a steady rate; what was grabbed, and how long after its change.
    fn steady(program_fps: f64, seconds: f64) -> (usize, f64) {
        let mut run = Run::watched(FPS);
        let mut lag: f64 = 0.0;
        for n in 1..(program_fps * seconds) as u32 {
            let at = Duration::from_secs_f64(f64::from(n) / program_fps);
            let before = run.grabs().len();
            run.change(at).until(at);
            if run.grabs().len() > before {
                lag = lag.max(run.grabs()[before] - at.as_secs_f64() * 1000.0);
            }
        }
        (run.grabs().len(), lag)
    }

    #[test]
    fn nobody_watching_costs_nothing() {
        let now = Instant::now();
        let mut pace = Pace::new(FrameRate(FPS));
        pace.changed(now);
        pace.want_keyframe(Demand::Viewer, now);
        assert_eq!(pace.decide(now + ms(5000)), Step::Sleep(None));
    }

    #[test]
    fn the_first_picture_is_grabbed_at_once_and_is_a_keyframe() {
        assert_eq!(Run::watched(FPS).until(ms(1)).pictures, [(0.0, true, true)]);
    }

    #[test]
    fn a_change_after_a_rest_is_grabbed_at_once() {
        let mut run = Run::watched(FPS);
        run.change(Duration::from_micros(3_123_456)).until(ms(3130));
        assert_eq!(run.grabs().last(), Some(&3123.456));
    }

    #[test]
    fn a_program_near_the_highest_rate_has_every_picture_taken_without_delay() {
        for program_fps in [15.0, 24.0, 29.0, 29.97, 30.0, 30.3, 31.0] {
            let (grabs, lag) = steady(program_fps, 60.0);
            assert!(grabs as f64 >= program_fps * 60.0 - 2.0, "{program_fps}: {grabs}");
            assert!(lag < 0.001, "{program_fps}: {lag} ms");
        }
    }

    #[test]
    fn a_program_whose_pictures_are_late_at_times_has_every_one_taken() {
        for late in [5, 10, 15, 20, 25] {
            let mut run = Run::watched(FPS);
            for n in 1..=300 {
                let waits = if n % 3 == 0 { late } else { 0 };
                run.change(ms(n * 100 / 3 + waits));
            }
            run.until(ms(11_000));
            assert_eq!(run.grabs().len(), 301, "late by {late} ms");
        }
    }

    #[test]
    fn a_program_that_is_too_fast_is_grabbed_on_its_own_changes_at_the_wanted_rate() {
        for (program_fps, at_least) in
            [(60.0, 29.9), (59.9, 29.9), (50.0, 27.0), (120.0, 29.9), (144.0, 28.0), (45.0, 28.0)]
        {
            let (grabs, lag) = steady(program_fps, 60.0);
            let fps = grabs as f64 / 60.0;
            assert!(fps >= at_least && fps <= 31.6, "{program_fps}: {fps}");
            assert!(lag < 0.001, "{program_fps}: {lag} ms");
        }
    }

    #[test]
    fn a_last_change_that_came_too_early_is_still_shown() {
        let mut run = Run::watched(FPS);
        run.change(ms(2000)).change(ms(2010)).until(ms(2060));
        let grabs = run.grabs();
        assert_eq!(grabs.len(), 3, "{grabs:?}");
        assert!(grabs[2] > 2010.0 && grabs[2] < 2040.0, "{grabs:?}");
    }

    #[test]
    fn a_picture_at_rest_is_sharpened_and_then_only_refreshed() {
        let mut run = Run::watched(FPS);
        run.change(ms(3000)).until(ms(13_000));
        let repeats: Vec<u32> = run
            .pictures
            .iter()
            .filter(|(at, grabbed, _)| *at > 3000.0 && !grabbed)
            .map(|(at, ..)| *at as u32 - 3000)
            .collect();
        assert_eq!(repeats[..4], [80, 240, 600, 1200]);
        assert!(repeats[4..].windows(2).all(|pair| pair[1] - pair[0] >= 2000), "{repeats:?}");
        assert!(repeats.len() <= 9, "{repeats:?}");
        assert_eq!(run.grabs().len(), 2);
    }

    #[test]
    fn a_moving_picture_is_never_repeated() {
        for program_fps in [5.0, 10.0, 30.0, 60.0] {
            let mut run = Run::watched(FPS);
            for n in 1..(program_fps * 10.0) as u32 {
                run.change(Duration::from_secs_f64(f64::from(n) / program_fps));
            }
            let repeats = run.pictures.iter().filter(|(at, grabbed, _)| *at > 1000.0 && !grabbed).count();
            assert_eq!(repeats, 0, "{program_fps}");
        }
    }

    #[test]
    fn a_keyframe_of_a_picture_at_rest_does_not_wait_for_a_change() {
        let mut run = Run::watched(FPS);
        run.keyframe(ms(5050)).until(ms(5051));
        assert_eq!(run.pictures.last(), Some(&(5050.0, false, true)));
    }

    #[test]
    fn keyframes_are_debounced_for_the_whole_instance() {
        let mut run = Run::watched(FPS);
        run.keyframe(ms(5000)).keyframe(ms(5010)).keyframe(ms(5300)).until(ms(7000));
        assert_eq!(run.keyframes(), [0.0, 5000.0, 5500.0]);
    }

    #[test]
    fn who_watches_alone_does_not_wait_for_a_keyframe_that_nobody_else_pays_for() {
        let mut run = Run::watched(FPS);
        for n in 500..520 {
            run.until(ms(n * 10));
            run.pace.want_keyframe(Demand::Alone, run.now);
        }
        assert_eq!(run.keyframes(), [0.0, 5000.0, 5100.0]);
    }

    #[test]
    fn a_lagging_viewer_costs_the_others_few_keyframes() {
        let mut run = Run::watched(FPS);
        for n in 1..1000 {
            run.until(ms(n * 10));
            run.pace.want_keyframe(Demand::Lag, run.now);
        }
        assert_eq!(run.keyframes(), [0.0, 2000.0, 4000.0, 6000.0, 8000.0]);
    }

    #[test]
    fn an_encoder_that_ignores_the_demand_is_asked_again_without_spinning() {
        let mut run = Run::watched(FPS);
        run.keyframe(ms(5000));
        let mut asked = 0;
        while run.now < run.start + ms(5200) {
            match run.pace.decide(run.now) {
                Step::Sleep(wake) => run.now = wake.expect("a keyframe is still wanted"),
                Step::Repeat { keyframe } => {
                    asked += u32::from(keyframe);
                    let began = run.now;
                    run.pace.repeated();
                    run.now += ENCODING;
                    run.pace.encoded(began, run.now, None);
                }
                Step::Grab { .. } => panic!("nothing has changed"),
            }
        }
        assert!((3..10).contains(&asked), "{asked}");
    }

    #[test]
    fn pictures_missed_by_a_slow_encoder_are_counted() {
        let mut run = Run::watched(FPS);
        for n in 1..10 {
            run.change(ms(33 * n));
        }
        let began = run.now;
        assert_eq!(run.pace.encoded(began, began + ms(20), Some(false)), 0);
        assert_eq!(run.pace.encoded(began, began + ms(100), Some(false)), 3);
    }

    #[test]
    fn who_comes_back_sees_the_display_as_it_is_now() {
        let mut run = Run::watched(FPS);
        run.until(ms(1000));
        run.pace.set_watched(false, run.now);
        run.until(ms(60_000));
        run.pace.want_keyframe(Demand::Viewer, run.now);
        run.pace.set_watched(true, run.now);
        run.until(ms(60_001));
        assert_eq!(run.pictures.last(), Some(&(60_000.0, true, true)));
    }

    #[test]
    fn who_comes_back_at_once_does_not_wait_for_the_debounce() {
        let mut run = Run::watched(FPS);
        run.until(ms(100));
        run.pace.set_watched(false, run.now);
        run.pace.want_keyframe(Demand::Viewer, run.now);
        run.until(ms(200));
        run.pace.set_watched(true, run.now);
        assert_eq!(run.until(ms(201)).pictures.last(), Some(&(200.0, true, true)));
    }

    proptest! {
        /// Whatever a program and its viewers do: the rate holds, keyframes keep apart, and the last change is shown soon.
        #[test]
        fn the_promises_hold(gaps in prop::collection::vec((0u64..80_000, any::<bool>()), 1..200), fps in 1u32..=120) {
            let mut run = Run::watched(fps);
            let mut at = Duration::ZERO;
            for (gap, keyframe) in gaps {
                at += Duration::from_micros(gap);
                if keyframe { run.keyframe(at); } else { run.change(at); }
            }
            let last_change = run.pace.change;
            run.until(at + ms(3500));
            prop_assert!(run.pace.change.is_none());
            if let Some(change) = last_change {
                let shown = run.grabs().last().copied().unwrap_or_default();
                prop_assert!(shown >= (change - run.start).as_secs_f64() * 1000.0 - 0.001);
            }
            prop_assert!(run.keyframes().windows(2).all(|pair| pair[1] - pair[0] >= 499.9));
            let plain: Vec<f64> = run.pictures.iter().filter(|(_, grabbed, key)| *grabbed && !key).map(|(at, ..)| *at).collect();
            let window = plain.last().unwrap_or(&0.0) - plain.first().unwrap_or(&0.0);
            prop_assert!(plain.len() as f64 <= window / 1000.0 * f64::from(fps) * RATE_TOLERANCE + 2.5);
        }
    }
}
