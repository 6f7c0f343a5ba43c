//! What a machine asks the registry, what it answers, and why it was asked.

use std::rc::Rc;

use cluster::{TicketState, Wish, line::Full, placement::Wanted};
use model::{InstanceId, SecretHash, ServerId};
use uuid::Uuid;

use crate::ledger::{Lease, Standing};

#[derive(Clone, Debug)]
pub enum Call {
    Join {
        slots: usize,
    },
    Beat {
        generation: i64,
        draining: bool,
    },
    Farewell {
        generation: i64,
    },
    /// Three statements: the connection may end after each.
    Publish {
        generation: i64,
        runs: Vec<(InstanceId, SecretHash)>,
        statements: u8,
    },
    Reserve {
        server: ServerId,
        instance: InstanceId,
    },
    Confirm {
        lease: Lease,
        generation: i64,
    },
    Release {
        lease: Lease,
    },
    TakeOver {
        instance: InstanceId,
        generation: i64,
    },
    Enqueue {
        id: Uuid,
        wish: Wish,
    },
    Look {
        id: Uuid,
        session: SecretHash,
        accepts: Option<Vec<ServerId>>,
    },
    HoldNext {
        generation: i64,
    },
    Claim {
        id: Uuid,
        session: SecretHash,
    },
    PutBack {
        id: Uuid,
        session: SecretHash,
    },
    Leave {
        id: Uuid,
        session: SecretHash,
    },
}

impl Call {
    /// Postgres has it on the disk before it answers; what it has not, a fall of Postgres may take back.
    pub const fn is_durable(&self) -> bool {
        !matches!(
            self,
            Self::Beat { .. } | Self::Reserve { .. } | Self::Confirm { .. } | Self::Release { .. }
        )
    }
}

#[derive(Clone, Debug)]
pub enum Answer {
    Joined(i64),
    Kept { waiting: bool, fleet: Rc<Vec<Standing>> },
    Stale,
    Published(Vec<InstanceId>),
    Leased(Option<Lease>),
    Done(bool),
    Queued(Result<u32, Full>),
    Ticket(Option<TicketState>),
    Held(Option<Uuid>),
}

/// A launch that looks for its machine.
#[derive(Clone, Debug)]
pub struct Placing {
    pub viewer: usize,
    pub wanted: Wanted,
    pub refused: Vec<ServerId>,
}

/// What an answer is for.
#[derive(Clone, Debug)]
pub enum Task {
    Join,
    Beat,
    Publish,
    Place(Placing),
    Enqueue {
        placing: Placing,
        id: Uuid,
    },
    Look {
        viewer: usize,
        id: Uuid,
    },
    Hold,
    Claim {
        viewer: usize,
        id: Uuid,
    },
    TakeOver(InstanceId),
    /// Told, not asked.
    Tell,
}

/// What one machine has another one launch.
#[derive(Clone, Debug)]
pub struct Order {
    pub from: usize,
    pub to: usize,
    pub lease: Lease,
    pub viewer: usize,
    pub purpose: Purpose,
}

#[derive(Clone, Debug)]
pub enum Purpose {
    Place(Placing),
    Claim(Uuid),
}
