//! First come, first served, over all machines; and a place that was given is not lost.

use cluster::{
    TicketState,
    line::{Entry, FORGOTTEN_AFTER, GONE_AFTER, Stage},
};
use model::ServerId;
use uuid::Uuid;

use super::Auditor;
use crate::{
    ledger::{FOR_EVER, Lease, Ledger},
    machine::number,
    world::{Held, Place, Viewer},
};

/// Until a machine that has come is known to all, and all who wait have been looked at again with it.
const NEWS_TAKE_MS: i64 = 20_000;
/// A page asks every two seconds; past this, its machine was away, and what it waits for is of before.
const AWAY_MS: i64 = 5_000;

impl Auditor {
    pub fn queued(&mut self, id: Uuid, now: i64) {
        self.next_number += 1;
        self.numbers.insert(id, self.next_number);
        self.asked.insert(id, now);
    }

    /// The viewer was told of it.
    pub fn promise_place(&mut self, id: Uuid) {
        self.places.insert(id);
    }

    /// The viewer does not want it any more.
    pub fn gave_up(&mut self, id: Uuid) {
        self.places.remove(&id);
    }

    /// Who would be right to be served next by that machine.
    pub fn first_for(&self, ledger: &Ledger, server: ServerId) -> Option<Uuid> {
        let waits = ledger.line.entries().iter().filter(|entry| is_waiting(entry, ledger));
        let would =
            waits.filter(|entry| entry.accepts.as_ref().is_none_or(|accepts| accepts.contains(&server)));
        would.min_by_key(|entry| self.numbers.get(&entry.id)).map(|entry| entry.id)
    }

    pub fn was_held(&mut self, ledger: &Ledger, server: ServerId, id: Uuid, first: Option<Uuid>) -> Held {
        if first != Some(id) {
            return Err(format!("{id} was served by {server} before {first:?}"));
        }
        self.seated_for(ledger, server)
    }

    /// The slot that is held is one that was free.
    fn seated_for(&mut self, ledger: &Ledger, server: ServerId) -> Held {
        let Some(row) = ledger.rows.get(&server) else { return Ok(()) };
        for (slot, now) in &row.slots {
            let known = self.grants.get(&(server, *slot)).map_or(0, |grant| grant.token);
            if now.token != known {
                let Some(instance) = now.instance else { continue };
                let (token, expires) = (now.token, now.expires);
                self.given(ledger, &Lease { server, slot: *slot, token, instance, expires })?;
            }
        }
        Ok(())
    }

    /// A newcomer has got a slot there: nobody waited for it who could have known of it.
    pub fn overtook_nobody(&self, ledger: &Ledger, server: ServerId) -> Held {
        let Some(spoken) = self.spoken.get(&server) else { return Ok(()) };
        let overtaken = ledger.line.entries().iter().find(|entry| {
            is_waiting(entry, ledger)
                && spoken.available + NEWS_TAKE_MS < entry.seen.0
                && ledger.now < entry.seen.0 + NEWS_TAKE_MS
                && ledger.now > spoken.available + 2 * NEWS_TAKE_MS
                && self.back.get(&entry.id).is_none_or(|back| back + NEWS_TAKE_MS < ledger.now)
                && self.places.contains(&entry.id)
                && entry.launch["region"]
                    .as_str()
                    .is_none_or(|region| region == ["east", "west"][number(server) % 2])
        });
        overtaken
            .map_or(Ok(()), |entry| Err(format!("{} waits, and a newcomer got a slot of {server}", entry.id)))
    }

    /// What the viewer is told of a place, each time that it asks.
    pub fn looked(&mut self, id: Uuid, state: Option<&TicketState>, now: i64) -> Held {
        let before = self.asked.insert(id, now);
        if before.is_none_or(|before| before + AWAY_MS < now) {
            self.back.insert(id, now);
        }
        match state {
            Some(TicketState::Lapsed) => self.gave_up(id),
            None if self.places.contains(&id) && !is_forgotten(before, now) => {
                return Err(format!("the place {id} was given, and is lost"));
            }
            None => self.gave_up(id),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn keeps_places(&mut self, ledger: &Ledger, viewers: &[Viewer]) -> Held {
        for viewer in viewers {
            if let Place::InRegistry(id) = viewer.place
                && self.places.contains(&id)
            {
                self.keeps_place(ledger, id)?;
            }
        }
        Ok(())
    }

    fn keeps_place(&mut self, ledger: &Ledger, id: Uuid) -> Held {
        let (now, lease) = (ledger.now, ledger.held(id));
        let Some(entry) = ledger.line.entry(id) else {
            return match is_forgotten(self.asked.get(&id).copied(), now) {
                true => Ok(()),
                false => Err(format!("the place {id} was given, and is no more")),
            };
        };
        let slot = lease.and_then(|lease| ledger.slot(&lease));
        let is_its = lease.zip(slot).is_some_and(|(lease, slot)| lease.token == slot.token);
        match entry.stage {
            Stage::Held { until, .. } if until.0 > now && !is_its => {
                Err(format!("a slot is held for the place {id}, which is another's"))
            }
            // What was begun late, when nobody waited for the word any more, is in the list of whose it is.
            Stage::Claimed if is_its && slot.is_some_and(|slot| slot.expires == FOR_EVER) => {
                self.gave_up(id);
                Ok(())
            }
            // While the registry is away nobody can help.
            Stage::Claimed if entry.seen.0 + GONE_AFTER.as_millis() as i64 / 2 < ledger.looked_after => {
                Err(format!("whoever has the place {id} came for a slot, and got nothing"))
            }
            _ => Ok(()),
        }
    }
}

fn is_waiting(entry: &Entry, ledger: &Ledger) -> bool {
    entry.stage == Stage::Waiting && entry.seen.0 + GONE_AFTER.as_millis() as i64 > ledger.now
}

/// Nobody has asked about it for so long that it is no place any more.
pub fn is_forgotten(asked: Option<i64>, now: i64) -> bool {
    asked.is_none_or(|asked| asked + FORGOTTEN_AFTER.as_millis() as i64 <= now)
}
