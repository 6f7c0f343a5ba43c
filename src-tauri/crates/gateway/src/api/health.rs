//! For those who watch over the machine: alive, ready, figures.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use protocol::api::Problem;

use crate::{app::App, auth::Inspector, problem::Refusal};

/// The program answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security((), ("bearer" = [])), responses(
    (status = 200, description = "`ok`", body = String, content_type = "text/plain"),
    (status = "default", description = "Neither from this machine nor an administrator", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn alive(_: Inspector) -> &'static str {
    "ok\n"
}

/// It can take viewers and launches.
#[utoipa::path(get, path = "/readyz", tag = "health", security((), ("bearer" = [])), responses(
    (status = 200, description = "`ready`", body = String, content_type = "text/plain"),
    (status = 503, description = "Not ready; the sentence says why", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "Neither from this machine nor an administrator", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn ready(State(app): State<Arc<App>>, _: Inspector) -> Result<&'static str, Refusal> {
    match app.reception.ready().await {
        Ok(()) => Ok("ready\n"),
        Err(why) => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)),
    }
}

/// The figures of node and gateway.
#[utoipa::path(get, path = "/metrics", tag = "health", security((), ("bearer" = [])), responses(
    (status = 200, description = "Prometheus' text format 0.0.4", body = String, content_type = "text/plain"),
    (status = "default", description = "Neither from this machine nor an administrator", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn metrics(State(app): State<Arc<App>>, _: Inspector) -> impl IntoResponse {
    let text = app.metrics.text(app.open_now(), &app.reception.metrics());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
