//! How it ends: by itself, in vain, or because it was asked to. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use model::Phase;

use super::{
    Api, Display, Failure, Farewell, KILL_AGAIN, Machine, Output, Program, State, Then, contact::Contact,
    words,
};
use crate::backoff::Verdict;

impl Machine {
    pub(super) fn on_exited(&mut self, farewell: &Farewell, now: Instant) {
        let lasted = match self.program {
            Program::Alive { since } => Some(now.saturating_duration_since(since)),
            _ => None,
        };
        self.program = Program::Absent;
        self.has_window = false;
        self.api = Api::Absent;
        self.contact = Contact::default();
        let fatal = self.fatal.take();
        match &mut self.state {
            State::Stopping { steps, .. } => steps.clear(),
            // It was killed in an earlier attempt: this one begins only now.
            State::Starting { phase, deadline } if lasted.is_none() => {
                (*phase, *deadline) = (Phase::Display, None)
            }
            State::Starting { .. } | State::Ready => {
                let was_ready = self.state == State::Ready;
                let lasted = lasted.unwrap_or_default();
                let why = fatal.unwrap_or_else(|| words::ended(&self.name, farewell, lasted, was_ready));
                self.attempt_failed(Failure::passing(why), now);
            }
            State::Absent | State::Waiting { .. } | State::Failed | State::Stopped => {}
        }
    }

    /// Only a start, or what was started, can fail; elsewhere the state has its course already.
    pub(super) fn attempt_failed(&mut self, failure: Failure, now: Instant) {
        if !matches!(self.state, State::Starting { .. } | State::Ready) {
            return;
        }
        if !failure.heals {
            self.message = Some(failure.why);
            self.state = State::Failed;
            return;
        }
        match self.backoff.failed(self.state == State::Ready, now) {
            Verdict::Again { after } => {
                self.message = Some(words::again(&failure.why, after));
                self.state = State::Waiting { until: now + after };
            }
            Verdict::TooMany { starts } => {
                self.message = Some(words::given_up(&failure.why, starts));
                self.state = State::Failed;
            }
        }
    }

    pub(super) fn on_timed_out(&mut self, now: Instant, out: &mut Vec<Output>) {
        if let Program::Dying { kill_again } = &mut self.program
            && *kill_again <= now
        {
            *kill_again = now + KILL_AGAIN;
            out.push(Output::Kill);
        }
        if self.shows() && self.contact.turn(now) {
            self.on_progress();
        }
        if matches!(self.state, State::Starting { .. }) {
            self.loading.turn(now);
        }
        match &mut self.state {
            State::Starting { phase, deadline: Some(deadline) } if *deadline <= now => {
                let limit = self.policy.load_timeout;
                let why = match self.loading.awaited() {
                    Some((done, begun)) => words::starved(&self.name, limit, done, begun),
                    None => words::too_slow(&self.name, *phase, self.has_window, limit),
                };
                self.attempt_failed(Failure::passing(why), now);
            }
            State::Waiting { until } if *until <= now => self.begin(now),
            State::Stopping { .. } => self.take_steps(now, out),
            _ => {}
        }
        if let Api::Lost { retry_at } = self.api
            && retry_at <= now
            && self.shows()
        {
            self.connect(out);
        }
    }

    /// The polite ways first, as far as there are any; each gets its share of the grace, and its end is a kill.
    pub(super) fn stop(&mut self, then: Then, now: Instant, out: &mut Vec<Output>) {
        let mut ways = Vec::new();
        if self.api == Api::Connected {
            ways.push(Output::AskToEnd);
        }
        if self.has_window && self.display == Display::Open {
            ways.push(Output::CloseWindow);
        }
        ways.push(Output::Terminate);
        let steps = match self.program {
            Program::Alive { .. } => schedule(&ways, now, self.policy.stop_grace),
            Program::Absent | Program::Spawning | Program::Dying { .. } => VecDeque::new(),
        };
        self.state = State::Stopping { then, steps };
        self.take_steps(now, out);
    }

    pub(super) fn take_steps(&mut self, now: Instant, out: &mut Vec<Output>) {
        let State::Stopping { steps, .. } = &mut self.state else { return };
        while let Some((_, step)) = steps.front().copied().filter(|(at, _)| *at <= now) {
            steps.pop_front();
            out.push(step);
            if step == Output::Kill {
                self.program = Program::Dying { kill_again: now + KILL_AGAIN };
            }
        }
    }
}

/// One way after the other within the grace, and then the last.
pub(super) fn schedule(ways: &[Output], now: Instant, grace: Duration) -> VecDeque<(Instant, Output)> {
    let share = grace / u32::try_from(ways.len().max(1)).unwrap_or(u32::MAX);
    let mut steps = VecDeque::new();
    let mut at = now;
    for way in ways {
        steps.push_back((at, *way));
        at += share;
    }
    steps.push_back((now + grace, Output::Kill));
    steps
}
