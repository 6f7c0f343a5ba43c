//! The players that watch over WHEP now.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{InstanceId, SecretHash, ViewerId};
use protocol::signal::ViewerMessage;
use tokio::sync::mpsc;

use crate::problem::Refusal;

/// The players that watch now.
#[derive(Debug, Default)]
pub(crate) struct Players(Mutex<HashMap<ViewerId, Watching>>);

#[derive(Debug)]
pub(crate) struct Watching {
    pub instance: InstanceId,
    pub bearer: SecretHash,
    /// Of the offer: another one in a fragment means another way.
    pub ufrag: String,
    /// The session ends when this goes.
    #[expect(dead_code, reason = "held, never used")]
    pub incoming: mpsc::Sender<ViewerMessage>,
}

impl Players {
    pub(crate) fn enter(&self, viewer: ViewerId, watching: Watching) {
        self.all().insert(viewer, watching);
    }

    pub(crate) fn leave(&self, viewer: ViewerId) {
        self.all().remove(&viewer);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<ViewerId, Watching>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ufrag of a player that is the caller's. Somebody else's and none at all get the same answer.
    pub(crate) fn ufrag(
        &self,
        instance: InstanceId,
        viewer: ViewerId,
        bearer: SecretHash,
    ) -> Result<String, Refusal> {
        let all = self.all();
        let found = all.get(&viewer).filter(|player| player.instance == instance && player.bearer == bearer);
        found.map(|player| player.ufrag.clone()).ok_or_else(Refusal::unknown_player)
    }
}
