//! Which of the top-level windows is the program's main one, when it must be made to fill the display, and which has the focus.
//!
//! A pure machine: what is seen on the display comes in with its time, wishes come out. There is no window manager, so the main
//! window is the one that *stays* and is largest: a splash screen that goes, or a small one beside a large one, is not taken for it.
//!
//! ```text
//!            mapped                    stays for its settling time, largest of all
//!   (unseen) ──────► top-level, focused ───────────────────────────────────────────► main: filled, kept filled
//!                        ▲                    a larger one settles, or it goes            │
//!                        └────────────────────────────────────────────────────────────────┘
//! ```

use std::time::{Duration, Instant};

use model::Size;

/// A window of at least half the display is taken at once, nearly: a GL probe that flashes up is gone by then.
const SETTLE_LARGE: Duration = Duration::from_millis(100);
/// A smaller one may be a splash screen before the main window, which follows within a second or two.
const SETTLE_SMALL: Duration = Duration::from_millis(1500);
/// A dialog is the main window only where nothing else comes: a program that shows an error and waits.
const SETTLE_ASIDE: Duration = Duration::from_secs(5);
/// Below this many pixels a side it is no window for people.
const SIDE_MIN: u32 = 32;
/// A program that insists on a size of its own is corrected again after this pause, which doubles each time.
const REFILL_FIRST: Duration = Duration::from_millis(50);
const REFILL_MAX: Duration = Duration::from_secs(1);
/// After so long in peace the next correction is immediate again.
const REFILL_FORGET: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rect {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What a program says that a window is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    /// A splash screen that says so. It may stay for a minute while a scene loads, and is never the main window.
    Splash,
    /// A dialog, a tool window, or one that belongs to another.
    Aside,
    Program,
}

/// What happened to a top-level window that is neither override-redirect nor input-only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Mapped {
        id: u32,
        rect: Rect,
        kind: Kind,
    },
    Moved {
        id: u32,
        rect: Rect,
    },
    /// Unmapped, destroyed, or taken into another window.
    Gone {
        id: u32,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    /// Put it at 0,0 in the display's own size.
    Fill(u32),
    /// Raise it and give it the keyboard.
    Focus(u32),
}

/// The program's main window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Main {
    pub(crate) id: u32,
    /// It covers the display exactly.
    pub(crate) filled: bool,
}

#[derive(Debug)]
struct Toplevel {
    id: u32,
    kind: Kind,
    rect: Rect,
    /// Pixels that the program itself gave it, no more than the display has.
    natural: u64,
    mapped: Instant,
    fill: Option<Filled>,
}

/// When it was last made to fill the display.
#[derive(Debug)]
struct Filled {
    at: Instant,
    pause: Duration,
}

#[derive(Debug)]
pub(crate) struct Windows {
    display: Size,
    /// In the order in which they appeared, the newest last.
    all: Vec<Toplevel>,
    main: Option<u32>,
    focused: Option<u32>,
    ticked: Option<Instant>,
}

impl Windows {
    pub(crate) const fn new(display: Size) -> Self {
        Self { display, all: Vec::new(), main: None, focused: None, ticked: None }
    }

    /// The display has another size now: the main window is made to fill it at once.
    pub(crate) fn resize(&mut self, display: Size) {
        self.display = display;
        self.all.iter_mut().for_each(|window| {
            if let Some(fill) = &mut window.fill {
                fill.pause = Duration::ZERO;
            }
        });
    }

    pub(crate) fn handle(&mut self, seen: Seen, now: Instant) -> Vec<Wish> {
        match seen {
            Seen::Mapped { id, rect, kind } => self.add(id, rect, kind, now),
            Seen::Moved { id, rect } => self.move_to(id, rect),
            Seen::Gone { id } => self.remove(id),
        }
        self.tick(now)
    }

