//! Every input in every state as a table; and a simulated world in which nothing may go wrong that the machine could prevent.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use model::{Build, BuildKind};
use proptest::prelude::*;

use openspace::readiness::Sign;

use super::*;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// How each state is come to.
fn states() -> Vec<(&'static str, Machine)> {
    let spawned = || vec![Input::Start, Input::DisplayOpened, Input::Spawned];
    let ready =
        || [spawned(), vec![Input::Log(Sign::Rendering), Input::ApiReady, Input::WindowFound]].concat();
    let then = |mut inputs: Vec<Input>, more: Vec<Input>| {
        inputs.extend(more);
        inputs
    };
    let stop = || Input::Stop(StopReason::Viewer);
    let fatal = || Input::Log(Sign::Fatal("No sky.".to_owned()));
    let lasting = || Failure::lasting("No Xvfb.".to_owned());
    [
        ("absent", vec![]),
        ("opening", vec![Input::Start]),
        ("spawning", vec![Input::Start, Input::DisplayOpened]),
        ("loading", spawned()),
        ("connecting", then(spawned(), vec![Input::Log(Sign::Rendering)])),
        ("loaded", then(spawned(), vec![Input::Log(Sign::Rendering), loaded(), Input::WindowFound])),
        ("windowless", then(spawned(), vec![Input::Log(Sign::Rendering), Input::ApiReady])),
        ("ready", ready()),
        ("ready, api lost", then(ready(), vec![Input::ApiLost("It hung up".to_owned())])),
        ("waiting", then(ready(), vec![exited()])),
        ("waiting, dying", then(spawned(), vec![fatal()])),
        ("starting, dying", then(spawned(), vec![fatal(), Input::TimedOut])),
        ("stopping, opening", vec![Input::Start, stop()]),
        ("stopping, spawning", vec![Input::Start, Input::DisplayOpened, stop()]),
        ("stopping", then(ready(), vec![stop()])),
        ("stopping, closing", then(ready(), vec![stop(), exited()])),
        ("restarting", then(ready(), vec![Input::Restart])),
        ("failed, closing", vec![Input::Start, Input::DisplayOpened, Input::SpawnFailed(lasting())]),
        ("failed", vec![Input::Start, Input::DisplayFailed(lasting())]),
        ("stopped", vec![Input::Stop(StopReason::Viewer)]),
    ]
    .into_iter()
    .map(|(name, inputs)| (name, machine_after(inputs)))
    .collect()
}

fn inputs() -> Vec<(&'static str, Input)> {
    let passing = || Failure::passing("Not now.".to_owned());
    let lasting = || Failure::lasting("Never.".to_owned());
    let adopted = |display, program, was_ready| Input::Adopted(Adopted { display, program, was_ready });
    vec![
        ("Start", Input::Start),
        ("Stop", Input::Stop(StopReason::Administrator)),
        ("Restart", Input::Restart),
        ("Adopted ready", adopted(true, true, true)),
        ("Adopted loading", adopted(true, true, false)),
        ("Adopted display", adopted(true, false, true)),
        ("Adopted program", adopted(false, true, true)),
        ("DisplayOpened", Input::DisplayOpened),
        ("DisplayFailed", Input::DisplayFailed(passing())),
        ("DisplayFailed for good", Input::DisplayFailed(lasting())),
        ("DisplayGone", Input::DisplayGone),
        ("DisplayClosed", Input::DisplayClosed),
        ("Spawned", Input::Spawned),
        ("SpawnFailed", Input::SpawnFailed(passing())),
        ("SpawnFailed for good", Input::SpawnFailed(lasting())),
        ("Loading", Input::Log(Sign::Phase(Phase::Loading))),
        ("Rendering", Input::Log(Sign::Rendering)),
        ("Loaded", loaded()),
        ("Asset", Input::Log(Sign::Asset("mars".to_owned()))),
        ("Fatal", Input::Log(Sign::Fatal("No sky.".to_owned()))),
        ("WindowFound", Input::WindowFound),
        ("WindowMissing", Input::WindowMissing("none".to_owned())),
        ("ApiReady", Input::ApiReady),
        ("ApiFailed", Input::ApiFailed("no answer".to_owned())),
        ("ApiLost", Input::ApiLost("It hung up".to_owned())),
        ("Exited", exited()),
        ("TimedOut", Input::TimedOut),
    ]
}

