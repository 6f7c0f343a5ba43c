//! The queue as one machine keeps it by itself: first come, first served. Pure.
//!
//! ```text
//!  enter ─► Waiting ─ a slot is free ─► Held ─ claim ─► Claimed
//!              │                          └─ nobody came ─► Lapsed, the slot is the next one's
//!              └─ its page is gone: passed over, then forgotten
//! ```
//!
//! The registry keeps the same queue for all machines in its own statements; the fleet simulation holds them to this one.

use std::time::Duration;

use model::{SecretHash, ServerId, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Ticket, TicketState, Wish};

/// Whose page has not asked for so long, has gone and is passed over. A reload, or a phone in a pocket for a minute, is not.
pub const GONE_AFTER: Duration = Duration::from_secs(120);
/// A ticket that is over is told about for so long.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);
/// A slot is held a little longer than the viewer is told, so that who comes in the last second still gets it.
pub const GRACE: Duration = Duration::from_secs(10);

/// What has been decided about waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a free slot is held for whose turn it is.
    pub hold: Duration,
    /// Places of one session.
    pub per_session: u32,
    /// Past this, a launch is refused: a queue that takes a day is none.
    pub longest: u32,
}

/// A ticket as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub id: Uuid,
    /// The lower is first.
    pub number: u64,
    pub session: SecretHash,
    pub launch: Value,
    pub accepts: Option<Vec<ServerId>>,
    pub seen: UnixMillis,
    pub stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Waiting,
    Held { server: ServerId, until: UnixMillis },
    Claimed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The session waits in as many places as it may.
    Session,
    /// As many wait as may.
    Queue,
}

#[derive(Clone, Debug)]
pub struct Line {
    rules: Rules,
    /// In the order of their numbers.
    entries: Vec<Entry>,
    next: u64,
}

