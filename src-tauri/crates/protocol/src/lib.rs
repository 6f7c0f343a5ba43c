//! The sentences on the wire: JSON of the HTTP API, the signaling socket and the data channels.
//!
//! These are the outside's words. Rooms translate them to [`model`] at their door. Every type is exported to TypeScript
//! (`ui/src/shared/protocol`, by `cargo xtask bindings`) and described in the OpenAPI document.

pub mod admin;
pub mod api;
pub mod fleet;
pub mod input;
pub mod intent;
pub mod signal;
pub mod stream_report;
pub mod supervisor;

/// The version of the signaling protocol that `hello` must name.
pub const PROTOCOL: u32 = 1;
