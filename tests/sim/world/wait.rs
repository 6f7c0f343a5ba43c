//! Viewers in the queue: the registry's, or a machine's own while it is alone.

use cluster::{TicketState, Wish, line::Full, placement::would_do};
use model::ServerId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{HOLD_MS, Held, Place, World};
use crate::{
    auditor::queue::is_forgotten,
    breaks::Break,
    ledger::Lease,
    words::{Answer, Call, Placing, Purpose, Task},
};

impl World {
    pub(super) fn enqueue(&mut self, at: usize, placing: Placing, servers: Vec<ServerId>) -> Held {
        let id = Uuid::from_u128(u128::from(self.fresh()));
        let session = self.viewers[placing.viewer].session;
        let launch = json!({ "region": placing.wanted.region });
        let wish = Wish { session, launch, accepts: Some(servers) };
        self.ask(at, Task::Enqueue { placing, id }, Call::Enqueue { id, wish });
        Ok(())
    }

    pub(super) fn execute_for_queue(&mut self, at: usize, call: Call) -> Result<Answer, String> {
        let server = self.server(at);
        let (ledger, auditor) = (&mut self.ledger, &mut self.auditor);
        Ok(match call {
            Call::Enqueue { id, wish } => {
                let queued = ledger.enqueue(wish, id);
                if queued.is_ok() {
                    auditor.queued(id, ledger.now);
                }
                Answer::Queued(queued)
            }
            Call::Look { id, session, accepts } => {
                let state = ledger.look(id, session);
                if let Some(accepts) = accepts {
                    ledger.accept(id, session, accepts);
                }
                auditor.looked(id, state.as_ref(), ledger.now)?;
                Answer::Ticket(state)
            }
            Call::HoldNext { generation } => {
                let first = auditor.first_for(ledger, server);
                let held = ledger.hold_next(server, generation, HOLD_MS);
                auditor.spoke(ledger, server, generation, held.is_some())?;
                if let Some(id) = held {
                    auditor.was_held(ledger, server, id, first)?;
                }
                Answer::Held(held)
            }
            Call::Claim { id, session } => {
                let lease = ledger.claim(id, session);
                if let Some(lease) = lease {
                    self.believe(lease);
                }
                Answer::Leased(lease)
            }
            Call::PutBack { id, session } => Answer::Done(ledger.put_back(id, session)),
            Call::Leave { id, session } => {
                let held = ledger.held(id);
                let left = ledger.leave(id, session);
                auditor.gave_up(id);
                auditor.gave_back(ledger, held)?;
                Answer::Done(left)
            }
            other => return Err(format!("nobody answers {other:?}")),
        })
    }

    pub(super) fn queued(
        &mut self,
        at: usize,
        placing: &Placing,
        id: Uuid,
        queued: Result<u32, Full>,
    ) -> Held {
        match queued {
            Ok(_) => {
                self.viewers[placing.viewer].place = Place::InRegistry(id);
                self.machines[at].watched.insert(placing.viewer);
                self.auditor.told.queued += 1;
                self.auditor.promise_place(id);
                Ok(())
            }
            Err(full) => self.no_place(placing.viewer, full),
        }
    }

    pub(super) fn wait_alone(&mut self, at: usize, viewer: usize) -> Held {
        let now = self.now();
        let id = Uuid::from_u128(u128::from(self.fresh()));
        let wish = Wish { session: self.viewers[viewer].session, launch: Value::Null, accepts: None };
        let machine = &mut self.machines[at];
        let clock = machine.clock(now);
        match machine.line.enter(id, wish, clock) {
            Ok(_) => {
                machine.watched.insert(viewer);
                self.viewers[viewer].place = Place::AtMachine(id);
                self.viewers[viewer].asked = Some(now);
                self.auditor.told.queued_alone += 1;
                self.keep(at);
                Ok(())
            }
            Err(full) => self.no_place(viewer, full),
        }
    }

    fn no_place(&mut self, viewer: usize, full: Full) -> Held {
        self.refuse(
            viewer,
            match full {
                Full::Session => "You have a place in the queue already.",
                Full::Queue => "All places are taken, and as many people wait as may.",
            },
        )
    }

