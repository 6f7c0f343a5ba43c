//! What a node does every two seconds, and when its instances change.

use std::rc::Rc;

use model::{InstanceId, SecretHash, ServerId};

use super::{ANSWER_MS, Event, HEARTBEAT_MS, Held, ORDER_MS, Place, World};
use crate::{
    breaks::Break,
    ledger::Standing,
    words::{Call, Task},
};

impl World {
    pub(super) fn tend(&mut self, at: usize) -> Held {
        let now = self.now();
        let machine = &self.machines[at];
        self.after(HEARTBEAT_MS, Event::Beat { at, life: machine.life });
        let machine = &self.machines[at];
        if machine.pending.values().any(|(asked, _)| asked + ANSWER_MS < now) {
            self.lose_link(at)?;
        }
        self.give_up_orders(at)?;
        match self.machines[at].generation {
            Some(generation) => {
                let draining = self.machines[at].draining;
                self.ask(at, Task::Beat, Call::Beat { generation, draining });
                if self.machines[at].untold {
                    self.publish(at);
                }
            }
            None if !self.machines[at].joining => {
                self.machines[at].joining = true;
                let slots = self.machines[at].slots;
                self.ask(at, Task::Join, Call::Join { slots });
            }
            None => {}
        }
        let machine = &mut self.machines[at];
        let clock = machine.clock(now);
        machine.line.tidy(clock);
        self.machines[at].beats += 1;
        self.ask_for_viewers(at)?;
        self.serve(at);
        self.keep(at);
        Ok(())
    }

    fn give_up_orders(&mut self, at: usize) -> Held {
        let now = self.now();
        let late = |(_, (sent, _)): &(&u64, &(i64, _))| sent + ORDER_MS < now;
        let late: Vec<_> = self.machines[at].orders.iter().filter(late).map(|(id, _)| *id).collect();
        for id in late {
            if let Some((_, order)) = self.machines[at].orders.remove(&id) {
                self.carried(order, None)?;
            }
        }
        Ok(())
    }

    pub(super) fn has_joined(&mut self, at: usize, generation: i64) {
        let machine = &mut self.machines[at];
        machine.generation = Some(generation);
        (machine.joining, machine.untold) = (false, true);
        let draining = machine.draining;
        self.ask(at, Task::Beat, Call::Beat { generation, draining });
        self.publish(at);
    }

    pub(super) fn was_heard(&mut self, at: usize, waiting: bool, fleet: Rc<Vec<Standing>>, asked: i64) {
        let machine = &mut self.machines[at];
        machine.waiting = waiting;
        machine.seated = machine.generation.is_some();
        machine.news_of_takers |= !takers(&machine.fleet).eq(takers(&fleet));
        machine.fleet = fleet;
        // It may have slept since.
        machine.fleet_at = asked;
    }

    /// Somebody has spoken for it meanwhile: it joins again, and tells all.
    pub(super) fn was_replaced(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        machine.generation = None;
        (machine.seated, machine.untold, machine.publishing) = (false, true, false);
        self.auditor.told.replaced += 1;
    }

    /// What runs here has changed.
    pub(super) fn changed(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        machine.untold = true;
        let life = machine.life;
        let soon = self.chance.between(0, 500);
        self.after(soon, Event::Publish { at, life });
    }

    pub(super) fn publish(&mut self, at: usize) {
        let statements = if self.chance.one_in(200) { 1 + self.chance.below(2) as u8 } else { 3 };
        let machine = &mut self.machines[at];
        let Some(generation) = machine.generation else { return };
        if machine.publishing || !machine.untold {
            return;
        }
        (machine.publishing, machine.untold) = (true, false);
        let session = |viewer: &Option<usize>| match viewer {
            Some(viewer) => self.viewers[*viewer].session,
            None => SecretHash([0; 32]),
        };
        let runs = machine.runs.iter().map(|(id, viewer)| (*id, session(viewer))).collect();
        self.ask(at, Task::Publish, Call::Publish { generation, runs, statements });
    }

    /// The answer to what was told at `sent`: in between, it may have slept for long.
    pub(super) fn let_go(&mut self, at: usize, taken: Vec<InstanceId>, sent: i64) -> Held {
        self.machines[at].publishing = false;
        for instance in taken {
            if self.broken == Break::WhatWasTakenOverRunsOn {
                continue;
            }
            self.auditor.let_go(&self.ledger, self.machines[at].server, instance)?;
            self.ended(at, instance);
        }
        self.auditor.was_told(&self.ledger, &self.machines[at], sent)?;
        if self.machines[at].untold {
            self.publish(at);
        }
        Ok(())
    }

    /// It is no more, here.
    pub(super) fn ended(&mut self, at: usize, instance: InstanceId) {
        if let Some(viewer) = self.machines[at].runs.remove(&instance) {
            self.knows_that_it_ended(viewer, instance);
            self.auditor.promised.remove(&(self.machines[at].server, instance));
            self.changed(at);
            self.serve(at);
        }
    }

    pub(super) fn knows_that_it_ended(&mut self, viewer: Option<usize>, instance: InstanceId) {
        if let Some(viewer) = viewer.filter(|viewer| self.viewers[*viewer].place == Place::Runs(instance)) {
            self.viewers[viewer].place = Place::Nowhere;
        }
    }

    /// The journal follows the line.
    pub(super) fn keep(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        if machine.line.entries() != machine.journal {
            machine.journal = machine.line.entries().to_vec();
        }
    }
}

fn takers(fleet: &[Standing]) -> impl Iterator<Item = ServerId> {
    let takes = |standing: &&Standing| standing.alive && !standing.draining && standing.total > 0;
    fleet.iter().filter(takes).map(|standing| standing.server)
}
