//! Forgets what nobody comes back for, once a day.

use std::time::Duration;

use model::UnixMillis;
use store::Store;
use tokio::time::interval;
use tracing::{info, warn};

use crate::clock;

const EVERY: Duration = Duration::from_secs(24 * 3600);
const DAY_MS: i64 = 24 * 3_600_000;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub scene_days: u32,
    /// Of each session.
    pub scenes: u32,
    pub session_days: u32,
}

pub async fn tidy(store: Store, limits: Limits) {
    let mut days = interval(EVERY);
    loop {
        days.tick().await;
        let ago = |days: u32| UnixMillis(clock::now().0 - i64::from(days) * DAY_MS);
        let scenes = store.prune_scenes(ago(limits.scene_days), limits.scenes).await;
        // After the scenes: whoever's last one went has nothing here any more.
        let sessions = store.prune_sessions(ago(limits.session_days)).await;
        match (scenes, sessions) {
            (Ok(0), Ok(0)) => {}
            (Ok(scenes), Ok(sessions)) => info!(scenes, sessions, "forgotten, since nobody came back"),
            (Err(error), _) | (_, Err(error)) => {
                warn!(%error, "what nobody comes back for was not forgotten")
            }
        }
    }
}
