//! One machine's service: it knows every room, puts them together, and tells each what the others say.
//!
//! The staircase is [`assemble`]; the instances are the [`roster`]'s; the viewers of one instance meet on its [`stage`]; one viewer's
//! story is a [`session`]. Only the shells (desktop and headless) and the tests know this room.

pub mod admission;
pub mod assemble;
pub mod audit;
pub mod builds;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod continuity;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod elsewhere;
pub mod encoding;
pub mod events;
mod fetcher;
pub mod fleet;
pub mod history;
pub mod invitations;
pub mod ladder;
mod life;
pub mod local;
mod logs;
pub mod membership;
pub mod metrics;
pub mod old_world;
pub mod path;
pub mod problem;
pub mod queue;
pub mod reception;
mod resources;
pub mod roster;
pub mod rows;
pub mod session;
pub mod snapshot;
pub mod socket;
pub mod source;
pub mod stage;
mod standby;
pub mod views;
pub mod whose;

pub use assemble::{Node, Options};
pub use config::Config;
