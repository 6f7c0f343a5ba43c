//! What happens to a fleet: people come and go, machines too, and nothing in between can be relied on.

use std::time::Duration;

use cluster::{
    fate::{Fate, Rescue, fate, rescue, shown},
    line::Line,
};
use model::{InstanceId, InstanceState, ServerId};

use super::{Event, HEARTBEAT_MS, Held, Place, RULES, World};
use crate::{
    breaks::Break,
    machine::{Cut, Machine, Power},
    words::{Call, Task},
};

impl World {
    pub(super) fn disturb(&mut self) -> Held {
        let at = self.chance.at(self.machines.len());
        match self.chance.below(100) {
            0..44 => self.somebody_launches()?,
            44..51 => self.somebody_ends(),
            51..54 => self.page_is_closed_or_opened(),
            54..56 => self.somebody_leaves_the_queue(),
            56..58 => self.fall(at),
            58..66 => self.rise(at)?,
            66..68 => self.cut(at),
            68..76 => self.machines[at].cut = Cut::None,
            76..78 => self.fall_asleep(at),
            78..81 => self.continue_elsewhere(at),
            81..84 => self.stale_word()?,
            84 => self.drain_or_not(at),
            85 => self.join_or_leave(at)?,
            86 => self.registry_is_slow = self.chance.one_in(4),
            87 => self.registry_is_up = !self.chance.one_in(2),
            88 => self.registry_falls()?,
            89..92 => self.registry_is_up = true,
            _ => {}
        }
        // At the worst moment: when there is a lease to forget.
        let newest = self.old_leases.last().map_or(0, |lease| lease.token);
        if self.remembered.as_ref().is_some_and(|(when, known)| *when <= self.now() || newest > known.tokens)
        {
            self.registry_falls()?;
        }
        Ok(())
    }

    fn somebody_launches(&mut self) -> Held {
        let viewer = self.chance.at(self.viewers.len());
        let person = &self.viewers[viewer];
        let idle = matches!(person.place, Place::Nowhere) && person.page_is_open;
        if idle && self.machines[person.home].is_up() { self.launch(viewer) } else { Ok(()) }
    }

    fn somebody_ends(&mut self) {
        let at = self.chance.at(self.machines.len());
        if !self.machines[at].is_up() {
            return;
        }
        let Some(instance) = self.machines[at].runs.keys().next().copied() else { return };
        self.machines[at].lives.ended(Duration::from_secs(300));
        self.ended(at, instance);
    }

    fn page_is_closed_or_opened(&mut self) {
        let viewer = self.chance.at(self.viewers.len());
        self.viewers[viewer].page_is_open ^= true;
    }

    fn somebody_leaves_the_queue(&mut self) {
        let at = self.chance.at(self.machines.len());
        let Some(viewer) = self.machines[at].watched.first().copied() else { return };
        let session = self.viewers[viewer].session;
        match self.viewers[viewer].place {
            Place::InRegistry(id) if self.machines[at].is_up() && self.machines[at].seat().is_some() => {
                self.ask(at, Task::Tell, Call::Leave { id, session });
                self.auditor.gave_up(id);
            }
            Place::AtMachine(id) if self.machines[at].is_up() => {
                self.machines[at].line.leave(id, session);
                self.keep(at);
            }
            _ => return,
        }
        self.viewers[viewer].place = Place::Nowhere;
        self.machines[at].watched.remove(&viewer);
    }

    // Machines.

    /// `kill -9`: its programs run on.
    fn fall(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        if machine.is_up() {
            machine.power = Power::Down;
            machine.life += 1;
            machine.pending.clear();
            machine.orders.clear();
            for viewer in &mut self.viewers {
                // Their pages have no answer, and ask again some time.
                if viewer.home == at && viewer.place == Place::Asking {
                    viewer.place = Place::Nowhere;
                }
            }
        }
    }

