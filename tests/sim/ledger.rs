//! The registry's rules in virtual time: one function per question, as `registry` asks them. `statements` holds the real ones to it.
//!
//! Only its own clock judges. Each rule can be broken by a switch, so that it can be seen that somebody would notice.

mod places;

use std::collections::BTreeMap;

use cluster::line::{Line, Rules};
use model::{InstanceId, SecretHash, ServerId, UnixMillis};
use uuid::Uuid;

use crate::breaks::Break;

pub const DEAD_AFTER_MS: i64 = 6_000;
/// Of a slot in which an instance runs.
pub const FOR_EVER: i64 = i64::MAX;
/// Of a slot that is free.
pub const NEVER: i64 = i64::MIN;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub server: ServerId,
    pub slot: usize,
    pub token: i64,
    pub instance: InstanceId,
    pub expires: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub expires: i64,
    pub token: i64,
    pub instance: Option<InstanceId>,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub generation: i64,
    pub seen: i64,
    pub draining: bool,
    pub total: usize,
    /// By their numbers; more than `total` while a machine that has become smaller still runs what it ran.
    pub slots: BTreeMap<usize, Slot>,
    /// Free when it spoke last.
    pub open: usize,
}

/// An instance as its machine tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub server: ServerId,
    pub session: SecretHash,
}

/// A machine as the others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub server: ServerId,
    pub generation: i64,
    pub silent_ms: i64,
    pub alive: bool,
    pub draining: bool,
    pub total: usize,
    pub free: usize,
}

#[derive(Clone)]
pub struct Ledger {
    pub now: i64,
    pub rows: BTreeMap<ServerId, Row>,
    pub line: Line,
    pub instances: BTreeMap<InstanceId, Told>,
    /// What is held for which ticket.
    held: BTreeMap<Uuid, Lease>,
    pub tokens: i64,
    /// When the dead were looked after last.
    pub looked_after: i64,
    broken: Break,
}

impl Ledger {
    pub fn new(now: i64, rules: Rules, broken: Break) -> Self {
        Self {
            now,
            rows: BTreeMap::new(),
            line: Line::restore(rules, Vec::new(), UnixMillis(now)),
            instances: BTreeMap::new(),
            held: BTreeMap::new(),
            tokens: 0,
            looked_after: now,
            broken,
        }
    }

    pub fn moment(&self) -> UnixMillis {
        UnixMillis(self.now)
    }

    /// A new generation: whoever spoke for it before is not heard any more.
    pub fn join(&mut self, server: ServerId, total: usize) -> i64 {
        let now = self.now;
        let fresh =
            || Row { generation: 0, seen: now, draining: false, total, slots: BTreeMap::new(), open: 0 };
        let row = self.rows.entry(server).or_insert_with(fresh);
        row.generation += 1;
        (row.seen, row.total, row.draining) = (now, total, false);
        for slot in 0..total {
            row.slots.entry(slot).or_insert(Slot { expires: NEVER, token: 0, instance: None });
        }
        row.slots.retain(|number, slot| *number < total || slot.expires >= now);
        row.generation
    }

    /// False for an older generation.
    pub fn beat(&mut self, server: ServerId, generation: i64, draining: bool) -> bool {
        let now = self.now;
        let Some(row) = self.current(server, generation) else { return false };
        (row.seen, row.draining) = (now, draining);
        let is_free = |(number, slot): &(&usize, &Slot)| **number < row.total && slot.expires < now;
        row.open = row.slots.iter().filter(is_free).count();
        true
    }

    pub fn farewell(&mut self, server: ServerId, generation: i64) -> bool {
        let then = self.now - DEAD_AFTER_MS;
        self.current(server, generation).map(|row| row.seen = then).is_some()
    }

    fn current(&mut self, server: ServerId, generation: i64) -> Option<&mut Row> {
        let any = self.broken == Break::OldGenerationsCount;
        self.rows.get_mut(&server).filter(|row| any || row.generation == generation)
    }

    pub fn is_alive(&self, server: ServerId) -> bool {
        self.rows.get(&server).is_some_and(|row| row.seen > self.now - DEAD_AFTER_MS)
    }

    pub fn fleet(&self) -> Vec<Standing> {
        let standing = |(server, row): (&ServerId, &Row)| Standing {
            server: *server,
            generation: row.generation,
            silent_ms: self.now - row.seen,
            alive: self.is_alive(*server),
            draining: row.draining,
            total: row.total,
            free: row.open,
        };
        self.rows.iter().map(standing).collect()
    }

    // Slots.

    pub fn reserve(&mut self, server: ServerId, instance: InstanceId, lasts_ms: i64) -> Option<Lease> {
        let is_dead = !self.is_alive(server) && self.broken != Break::TheDeadAreGivenSlots;
        let others_wait = self.line.next_for(server, self.moment()).is_some();
        if is_dead || others_wait && self.broken != Break::NewcomersOvertake {
            return None;
        }
        self.take(server, instance, lasts_ms)
    }