impl Line {
    /// As it was kept. Nobody could ask while it was not there, so everybody counts as having asked just now.
    pub fn restore(rules: Rules, mut entries: Vec<Entry>, now: UnixMillis) -> Self {
        entries.sort_by_key(|entry| entry.number);
        for entry in &mut entries {
            entry.seen = now;
        }
        let next = entries.last().map_or(0, |last| last.number + 1);
        Self { rules, entries, next }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn entry(&self, id: Uuid) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// At the end.
    pub fn enter(&mut self, id: Uuid, wish: Wish, now: UnixMillis) -> Result<u32, Full> {
        if self.waiting(now) >= self.rules.longest {
            return Err(Full::Queue);
        }
        if self.places_of(wish.session, now) >= self.rules.per_session {
            return Err(Full::Session);
        }
        let Wish { session, launch, accepts } = wish;
        // Who comes anew has given up the place that was let lapse.
        self.entries.retain(|entry| entry.session != session || is_place(entry, now));
        let number = self.next;
        self.next += 1;
        self.entries.push(Entry { id, number, session, launch, accepts, seen: now, stage: Stage::Waiting });
        Ok(self.position(number, now))
    }

    /// Asking keeps the place. `None` when there is none, or it is somebody else's.
    pub fn ask(&mut self, id: Uuid, session: SecretHash, now: UnixMillis) -> Option<Ticket> {
        let entry = self.entries.iter_mut().find(|entry| entry.id == id && entry.session == session)?;
        // A clock that was set back takes nobody's place.
        entry.seen = now;
        let entry = entry.clone();
        Some(self.ticket(entry, now))
    }

    /// How it stands, without anybody having asked.
    pub fn look(&self, id: Uuid, now: UnixMillis) -> Option<Ticket> {
        self.entry(id).map(|entry| self.ticket(entry.clone(), now))
    }

    /// All places of a session whose page is there.
    pub fn ask_all(&mut self, session: SecretHash, now: UnixMillis) -> Vec<Ticket> {
        let mine = self.entries.iter().filter(|entry| entry.session == session);
        let mine: Vec<_> = mine.map(|entry| entry.id).collect();
        mine.into_iter().filter_map(|id| self.ask(id, session, now)).collect()
    }

    /// Whose the next free slot of that machine is: the first who waits, is there, and whom it would do.
    pub fn next_for(&self, server: ServerId, now: UnixMillis) -> Option<&Entry> {
        let may = |entry: &&Entry| {
            entry.stage == Stage::Waiting
                && is_here(entry, now)
                && entry.accepts.as_ref().is_none_or(|accepts| accepts.contains(&server))
        };
        self.entries.iter().find(may)
    }

    /// A slot of this machine is free and nobody else's: it is held for whose it is.
    pub fn hold_next(&mut self, server: ServerId, now: UnixMillis) -> Option<Uuid> {
        let id = self.next_for(server, now)?.id;
        let until = later(now, self.rules.hold);
        self.entries.iter_mut().find(|entry| entry.id == id)?.stage = Stage::Held { server, until };
        Some(id)
    }

    /// Slots that are held and not taken yet.
    pub fn held(&self, now: UnixMillis) -> u32 {
        let held =
            |entry: &&Entry| matches!(entry.stage, Stage::Held { until, .. } if later(until, GRACE) > now);
        count(self.entries.iter().filter(held))
    }

    pub fn waiting(&self, now: UnixMillis) -> u32 {
        count(self.entries.iter().filter(|entry| entry.stage == Stage::Waiting && is_here(entry, now)))
    }

    /// Whose turn it is comes, once, in time; what it wished for.
    pub fn claim(&mut self, id: Uuid, session: SecretHash, now: UnixMillis) -> Option<Wish> {
        let entry = self.entries.iter_mut().find(|entry| entry.id == id && entry.session == session)?;
        let Stage::Held { until, .. } = entry.stage else { return None };
        if later(until, GRACE) <= now {
            return None;
        }
        entry.stage = Stage::Claimed;
        entry.seen = now;
        Some(Wish { session, launch: entry.launch.clone(), accepts: entry.accepts.clone() })
    }

    /// What was held or claimed could not be had: it is first again.
    pub fn put_back(&mut self, id: Uuid) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.stage = Stage::Waiting;
        }
    }

    /// Other machines have come, or gone: what would do for it now.
    pub fn accept(&mut self, id: Uuid, accepts: Option<Vec<ServerId>>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.accepts = accepts;
        }
    }

    pub fn leave(&mut self, id: Uuid, session: SecretHash) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id || entry.session != session);
        self.entries.len() < before
    }

    /// Forgets what is long over; the ids that are no more.
    pub fn tidy(&mut self, now: UnixMillis) -> Vec<Uuid> {
        let over = |entry: &Entry| {
            later(entry.seen, FORGOTTEN_AFTER) <= now
                || entry.stage == Stage::Claimed && later(entry.seen, GONE_AFTER) <= now
        };
        let gone = self.entries.iter().filter(|entry| over(entry)).map(|entry| entry.id).collect();
        self.entries.retain(|entry| !over(entry));
        gone
    }

    /// Places of one session, for its limit.
    pub fn places_of(&self, session: SecretHash, now: UnixMillis) -> u32 {
        count(self.entries.iter().filter(|entry| entry.session == session && is_place(entry, now)))
    }

    fn position(&self, number: u64, now: UnixMillis) -> u32 {
        let before =
            |entry: &&Entry| entry.number < number && entry.stage == Stage::Waiting && is_here(entry, now);
        count(self.entries.iter().filter(before)) + 1
    }

    fn ticket(&self, entry: Entry, now: UnixMillis) -> Ticket {
        let state = match entry.stage {
            Stage::Waiting => TicketState::Waiting { position: self.position(entry.number, now) },
            Stage::Held { server, until } if until > now => {
                TicketState::Held { server, lasts: Duration::from_millis((until.0 - now.0).unsigned_abs()) }
            }
            Stage::Held { .. } => TicketState::Lapsed,
            Stage::Claimed => TicketState::Claimed,
        };
        let Entry { id, session, launch, accepts, .. } = entry;
        Ticket { id, wish: Wish { session, launch, accepts }, state }
    }
}

/// It waits, or a slot is held for it.
fn is_place(entry: &Entry, now: UnixMillis) -> bool {
    match entry.stage {
        Stage::Waiting => is_here(entry, now),
        Stage::Held { until, .. } => later(until, GRACE) > now,
        Stage::Claimed => false,
    }
}

fn is_here(entry: &Entry, now: UnixMillis) -> bool {
    later(entry.seen, GONE_AFTER) > now
}

fn later(moment: UnixMillis, by: Duration) -> UnixMillis {
    UnixMillis(moment.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

fn count<T>(entries: impl Iterator<Item = T>) -> u32 {
    u32::try_from(entries.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
