//! How long an instance may live, and what lengthens it. Pure.
//!
//! Four things end one: nobody watches, nobody moves anything, it has run as long as one may, its machine is being emptied. The
//! earliest counts. None comes without a warning before it.

use std::time::{Duration, Instant};

use model::EndingReason;

/// `None` is never.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub unwatched: Option<Duration>,
    /// While somebody watches.
    pub unmoved: Option<Duration>,
    pub longest: Option<Duration>,
    /// So long before its end people are told.
    pub warning: Duration,
    /// By how much, and how often, the longest can be lengthened.
    pub extension: Duration,
    pub extensions: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    pub why: EndingReason,
    pub at: Instant,
    pub stay: Stay,
}

/// Can people put it off?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    Lengthens { by: Duration, left: Option<u32> },
    No,
}

/// What is known of an instance's time; it counts idleness only while its program is ready to be watched.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    limits: Limits,
    /// When its first viewer's wish for it began; long before `opened` where an earlier node has started it.
    began: Instant,
    opened: Instant,
    ready: bool,
    watched: bool,
    /// The last time that somebody came, left or moved something, or that the program became ready.
    stirred: Instant,
    extended: u32,
    drained_at: Option<Instant>,
}

impl Span {
    pub fn new(limits: Limits, began: Instant, now: Instant) -> Self {
        let (ready, watched, extended, drained_at) = (false, false, 0, None);
        Self { limits, began, opened: now, ready, watched, stirred: now, extended, drained_at }
    }

    /// As often has its end been put off by an earlier node.
    pub fn extended(mut self, extensions: u32) -> Self {
        self.extended = extensions;
        self
    }

    pub fn extensions(&self) -> u32 {
        self.extended
    }

    pub fn ready(&mut self, ready: bool, now: Instant) {
        if std::mem::replace(&mut self.ready, ready) != ready {
            self.moved(now);
        }
    }

    pub fn watched(&mut self, watched: bool, now: Instant) {
        if std::mem::replace(&mut self.watched, watched) != watched {
            self.moved(now);
        }
    }

    /// Somebody has moved something. An older time than is known changes nothing.
    pub fn moved(&mut self, at: Instant) {
        self.stirred = self.stirred.max(at);
    }

    /// `None`: its machine is in service.
    pub fn drained_at(&mut self, at: Option<Instant>) {
        self.drained_at = at;
    }

    /// Somebody wants to go on. The error is a sentence for them.
    pub fn stay(&mut self, now: Instant) -> Result<(), &'static str> {
        match self.warning(now) {
            Some(Ending { stay: Stay::No, why: EndingReason::Drained, .. }) => {
                return Err("Its machine is taken out of service, so it cannot stay. What it shows is kept.");
            }
            Some(Ending { stay: Stay::No, .. }) => {
                return Err(
                    "It has run as long as one may here, so it cannot stay. What it shows is kept, and can be \
                     gone on with from the home page.",
                );
            }
            Some(Ending { why: EndingReason::Longest, .. }) => self.extended += 1,
            _ => {}
        }
        self.moved(now);
        Ok(())
    }

    /// Its end as things stand, however far that is.
    pub fn ending(&self) -> Option<Ending> {
        [self.idle(), self.longest(), self.drained()].into_iter().flatten().min_by_key(|ending| ending.at)
    }

    /// Its end, once people are to be told: of a machine that is being emptied at once.
    pub fn warning(&self, now: Instant) -> Option<Ending> {
        self.ending().filter(|ending| now >= self.told_at(ending))
    }

    pub fn over(&self, now: Instant) -> Option<EndingReason> {
        self.ending().filter(|ending| now >= ending.at).map(|ending| ending.why)
    }

    /// When to look again, if nothing happens until then.
    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let ending = self.ending()?;
        let told_at = self.told_at(&ending);
        Some(if told_at > now { told_at } else { ending.at })
    }

    fn told_at(&self, ending: &Ending) -> Instant {
        match ending.why {
            EndingReason::Drained => self.opened,
            _ => ending.at.checked_sub(self.limits.warning).unwrap_or(self.opened),
        }
    }

    fn idle(&self) -> Option<Ending> {
        let (limit, why) = if self.watched {
            (self.limits.unmoved, EndingReason::Unmoved)
        } else {
            (self.limits.unwatched, EndingReason::Unwatched)
        };
        let limit = limit.filter(|_| self.ready)?;
        let stay = Stay::Lengthens { by: limit, left: None };
        Some(Ending { why, at: self.stirred + limit, stay })
    }

    fn longest(&self) -> Option<Ending> {
        let Limits { longest, extension, extensions, .. } = self.limits;
        let at = self.began + longest? + extension * self.extended;
        let stay = match extensions.saturating_sub(self.extended) {
            0 => Stay::No,
            left => Stay::Lengthens { by: extension, left: Some(left) },
        };
        Some(Ending { why: EndingReason::Longest, at: self.after_a_warning(at), stay })
    }

    fn drained(&self) -> Option<Ending> {
        let at = self.after_a_warning(self.drained_at?);
        Some(Ending { why: EndingReason::Drained, at, stay: Stay::No })
    }

    /// A node that finds an instance whose time was over meanwhile still tells people before it ends it.
    fn after_a_warning(&self, at: Instant) -> Instant {
        at.max(self.opened + self.limits.warning)
    }
}