    /// It finds what ran in its journal, or has lost it with the power.
    fn rise(&mut self, at: usize) -> Held {
        if self.machines[at].power != Power::Down {
            return Ok(());
        }
        if self.chance.one_in(3) && !self.calm {
            for (instance, viewer) in std::mem::take(&mut self.machines[at].runs) {
                self.knows_that_it_ended(viewer, instance);
                self.auditor.promised.remove(&(self.machines[at].server, instance));
            }
        }
        let now = self.now();
        let machine = &mut self.machines[at];
        let mut journal = std::mem::take(&mut machine.journal);
        if self.broken == Break::ARestartForgetsPlaces {
            journal.clear();
        }
        let clock = machine.clock(now);
        let (life, connection) = (machine.life + 1, machine.connection + 1);
        *machine = Machine {
            power: Power::Up,
            life,
            connection,
            line: Line::restore(RULES, journal, clock),
            runs: std::mem::take(&mut machine.runs),
            watched: std::mem::take(&mut machine.watched),
            server: machine.server,
            cut: machine.cut,
            draining: machine.draining,
            region: machine.region,
            ..Machine::new(at, machine.slots, machine.skew_ms, RULES)
        };
        self.keep(at);
        self.after(0, Event::Beat { at, life });
        Ok(())
    }

    fn cut(&mut self, at: usize) {
        self.machines[at].cut = [Cut::FromRegistry, Cut::FromAll, Cut::Deaf][self.chance.at(3)];
    }

    fn fall_asleep(&mut self, at: usize) {
        let until = self.now() + self.chance.between(1_000, 90_000);
        let machine = &mut self.machines[at];
        if machine.is_up() {
            machine.power = Power::Asleep { until };
        }
    }

    fn drain_or_not(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        if machine.is_up() {
            machine.draining ^= true;
        }
    }

    fn join_or_leave(&mut self, at: usize) -> Held {
        if self.machines.len() < 320 && self.chance.one_in(2) {
            self.add_machine();
            return Ok(());
        }
        if !self.machines[at].is_up() || !self.chance.one_in(4) {
            return Ok(());
        }
        if let Some(generation) = self.machines[at].generation {
            self.ask(at, Task::Tell, Call::Farewell { generation });
        }
        for instance in self.machines[at].runs.keys().copied().collect::<Vec<_>>() {
            self.ended(at, instance);
        }
        self.fall(at);
        let machine = &mut self.machines[at];
        machine.power = Power::Gone;
        machine.watched.clear();
        for (viewer, person) in self.viewers.iter_mut().enumerate().filter(|(_, person)| person.home == at) {
            if let Place::InRegistry(id) = person.place {
                self.auditor.gave_up(id);
            }
            (person.home, person.place) = (viewer % at.max(1), Place::Nowhere);
        }
        Ok(())
    }

    pub(super) fn mend_everything(&mut self) {
        (self.registry_is_up, self.registry_is_slow, self.remembered) = (true, false, None);
        let now = self.now();
        for at in 0..self.machines.len() {
            let machine = &mut self.machines[at];
            machine.cut = Cut::None;
            machine.draining = false;
            if let Power::Asleep { until } = &mut machine.power {
                *until = (*until).min(now);
            }
            if machine.power == Power::Down {
                drop(self.rise(at));
            }
        }
    }

    // Whose machine is lost.

    fn lost(&self, at: usize) -> Vec<ServerId> {
        let machine = &self.machines[at];
        let is_lost = |standing: &&crate::ledger::Standing| self.fate_of(standing.silent_ms) == Fate::Lost;
        machine.fleet.iter().filter(is_lost).map(|standing| standing.server).collect()
    }

    fn fate_of(&self, silent_ms: i64) -> Fate {
        let ms = |ms: i64| Duration::from_millis(ms.unsigned_abs());
        match self.broken {
            Break::TheLostAreShownAsRunning => Fate::Lives,
            _ => fate(ms(silent_ms), ms(HEARTBEAT_MS)),
        }
    }

