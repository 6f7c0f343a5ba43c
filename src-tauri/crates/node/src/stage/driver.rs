//! The task of a stage: one loop, one owner.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use media::{End, Sound};
use model::{
    AuditEntry, AuditKind, InstanceId, InstanceState, ViewerId,
    input::Input,
    video::{Rung, SizeMode},
};
use protocol::signal::ViewerView;
use supervisor::{InstanceHandle, Report};
use tokio::{
    select,
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep_until},
};
use tracing::{info, warn};

use super::{
    Attach, Command, Path, Seat, Setup, State,
    hand::Hand,
    is_on_stage,
    picture::{Event, Projector, Source, Wish},
    sizing::Sizing,
};
use crate::{
    clock,
    control::Control,
    ladder::{Ladder, Shape},
};

/// How long to wait before a capture that could not be opened is tried again.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(2);

/// Some of the ladder's decisions are due when nothing was heard for a while.
const SETTLE_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

/// Where the others hear of the stage.
pub(super) struct News {
    pub publish: watch::Sender<State>,
    pub moved: watch::Sender<Instant>,
}

struct Driver {
    setup: Setup,
    id: InstanceId,
    seats: HashMap<ViewerId, Seat>,
    control: Control,
    ladder: Ladder,
    /// Who holds control as the audit log knows it.
    noted: Option<ViewerId>,
    hand: Option<Hand>,
    sizing: Sizing,
    sound: Option<Sound>,
    wish: Wish,
    projector: Projector,
    trouble: Option<String>,
    retry_at: Option<Instant>,
    news: News,
}

pub(super) async fn run(
    setup: Setup,
    id: InstanceId,
    instance: InstanceHandle,
    mut inbox: mpsc::Receiver<Command>,
    news: News,
) {
    let mut reports = instance.reports();
    let mut driver = Driver::new(setup, id, news);
    let mut settle = interval(SETTLE_EVERY);
    settle.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let first = reports.borrow_and_update().clone();
    driver.report(&first);
    loop {
        driver.reconcile();
        let wake_at = driver.wake_at();
        select! {
            command = inbox.recv() => match command {
                Some(command) => driver.command(command).await,
                None => break,
            },
            changed = reports.changed() => {
                let report = reports.borrow_and_update().clone();
                driver.report(&report);
                if changed.is_err() || report.status.state == InstanceState::Stopped {
                    break;
                }
            }
            event = driver.projector.event() => match event {
                Event::Opened(opened) => driver.opened(opened),
                Event::Ended(end) => driver.ended(end),
            },
            _ = settle.tick(), if driver.wish.watched => driver.settle_ladder(),
            () = sleep_until(wake_at.unwrap_or_else(Instant::now).into()), if wake_at.is_some() => driver.slept(),
        }
    }
}

