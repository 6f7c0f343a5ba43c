//! What an instance does next. Pure: inputs and the time come in, deeds come out, and every input is answered in every state.
//!
//! The states are drawn atop `lib.rs`. Beside the state the machine knows what there is: a display, a program. [`Machine::settle`]
//! compares the two and asks for what is missing, or for the end of what must go; so there is never a second program, whatever comes when.

mod contact;
mod ending;
mod loading;
mod starting;
mod talk;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod words;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use model::{InstanceState, InstanceStatus, Phase, StopReason};

pub(crate) use contact::{Matter, Why};
pub(crate) use talk::{Adopted, Exit, Failure, Farewell, Input, Output};

use crate::{Policy, backoff::Backoff};

#[derive(Debug)]
pub(crate) struct Machine {
    /// What people call the program.
    name: String,
    kind: Kind,
    policy: Policy,
    backoff: Backoff,
    state: State,
    display: Display,
    program: Program,
    has_window: bool,
    api: Api,
    contact: contact::Contact,
    /// The reason that the program's log gave for ending.
    fatal: Option<String>,
    loading: loading::Loading,
    message: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Says in its log how far it has come, and has an API.
    OpenSpace,
    /// Its window is all that is known of it.
    Program,
}

#[derive(Clone, PartialEq, Debug)]
enum State {
    Absent,
    Starting { phase: Phase, deadline: Option<Instant> },
    Ready,
    Waiting { until: Instant },
    Stopping { then: Then, steps: VecDeque<(Instant, Output)> },
    Failed,
    Stopped,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    Stopped,
    Start,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Display {
    Absent,
    Opening,
    Open,
    Closing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Program {
    Absent,
    Spawning,
    Alive {
        since: Instant,
    },
    /// Killed, but its end has not been seen.
    Dying {
        kill_again: Instant,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Api {
    Absent,
    Connecting,
    Connected,
    /// While it is ready: the picture goes on without it.
    Lost {
        retry_at: Instant,
    },
}

/// A killed process that hangs in the kernel may need another nudge when it comes back.
const KILL_AGAIN: Duration = Duration::from_secs(2);
/// How much later than the machine's own deadline the errands give up: the machine knows the better words.
const ERRAND_SLACK: Duration = Duration::from_secs(5);

impl Machine {
    pub fn new(name: &str, kind: Kind, policy: &Policy) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            policy: policy.clone(),
            backoff: Backoff::new(policy),
            state: State::Absent,
            display: Display::Absent,
            program: Program::Absent,
            has_window: false,
            api: Api::Absent,
            contact: contact::Contact::default(),
            fatal: None,
            loading: loading::Loading::default(),
            message: None,
        }
    }

    pub fn handle(&mut self, input: Input, now: Instant) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Start => self.on_start(now),
            Input::Restart => self.on_restart(now, &mut out),
            Input::Stop(reason) => self.on_stop(reason, now, &mut out),
            Input::Adopted(what) => self.on_adopted(what, now, &mut out),
            Input::TimedOut => self.on_timed_out(now, &mut out),
            rumour if !self.is_news(&rumour) => {}
            Input::DisplayOpened => self.display = Display::Open,
            Input::DisplayFailed(failure) => {
                self.display = Display::Absent;
                self.attempt_failed(failure, now);
            }
            Input::DisplayGone => {
                self.display = Display::Absent;
                let why = format!("The X display of {} ended unexpectedly.", self.name);
                self.attempt_failed(Failure::passing(why), now);
            }
            Input::DisplayClosed => self.display = Display::Absent,
            Input::Spawned => self.on_spawned(now, &mut out),
            Input::SpawnFailed(failure) => {
                self.program = Program::Absent;
                self.attempt_failed(failure, now);
            }
            Input::Log(sign) => self.on_log(sign, now, &mut out),
            Input::WindowFound => {
                self.has_window = true;
                self.on_progress();
            }
            Input::WindowMissing(why) => self.on_window_missing(&why, now),
            Input::ApiReady => {
                self.api = Api::Connected;
                self.contact.answered(now);
                self.on_progress();
            }
            Input::ApiFailed(why) | Input::ApiLost(why) => self.on_api_lost(why, now),
            Input::Exited(farewell) => self.on_exited(&farewell, now),
        }
        self.settle(now, &mut out);
        out
    }

    /// When the next `TimedOut` is wanted.
    pub fn wake_at(&self) -> Option<Instant> {
        let state = match &self.state {
            State::Starting { deadline, .. } => {
                [*deadline, self.loading.wake_at()].into_iter().flatten().min()
            }
            State::Waiting { until } => Some(*until),
            State::Stopping { steps, .. } => steps.front().map(|(at, _)| *at),
            State::Absent | State::Ready | State::Failed | State::Stopped => None,
        };
        let kill = match self.program {
            Program::Dying { kill_again } => Some(kill_again),
            _ => None,
        };
        let api = match (&self.state, self.api) {
            (State::Ready | State::Starting { .. }, Api::Lost { retry_at }) if self.shows() => Some(retry_at),
            _ => None,
        };
        let contact = self.contact.wake_at().filter(|_| self.shows());
        [state, kill, api, contact].into_iter().flatten().min()
    }

    /// What is the matter with its API while its picture is to be seen.
    pub fn matter(&self) -> Option<&Matter> {
        self.contact.matter().filter(|_| self.state == State::Ready)
    }

    /// What its start has fetched; while it starts, as often as people read it.
    pub fn downloads(&self) -> crate::Downloads {
        match self.state {
            State::Starting { .. } => self.loading.told_downloads(),
            _ => self.loading.downloads(),
        }
    }

