//! Places in the queue: who launches while all is full waits for a turn.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use protocol::api::{Launched, Problem, TicketView};

use crate::{
    Asked,
    api::refusals::CallerRefused,
    app::{App, Deed},
    auth::Known,
    problem::Refusal,
    request::{Peer, Ticket},
};

/// How it stands. A page asks, or follows `GET /events`, to keep its place: who says nothing for two minutes is passed over.
#[utoipa::path(get, path = "/api/v1/queue/{ticket_id}", tag = "queue", security(("bearer" = [])),
    params(("ticket_id" = uuid::Uuid, Path, description = "From `POST /instances`")), responses(
    (status = 200, body = TicketView),
    (status = 404, description = "No such ticket, or not the caller's", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Ticket(id): Ticket,
) -> Result<Json<TicketView>, Refusal> {
    Ok(Json(app.reception.ticket(&caller, id).await?))
}

/// Takes the slot that is held for it: launches.
#[utoipa::path(post, path = "/api/v1/queue/{ticket_id}", tag = "queue", security(("bearer" = [])),
    params(("ticket_id" = uuid::Uuid, Path, description = "From `POST /instances`")), responses(
    (status = 202, description = "It starts", body = Launched),
    (status = 404, description = "No such ticket, or not the caller's", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "No slot is held for it", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn claim(
    State(app): State<Arc<App>>,
    peer: Peer,
    Known(caller): Known,
    Ticket(id): Ticket,
) -> Result<(StatusCode, Json<Launched>), Refusal> {
    app.take(Deed::Launch, peer.client())?;
    let launched = app.reception.claim(&caller, id).await;
    let instance = launched.as_ref().ok().and_then(|launched| match launched {
        Launched::Instance { instance_id, .. } => Some(*instance_id),
        Launched::Queued { .. } => None,
    });
    app.reception.note(&caller, Asked::turn(instance), launched.as_ref().map(drop));
    Ok((StatusCode::ACCEPTED, Json(launched?)))
}

/// Leaves the queue; a slot that was held is the next one's.
#[utoipa::path(delete, path = "/api/v1/queue/{ticket_id}", tag = "queue", security(("bearer" = [])),
    params(("ticket_id" = uuid::Uuid, Path, description = "From `POST /instances`")), responses(
    (status = 202, description = "The place is given up"),
    (status = 404, description = "No such ticket, or not the caller's", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn leave(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Ticket(id): Ticket,
) -> Result<StatusCode, Refusal> {
    app.reception.leave_queue(&caller, id).await?;
    Ok(StatusCode::ACCEPTED)
}
