//! Is this machine being emptied? An administrator says so, and it stays so over a restart.

use model::UnixMillis;
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};
use tokio::sync::watch;
use tracing::info;

use crate::clock;

/// Where the journal keeps it, as JSON.
const KEY: &str = "draining";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {
    pub since: UnixMillis,
    /// When what still runs is ended.
    pub until: Option<UnixMillis>,
}

#[derive(Clone, Debug)]
pub struct Drain {
    store: Store,
    state: watch::Sender<Option<Draining>>,
}

impl Drain {
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let stored = store.setting(KEY).await?;
        // Something else than we wrote is as good as nothing: the machine serves.
        let draining: Option<Draining> = stored.and_then(|text| serde_json::from_str(&text).ok()).flatten();
        if draining.is_some() {
            info!("this machine is still being emptied: it takes no launches");
        }
        Ok(Self { store, state: watch::Sender::new(draining) })
    }

    /// Takes nothing new from now on. Said again, it changes by when the rest must end.
    pub async fn begin(&self, within_s: Option<u32>) -> Result<(), StoreError> {
        let now = clock::now();
        let until = within_s.map(|seconds| UnixMillis(now.0 + i64::from(seconds) * 1000));
        let since = self.state.borrow().map_or(now, |draining| draining.since);
        info!(within_s, "this machine is being emptied: it takes no launches");
        self.put(Some(Draining { since, until })).await
    }

    pub async fn end(&self) -> Result<(), StoreError> {
        info!("this machine takes launches again");
        self.put(None).await
    }

    pub fn now(&self) -> Option<Draining> {
        *self.state.borrow()
    }

    pub fn state(&self) -> watch::Receiver<Option<Draining>> {
        self.state.subscribe()
    }

    async fn put(&self, draining: Option<Draining>) -> Result<(), StoreError> {
        let text = serde_json::to_string(&draining).expect("numbers are JSON");
        self.store.put_setting(KEY, &text).await?;
        self.state.send_replace(draining);
        Ok(())
    }
}
