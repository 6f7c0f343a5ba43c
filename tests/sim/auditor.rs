//! What must hold, whatever happens. It keeps books of its own about what was given out, told and promised.

pub mod queue;

use std::collections::{BTreeMap, BTreeSet};

use model::{InstanceId, InstanceState, ServerId};
use uuid::Uuid;

use crate::{
    ledger::{DEAD_AFTER_MS, FOR_EVER, Lease, Ledger},
    machine::{Machine, Power, number},
    world::{HEARTBEAT_MS, Held, Viewer},
};

/// What has happened in a run: one in which nothing happened would prove nothing.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub launched: u32,
    pub launched_alone: u32,
    pub queued: u32,
    pub queued_alone: u32,
    pub held: u32,
    pub lapsed: u32,
    pub refused: u32,
    pub refused_by_owner: u32,
    pub taken_over: u32,
    pub let_go: u32,
    pub replaced: u32,
    pub stale_words: u32,
    pub falls: u32,
    pub shown_lost: u32,
}

#[derive(Clone, Copy, Debug)]
struct Grant {
    token: i64,
    instance: Option<InstanceId>,
    expires: i64,
}

/// A machine as it has spoken.
#[derive(Clone, Copy, Debug)]
struct Spoken {
    generation: i64,
    beat: i64,
    draining: bool,
    /// Since when it takes launches.
    available: i64,
}

#[derive(Default)]
pub struct Auditor {
    pub told: Told,
    grants: BTreeMap<(ServerId, usize), Grant>,
    /// The newest of each slot.
    tokens: BTreeMap<(ServerId, usize), i64>,
    spoken: BTreeMap<ServerId, Spoken>,
    /// Instances that viewers were told of, where they run.
    pub promised: BTreeMap<(ServerId, InstanceId), usize>,
    /// When which instance became another machine's.
    moved: BTreeMap<InstanceId, i64>,
    /// Places in the queue that viewers were told of.
    pub places: BTreeSet<Uuid>,
    numbers: BTreeMap<Uuid, u64>,
    /// When its viewer has asked last, as the registry has heard it.
    asked: BTreeMap<Uuid, i64>,
    /// When it has asked again after its page's machine was away.
    back: BTreeMap<Uuid, i64>,
    next_number: u64,
    looks: u32,
}

impl Auditor {
    // Slots.

    pub fn joined(&mut self, ledger: &Ledger, server: ServerId, generation: i64) -> Held {
        let before = self.spoken.get(&server).map_or(0, |spoken| spoken.generation);
        let now = ledger.now;
        let available = match self.spoken.get(&server) {
            Some(spoken) if spoken.beat + DEAD_AFTER_MS > now && !spoken.draining => spoken.available,
            _ => now,
        };
        self.spoken.insert(server, Spoken { generation, beat: now, draining: false, available });
        self.seated(ledger, server)?;
        if generation > before {
            Ok(())
        } else {
            Err(format!("{server} has joined as {generation} after {before}"))
        }
    }

    /// What an older generation says, changes nothing.
    pub fn spoke(&mut self, ledger: &Ledger, server: ServerId, generation: i64, was_heard: bool) -> Held {
        let newest = self.spoken.get(&server).map_or(0, |spoken| spoken.generation);
        let _ = ledger;
        match was_heard && generation < newest {
            true => {
                Err(format!("{server} was heard as generation {generation}, and {newest} has spoken since"))
            }
            false => Ok(()),
        }
    }

    pub fn beat(&mut self, ledger: &Ledger, server: ServerId, draining: bool) {
        let now = ledger.now;
        if let Some(spoken) = self.spoken.get_mut(&server) {
            if spoken.beat + DEAD_AFTER_MS <= now || spoken.draining {
                spoken.available = now;
            }
            (spoken.beat, spoken.draining) = (now, draining);
        }
    }

    /// A slot that was given out: nobody else's, of a machine that lives, by a token that is newer than any before.
    pub fn given(&mut self, ledger: &Ledger, lease: &Lease) -> Held {
        let now = ledger.now;
        let place = (lease.server, lease.slot);
        if let Some(before) = self.grants.get(&place).filter(|grant| grant.expires > now) {
            return Err(format!("{lease:?} was given out, and {before:?} has the slot"));
        }
        if self.spoken.get(&lease.server).is_none_or(|spoken| spoken.beat + DEAD_AFTER_MS <= now) {
            return Err(format!("{lease:?} is of a machine that was not heard of"));
        }
        self.newer(place, lease.token)?;
        let Lease { token, instance, expires, .. } = *lease;
        self.grants.insert(place, Grant { token, instance: Some(instance), expires });
        Ok(())
    }