    /// Its picture is there, or about to be.
    const fn shows(&self) -> bool {
        matches!((&self.state, self.program), (State::Starting { .. } | State::Ready, Program::Alive { .. }))
    }

    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    pub fn status(&self) -> InstanceStatus {
        let attempt = self.backoff.attempt();
        let (state, phase) = match &self.state {
            State::Starting { phase, .. } if attempt > 1 || self.message.is_some() => {
                (InstanceState::Restarting, Some(*phase))
            }
            State::Absent => (InstanceState::Starting, Some(Phase::Display)),
            State::Starting { phase, .. } => (InstanceState::Starting, Some(*phase)),
            State::Ready => (InstanceState::Ready, None),
            State::Waiting { .. } | State::Stopping { then: Then::Start, .. } => {
                (InstanceState::Restarting, None)
            }
            State::Stopping { then: Then::Stopped, .. } => (InstanceState::Stopping, None),
            State::Failed => (InstanceState::Failed, None),
            State::Stopped => (InstanceState::Stopped, None),
        };
        let detail = phase.and_then(|_| self.loading.told());
        InstanceStatus { phase, detail, attempt, message: self.message.clone(), ..InstanceStatus::new(state) }
    }

    /// Can this be true? Word of a display or a program that is not there comes from one that was there before.
    fn is_news(&self, input: &Input) -> bool {
        let alive = matches!(self.program, Program::Alive { .. });
        match input {
            Input::DisplayOpened | Input::DisplayFailed(_) => self.display == Display::Opening,
            Input::DisplayGone => self.display == Display::Open,
            Input::DisplayClosed => self.display == Display::Closing,
            Input::Spawned | Input::SpawnFailed(_) => self.program == Program::Spawning,
            Input::Exited(_) => alive || matches!(self.program, Program::Dying { .. }),
            Input::Log(_) | Input::WindowFound | Input::WindowMissing(_) => alive,
            Input::ApiReady | Input::ApiFailed(_) => alive && self.api == Api::Connecting,
            Input::ApiLost(_) => alive && self.api == Api::Connected,
            Input::Start | Input::Stop(_) | Input::Restart | Input::Adopted(_) | Input::TimedOut => true,
        }
    }

    // What people ask for.

    fn on_start(&mut self, now: Instant) {
        if matches!(self.state, State::Absent | State::Failed) {
            self.start_afresh(now);
        }
    }

    fn on_restart(&mut self, now: Instant, out: &mut Vec<Output>) {
        match self.state {
            State::Absent | State::Failed => self.start_afresh(now),
            State::Starting { .. } | State::Ready | State::Waiting { .. } => {
                self.message = Some(format!("{} is restarted on request.", self.name));
                self.stop(Then::Start, now, out);
            }
            // What is going away is not called back; a restart under way is not begun anew.
            State::Stopping { .. } | State::Stopped => {}
        }
    }

    fn on_stop(&mut self, reason: StopReason, now: Instant, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Stopping { then, .. } => *then = Then::Stopped,
            State::Stopped => return,
            _ => self.stop(Then::Stopped, now, out),
        }
        self.message = Some(words::stopped(&self.name, reason));
    }

    fn on_adopted(&mut self, what: Adopted, now: Instant, out: &mut Vec<Output>) {
        if self.state != State::Absent {
            return;
        }
        self.backoff.started(now);
        self.display = if what.display { Display::Open } else { Display::Absent };
        self.program = if what.program { Program::Alive { since: now } } else { Program::Absent };
        if what.display && what.program {
            self.has_window = what.was_ready;
            self.attend(out);
            if what.was_ready {
                self.state = State::Ready;
                self.contact.expect(now);
                self.connect(out);
            } else {
                self.state =
                    State::Starting { phase: Phase::Loading, deadline: Some(now + self.policy.load_timeout) };
            }
        } else {
            self.message = Some(words::ended_unseen(&self.name, what.program));
            self.state = State::Starting { phase: Phase::Display, deadline: None };
        }
    }

    fn start_afresh(&mut self, now: Instant) {
        self.backoff.reset();
        self.message = None;
        self.begin(now);
    }

    fn begin(&mut self, now: Instant) {
        self.backoff.started(now);
        self.state = State::Starting { phase: Phase::Display, deadline: None };
    }

    /// Asks for what the state lacks, and for the end of what it has no use for.
    fn settle(&mut self, now: Instant, out: &mut Vec<Output>) {
        match (&self.state, self.display, self.program) {
            (State::Starting { .. }, Display::Absent, Program::Absent) => {
                self.display = Display::Opening;
                out.push(Output::OpenDisplay);
            }
            (State::Starting { .. }, Display::Open, Program::Absent) => {
                self.program = Program::Spawning;
                out.push(Output::Spawn);
            }
            (State::Starting { .. }, Display::Absent | Display::Closing, Program::Alive { .. })
            | (State::Waiting { .. } | State::Failed, _, Program::Alive { .. }) => {
                self.program = Program::Dying { kill_again: now + KILL_AGAIN };
                out.push(Output::Kill);
            }
            (State::Failed | State::Stopping { then: Then::Stopped, .. }, Display::Open, Program::Absent) => {
                self.display = Display::Closing;
                out.push(Output::CloseDisplay);
            }
            (State::Stopping { then: Then::Stopped, .. }, Display::Absent, Program::Absent) => {
                self.state = State::Stopped;
            }
            (State::Stopping { then: Then::Start, .. }, _, Program::Absent) => {
                self.backoff.reset();
                self.begin(now);
                self.settle(now, out);
            }
            _ => {}
        }
    }
}
