//! Who asks: `Authorization: Bearer <session_id | admin token>`. Only the token's hash goes further than this file.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use model::{Secret, SecretHash};

use crate::{
    Caller,
    app::{App, Deed},
    problem::Refusal,
    request::{Peer, is_forwarded},
};

/// Somebody with a session of this machine, or an administrator.
#[derive(Clone, Debug)]
pub(crate) struct Known(pub Caller);

impl FromRequestParts<Arc<App>> for Known {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let client = Peer::from_request_parts(parts, app).await?.client();
        app.check(Deed::UnknownToken, client)?;
        let caller = match bearer(&parts.headers) {
            Some(hash) => app.reception.identify(hash).await?,
            None => None,
        };
        match caller {
            Some(caller) => Ok(Self(caller)),
            None => {
                app.take(Deed::UnknownToken, client)?;
                Err(Refusal::unauthorized())
            }
        }
    }
}

/// A token of any kind, not looked up yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer(pub SecretHash);

impl FromRequestParts<Arc<App>> for Bearer {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let client = Peer::from_request_parts(parts, app).await?.client();
        app.check(Deed::UnknownToken, client)?;
        bearer(&parts.headers).map(Self).ok_or_else(|| {
            let detail = "Say who you are: send `Authorization: Bearer …` with a session, an invitation or an administrator's token.";
            Refusal::new(StatusCode::UNAUTHORIZED, detail)
        })
    }
}

/// An administrator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Administrator;

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        match Known::from_request_parts(parts, app).await?.0 {
            Caller::Admin => Ok(Self),
            Caller::Session(_) => Err(Refusal::forbidden(
                "This is for administrators: make a token on the machine with `openspace-webrtc-node token create --role admin`.",
            )),
        }
    }
}

/// Whoever may read health and figures: this machine itself, administrators, and everybody if the config says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inspector;

impl FromRequestParts<Arc<App>> for Inspector {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let local =
            Peer::from_request_parts(parts, app).await?.is_loopback() && !is_forwarded(&parts.headers);
        if local || app.policy.open_health {
            return Ok(Self);
        }
        Administrator::from_request_parts(parts, app).await.map(|_| Self)
    }
}

fn bearer(headers: &HeaderMap) -> Option<SecretHash> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())?;
    Secret::parse(token).ok().map(|secret| secret.hash())
}
