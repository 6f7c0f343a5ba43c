//! A session never loses its place: the scene of each instance is saved while people are there, and brought back when its program had to
//! be started anew, or when somebody goes on later with what an instance showed when it ended.
//!
//! [`rhythm`] decides when to look and whether to bring back; the [`Keeper`] of each instance does it. What is saved, and what may be
//! brought back, is the `openspace` room's; the journal keeps it.

mod keeper;
mod left;
mod rhythm;
mod tidy;

pub use keeper::Keeper;
pub use left::{Resume, left_scene, lost};
pub use tidy::{Limits, tidy};
