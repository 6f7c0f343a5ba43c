//! First starts of a build do not overlap: they download into the one `sync` folder, which OpenSpace guards against nobody.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{Build, BuildId};
use store::Store;
use tokio::sync::Semaphore;
use tracing::warn;

/// Where the journal keeps what has been ready once: a JSON list of build and profile.
const KEY: &str = "ready_once";

type Scene = (BuildId, Option<String>);

#[derive(Debug, Default)]
pub(super) struct FirstStarts {
    proven: BTreeSet<Scene>,
    turns: BTreeMap<BuildId, Arc<Semaphore>>,
}

impl FirstStarts {
    /// What cannot be read is taken for new: at worst a start waits for another one.
    pub async fn open(store: &Store) -> Self {
        let text = store.setting(KEY).await.ok().flatten().unwrap_or_default();
        Self { proven: serde_json::from_str(&text).unwrap_or_default(), turns: BTreeMap::new() }
    }

    /// What a start of this scene has to wait for: nothing, once it has been ready here, unless it is started to download. Other programs
    /// download nothing.
    pub fn turn(&mut self, build: &Build, profile: Option<&str>, fetches: bool) -> Option<Arc<Semaphore>> {
        let first = build.is_openspace() && (fetches || !self.proven.contains(&scene(build, profile)));
        let one = || Arc::new(Semaphore::new(1));
        first.then(|| self.turns.entry(build.id.clone()).or_insert_with(one).clone())
    }

    pub async fn was_ready(&mut self, build: &Build, profile: Option<&str>, store: &Store) {
        if build.is_openspace() && self.proven.insert(scene(build, profile)) {
            let text = serde_json::to_string(&self.proven).expect("names are text");
            if let Err(error) = store.put_setting(KEY, &text).await {
                warn!(%error, "a first start was not journaled; the next one waits its turn again");
            }
        }
    }
}

fn scene(build: &Build, profile: Option<&str>) -> Scene {
    (build.id.clone(), profile.map(str::to_owned))
}
