//! Does what the machine says, for one instance: one task, one loop, one match.
//!
//! What takes longer than a moment is an errand, a task of its own: *lasting* ones always run to their end, since a display that opens or
//! a program that starts must not be lost; *attendants* wait on the running program and are given up with it.

mod trouble;

use std::{
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use display::Display;
use model::{DisplayRecord, InstanceState, Running, Trouble, UnixMillis, WindowId, launch::Api};
use openspace::{
    client::{Client, Parting},
    readiness::Sign,
};
use tokio::{
    select,
    sync::{OwnedSemaphorePermit, mpsc, watch},
    task::{JoinError, JoinSet, spawn_blocking},
    time::sleep_until,
};
use tracing::{Instrument, info, warn};

use crate::{
    Report, Spec,
    launch::{self, Launched},
    log::{ReadLine, Ring, Tail},
    machine::{Adopted, Exit, Failure, Farewell, Input, Kind, Machine, Output, words},
    process::{self, Mark, Program},
};

/// Lines of a program's log that are looked at for its last words: a trace of the stack may follow them.
const LAST_LINES: usize = 60;

/// How long one wait for the next window lasts, when a program that was ready has closed its own; then it is waited again.
const NEXT_WINDOW: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    Start,
    Stop(model::StopReason),
    Restart,
    Abandon,
}

pub(crate) struct Driver {
    spec: Arc<Spec>,
    machine: Machine,
    commands: mpsc::Receiver<Command>,
    reports: watch::Sender<Report>,
    ring: Ring,
    display: Option<Arc<Display>>,
    /// Kept while a program outlives its display, so that it can still be found after a restart of the node.
    display_record: Option<DisplayRecord>,
    program: Option<Program>,
    tail: Option<Tail>,
    window: Option<WindowId>,
    api: Option<Api>,
    client: Option<Client>,
    /// What the client has to say of OpenSpace.
    health: Option<watch::Receiver<Option<Trouble>>>,
    /// When what is the matter with the connection began, by both clocks.
    matter_since: Option<(Instant, UnixMillis)>,
    notes: Vec<String>,
    /// Held until this start is over.
    turn: Option<OwnedSemaphorePermit>,
    lasting: JoinSet<Done>,
    attendants: JoinSet<Done>,
}

/// What woke the loop.
enum Event {
    Command(Option<Command>),
    Done(Done),
    Sign(Sign),
    ProgramEnded,
    DisplayEnded,
    ApiLost(Parting),
    /// OpenSpace answers as it should no more, or again.
    Health,
    Clock,
}

/// What an errand came back with.
enum Done {
    Display(Result<Display, display::OpenError>),
    DisplayClosed,
    Launched(Result<Launched, Failure>),
    Buried(Exit, Vec<Sign>),
    Window(Result<WindowId, display::WindowError>),
    Client(Result<Client, openspace::client::ClientError>),
    Asked,
}

impl Driver {
    pub fn new(
        spec: Spec,
        commands: mpsc::Receiver<Command>,
        reports: watch::Sender<Report>,
        ring: Ring,
    ) -> Self {
        let kind = if spec.build.is_openspace() { Kind::OpenSpace } else { Kind::Program };
        Self {
            machine: Machine::new(&spec.build.name, kind, &spec.policy),
            spec: Arc::new(spec),
            commands,
            reports,
            ring,
            display: None,
            display_record: None,
            program: None,
            tail: None,
            window: None,
            api: None,
            client: None,
            health: None,
            matter_since: None,
            notes: Vec::new(),
            turn: None,
            lasting: JoinSet::new(),
            attendants: JoinSet::new(),
        }
    }

