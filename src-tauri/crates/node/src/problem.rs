//! "No" to a caller of the API, in words. Pure.

use protocol::api::Problem;
use store::StoreError;

/// An RFC 9457 problem: `detail` says what happened, to what, and what to do.
pub fn problem(status: u16, title: &str, detail: impl Into<String>) -> Problem {
    Problem { kind: "about:blank".to_owned(), title: title.to_owned(), status, detail: detail.into() }
}

pub fn journal(error: StoreError) -> Problem {
    problem(503, "The journal cannot be used", error.to_string())
}

/// A session runs as many as it may; with `waits`, its places in the queue count as well.
pub fn too_many(instances: u32, waits: bool) -> Problem {
    let more = if waits { " and wait for another" } else { "" };
    let detail = format!("You have {instances} instances already{more}. Stop one of them, or go on with it.");
    problem(429, "Too many instances", detail)
}
