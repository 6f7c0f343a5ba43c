//! "No" to a caller of the API, in words. Pure.

use protocol::api::Problem;

/// An RFC 9457 problem: `detail` says what happened, to what, and what to do.
pub fn problem(status: u16, title: &str, detail: impl Into<String>) -> Problem {
    Problem { kind: "about:blank".to_owned(), title: title.to_owned(), status, detail: detail.into() }
}
