//! Reads requests: who is on the other end, which instance is meant, what the body says. Each failure is a sentence.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::to_bytes,
    extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use bytes::Bytes;
use model::{InstanceId, ViewerId};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{app::App, limits::Client, problem::Refusal};

/// Far more than any request of the API needs: the largest carries a build's environment.
pub(crate) const BODY_BYTES: usize = 64 * 1024;
/// A body of 64 KiB takes this long at 50 kbit/s.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub SocketAddr);

impl Peer {
    pub(crate) fn client(self) -> Client {
        self.0.ip().into()
    }
    pub(crate) fn is_loopback(self) -> bool {
        self.0.ip().to_canonical().is_loopback()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(info.expect("the listeners put it into every request").0))
    }
}

/// Has a proxy on this machine passed it on for somebody else? Then loopback says nothing about who asks.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name))
}

/// `{id}` of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance(pub InstanceId);

impl FromRequestParts<Arc<App>> for Instance {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let id = named(parts, app, "id").await;
        id.parse().map(Self).map_err(|_| {
            Refusal::not_found("There is no such instance: its id must be a UUID, as in `/stream/<id>`. The home page lists yours.")
        })
    }
}

/// `{viewer_id}` of the path: one player's session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Player(pub ViewerId);

impl FromRequestParts<Arc<App>> for Player {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let id = named(parts, app, "viewer_id").await;
        id.parse().map(Self).map_err(|_| Refusal::unknown_player())
    }
}

/// `{ticket_id}` of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(pub Uuid);

impl FromRequestParts<Arc<App>> for Ticket {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let id = named(parts, app, "ticket_id").await;
        id.parse().map(Self).map_err(|_| {
            Refusal::not_found("There is no such place in the queue: its `ticket_id` must be a UUID, as `POST /instances` told it.")
        })
    }
}

/// `{name}` of the path, as a listing has it. Anything may stand there: it is compared, never opened.
#[derive(Clone, Debug)]
pub(crate) struct SavedName(pub String);

impl FromRequestParts<Arc<App>> for SavedName {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        Ok(Self(named(parts, app, "name").await))
    }
}

/// A part of the path, or nothing where it cannot be read.
async fn named(parts: &mut Parts, app: &Arc<App>, name: &str) -> String {
    let params = Path::<BTreeMap<String, String>>::from_request_parts(parts, app).await;
    params.ok().and_then(|Path(mut params)| params.remove(name)).unwrap_or_default()
}

/// A JSON body of at most [`BODY_BYTES`]. An empty one counts as `{}`.
#[derive(Debug)]
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Refusal> {
        let is_json = has_type(request.headers(), "application/json");
        let body = body(request).await?;
        if body.is_empty() {
            return parse(b"{}");
        }
        if !is_json {
            let detail = "The request's body must be JSON: send it with `Content-Type: application/json`.";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        parse(&body)
    }
}

/// At most [`BODY_BYTES`] of it.
pub(crate) async fn body(request: Request) -> Result<Bytes, Refusal> {
    let reading = tokio::time::timeout(BODY_WITHIN, to_bytes(request.into_body(), BODY_BYTES)).await;
    let read = reading.map_err(|_| {
        let detail = "The request's body did not arrive within 10 s: send it again.";
        Refusal::new(StatusCode::REQUEST_TIMEOUT, detail)
    })?;
    read.map_err(|_| {
        let detail = "The request's body could not be read or is over 64 KiB: send a shorter one.";
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })
}

/// Is the body said to be of this type?
pub(crate) fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(wanted)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<Json<T>, Refusal> {
    // An array would pass for an object by the order of its fields.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::bad_request(
            "The request's body was not understood: it must be one JSON object, `{…}`.",
        ));
    }
    serde_json::from_slice(body).map(Json).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        Refusal::new(status, format!("The request's body was not understood: {error}. The API is described at /api/v1/openapi.json."))
    })
}