    /// What is due by now.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<Wish> {
        self.ticked = Some(now);
        self.main = self.choose(now);
        let mut wishes = Vec::new();
        wishes.extend(self.fill_main(now));
        wishes.extend(self.focus_newest());
        wishes
    }

    /// When [`Self::tick`] is due next, if nothing is seen before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        // One that had settled by the last tick has been weighed already and waits for nothing.
        let settling = self.all.iter().filter(|w| self.is_for_people(w)).filter_map(|w| self.settles_at(w));
        let settling = settling.filter(|moment| self.ticked.is_none_or(|ticked| *moment > ticked)).min();
        [settling, self.refill_at()].into_iter().flatten().min()
    }

    pub(crate) fn main(&self) -> Option<Main> {
        let window = self.find(self.main?)?;
        Some(Main { id: window.id, filled: window.rect == self.full() })
    }

    fn add(&mut self, id: u32, rect: Rect, kind: Kind, now: Instant) {
        self.remove(id);
        let natural = self.natural(rect);
        self.all.push(Toplevel { id, kind, rect, natural, mapped: now, fill: None });
    }

    fn move_to(&mut self, id: u32, rect: Rect) {
        let natural = self.natural(rect);
        if let Some(window) = self.all.iter_mut().find(|w| w.id == id) {
            window.rect = rect;
            // Once we have sized it, its size says nothing about what the program wanted.
            if window.fill.is_none() {
                window.natural = natural;
            }
        }
    }

    fn remove(&mut self, id: u32) {
        self.all.retain(|w| w.id != id);
        self.main = self.main.filter(|main| *main != id);
        self.focused = self.focused.filter(|focused| *focused != id);
    }

    /// Of those that have stayed long enough: a program's window before a dialog, then the largest, then the newest.
    fn choose(&self, now: Instant) -> Option<u32> {
        self.all
            .iter()
            .filter(|w| {
                self.is_for_people(w)
                    && (self.main == Some(w.id) || self.settles_at(w).is_some_and(|moment| now >= moment))
            })
            .max_by_key(|w| (w.kind, w.natural, w.mapped))
            .map(|w| w.id)
    }

    fn fill_main(&mut self, now: Instant) -> Option<Wish> {
        let (full, main) = (self.full(), self.main?);
        let window = self.all.iter_mut().find(|w| w.id == main)?;
        if window.rect == full {
            return None;
        }
        let pause = match &window.fill {
            Some(fill) if now < fill.at + fill.pause => return None,
            Some(fill) if now < fill.at + REFILL_FORGET => (fill.pause * 2).clamp(REFILL_FIRST, REFILL_MAX),
            _ => REFILL_FIRST,
        };
        window.fill = Some(Filled { at: now, pause });
        Some(Wish::Fill(window.id))
    }

    fn focus_newest(&mut self) -> Option<Wish> {
        let newest = self.all.iter().rev().find(|w| self.is_for_people(w))?.id;
        if self.focused == Some(newest) {
            return None;
        }
        self.focused = Some(newest);
        Some(Wish::Focus(newest))
    }

    fn refill_at(&self) -> Option<Instant> {
        let window = self.find(self.main?)?;
        let fill = window.fill.as_ref()?;
        (window.rect != self.full()).then(|| fill.at + fill.pause)
    }
}

impl Windows {
    fn find(&self, id: u32) -> Option<&Toplevel> {
        self.all.iter().find(|w| w.id == id)
    }

    /// When it has stayed long enough to be the main window; `None` if it never can be.
    fn settles_at(&self, window: &Toplevel) -> Option<Instant> {
        let is_large = window.natural * 2 >= self.display.pixels();
        let stay = match window.kind {
            Kind::Splash => return None,
            Kind::Aside => SETTLE_ASIDE,
            Kind::Program if is_large => SETTLE_LARGE,
            Kind::Program => SETTLE_SMALL,
        };
        Some(window.mapped + stay)
    }

    fn is_for_people(&self, window: &Toplevel) -> bool {
        window.rect.width >= SIDE_MIN && window.rect.height >= SIDE_MIN
    }

    fn natural(&self, rect: Rect) -> u64 {
        u64::from(rect.width.min(self.display.width)) * u64::from(rect.height.min(self.display.height))
    }

