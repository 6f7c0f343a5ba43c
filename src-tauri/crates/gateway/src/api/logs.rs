//! What programs print and leave behind; for administrators.

use std::sync::Arc;

use axum::{
    Json as Answer,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use protocol::admin::LogsOfInstance;

use crate::{
    api::refusals::AdministratorRefused,
    app::App,
    auth::Administrator,
    problem::Refusal,
    request::{Instance, Peer},
    sse::{event, stream},
};

/// The files that instances left: of those that live, then of those that are gone, the newest first.
#[utoipa::path(get, path = "/api/v1/admin/logs", tag = "admin", security(("bearer" = [])), responses(
    (status = 200, body = Vec<LogsOfInstance>),
    AdministratorRefused,
))]
pub(crate) async fn list(State(app): State<Arc<App>>, _: Administrator) -> Answer<Vec<LogsOfInstance>> {
    Answer(app.reception.logs().await)
}

/// One file, by its name in the list.
#[utoipa::path(get, path = "/api/v1/admin/logs/{id}/{name}", tag = "admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`"), ("name" = String, Path, description = "From the list")), responses(
    (status = 200, description = "Its newest 32 MB", body = Vec<u8>, content_type = "application/octet-stream"),
    AdministratorRefused,
))]
pub(crate) async fn file(
    State(app): State<Arc<App>>,
    _: Administrator,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let unknown = || Refusal::not_found("There is no such file: the list names those that there are.");
    let id = id.parse().map_err(|_| unknown())?;
    let bytes = app.reception.log_file(id, &name).await.ok_or_else(unknown)?;
    let mut response = ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response();
    // Never shown in place: what OpenSpace writes as HTML would run as a page of ours.
    response.headers_mut().insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}

/// What the program prints, line by line as it comes; the last lines first.
#[utoipa::path(get, path = "/api/v1/admin/instances/{id}/log", tag = "admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 200, description = "Events named `lines`, each a list of lines", body = Vec<String>, content_type = "text/event-stream"),
    AdministratorRefused,
))]
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    peer: Peer,
    _: Administrator,
    Instance(id): Instance,
) -> Result<Response, Refusal> {
    let lines = app.reception.log_lines(id)?.map(|lines| event("lines", &lines));
    stream(&app, peer.client(), lines)
}
