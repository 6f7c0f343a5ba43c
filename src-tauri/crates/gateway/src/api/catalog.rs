//! What can be launched, and where there is room. No secrets, no paths.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use protocol::api::{BuildView, Problem, ProfileView, ServerView};
use serde::Deserialize;

use crate::{api::refusals::CallerRefused, app::App, auth::Known, problem::Refusal};

/// What can be launched.
#[utoipa::path(get, path = "/api/v1/builds", tag = "catalog", security(("bearer" = [])), responses(
    (status = 200, body = Vec<BuildView>),
    CallerRefused,
))]
pub(crate) async fn builds(State(app): State<Arc<App>>, _: Known) -> Json<Vec<BuildView>> {
    Json(app.reception.builds().await)
}

#[derive(Debug, Deserialize)]
pub(crate) struct OfBuild {
    build: Option<String>,
}

/// The profiles of a build: the scenes it can start with.
#[utoipa::path(get, path = "/api/v1/profiles", tag = "catalog", security(("bearer" = [])),
    params(("build" = Option<String>, Query, description = "A build's id; the default build when absent")), responses(
    (status = 200, body = Vec<ProfileView>),
    (status = 404, description = "No such build", body = Problem, content_type = "application/problem+json"),
    CallerRefused,
))]
pub(crate) async fn profiles(
    State(app): State<Arc<App>>,
    _: Known,
    query: Result<Query<OfBuild>, QueryRejection>,
) -> Result<Json<Vec<ProfileView>>, Refusal> {
    let Query(OfBuild { build }) = query.map_err(|error| {
        Refusal::bad_request(format!("The question after `?` was not understood: {}.", error.body_text()))
    })?;
    Ok(Json(app.reception.profiles(build.as_deref()).await?))
}

/// The machines, and how many slots each has free.
#[utoipa::path(get, path = "/api/v1/servers", tag = "catalog", security(("bearer" = [])), responses(
    (status = 200, body = Vec<ServerView>),
    CallerRefused,
))]
pub(crate) async fn servers(State(app): State<Arc<App>>, _: Known) -> Json<Vec<ServerView>> {
    Json(app.reception.servers().await)
}
