//! Places in the queue. One machine alone gives out none: a launch that finds it full is refused at once.

use protocol::api::{Launched, Problem};

use crate::{api::refusals::CallerRefused, auth::Known, problem::Refusal};

/// How long it still takes.
#[utoipa::path(get, path = "/api/v1/queue/{ticket_id}", tag = "queue", security(("bearer" = [])),
    params(("ticket_id" = uuid::Uuid, Path, description = "From `POST /instances`")), responses(
    (status = 200, body = Launched),
    (status = 404, description = "No such ticket", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn show(_: Known) -> Refusal {
    no_ticket()
}

/// Leaves the queue.
#[utoipa::path(delete, path = "/api/v1/queue/{ticket_id}", tag = "queue", security(("bearer" = [])),
    params(("ticket_id" = uuid::Uuid, Path, description = "From `POST /instances`")), responses(
    (status = 202, description = "The place is given up"),
    (status = 404, description = "No such ticket", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn leave(_: Known) -> Refusal {
    no_ticket()
}

fn no_ticket() -> Refusal {
    Refusal::not_found("There is no such place in the queue (any more): launch again from the home page.")
}
