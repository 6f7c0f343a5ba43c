//! The slots of the old supervisor protocol: numbers for instances that the old back end has started. One task owns the table, so that
//! two requests at once never get the same number; it is kept, so that a restarted node answers for the instances that run on.

use std::collections::BTreeMap;

use model::{InstanceId, InstanceState, SecretHash, StopReason};
use protocol::{
    api::LaunchRequest,
    supervisor::{Reply, Request, SlotStatus},
};
use store::Store;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use crate::{
    queue::{By, Queue},
    roster::Roster,
    rows::taken,
};

/// Whose instances the old back end's are: nobody's session, since nothing hashes to this.
pub const OLD_BACK_END: SecretHash = SecretHash([0x01; 32]);
const SLOTS: &str = "old_supervisor_slots";
const REQUESTS: usize = 32;

type Ask = (Request, oneshot::Sender<Reply>);

#[derive(Clone, Debug)]
pub struct OldWorld {
    asks: mpsc::Sender<Ask>,
}

impl OldWorld {
    pub async fn open(store: Store, roster: Roster, queue: Queue, total: u32) -> Self {
        let kept = store.setting(SLOTS).await.ok().flatten();
        let slots = kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let (asks, inbox) = mpsc::channel(REQUESTS);
        tokio::spawn(Table { store, roster, queue, total, slots }.run(inbox));
        Self { asks }
    }

    pub async fn ask(&self, request: Request) -> Reply {
        let (reply, answer) = oneshot::channel();
        drop(self.asks.send((request, reply)).await);
        answer.await.unwrap_or_else(|_| Reply::error("shutting down"))
    }
}

struct Table {
    store: Store,
    roster: Roster,
    queue: Queue,
    total: u32,
    slots: BTreeMap<u32, InstanceId>,
}

impl Table {
    async fn run(mut self, mut inbox: mpsc::Receiver<Ask>) {
        while let Some((request, reply)) = inbox.recv().await {
            drop(reply.send(self.answer(request).await));
        }
    }

    async fn answer(&mut self, request: Request) -> Reply {
        match request {
            Request::Start => self.start().await,
            Request::Stop { id } => match self.slot(id) {
                None => Reply::invalid_id("STOP", id),
                Some(slot) => self.stop(slot).await,
            },
            Request::Status { id } => match self.slot(id) {
                None => Reply::invalid_id("STATUS", id),
                Some(slot) => Reply::status(slot, self.status(slot)),
            },
            Request::ServerStatus => {
                let rows = self.roster.rows().borrow().clone();
                Reply::server(taken(&rows), self.total)
            }
        }
    }

    async fn start(&mut self) -> Reply {
        let Some(slot) = (0..self.total).find(|slot| self.status(*slot) == SlotStatus::Idle) else {
            return Reply::full();
        };
        let by = By { session: OLD_BACK_END, limited: false };
        match self.queue.launch_at_once(by, LaunchRequest::default()).await {
            Ok(started) => {
                if let Some(failed) = self.slots.insert(slot, started.id) {
                    // It holds nothing any more, and nobody has a number for it now.
                    self.roster.stop(failed, StopReason::Administrator).await;
                }
                self.keep().await;
                Reply::started(slot)
            }
            Err(_) => Reply::full(),
        }
    }

    async fn stop(&mut self, slot: u32) -> Reply {
        match (self.slots.get(&slot), self.status(slot)) {
            (Some(instance), SlotStatus::Initializing | SlotStatus::Running | SlotStatus::Deinitializing) => {
                self.roster.stop(*instance, StopReason::Administrator).await;
                Reply::stopped(slot)
            }
            _ => Reply::not_running(slot),
        }
    }

    fn slot(&self, id: Option<i64>) -> Option<u32> {
        id.and_then(|id| u32::try_from(id).ok()).filter(|slot| *slot < self.total)
    }

    fn status(&self, slot: u32) -> SlotStatus {
        let row = self.slots.get(&slot).and_then(|instance| self.roster.row(*instance));
        row.map_or(SlotStatus::Idle, |row| status_of(row.report.status.state))
    }

    async fn keep(&self) {
        let text = serde_json::to_string(&self.slots).unwrap_or_default();
        if let Err(error) = self.store.put_setting(SLOTS, &text).await {
            warn!(%error, "after a restart the old back end would not find its instances by their numbers");
        }
    }
}

fn status_of(state: InstanceState) -> SlotStatus {
    match state {
        InstanceState::Queued | InstanceState::Starting | InstanceState::Restarting => {
            SlotStatus::Initializing
        }
        InstanceState::Ready => SlotStatus::Running,
        InstanceState::Stopping => SlotStatus::Deinitializing,
        InstanceState::Stopped | InstanceState::Failed | InstanceState::Lost => SlotStatus::Idle,
    }
}
