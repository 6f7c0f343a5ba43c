//! The demo as the node meets it: a real program on a real Xvfb, launched from a view of one install, spoken to over its sockets.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod api;
mod clients;
mod hands;
mod harness;
mod launch;
