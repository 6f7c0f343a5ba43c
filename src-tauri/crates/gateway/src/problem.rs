//! "No" over HTTP: RFC 9457 problem documents, each with a sentence that says what happened, to what, and what to do.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::api::Problem;

/// Longest `detail`: a sentence or three, however long the input was that it quotes.
const DETAIL_CHARS: usize = 600;

/// An answer that refuses. Any handler may return it as its error.
#[derive(Debug)]
pub(crate) struct Refusal {
    problem: Problem,
    retry_after_s: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Refused").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
        };
        Self { problem, retry_after_s: None }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }
    pub(crate) fn unknown_player() -> Self {
        Self::not_found("There is no such WHEP session (any more): `POST /whep/<instance>` opens one.")
    }
    pub(crate) fn full(detail: impl Into<String>, wait: Duration) -> Self {
        let retry_after_s = Some(wait.as_secs());
        Self { retry_after_s, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
    pub(crate) fn status(&self) -> u16 {
        self.problem.status
    }
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "This session is not known here (any more): reload the page to get a new one.",
        )
    }
    pub(crate) fn too_many(what: &str, wait: Duration) -> Self {
        let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
        let detail = format!("Too many {what} from this address: try again in {seconds} s.");
        Self { retry_after_s: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, retry_after_s: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(mut self) -> Response {
        // A status that is no error would be read as success.
        let status = StatusCode::from_u16(self.problem.status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.problem.status = status.as_u16();
        if self.problem.detail.len() > DETAIL_CHARS {
            self.problem.detail = self.problem.detail.chars().take(DETAIL_CHARS).chain(['…']).collect();
        }
        let body = serde_json::to_vec(&self.problem).expect("four plain fields are always JSON");
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
