//! WHEP: players that are not our page (recorders, GStreamer, OBS) offer over plain HTTP and get the picture.
//!
//! Absent on purpose: what is in an offer. A player's candidates are of no use, since this machine is the one that can be
//! reached; and a way that broke is not mended but opened anew.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{InstanceId, SecretHash, ViewerId};
use protocol::{api::Problem, signal::IceServer};
use tokio::sync::mpsc;

use crate::{
    Playing, ViewerChannel,
    app::{App, Deed, Lasting, Slot},
    auth::Bearer,
    players::Watching,
    problem::Refusal,
    request::{Instance, Peer, Player, body, has_type},
};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
/// Somebody who watches may have left by then.
const FULL_FOR: Duration = Duration::from_secs(10);

/// What a player may send here, and which ICE servers it may use.
#[utoipa::path(options, path = "/whep/{id}", tag = "whep", params(("id" = uuid::Uuid, Path, description = "`instance_id`")), responses(
    (status = 204, description = "`Accept-Post`; with a token that is known, a `Link` of rel `ice-server` for each ICE server"),
))]
pub(crate) async fn ask(State(app): State<Arc<App>>, bearer: Result<Bearer, Refusal>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(ACCEPT_POST, HeaderValue::from_static(SDP));
    // Their credentials are for those who may watch something.
    if let Ok(Bearer(token)) = bearer
        && matches!(app.reception.identify(token).await, Ok(Some(_)))
    {
        link(response.headers_mut(), &app.reception.ice_servers());
    }
    response
}

