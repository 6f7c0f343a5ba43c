//! Encoders: what they have in common, and the choice among them.
//!
//! What can be tried is a table ([`table`]); which one runs is found by opening a session ([`choose`]), never by name: a
//! driver may be there without the device, and a device without an encoder.

pub(crate) mod choose;
mod cisco;
mod gst;
pub(crate) mod table;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use model::{Bitrate, FrameRate, Size};

use crate::picture::{Format, Picture};

/// One picture in, one frame out, in the caller's thread: nothing waits between them.
pub(crate) trait Encoder: Send {
    /// Encodes one picture. `at` is its time on the stream's clock and rises from call to call. `None`: the encoder left this
    /// picture out, which it may do to keep its rate.
    fn encode(
        &mut self,
        picture: &Arc<Picture>,
        at: Duration,
        keyframe: bool,
    ) -> Result<Option<Encoded>, EncodeError>;

    /// Holds from the next picture on.
    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError>;
}

#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub data: Bytes,
    pub keyframe: bool,
}

/// A sentence for people, without the encoder's name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EncodeError(pub String);

/// What an encoder is opened for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub size: Size,
    pub fps_max: FrameRate,
    pub bitrate: Bitrate,
    /// Processor cores of this machine.
    pub cores: usize,
}

impl Settings {
    fn format(&self, candidate: &table::Candidate) -> Format {
        Format { size: self.size, flavour: candidate.flavour() }
    }
}