/// `Starting(Display) open spawning - : Spawn`: the status, the display, the program, the API, and what is to be done.
fn describe(machine: &Machine, out: &[Output]) -> String {
    let status = machine.status();
    let phase = status.phase.map(|phase| format!("({phase:?})")).unwrap_or_default();
    let display = match machine.display {
        Display::Absent => "-",
        Display::Opening => "opening",
        Display::Open => "open",
        Display::Closing => "closing",
    };
    let program = match machine.program {
        Program::Absent => "-",
        Program::Spawning => "spawning",
        Program::Alive { .. } => "alive",
        Program::Dying { .. } => "dying",
    };
    let api = match machine.api {
        Api::Absent => "-",
        Api::Connecting => "connecting",
        Api::Connected => "connected",
        Api::Lost { .. } => "lost",
    };
    let deeds: Vec<String> = out
        .iter()
        .map(|output| format!("{output:?}").chars().take_while(|c| c.is_alphabetic()).collect())
        .collect();
    format!("{:?}{phase} {display} {program} {api} : {}", status.state, deeds.join(" "))
        .trim_end_matches([' ', ':'])
        .to_owned()
}

/// `table.txt` names for each state the inputs that change something, and how; all others change nothing there.
#[test]
fn every_input_is_answered_in_every_state() {
    let mut table = String::new();
    for (state, machine) in states() {
        let before = describe(&machine, &[]);
        writeln!(table, "{state}: {before}").unwrap();
        for (name, input) in inputs() {
            let mut machine = named(state);
            let now = Instant::now();
            let then = if matches!(input, Input::TimedOut) { machine.wake_at().unwrap_or(now) } else { now };
            let out = machine.handle(input, then);
            let after = describe(&machine, &out);
            if after != before {
                writeln!(table, "    {name:<24} {after}").unwrap();
            }
            if machine.status().state == InstanceState::Failed {
                assert!(machine.status().message.is_some(), "{state} fails on {name} without a reason");
            }
        }
    }
    assert_eq!(table, include_str!("table.txt"), "the table is now:\n{table}");
}

#[test]
fn each_polite_way_gets_its_share_of_the_grace_and_then_it_is_a_kill() {
    let mut machine = named("ready");
    let start = Instant::now();
    let mut seen = vec![(0, machine.handle(Input::Stop(StopReason::Viewer), start))];
    for _ in 0..3 {
        let at = machine.wake_at().unwrap();
        seen.push(((at - start).as_secs(), machine.handle(Input::TimedOut, at)));
    }
    let deeds = [Output::AskToEnd, Output::CloseWindow, Output::Terminate, Output::Kill];
    let expected: Vec<_> = [0, 3, 6, 9].into_iter().zip(deeds.map(|deed| vec![deed])).collect();
    assert_eq!(seen, expected);
    // One that hangs in the kernel is killed again and again, not forgotten.
    let at = machine.wake_at().unwrap();
    assert_eq!(machine.handle(Input::TimedOut, at), [Output::Kill]);
}

