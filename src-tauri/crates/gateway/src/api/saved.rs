//! What an instance has saved: screenshots and session recordings. Names come from the listing; no path is taken or told.

use std::sync::Arc;

use axum::{
    Json as Answer,
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::stream;
use model::{InstanceId, SavedFile, SavedKind};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{
    Caller, Download,
    api::refusals::PresenterRefused,
    app::App,
    auth::Known,
    problem::Refusal,
    request::{Instance, SavedName},
};

/// Of a file at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The screenshots of an instance, newest first.
#[utoipa::path(get, path = "/api/v1/instances/{id}/screenshots", tag = "saved", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 200, body = Vec<SavedFile>),
    PresenterRefused,
))]
pub(crate) async fn screenshots(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
) -> Result<Answer<Vec<SavedFile>>, Refusal> {
    Ok(Answer(app.reception.saved(&caller, id, SavedKind::Screenshots).await?))
}

/// One screenshot.
#[utoipa::path(get, path = "/api/v1/instances/{id}/screenshots/{name}", tag = "saved", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`"), ("name" = String, Path, description = "As the listing has it")), responses(
    (status = 200, body = Vec<u8>, content_type = "image/png"),
    PresenterRefused,
))]
pub(crate) async fn screenshot(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
    SavedName(name): SavedName,
) -> Result<Response, Refusal> {
    download(&app, &caller, id, SavedKind::Screenshots, &name).await
}

/// The session recordings of an instance, newest first.
#[utoipa::path(get, path = "/api/v1/instances/{id}/recordings", tag = "saved", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 200, body = Vec<SavedFile>),
    PresenterRefused,
))]
pub(crate) async fn recordings(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
) -> Result<Answer<Vec<SavedFile>>, Refusal> {
    Ok(Answer(app.reception.saved(&caller, id, SavedKind::Recordings).await?))
}

/// One session recording, in OpenSpace's own form.
#[utoipa::path(get, path = "/api/v1/instances/{id}/recordings/{name}", tag = "saved", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`"), ("name" = String, Path, description = "As the listing has it")), responses(
    (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
    PresenterRefused,
))]
pub(crate) async fn recording(
    State(app): State<Arc<App>>,
    Known(caller): Known,
    Instance(id): Instance,
    SavedName(name): SavedName,
) -> Result<Response, Refusal> {
    download(&app, &caller, id, SavedKind::Recordings, &name).await
}

async fn download(
    app: &App,
    caller: &Caller,
    id: InstanceId,
    kind: SavedKind,
    name: &str,
) -> Result<Response, Refusal> {
    let Download { file, content } = app.reception.open_saved(caller, id, kind, name).await?;
    // What is written to it while it is read is for the next download.
    let content = tokio::fs::File::from_std(content).take(file.bytes);
    let mut response = Response::new(Body::from_stream(pieces(content)));
    let headers = response.headers_mut();
    let is = match kind {
        SavedKind::Screenshots => "image/png",
        SavedKind::Recordings => "application/octet-stream",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(is));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.bytes));
    // A listed name is of letters, digits, dots and dashes; one that is not becomes no header.
    if let Ok(named) = HeaderValue::try_from(format!("attachment; filename=\"{}\"", file.name)) {
        headers.insert(header::CONTENT_DISPOSITION, named);
    }
    Ok(response)
}

fn pieces(
    content: impl AsyncRead + Unpin + Send + 'static,
) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold(content, |mut content| async move {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = (&mut content).take(PIECE_BYTES as u64).read_to_end(&mut piece).await?;
        Ok((read > 0).then(|| (Bytes::from(piece), content)))
    })
}
