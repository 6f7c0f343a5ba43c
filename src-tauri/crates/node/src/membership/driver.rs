//! The loop that tells the registry of this machine: every two seconds that it lives, and its instances whenever they change.

mod looks;
mod moves;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{InstanceId, SavedScene, SecretHash, StopReason, UnixMillis};
use protocol::admin::{RegistryState, RegistryView};
use registry::{
    Address, Beat, Generation, HEARTBEAT_EVERY, Heartbeat, Link, LinkState, Machine, Overview, Published,
    Registry, ServerRow, SharedInstance, Trouble,
};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tracing::{info, warn};

use super::{
    Beginning, Command, Meeting, Offers, Seat, Told, address::shown, clock_difference, describe,
    known::Known, links::Links, offers, own_row::Site,
};
use crate::{clock, rows, views};

/// Changes of instances are told this soon, together; and whoever looks after the dead looks as often.
const TICK: Duration = Duration::from_millis(500);
const TICKS_OF_A_BEAT: u32 = (HEARTBEAT_EVERY.as_millis() / TICK.as_millis()) as u32;
/// Builds change when an administrator changes them.
const TICKS_OF_OFFERS: u32 = 20;
/// All is told anew once a minute, whatever somebody has done to the rows meanwhile.
const TICKS_OF_ALL: u32 = 120;

pub(super) struct Driver {
    inbox: tokio::sync::mpsc::Receiver<Command>,
    view: watch::Sender<RegistryView>,
    fleet: watch::Sender<Vec<Machine>>,
    offers: watch::Sender<Offers>,
    shared: watch::Sender<Arc<Vec<SharedInstance>>>,
    seat: watch::Sender<Option<Seat>>,
    meeting: watch::Sender<Meeting>,
    site: Site,
    told: Told,
    /// None while this machine stands alone.
    link: Option<Link>,
    /// Absent until this connection's registry has taken us in.
    generation: Option<Generation>,
    /// The whole fleet as it was looked at last.
    overview: Overview,
    /// Rows that people were told of.
    odd: Vec<String>,
    /// As this machine has described itself.
    described: Option<ServerRow>,
    /// Somebody has edited that, and it was put right.
    edited: bool,
    /// And it was not seen so at the next look.
    edited_again: bool,
    /// Something is to be told.
    untold: bool,
    /// What this generation has told of what runs here, once it has heard what was taken over.
    published: Option<BTreeMap<InstanceId, (SecretHash, Value)>>,
    /// The others do not know yet what can be launched here.
    unoffered: bool,
    scenes: Known<SavedScene>,
    links: Known<Links>,
    /// What the old back end's row was last made to say: the places, those that are free, and whether the machine is emptied.
    shown: Option<(Generation, u32, u32, bool)>,
    sexton: bool,
    ticks: u32,
    last_contact: Option<UnixMillis>,
    /// This machine's clock, of the registry's.
    ahead_ms: i64,
    trouble: Option<Trouble>,
}

impl Driver {
    pub(super) fn new(beginning: Beginning, site: Site, told: Told) -> Self {
        let Beginning { commands, view, fleet, offers, shared, seat, meeting } = beginning;
        let address = meeting.borrow().address.clone();
        Self {
            inbox: commands,
            view,
            fleet,
            offers,
            shared,
            seat,
            link: address.map(|address| Link::open(address, clock::now)),
            meeting,
            site,
            told,
            generation: None,
            overview: Overview::default(),
            odd: Vec::new(),
            described: None,
            edited: false,
            edited_again: false,
            untold: true,
            published: None,
            unoffered: true,
            scenes: Known::default(),
            links: Known::default(),
            shown: None,
            sexton: false,
            ticks: 0,
            last_contact: None,
            ahead_ms: 0,
            trouble: None,
        }
    }

    pub(super) async fn run(mut self) {
        let mut rows = self.told.roster.rows();
        let mut state = self.link_state();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = self.inbox.recv() => match command {
                    Some(Command::Describe(address, reply)) => {
                        drop(reply.send(self.describe(&address).await));
                    }
                    Some(Command::MoveTo(address, reply)) => {
                        drop(reply.send(self.move_to(address).await));
                        state = self.link_state();
                    }
                    Some(Command::End(done)) => {
                        self.farewell().await;
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
                changed = rows.changed() => match changed {
                    Ok(()) => self.untold = true,
                    Err(_) => return,
                },
                // It has joined a fleet: the others learn where its door is.
                Ok(()) = self.told.standing.changed() => {
                    self.generation = None;
                    self.ticks = 0;
                }
                Ok(()) = state.changed() => {
                    state.borrow_and_update();
                    self.generation = None;
                    self.sexton = false;
                    self.ticks = 0;
                }
                _ = tick.tick() => {
                    let now = state.borrow().clone();
                    self.tick(now.registry()).await;
                    self.ticks = self.ticks.wrapping_add(1);
                }
            }
            if self.generation.is_none() {
                self.seat.send_if_modified(|seat| seat.take().is_some());
            }
            self.publish(&state.borrow());
        }
    }

