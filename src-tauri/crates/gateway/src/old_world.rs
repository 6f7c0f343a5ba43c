//! The door for the old back end: WebSocket, one JSON request a connection, one answer, then it is closed. For this machine only,
//! since nobody is asked who they are.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header::ORIGIN},
    response::Response,
    routing::any,
};
use futures_util::StreamExt;
use protocol::supervisor::{self, MAX_MESSAGE_BYTES, Reply};
use tokio::time::timeout;

use crate::{
    app::{App, Deed, Lasting},
    problem::Refusal,
    request::Peer,
};

/// The old clients ask as soon as they are connected.
const ASKED_WITHIN: Duration = Duration::from_secs(5);
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// The old clients ask for `/`; whatever path a proxy makes of that will do.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().fallback(any(open)).with_state(app)
}

async fn open(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    // Any page in a browser on this machine could knock here; the old back end is no page.
    if headers.contains_key(ORIGIN) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "This door is not for web pages."));
    }
    app.take(Deed::OldCommand, peer.client())?;
    let slot = app.enter(Lasting::Socket, peer.client())?;
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        serve(&app, socket).await;
        drop(slot);
    }))
}

async fn serve(app: &App, mut socket: WebSocket) {
    let asked = timeout(ASKED_WITHIN, socket.next()).await;
    let reply = match asked {
        Ok(Some(Ok(Message::Text(text)))) => answer(app, &text).await,
        Ok(Some(Ok(Message::Binary(_)))) => Reply::error("json decode error"),
        _ => return,
    };
    let text = serde_json::to_string(&reply).unwrap_or_default();
    if socket.send(Message::text(text)).await.is_ok() && socket.send(Message::Close(None)).await.is_ok() {
        // The other side's farewell: without it, what was sent last may be lost.
        let _ = timeout(CLOSED_WITHIN, async { while let Some(Ok(_)) = socket.next().await {} }).await;
    }
}

async fn answer(app: &App, text: &str) -> Reply {
    match supervisor::parse(text) {
        Ok(request) => app.reception.old_world(request).await,
        Err(reply) => reply,
    }
}
