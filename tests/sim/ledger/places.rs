//! Places in the queue: the order is `cluster::line`'s own, the slots that are held are the ledger's.

use cluster::{
    TicketState, Wish,
    line::{Entry, Full, GRACE, Stage},
};
use model::{InstanceId, SecretHash, ServerId};
use uuid::Uuid;

use super::{FOR_EVER, Lease, Ledger};
use crate::breaks::Break;

impl Ledger {
    pub fn enqueue(&mut self, wish: Wish, id: Uuid) -> Result<u32, Full> {
        let now = self.moment();
        self.line.enter(id, wish, now)
    }

    /// How it stands; asking keeps the place.
    pub fn look(&mut self, id: Uuid, session: SecretHash) -> Option<TicketState> {
        let now = self.moment();
        self.line.ask(id, session, now).map(|ticket| ticket.state)
    }

    pub fn accept(&mut self, id: Uuid, session: SecretHash, accepts: Vec<ServerId>) {
        if self.line.entry(id).is_some_and(|entry| entry.session == session && entry.stage == Stage::Waiting)
        {
            self.line.accept(id, Some(accepts));
        }
    }

    /// The first whom this machine would do gets a free slot of it, held for a while.
    pub fn hold_next(&mut self, server: ServerId, generation: i64, hold_ms: i64) -> Option<Uuid> {
        self.current(server, generation)?;
        let now = self.moment();
        self.line.next_for(server, now)?;
        if !self.is_alive(server) && self.broken != Break::TheDeadAreGivenSlots {
            return None;
        }
        let grace = i64::try_from(GRACE.as_millis()).unwrap_or_default();
        let instance = InstanceId(Uuid::from_u128(0xABCD << 64 | self.tokens as u128));
        let lease = self.take(server, instance, hold_ms + grace)?;
        let next = match self.broken {
            Break::TheLastIsServedFirst => self.hold_last(server)?,
            _ => self.line.hold_next(server, now)?,
        };
        self.held.insert(next, lease);
        Some(next)
    }

    fn hold_last(&mut self, server: ServerId) -> Option<Uuid> {
        let now = self.moment();
        let waits = |entry: &&Entry| entry.stage == Stage::Waiting;
        let mut others: Vec<_> =
            self.line.entries().iter().filter(waits).map(|entry| (entry.id, entry.accepts.clone())).collect();
        others.pop();
        others.iter().for_each(|(id, _)| self.line.accept(*id, Some(Vec::new())));
        let held = self.line.hold_next(server, now);
        others.into_iter().for_each(|(id, accepts)| self.line.accept(id, accepts));
        held.or_else(|| self.line.hold_next(server, now))
    }

    /// The viewer comes for the slot that is held; only once, and only in time.
    pub fn claim(&mut self, id: Uuid, session: SecretHash) -> Option<Lease> {
        let lease = *self.held.get(&id)?;
        self.held_by(&lease).filter(|slot| slot.expires < FOR_EVER)?;
        let now = self.moment();
        self.line.claim(id, session, now)?;
        Some(lease)
    }

    pub fn put_back(&mut self, id: Uuid, session: SecretHash) -> bool {
        let claimed = self
            .line
            .entry(id)
            .is_some_and(|entry| entry.session == session && entry.stage == Stage::Claimed);
        if claimed {
            self.held.remove(&id);
            self.line.put_back(id);
        }
        claimed
    }

    pub fn leave(&mut self, id: Uuid, session: SecretHash) -> bool {
        let claimed = self.line.entry(id).is_some_and(|entry| entry.stage == Stage::Claimed);
        let left = self.line.leave(id, session);
        if left
            && let Some(lease) = self.held.remove(&id)
            && !claimed
        {
            self.release(&lease);
        }
        left
    }

    /// What whoever looks after the dead does for the queue: who came for a slot in which nobody began anything is first again, and
    /// places that are over are forgotten.
    pub fn look_after_places(&mut self) {
        self.looked_after = self.now;
        let in_vain = |(id, lease): &(&Uuid, &Lease)| {
            self.line.entry(**id).is_some_and(|entry| entry.stage == Stage::Claimed)
                && !self.slot(lease).is_some_and(|slot| slot.token == lease.token && slot.expires > self.now)
        };
        let in_vain: Vec<_> = self.held.iter().filter(in_vain).map(|(id, _)| *id).collect();
        for id in in_vain.into_iter().filter(|_| self.broken != Break::ClaimsInVainAreLost) {
            self.held.remove(&id);
            self.line.put_back(id);
        }
        let now = self.moment();
        for id in self.line.tidy(now) {
            self.held.remove(&id);
        }
    }

    /// The name of the instance that is to run in a slot that is held.
    pub fn name(&mut self, lease: &Lease, instance: InstanceId) {
        if let Some(held) = self.held.values_mut().find(|held| held.token == lease.token) {
            held.instance = instance;
        }
        let slot = self.rows.get_mut(&lease.server).and_then(|row| row.slots.get_mut(&lease.slot));
        slot.into_iter().for_each(|slot| slot.instance = Some(instance));
    }

    /// What is held for it.
    pub fn held(&self, id: Uuid) -> Option<Lease> {
        self.held.get(&id).copied()
    }

    pub fn slot(&self, lease: &Lease) -> Option<&super::Slot> {
        self.rows.get(&lease.server)?.slots.get(&lease.slot)
    }

    /// The slot that was held by this token is another's: whoever it was held for, is first again.
    pub(super) fn give_back_place(&mut self, token: i64) {
        let of = self.held.iter().find(|(_, lease)| lease.token == token).map(|(id, _)| *id);
        let is_held =
            |id: &Uuid| matches!(self.line.entry(*id).map(|entry| entry.stage), Some(Stage::Held { .. }));
        if let Some(id) = of.filter(is_held) {
            self.held.remove(&id);
            self.line.put_back(id);
        }
    }
}
