//! The registry against a real Postgres, which each test starts for itself.

#![allow(clippy::unwrap_used)]

mod adoption;
mod fleet;
mod link;
mod look;
mod nonsense;
mod overview;
mod queue;
mod setup;
mod slots;
mod support;
mod tls;