    async fn tick(&mut self, registry: Option<&Registry>) {
        let Some(registry) = registry else { return };
        let trouble = self.tell(registry).await.err();
        self.untold |= trouble.is_some();
        // That it is not there any more, the link says.
        self.trouble = trouble.filter(|_| !registry.is_over());
    }

    async fn tell(&mut self, registry: &Registry) -> Result<(), Trouble> {
        let beat = self.ticks.is_multiple_of(TICKS_OF_A_BEAT);
        let generation = match self.generation {
            Some(generation) => generation,
            None if !beat => return self.trouble.clone().map_or(Ok(()), Err),
            None => match self.join(registry).await? {
                Some(generation) => generation,
                None => return Ok(()),
            },
        };
        let heard = if beat { self.beat(registry, generation).await? } else { None };
        if beat {
            if !self.sexton {
                self.sexton = registry.become_sexton().await?;
            }
            if self.sexton {
                registry.show(None).await?;
            }
        }
        self.look(registry, generation, beat).await?;
        // Only now: who places by a fleet of before would wait for its own machine alone, or for some that are no more.
        if let Some(seat) = heard.filter(|_| self.generation.is_some()) {
            self.seat.send_replace(Some(seat));
        }
        self.untold |= self.ticks.is_multiple_of(TICKS_OF_ALL);
        if self.untold {
            self.publish_instances(registry, generation).await?;
        }
        let rows = self.told.roster.rows().borrow().clone();
        self.scenes.tell_scenes(registry, self.site.server, generation, &rows).await?;
        self.links.tell_links(registry, self.site.server, generation, &rows, &self.told.invitations).await?;
        let offers_are_due = self.ticks.is_multiple_of(TICKS_OF_OFFERS);
        if self.unoffered || offers_are_due {
            self.offer(registry, generation).await?;
            self.unoffered = false;
        }
        if self.sexton {
            self.look_after_the_dead(registry, offers_are_due).await?;
        }
        Ok(())
    }

    /// `None` while this machine does not know itself what it is made of.
    async fn join(&mut self, registry: &Registry) -> Result<Option<Generation>, Trouble> {
        let Some(row) = self.row(registry.address()) else { return Ok(None) };
        let joined = registry.join(&row).await?;
        info!(row = ?joined.row, "in the registry");
        self.generation = Some(joined.generation);
        (self.described, self.edited) = (Some(row), false);
        (self.untold, self.unoffered, self.published) = (true, true, None);
        self.scenes.forget();
        self.links.forget();
        Ok(Some(joined.generation))
    }

    /// What the machine is made of is known with the first sample of its health, and where it stands when no cloud has more to say.
    fn row(&self, address: &Address) -> Option<ServerRow> {
        let health = self.told.health.borrow();
        let port = self.told.standing.borrow().port();
        let health = health.as_ref().filter(|_| self.told.here.is_known())?;
        Some(describe(&self.site, &self.told.here, address, port, &health.host, &health.gpus))
    }

    /// This machine's place, if it still has it.
    async fn beat(&mut self, registry: &Registry, generation: Generation) -> Result<Option<Seat>, Trouble> {
        let rows = self.told.roster.rows().borrow().clone();
        let draining = self.told.drain.borrow().is_some();
        let beat = Heartbeat {
            server: self.site.server,
            generation,
            slots_total: self.site.slots,
            slots_free: rows::free(self.site.slots, &rows, draining),
            draining,
            load: self.told.resources.load(&rows),
        };
        let asked = clock::now();
        match registry.heartbeat(&beat).await? {
            Beat::Kept { database_now, waiting, slots_missing } => {
                let now = clock::now();
                self.last_contact = Some(now);
                self.ahead_ms = clock_difference::ahead_ms(asked, now, database_now);
                if slots_missing > 0 {
                    registry.mend_slots(beat.server, generation, beat.slots_total).await?;
                    warn!(
                        slots_missing,
                        "somebody has deleted this machine's rows of `slots`; they are there again"
                    );
                }
                self.show(registry, &beat).await?;
                Ok(Some(Seat { registry: registry.clone(), server: beat.server, generation, waiting }))
            }
            Beat::Stale => {
                warn!("this machine has lost its place in the registry; it joins again");
                self.join_again();
                Ok(None)
            }
        }
    }