    pub async fn run(mut self, running: Option<Running>) {
        let first = match running {
            None => self.wait_for_turn().await,
            Some(running) => Some(self.adopt(running).await),
        };
        let Some(first) = first else { return };
        self.step(first);
        while !self.machine.is_stopped() {
            let input = match self.next().await {
                Event::Command(None | Some(Command::Abandon)) => return self.let_go().await,
                Event::Command(Some(Command::Start)) => Input::Start,
                Event::Command(Some(Command::Stop(reason))) => Input::Stop(reason),
                Event::Command(Some(Command::Restart)) => Input::Restart,
                Event::Sign(sign) => Input::Log(sign),
                Event::Clock => Input::TimedOut,
                Event::ApiLost(parting) => {
                    self.client = None;
                    Input::ApiLost(parting.to_string())
                }
                Event::Health => {
                    self.publish();
                    continue;
                }
                Event::DisplayEnded => {
                    self.display = None;
                    Input::DisplayGone
                }
                Event::ProgramEnded => {
                    self.bury();
                    continue;
                }
                Event::Done(done) => {
                    for input in self.absorb(done) {
                        self.step(input);
                    }
                    continue;
                }
            };
            self.step(input);
        }
    }

    /// `None`: it was let go of before it began.
    async fn wait_for_turn(&mut self) -> Option<Input> {
        let Some(turn) = self.spec.turn.clone() else { return Some(Input::Start) };
        if let Ok(permit) = turn.clone().try_acquire_owned() {
            self.turn = Some(permit);
            return Some(Input::Start);
        }
        self.reports.send_modify(|report| {
            report.status.phase = None;
            report.status.detail = Some(words::waits_for_turn(&self.spec.build.name));
        });
        loop {
            select! {
                permit = turn.clone().acquire_owned() => {
                    self.turn = permit.ok();
                    return Some(Input::Start);
                }
                command = self.commands.recv() => match command {
                    Some(Command::Stop(reason)) => return Some(Input::Stop(reason)),
                    Some(Command::Start | Command::Restart) => {}
                    Some(Command::Abandon) | None => return None,
                },
            }
        }
    }

    /// Each branch may be given up and asked again.
    async fn next(&mut self) -> Event {
        let wake_at = self.machine.wake_at();
        let Self { commands, display, program, tail, client, health, lasting, attendants, .. } = self;
        select! {
            command = commands.recv() => Event::Command(command),
            Some(done) = lasting.join_next() => Event::Done(came_back(done)),
            Some(done) = attendants.join_next() => Event::Done(came_back(done)),
            sign = async { match tail { Some(tail) => tail.next().await, None => pending().await } } => Event::Sign(sign),
            () = async { match program { Some(program) => program.ended().await, None => pending().await } } => Event::ProgramEnded,
            () = async { match display { Some(display) => display.exited().await, None => pending().await } } => Event::DisplayEnded,
            parting = async { match client { Some(client) => client.closed().await, None => pending().await } } => Event::ApiLost(parting),
            Ok(()) = async { match health { Some(health) => health.changed().await, None => pending().await } } => Event::Health,
            () = async { match wake_at { Some(at) => sleep_until(at.into()).await, None => pending().await } } => Event::Clock,
        }
    }

