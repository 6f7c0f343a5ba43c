//! All that is known of OpenSpace: its folders, how it is started, what it prints, both dialects of its API.
//!
//! Nothing of its JSON leaves this room. Absent on purpose: processes, displays, viewers.

pub mod build;
pub mod client;
pub mod gate;
pub mod keys;
pub mod launch;
mod names;
pub mod readiness;
pub mod saved;
pub mod tree;
