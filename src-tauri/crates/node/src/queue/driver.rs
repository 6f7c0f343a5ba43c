//! The queue's task: who waits, for whom a slot is held, whose page is there. It alone gives out this machine's free slots.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use cluster::{
    Ticket, Wish,
    line::{GONE_AFTER, Line, Stage},
    wait::Lives,
};
use model::{InstanceId, SecretHash, ServerId, UnixMillis};
use protocol::api::{Problem, TicketView};
use registry::{Machine, Trouble};
use serde_json::Value;
use store::StoreError;
use tokio::{
    select,
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tracing::{info, warn};
use uuid::Uuid;

use super::{
    By, Command, Full, Means, Outcome, Places, places,
    request::{self, keeps_its_place},
};
use crate::{
    clock,
    membership::Seat,
    problem::{problem, too_many},
    roster::{Launch, Started},
    rows::{Rows, free, taken_by},
    whose::ADMINISTRATOR,
};

/// Positions and held slots are this old at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What a machine offers anew is known to those who wait within this many looks.
const LOOKS_AT_MACHINES: u32 = 5;

pub(super) struct Driver {
    means: Means,
    publish: watch::Sender<Places>,
    line: Line,
    /// As the journal has it.
    kept: BTreeMap<Uuid, Stage>,
    /// Those that take a slot now, since when.
    running: BTreeMap<InstanceId, UnixMillis>,
    lives: watch::Sender<Lives>,
    /// When a page of each session was last here.
    present: BTreeMap<SecretHash, UnixMillis>,
    /// The registry's, of those that are present.
    fleet: Vec<Ticket>,
    /// The machines that take launches, as they were heard of last.
    takers: BTreeSet<ServerId>,
    looks: u32,
}

impl Driver {
    pub(super) async fn open(
        means: Means,
        publish: watch::Sender<Places>,
        lives: watch::Sender<Lives>,
    ) -> Result<Self, StoreError> {
        let entries = means.store.places().await?;
        if !entries.is_empty() {
            info!(waiting = entries.len(), "the queue of the last run goes on");
        }
        let kept = entries.iter().map(|entry| (entry.id, entry.stage)).collect();
        let line = Line::restore(means.setup.rules, entries, clock::now());
        Ok(Self {
            means,
            publish,
            line,
            kept,
            running: BTreeMap::new(),
            lives,
            present: BTreeMap::new(),
            fleet: Vec::new(),
            takers: BTreeSet::new(),
            looks: 0,
        })
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut rows = self.means.roster.rows();
        // Until the roster has told what runs, every slot looks free.
        if rows.changed().await.is_err() {
            return;
        }
        self.note_lives(&rows.borrow_and_update().clone());
        let (mut machines, mut offers) = (self.means.membership.fleet(), self.means.membership.offers());
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                command = inbox.recv() => match command {
                    Some(command) => self.command(command).await,
                    None => return,
                },
                changed = rows.changed() => match changed {
                    Ok(()) => self.note_lives(&rows.borrow_and_update().clone()),
                    Err(_) => return,
                },
                Ok(()) = machines.changed() => {
                    let takers = takers(&machines.borrow_and_update());
                    self.note_takers(takers).await;
                }
                Ok(()) = offers.changed() => self.look_anew().await,
                _ = tick.tick() => self.look_around().await,
            }
            self.serve().await;
            self.keep().await;
            self.tell();
        }
    }

    async fn command(&mut self, command: Command) {
        let now = clock::now();
        match command {
            Command::Launch { launch, full, reply } => {
                drop(reply.send(self.launch(*launch, full, now).await))
            }
            Command::Look { id, session, reply } => {
                self.present.insert(session, now);
                let ticket = self.line.ask(id, session, now);
                drop(reply.send(ticket.and_then(|ticket| self.view(&ticket))));
            }
            Command::Leave { id, session, reply } => drop(reply.send(self.line.leave(id, session))),
            Command::Claim { id, session, reply } => {
                let begun = match self.line.entry(id).is_some_and(|entry| entry.session == session) {
                    true => Some(self.claim(id, session, now).await),
                    false => None,
                };
                drop(reply.send(begun));
            }
            Command::Present { session, reply } => {
                if self.present.insert(session, now).is_none() {
                    self.look_anew().await;
                    self.tell();
                }
                self.line.ask_all(session, now);
                _ = reply.send(());
            }
        }
    }

    /// At once where a slot is free that nobody waits for; else a place at the end.
    async fn launch(&mut self, launch: Launch, full: Full, now: UnixMillis) -> Result<Outcome, Problem> {
        let session = launch.by;
        if launch.limited {
            self.check_limit(session, now)?;
        }
        // Nobody waits for a machine that is being emptied: it may never take launches again.
        let free = self.is_emptied() || self.free(now) > 0 && self.line.waiting(now) == 0;
        let wish = match full {
            Full::Wait(wish) if !free => *wish,
            // The admission says in its own words what stands in the way.
            Full::Wait(_) => return self.means.roster.launch(launch).await.map(Outcome::Started),
            Full::Refuse if free || self.line.waiting(now) + self.line.held(now) == 0 => {
                return self.means.roster.launch(launch).await.map(Outcome::Started);
            }
            Full::Refuse => {
                return Err(problem(
                    503,
                    "All slots are taken",
                    "Others wait for the next free place of this machine. Try again later.",
                ));
            }
        };
        let id = Uuid::new_v4();
        let launch = serde_json::to_value(&wish).unwrap_or(Value::Null);
        self.line.enter(id, Wish { session, launch, accepts: None }, now).map_err(places::no_place)?;
        self.present.insert(session, now);
        // It is on the disk before it is told: a place that a restart takes back was none.
        self.keep().await;
        let ticket = self.line.ask(id, session, now).and_then(|ticket| self.view(&ticket));
        ticket.map(Outcome::Waits).ok_or_else(places::no_ticket)
    }

    /// Who runs as many as it may does not queue for more.
    fn check_limit(&self, session: SecretHash, now: UnixMillis) -> Result<(), Problem> {
        let mine = taken_by(session, &self.means.roster.rows().borrow());
        let places = self.line.places_of(session, now);
        if mine > 0 && mine + places >= self.means.setup.per_session {
            return Err(too_many(mine, places > 0));
        }
        Ok(())
    }

    async fn claim(&mut self, id: Uuid, session: SecretHash, now: UnixMillis) -> Result<Started, Problem> {
        let wish = self.line.claim(id, session, now).ok_or_else(places::not_yet)?;
        let begun = self.begin(wish).await;
        match &begun {
            Ok(_) => _ = self.line.leave(id, session),
            Err(problem) if keeps_its_place(problem) => self.line.put_back(id),
            Err(_) => _ = self.line.leave(id, session),
        }
        begun
    }

    async fn begin(&self, wish: Wish) -> Result<Started, Problem> {
        let request = request::read(wish.launch)?;
        // Only sessions wait, and those that administrators have have no limit.
        let by = By { session: wish.session, limited: wish.session != ADMINISTRATOR };
        let launch = self.means.prepare(by, &request, None).await?;
        self.means.roster.launch(launch).await
    }

    fn is_emptied(&self) -> bool {
        self.means.setup.drain.borrow().is_some()
    }

    /// Slots that neither run something nor are held for somebody.
    fn free(&self, now: UnixMillis) -> u32 {
        let Means { setup, roster, .. } = &self.means;
        free(setup.slots, &roster.rows().borrow(), self.is_emptied()).saturating_sub(self.line.held(now))
    }

    /// Free slots go to those who wait: first to those who got their place here, then to the first of all machines.
    async fn serve(&mut self) {
        let now = clock::now();
        for _ in 0..self.free(now) {
            if let Some(ticket) = self.line.hold_next(self.means.setup.server, now) {
                info!(%ticket, "a free slot is held for who is first");
                continue;
            }
            let Some(seat) = self.means.membership.seat().filter(|seat| seat.waiting) else { return };
            match seat.registry.hold_next(seat.server, seat.generation, self.means.setup.rules.hold).await {
                Ok(Some(ticket)) => {
                    info!(%ticket, "a free slot is held for who is first over all machines");
                    self.refresh().await;
                }
                Ok(None) => return,
                Err(error) => return warn!(%error, "no free slot could be held for who waits"),
            }
        }
    }

    async fn look_around(&mut self) {
        let now = clock::now();
        self.line.tidy(now);
        let here = |seen: &UnixMillis| now.0.saturating_sub(seen.0) < GONE_AFTER.as_millis() as i64;
        self.present.retain(|_, seen| here(seen));
        let waiting = self.means.membership.seat().is_some_and(|seat| seat.waiting);
        if waiting || !self.fleet.is_empty() {
            self.refresh().await;
        }
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(LOOKS_AT_MACHINES) {
            self.look_at_machines().await;
        }
    }

    /// A machine has come, is back or takes launches again, maybe while this one slept: who waits, waits for it from this moment on, as a
    /// newcomer finds it.
    async fn note_takers(&mut self, takers: BTreeSet<ServerId>) {
        if std::mem::replace(&mut self.takers, takers) != self.takers {
            self.look_anew().await;
        }
    }

    /// Also for those who have come since the last look.
    async fn look_anew(&mut self) {
        self.refresh().await;
        self.look_at_machines().await;
    }

    /// Who waits, waits for all machines that would do: one that has come since, or is taken into service again, overtakes nobody.
    async fn look_at_machines(&self) {
        let Some(Seat { registry, .. }) = self.means.membership.seat() else { return };
        for ticket in &self.fleet {
            let Some(servers) = self.means.would_do_now(ticket).await else { continue };
            if let Err(error) = registry.accept(ticket.id, ticket.wish.session, &servers).await {
                return warn!(%error, "the registry was not told which machines are waited for");
            }
        }
    }

    /// The registry's word on the places of those whose page is here.
    async fn refresh(&mut self) {
        let Some(Seat { registry, .. }) = self.means.membership.seat() else { return };
        let sessions: Vec<SecretHash> = self.present.keys().copied().collect();
        let asked: Result<Vec<Ticket>, Trouble> = registry.tickets_of(&sessions).await;
        match asked {
            Ok(tickets) => self.fleet = tickets,
            // What was known is shown until it answers again.
            Err(error) => warn!(%error, "places in the queue could not be looked up"),
        }
    }

    fn note_lives(&mut self, rows: &Rows) {
        let now = clock::now();
        let lives = |row: &&crate::rows::Row| row.report.status.state.is_live() && !row.member.is_nobodys();
        let running: BTreeMap<_, _> =
            rows.values().filter(lives).map(|row| (row.member.id, row.member.created)).collect();
        for (id, created) in &self.running {
            if !running.contains_key(id) {
                let lived = Duration::from_millis(now.0.saturating_sub(created.0).unsigned_abs());
                self.lives.send_modify(|lives| lives.ended(lived));
            }
        }
        self.running = running;
    }

    /// The journal follows; what it misses is only missed by the next run.
    async fn keep(&mut self) {
        let entries = self.line.entries();
        let changed: Vec<_> =
            entries.iter().filter(|entry| self.kept.get(&entry.id) != Some(&entry.stage)).cloned().collect();
        let gone: Vec<_> = self.kept.keys().filter(|id| self.line.entry(**id).is_none()).copied().collect();
        if changed.is_empty() && gone.is_empty() {
            return;
        }
        match self.means.store.keep_places(changed, gone).await {
            Ok(()) => {
                self.kept = self.line.entries().iter().map(|entry| (entry.id, entry.stage)).collect();
            }
            Err(error) => warn!(%error, "the journal missed a change of the queue"),
        }
    }

    fn tell(&mut self) {
        let now = clock::now();
        let mut told: BTreeMap<SecretHash, Vec<TicketView>> = BTreeMap::new();
        let own = self.line.entries().iter().filter(|entry| self.present.contains_key(&entry.session));
        let own: Vec<_> = own.filter_map(|entry| self.line.look(entry.id, now)).collect();
        for ticket in own.iter().chain(&self.fleet) {
            if let Some(view) = self.view(ticket) {
                told.entry(ticket.wish.session).or_default().push(view);
            }
        }
        self.publish.send_if_modified(|places| {
            let changed = **places != told;
            if changed {
                *places = Arc::new(told);
            }
            changed
        });
    }

    fn view(&self, ticket: &Ticket) -> Option<TicketView> {
        places::view(
            ticket,
            &self.lives.borrow(),
            self.means.membership.slots().unwrap_or(self.means.setup.slots),
        )
    }
}

/// Those that take launches.
fn takers(machines: &[Machine]) -> BTreeSet<ServerId> {
    let takes = |machine: &&Machine| machine.alive && !machine.draining && machine.slots_total > 0;
    machines.iter().filter(takes).map(|machine| machine.server).collect()
}
