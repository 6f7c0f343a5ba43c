//! The end of an instance's time: nobody watches, nobody moves, it has run long enough, or its machine is being emptied.
//!
//! [`span`] decides; the [`Keeper`] of each instance tells its viewers and ends it; [`Drain`] knows whether the machine is being
//! emptied. What an instance showed is kept, as at every end. An instance that is nobody's yet has no end of its own.

mod drain;
mod extensions;
mod keeper;
pub mod span;

pub use drain::{Drain, Draining};
pub use extensions::Extensions;
pub use keeper::{Keeper, Means};
