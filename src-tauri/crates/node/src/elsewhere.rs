//! The other machines, as far as this one can have them do something.

use model::{SecretHash, ServerId};
use protocol::api::{LaunchRequest, Problem};
use registry::Reservation;

use crate::roster::Started;

/// What one machine has another one launch, in a slot that is reserved there for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Whose the instance is.
    pub by: SecretHash,
    /// An administrator has no limit of instances of his own.
    pub limited: bool,
    pub request: LaunchRequest,
    pub reservation: Reservation,
}

/// Why another machine did not do it.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// It could not be asked, or did not answer: a sentence.
    Unreachable(String),
    /// Its admission says no.
    Refused(Problem),
}

#[async_trait::async_trait]
pub trait Elsewhere: std::fmt::Debug + Send + Sync {
    /// Can that machine be asked?
    fn reaches(&self, server: ServerId) -> bool;
    /// Launches there; that machine's admission has the last word.
    async fn launch(&self, server: ServerId, order: Order) -> Result<Started, Refusal>;
}

/// A machine without links to others.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

#[async_trait::async_trait]
impl Elsewhere for Alone {
    fn reaches(&self, _: ServerId) -> bool {
        false
    }

    async fn launch(&self, server: ServerId, _: Order) -> Result<Started, Refusal> {
        Err(Refusal::Unreachable(format!("This machine has no link to the machine {server}.")))
    }
}
