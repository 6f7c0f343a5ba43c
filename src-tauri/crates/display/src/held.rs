//! What the hand holds. A pure machine: inputs come in with their time, strokes on the X server's pointer and keyboard come out.
//!
//! Each thing that goes down comes up again: by its own release, by [`Input::ReleaseAll`], or after [`SILENCE`] without a word from a
//! hand that holds something, since the page that would send the release may be gone. Every press and every release is checked
//! against what is held, so a doubled or lost message changes nothing.

use std::time::{Duration, Instant};

use model::{
    Size,
    input::{Button, Input, Point},
};

use crate::keys::keycode;

/// A page says at least every 100 ms that it still holds something: two may be lost.
pub(crate) const SILENCE: Duration = Duration::from_millis(250);
/// One turn of the wheel at most. A page may sum up a fling, and more than this at once is no turn of a wheel.
const NOTCHES_MAX: f32 = 20.0;
/// More fingers than this on one keyboard are a program; the rest of its keys is ignored.
const KEYS_HELD_MAX: usize = 32;

/// One stroke, in the X server's own numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stroke {
    Move { x: i16, y: i16 },
    Button { number: u8, down: bool },
    Key { keycode: u8, down: bool },
}

/// What happens to an input that has no strokes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Held {
    Button(u8),
    Key(u8),
}

#[derive(Debug)]
pub(crate) struct Hand {
    size: Size,
    /// In the order in which they went down.
    held: Vec<Held>,
    /// Parts of a notch that have not made a whole one yet, to the right and upwards.
    wheel: (f32, f32),
    heard: Instant,
    unknown_keys: u64,
}

impl Hand {
    pub(crate) const fn new(size: Size, now: Instant) -> Self {
        Self { size, held: Vec::new(), wheel: (0.0, 0.0), heard: now, unknown_keys: 0 }
    }

    pub(crate) fn handle(&mut self, input: &Input, now: Instant) -> Vec<Stroke> {
        self.heard = now;
        match input {
            Input::Move(at) => vec![self.place(*at)],
            Input::Button { button, pressed, at } => {
                self.press(Held::Button(number(*button)), *pressed, Some(*at))
            }
            Input::Wheel { dx, dy, at } => self.turn(*dx, *dy, *at),
            Input::Key { code, pressed } => match keycode(code) {
                Some(key) if *pressed && self.would_leave_the_session(key) => Vec::new(),
                Some(key) => self.press(Held::Key(key), *pressed, None),
                None => {
                    self.unknown_keys += 1;
                    Vec::new()
                }
            },
            // X has no word for a camera.
            Input::StillHere | Input::Fly(_) => Vec::new(),
            Input::ReleaseAll => self.release_all(),
        }
    }

    /// What is due by now.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<Stroke> {
        if self.wake_at().is_some_and(|moment| now >= moment) { self.release_all() } else { Vec::new() }
    }

    /// When [`Self::tick`] is due, if nothing is heard before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        (!self.held.is_empty()).then(|| self.heard + SILENCE)
    }

    /// Lets go of everything, what went down last first: so a modifier outlives the keys that it modified.
    pub(crate) fn release_all(&mut self) -> Vec<Stroke> {
        self.wheel = (0.0, 0.0);
        std::mem::take(&mut self.held).into_iter().rev().map(|held| stroke(held, false)).collect()
    }

    /// Key events whose `code` is in no table, so far.
    pub(crate) const fn unknown_keys(&self) -> u64 {
        self.unknown_keys
    }

    fn press(&mut self, what: Held, pressed: bool, at: Option<Point>) -> Vec<Stroke> {
        let place = at.map(|at| self.place(at));
        let is_held = self.held.contains(&what);
        let changes = match (pressed, is_held) {
            (true, false) if self.held.len() < KEYS_HELD_MAX => {
                self.held.push(what);
                true
            }
            (false, true) => {
                self.held.retain(|held| *held != what);
                true
            }
            // A repeated press is the browser's autorepeat; the X server makes its own.
            _ => false,
        };
        place.into_iter().chain(changes.then(|| stroke(what, pressed))).collect()
    }

    fn turn(&mut self, dx: f32, dy: f32, at: Point) -> Vec<Stroke> {
        let right = take_notches(&mut self.wheel.0, dx);
        let up = take_notches(&mut self.wheel.1, dy);
        let clicks = notches(up, 4, 5).chain(notches(right, 7, 6));
        std::iter::once(self.place(at)).chain(clicks).collect()
    }

    fn place(&self, at: Point) -> Stroke {
        let Point { x, y } = at.clamped();
        let pixel = |part: f32, side: u32| {
            let last = i16::try_from(side.saturating_sub(1)).unwrap_or(i16::MAX);
            // Both factors are bounded, so the product fits.
            (part * f32::from(last)).round() as i16
        };
        Stroke::Move { x: pixel(x, self.size.width), y: pixel(y, self.size.height) }
    }

    /// Ctrl+Alt with Backspace or a function key ends an X server or changes the virtual terminal. Xvfb has neither; an X server on a
    /// real screen has both.
    fn would_leave_the_session(&self, key: u8) -> bool {
        let any_held = |codes: [&str; 2]| {
            codes.into_iter().any(|code| keycode(code).is_some_and(|key| self.held.contains(&Held::Key(key))))
        };
        let leaves = ["Backspace", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12"];
        leaves.into_iter().any(|code| keycode(code) == Some(key))
            && any_held(["ControlLeft", "ControlRight"])
            && any_held(["AltLeft", "AltRight"])
    }
}