    fn step(&mut self, input: Input) {
        for output in self.machine.handle(input, Instant::now()) {
            self.perform(output);
        }
        self.publish();
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::OpenDisplay => {
                let wanted = display::Spec { size: self.spec.size, dir: self.spec.dir.clone() };
                self.lasting
                    .spawn(async move { Done::Display(Display::open(wanted).await) }.in_current_span());
            }
            Output::Spawn => {
                let spec = self.spec.clone();
                let env = self.display.as_ref().map(|display| display.env()).unwrap_or_default();
                self.lasting.spawn_blocking(move || Done::Launched(launch::launch(&spec, env)));
            }
            Output::WaitWindow { within } => {
                if let Some(display) = self.display.clone() {
                    self.attendants.spawn(async move { Done::Window(display.window(within).await) });
                }
            }
            Output::ConnectApi { within } => {
                if let Some(api) = self.api {
                    self.attendants.spawn(async move { Done::Client(Client::connect(api, within).await) });
                }
            }
            Output::AskToEnd => {
                if let Some(client) = self.client.clone() {
                    self.attendants.spawn(async move {
                        if let Err(error) = client.shut_down().await {
                            warn!(%error, "OpenSpace could not be asked to end");
                        }
                        Done::Asked
                    });
                }
            }
            Output::CloseWindow => {
                if let (Some(display), Some(window)) = (self.display.clone(), self.window) {
                    self.attendants.spawn(async move {
                        display.close_window(window).await;
                        Done::Asked
                    });
                }
            }
            Output::Terminate => self.program.iter().for_each(Program::terminate),
            Output::Kill => self.program.iter().for_each(Program::kill),
            Output::CloseDisplay => self.close_display(),
        }
    }

    fn close_display(&mut self) {
        let display = self.display.take();
        let mut attendants = std::mem::take(&mut self.attendants);
        self.lasting.spawn(async move {
            attendants.shutdown().await;
            if let Some(display) = display {
                let only =
                    Arc::into_inner(display).expect("the attendants, its only other holders, have ended");
                only.close().await;
            }
            Done::DisplayClosed
        });
    }

    /// Ends what the program left behind and reads its log to the end, before the machine hears of it.
    fn bury(&mut self) {
        let Some(program) = self.program.take() else { return };
        let tail = self.tail.take();
        let mut attendants = std::mem::take(&mut self.attendants);
        self.client = None;
        self.lasting.spawn(async move {
            attendants.shutdown().await;
            let exit = spawn_blocking(move || program.bury()).await.unwrap_or(Exit::Unknown);
            let signs = match tail {
                Some(tail) => tail.finish().await,
                None => Vec::new(),
            };
            Done::Buried(exit, signs)
        });
    }

    /// Keeps what an errand brought, and says it in the machine's words.
    fn absorb(&mut self, done: Done) -> Vec<Input> {
        let input = match done {
            Done::Asked => return Vec::new(),
            Done::Display(Ok(display)) => {
                self.display_record = Some(display.record().clone());
                self.display = Some(Arc::new(display));
                Input::DisplayOpened
            }
            Done::Display(Err(error)) => Input::DisplayFailed(self.noted(display_failure(&error))),
            Done::DisplayClosed => {
                self.display_record = None;
                Input::DisplayClosed
            }
            Done::Launched(Ok(launched)) => {
                self.follow();
                info!(pid = launched.program.id().pid, "program started");
                self.program = Some(launched.program);
                self.api = launched.api;
                self.notes = launched.notes;
                Input::Spawned
            }
            Done::Launched(Err(failure)) => Input::SpawnFailed(self.noted(failure)),
            Done::Buried(exit, signs) => return self.buried(exit, signs),
            Done::Window(Ok(window)) => {
                self.window = Some(window);
                self.follow_window(window);
                Input::WindowFound
            }
            Done::Window(Err(error)) => Input::WindowMissing(error.to_string()),
            Done::Client(Ok(client)) => {
                self.health = Some(client.trouble());
                self.client = Some(client);
                Input::ApiReady
            }
            Done::Client(Err(error)) => Input::ApiFailed(error.to_string()),
        };
        vec![input]
    }

    fn noted(&mut self, failure: Failure) -> Failure {
        self.notes = failure.note.iter().cloned().collect();
        failure
    }

    fn buried(&mut self, exit: Exit, signs: Vec<Sign>) -> Vec<Input> {
        info!(?exit, "program ended");
        self.window = None;
        self.api = None;
        if self.display.is_none() {
            self.display_record = None;
        }
        let last_words = words::last_words(&self.ring.tail(LAST_LINES));
        signs.into_iter().map(Input::Log).chain([Input::Exited(Farewell { exit, last_words })]).collect()
    }

    /// The log is a comfort: without it an OpenSpace is only ready when its deadline says so.
    fn follow(&mut self) {
        let read_line: ReadLine =
            if self.spec.build.is_openspace() { openspace::readiness::read_line } else { |_| None };
        match Tail::follow(&self.spec.dir, self.spec.policy.log_bytes_max, self.ring.clone(), read_line) {
            Ok(tail) => self.tail = Some(tail),
            Err(error) => warn!(%error, "the program's log cannot be followed"),
        }
    }

    /// A program may close its main window and open another one.
    fn follow_window(&mut self, known: WindowId) {
        let Some(display) = self.display.clone() else { return };
        self.attendants.spawn(async move {
            let mut main = display.main_window();
            if let Some(other) = main.changed_from(known).await {
                return Done::Window(Ok(other));
            }
            loop {
                match display.window(NEXT_WINDOW).await {
                    Err(display::WindowError::NoWindow(_)) => {}
                    found => return Done::Window(found),
                }
            }
        });
    }

    async fn adopt(&mut self, running: Running) -> Input {
        let Running { display, program, window, api_port } = running;
        let mark = Mark::of(&self.spec.dir);
        self.program = program.and_then(|program| Program::adopt(program, mark.clone()));
        match Display::adopt(display.clone()).await {
            Ok(adopted) => self.display = Some(Arc::new(adopted)),
            Err(error) => info!(%error, "the instance's display cannot be taken over"),
        }
        if self.display.is_some() || self.program.is_some() {
            self.display_record = Some(display);
        }
        if let Some(program) = &self.program {
            info!(pid = program.id().pid, "program taken over");
            self.notes.push("It was started by an earlier run of the node, and taken over.".to_owned());
            self.window = window;
            self.api = api_port.and_then(|port| api(&self.spec, port));
            self.follow();
        } else {
            // Killed in between, a node may have started a program that it did not journal.
            let leader = program;
            if let Err(error) = spawn_blocking(move || process::sweep(&mark, leader)).await {
                warn!(%error, "sweeping up after an earlier node");
            }
        }
        Input::Adopted(Adopted {
            display: self.display.is_some(),
            program: self.program.is_some(),
            was_ready: window.is_some(),
        })
    }

    /// What is on its way is waited for, so that the last report names all there is; nothing is ended.
    async fn let_go(mut self) {
        self.attendants.shutdown().await;
        while let Some(done) = self.lasting.join_next().await {
            self.absorb(came_back(done));
            self.publish();
        }
    }

    fn publish(&mut self) {
        let status = self.machine.status();
        if !matches!(status.state, InstanceState::Starting | InstanceState::Restarting) {
            self.turn = None;
        }
        let report = Report {
            status,
            running: self.running(),
            client: self.client.clone(),
            trouble: self.trouble(),
            notes: self.notes.clone(),
            downloads: self.machine.downloads(),
        };
        self.reports.send_if_modified(|last| {
            let is_news = !report.says_the_same(last);
            if is_news {
                self.note_trouble(last.trouble.as_ref(), report.trouble.as_ref());
                if last.status.state != report.status.state {
                    info!(state = ?report.status.state, message = report.status.message, "instance");
                }
                *last = report;
            }
            is_news
        });
    }

    fn running(&self) -> Option<Running> {
        Some(Running {
            display: self.display_record.clone()?,
            program: self.program.as_ref().map(Program::id),
            window: self.window,
            api_port: self.api.map(|api| api.port),
        })
    }
}

fn came_back(done: Result<Done, JoinError>) -> Done {
    match done {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Done::Asked,
    }
}

fn api(spec: &Spec, port: u16) -> Option<Api> {
    match spec.build.kind {
        model::BuildKind::OpenSpace { api: generation, .. } => Some(Api { port, generation }),
        model::BuildKind::Program { .. } => None,
    }
}

fn display_failure(error: &display::OpenError) -> Failure {
    match error {
        display::OpenError::NoXvfb => Failure::lasting(format!("{error}.")),
        display::OpenError::Failed(_) => Failure::passing(
            "The X display of this instance could not be started. Its notes say why.".to_owned(),
        )
        .noting(error.to_string()),
        display::OpenError::Gone(_) => Failure::passing(format!("{error}.")),
    }
}