#[test]
fn a_program_that_always_ends_at_once_fails_with_its_last_words() {
    let mut machine = Machine::new("Test", Kind::Program, &policy());
    let mut now = Instant::now();
    machine.handle(Input::Start, now);
    machine.handle(Input::DisplayOpened, now);
    for attempt in 1..=3 {
        assert_eq!(machine.status().attempt, attempt);
        machine.handle(Input::Spawned, now);
        let farewell = Farewell { exit: Exit::Code(3), last_words: Some("no sky today".to_owned()) };
        machine.handle(Input::Exited(farewell), now + Duration::from_millis(20));
        if attempt < 3 {
            assert_eq!(machine.status().state, InstanceState::Restarting);
            now = machine.wake_at().unwrap();
            assert_eq!(machine.handle(Input::TimedOut, now), [Output::Spawn]);
        }
    }
    assert_eq!(machine.status().state, InstanceState::Failed);
    assert_eq!(
        machine.status().message.unwrap(),
        "Test ended by itself with exit status 3 20 ms after its start, before it was ready. Its last words: “no sky today”. \
         It was started 3 times in vain. Look into its log, then start it again."
    );
    machine.handle(Input::DisplayClosed, now);
    assert_eq!(machine.wake_at(), None);
    machine.handle(Input::Start, now);
    assert_eq!((machine.status().state, machine.status().attempt), (InstanceState::Starting, 1));
}

#[test]
fn a_slow_start_is_told_by_what_is_missing() {
    for (state, says) in [
        ("loading", "gave no sign of life within 60 s"),
        ("connecting", "opened no window within 60 s"),
        ("windowless", "opened no window within 60 s"),
    ] {
        let mut machine = named(state);
        let deadline = machine.wake_at().unwrap();
        machine.handle(Input::TimedOut, deadline);
        let message = machine.status().message.unwrap();
        assert!(message.contains(says) && message.contains("started again"), "{state}: {message}");
    }
}

#[test]
fn what_the_log_called_fatal_is_the_reason_of_a_later_end() {
    let mut machine = named("ready");
    machine.handle(Input::Log(Sign::Fatal("No sky.".to_owned())), Instant::now());
    assert_eq!(machine.status().state, InstanceState::Ready, "it may live on");
    machine.handle(exited(), Instant::now());
    assert_eq!(machine.status().message.as_deref(), Some("No sky. It is started again in 1 s."));
}

#[test]
fn a_start_only_goes_forward() {
    let mut machine = named("connecting");
    machine.handle(Input::Log(Sign::Phase(Phase::Loading)), Instant::now());
    assert_eq!(machine.status().phase, Some(Phase::Connecting));
}

