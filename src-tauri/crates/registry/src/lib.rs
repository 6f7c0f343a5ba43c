//! Postgres: where machines meet. Each tells of itself, sees the others, and takes slots of any of them for a while.
//!
//! ```text
//!  Address ──► setup: tables made or adopted, this machine's row        (a person's deed)
//!          └─► Link: one connection, kept ──► Registry: one function per question
//! ```
//!
//! The database's clock judges every age and every lease, never a machine's. What a machine writes carries its [`Generation`], what it
//! does with a slot the slot's [`FencingToken`]: an older one changes nothing and says so. Absent on purpose: which machine is the best,
//! what to do when one is lost, and anything that a running picture would have to wait for.

use std::time::Duration;

mod address;
mod connection;
mod dial;
mod instances;
mod link;
mod look;
mod machines;
mod overview;
mod queue;
mod setup;
mod slots;
mod tending;
mod tls;
mod trouble;
mod words;

pub use address::{Address, Parts, Tls};
pub use cluster::{Ticket, TicketState, Wish};
pub use connection::Registry;
pub use link::{Link, LinkState};
pub use look::{Found, Tables, look};
pub use overview::Overview;
pub use setup::{Database, RowFate, SetUp, setup};
pub use tending::Forgotten;
pub use trouble::Trouble;
pub use words::{
    Beat, Description, FencingToken, Generation, Heartbeat, Joined, Known, Load, Machine, OldServer, Place,
    Published, Reservation, ServerRow, SharedInstance,
};

/// How often a machine tells that it lives.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(2);
/// Three heartbeats that did not come: the machine counts as dead.
pub const DEAD_AFTER: Duration = Duration::from_secs(6);
