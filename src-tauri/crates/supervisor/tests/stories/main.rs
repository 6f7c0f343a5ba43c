//! Instances as they live and end: real X servers, real windows (`xev`), real processes.

#![allow(clippy::unwrap_used)]

mod adoption;
mod demo;
mod failures;
mod life;
mod stage;
