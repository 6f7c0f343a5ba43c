//! What machines ask each other. Pure.
//!
//! A session is named by its hash: the secret stays between a browser and the machine that it speaks to.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use gateway::Caller;
use model::{InstanceId, SecretHash, ViewerId};
use protocol::{
    api::{InstanceView, InviteCreated, InviteRequest, LaunchRequest, Problem},
    signal::RefusalReason,
};
use registry::Reservation;
use relay::Removed;
use serde::{Deserialize, Serialize};

use crate::whose::ADMINISTRATOR;

/// Who asks, by the word of the machine that passes it on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asker {
    /// A hash in hex.
    Session(String),
    Admin,
    /// Whoever shows a token that is not known there; its hash in hex.
    Bearer(String),
    /// The machine itself.
    Machine,
}

impl Asker {
    pub fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Session(session) => Self::session(*session),
            Caller::Admin => Self::Admin,
        }
    }

    /// Whoever shows this token, and who that is as far as it is known here.
    pub fn with(caller: Option<&Caller>, bearer: SecretHash) -> Self {
        caller.map_or_else(|| Self::Bearer(bearer.to_hex()), Self::of)
    }

    pub fn session(session: SecretHash) -> Self {
        Self::Session(session.to_hex())
    }

    /// `None`: nobody who could have an instance, by that machine's word alone.
    pub fn caller(&self) -> Option<Caller> {
        match self {
            Self::Session(hex) => SecretHash::from_hex(hex).map(Caller::Session),
            Self::Admin => Some(Caller::Admin),
            Self::Bearer(_) | Self::Machine => None,
        }
    }

    /// What whoever asks has shown.
    pub fn bearer(&self) -> Option<SecretHash> {
        match self {
            Self::Session(hex) | Self::Bearer(hex) => SecretHash::from_hex(hex),
            Self::Admin => Some(ADMINISTRATOR),
            Self::Machine => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    pub by: Asker,
    pub question: Question,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// In a slot that is reserved there.
    Launch {
        limited: bool,
        request: LaunchRequest,
        reservation: Reservation,
    },
    Instance {
        id: InstanceId,
    },
    Stop {
        id: InstanceId,
    },
    Invite {
        id: InstanceId,
        request: InviteRequest,
    },
    Thumbnail {
        id: InstanceId,
    },
    /// Then the signaling goes to and fro, after one [`Seat`].
    Attend {
        id: InstanceId,
        invite: Option<String>,
        viewer_id: Option<ViewerId>,
    },
    /// A player's offer. After the answer to it the stream lasts as long as the player watches.
    Play {
        id: InstanceId,
        offer: String,
    },
    /// The founder's word about who belongs to the fleet no more.
    Removed {
        list: Removed,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Done,
    Instance(Box<InstanceView>),
    Invited(InviteCreated),
    Thumbnail(Picture),
    Playing { viewer: ViewerId, answer: String },
    No(Problem),
}

/// The first word to a viewer that comes over the link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    Taken,
    Refused { reason: RefusalReason, message: String, retry_after_s: Option<u32> },
}

/// JPEG, as text in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Picture(pub Vec<u8>);

impl TryFrom<String> for Picture {
    type Error = base64::DecodeError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        BASE64_STANDARD.decode(text).map(Self)
    }
}

impl From<Picture> for String {
    fn from(picture: Picture) -> Self {
        BASE64_STANDARD.encode(picture.0)
    }
}

/// All of these are JSON.
pub fn encode(words: &impl Serialize) -> Bytes {
    serde_json::to_vec(words).expect("these words have string keys only and are always JSON").into()
}

impl Ask {
    pub fn encode(&self) -> Bytes {
        encode(self)
    }
}

impl Reply {
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use model::ServerId;
    use registry::FencingToken;

    use super::*;

    #[test]
    fn questions_and_replies_survive_the_way() {
        let id = InstanceId::random();
        let hash = SecretHash([7; 32]);
        let reservation = Reservation {
            server: ServerId::random(),
            slot: 1,
            token: FencingToken(7),
            instance: id,
            lasts: Duration::from_secs(30),
        };
        let mut list = Removed::default();
        list.add(ServerId::random(), model::UnixMillis(7));
        for question in [
            Question::Launch { limited: true, request: LaunchRequest::default(), reservation },
            Question::Attend { id, invite: Some(hash.to_hex()), viewer_id: None },
            Question::Play { id, offer: "v=0\r\n".to_owned() },
            Question::Removed { list },
        ] {
            let ask = Ask { by: Asker::session(hash), question };
            assert_eq!(serde_json::from_slice::<Ask>(&ask.encode()).unwrap(), ask);
            assert_eq!(ask.by.caller(), Some(Caller::Session(hash)));
            assert_eq!(ask.by.bearer(), Some(hash));
        }
        let unknown = Asker::Bearer(hash.to_hex());
        assert_eq!((unknown.caller(), unknown.bearer()), (None, Some(hash)));
        let reply = Reply::Thumbnail(Picture(vec![0, 1, 255]));
        assert_eq!(Reply::decode(&encode(&reply)), Some(reply));
        assert_eq!(Asker::Session("zz".to_owned()).caller(), None);
        assert_eq!(Reply::decode(b"{}"), None);
    }
}
