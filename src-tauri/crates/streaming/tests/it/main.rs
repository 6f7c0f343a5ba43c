//! The room with its real neighbours: a far side of the `webrtc` crate, and Chromium.
#![allow(clippy::unwrap_used)]

mod chromium;
mod codecs;
mod passage;
mod peers;
mod support;
