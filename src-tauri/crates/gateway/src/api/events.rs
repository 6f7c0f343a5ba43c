//! Server-sent events: what changed, told at once.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{Response, sse},
};
use futures_util::StreamExt;
use protocol::{
    admin::NodeSnapshot,
    api::{Event, Problem},
};

use crate::{
    api::refusals::{AdministratorRefused, CallerRefused},
    app::App,
    auth::{Administrator, Known},
    problem::Refusal,
    request::Peer,
    sse::{event, stream},
};

/// Changes of what the caller may see. The first event holds all of it; each event's name is its `type`.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", security(("bearer" = [])), responses(
    (status = 200, description = "`instances` first, then `instance` and `removed`; `queue` when one waits; a comment each 15 s", body = Event, content_type = "text/event-stream"),
    (status = 429, description = "Too many open pages from this address", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn of_caller(
    State(app): State<Arc<App>>,
    peer: Peer,
    Known(caller): Known,
) -> Result<Response, Refusal> {
    let events = app.reception.events(&caller).map(|change| event(name(&change), &change));
    stream(&app, peer.client(), events)
}

/// The panel's snapshot, at each change.
#[utoipa::path(get, path = "/api/v1/admin/events", tag = "admin", security(("bearer" = [])), responses(
    (status = 200, description = "Events named `snapshot`, the newest first; a comment each 15 s", body = NodeSnapshot, content_type = "text/event-stream"),
    AdministratorRefused,
))]
pub(crate) async fn of_node(
    State(app): State<Arc<App>>,
    peer: Peer,
    _: Administrator,
) -> Result<Response, Refusal> {
    let snapshots = app
        .reception
        .snapshots()
        .map(|snapshot: Arc<NodeSnapshot>| -> sse::Event { event("snapshot", &*snapshot) });
    stream(&app, peer.client(), snapshots)
}

const fn name(event: &Event) -> &'static str {
    match event {
        Event::Instances { .. } => "instances",
        Event::Instance { .. } => "instance",
        Event::Removed { .. } => "removed",
        Event::Queue { .. } => "queue",
    }
}