    fn newer(&mut self, place: (ServerId, usize), token: i64) -> Held {
        let before = self.tokens.insert(place, token).unwrap_or(0);
        if token > before {
            Ok(())
        } else {
            Err(format!("the token of {place:?} went from {before} to {token}"))
        }
    }

    /// Who acts on a slot, has it.
    pub fn used(&mut self, ledger: &Ledger, lease: &Lease, done: bool, expires: i64) -> Held {
        if !done {
            return Ok(());
        }
        let now = ledger.now;
        let grant = self.grants.get_mut(&(lease.server, lease.slot)).filter(|grant| {
            grant.token == lease.token && grant.instance == Some(lease.instance) && grant.expires > now
        });
        match grant {
            Some(grant) if grant.expires == FOR_EVER && expires < now => {
                Err(format!("{lease:?} was given back, and its owner has an instance in it"))
            }
            Some(grant) => {
                grant.expires = expires;
                Ok(())
            }
            None => Err(format!("{lease:?} was over, and was acted upon")),
        }
    }

    /// Whoever has left has given the slot back, if one was held.
    pub fn gave_back(&mut self, ledger: &Ledger, lease: Option<Lease>) -> Held {
        lease.map_or(Ok(()), |lease| self.seated(ledger, lease.server))
    }

    pub fn is_over(&self, ledger: &Ledger, lease: &Lease) -> bool {
        let grant = self.grants.get(&(lease.server, lease.slot));
        grant.is_none_or(|grant| {
            grant.token != lease.token
                || grant.instance != Some(lease.instance)
                || grant.expires <= ledger.now
        })
    }

    /// After the owner's word: the slots as they are now, no token older than before.
    pub fn seated(&mut self, ledger: &Ledger, server: ServerId) -> Held {
        let Some(row) = ledger.rows.get(&server) else { return Ok(()) };
        for (number, slot) in &row.slots {
            let place = (server, *number);
            let before = self.tokens.insert(place, slot.token).unwrap_or(0);
            if slot.token < before {
                return Err(format!("the token of {place:?} went back from {before} to {}", slot.token));
            }
            let grant = Grant { token: slot.token, instance: slot.instance, expires: slot.expires };
            self.grants.insert(place, grant);
        }
        Ok(())
    }

    /// Postgres has forgotten the last moments; whoever has heard something in them believes it still.
    pub fn fell(&mut self, ledger: &Ledger) {
        self.told.falls += 1;
        self.grants.clear();
        self.tokens.clear();
        for (server, row) in &ledger.rows {
            for (number, slot) in &row.slots {
                let grant = Grant { token: slot.token, instance: slot.instance, expires: slot.expires };
                self.grants.insert((*server, *number), grant);
                self.tokens.insert((*server, *number), slot.token);
            }
            if let Some(spoken) = self.spoken.get_mut(server) {
                (spoken.generation, spoken.beat) = (row.generation, row.seen);
            }
        }
    }

    // Instances.

    pub fn taken_over(&mut self, ledger: &Ledger, instance: InstanceId) {
        self.moved.insert(instance, ledger.now);
    }

    /// A machine ends one of its instances because it is another's: that must be so.
    pub fn let_go(&mut self, ledger: &Ledger, server: ServerId, instance: InstanceId) -> Held {
        self.told.let_go += 1;
        match (self.moved.contains_key(&instance), ledger.instances.get(&instance)) {
            (true, told) if told.is_none_or(|told| told.server != server) => Ok(()),
            _ => Err(format!("{server} was told to let {instance} go, which nobody has taken over")),
        }
    }

    /// A machine that has heard what was another's when it asked, runs none of it; what it has begun since, it asks about next.
    pub fn was_told(&self, ledger: &Ledger, machine: &Machine, asked: i64) -> Held {
        if machine.untold {
            return Ok(());
        }
        let both = machine.runs.keys().find(|instance| {
            let elsewhere = ledger.instances.get(instance).is_some_and(|told| told.server != machine.server);
            elsewhere && self.moved.get(instance).is_some_and(|moved| *moved < asked)
        });
        both.map_or(Ok(()), |instance| Err(format!("{} runs {instance}, which is another's", machine.server)))
    }

    /// What a page says of an instance of that machine, by figures for which it asked `age_ms` ago.
    pub fn shown(&mut self, ledger: &Ledger, server: ServerId, says: InstanceState, age_ms: i64) -> Held {
        let Some(spoken) = self.spoken.get(&server) else { return Ok(()) };
        let silent_ms = ledger.now - spoken.beat;
        self.told.shown_lost += u32::from(says == InstanceState::Lost);
        match says {
            InstanceState::Ready if silent_ms > DEAD_AFTER_MS + age_ms + HEARTBEAT_MS => {
                Err(format!("what ran on {server} is shown as running after {silent_ms} ms of silence"))
            }
            _ => Ok(()),
        }
    }