/// The X server's button numbers.
const fn number(button: Button) -> u8 {
    match button {
        Button::Left => 1,
        Button::Middle => 2,
        Button::Right => 3,
    }
}

const fn stroke(held: Held, down: bool) -> Stroke {
    match held {
        Held::Button(number) => Stroke::Button { number, down },
        Held::Key(keycode) => Stroke::Key { keycode, down },
    }
}

/// Adds to the part of a notch that is left over and takes the whole ones out of it.
fn take_notches(rest: &mut f32, more: f32) -> i32 {
    let more = if more.is_finite() { more.clamp(-NOTCHES_MAX, NOTCHES_MAX) } else { 0.0 };
    // A turn the other way begins anew, so that its first notch is not eaten by the last one's rest.
    if *rest * more < 0.0 {
        *rest = 0.0;
    }
    *rest += more;
    let whole = rest.trunc();
    *rest -= whole;
    // At most 21.
    whole as i32
}

/// Wheel clicks: `forth` for a positive count, `back` for a negative one.
fn notches(count: i32, forth: u8, back: u8) -> impl Iterator<Item = Stroke> {
    let number = if count > 0 { forth } else { back };
    (0..count.unsigned_abs())
        .flat_map(move |_| [Stroke::Button { number, down: true }, Stroke::Button { number, down: false }])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size::new(640, 360);
    const MIDDLE: Point = Point { x: 0.5, y: 0.5 };
    const LEFT: Stroke = Stroke::Button { number: 1, down: true };
    const LEFT_UP: Stroke = Stroke::Button { number: 1, down: false };

    #[test]
    fn the_corners_of_the_picture_are_the_corners_of_the_display() {
        let (mut hand, now) = hand();
        for (x, y, px, py) in
            [(0.0, 0.0, 0, 0), (1.0, 1.0, 639, 359), (-3.0, 7.0, 0, 359), (f32::NAN, 0.5, 320, 180)]
        {
            assert_eq!(hand.handle(&Input::Move(Point { x, y }), now), [Stroke::Move { x: px, y: py }]);
        }
    }

    #[test]
    fn a_press_goes_to_its_place_first_and_only_once() {
        let (mut hand, now) = hand();
        assert_eq!(hand.handle(&left(true), now), [Stroke::Move { x: 320, y: 180 }, LEFT]);
        assert_eq!(hand.handle(&left(true), now), [Stroke::Move { x: 320, y: 180 }]);
        assert_eq!(hand.handle(&left(false), now), [Stroke::Move { x: 320, y: 180 }, LEFT_UP]);
        assert_eq!(hand.handle(&left(false), now), [Stroke::Move { x: 320, y: 180 }]);
    }

    #[test]
    fn an_unknown_key_is_counted_and_nothing_else() {
        let (mut hand, now) = hand();
        assert_eq!(hand.handle(&key("Unidentified", true), now), []);
        assert_eq!((hand.unknown_keys(), hand.wake_at()), (1, None));
    }

    #[test]
    fn silence_releases_what_is_held_and_a_sign_of_life_does_not() {
        let (mut hand, start) = hand();
        hand.handle(&left(true), start);
        let later = start + Duration::from_millis(240);
        hand.handle(&Input::StillHere, later);
        assert_eq!(hand.tick(start + SILENCE), []);
        assert_eq!(hand.wake_at(), Some(later + SILENCE));
        assert_eq!(hand.tick(later + SILENCE), [LEFT_UP]);
        assert_eq!(hand.wake_at(), None);
    }

    #[test]
    fn what_went_down_last_comes_up_first() {
        let (mut hand, now) = hand();
        hand.handle(&key("ControlLeft", true), now);
        hand.handle(&key("KeyA", true), now);
        let up = |keycode| Stroke::Key { keycode, down: false };
        assert_eq!(hand.handle(&Input::ReleaseAll, now), [up(38), up(37)]);
    }

    #[test]
    fn parts_of_a_notch_add_up_and_a_turn_back_begins_anew() {
        let (mut hand, now) = hand();
        let mut clicks = |dx, dy| -> Vec<u8> {
            let strokes = hand.handle(&Input::Wheel { dx, dy, at: MIDDLE }, now);
            strokes
                .iter()
                .filter_map(
                    |s| if let Stroke::Button { number, down: true } = s { Some(*number) } else { None },
                )
                .collect()
        };
        assert_eq!(clicks(0.0, 0.5), [0; 0]);
        assert_eq!(clicks(0.0, 0.5), [4]);
        assert_eq!(clicks(0.0, 0.75), [0; 0]);
        assert_eq!(clicks(0.0, -1.0), [5]);
        assert_eq!(clicks(1.0, 0.0), [7]);
        assert_eq!(clicks(-2.0, 0.0), [6, 6]);
        assert_eq!(clicks(f32::NAN, f32::INFINITY), [0; 0]);
        assert_eq!(clicks(0.0, 1e9).len(), 20);
    }

    #[test]
    fn the_combinations_that_end_a_session_never_arrive() {
        for deadly in ["Backspace", "F1", "F12"] {
            let (mut hand, now) = hand();
            hand.handle(&key("ControlRight", true), now);
            assert_eq!(hand.handle(&key("KeyQ", true), now).len(), 1);
            hand.handle(&key("AltLeft", true), now);
            assert_eq!(hand.handle(&key(deadly, true), now), [], "{deadly}");
            assert_eq!(hand.handle(&key("KeyA", true), now).len(), 1);
        }
    }

    proptest! {
        #[test]
        fn whatever_goes_down_comes_up_once(inputs in prop::collection::vec((any_input(), 0u64..400), 0..200)) {
            let (mut hand, mut now) = hand();
            let mut down = BTreeSet::new();
            for (input, pause) in inputs {
                now += Duration::from_millis(pause);
                let due = hand.tick(now);
                if pause >= 250 {
                    // Whoever was silent for so long holds nothing any more.
                    replay(&mut down, &due)?;
                    prop_assert!(down.is_empty());
                } else {
                    prop_assert!(due.is_empty());
                }
                replay(&mut down, &hand.handle(&input, now))?;
                prop_assert_eq!(hand.wake_at().is_some(), !down.is_empty());
                if input == Input::ReleaseAll {
                    prop_assert!(down.is_empty());
                }
            }
            replay(&mut down, &hand.release_all())?;
            prop_assert!(down.is_empty());
        }
    }

    /// Keeps book as the X server would: nothing goes down twice, nothing comes up that is not down, nothing leaves the screen.
    fn replay(down: &mut BTreeSet<(bool, u8)>, strokes: &[Stroke]) -> Result<(), TestCaseError> {
        for stroke in strokes {
            match *stroke {
                Stroke::Move { x, y } => prop_assert!((0..640).contains(&x) && (0..360).contains(&y)),
                Stroke::Button { number, down: true } => prop_assert!(down.insert((false, number))),
                Stroke::Button { number, down: false } => prop_assert!(down.remove(&(false, number))),
                Stroke::Key { keycode, down: true } => prop_assert!(down.insert((true, keycode))),
                Stroke::Key { keycode, down: false } => prop_assert!(down.remove(&(true, keycode))),
            }
        }
        Ok(())
    }

    fn any_input() -> impl Strategy<Value = Input> {
        let point = || (any::<f32>(), any::<f32>()).prop_map(|(x, y)| Point { x, y });
        let button = prop::sample::select(vec![Button::Left, Button::Middle, Button::Right]);
        let code =
            prop::sample::select(vec!["KeyA", "ControlLeft", "AltLeft", "Backspace", "F4", "Nonsense", ""]);
        prop_oneof![
            point().prop_map(Input::Move),
            (button, any::<bool>(), point()).prop_map(|(button, pressed, at)| Input::Button {
                button,
                pressed,
                at
            }),
            (any::<f32>(), any::<f32>(), point()).prop_map(|(dx, dy, at)| Input::Wheel { dx, dy, at }),
            (code, any::<bool>()).prop_map(|(code, pressed)| key(code, pressed)),
            Just(Input::StillHere),
            Just(Input::ReleaseAll),
        ]
    }

    fn hand() -> (Hand, Instant) {
        let now = Instant::now();
        (Hand::new(SIZE, now), now)
    }
    fn left(pressed: bool) -> Input {
        Input::Button { button: Button::Left, pressed, at: MIDDLE }
    }
    fn key(code: &str, pressed: bool) -> Input {
        Input::Key { code: code.to_owned(), pressed }
    }
}
