//! The signaling socket: `hello`, then messages both ways until one side ends.
//!
//! The gateway judges form (size, rate, JSON); what a message means is the node's matter. A viewer that does not read is
//! dropped: the node's queue to it is drained here or nowhere, and nobody waits for it.

mod read;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    http::StatusCode,
    response::Response,
};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use model::InstanceId;
use protocol::{
    api::Problem,
    signal::{ByeReason, Hello, MAX_MESSAGE_BYTES, ServerMessage, ViewerMessage},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::debug;

use self::read::{Read, malformed, read, read_hello};
use crate::{
    Refused, ViewerChannel,
    app::{App, Deed, Lasting},
    limits::Bucket,
    metrics::Limited,
    problem::Refusal,
    request::{Instance, Peer},
};

/// Past this a message is not even taken in. Above [`MAX_MESSAGE_BYTES`], so that one a little too long can be answered in peace.
const HARD_LIMIT_BYTES: usize = 4 * MAX_MESSAGE_BYTES;
/// What waits for a slow network before it counts as one that does not read.
const WRITE_BUFFER_BYTES: usize = 4 * MAX_MESSAGE_BYTES;
/// How long the node may leave its queue full; past that it has lost this viewer.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(10);
/// For the farewell and the answer to it.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// A close frame carries this much, by RFC 6455.
const REASON_BYTES: usize = 123;

/// Opens the signaling socket of a viewer. Then JSON messages, tagged by `type`: [`ViewerMessage`] in, [`ServerMessage`] out.
#[utoipa::path(get, path = "/api/v1/instances/{id}/signal", tag = "signal",
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 101, description = "A WebSocket. `ViewerMessage`s in, the first a `hello` within 5 s; `ServerMessage`s out"),
    (status = 403, description = "A page of a foreign origin", body = Problem, content_type = "application/problem+json"),
    (status = 426, description = "Not a WebSocket upgrade", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many open streams or failed attempts from this address", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "Refused, with a sentence", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    peer: Peer,
    Instance(id): Instance,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let upgrade = upgrade.map_err(|_| {
        Refusal::new(
            StatusCode::UPGRADE_REQUIRED,
            "This address speaks WebSocket: open it with `new WebSocket(…)`.",
        )
    })?;
    app.check(Deed::FailedHello, peer.client())?;
    let slot = app.enter(Lasting::Socket, peer.client())?;
    let upgrade = upgrade
        .max_message_size(HARD_LIMIT_BYTES)
        .max_frame_size(HARD_LIMIT_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| {
        let viewers = app.viewers.clone();
        viewers.track_future(async move {
            serve(&app, socket, id, peer).await;
            drop(slot);
        })
    }))
}

/// Why a socket ends.
#[derive(Debug)]
enum End {
    /// The session is over; the node has said why.
    Finished,
    Refused(Refused),
    /// Broken rules: size, form, order.
    Malformed(String),
    TooManyMessages,
    NoHello,
    Shutdown,
    /// Nobody is there to be told.
    Gone(&'static str),
}

async fn serve(app: &Arc<App>, mut socket: WebSocket, instance: InstanceId, peer: Peer) {
    let end = tokio::select! {
        end = welcome(app, &mut socket, instance, peer) => end,
        () = app.closing.cancelled() => End::Shutdown,
    };
    match &end {
        End::Gone(why) => debug!(%instance, why, "a viewer's socket broke"),
        other => debug!(%instance, end = ?other, "a viewer's socket ends"),
    }
    match &end {
        End::TooManyMessages => app.metrics.limited(Limited::Messages),
        End::Malformed(_) => app.metrics.malformed_message(),
        End::Refused(_) | End::NoHello => app.metrics.viewer_refused(),
        End::Finished | End::Shutdown | End::Gone(_) => {}
    }
    // A viewer that cannot be told in time is not waited for.
    let _ = timeout(CLOSE_WITHIN, part(&mut socket, end)).await;
}

async fn welcome(app: &App, socket: &mut WebSocket, instance: InstanceId, peer: Peer) -> End {
    let attended = match timeout(app.tuning.hello_within, first_message(socket)).await {
        Err(_) => Err(End::NoHello),
        Ok(Err(end)) => Err(end),
        Ok(Ok(hello)) => app.reception.attend(instance, hello, canonical(peer)).await.map_err(End::Refused),
    };
    match attended {
        Ok(channel) => converse(app, socket, channel).await,
        Err(end @ End::Gone(_)) => end,
        Err(end) => {
            // The next attempts of this client wait once there were too many; this one is answered in any case.
            let _ = app.take(Deed::FailedHello, peer.client());
            end
        }
    }
}

fn canonical(Peer(address): Peer) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn first_message(socket: &mut WebSocket) -> Result<Hello, End> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => return read_hello(&text).map_err(End::Refused),
            Some(Ok(Message::Binary(_))) => {
                return Err(End::Refused(malformed("messages are JSON text".to_owned())));
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Err(_)) => return Err(unreadable()),
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone("it left before it said hello")),
        }
    }
}

