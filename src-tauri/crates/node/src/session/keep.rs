//! What the program keeps as a file: waits until it has written it, and lists what there is.

use std::time::Duration;

use model::{SavedFile, SavedKind};
use openspace::{client::Answer, saved::Saved};
use tokio::{task::spawn_blocking, time::Instant, time::sleep};

/// A picture in 4K is packed for many seconds on a busy machine. The page waits somewhat longer.
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn listed(saved: &Saved, kind: SavedKind) -> Vec<SavedFile> {
    let saved = saved.clone();
    spawn_blocking(move || saved.list(kind)).await.unwrap_or_default()
}

/// The file that comes of doing `deed`. The error is a sentence for the viewer.
pub(super) async fn kept(
    saved: &Saved,
    kind: SavedKind,
    deed: impl Future<Output = Result<Option<Answer>, String>>,
) -> Result<SavedFile, String> {
    let before = listed(saved, kind).await;
    deed.await?;
    let deadline = Instant::now() + WRITTEN_WITHIN;
    loop {
        let (saved, before) = (saved.clone(), before.clone());
        let fresh = spawn_blocking(move || saved.fresh(kind, &before)).await.unwrap_or_default();
        match fresh {
            Some(file) => return Ok(file),
            None if Instant::now() > deadline => return Err(not_written(kind)),
            None => sleep(LOOK_EVERY).await,
        }
    }
}

fn not_written(kind: SavedKind) -> String {
    let what = match kind {
        SavedKind::Screenshots => "The program has written no picture",
        SavedKind::Recordings => "The program has written no recording",
    };
    format!("{what} within {} seconds. Its log says why.", WRITTEN_WITHIN.as_secs())
}
