//! What the task that owns the relay is told.

use std::sync::Arc;

use model::ServerId;
use tokio::sync::oneshot;

use crate::{Identity, JoinCode, Removed, Trouble, peer::Want};

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Trouble>>;

pub(crate) enum Command {
    Found(Reply<()>),
    Code {
        address: String,
        reply: Reply<JoinCode>,
    },
    Join {
        code: JoinCode,
        reply: Reply<()>,
    },
    Leave(Reply<()>),
    Remove {
        server: ServerId,
        reply: Reply<()>,
    },
    Removed(Removed),
    Identity(Reply<Arc<Identity>>),
    Reach {
        server: ServerId,
        want: Want,
    },
    /// Of the door: certificate and authority for whoever has a code.
    Redeem {
        secret: Vec<u8>,
        server: ServerId,
        request: Vec<u8>,
        reply: Reply<(Vec<u8>, Vec<u8>)>,
    },
}