/// Two pumps, so that a full queue in one direction does not stop the other.
async fn converse(app: &App, socket: &mut WebSocket, channel: ViewerChannel) -> End {
    let ViewerChannel { incoming, outgoing } = channel;
    let (mut sink, mut stream) = socket.split();
    tokio::select! {
        end = listen(app, &mut stream, &incoming) => end,
        end = speak(app, &mut sink, outgoing) => end,
    }
}

type Received = Result<Message, axum::Error>;

/// viewer → node
async fn listen(
    app: &App,
    stream: &mut (impl Stream<Item = Received> + Unpin),
    incoming: &mpsc::Sender<ViewerMessage>,
) -> End {
    let rate = app.tuning.messages;
    let mut bucket = Bucket::full(rate, Instant::now());
    loop {
        let message = match timeout(app.tuning.silence, stream.next()).await {
            Err(_) => return End::Gone("it answers no pings"),
            Ok(None) => return End::Gone("its connection broke"),
            Ok(Some(Err(_))) => return unreadable(),
            Ok(Some(Ok(message))) => message,
        };
        if bucket.take(rate, Instant::now()).is_err() {
            return End::TooManyMessages;
        }
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Binary(_) => return End::Malformed("messages are JSON text".to_owned()),
            Message::Close(_) => return End::Gone("it closed the socket"),
        };
        match read(&text) {
            Read::Unknown => app.metrics.unknown_message(),
            Read::Malformed(why) => return End::Malformed(why),
            Read::Message(message) => match timeout(HAND_OVER_WITHIN, incoming.send(message)).await {
                Ok(Ok(())) => {}
                // The node ends the session: what it still has to say comes through the other pump.
                Ok(Err(_)) => std::future::pending().await,
                Err(_) => return End::Gone("the node takes no messages"),
            },
        }
    }
}

/// node → viewer, and the pings that show whether it is still there.
async fn speak(
    app: &App,
    sink: &mut (impl Sink<Message> + Unpin),
    mut outgoing: mpsc::Receiver<ServerMessage>,
) -> End {
    let mut pings = interval(app.tuning.ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            message = outgoing.recv() => match message {
                Some(message) => text(&message),
                None => return End::Finished,
            },
            _ = pings.tick() => Message::Ping(bytes::Bytes::new()),
        };
        match timeout(app.tuning.send_within, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Gone("its connection broke"),
            Err(_) => return End::Gone("it does not read"),
        }
    }
}

/// Says why, closes, and waits for the other side's close, lest the last words are lost with the connection.
async fn part(socket: &mut WebSocket, end: End) {
    let (last_word, code, reason) = farewell(end);
    if let Some(message) = last_word
        && socket.send(text(&message)).await.is_err()
    {
        return;
    }
    let Some(code) = code else { return };
    let reason = Utf8Bytes::from(cut(&reason));
    if socket.send(Message::Close(Some(CloseFrame { code, reason }))).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

fn farewell(end: End) -> (Option<ServerMessage>, Option<u16>, String) {
    let bye = |reason| Some(ServerMessage::Bye { reason });
    match end {
        End::Finished => (None, Some(close_code::NORMAL), "the session has ended".to_owned()),
        End::Refused(Refused { reason, message, retry_after_s }) => {
            let code = if reason == protocol::signal::RefusalReason::Malformed {
                close_code::POLICY
            } else {
                close_code::NORMAL
            };
            (
                Some(ServerMessage::Refused { reason, message: message.clone(), retry_after_s }),
                Some(code),
                message,
            )
        }
        End::Malformed(why) => (None, Some(close_code::POLICY), why),
        End::TooManyMessages => {
            (bye(ByeReason::TooManyMessages), Some(close_code::POLICY), "too many messages".to_owned())
        }
        End::NoHello => (None, Some(close_code::POLICY), "no `hello` came within 5 s".to_owned()),
        End::Shutdown => (
            bye(ByeReason::Shutdown),
            Some(close_code::AWAY),
            "this machine's service ends or restarts".to_owned(),
        ),
        End::Gone(_) => (None, None, String::new()),
    }
}

fn unreadable() -> End {
    End::Malformed(format!("a message was far over {MAX_MESSAGE_BYTES} bytes or no valid WebSocket frame"))
}

fn text(message: &ServerMessage) -> Message {
    Message::text(
        serde_json::to_string(message).expect("wire types have string keys only and are always JSON"),
    )
}

/// As much of a reason as a close frame carries.
fn cut(reason: &str) -> String {
    let end =
        (0..=reason.len().min(REASON_BYTES)).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
    reason[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_its_frame_and_stays_text() {
        for reason in ["", "short", &"é".repeat(100), &"x".repeat(500)] {
            let short = cut(reason);
            assert!(short.len() <= REASON_BYTES && reason.starts_with(&short));
        }
    }
}
