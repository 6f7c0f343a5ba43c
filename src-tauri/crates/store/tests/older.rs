//! What a journal of an older program is brought to.

#![allow(clippy::unwrap_used)]

use model::{
    Size,
    video::{PictureSize, SizeMode},
};
use store::Store;

/// As it was before its seventh step: one instance of a chosen size that was lengthened, one as launched, one whose settings nobody
/// understands.
const BEFORE_PICTURES: &str = "
    ALTER TABLE instances DROP COLUMN picture;
    ALTER TABLE instances DROP COLUMN extensions;
    DELETE FROM refinery_schema_history WHERE version >= 7;
    INSERT INTO instances (id, session, build, width, height, created, state) VALUES
        ('11111111-1111-4111-8111-111111111111', zeroblob(32), 'demo', 1280, 720, 1, 'ready'),
        ('22222222-2222-4222-8222-222222222222', zeroblob(32), 'demo', 1280, 720, 2, 'ready'),
        ('33333333-3333-4333-8333-333333333333', zeroblob(32), 'demo', 1280, 720, 3, 'ready');
    INSERT INTO settings VALUES
        ('default_build', 'demo'),
        ('picture of 11111111-1111-4111-8111-111111111111', '{\"mode\":{\"by\":\"follow\"},\"size\":{\"width\":1600,\"height\":898}}'),
        ('picture of 33333333-3333-4333-8333-333333333333', 'large'),
        ('extensions of 11111111-1111-4111-8111-111111111111', '3'),
        ('extensions of 33333333-3333-4333-8333-333333333333', '-4');";

#[tokio::test]
async fn what_was_kept_of_instances_among_the_settings_moves_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    drop(Store::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().execute_batch(BEFORE_PICTURES).unwrap();

    let store = Store::open(&path).unwrap();
    let pictures: Vec<_> = store.instances().await.unwrap().iter().map(|record| record.picture).collect();
    let large = PictureSize { mode: SizeMode::Follow, size: Size::new(1600, 898) };
    assert_eq!(pictures, [Some(large), None, None]);
    let mut lengthened = Vec::new();
    for record in store.instances().await.unwrap() {
        lengthened.push(store.extensions(record.id).await.unwrap());
        for kept in ["picture", "extensions"] {
            assert_eq!(store.setting(&format!("{kept} of {}", record.id)).await.unwrap(), None);
        }
    }
    assert_eq!(lengthened, [3, 0, 0]);
    assert_eq!(store.setting("default_build").await.unwrap().as_deref(), Some("demo"));
}