    /// The lowest free slot.
    fn take(&mut self, server: ServerId, instance: InstanceId, lasts_ms: i64) -> Option<Lease> {
        let (now, twice) = (self.now, self.broken == Break::SlotsAreGivenTwice);
        let row = self.rows.get_mut(&server).filter(|row| !row.draining)?;
        let is_free = |number: usize, slot: &Slot| {
            number < row.total && (slot.expires < now || twice && slot.expires != FOR_EVER)
        };
        let (number, slot) = row.slots.iter_mut().find(|(number, slot)| is_free(**number, slot))?;
        self.tokens += 1;
        let (token, expires) = (self.tokens, now + lasts_ms);
        *slot = Slot { expires, token, instance: Some(instance) };
        Some(Lease { server, slot: *number, token, instance, expires })
    }

    /// The slot, if it is still held by this. The token alone does not say so: what Postgres forgets when it falls, it gives again.
    fn held_by(&mut self, lease: &Lease) -> Option<&mut Slot> {
        let (now, broken) = (self.now, self.broken);
        let slot = self.rows.get_mut(&lease.server)?.slots.get_mut(&lease.slot)?;
        let newest = slot.token == lease.token || broken == Break::OldTokensCount;
        let same = slot.instance == Some(lease.instance)
            || matches!(broken, Break::OldTokensCount | Break::TokensAreTrustedAfterAFall);
        (newest && same && slot.expires > now).then_some(slot)
    }

    pub fn confirm(&mut self, lease: &Lease, generation: i64) -> bool {
        if self.current(lease.server, generation).is_none() {
            return false;
        }
        let slot = self.held_by(lease);
        slot.map(|slot| slot.expires = FOR_EVER).is_some()
    }

    /// Whoever has reserved it gives it up; where an instance runs by then, it is the owner's.
    pub fn release(&mut self, lease: &Lease) -> bool {
        let any = self.broken == Break::WhatRunsIsReleased;
        let slot = self.held_by(lease).filter(|slot| any || slot.expires != FOR_EVER);
        slot.map(|slot| (slot.expires, slot.instance) = (NEVER, None)).is_some()
    }

    // Instances.

    /// The whole list of what runs there, and which of these run elsewhere meanwhile; `None`: an older generation tells. Three statements:
    /// the connection may end after each.
    pub fn publish(
        &mut self,
        server: ServerId,
        generation: i64,
        runs: &[(InstanceId, SecretHash)],
        statements: u8,
    ) -> Option<Vec<InstanceId>> {
        self.current(server, generation)?;
        self.instances.retain(|id, told| told.server != server || runs.iter().any(|(run, _)| run == id));
        let mut taken = Vec::new();
        for (id, session) in runs {
            let told = self.instances.entry(*id).or_insert(Told { server, session: *session });
            if told.server != server {
                taken.push(*id);
            }
        }
        let live: Vec<_> = runs.iter().map(|(id, _)| *id).filter(|id| !taken.contains(id)).collect();
        if statements > 1 {
            self.settle(server, &live);
        }
        if statements > 2 {
            self.seat(server, &live);
        }
        Some(taken)
    }

    /// Those that run keep their slots, and those that run no more give them back.
    fn settle(&mut self, server: ServerId, live: &[InstanceId]) {
        let (now, leak) = (self.now, self.broken == Break::WhatEndedKeepsItsSlot);
        let Some(row) = self.rows.get_mut(&server) else { return };
        for slot in row.slots.values_mut().filter(|slot| slot.expires > now) {
            let lives = slot.instance.is_some_and(|instance| live.contains(&instance));
            if lives {
                slot.expires = FOR_EVER;
            } else if slot.expires == FOR_EVER && !leak {
                (slot.expires, slot.instance) = (NEVER, None);
            }
        }
    }

    /// What has no slot takes one: a free one first, else one that is only reserved; for whom it was held, is first again.
    fn seat(&mut self, server: ServerId, live: &[InstanceId]) {
        let now = self.now;
        let Some(row) = self.rows.get_mut(&server) else { return };
        let has_one =
            |id: &InstanceId| row.slots.values().any(|slot| slot.instance == Some(*id) && slot.expires > now);
        let missing: Vec<_> = live.iter().filter(|id| !has_one(id)).copied().collect();
        let mut room: Vec<_> = row
            .slots
            .iter()
            .filter(|(_, slot)| slot.expires != FOR_EVER)
            .map(|(number, slot)| (slot.expires >= now, *number))
            .collect();
        room.sort_unstable();
        let mut lost = Vec::new();
        for (instance, (_, number)) in missing.into_iter().zip(room) {
            self.tokens += 1;
            let seat = Slot { expires: FOR_EVER, token: self.tokens, instance: Some(instance) };
            lost.extend(
                row.slots.insert(number, seat).filter(|slot| slot.expires >= now).map(|slot| slot.token),
            );
        }
        if self.broken != Break::HeldSlotsAreTakenSilently {
            lost.into_iter().for_each(|token| self.give_back_place(token));
        }
    }

    /// The instance is `to`'s from now on, if the machine that has it is dead; that one is not heard any more until it joins again.
    pub fn take_over(&mut self, instance: InstanceId, to: ServerId, generation: i64) -> bool {
        let Some(at) = self.instances.get(&instance).map(|told| told.server) else { return false };
        if at == to || self.is_alive(at) || self.current(to, generation).is_none() {
            return false;
        }
        if self.broken != Break::TheReplacedIsNotFenced
            && let Some(row) = self.rows.get_mut(&at)
        {
            row.generation += 1;
        }
        self.instances.entry(instance).and_modify(|told| told.server = to);
        true
    }
}