#[cfg(test)]
mod tests {
    use EndingReason::{Drained, Longest, Unmoved, Unwatched};
    use proptest::prelude::*;

    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const LIMITS: Limits = Limits {
        unwatched: Some(Duration::from_secs(100)),
        unmoved: Some(Duration::from_secs(60)),
        longest: Some(Duration::from_secs(1000)),
        warning: Duration::from_secs(10),
        extension: Duration::from_secs(200),
        extensions: 1,
    };

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Ready(bool),
        Watched(bool),
        Moved,
        Stay(bool),
        Drain(Option<u64>),
    }

    #[test]
    fn the_earliest_end_counts_and_what_people_do_puts_it_off() {
        use Step::{Drain, Moved, Ready, Stay, Watched};
        let start = Instant::now();
        let mut span = Span::new(LIMITS, start, start);
        for (at, step, why, ends) in [
            (0, Ready(false), Longest, 1000),
            (5, Ready(true), Unwatched, 105),
            (100, Watched(true), Unmoved, 160),
            (120, Moved, Unmoved, 180),
            (175, Stay(true), Unmoved, 235),
            (200, Watched(false), Unwatched, 300),
            (295, Watched(true), Unmoved, 355),
            (300, Drain(Some(320)), Drained, 320),
            (301, Stay(false), Drained, 320),
            (302, Drain(None), Unmoved, 355),
            (303, Drain(Some(900)), Unmoved, 355),
            (304, Drain(None), Unmoved, 355),
            (305, Ready(false), Longest, 1000),
            (900, Stay(true), Longest, 1000),
            (995, Stay(true), Longest, 1200),
            (1100, Stay(true), Longest, 1200),
            (1195, Stay(false), Longest, 1200),
        ] {
            let now = start + s(at);
            assert_eq!(span.over(now), None, "{at} {step:?}");
            match step {
                Ready(ready) => span.ready(ready, now),
                Watched(watched) => span.watched(watched, now),
                Moved => span.moved(now),
                Stay(may) => assert_eq!(span.stay(now).is_ok(), may, "{at}"),
                Drain(at) => span.drained_at(at.map(|at| start + s(at))),
            }
            let ending = span.ending().map(|ending| (ending.why, ending.at));
            assert_eq!(ending, Some((why, start + s(ends))), "{at} {step:?}");
        }
        assert_eq!(span.over(start + s(1200)), Some(Longest));
    }

    #[test]
    fn people_are_told_in_time_whether_they_can_stay() {
        let start = Instant::now();
        let mut span = Span::new(LIMITS, start, start);
        span.ready(true, start);
        span.watched(true, start);
        assert_eq!(span.wake_at(start), Some(start + s(50)));
        assert_eq!(span.warning(start + s(49)), None);
        let lengthens = Stay::Lengthens { by: s(60), left: None };
        assert_eq!(span.warning(start + s(50)).map(|ending| ending.stay), Some(lengthens));
        assert_eq!(span.wake_at(start + s(50)), Some(start + s(60)));
        span.ready(false, start + s(55));
        let of_longest = |span: &Span| span.warning(start + s(995)).map(|ending| ending.stay);
        assert_eq!(of_longest(&span), Some(Stay::Lengthens { by: s(200), left: Some(1) }));
        span.drained_at(Some(start + s(999)));
        assert!(span.warning(start + s(56)).is_some_and(|told| told.stay == Stay::No), "told at once");
    }

    #[test]
    fn what_an_earlier_node_started_long_ago_is_told_before_it_ends() {
        let start = Instant::now();
        let span = Span::new(LIMITS, start, start + s(5000));
        assert_eq!(span.over(start + s(5000)), None);
        assert!(span.warning(start + s(5000)).is_some());
        assert_eq!(span.over(start + s(5010)), Some(Longest));
    }

    #[test]
    fn without_limits_nothing_ever_ends() {
        let start = Instant::now();
        let limits = Limits { unwatched: None, unmoved: None, longest: None, ..LIMITS };
        let mut span = Span::new(limits, start, start);
        span.ready(true, start);
        assert_eq!((span.ending(), span.wake_at(start), span.over(start + s(1 << 30))), (None, None, None));
    }

    proptest! {
        /// Whatever happens, and however seldom somebody looks, nothing ends that was not told to end some time before.
        #[test]
        fn nothing_ends_without_a_warning(
            steps in prop::collection::vec((0u64..40, 0u8..7), 1..200),
            extensions in 0u32..3,
        ) {
            let start = Instant::now();
            let limits = Limits { extensions, ..LIMITS };
            let mut span = Span::new(limits, start, start);
            let (mut now, mut told_since) = (start, None::<Instant>);
            for (wait, step) in steps {
                // As the driver does: it looks at each time that the machine names, and at each change.
                let until = now + s(wait);
                while let Some(wake) = span.wake_at(now).filter(|wake| *wake <= until && *wake > now) {
                    now = wake;
                    if span.over(now).is_some() {
                        let told = told_since.map(|since| now.duration_since(since));
                        prop_assert!(told >= Some(limits.warning), "told {told:?} before");
                        return Ok(());
                    }
                    if span.warning(now).is_some() { told_since = told_since.or(Some(now)); }
                }
                now = until;
                match step {
                    0 => span.ready(true, now),
                    1 => span.ready(false, now),
                    2 => span.watched(true, now),
                    3 => span.watched(false, now),
                    4 => span.moved(now),
                    5 => { let _ = span.stay(now); }
                    _ => {}
                }
                told_since = span.warning(now).map(|_| told_since.unwrap_or(now));
                prop_assert!(span.extended <= extensions);
            }
        }
    }
}