impl Driver {
    fn new(setup: Setup, id: InstanceId, news: News) -> Self {
        let sizing = Sizing::of(&setup);
        let shape = Shape { size: sizing.size(), fps: setup.fps, bitrates: setup.bitrates };
        Self {
            setup,
            id,
            seats: HashMap::new(),
            control: Control::default(),
            ladder: Ladder::new(shape),
            noted: None,
            hand: None,
            sizing,
            sound: None,
            wish: Wish::default(),
            projector: Projector::default(),
            trouble: None,
            retry_at: None,
            news,
        }
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Sit { viewer, seat } => {
                self.control.join(viewer, seat.role);
                self.ladder.join(viewer);
                self.seats.insert(viewer, seat);
            }
            Command::Present { viewer, present: true } => {
                if let Some(seat) = self.seats.get(&viewer) {
                    self.control.join(viewer, seat.role);
                }
            }
            Command::Present { viewer, present: false } => self.depart(viewer),
            Command::Leave { viewer } => {
                self.depart(viewer);
                self.ladder.leave(viewer);
                self.sizing.leave(viewer);
                self.seats.remove(&viewer);
            }
            Command::Resume { viewer, bearer, channel, reply } => {
                let seat = self.seats.get(&viewer).filter(|seat| seat.bearer == bearer);
                let refused = match seat {
                    Some(seat) => {
                        seat.attach.try_send(Attach(channel)).err().map(|error| error.into_inner().0)
                    }
                    None => Some(channel),
                };
                drop(reply.send(refused));
            }
            Command::Control { viewer, action, on, reply } => {
                let before = self.control.holder();
                let _ = reply.send(self.control.act(viewer, action, on));
                if before != self.control.holder() {
                    self.let_go();
                }
            }
            Command::Steer { viewer, reply } => {
                let may = self.control.touch(viewer);
                self.moved(may);
                let _ = reply.send(
                    may.then_some(())
                        .ok_or("Somebody else is steering. Ask for control, or ask them to release it."),
                );
            }
            Command::RoleOf { bearer, reply } => {
                let held = self.seats.values().filter(|seat| seat.bearer == bearer).map(|seat| seat.role);
                let _ = reply.send(held.max());
            }
            Command::Hand { viewer, input } => self.input(viewer, input),
            Command::Estimate { viewer, bitrate } => {
                self.ladder.hear(viewer, bitrate);
                self.settle_ladder();
            }
            Command::Quality { viewer, mode } => {
                self.ladder.wish(viewer, mode);
                self.settle_ladder();
            }
            Command::Size { viewer, mode, reply } => {
                let _ = reply.send(self.choose_size(viewer, mode));
            }
            Command::Window { viewer, size } => self.sizing.window(viewer, size),
        }
    }

    fn choose_size(&mut self, viewer: ViewerId, mode: SizeMode) -> Result<(), String> {
        if !self.control.touch(viewer) {
            return Err("Whoever steers decides how large the picture is. Ask for control first.".to_owned());
        }
        self.sizing.choose(mode)
    }

    fn depart(&mut self, viewer: ViewerId) {
        let steered = self.control.holder() == Some(viewer);
        self.control.leave(viewer);
        self.ladder.rest(viewer);
        if steered {
            self.let_go();
        }
    }

    fn input(&mut self, viewer: ViewerId, input: Input) {
        let may = if takes_hold(&input) {
            self.control.touch(viewer)
        } else {
            self.control.holder() == Some(viewer)
        };
        self.moved(may && input != Input::ReleaseAll);
        if may && let Some(hand) = self.hand.as_mut() {
            hand.handle(input);
        }
    }

    fn moved(&self, by_who_may: bool) {
        if by_who_may {
            self.news.moved.send_replace(Instant::now());
        }
    }

    /// What one hand held, the next does not.
    fn let_go(&mut self) {
        if let Some(hand) = self.hand.as_mut() {
            hand.handle(Input::ReleaseAll);
        }
    }

    fn report(&mut self, report: &Report) {
        let size = self.sizing.size();
        let running = report.running.as_ref().filter(|_| is_on_stage(report));
        let source = running.and_then(|running| Source::of(running, size));
        let same = match (&source, &self.wish.source) {
            (Some(now), Some(before)) => now.shows_what(before),
            (now, before) => now == before,
        };
        if !same {
            self.hand = None;
            self.trouble = None;
            self.retry_at = None;
            self.sizing.try_again();
        }
        if let (Some(_), None, Some(running)) = (&source, &self.hand, &report.running) {
            self.hand = Hand::open(running, size, self.setup.openspace);
        }
        if let Some(hand) = &mut self.hand {
            hand.speak_through(report.client.as_ref());
        }
        self.wish.source = source;
        self.hear(report);
    }

    /// The program plays into the pipe of its display, one as long as that runs.
    fn hear(&mut self, report: &Report) {
        let pipe = report.running.as_ref().and_then(|running| display::sound(&running.display));
        if pipe.as_deref() != self.sound.as_ref().map(Sound::pipe) {
            self.sound = pipe.map(Sound::of);
        }
    }

    /// Each turn of the loop changes it at most once.
    fn note_control(&mut self) {
        let holder = self.control.holder();
        if holder == self.noted {
            return;
        }
        let before = std::mem::replace(&mut self.noted, holder);
        let seat = holder.or(before).and_then(|viewer| Some((viewer, self.seats.get(&viewer)?)));
        let session = seat.map(|(_, seat)| seat.bearer);
        let what = if holder.is_some() { "takes control" } else { "releases control" };
        let mut entry = AuditEntry::new(clock::now(), AuditKind::Control, session, what).of(self.id);
        if let Some((viewer, seat)) = seat {
            entry = entry.by(viewer, seat.role);
        }
        let from = before.filter(|_| holder.is_some()).map(|viewer| format!("from viewer {viewer}"));
        self.setup.audit.note(entry.saying(&from.unwrap_or_default()));
    }

    fn reconcile(&mut self) {
        self.note_control();
        let now = Instant::now();
        self.wish.watch(!self.control.viewers().is_empty(), now, self.setup.linger);
        if self.sizing.settle(self.control.holder(), now) {
            info!(size = %self.sizing.size(), "the picture is to be of another size");
        }
        if let Some(source) = &mut self.wish.source {
            source.size = self.sizing.size();
        }
        let wanted = self.wish.wanted(now).filter(|_| self.retry_at.is_none());
        self.projector.reconcile(wanted, &self.setup);
        self.publish();
    }

    fn opened(&mut self, opened: Result<(), String>) {
        match opened {
            Ok(()) => self.picture_on(),
            Err(why) if self.other_size(&why) => {}
            Err(why) => {
                warn!(why, "no picture");
                self.trouble = Some(why);
                self.retry_at = Some(Instant::now() + RETRY_AFTER);
            }
        }
    }

    fn picture_on(&mut self) {
        self.trouble = None;
        if let Some(picture) = self.projector.picture() {
            let choice = picture.pipeline.choice();
            info!(encoder = choice.name, size = %picture.size, "picture on");
            self.sizing.encoded_by(choice.hardware);
            self.ladder.reshape(picture.size);
            if let Some(hand) = &mut self.hand {
                hand.reach(picture.size);
            }
        }
        self.settle_ladder();
    }

    /// It cannot be as large as was asked for. Then it stays as large as it is, or becomes what it was launched as.
    fn other_size(&mut self, why: &str) -> bool {
        let size = self.projector.picture().map_or(self.sizing.launched(), |picture| picture.size);
        if size == self.sizing.size() {
            return false;
        }
        warn!(why, wanted = %self.sizing.size(), %size, "the picture cannot have another size");
        self.sizing.refuse(size, why);
        true
    }

    fn ended(&mut self, end: End) {
        match end {
            // The supervisor says what became of the program; a new window is captured anew.
            End::WindowGone => info!("picture off: the window is gone"),
            End::EncoderFailed(why) => {
                warn!(why, "the encoder failed and is opened anew");
                self.trouble = Some(why);
            }
        }
        self.retry_at = Some(Instant::now() + RETRY_AFTER / 4);
    }

    /// Tells each viewer's feed its rung, and each encoder its rate.
    fn settle_ladder(&mut self) {
        self.ladder.steered_by(self.control.holder());
        self.ladder.settle(Instant::now());
        for (viewer, seat) in &self.seats {
            let rung = self.ladder.rung(*viewer);
            let changed = seat.rung.send_if_modified(|was| std::mem::replace(was, rung) != rung);
            if changed {
                info!(%viewer, ?rung, "another rendition for this viewer");
            }
        }
        if let Some(picture) = self.projector.picture() {
            for rung in Rung::ALL {
                picture.pipeline.set_bitrate(rung, self.ladder.rate(rung));
            }
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let size = self.sizing.wake_at(self.control.holder());
        [self.retry_at, self.wish.wake_at(), size].into_iter().flatten().min()
    }

    fn slept(&mut self) {
        let now = Instant::now();
        self.wish.slept(now);
        self.retry_at = self.retry_at.filter(|at| now < *at);
    }

    fn paths(&self) -> BTreeMap<ViewerId, watch::Receiver<Path>> {
        self.seats.iter().map(|(&viewer, seat)| (viewer, seat.path.clone())).collect()
    }

    fn publish(&self) {
        let viewers: Vec<_> =
            self.control.viewers().iter().map(|&(viewer_id, role)| ViewerView { viewer_id, role }).collect();
        let holder = self.control.holder();
        let picture = self.projector.picture();
        let size = self.sizing.news();
        self.news.publish.send_if_modified(|state| {
            let same = state.viewers == viewers
                && state.holder == holder
                && state.picture.as_ref().map(|p| p.epoch) == picture.map(|p| p.epoch)
                && state.size == size
                && state.sound.as_ref().map(Sound::pipe) == self.sound.as_ref().map(Sound::pipe)
                && state.trouble == self.trouble;
            if !same {
                let trouble = self.trouble.clone();
                let (picture, sound, paths) = (picture.cloned(), self.sound.clone(), self.paths());
                *state = State { viewers, holder, picture, size, sound, paths, trouble };
            }
            !same
        });
    }
}

/// A press takes a free wheel; a pointer that passes over the picture, or a page that lets go, does not. Velocities come in a
/// stream, some of it perhaps after the page has given the wheel away.
fn takes_hold(input: &Input) -> bool {
    match input {
        Input::Button { pressed, .. } | Input::Key { pressed, .. } => *pressed,
        Input::Wheel { .. } => true,
        Input::Move(_) | Input::Fly(_) | Input::StillHere | Input::ReleaseAll => false,
    }
}
