//! A machine of the fleet: what its node keeps, in memory and in its journal.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use cluster::{
    line::{Entry, Line, Rules},
    placement::{Candidate, Offer},
    wait::Lives,
};
use model::{InstanceId, ServerId, UnixMillis};
use uuid::Uuid;

use crate::{
    ledger::Standing,
    words::{Order, Task},
};

pub const BUILD: &str = "demo";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Up,
    /// Its programs may run on.
    Down,
    /// A virtual machine that is paused, a lid that is closed: its connections are still there when it wakes.
    Asleep {
        until: i64,
    },
    /// It was taken out of the fleet.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    None,
    FromRegistry,
    FromAll,
    /// What it says arrives; what is answered does not.
    Deaf,
}

pub struct Machine {
    pub server: ServerId,
    pub region: &'static str,
    pub slots: usize,
    pub power: Power,
    pub cut: Cut,
    /// Its own clock differs by this; nothing may come of it.
    pub skew_ms: i64,
    /// Counts its starts, and its connections: who speaks in an earlier one is not heard any more.
    pub life: u32,
    pub beats: u32,
    pub connection: u32,
    pub generation: Option<i64>,
    /// Since it has joined, it has heard how the others are.
    pub seated: bool,
    pub joining: bool,
    /// The viewers who were told so, if any.
    pub runs: BTreeMap<InstanceId, Option<usize>>,
    pub draining: bool,
    pub untold: bool,
    pub publishing: bool,
    pub holding: bool,
    pub fleet: Rc<Vec<Standing>>,
    pub fleet_at: i64,
    /// Others take launches than those of whom it had heard before.
    pub news_of_takers: bool,
    pub waiting: bool,
    pub line: Line,
    /// The line, as its journal has it.
    pub journal: Vec<Entry>,
    pub lives: Lives,
    pub pending: BTreeMap<u64, (i64, Task)>,
    pub orders: BTreeMap<u64, (i64, Order)>,
    /// Of those whose page is one of this machine's.
    pub watched: BTreeSet<usize>,
    /// A connection's questions are answered in their order.
    pub last_asked: i64,
}

impl Machine {
    pub fn new(number: usize, slots: usize, skew_ms: i64, rules: Rules) -> Self {
        Self {
            server: ServerId(Uuid::from_u128(1 + number as u128)),
            region: ["east", "west"][number % 2],
            slots,
            power: Power::Up,
            cut: Cut::None,
            skew_ms,
            life: 0,
            beats: 0,
            connection: 0,
            generation: None,
            seated: false,
            joining: false,
            runs: BTreeMap::new(),
            draining: false,
            untold: true,
            publishing: false,
            holding: false,
            fleet: Rc::new(Vec::new()),
            fleet_at: 0,
            news_of_takers: false,
            waiting: false,
            line: Line::restore(rules, Vec::new(), UnixMillis(0)),
            journal: Vec::new(),
            lives: Lives::default(),
            pending: BTreeMap::new(),
            orders: BTreeMap::new(),
            watched: BTreeSet::new(),
            last_asked: 0,
        }
    }

    /// By its own clock.
    pub fn clock(&self, now: i64) -> UnixMillis {
        UnixMillis(now + self.skew_ms)
    }

    /// Its place among the others; `None` while it is on its own.
    pub fn seat(&self) -> Option<i64> {
        self.generation.filter(|_| self.seated)
    }

    pub fn is_up(&self) -> bool {
        self.power == Power::Up
    }

    pub fn free(&self, now: i64) -> usize {
        if self.draining {
            return 0;
        }
        self.slots.saturating_sub(self.runs.len() + self.line.held(self.clock(now)) as usize)
    }

    /// The fleet as it was told last, and itself as it is.
    pub fn candidates(&self) -> Vec<Candidate> {
        let others = self.fleet.iter().filter(|standing| standing.server != self.server);
        let mut all: Vec<_> = others.map(candidate).collect();
        all.push(Candidate {
            here: true,
            ..candidate(&Standing {
                server: self.server,
                generation: 0,
                silent_ms: 0,
                alive: true,
                draining: self.draining,
                total: self.slots,
                free: self.slots.saturating_sub(self.runs.len()),
            })
        });
        all
    }
}

fn candidate(standing: &Standing) -> Candidate {
    Candidate {
        server: standing.server,
        here: false,
        region: Some(["east", "west"][number(standing.server) % 2].to_owned()),
        alive: standing.alive,
        reachable: true,
        draining: standing.draining,
        slots_total: standing.total as u32,
        slots_free: standing.free as u32,
        offers: vec![Offer { build: BUILD.to_owned(), default: true, ..Offer::default() }],
        cpu_percent: 0.0,
        gpu_memory_free_mb: None,
        encoder_sessions: None,
    }
}

/// The machines are numbered from 0; their ids from 1.
pub fn number(server: ServerId) -> usize {
    server.0.as_u128() as usize - 1
}
