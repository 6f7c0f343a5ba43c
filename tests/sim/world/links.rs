//! Between a machine and the registry: slow, cut, deaf, and gone while something is on its way.

use std::mem;

use super::{Event, Held, RESERVED_MS, World};
use crate::{
    ledger::Lease,
    machine::Cut,
    words::{Answer, Call, Task},
};

impl World {
    pub fn ask(&mut self, at: usize, task: Task, call: Call) {
        if matches!(task, Task::Tell) && self.machines[at].generation.is_none() {
            return;
        }
        let delay = self.delay();
        let now = self.now();
        let id = self.fresh();
        let machine = &mut self.machines[at];
        machine.pending.insert(id, (now, task));
        let due = machine.last_asked.max(now + delay);
        machine.last_asked = due;
        let (life, connection) = (machine.life, machine.connection);
        if !matches!(machine.cut, Cut::FromRegistry | Cut::FromAll) {
            self.after(due - now, Event::Asked { at, life, connection, id, call });
        }
    }

    fn delay(&mut self) -> i64 {
        if self.registry_is_slow { self.chance.between(100, 7_000) } else { self.chance.between(1, 20) }
    }

    /// It reaches Postgres, whoever has asked may be gone meanwhile.
    pub(super) fn asked(&mut self, at: usize, life: u32, connection: u32, id: u64, call: Call) -> Held {
        let cut = self.machines[at].cut;
        if !self.registry_is_up || matches!(cut, Cut::FromRegistry | Cut::FromAll) {
            return Ok(());
        }
        let half_done = matches!(call, Call::Publish { statements, .. } if statements < 3);
        let is_durable = call.is_durable();
        let answer = self.execute(at, call)?;
        if is_durable && let Some((_, remembered)) = &mut self.remembered {
            *remembered = self.ledger.clone();
        }
        if cut != Cut::Deaf && !half_done {
            let delay = self.delay() / 2;
            self.after(delay, Event::Answered { at, life, connection, id, answer });
        }
        Ok(())
    }

    pub(super) fn execute(&mut self, at: usize, call: Call) -> Result<Answer, String> {
        let server = self.server(at);
        let (ledger, auditor) = (&mut self.ledger, &mut self.auditor);
        Ok(match call {
            Call::Join { slots } => {
                let generation = ledger.join(server, slots);
                auditor.joined(ledger, server, generation)?;
                Answer::Joined(generation)
            }
            Call::Beat { generation, draining } => {
                let kept = ledger.beat(server, generation, draining);
                auditor.spoke(ledger, server, generation, kept)?;
                match kept {
                    true => {
                        auditor.beat(ledger, server, draining);
                        let waiting = ledger.line.waiting(ledger.moment()) > 0;
                        Answer::Kept { waiting, fleet: self.fleet() }
                    }
                    false => Answer::Stale,
                }
            }
            Call::Farewell { generation } => {
                let done = ledger.farewell(server, generation);
                auditor.spoke(ledger, server, generation, done)?;
                Answer::Done(done)
            }
            Call::Publish { generation, runs, statements } => {
                let taken = ledger.publish(server, generation, &runs, statements);
                auditor.spoke(ledger, server, generation, taken.is_some())?;
                auditor.seated(ledger, server)?;
                taken.map_or(Answer::Stale, Answer::Published)
            }
            Call::Reserve { server: of, instance } => {
                let lease = ledger.reserve(of, instance, RESERVED_MS);
                if let Some(lease) = &lease {
                    auditor.given(ledger, lease)?;
                    auditor.overtook_nobody(ledger, of)?;
                    self.believe(*lease);
                }
                Answer::Leased(lease)
            }
            Call::Confirm { lease, generation } => {
                let done = ledger.confirm(&lease, generation);
                auditor.used(ledger, &lease, done, crate::ledger::FOR_EVER)?;
                Answer::Done(done)
            }
            Call::Release { lease } => {
                let done = ledger.release(&lease);
                auditor.used(ledger, &lease, done, crate::ledger::NEVER)?;
                Answer::Done(done)
            }
            Call::TakeOver { instance, generation } => {
                let done = ledger.take_over(instance, server, generation);
                if done {
                    auditor.taken_over(ledger, instance);
                }
                Answer::Done(done)
            }
            other => self.execute_for_queue(at, other)?,
        })
    }

    pub fn believe(&mut self, lease: Lease) {
        self.old_leases.push(lease);
        if self.old_leases.len() > 200 {
            self.old_leases.remove(0);
        }
    }

    /// The connection is no more: nothing that was asked will be answered.
    pub fn lose_link(&mut self, at: usize) -> Held {
        let machine = &mut self.machines[at];
        machine.connection += 1;
        machine.last_asked = 0;
        machine.generation = None;
        (machine.seated, machine.joining) = (false, false);
        let pending = mem::take(&mut machine.pending);
        for (_, (_, task)) in pending {
            self.not_answered(at, task)?;
        }
        Ok(())
    }

    fn not_answered(&mut self, at: usize, task: Task) -> Held {
        let machine = &mut self.machines[at];
        match task {
            Task::Publish => (machine.publishing, machine.untold) = (false, true),
            Task::Hold => machine.holding = false,
            // Without the registry this machine does what it can by itself.
            Task::Place(placing) | Task::Enqueue { placing, .. } => self.launch_alone(at, placing.viewer)?,
            Task::Join
            | Task::Beat
            | Task::Look { .. }
            | Task::Claim { .. }
            | Task::TakeOver(_)
            | Task::Tell => {}
        }
        Ok(())
    }

    pub(super) fn answered(&mut self, at: usize, sent: i64, task: Task, answer: Answer) -> Held {
        match (task, answer) {
            (Task::Join, Answer::Joined(generation)) => self.has_joined(at, generation),
            (Task::Beat, Answer::Kept { waiting, fleet }) => self.was_heard(at, waiting, fleet, sent),
            (Task::Beat | Task::Publish, Answer::Stale) => self.was_replaced(at),
            (Task::Publish, Answer::Published(taken)) => self.let_go(at, taken, sent)?,
            (Task::Place(placing), Answer::Leased(lease)) => self.place(at, placing, lease)?,
            (Task::Enqueue { placing, id }, Answer::Queued(queued)) => {
                self.queued(at, &placing, id, queued)?
            }
            (Task::Look { viewer, id }, Answer::Ticket(state)) => self.looked(at, viewer, id, state)?,
            (Task::Hold, Answer::Held(held)) => self.was_held(at, held),
            (Task::Claim { viewer, id }, Answer::Leased(lease)) => self.claimed(at, viewer, id, lease)?,
            (Task::TakeOver(instance), Answer::Done(done)) => self.took_over(at, instance, done),
            (Task::Tell, _) => {}
            (task, answer) => return Err(format!("{task:?} was answered with {answer:?}")),
        }
        Ok(())
    }
}
