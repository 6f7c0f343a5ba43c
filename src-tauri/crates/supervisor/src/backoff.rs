//! How long to wait before the next start, and when to give up. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::Policy;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Again { after: Duration },
    TooMany { starts: u32 },
}

/// Remembers the starts that still count. A start stops counting when it has grown older than the window, but only a program that
/// became ready makes it so: one that always hangs while loading would otherwise be tried for ever, each time for longer than the window.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    window: Duration,
    starts_max: usize,
    starts: VecDeque<Instant>,
}

impl Backoff {
    pub fn new(policy: &Policy) -> Self {
        Self {
            first: policy.backoff_first,
            max: policy.backoff_max,
            window: policy.attempts_window,
            starts_max: usize::try_from(policy.attempts_max.max(1)).unwrap_or(usize::MAX),
            starts: VecDeque::new(),
        }
    }

    pub fn started(&mut self, now: Instant) {
        self.starts.push_back(now);
    }

    /// Starts that count; 1 for the first.
    pub fn attempt(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX).max(1)
    }

    /// A person has asked for it: what was before does not count.
    pub fn reset(&mut self) {
        self.starts.clear();
    }

    pub fn failed(&mut self, had_been_ready: bool, now: Instant) -> Verdict {
        if had_been_ready {
            self.starts.retain(|start| now.saturating_duration_since(*start) < self.window);
        }
        if self.starts.len() >= self.starts_max {
            return Verdict::TooMany { starts: self.attempt() };
        }
        let doublings = u32::try_from(self.starts.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let after = 2_u32.checked_pow(doublings).and_then(|factor| self.first.checked_mul(factor));
        Verdict::Again { after: after.unwrap_or(self.max).min(self.max) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::machine::tests::policy;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_pause_doubles_up_to_its_limit_and_then_it_is_enough() {
        let mut backoff = Backoff::new(&Policy { attempts_max: 6, backoff_max: 10 * SECOND, ..policy() });
        let now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..6 {
            backoff.started(now);
            pauses.push(backoff.failed(false, now));
        }
        let again = |seconds| Verdict::Again { after: seconds * SECOND };
        assert_eq!(
            pauses,
            [again(1), again(2), again(4), again(8), again(10), Verdict::TooMany { starts: 6 }]
        );
    }

    #[test]
    fn a_quiet_time_is_forgiven_and_a_program_that_never_became_ready_is_not() {
        let policy = policy();
        let long_after = Instant::now() + 2 * policy.attempts_window;
        for (had_been_ready, verdict) in [
            (true, Verdict::Again { after: SECOND }),
            (false, Verdict::TooMany { starts: policy.attempts_max }),
        ] {
            let mut backoff = Backoff::new(&policy);
            (0..policy.attempts_max).for_each(|_| backoff.started(Instant::now()));
            assert_eq!(backoff.failed(had_been_ready, long_after), verdict);
        }
    }

    proptest! {
        #[test]
        fn no_window_holds_more_starts_than_allowed(runs in prop::collection::vec((any::<bool>(), 0_u64..200), 1..60)) {
            let policy = policy();
            let mut backoff = Backoff::new(&policy);
            let mut now = Instant::now();
            let mut starts: Vec<Instant> = Vec::new();
            for (had_been_ready, lasted) in runs {
                backoff.started(now);
                starts.push(now);
                let recent = starts.iter().filter(|start| now.duration_since(**start) < policy.attempts_window).count();
                prop_assert!(recent <= policy.attempts_max as usize);
                now += Duration::from_secs(lasted);
                match backoff.failed(had_been_ready, now) {
                    Verdict::Again { after } => {
                        prop_assert!(after <= policy.backoff_max);
                        now += after;
                    }
                    Verdict::TooMany { .. } => break,
                }
            }
        }
    }
}