    const fn full(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.display.width, height: self.display.height }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DISPLAY: Size = Size::new(1280, 720);
    const FULL: Rect = Rect { x: 0, y: 0, width: 1280, height: 720 };
    const SPLASH: Rect = Rect { x: 440, y: 260, width: 400, height: 200 };
    const LARGE: Rect = Rect { x: 10, y: 10, width: 1024, height: 700 };

    #[test]
    fn a_large_window_is_taken_nearly_at_once_and_made_to_fill_the_display() {
        let mut play = Play::new();
        assert_eq!(play.map(1, LARGE), [Wish::Focus(1)]);
        assert_eq!(play.windows.main(), None);
        assert_eq!(play.until_due(), [Wish::Fill(1)]);
        assert_eq!(play.windows.main(), Some(Main { id: 1, filled: false }));
        assert_eq!(play.moved(1, FULL), []);
        assert_eq!(play.windows.main(), Some(Main { id: 1, filled: true }));
        assert_eq!(play.windows.wake_at(), None);
    }

    #[test]
    fn the_main_window_follows_the_size_of_its_display_without_a_pause() {
        let mut play = Play::full(1);
        for (width, height) in [(1920, 1080), (640, 360), (1280, 720)] {
            play.windows.resize(Size::new(width, height));
            assert_eq!(play.pass(0), [Wish::Fill(1)]);
            assert_eq!(play.windows.main(), Some(Main { id: 1, filled: false }));
            assert_eq!(play.moved(1, Rect { x: 0, y: 0, width, height }), []);
            assert_eq!(play.windows.main(), Some(Main { id: 1, filled: true }));
        }
    }

    #[test]
    fn a_splash_screen_that_goes_is_not_the_main_window() {
        let mut play = Play::new();
        play.map(1, SPLASH);
        play.pass(1000);
        assert_eq!(play.windows.main(), None);
        play.gone(1);
        play.map(2, LARGE);
        play.pass(100);
        assert_eq!(play.main(), Some(2));
    }

    #[test]
    fn a_splash_screen_that_stays_too_long_gives_way_to_the_larger_window() {
        let mut play = Play::new();
        play.map(1, SPLASH);
        assert_eq!(play.pass(1500), [Wish::Fill(1)]);
        assert_eq!(play.main(), Some(1));
        play.moved(1, FULL);
        assert_eq!(play.map(2, LARGE), [Wish::Focus(2)]);
        assert_eq!(play.pass(100), [Wish::Fill(2)]);
        assert_eq!(play.main(), Some(2));
    }

    #[test]
    fn a_dialog_gets_the_keyboard_but_not_the_display() {
        let mut play = Play::full(1);
        assert_eq!(play.map_kind(2, LARGE, Kind::Aside), [Wish::Focus(2)]);
        assert_eq!(play.pass(60_000), []);
        assert_eq!(play.main(), Some(1));
        assert_eq!(play.gone(2), [Wish::Focus(1)]);
    }

    #[test]
    fn a_program_that_shows_nothing_but_a_dialog_is_seen_all_the_same() {
        let mut play = Play::new();
        play.map_kind(1, SPLASH, Kind::Aside);
        play.pass(4900);
        assert_eq!(play.main(), None);
        assert_eq!(play.pass(100), [Wish::Fill(1)]);
    }

    #[test]
    fn a_splash_screen_that_says_so_is_never_the_main_window() {
        let mut play = Play::new();
        assert_eq!(play.map_kind(1, LARGE, Kind::Splash), [Wish::Focus(1)]);
        assert_eq!(play.windows.wake_at(), None);
        assert_eq!(play.pass(60_000), []);
        assert_eq!(play.main(), None);
        play.map(2, SPLASH);
        play.pass(1500);
        assert_eq!(play.main(), Some(2));
    }

