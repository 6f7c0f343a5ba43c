//! The other machines, as far as the queue can have them do something. The fleet answers it, which knows the queue itself: a launch of
//! another machine comes in there.

use model::{SecretHash, ServerId};
use protocol::api::{LaunchRequest, Problem};
use registry::Reservation;

use crate::{problem::problem, roster::Started};

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

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unreachable(why) => problem(502, "Another machine does not answer", why),
            Refusal::Refused(problem) => problem,
        }
    }
}

#[async_trait::async_trait]
pub trait Elsewhere: std::fmt::Debug + Send + Sync {
    /// Can that machine be asked?
    fn reaches(&self, server: ServerId) -> bool;
    /// Launches there; that machine's admission has the last word.
    async fn launch(&self, server: ServerId, order: Order) -> Result<Started, Refusal>;
}
