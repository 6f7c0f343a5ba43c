//! What is on a link: frames of a stream's number, a kind and a body; first of all a greeting. Pure.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use model::ServerId;
use serde::{Deserialize, Serialize};

use crate::Trouble;

/// Machines that do not speak the same tell each other so.
pub const PROTOCOL: u32 = 1;
/// A thumbnail is 30 kB, a signaling message 64 KiB at most; an offer list of many builds lies between.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;
pub(crate) const HEAD: usize = 5;
pub(crate) const FRAME_BYTES_MAX: usize = HEAD + MESSAGE_BYTES_MAX;
/// A greeting comes from somebody who has proven nothing yet.
pub(crate) const GREETING_BYTES_MAX: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Open,
    Message,
    /// Nothing more comes in this stream, and nothing more is heard.
    End,
    /// The other side lives.
    Ping,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub stream: u32,
    pub kind: Kind,
    pub body: Bytes,
}

impl Frame {
    pub const fn new(stream: u32, kind: Kind, body: Bytes) -> Self {
        Self { stream, kind, body }
    }

    pub fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEAD + self.body.len());
        bytes.put_u32(self.stream);
        bytes.put_u8(match self.kind {
            Kind::Open => 0,
            Kind::Message => 1,
            Kind::End => 2,
            Kind::Ping => 3,
        });
        bytes.extend_from_slice(&self.body);
        bytes.freeze()
    }

    /// `None`: a kind that this version does not know.
    pub fn decode(mut bytes: Bytes) -> Option<Self> {
        let (head, _) = bytes.split_first_chunk::<HEAD>()?;
        let stream = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let kind = match head[4] {
            0 => Kind::Open,
            1 => Kind::Message,
            2 => Kind::End,
            3 => Kind::Ping,
            _ => return None,
        };
        Some(Self { stream, kind, body: bytes.split_off(HEAD) })
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of stream {}, {} bytes", self.kind, self.stream, self.body.len())
    }
}

/// The first message of whoever connects.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Greeting {
    pub protocol: u32,
    pub version: String,
    pub name: String,
    pub wants: Wants,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wants {
    /// Needs a certificate of the fleet.
    Link,
    Join {
        secret: Vec<u8>,
        server: ServerId,
        /// DER; only its public key counts.
        request: Vec<u8>,
    },
}

impl fmt::Debug for Wants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Link) { "a link" } else { "to join" })
    }
}

/// The answer to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Welcome { protocol: u32, version: String },
    Joined { certificate: Vec<u8>, authority: Vec<u8> },
    Refused { why: String },
}

/// The protocol's number is read first: what another version says besides may not be understood.
pub(crate) fn read_greeting(bytes: &[u8]) -> Result<Greeting, Trouble> {
    #[derive(Deserialize)]
    struct Only {
        protocol: u32,
    }
    let unclear = || Trouble::Refused("the greeting was not understood".to_owned());
    let Only { protocol } = serde_json::from_slice(bytes).map_err(|_| unclear())?;
    if protocol != PROTOCOL {
        return Err(Trouble::Version { theirs: protocol, ours: PROTOCOL });
    }
    serde_json::from_slice(bytes).map_err(|_| unclear())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn another_version_is_named_even_when_the_rest_is_unknown() {
        let said = read_greeting(br#"{"protocol":7,"hum":true}"#).unwrap_err();
        assert_eq!(said, Trouble::Version { theirs: 7, ours: PROTOCOL });
        for bad in [&b""[..], b"GET / HTTP/1.1", b"{}", br#"{"protocol":1}"#, b"\xff\x00"] {
            assert!(matches!(read_greeting(bad), Err(Trouble::Refused(_))));
        }
    }

    proptest! {
        #[test]
        fn a_frame_survives_its_bytes(stream: u32, kind in 0u8..4, body: Vec<u8>) {
            let kind = [Kind::Open, Kind::Message, Kind::End, Kind::Ping][usize::from(kind)];
            let frame = Frame::new(stream, kind, body.into());
            prop_assert_eq!(Frame::decode(frame.encode()), Some(frame));
        }

        #[test]
        fn any_bytes_are_a_frame_or_none(bytes: Vec<u8>) {
            let _ = Frame::decode(bytes.into());
        }
    }
}