    /// Pages that are open ask how their places stand; now and then it is looked again which machines would do.
    pub(super) fn ask_for_viewers(&mut self, at: usize) -> Held {
        let watched: Vec<_> = self.machines[at].watched.iter().copied().collect();
        if watched.is_empty() {
            return Ok(());
        }
        let machine = &mut self.machines[at];
        let news = std::mem::take(&mut machine.news_of_takers) || machine.beats.is_multiple_of(3);
        let again = self.broken != Break::AcceptedMachinesAreNeverLookedAtAgain && news;
        let candidates = if again { self.machines[at].candidates() } else { Vec::new() };
        for viewer in watched {
            let person = &self.viewers[viewer];
            let session = person.session;
            match person.place {
                _ if !person.page_is_open => {}
                Place::InRegistry(id) if self.machines[at].seat().is_some() => {
                    let accepts = again.then(|| would_do(&person.wanted, &candidates).ok()).flatten();
                    self.ask(at, Task::Look { viewer, id }, Call::Look { id, session, accepts });
                }
                Place::AtMachine(id) => self.look_alone(at, viewer, id)?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn looked(&mut self, at: usize, viewer: usize, id: Uuid, state: Option<TicketState>) -> Held {
        if self.viewers[viewer].place != Place::InRegistry(id) {
            return Ok(());
        }
        match state {
            Some(TicketState::Held { .. }) if !self.chance.one_in(3) => {
                let session = self.viewers[viewer].session;
                self.ask(at, Task::Claim { viewer, id }, Call::Claim { id, session });
            }
            Some(TicketState::Waiting { .. } | TicketState::Held { .. } | TicketState::Claimed) => {}
            Some(TicketState::Lapsed) | None => {
                self.viewers[viewer].place = Place::Nowhere;
                self.machines[at].watched.remove(&viewer);
                self.auditor.told.lapsed += 1;
            }
        }
        Ok(())
    }

    pub(super) fn claimed(&mut self, at: usize, viewer: usize, id: Uuid, lease: Option<Lease>) -> Held {
        match lease {
            Some(lease) => self.begin_at(at, viewer, lease, Purpose::Claim(id)),
            // It is not its turn (any more); the next look says how it stands.
            None => Ok(()),
        }
    }

    fn look_alone(&mut self, at: usize, viewer: usize, id: Uuid) -> Held {
        let now = self.now();
        let session = self.viewers[viewer].session;
        let comes = !self.chance.one_in(3);
        let before = self.viewers[viewer].asked.replace(now);
        let machine = &mut self.machines[at];
        let clock = machine.clock(now);
        match machine.line.ask(id, session, clock).map(|ticket| ticket.state) {
            Some(TicketState::Held { .. }) if comes && machine.line.claim(id, session, clock).is_some() => {
                if machine.runs.len() >= machine.slots || machine.draining {
                    machine.line.put_back(id);
                    return Ok(());
                }
                machine.line.leave(id, session);
                let instance = self.fresh_instance();
                self.machines[at].runs.insert(instance, Some(viewer));
                self.changed(at);
                self.runs(at, viewer, instance);
                self.keep(at);
            }
            Some(_)
                if machine.line.look(id, clock).is_some_and(|ticket| ticket.state != TicketState::Lapsed) => {
            }
            Some(_) => {
                self.viewers[viewer].place = Place::Nowhere;
                machine.watched.remove(&viewer);
                self.auditor.told.lapsed += 1;
            }
            None if !is_forgotten(before, now) => {
                return Err(format!("the place {id} that {} had given out is lost", machine.server));
            }
            None => self.viewers[viewer].place = Place::Nowhere,
        }
        Ok(())
    }

    /// Free slots go to those who wait: first to those who got their place here, then to the first of all machines.
    pub(super) fn serve(&mut self, at: usize) {
        let now = self.now();
        let machine = &mut self.machines[at];
        let clock = machine.clock(now);
        for _ in 0..machine.free(now) {
            if machine.line.hold_next(machine.server, clock).is_some() {
                continue;
            }
            if let Some(generation) = machine.seat().filter(|_| machine.waiting && !machine.holding) {
                machine.holding = true;
                self.ask(at, Task::Hold, Call::HoldNext { generation });
            }
            break;
        }
        self.keep(at);
    }

    pub(super) fn was_held(&mut self, at: usize, held: Option<Uuid>) {
        self.machines[at].holding = false;
        if held.is_some() {
            self.auditor.told.held += 1;
            self.serve(at);
        }
    }
}