    /// At the next tick, which is made a beat.
    fn join_again(&mut self) {
        self.generation = None;
        self.ticks = u32::MAX;
    }

    /// The old back end's row follows at once where it is to say something else; what others do to it, the sexton puts right.
    async fn show(&mut self, registry: &Registry, beat: &Heartbeat) -> Result<(), Trouble> {
        let told = (beat.generation, beat.slots_total, beat.slots_free, beat.draining);
        if self.shown != Some(told) {
            registry.show(Some(beat.server)).await?;
            self.shown = Some(told);
        }
        Ok(())
    }

    async fn publish_instances(
        &mut self,
        registry: &Registry,
        generation: Generation,
    ) -> Result<(), Trouble> {
        let rows = self.told.roster.rows().borrow().clone();
        let server = self.site.server;
        let told = rows.values().filter(|row| !row.member.is_nobodys()).filter_map(|row| {
            let view = serde_json::to_value(views::instance(row, server)).ok()?;
            let live = row.report.status.state.is_live();
            let (instance, session) = (row.member.id, row.member.session);
            Some(SharedInstance { instance, server, session, live, view, has_scene: false })
        });
        let told: Vec<_> = told.collect();
        match registry.publish(server, generation, &told).await? {
            Published::Done { taken } => {
                // Whoever takes over gives the machine another generation: in this one, only an edited row says so.
                let kept = told.into_iter().filter(|told| !taken.contains(&told.instance));
                let kept = kept.map(|told| (told.instance, (told.session, told.view))).collect();
                let edited = self.published.replace(kept).is_some();
                self.untold = edited && !taken.is_empty();
                for instance in taken {
                    if edited {
                        warn!(%instance, "somebody has edited its row of `machine_instances`; it runs here, and is put right");
                        registry.take_back(instance, server, generation).await?;
                    } else {
                        warn!(%instance, "another machine has taken it over meanwhile; it ends here");
                        self.told.roster.stop(instance, StopReason::Administrator).await;
                    }
                }
            }
            Published::Stale => self.generation = None,
        }
        Ok(())
    }

    async fn offer(&self, registry: &Registry, generation: Generation) -> Result<(), Trouble> {
        let rows = self.told.roster.rows().borrow().clone();
        let offers =
            offers::tell(&self.told.builds.catalog(), &rows, |build| self.told.resources.needs(build));
        registry.offer(self.site.server, generation, &offers).await.map(drop)
    }

    fn publish(&self, link: &LinkState) {
        let meeting = self.meeting.borrow().clone();
        let view = match meeting.address {
            Some(address) => self.view_of(&address, meeting.configured, link),
            None => RegistryView::default(),
        };
        self.view.send_if_modified(|shown| (*shown != view).then(|| *shown = view).is_some());
    }

    fn view_of(&self, address: &Address, configured: bool, link: &LinkState) -> RegistryView {
        let machines = self.fleet.borrow();
        let (state, since, message) = match (link, &self.trouble) {
            (LinkState::Connecting, _) => (RegistryState::Connecting, None, None),
            (LinkState::Down { why: Trouble::NotSetUp, since }, _) => {
                (RegistryState::NotSetUp, Some(*since), Some(Trouble::NotSetUp.to_string()))
            }
            (LinkState::Down { why, since }, _) => {
                let state =
                    if why.is_passing() { RegistryState::Unreachable } else { RegistryState::Refused };
                (state, Some(*since), Some(why.to_string()))
            }
            (LinkState::Up { since, .. }, Some(trouble)) => {
                (RegistryState::Refused, Some(*since), Some(trouble.to_string()))
            }
            (LinkState::Up { since, .. }, None) => (RegistryState::Up, Some(*since), self.remark()),
        };
        RegistryView {
            state,
            place: Some(address.to_string()),
            address: Some(shown(address)),
            configured,
            since,
            last_contact: self.last_contact,
            message: message.map(|message| views::sentence(&message)),
            machines: count(machines.iter()),
            machines_alive: count(machines.iter().filter(|machine| machine.alive)),
        }
    }
}

fn count<'a>(machines: impl Iterator<Item = &'a Machine>) -> u32 {
    u32::try_from(machines.count()).unwrap_or(u32::MAX)
}