    pub fn refused(&mut self, why: &str) -> Held {
        self.told.refused += 1;
        if why.split(' ').count() > 3 { Ok(()) } else { Err(format!("a viewer was refused with `{why}`")) }
    }

    // After each step.

    pub fn look(&mut self, ledger: &Ledger, machines: &[Machine], viewers: &[Viewer]) -> Held {
        for machine in machines {
            if machine.runs.len() > machine.slots {
                return Err(format!(
                    "{} runs {} on {} slots",
                    machine.server,
                    machine.runs.len(),
                    machine.slots
                ));
            }
        }
        self.looks += 1;
        // What is promised is many; it is not lost for a moment only.
        if self.looks.is_multiple_of(16) {
            self.keeps_promises(ledger, machines)?;
            self.keeps_places(ledger, viewers)?;
        }
        Ok(())
    }

    fn keeps_promises(&self, ledger: &Ledger, machines: &[Machine]) -> Held {
        for (server, instance) in self.promised.keys() {
            if !machines[number(*server)].runs.contains_key(instance) {
                return Err(format!("{instance} on {server} was promised, and is no more"));
            }
        }
        // Who is in touch and has nothing to tell runs nothing that another has taken over.
        let content = |machine: &&Machine| {
            machine.is_up() && machine.generation.is_some() && !machine.untold && !machine.publishing
        };
        for machine in machines.iter().filter(content) {
            for instance in machine.runs.keys() {
                let elsewhere =
                    ledger.instances.get(instance).is_some_and(|told| told.server != machine.server);
                let long_ago = self.moved.get(instance).is_some_and(|moved| moved + 30_000 < ledger.now);
                let heard = self.spoken.get(&machine.server).is_some_and(|spoken| {
                    spoken.available + 20_000 < ledger.now && spoken.beat + 2 * HEARTBEAT_MS > ledger.now
                });
                if elsewhere && long_ago && heard {
                    return Err(format!("{instance} runs on {} and on another machine", machine.server));
                }
            }
        }
        Ok(())
    }

    // After everything was mended.

    pub fn agreed(&mut self, ledger: &Ledger, machines: &[Machine], viewers: &[Viewer]) -> Held {
        self.keeps_promises(ledger, machines)?;
        self.keeps_places(ledger, viewers)?;
        let mut running = BTreeSet::new();
        for machine in machines.iter().filter(|machine| machine.power != Power::Gone) {
            if machine.generation.is_none() || !ledger.is_alive(machine.server) {
                return Err(format!("{} has not come back: {:?}", machine.server, machine.power));
            }
            agree_about_slots(ledger, machine)?;
            for instance in machine.runs.keys() {
                let told = ledger.instances.get(instance).map(|told| told.server);
                if told != Some(machine.server) {
                    return Err(format!(
                        "{instance} runs on {}, and the registry says {told:?}",
                        machine.server
                    ));
                }
                if !running.insert(*instance) {
                    return Err(format!("{instance} runs twice"));
                }
            }
            if let Some(next) =
                ledger.line.next_for(machine.server, ledger.moment()).filter(|_| machine.free(ledger.now) > 0)
            {
                return Err(format!("{} has room, and {} waits", machine.server, next.id));
            }
        }
        // What a machine that has left had, is shown as lost.
        let here = |server| machines[number(server)].power != Power::Gone;
        let mut told = ledger.instances.iter().filter(|(_, told)| here(told.server));
        let ghost = told.find(|(instance, _)| !running.contains(instance)).map(|(instance, _)| instance);
        ghost.map_or(Ok(()), |ghost| Err(format!("{ghost} is told of, and does not run")))
    }
}

/// A slot for each instance, and none for anything that is no more.
fn agree_about_slots(ledger: &Ledger, machine: &Machine) -> Held {
    let Some(row) = ledger.rows.get(&machine.server) else {
        return Err(format!("{} is not in the registry", machine.server));
    };
    let seated: BTreeSet<_> =
        row.slots.values().filter(|slot| slot.expires == FOR_EVER).filter_map(|slot| slot.instance).collect();
    let runs: BTreeSet<_> = machine.runs.keys().copied().collect();
    if seated == runs {
        return Ok(());
    }
    Err(format!("{} runs {runs:?}, and has slots taken by {seated:?}", machine.server))
}
