//! When to look at a scene, and whether to bring one back. Pure.

use std::time::{Duration, Instant};

/// So much of what people did may be lost in a crash.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Keys and actions change settings without a word to us; a large scene takes OpenSpace some frames to tell all of them.
const PROPERTIES_EVERY: Duration = Duration::from_secs(30);
/// After a wish that changed something: others often follow it.
const AFTER_WISH: Duration = Duration::from_secs(1);
/// The longest that a wish lets a setting fade: until then it may be seen on its way to where it was wished.
const FADES_WITHIN: Duration = Duration::from_secs(60);

/// When the next look is due, while somebody is there; and once more after the last one has left.
#[derive(Debug)]
pub(super) struct Rhythm {
    watched: bool,
    next: Option<Instant>,
    properties_due: Instant,
    /// What was wished may be on its way until then.
    fades_until: Option<Instant>,
}

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub with_properties: bool,
}

impl Rhythm {
    pub fn new(now: Instant) -> Self {
        Self { watched: false, next: None, properties_due: now, fades_until: None }
    }

    pub fn watched(&mut self, watched: bool, now: Instant) {
        if watched && !self.watched {
            self.next = Some(now + LOOK_EVERY);
        } else if self.watched && !watched {
            // What is left is looked at as a whole, and then not until somebody is back.
            self.next = Some(now);
            self.properties_due = now;
        }
        self.watched = watched;
    }

    /// Somebody changed a setting.
    pub fn wished(&mut self, now: Instant) {
        let due = now + AFTER_WISH;
        self.properties_due = self.properties_due.min(due);
        self.next = Some(self.next.map_or(due, |next| next.min(due)));
        self.fades_until = Some(now + FADES_WITHIN);
    }

    /// A look found settings other than the one before: after a wish they are looked at until they rest, lest they are kept half faded.
    pub fn changed(&mut self, now: Instant) {
        if self.fades_until.is_some_and(|until| now < until) {
            self.properties_due = now;
        }
    }

    pub fn wake_at(&self) -> Option<Instant> {
        self.next
    }

    pub fn look(&mut self, now: Instant) -> Option<Look> {
        self.next.filter(|next| *next <= now)?;
        self.next = self.watched.then_some(now + LOOK_EVERY);
        let with_properties = self.properties_due <= now;
        if with_properties {
            self.properties_due = now + PROPERTIES_EVERY;
        }
        Some(Look { with_properties })
    }
}

/// A program that ends so soon after its scene came back may have ended because of it.
const SUSPICIOUS_WITHIN: Duration = Duration::from_secs(60);
const SUSPICIONS_MAX: u32 = 2;

/// Keeps a scene that its program cannot bear from being brought back for ever.
#[derive(Debug, Default)]
pub(super) struct Trust {
    restored: Option<Instant>,
    suspicions: u32,
}

impl Trust {
    pub fn restored(&mut self, now: Instant) {
        self.restored = Some(now);
    }

    /// The program ended without having been asked to.
    pub fn fell(&mut self, now: Instant) {
        let soon = |restored: Instant| now.saturating_duration_since(restored) < SUSPICIOUS_WITHIN;
        self.suspicions = if self.restored.take().is_some_and(soon) { self.suspicions + 1 } else { 0 };
    }

    /// False once, after it has gone wrong too often; then everything begins anew.
    pub fn may_restore(&mut self) -> bool {
        if self.suspicions < SUSPICIONS_MAX {
            return true;
        }
        self.suspicions = 0;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_scene_is_looked_at_while_somebody_is_there_and_once_when_they_have_left() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(start);
        assert_eq!((rhythm.wake_at(), rhythm.look(start + s(99))), (None, None), "nobody is there");
        rhythm.watched(true, start);
        assert_eq!(rhythm.look(start), None);
        assert_eq!(rhythm.look(start + s(3)), Some(Look { with_properties: true }));
        assert_eq!(rhythm.look(start + s(6)), Some(Look { with_properties: false }));
        rhythm.wished(start + s(7));
        assert_eq!(rhythm.wake_at(), Some(start + s(8)));
        assert_eq!(rhythm.look(start + s(8)), Some(Look { with_properties: true }));
        rhythm.watched(false, start + s(9));
        assert_eq!(rhythm.look(start + s(9)), Some(Look { with_properties: true }));
        assert_eq!(rhythm.wake_at(), None, "nobody changes it any more");
    }

    #[test]
    fn settings_that_a_wish_has_set_moving_are_looked_at_until_they_rest() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(start);
        rhythm.watched(true, start);
        assert_eq!(rhythm.look(start + s(3)), Some(Look { with_properties: true }));
        rhythm.changed(start + s(3));
        assert_eq!(
            rhythm.look(start + s(6)),
            Some(Look { with_properties: false }),
            "nobody has wished anything"
        );
        rhythm.wished(start + s(7));
        assert_eq!(rhythm.look(start + s(8)), Some(Look { with_properties: true }));
        rhythm.changed(start + s(8));
        assert_eq!(rhythm.look(start + s(11)), Some(Look { with_properties: true }), "it was on its way");
        assert_eq!(rhythm.look(start + s(14)), Some(Look { with_properties: false }), "it rests");
        assert_eq!(rhythm.look(start + s(41)), Some(Look { with_properties: true }), "some are due by now");
        rhythm.changed(start + s(68));
        assert_eq!(
            rhythm.look(start + s(70)),
            Some(Look { with_properties: false }),
            "no fade takes so long"
        );
    }

    #[test]
    fn a_scene_that_its_program_cannot_bear_is_left_out_once() {
        let start = Instant::now();
        let mut trust = Trust::default();
        for (what, restored, fell, may) in [
            ("a crash by itself", None, 5, true),
            ("soon after", Some(6), 7, true),
            ("soon after again", Some(8), 9, false),
            ("it began anew", None, 200, true),
            ("long after", Some(300), 400, true),
            ("soon, but once", Some(410), 420, true),
        ] {
            if let Some(at) = restored {
                trust.restored(start + s(at));
            }
            trust.fell(start + s(fell));
            assert_eq!(trust.may_restore(), may, "{what}");
        }
    }
}
