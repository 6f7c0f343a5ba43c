//! Machines, viewers, the registry, and what stands between them. Each step does one thing to the fleet, lets some time pass, and asks
//! whether all promises hold.
//!
//! What the machines decide is decided by `cluster`; here stands only what carries it out, as `node` does it.

mod disturb;
mod launch;
mod links;
mod tend;
mod wait;

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use cluster::{line::Rules, placement::Wanted};
use model::{InstanceId, SecretHash, ServerId};
use uuid::Uuid;

use crate::{
    auditor::Auditor,
    breaks::Break,
    chance::Chance,
    ledger::{Lease, Ledger, Standing},
    machine::{BUILD, Machine, Power, number},
    words::{Answer, Call, Order},
};

pub const RULES: Rules = Rules { hold: Duration::from_secs(20), per_session: 1, longest: 150 };
pub const HOLD_MS: i64 = 20_000;
pub const HEARTBEAT_MS: i64 = 2_000;
/// A reserved slot is taken within this.
pub const RESERVED_MS: i64 = 30_000;
/// A registry that needs longer than this is one that cannot be had.
pub const ANSWER_MS: i64 = 5_000;
/// Another machine that has not answered by then is passed over.
pub const ORDER_MS: i64 = 10_000;
/// Changes are told within half a second, and answered at once.
const MOMENTS_APART: u32 = 4;
const START: i64 = 1_700_000_000_000;

/// What did not hold.
pub type Held = Result<(), String>;

pub enum Event {
    Beat { at: usize, life: u32 },
    Publish { at: usize, life: u32 },
    Asked { at: usize, life: u32, connection: u32, id: u64, call: Call },
    Answered { at: usize, life: u32, connection: u32, id: u64, answer: Answer },
    Ordered { id: u64, life: u32, order: Order },
    Carried { id: u64, life: u32, order: Order, started: Option<InstanceId> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Nowhere,
    /// A launch is on its way.
    Asking,
    InRegistry(Uuid),
    AtMachine(Uuid),
    Runs(InstanceId),
}

pub struct Viewer {
    pub session: SecretHash,
    /// Whose page it has opened.
    pub home: usize,
    pub page_is_open: bool,
    pub place: Place,
    pub wanted: Wanted,
    /// When it has asked last about a place that a machine keeps by itself.
    pub asked: Option<i64>,
}

pub struct World {
    pub chance: Chance,
    pub broken: Break,
    pub ledger: Ledger,
    pub machines: Vec<Machine>,
    pub viewers: Vec<Viewer>,
    pub auditor: Auditor,
    pub events: BTreeMap<(i64, u64), Event>,
    /// Postgres answers.
    pub registry_is_up: bool,
    pub registry_is_slow: bool,
    /// Postgres falls soon: what it will remember.
    pub remembered: Option<(i64, Ledger)>,
    pub calm: bool,
    seen: (i64, Rc<Vec<Standing>>),
    fresh: u64,
    /// Leases that somebody still believes in.
    pub old_leases: Vec<Lease>,
    /// Of these, what Postgres forgot when it fell last.
    pub forgotten: Vec<Lease>,
}

impl World {
    pub fn new(seed: u64, broken: Break) -> Self {
        let mut world = Self {
            chance: Chance::of(seed),
            broken,
            ledger: Ledger::new(START, RULES, broken),
            machines: Vec::new(),
            viewers: Vec::new(),
            auditor: Auditor::default(),
            events: BTreeMap::new(),
            registry_is_up: true,
            registry_is_slow: false,
            remembered: None,
            calm: false,
            seen: (0, Rc::new(Vec::new())),
            fresh: 0,
            old_leases: Vec::new(),
            forgotten: Vec::new(),
        };
        for _ in 0..100 + world.chance.below(120) {
            world.add_machine();
        }
        for n in 0..900u16 {
            let mut session = [7; 32];
            session[..2].copy_from_slice(&n.to_be_bytes());
            let home = world.chance.at(world.machines.len());
            world.viewers.push(Viewer {
                session: SecretHash(session),
                home,
                page_is_open: true,
                place: Place::Nowhere,
                wanted: Wanted { build: Some(BUILD.to_owned()), ..Wanted::default() },
                asked: None,
            });
        }
        world
    }

    pub fn now(&self) -> i64 {
        self.ledger.now
    }

    pub fn add_machine(&mut self) -> usize {
        let (at, slots) = (self.machines.len(), 1 + self.chance.at(3));
        let skew_ms = self.chance.between(-3_600_000, 3_600_000);
        self.machines.push(Machine::new(at, slots, skew_ms, RULES));
        let first = self.chance.between(0, HEARTBEAT_MS);
        self.after(first, Event::Beat { at, life: 0 });
        at
    }

