//! Instances: list, launch, look at, stop, share.

use std::sync::Arc;

use axum::{
    Json as Answer,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use protocol::api::{InstanceView, InviteCreated, InviteRequest, LaunchRequest, Launched, Problem};

use crate::{
    Asked,
    api::refusals::CallerRefused,
    app::{App, Deed},
    auth::Known,
    problem::Refusal,
    request::{Instance, Json, Peer},
};

/// The caller's instances on all machines; an administrator's: all.
#[utoipa::path(get, path = "/api/v1/instances", tag = "instances", security(("bearer" = [])), responses(
    (status = 200, body = Vec<InstanceView>),
    CallerRefused,
))]
pub(crate) async fn list(State(app): State<Arc<App>>, Known(caller): Known) -> Answer<Vec<InstanceView>> {
    Answer(app.reception.instances(&caller).await)
}

/// Launches an instance, or takes a place in the queue.
#[utoipa::path(post, path = "/api/v1/instances", tag = "instances", security(("bearer" = [])), request_body = LaunchRequest, responses(
    (status = 202, description = "It starts, or it waits in the queue", body = Launched),
    (status = 429, description = "Over the session's limit", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn launch(
    State(app): State<Arc<App>>,
    peer: Peer,
    Known(caller): Known,
    Json(request): Json<LaunchRequest>,
) -> Result<(StatusCode, Answer<Launched>), Refusal> {
    app.take(Deed::Launch, peer.client())?;
    let asked = Asked::launch(&request);
    let launched = app.reception.launch(&caller, request).await;
    let instance = launched.as_ref().ok().and_then(|launched| match launched {
        Launched::Instance { instance_id, .. } => Some(*instance_id),
        Launched::Queued { .. } => None,
    });
    app.reception.note(&caller, Asked { instance, ..asked }, launched.as_ref().map(drop));
    Ok((StatusCode::ACCEPTED, Answer(launched?)))
}

/// One instance. One that is not the caller's is answered like one that is not there.
#[utoipa::path(get, path = "/api/v1/instances/{id}", tag = "instances", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 200, body = InstanceView),
    (status = 404, description = "Not there, or not the caller's", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
) -> Result<Answer<InstanceView>, Refusal> {
    Ok(Answer(app.reception.instance(&caller, id).await?))
}

/// Stops it gracefully.
#[utoipa::path(delete, path = "/api/v1/instances/{id}", tag = "instances", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 202, description = "It stops"),
    (status = 403, description = "The role does not allow it", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "Not there, or not the caller's", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn stop(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
) -> Result<StatusCode, Refusal> {
    let stopped = app.reception.stop(&caller, id).await;
    app.reception.note(&caller, Asked::of(id, "stop", ""), stopped.as_ref().map(drop));
    stopped?;
    Ok(StatusCode::ACCEPTED)
}

/// Makes an address that lets somebody else in, with a role. Its secret is in the fragment.
#[utoipa::path(post, path = "/api/v1/instances/{id}/invites", tag = "instances", security(("bearer" = [])), request_body = InviteRequest,
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 201, body = InviteCreated),
    (status = 403, description = "The role does not allow it", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "Not there, or not the caller's", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn invite(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
    Json(request): Json<InviteRequest>,
) -> Result<(StatusCode, Answer<InviteCreated>), Refusal> {
    let asked = Asked::of(id, "invite", &format!("{:?}", request.role).to_lowercase());
    let invited = app.reception.invite(&caller, id, request).await;
    app.reception.note(&caller, asked, invited.as_ref().map(drop));
    Ok((StatusCode::CREATED, Answer(invited?)))
}

/// The picture as it was at most 5 s ago.
#[utoipa::path(get, path = "/api/v1/instances/{id}/thumbnail.jpg", tag = "instances", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 200, description = "At most 30 kB", body = Vec<u8>, content_type = "image/jpeg"),
    (status = 404, description = "Not there, not the caller's, or no picture yet", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn thumbnail(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
) -> Result<impl IntoResponse, Refusal> {
    let jpeg = app.reception.thumbnail(&caller, id).await?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "private, max-age=5")], jpeg))
}
