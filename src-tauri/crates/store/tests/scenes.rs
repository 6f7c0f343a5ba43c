//! Scenes that were left, and sessions that nobody uses any more.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use model::{InstanceId, InstanceState, SavedScene, SecretHash, Size, UnixMillis};
use store::{InstanceRecord, LeftBy, Store};

#[tokio::test]
async fn a_scene_that_was_left_waits_for_whose_it_was_and_for_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("journal.db")).unwrap();
    let (ann, ben) = (hash(1), hash(2));
    let by =
        |session| LeftBy { session, build: "demo".parse().unwrap(), profile: Some("default".to_owned()) };
    let ids: Vec<_> = (0..3).map(|_| InstanceId::random()).collect();
    assert!(!store.leave_scene(ids[0], by(ann), UnixMillis(1)).await.unwrap(), "it has no scene");
    for (id, ended) in ids.iter().zip([10, 30, 20]) {
        store.put_scene(*id, &scene("Moon"), UnixMillis(1)).await.unwrap();
        store.put_scene(*id, &scene("Mars"), UnixMillis(2)).await.unwrap();
        assert!(store.leave_scene(*id, by(ann), UnixMillis(ended)).await.unwrap());
    }
    let living = InstanceId::random();
    store.put_scene(living, &scene("Venus"), UnixMillis(1)).await.unwrap();
    let left = store.left_scenes(ann).await.unwrap();
    assert_eq!(left.iter().map(|scene| scene.id).collect::<Vec<_>>(), [ids[1], ids[2], ids[0]]);
    assert_eq!((&left[0].scene, left[0].ended, &left[0].by), (&scene("Mars"), UnixMillis(30), &by(ann)));
    assert!(store.left_scenes(ben).await.unwrap().is_empty());

    assert_eq!(store.prune_scenes(UnixMillis(15), 8).await.unwrap(), 1, "one is too old");
    assert_eq!(store.prune_scenes(UnixMillis(0), 1).await.unwrap(), 1, "one is too many");
    assert_eq!(store.left_scenes(ann).await.unwrap()[0].id, ids[1]);
    assert_eq!(store.scene(living).await.unwrap(), Some(scene("Venus")), "what lives is not pruned");
    store.remove_scene(ids[1]).await.unwrap();
    assert!(store.left_scenes(ann).await.unwrap().is_empty());
}

#[tokio::test]
async fn sessions_that_are_not_used_any_more_are_forgotten_unless_they_have_something_here() {
    const DAY: i64 = 24 * 3_600_000;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("journal.db")).unwrap();
    let [used, gone, running] = [hash(1), hash(2), hash(3)];
    for session in [used, gone, running] {
        store.add_session(session, UnixMillis(0)).await.unwrap();
    }
    assert!(store.use_session(used, UnixMillis(9 * DAY)).await.unwrap());
    store.put_instance(&running_instance(running)).await.unwrap();
    assert_eq!(store.prune_sessions(UnixMillis(5 * DAY)).await.unwrap(), 1);
    for (session, known) in [(used, true), (gone, false), (running, true)] {
        assert_eq!(store.knows_session(session).await.unwrap(), known);
    }
}

fn hash(byte: u8) -> SecretHash {
    SecretHash([byte; 32])
}

fn running_instance(session: SecretHash) -> InstanceRecord {
    InstanceRecord {
        id: InstanceId::random(),
        session,
        build: "demo".parse().unwrap(),
        profile: None,
        size: Size::new(1280, 720),
        created: UnixMillis(1),
        state: InstanceState::Ready,
        message: None,
        running: None,
        picture: None,
    }
}

fn scene(focus: &str) -> SavedScene {
    SavedScene {
        time: "2026-11-25T18:00:00.000Z".to_owned(),
        rate_seconds_per_second: 1.0,
        paused: false,
        focus: focus.to_owned(),
        view: None,
        properties: BTreeMap::new(),
        left_out: 0,
    }
}