    #[test]
    fn a_hidden_helper_window_is_nobody() {
        let mut play = Play::new();
        assert_eq!(play.map(1, Rect { width: 1, height: 1, ..SPLASH }), []);
        assert_eq!(play.pass(60_000), []);
        assert_eq!(play.main(), None);
        assert_eq!(
            play.moved(1, LARGE),
            [Wish::Focus(1), Wish::Fill(1)].iter().rev().copied().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_program_that_resizes_itself_once_is_corrected_at_once() {
        let mut play = Play::full(1);
        play.pass(10_000);
        assert_eq!(play.moved(1, LARGE), [Wish::Fill(1)]);
        assert_eq!(play.moved(1, FULL), []);
    }

    #[test]
    fn a_program_that_insists_on_its_size_is_corrected_ever_less_often() {
        let mut play = Play::full(1);
        play.pass(10_000);
        let mut corrections = 0;
        for _ in 0..10_000 {
            if play.pass(1).contains(&Wish::Fill(1)) || play.moved(1, LARGE).contains(&Wish::Fill(1)) {
                corrections += 1;
                play.moved(1, FULL);
            }
        }
        assert!((8..=20).contains(&corrections), "{corrections} in ten seconds");
    }

    #[test]
    fn when_the_main_window_goes_the_next_one_takes_its_place() {
        let mut play = Play::full(1);
        play.map(2, SPLASH);
        play.pass(2000);
        assert_eq!(play.main(), Some(1));
        assert_eq!(play.gone(1), [Wish::Fill(2)]);
        assert_eq!(play.main(), Some(2));
    }

    #[test]
    fn of_two_equal_windows_the_newer_one_is_the_main_one() {
        let mut play = Play::full(1);
        play.map(2, LARGE);
        play.pass(100);
        assert_eq!(play.main(), Some(2));
    }

    proptest! {
        #[test]
        fn the_main_window_is_always_one_that_is_there(steps in prop::collection::vec((0u32..5, 0u8..4, 1u32..2000, 0u64..3000), 0..80)) {
            let mut play = Play::new();
            let mut there = std::collections::BTreeSet::new();
            for (id, what, side, pause) in steps {
                let rect = Rect { x: 0, y: 0, width: side, height: side };
                match what {
                    0 => { play.map(id, rect); there.insert(id); }
                    1 => { play.gone(id); there.remove(&id); }
                    2 => { play.moved(id, rect); }
                    _ => { play.map_kind(id, rect, Kind::Aside); there.insert(id); }
                }
                play.pass(pause);
                prop_assert!(play.main().is_none_or(|main| there.contains(&main)));
                // The driver sleeps until this moment: one that is past would make it spin.
                prop_assert!(play.windows.wake_at().is_none_or(|moment| moment > play.now));
            }
        }
    }

    /// A display whose windows are moved by the test.
    struct Play {
        windows: Windows,
        now: Instant,
    }

    impl Play {
        fn new() -> Self {
            Self { windows: Windows::new(DISPLAY), now: Instant::now() }
        }
        /// With one window that fills the display.
        fn full(id: u32) -> Self {
            let mut play = Self::new();
            play.map(id, LARGE);
            play.pass(100);
            play.moved(id, FULL);
            play
        }
        fn map(&mut self, id: u32, rect: Rect) -> Vec<Wish> {
            self.map_kind(id, rect, Kind::Program)
        }
        fn map_kind(&mut self, id: u32, rect: Rect, kind: Kind) -> Vec<Wish> {
            self.windows.handle(Seen::Mapped { id, rect, kind }, self.now)
        }
        fn moved(&mut self, id: u32, rect: Rect) -> Vec<Wish> {
            self.windows.handle(Seen::Moved { id, rect }, self.now)
        }
        fn gone(&mut self, id: u32) -> Vec<Wish> {
            self.windows.handle(Seen::Gone { id }, self.now)
        }
        fn pass(&mut self, ms: u64) -> Vec<Wish> {
            self.now += Duration::from_millis(ms);
            self.windows.tick(self.now)
        }
        fn until_due(&mut self) -> Vec<Wish> {
            self.now = self.windows.wake_at().unwrap_or(self.now);
            self.windows.tick(self.now)
        }
        fn main(&self) -> Option<u32> {
            self.windows.main().map(|main| main.id)
        }
    }
}
