//! Scenes that a session left, to go on with later.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use protocol::api::{LeftSceneView, Problem};

use crate::{api::refusals::CallerRefused, app::App, auth::Known, problem::Refusal, request::Instance};

/// Scenes whose instances have ended, the newest first. `POST /instances` with `resume` goes on with one.
#[utoipa::path(get, path = "/api/v1/scenes", tag = "instances", security(("bearer" = [])), responses(
    (status = 200, body = Vec<LeftSceneView>),
    CallerRefused,
))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Known(caller): Known,
) -> Result<Json<Vec<LeftSceneView>>, Refusal> {
    Ok(Json(app.reception.left_scenes(&caller).await?))
}

/// Forgets one.
#[utoipa::path(delete, path = "/api/v1/scenes/{id}", tag = "instances", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "Of the instance in which it was left")), responses(
    (status = 204, description = "It is not offered any more"),
    (status = 404, description = "No such scene, or not this session's", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn forget(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
) -> Result<StatusCode, Refusal> {
    app.reception.forget_scene(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
