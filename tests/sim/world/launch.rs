//! From a click to an instance: placed, reserved, ordered, admitted, confirmed; or a word why not.

use cluster::placement::{Decision, decide};
use model::InstanceId;

use super::{Event, Held, Place, World};
use crate::{
    breaks::Break,
    ledger::Lease,
    machine::Cut,
    words::{Call, Order, Placing, Purpose, Task},
};

impl World {
    /// The viewer clicks at home.
    pub fn launch(&mut self, viewer: usize) -> Held {
        let Some(region) =
            [None, None, None, Some("east"), Some("west"), Some("nowhere")].get(self.chance.at(6))
        else {
            return Ok(());
        };
        let region = region.filter(|region| *region != "nowhere" || self.chance.one_in(8)).map(str::to_owned);
        let person = &mut self.viewers[viewer];
        person.place = Place::Asking;
        person.wanted.region = region;
        let placing = Placing { viewer, wanted: person.wanted.clone(), refused: Vec::new() };
        let home = person.home;
        self.place_next(home, placing)
    }

    /// The best machine of those that have not refused yet.
    pub(super) fn place_next(&mut self, at: usize, placing: Placing) -> Held {
        if self.machines[at].seat().is_none() {
            return self.launch_alone(at, placing.viewer);
        }
        let draw = self.chance.next();
        let machine = &self.machines[at];
        let server = match decide(&placing.wanted, &machine.candidates(), &placing.refused, draw) {
            Decision::Here => machine.server,
            Decision::There(server) => server,
            Decision::Queue(servers) => return self.enqueue(at, placing, servers),
            Decision::Nowhere(why) => return self.refuse(placing.viewer, &why.to_string()),
        };
        let instance = self.fresh_instance();
        self.ask(
            at,
            Task::Place(Placing { refused: with(placing.refused, server), ..placing }),
            Call::Reserve { server, instance },
        );
        Ok(())
    }

    pub(super) fn place(&mut self, at: usize, placing: Placing, lease: Option<Lease>) -> Held {
        match lease {
            Some(lease) => {
                let viewer = placing.viewer;
                self.begin_at(at, viewer, lease, Purpose::Place(placing))
            }
            None => self.place_next(at, placing),
        }
    }

    pub(super) fn begin_at(&mut self, from: usize, viewer: usize, lease: Lease, purpose: Purpose) -> Held {
        let order = Order { from, to: self.at(lease.server), lease, viewer, purpose };
        if order.from == order.to {
            let started = self.admit(from, &lease, viewer);
            return self.carried(order, started);
        }
        let (id, now) = (self.fresh(), self.now());
        let life = self.machines[order.to].life;
        self.machines[from].orders.insert(id, (now, order.clone()));
        // Most arrive at once; some when nobody counts on them any more.
        let delay = if self.chance.one_in(15) {
            self.chance.between(500, 40_000)
        } else {
            self.chance.between(1, 60)
        };
        self.after(delay, Event::Ordered { id, life, order });
        Ok(())
    }

    pub(super) fn carry_out(&mut self, id: u64, _: u32, order: Order) -> Held {
        if self.are_apart(order.from, order.to) {
            return Ok(());
        }
        let started = self.admit(order.to, &order.lease, order.viewer);
        let (life, delay) = (self.machines[order.from].life, self.chance.between(1, 60));
        self.after(delay, Event::Carried { id, life, order, started });
        Ok(())
    }

    fn are_apart(&self, one: usize, other: usize) -> bool {
        [one, other].iter().any(|at| self.machines[*at].cut == Cut::FromAll)
    }

    /// The owner's admission has the last word.
    fn admit(&mut self, at: usize, lease: &Lease, viewer: usize) -> Option<InstanceId> {
        let machine = &mut self.machines[at];
        let full = machine.runs.len() >= machine.slots && self.broken != Break::AdmissionLetsAllIn;
        if full || machine.draining {
            self.auditor.told.refused_by_owner += 1;
            return None;
        }
        let generation = machine.seat();
        // One that stood ready is handed out under its own name.
        let stood_ready = self.chance.one_in(6);
        let instance = if stood_ready { self.fresh_instance() } else { lease.instance };
        self.machines[at].runs.insert(instance, Some(viewer));
        let lease = *lease;
        match generation {
            Some(_) if stood_ready => self.ask(at, Task::Tell, Call::Release { lease }),
            Some(generation) => self.ask(at, Task::Tell, Call::Confirm { lease, generation }),
            None => {}
        }
        self.changed(at);
        Some(instance)
    }

    /// What became of it; `None`: it was refused, or nobody has answered.
    pub(super) fn carried(&mut self, order: Order, started: Option<InstanceId>) -> Held {
        let Order { from, to, lease, viewer, purpose } = order;
        match (started, purpose) {
            (Some(instance), purpose) => {
                if let Purpose::Claim(id) = purpose {
                    let session = self.viewers[viewer].session;
                    self.ask(from, Task::Tell, Call::Leave { id, session });
                    self.auditor.places.remove(&id);
                }
                self.runs(to, viewer, instance);
                Ok(())
            }
            (None, Purpose::Place(placing)) => {
                self.ask(from, Task::Tell, Call::Release { lease });
                self.place_next(from, placing)
            }
            (None, Purpose::Claim(id)) => {
                let session = self.viewers[viewer].session;
                self.ask(from, Task::Tell, Call::Release { lease });
                self.ask(from, Task::Tell, Call::PutBack { id, session });
                Ok(())
            }
        }
    }

    /// The viewer is told that it runs.
    pub(super) fn runs(&mut self, at: usize, viewer: usize, instance: InstanceId) {
        self.machines[self.viewers[viewer].home].watched.remove(&viewer);
        self.viewers[viewer].place = Place::Runs(instance);
        self.auditor.told.launched += 1;
        // It may have ended while the word was on its way.
        if self.machines[at].runs.contains_key(&instance) {
            self.auditor.promised.insert((self.machines[at].server, instance), viewer);
        }
    }

    /// Without the registry: here, or in this machine's own line.
    pub(super) fn launch_alone(&mut self, at: usize, viewer: usize) -> Held {
        let now = self.now();
        let machine = &mut self.machines[at];
        let clock = machine.clock(now);
        if machine.draining {
            return self.refuse(viewer, "This machine is being taken out of service. Try again later.");
        }
        if machine.free(now) > 0 && machine.line.waiting(clock) == 0 {
            let instance = self.fresh_instance();
            self.machines[at].runs.insert(instance, Some(viewer));
            self.auditor.told.launched_alone += 1;
            self.changed(at);
            self.runs(at, viewer, instance);
            return Ok(());
        }
        self.wait_alone(at, viewer)
    }

    pub(super) fn refuse(&mut self, viewer: usize, why: &str) -> Held {
        let why = if self.broken == Break::RefusalsHaveNoWords { "" } else { why };
        self.machines[self.viewers[viewer].home].watched.remove(&viewer);
        self.viewers[viewer].place = Place::Nowhere;
        self.auditor.refused(why)
    }
}

fn with<T>(mut all: Vec<T>, one: T) -> Vec<T> {
    all.push(one);
    all
}