    /// One thing happens, some time passes.
    pub fn step(&mut self) -> Held {
        self.disturb()?;
        let passes = self.chance.between(0, 400);
        self.pass(passes)?;
        self.auditor.look(&self.ledger, &self.machines, &self.viewers)?;
        self.look_at_a_page()
    }

    /// All that was broken is mended and nothing new begins; after a while everybody agrees.
    pub fn heal(&mut self) -> Held {
        self.calm = true;
        self.mend_everything();
        for _ in 0..240 {
            self.pass(500)?;
            self.auditor.look(&self.ledger, &self.machines, &self.viewers)?;
        }
        self.calm = false;
        self.until_agreed()
    }

    /// People whose turn has come go on launching: between an instance's begin and its machine's next word they may differ, for a moment.
    fn until_agreed(&mut self) -> Held {
        let mut agreed = self.auditor.agreed(&self.ledger, &self.machines, &self.viewers);
        for _ in 0..MOMENTS_APART {
            if agreed.is_ok() {
                break;
            }
            self.pass(500)?;
            agreed = self.auditor.agreed(&self.ledger, &self.machines, &self.viewers);
        }
        agreed
    }

    pub fn pass(&mut self, ms: i64) -> Held {
        let until = self.now() + ms;
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((due, _), event) = entry.remove_entry();
            self.ledger.now = self.now().max(due);
            self.happens(event)?;
        }
        self.ledger.now = until;
        if self.registry_is_up {
            // One machine of all does it while it looks after the dead.
            self.ledger.look_after_places();
        }
        Ok(())
    }

    pub fn after(&mut self, ms: i64, event: Event) {
        self.fresh += 1;
        self.events.insert((self.now() + ms, self.fresh), event);
    }

    pub fn fresh(&mut self) -> u64 {
        self.fresh += 1;
        self.fresh
    }

    pub fn fresh_instance(&mut self) -> InstanceId {
        InstanceId(Uuid::from_u128(u128::from(self.fresh())))
    }

    fn happens(&mut self, event: Event) -> Held {
        let at = match &event {
            Event::Beat { at, .. } | Event::Publish { at, .. } | Event::Answered { at, .. } => Some(*at),
            Event::Ordered { order, .. } => Some(order.to),
            Event::Carried { order, .. } => Some(order.from),
            // That is Postgres' doing.
            Event::Asked { .. } => None,
        };
        match at.map(|at| self.machines[at].power) {
            Some(Power::Asleep { until }) if until > self.now() => {
                // When it wakes, the answers are there already.
                let turn = i64::from(!matches!(event, Event::Answered { .. }));
                self.after(until + turn - self.now(), event);
                return Ok(());
            }
            Some(Power::Down | Power::Gone) => return Ok(()),
            Some(Power::Asleep { .. }) => at.into_iter().for_each(|at| self.machines[at].power = Power::Up),
            Some(Power::Up) | None => {}
        }
        match event {
            Event::Beat { at, life } if self.machines[at].life == life => self.tend(at)?,
            Event::Publish { at, life } if self.machines[at].life == life => self.publish(at),
            Event::Beat { .. } | Event::Publish { .. } => {}
            Event::Asked { at, life, connection, id, call } => self.asked(at, life, connection, id, call)?,
            Event::Answered { at, life, connection, id, answer } => {
                let machine = &mut self.machines[at];
                if (machine.life, machine.connection) == (life, connection)
                    && let Some((sent, task)) = machine.pending.remove(&id)
                {
                    self.answered(at, sent, task, answer)?;
                }
            }
            Event::Ordered { id, life, order } => self.carry_out(id, life, order)?,
            Event::Carried { id, life, order, started } => {
                let machine = &mut self.machines[order.from];
                if machine.life == life && machine.orders.remove(&id).is_some() {
                    self.carried(order, started)?;
                }
            }
        }
        Ok(())
    }

    /// The fleet as the registry tells it; several who ask in the same moment get the same.
    pub fn fleet(&mut self) -> Rc<Vec<Standing>> {
        if self.seen.0 != self.now() / 100 {
            self.seen = (self.now() / 100, Rc::new(self.ledger.fleet()));
        }
        self.seen.1.clone()
    }

    pub fn server(&self, at: usize) -> ServerId {
        self.machines[at].server
    }

    pub fn at(&self, server: ServerId) -> usize {
        number(server)
    }
}