proptest! {
    #[test]
    fn whatever_happens_there_is_one_program_at_most_and_a_stop_is_the_end(
        openspace: bool,
        adopted in prop::option::of((any::<bool>(), any::<bool>(), any::<bool>())),
        events in prop::collection::vec(any_event(), 0..120),
    ) {
        let mut world = World::new(if openspace { Kind::OpenSpace } else { Kind::Program });
        world.begin(adopted);
        for event in events {
            world.happen(event);
        }
        world.tell(Input::Stop(StopReason::Viewer));
        for _ in 0..50 {
            if world.machine.is_stopped() { break }
            world.carry_on();
        }
        prop_assert!(world.machine.is_stopped(), "{}", describe(&world.machine, &[]));
        prop_assert_eq!((world.display, world.program), (Thing::Absent, Thing::Absent));
        prop_assert_eq!(world.machine.wake_at(), None);
    }

    #[test]
    fn nonsense_in_any_order_neither_panics_nor_spins(order in prop::collection::vec(0..26_usize, 0..80)) {
        let mut machine = Machine::new("Test", Kind::OpenSpace, &policy());
        let mut now = Instant::now();
        for index in order {
            machine.handle(inputs().swap_remove(index).1, now);
            if let Some(at) = machine.wake_at() {
                now = now.max(at);
                machine.handle(Input::TimedOut, now);
                prop_assert!(machine.wake_at().is_none_or(|next| next > now), "it would wake at once, again and again");
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Absent,
    Coming,
    There,
    /// A display that closes, a program that was killed.
    Going,
}

#[derive(Clone, Debug)]
enum Event {
    Start,
    Restart,
    Time(u64),
    DisplayComes(bool),
    DisplayDies,
    ProgramComes(bool),
    ProgramEnds,
    Sign(Sign),
    Window(bool),
    Api(bool),
    ApiLost,
    /// Whatever is under way comes through.
    CarryOn,
}

fn any_event() -> impl Strategy<Value = Event> {
    let sign = prop_oneof![
        3 => Just(Sign::Rendering),
        1 => Just(Sign::Phase(Phase::Loading)),
        1 => Just(Sign::Phase(Phase::Connecting)),
        1 => Just(Sign::Fatal("No sky.".to_owned())),
    ];
    prop_oneof![
        1 => Just(Event::Start),
        1 => Just(Event::Restart),
        2 => (0_u64..100_000).prop_map(Event::Time),
        2 => any::<bool>().prop_map(Event::DisplayComes),
        1 => Just(Event::DisplayDies),
        2 => any::<bool>().prop_map(Event::ProgramComes),
        2 => Just(Event::ProgramEnds),
        2 => sign.prop_map(Event::Sign),
        2 => prop::bool::weighted(0.8).prop_map(Event::Window),
        2 => prop::bool::weighted(0.8).prop_map(Event::Api),
        1 => Just(Event::ApiLost),
        6 => Just(Event::CarryOn),
    ]
}

/// Displays and programs as they are in truth. It does what the machine says and checks that it may be said.
struct World {
    machine: Machine,
    now: Instant,
    display: Thing,
    program: Thing,
    asked_to_end: bool,
    /// Since a person last asked for a start.
    starts: Vec<Instant>,
}

impl World {
    fn new(kind: Kind) -> Self {
        let machine = Machine::new("Test", kind, &policy());
        let (display, program) = (Thing::Absent, Thing::Absent);
        Self { machine, now: Instant::now(), display, program, asked_to_end: false, starts: Vec::new() }
    }

    fn begin(&mut self, adopted: Option<(bool, bool, bool)>) {
        let Some((display, program, was_ready)) = adopted else { return self.tell(Input::Start) };
        let there = |is| if is { Thing::There } else { Thing::Absent };
        (self.display, self.program) = (there(display), there(program));
        self.tell(Input::Adopted(Adopted { display, program, was_ready }));
    }

    fn happen(&mut self, event: Event) {
        let failure = || Failure::passing("Not now.".to_owned());
        match event {
            Event::Start | Event::Restart => {
                self.starts.clear();
                self.tell(if matches!(event, Event::Start) { Input::Start } else { Input::Restart });
            }
            Event::Time(milliseconds) => {
                self.now += Duration::from_millis(milliseconds);
                if self.machine.wake_at().is_some_and(|at| at <= self.now) {
                    self.tell(Input::TimedOut);
                }
            }
            Event::DisplayComes(well) if self.display == Thing::Coming => {
                self.display = if well { Thing::There } else { Thing::Absent };
                self.tell(if well { Input::DisplayOpened } else { Input::DisplayFailed(failure()) });
            }
            Event::DisplayDies if self.display == Thing::There => {
                self.display = Thing::Absent;
                self.tell(Input::DisplayGone);
            }
            Event::ProgramComes(well) if self.program == Thing::Coming => {
                self.program = if well { Thing::There } else { Thing::Absent };
                self.asked_to_end = false;
                self.tell(if well { Input::Spawned } else { Input::SpawnFailed(failure()) });
            }
            Event::ProgramEnds if matches!(self.program, Thing::There | Thing::Going) => {
                self.program = Thing::Absent;
                self.tell(exited());
            }
            Event::Sign(sign) if self.program == Thing::There => self.tell(Input::Log(sign)),
            Event::Window(true) => self.tell(Input::WindowFound),
            Event::Window(false) => self.tell(Input::WindowMissing("none".to_owned())),
            Event::Api(true) => self.tell(Input::ApiReady),
            Event::Api(false) => self.tell(Input::ApiFailed("no answer".to_owned())),
            Event::ApiLost => self.tell(Input::ApiLost("It hung up".to_owned())),
            Event::CarryOn => self.carry_on(),
            _ => {}
        }
    }

    /// What has been asked for happens; where nothing has been, time passes until the machine wants something.
    fn carry_on(&mut self) {
        match (self.display, self.program) {
            (Thing::Coming, _) => self.happen(Event::DisplayComes(true)),
            (_, Thing::Coming) => self.happen(Event::ProgramComes(true)),
            (_, Thing::Going) => self.happen(Event::ProgramEnds),
            (Thing::Going, _) => {
                self.display = Thing::Absent;
                self.tell(Input::DisplayClosed);
            }
            _ => {
                self.now = self.machine.wake_at().unwrap_or(self.now).max(self.now);
                self.tell(Input::TimedOut);
            }
        }
    }

    fn tell(&mut self, input: Input) {
        for output in self.machine.handle(input, self.now) {
            self.perform(output);
        }
        let status = self.machine.status();
        assert!(
            status.state != InstanceState::Failed || status.message.is_some(),
            "a failure without a reason"
        );
        if status.state == InstanceState::Ready {
            assert_eq!((self.display, self.program), (Thing::There, Thing::There), "ready without a picture");
        }
    }

    fn perform(&mut self, output: Output) {
        let (display, program) = (self.display, self.program);
        match output {
            Output::OpenDisplay => {
                assert_eq!(display, Thing::Absent, "a second display");
                self.display = Thing::Coming;
            }
            Output::Spawn => {
                assert_eq!(
                    (display, program),
                    (Thing::There, Thing::Absent),
                    "a second program, or one without a display"
                );
                self.program = Thing::Coming;
                self.count_start();
            }
            Output::CloseDisplay => {
                assert_eq!((display, program), (Thing::There, Thing::Absent), "the display goes last");
                self.display = Thing::Going;
            }
            Output::AskToEnd => {
                assert!(!self.asked_to_end, "it is a toggle");
                self.asked_to_end = true;
            }
            Output::Kill => {
                assert!(matches!(program, Thing::There | Thing::Going), "there is nothing to kill");
                self.program = Thing::Going;
            }
            Output::Terminate
            | Output::CloseWindow
            | Output::WaitWindow { .. }
            | Output::ConnectApi { .. } => {
                assert_eq!(program, Thing::There, "{output:?} with nobody there");
            }
        }
    }

    fn count_start(&mut self) {
        let policy = policy();
        self.starts.push(self.now);
        let recent =
            self.starts.iter().filter(|start| self.now.duration_since(**start) < policy.attempts_window);
        assert!(recent.count() <= policy.attempts_max as usize, "started again and again");
    }
}

pub(super) fn named(state: &str) -> Machine {
    states()
        .into_iter()
        .find(|(name, _)| *name == state)
        .map(|(_, machine)| machine)
        .expect("a state of the table")
}

fn machine_after(inputs: Vec<Input>) -> Machine {
    let mut machine = Machine::new("Test", Kind::OpenSpace, &policy());
    let now = Instant::now();
    for input in inputs {
        let at = if matches!(input, Input::TimedOut) { now + SECOND } else { now };
        machine.handle(input, at);
    }
    machine
}

fn loaded() -> Input {
    Input::Log(Sign::Phase(Phase::Connecting))
}

fn exited() -> Input {
    Input::Exited(Farewell { exit: Exit::Code(3), last_words: None })
}

pub(crate) fn policy() -> Policy {
    Policy {
        load_timeout: Duration::from_secs(60),
        stop_grace: Duration::from_secs(9),
        backoff_first: Duration::from_secs(1),
        backoff_max: Duration::from_secs(30),
        attempts_max: 3,
        attempts_window: Duration::from_secs(600),
        log_bytes_max: 1 << 20,
    }
}

pub(crate) fn program_build(command: &str, args: &[&str]) -> Build {
    Build {
        id: "test".parse().unwrap(),
        name: "Test".to_owned(),
        kind: BuildKind::Program { command: command.into(), working_dir: None },
        env: std::collections::BTreeMap::new(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
    }
}
