//! The panel's backend, the same for the desktop window and a remote administrator's browser.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use protocol::admin::{AdminCommand, AdminReply, NodeSnapshot};

use crate::{
    Asked, Caller, api::refusals::AdministratorRefused, app::App, auth::Administrator, problem::Refusal,
    request::Json,
};

/// Does one thing for an administrator. What became of it shows in the next snapshot.
#[utoipa::path(post, path = "/api/v1/admin/commands", tag = "admin", security(("bearer" = [])), request_body = AdminCommand, responses(
    (status = 200, body = AdminReply),
    AdministratorRefused,
))]
pub(crate) async fn command(
    State(app): State<Arc<App>>,
    _: Administrator,
    Json(command): Json<AdminCommand>,
) -> Result<Answer<AdminReply>, Refusal> {
    let asked = Asked::command(&command);
    let done = app.reception.command(command).await;
    app.reception.note(&Caller::Admin, asked, done.as_ref().map(drop));
    Ok(Answer(done?))
}

/// Everything that the panel draws.
#[utoipa::path(get, path = "/api/v1/admin/snapshot", tag = "admin", security(("bearer" = [])), responses(
    (status = 200, body = NodeSnapshot),
    AdministratorRefused,
))]
pub(crate) async fn snapshot(State(app): State<Arc<App>>, _: Administrator) -> Answer<NodeSnapshot> {
    Answer(app.reception.snapshot().await)
}