/// Watches an instance: an SDP offer in, the answer out.
#[utoipa::path(post, path = "/whep/{id}", tag = "whep", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`")),
    request_body(content = String, content_type = "application/sdp", description = "An offer with one video section that is `recvonly`"), responses(
    (status = 201, description = "The answer. `Location` is the session's address, for `PATCH` and `DELETE`", body = String, content_type = "application/sdp"),
    (status = 400, description = "No session description", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "The token is no session, invitation or administrator's token", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The invitation is for another instance", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "Not there, or not the caller's", body = Problem, content_type = "application/problem+json"),
    (status = 406, description = "The player takes no application/sdp", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "The offer is not sent as application/sdp", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "Nothing of the offer can be answered: no video, no codec that is encoded here", body = Problem, content_type = "application/problem+json"),
    (status = 502, description = "It runs on another machine, which does not answer", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Full; `Retry-After` says when to try again", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "Refused, with a sentence", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    peer: Peer,
    Bearer(bearer): Bearer,
    Instance(instance): Instance,
    request: Request,
) -> Result<Response, Refusal> {
    app.check(Deed::FailedHello, peer.client())?;
    let opened = enter(&app, peer, bearer, instance, request).await;
    opened.inspect_err(|refusal| {
        // The next attempts of this client wait once there were too many; this one is answered in any case.
        let deed = if refusal.status() == 401 { Deed::UnknownToken } else { Deed::FailedHello };
        let _ = app.take(deed, peer.client());
    })
}

async fn enter(
    app: &Arc<App>,
    peer: Peer,
    bearer: SecretHash,
    instance: InstanceId,
    request: Request,
) -> Result<Response, Refusal> {
    if !has_type(request.headers(), SDP) {
        let detail = "An offer is expected: send it with `Content-Type: application/sdp`.";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    if !takes_sdp(request.headers()) {
        let detail = "The answer is application/sdp, which the header `Accept` does not name.";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, detail));
    }
    let offer = text(request).await?;
    let slot = app.enter(Lasting::Socket, peer.client()).map_err(|_| {
        let detail = "This machine serves as many viewers as it can: try again in 10 s.";
        Refusal::full(detail, FULL_FOR)
    })?;
    let playing = app.reception.play(instance, bearer, &offer).await?;
    Ok(seat(app, slot, instance, bearer, &offer, playing))
}

fn seat(
    app: &Arc<App>,
    slot: Slot,
    instance: InstanceId,
    bearer: SecretHash,
    offer: &str,
    playing: Playing,
) -> Response {
    let Playing { viewer, answer, channel: ViewerChannel { incoming, outgoing } } = playing;
    let ufrag = ufrag(offer).unwrap_or_default().to_owned();
    app.players.enter(viewer, Watching { instance, bearer, ufrag, incoming });
    let (tracker, app_of_task) = (app.viewers.clone(), app.clone());
    tokio::spawn(tracker.track_future(async move {
        attend(&app_of_task, outgoing).await;
        app_of_task.players.leave(viewer);
        drop(slot);
    }));
    let mut response = (StatusCode::CREATED, answer).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    let plain = |text: String| HeaderValue::try_from(text).expect("an id is made of plain characters");
    headers.insert(header::LOCATION, plain(format!("/whep/{instance}/{viewer}")));
    headers.insert(header::ETAG, plain(etag(viewer)));
    headers.insert(ACCEPT_PATCH, HeaderValue::from_static(FRAGMENT));
    link(headers, &app.reception.ice_servers());
    response
}

/// Until the player's session is over, or the doors close. What a page would be told has no reader here.
async fn attend(app: &App, mut outgoing: mpsc::Receiver<protocol::signal::ServerMessage>) {
    loop {
        tokio::select! {
            said = outgoing.recv() => if said.is_none() { return },
            () = app.closing.cancelled() => return,
        }
    }
}

/// Candidates that a player finds later. Taken and not needed.
#[utoipa::path(patch, path = "/whep/{id}/{viewer_id}", tag = "whep", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`"), ("viewer_id" = uuid::Uuid, Path, description = "As in `Location`")),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag"), responses(
    (status = 204, description = "Taken"),
    (status = 404, description = "No such session (any more)", body = Problem, content_type = "application/problem+json"),
    (status = 412, description = "`If-Match` names another session of ICE", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "Not an SDP fragment", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "An ICE restart, which is not supported: open a new session", body = Problem, content_type = "application/problem+json"),
    (status = 428, description = "`If-Match` is missing", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "Refused, with a sentence", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn trickle(
    State(app): State<Arc<App>>,
    Bearer(bearer): Bearer,
    Instance(instance): Instance,
    Player(viewer): Player,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let known = app.players.ufrag(instance, viewer, bearer)?;
    if !has_type(request.headers(), FRAGMENT) {
        let detail = format!("Candidates are expected: send them with `Content-Type: {FRAGMENT}`.");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let matches = request.headers().get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let matches = matches.map(str::to_owned);
    let fragment = text(request).await?;
    let restarts = matches.as_deref() == Some("*") || ufrag(&fragment).is_some_and(|ufrag| ufrag != known);
    match matches {
        _ if !fragment.lines().any(|line| line.starts_with("a=")) => {
            Err(Refusal::bad_request("The fragment has no line that begins with `a=`."))
        }
        None => {
            let detail = "Send the session's `ETag` in the header `If-Match`.";
            Err(Refusal::new(StatusCode::PRECONDITION_REQUIRED, detail))
        }
        Some(_) if restarts => {
            let detail = "ICE is not restarted here: close this session with `DELETE` and open a new one.";
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
        }
        Some(tag) if tag != etag(viewer) => {
            let detail = "The header `If-Match` names another session of ICE than this one.";
            Err(Refusal::new(StatusCode::PRECONDITION_FAILED, detail))
        }
        Some(_) => Ok(StatusCode::NO_CONTENT),
    }
}

/// The player leaves.
#[utoipa::path(delete, path = "/whep/{id}/{viewer_id}", tag = "whep", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "`instance_id`"), ("viewer_id" = uuid::Uuid, Path, description = "As in `Location`")), responses(
    (status = 200, description = "It is over"),
    (status = 404, description = "No such session (any more)", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "Refused, with a sentence", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn close(
    State(app): State<Arc<App>>,
    Bearer(bearer): Bearer,
    Instance(instance): Instance,
    Player(viewer): Player,
) -> Result<StatusCode, Refusal> {
    app.players.ufrag(instance, viewer, bearer)?;
    app.players.leave(viewer);
    Ok(StatusCode::OK)
}

async fn text(request: Request) -> Result<String, Refusal> {
    String::from_utf8(body(request).await?.into())
        .map_err(|_| Refusal::bad_request("The request's body is no text in UTF-8."))
}

fn takes_sdp(headers: &HeaderMap) -> bool {
    let mut accepts =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    let is_taken = |range: &str| {
        let essence = range.split(';').next().unwrap_or_default().trim();
        ["*/*", "application/*", SDP].iter().any(|taken| essence.eq_ignore_ascii_case(taken))
    };
    accepts.peek().is_none() || accepts.any(|value| value.split(',').any(is_taken))
}

fn ufrag(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).map(str::trim)
}

/// It stands for the one way to this player that there is as long as it watches.
fn etag(viewer: ViewerId) -> String {
    format!("\"{viewer}\"")
}

/// `Link` headers as WHIP writes them (RFC 9725 §4.6).
fn link(headers: &mut HeaderMap, servers: &[IceServer]) {
    for server in servers {
        let quoted = |name: &str, value: &Option<String>| {
            value
                .as_ref()
                .map(|value| format!("; {name}=\"{}\"", value.replace(['"', '\\'], "")))
                .unwrap_or_default()
        };
        let who = quoted("username", &server.username) + &quoted("credential", &server.credential);
        for url in &server.urls {
            if let Ok(value) = HeaderValue::try_from(format!("<{url}>; rel=\"ice-server\"{who}")) {
                headers.append(header::LINK, value);
            }
        }
    }
}