    /// Whose instance was on a lost machine goes on with it on another.
    fn continue_elsewhere(&mut self, at: usize) {
        let machine = &self.machines[at];
        let (Some(generation), true) = (machine.seat(), machine.is_up()) else { return };
        let lost = self.lost(at);
        let known = self.ledger.instances.iter().filter(|(_, told)| lost.contains(&told.server));
        let known: Vec<_> = known.map(|(instance, _)| *instance).collect();
        if known.is_empty() || self.machines[at].free(self.now()) == 0 {
            return;
        }
        let instance = known[self.chance.at(known.len())];
        let shown = shown(InstanceState::Ready, Fate::Lost);
        if rescue(shown, true) == Rescue::Resume {
            self.ask(at, Task::TakeOver(instance), Call::TakeOver { instance, generation });
        }
    }

    pub(super) fn took_over(&mut self, at: usize, instance: InstanceId, done: bool) {
        if done {
            // Where there is no room any more, the next telling says that it is no more.
            let machine = &mut self.machines[at];
            if machine.runs.len() < machine.slots {
                machine.runs.insert(instance, None);
                self.auditor.told.taken_over += 1;
            }
            self.changed(at);
        }
    }

    /// What any machine's page says of any other machine's instances, at any moment.
    pub(super) fn look_at_a_page(&mut self) -> Held {
        let at = self.chance.at(self.machines.len());
        let machine = &self.machines[at];
        if !machine.is_up() || machine.fleet.is_empty() {
            return Ok(());
        }
        let standing = machine.fleet[self.chance.at(machine.fleet.len())];
        let machine = &self.machines[at];
        let silent_ms = standing.silent_ms + (self.now() - machine.fleet_at);
        let says = shown(InstanceState::Ready, self.fate_of(silent_ms));
        self.auditor.shown(&self.ledger, standing.server, says, self.now() - machine.fleet_at)
    }

    // Words that come too late.

    /// Somebody acts on a lease of long ago, by the newest generation; and an older generation tells what it believes.
    fn stale_word(&mut self) -> Held {
        let of = match self.chance.one_in(2) {
            true if !self.forgotten.is_empty() => &self.forgotten,
            _ => &self.old_leases,
        };
        if of.is_empty() {
            return Ok(());
        }
        let lease = of[self.chance.at(of.len())];
        let (at, generations) = (self.at(lease.server), &self.ledger.rows);
        let generation = generations.get(&lease.server).map_or(0, |row| row.generation);
        // The one who believes in it may be right: then it is nobody else's.
        if self.auditor.is_over(&self.ledger, &lease) {
            let call = match self.chance.one_in(2) {
                true => Call::Confirm { lease, generation },
                false => Call::Release { lease },
            };
            self.auditor.told.stale_words += 1;
            self.execute(at, call)?;
        }
        let old = Call::Publish { generation: generation - 1, runs: Vec::new(), statements: 3 };
        self.execute(at, old).map(drop)
    }

    // Postgres.

    /// First it is noted what Postgres has on the disk, some moments later it falls: all connections end.
    fn registry_falls(&mut self) -> Held {
        let Some((_, ledger)) = self.remembered.take() else {
            if self.registry_is_up && self.chance.one_in(8) {
                self.remembered = Some((self.now() + self.chance.between(500, 5_000), self.ledger.clone()));
            }
            return Ok(());
        };
        let now = self.now();
        self.ledger = ledger;
        self.ledger.now = now;
        self.auditor.fell(&self.ledger);
        for at in 0..self.machines.len() {
            self.lose_link(at)?;
        }
        self.give_again_what_is_forgotten()
    }

    /// Leases that Postgres has forgotten, and their tokens with them: the next ones get the same numbers.
    fn give_again_what_is_forgotten(&mut self) -> Held {
        let known = self.ledger.tokens;
        self.forgotten = self.old_leases.iter().filter(|lease| lease.token > known).copied().collect();
        self.forgotten.sort_by_key(|lease| lease.token);
        for lease in self.forgotten.clone() {
            let (at, instance) = (self.at(lease.server), self.fresh_instance());
            let generation = self.ledger.rows.get(&lease.server).map_or(0, |row| row.generation);
            self.execute(at, Call::Reserve { server: lease.server, instance })?;
            self.execute(at, Call::HoldNext { generation })?;
            if self.auditor.is_over(&self.ledger, &lease) {
                self.execute(at, Call::Confirm { lease, generation })?;
            }
        }
        Ok(())
    }
}
