//! Which address leads where, and what every request passes on its way there and back.
//!
//! ```text
//! listener → observe (log, count, panics) → secure (headers) → redirect (to HTTPS) → guard (origins) → handler
//! ```

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use futures_util::FutureExt;
use tracing::{debug, error, info, trace, warn};

use crate::{
    app::App,
    headers::{self, Origin},
    pages,
    problem::Refusal,
    request::{BODY_BYTES, Peer},
    routes::routes,
};

/// Through which listener a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Plain HTTP; with the port of HTTPS where that is open.
    Http {
        https_port: Option<u16>,
    },
    Https,
}

pub(crate) fn router(app: Arc<App>, door: Door) -> Router {
    let mut router = Router::new()
        .route("/", get(pages::home))
        // The home page's program, which reads the link.
        .route("/launch", get(pages::home))
        .route("/launch/", get(pages::home))
        .route("/admin", get(pages::admin))
        .route("/admin/", get(pages::admin))
        .route("/stream/{id}", get(pages::stream))
        .route("/stream/{id}/", get(pages::stream));
    for route in routes() {
        trace!(method = %route.method, path = route.path, ?door, "serves");
        router = router.route(route.path, route.handler);
    }
    router
        .fallback(pages::other)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(from_fn(redirect))
        .layer(from_fn(secure))
        .layer(from_fn_with_state(app.clone(), observe))
        .layer(Extension(door))
        .with_state(app)
}

async fn wrong_method(method: Method) -> Refusal {
    let detail =
        format!("This address does not understand {}: the header `Allow` says what it does.", name(&method));
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// Counts and logs each answer by its route, never by its path, query or token; an answer that panicked becomes a problem.
async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = name(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|panic| {
        error!(method, route, why = panic_text(&*panic), "a request handler panicked");
        let detail =
            "Something in this machine's service broke while it answered. It goes on; the log says more.";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
    });
    let status = response.status();
    let elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    app.metrics.answered(method, &route, status.as_u16());
    match status {
        _ if status.is_server_error() => {
            warn!(target: "access", method, route, status = status.as_u16(), elapsed_us)
        }
        _ if status.is_client_error() => {
            info!(target: "access", method, route, status = status.as_u16(), elapsed_us)
        }
        _ => debug!(target: "access", method, route, status = status.as_u16(), elapsed_us),
    }
    response
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("(no words)")
}

async fn secure(request: Request, next: Next) -> Response {
    let host = headers::host(request.uri(), request.headers()).map(str::to_owned);
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    headers::secure(response.headers_mut(), host.as_deref());
    if is_api && !response.headers().contains_key(header::CACHE_CONTROL) {
        response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    }
    response
}

/// With TLS on, only this machine itself is served in plain text.
async fn redirect(Extension(door): Extension<Door>, peer: Peer, request: Request, next: Next) -> Response {
    match door {
        Door::Http { https_port: Some(port) } if !peer.is_loopback() => {
            to_https(request.uri(), request.headers(), port)
        }
        _ => next.run(request).await,
    }
}

fn to_https(uri: &Uri, headers: &HeaderMap, port: u16) -> Response {
    match headers::host(uri, headers) {
        Some(host) => Redirect::permanent(&headers::https_location(host, port, uri)).into_response(),
        None => Refusal::bad_request(format!(
            "This machine serves HTTPS only, on port {port}: open https://<its name>:{port}/."
        ))
        .into_response(),
    }
}

/// Foreign pages may not change anything nor open sockets; allowed ones may read the answers too.
async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let host = headers::host(request.uri(), request.headers());
    let whose = headers::origin(request.headers(), host, &app.policy.allowed_origins);
    let asks_first = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    match whose {
        Origin::Foreign if asks_first || headers::needs_own_origin(request.method(), request.headers()) => {
            let detail = "A page from elsewhere asked for this, and may not: open this machine's own page.";
            Refusal::forbidden(detail).into_response()
        }
        Origin::Same | Origin::Foreign => next.run(request).await,
        Origin::Allowed => {
            let origin = request.headers().get(header::ORIGIN).cloned();
            let mut response =
                if asks_first { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
            if asks_first {
                headers::allow_request(response.headers_mut());
            }
            if let Some(origin) = origin {
                headers::allow_origin(response.headers_mut(), &origin);
            }
            response
        }
    }
}

/// The methods of a closed set, so that a client cannot invent figures.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
