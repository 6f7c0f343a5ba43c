//! What is said about places in the queue, whoever keeps it. Pure.

use std::time::Duration;

use model::{SecretHash, ServerId};
use serde_json::Value;
use uuid::Uuid;

/// What a viewer wants while there is no slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub session: SecretHash,
    /// The launch as it was asked for.
    pub launch: Value,
    /// The machines that would do; `None`: any.
    pub accepts: Option<Vec<ServerId>>,
}

impl Wish {
    pub fn accepts(&self, server: ServerId) -> bool {
        self.accepts.as_ref().is_none_or(|accepts| accepts.contains(&server))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    pub id: Uuid,
    pub wish: Wish,
    pub state: TicketState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// 1 is next.
    Waiting {
        position: u32,
    },
    /// A slot is held for it, so long.
    Held {
        server: ServerId,
        lasts: Duration,
    },
    /// The held slot was not taken in time.
    Lapsed,
    Claimed,
}
