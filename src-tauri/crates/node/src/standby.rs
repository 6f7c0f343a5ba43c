//! Instances that are ready before anybody asks. They belong to nobody, take no slot from anybody, and the next launch of their build
//! and profile gets one instead of a start.
//!
//! [`plan`] decides; the [`Keeper`] starts and ends one at a time; handing out is the roster's.

mod keeper;
pub mod plan;

pub use keeper::{Keeper, Setup};
