//! How it stands with the program's API: when to connect again, and what people are told meanwhile. Pure.
//!
//! The picture never waits for it: a program that shows itself and is loaded is ready, whatever its API does.

use std::time::{Duration, Instant};

/// A loaded program answers in its next frames; a software renderer at 4K takes some seconds for them.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// Each connection that an OpenSpace loses costs it threads for ever, so it is tried less and less often.
const RETRY_FIRST: Duration = Duration::from_secs(3);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// One that has hung up again is believed only after so long; one that has held so long is new to it.
const STEADY: Duration = Duration::from_secs(30);

/// What is the matter, and since when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Matter {
    pub since: Instant,
    pub why: Why,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// It is connected, or being connected, and has not answered yet.
    Silent,
    /// How the connection was lost, or why there is none.
    Lost(String),
}

#[derive(Debug, Default)]
pub(super) struct Contact {
    matter: Option<Matter>,
    /// Its scene is there: before that, keys could end it.
    loaded: bool,
    /// Losses since it last held.
    losses: u32,
    connected_at: Option<Instant>,
    /// It has loaded, or was ready before: now it is to answer.
    answers_by: Option<Instant>,
}

impl Contact {
    pub(super) fn matter(&self) -> Option<&Matter> {
        self.matter.as_ref()
    }

    /// Its scene is loaded, so it should answer from now on.
    pub(super) fn expect(&mut self, now: Instant) {
        self.loaded = true;
        if self.connected_at.is_none() {
            self.answers_by.get_or_insert(now + ANSWERS_WITHIN);
        }
    }

    pub(super) fn answered(&mut self, now: Instant) {
        self.answers_by = None;
        self.connected_at = Some(now);
        if self.losses <= 1 {
            self.matter = None;
        }
    }

    /// It may be shown without its API.
    pub(super) const fn is_given_up_for_now(&self) -> bool {
        self.loaded && self.matter.is_some()
    }

    /// When to try again.
    pub(super) fn lost(&mut self, why: String, now: Instant) -> Instant {
        if self.connected_at.take().is_some_and(|at| at + STEADY <= now) {
            self.losses = 0;
        }
        self.answers_by = None;
        self.say(Why::Lost(why), now);
        let pause = RETRY_FIRST * 2_u32.saturating_pow(self.losses.min(10));
        self.losses = self.losses.saturating_add(1);
        now + pause.min(RETRY_MAX)
    }

    /// Time has passed. True when it should have answered by now.
    pub(super) fn turn(&mut self, now: Instant) -> bool {
        let overdue = self.answers_by.is_some_and(|at| at <= now);
        if overdue {
            self.answers_by = None;
            self.say(Why::Silent, now);
        }
        if self.believed_at().is_some_and(|at| at <= now) {
            self.matter = None;
            self.losses = 0;
        }
        overdue
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.answers_by.into_iter().chain(self.believed_at()).min()
    }

    fn believed_at(&self) -> Option<Instant> {
        self.connected_at.filter(|_| self.matter.is_some()).map(|at| at + STEADY)
    }

    fn say(&mut self, why: Why, now: Instant) {
        let since = self.matter.as_ref().map_or(now, |matter| matter.since);
        self.matter = Some(Matter { since, why });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use model::InstanceState;

    use super::*;
    use crate::machine::{
        Input, Output,
        tests::{SECOND, named},
    };

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn one_that_hangs_up_once_is_back_at_once_and_one_that_does_it_again_is_believed_later() {
        let (mut contact, now) = (Contact::default(), Instant::now());
        contact.answered(now);
        assert_eq!((contact.matter(), contact.wake_at()), (None, None));
        assert_eq!(contact.lost("It hung up".to_owned(), now + 60 * S), now + 63 * S);
        assert_eq!(contact.matter().map(|matter| matter.since), Some(now + 60 * S));
        contact.answered(now + 63 * S);
        assert_eq!(contact.matter(), None);
        assert_eq!(contact.lost("It hung up".to_owned(), now + 64 * S), now + 70 * S);
        contact.answered(now + 70 * S);
        assert!(contact.matter().is_some(), "it may do it again at the next question");
        assert!(!contact.turn(now + 99 * S) && contact.matter().is_some());
        assert_eq!(contact.wake_at(), Some(now + 100 * S));
        contact.turn(now + 100 * S);
        assert_eq!((contact.matter(), contact.wake_at()), (None, None));
        assert_eq!(contact.lost("It hung up".to_owned(), now + 110 * S), now + 113 * S, "it had held");
    }

    #[test]
    fn however_often_it_fails_it_is_one_matter_and_tried_ever_less_often() {
        let (mut contact, now) = (Contact::default(), Instant::now());
        let pauses: Vec<_> = (0..6).map(|i| contact.lost(format!("try {i}"), now) - now).collect();
        assert_eq!(pauses, [3, 6, 12, 24, 30, 30].map(|s| s * S));
        let told = Matter { since: now, why: Why::Lost("try 5".to_owned()) };
        assert_eq!(contact.matter(), Some(&told));
    }

    #[test]
    fn a_loaded_program_that_does_not_answer_is_told_once() {
        let (mut contact, now) = (Contact::default(), Instant::now());
        contact.expect(now);
        contact.expect(now + 10 * S);
        assert_eq!(contact.wake_at(), Some(now + 20 * S), "by the first word of it");
        assert!(contact.turn(now + 20 * S));
        assert!(!contact.turn(now + 21 * S));
        assert_eq!(contact.matter(), Some(&Matter { since: now + 20 * S, why: Why::Silent }));
        contact.answered(now + 30 * S);
        assert_eq!(contact.matter(), None);
    }

    #[test]
    fn one_whose_api_cannot_be_used_is_seen_and_its_api_is_tried_on() {
        for (input, says) in [
            (
                Input::ApiFailed("It is another one.".to_owned()),
                "its controls are off: It is another one. It is connected again",
            ),
            (Input::TimedOut, "OpenSpace does not answer: its controls are off until it does"),
        ] {
            let mut machine = named("loaded");
            assert_eq!((machine.status().state, machine.matter()), (InstanceState::Starting, None));
            let now = machine.wake_at().unwrap();
            machine.handle(input, now);
            assert_eq!(machine.status().state, InstanceState::Ready);
            let told = crate::machine::words::without_api(&machine.matter().unwrap().why);
            assert!(told.contains(says), "{told}");
            if let Some(at) = machine.wake_at() {
                assert_eq!(machine.handle(Input::TimedOut, at), [Output::ConnectApi { within: 65 * SECOND }]);
            }
            machine.handle(Input::ApiReady, now + SECOND);
            assert_eq!(machine.matter(), None);
        }
    }
}
