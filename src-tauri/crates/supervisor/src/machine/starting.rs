//! How a start goes: from the program's first breath to its window and its answer. Pure.

use std::time::Instant;

use model::Phase;
use openspace::readiness::Sign;

use super::{
    Api, ERRAND_SLACK, Failure, Kind, Machine, Output, Program, State, contact::Contact, ending::schedule,
    loading::Loading, words,
};

impl Machine {
    pub(super) fn on_spawned(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.program = Program::Alive { since: now };
        self.has_window = false;
        self.api = Api::Absent;
        self.contact = Contact::default();
        self.fatal = None;
        self.loading = Loading::default();
        if let State::Starting { phase, deadline } = &mut self.state {
            *phase = match self.kind {
                Kind::OpenSpace => Phase::Launching,
                Kind::Program => Phase::Window,
            };
            *deadline = Some(now + self.policy.load_timeout);
            self.attend(out);
        }
        if let State::Stopping { steps, .. } = &mut self.state {
            // Nothing can be asked of a program that has only just begun.
            *steps = schedule(&[Output::Terminate], now, self.policy.stop_grace);
            self.take_steps(now, out);
        }
    }

    pub(super) fn attend(&self, out: &mut Vec<Output>) {
        out.push(Output::WaitWindow { within: self.policy.load_timeout + ERRAND_SLACK });
    }

    pub(super) fn connect(&mut self, out: &mut Vec<Output>) {
        if self.kind == Kind::OpenSpace {
            self.api = Api::Connecting;
            out.push(Output::ConnectApi { within: self.policy.load_timeout + ERRAND_SLACK });
        }
    }

    pub(super) fn on_log(&mut self, sign: Sign, now: Instant, out: &mut Vec<Output>) {
        match sign {
            Sign::Phase(seen) => {
                if let State::Starting { phase, .. } = &mut self.state {
                    *phase = later(*phase, seen);
                }
                if seen == Phase::Connecting && self.kind == Kind::OpenSpace {
                    self.contact.expect(now);
                    self.on_progress();
                }
            }
            Sign::Rendering => {
                if let State::Starting { phase, .. } = &mut self.state
                    && self.api == Api::Absent
                {
                    *phase = Phase::Connecting;
                    self.connect(out);
                }
            }
            Sign::DownloadBegun(_) | Sign::DownloadDone(_) | Sign::DownloadFailed { .. } => {
                self.loading.hear(sign, now);
                self.give_more_time(now);
            }
            Sign::Asset(_) => self.loading.hear(sign, now),
            Sign::Fatal(why) => {
                // Once it is ready it may live on in spite of what it says; if it does not, this is why.
                self.fatal = Some(why.clone());
                if matches!(self.state, State::Starting { .. }) {
                    self.attempt_failed(Failure::passing(why), now);
                }
            }
        }
    }

    /// A first start may download for hours: it is too slow when nothing has come for as long as another start may take in all.
    fn give_more_time(&mut self, now: Instant) {
        if let State::Starting { deadline: Some(deadline), .. } = &mut self.state {
            *deadline = (*deadline).max(now + self.policy.load_timeout);
        }
    }

    /// Ready is: its window is there, and its API answers where it has one.
    pub(super) fn on_progress(&mut self) {
        let State::Starting { phase, .. } = &mut self.state else { return };
        // One whose API cannot be used is seen all the same, and said to be so.
        let has_its_say = self.api == Api::Connected || self.contact.is_given_up_for_now();
        match (self.has_window, self.kind == Kind::Program || has_its_say) {
            (true, true) => {
                self.state = State::Ready;
                self.message = None;
            }
            (false, true) => *phase = Phase::Window,
            (_, false) => {}
        }
    }

    pub(super) fn on_window_missing(&mut self, why: &str, now: Instant) {
        if matches!(self.state, State::Starting { .. }) {
            self.attempt_failed(Failure::passing(words::no_window(&self.name, why)), now);
        }
    }

    pub(super) fn on_api_lost(&mut self, why: String, now: Instant) {
        self.api = Api::Lost { retry_at: self.contact.lost(why, now) };
        self.on_progress();
    }
}

/// A start only goes forward, whatever order the signs come in.
fn later(one: Phase, other: Phase) -> Phase {
    let rank = |phase| match phase {
        Phase::Display => 0,
        Phase::Launching => 1,
        Phase::Loading => 2,
        Phase::Window => 3,
        Phase::Connecting => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use model::InstanceState;

    use super::*;
    use crate::machine::{
        Input,
        tests::{SECOND, named},
    };

    #[test]
    fn a_start_that_downloads_has_its_time_from_the_last_file_on_and_says_what_it_waited_for() {
        let mut machine = named("loading");
        let first = machine.wake_at().unwrap();
        let later = first - SECOND;
        for sign in
            [Sign::DownloadBegun("a".into()), Sign::DownloadBegun("b".into()), Sign::DownloadDone("a".into())]
        {
            machine.handle(Input::Log(sign), later);
        }
        // That one of two is here is told before.
        machine.handle(Input::TimedOut, first);
        let deadline = machine.wake_at().unwrap();
        assert_eq!(deadline, later + 60 * SECOND);
        assert_eq!(machine.status().state, InstanceState::Starting);
        machine.handle(Input::TimedOut, deadline);
        let said = machine.status().message.unwrap();
        assert!(
            said.contains("got no file of its data for 60 s; 1 of 2 are here. Look at the network"),
            "{said}"
        );
    }
}
