//! A browser's first question: who am I?

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use protocol::api::{Problem, SessionCreated};

use crate::{
    api::refusals::AnyoneRefused,
    app::{App, Deed},
    problem::Refusal,
    request::Peer,
};

/// Makes a session. Its id is a secret that the browser keeps; it is handed out this once.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "sessions", responses(
    (status = 201, body = SessionCreated),
    (status = 429, description = "Too many from this address; `Retry-After` says when", body = Problem, content_type = "application/problem+json"),
    AnyoneRefused,
))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    peer: Peer,
) -> Result<(StatusCode, Json<SessionCreated>), Refusal> {
    app.take(Deed::NewSession, peer.client())?;
    Ok((StatusCode::CREATED, Json(app.reception.create_session().await?)))
}
