//! Who may watch, who may steer, and what is left when they have gone.

use std::{collections::BTreeMap, time::Duration};

use e2e::{
    TestNode,
    api::{Api, Socket},
};
use model::{InstanceState, Role, ViewerId};
use protocol::signal::{ByeReason, ControlAction, RefusalReason, ServerMessage, ViewerMessage};
use reqwest::Method;

async fn welcome(socket: &mut Socket) -> (ViewerId, Role) {
    match socket.until("welcome", |message| matches!(message, ServerMessage::Welcome { .. })).await.unwrap() {
        ServerMessage::Welcome { viewer_id, role, .. } => (viewer_id, role),
        other => panic!("{other:?}"),
    }
}

async fn refusal(socket: &mut Socket) -> (RefusalReason, String) {
    match socket.until("a refusal", |message| matches!(message, ServerMessage::Refused { .. })).await.unwrap()
    {
        ServerMessage::Refused { reason, message, .. } => (reason, message),
        other => panic!("{other:?}"),
    }
}

fn secret_of(url: &str) -> &str {
    url.split_once("#invite=").unwrap().1
}

#[tokio::test]
async fn an_invite_opens_one_instance_in_one_role() {
    let node = TestNode::start().await.unwrap();
    let (ann, bob) = (node.browser().await.unwrap(), node.browser().await.unwrap());
    let id = ann.launch_build("demo").await.unwrap();
    let other = ann.launch_build("demo").await.unwrap();
    let (_, role) = welcome(&mut ann.attend(id, None).await.unwrap()).await;
    assert_eq!(role, Role::Owner);

    let (reason, _) = refusal(&mut bob.attend(id, None).await.unwrap()).await;
    assert_eq!(reason, RefusalReason::NotFound, "a foreign instance is as good as none");

    let invite = ann.invite(id, "watcher").await.unwrap();
    let secret = secret_of(&invite.url);
    let (_, role) = welcome(&mut bob.attend(id, Some(secret)).await.unwrap()).await;
    assert_eq!(role, Role::Watcher);
    for (instance, invite) in [(other, secret), (id, "nonsense")] {
        let (reason, _) = refusal(&mut bob.attend(instance, Some(invite)).await.unwrap()).await;
        assert_eq!(reason, RefusalReason::BadInvite);
    }
    assert!(ann.invite(id, "admin").await.is_err());
    assert!(!node.log().contains(secret), "a secret is in no log");
    assert!(!node.log().contains(ann.bearer().reveal()));
}

#[tokio::test]
async fn control_is_given_and_a_watcher_is_refused_with_a_sentence() {
    let node = TestNode::start().await.unwrap();
    let (ann, bob, eve) =
        (node.browser().await.unwrap(), node.browser().await.unwrap(), node.browser().await.unwrap());
    let id = ann.launch_build("demo").await.unwrap();
    let mut owner = ann.attend(id, None).await.unwrap();
    let (owner_id, _) = welcome(&mut owner).await;
    owner.until("control", |m| *m == ServerMessage::Control { holder: Some(owner_id) }).await.unwrap();

    let pilot_link = ann.invite(id, "pilot").await.unwrap().url;
    let mut pilot = bob.attend(id, Some(secret_of(&pilot_link))).await.unwrap();
    let (pilot_id, _) = welcome(&mut pilot).await;
    let watch_link = ann.invite(id, "watcher").await.unwrap().url;
    let mut watcher = eve.attend(id, Some(secret_of(&watch_link))).await.unwrap();
    welcome(&mut watcher).await;

    let request = |action, viewer_id| ViewerMessage::Control { action, viewer_id };
    watcher.say(&request(ControlAction::Request, None)).await.unwrap();
    let (reason, sentence) = refusal(&mut watcher).await;
    assert_eq!(reason, RefusalReason::NotAllowed);
    assert!(sentence.contains("for watching"), "{sentence}");

    owner.say(&request(ControlAction::Give, Some(pilot_id))).await.unwrap();
    for socket in [&mut owner, &mut pilot, &mut watcher] {
        socket
            .until("the new holder", |m| *m == ServerMessage::Control { holder: Some(pilot_id) })
            .await
            .unwrap();
    }
    let three = |m: &ServerMessage| matches!(m, ServerMessage::Viewers { list } if list.len() == 3);
    watcher.until("three viewers", three).await.unwrap();
}

#[tokio::test]
async fn a_stop_is_told_to_everybody_who_watches() {
    let node = TestNode::start().await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let mut viewer = ann.attend(id, None).await.unwrap();
    welcome(&mut viewer).await;
    ann.stop(id).await.unwrap();
    viewer.until("bye", |m| *m == ServerMessage::Bye { reason: ByeReason::Stopped }).await.unwrap();
    ann.until_gone(id).await.unwrap();
    let (reason, _) = refusal(&mut ann.attend(id, None).await.unwrap()).await;
    assert_eq!(reason, RefusalReason::NotFound);
}

#[tokio::test]
async fn a_viewer_that_comes_back_is_the_same_viewer() {
    let node = TestNode::start().await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ann.launch_build("demo").await.unwrap();
    let mut first = ann.attend(id, None).await.unwrap();
    let (viewer, _) = welcome(&mut first).await;
    drop(first);
    let mut second = ann.socket(id).await.unwrap();
    let hello = protocol::signal::Hello {
        protocol: protocol::PROTOCOL,
        session_id: ann.bearer().reveal().to_owned(),
        invite: None,
        viewer_id: Some(viewer),
    };
    second.say(&ViewerMessage::Hello(hello)).await.unwrap();
    assert_eq!(welcome(&mut second).await.0, viewer);
}

/// What the node holds for viewers, by its own figures.
async fn held(admin: &Api) -> BTreeMap<String, f64> {
    let (_, text) = admin.call(Method::GET, "/metrics", None).await.unwrap();
    let names = ["media_peers", "media_addresses", "tasks", "viewers"]
        .map(|name| format!("openspace_webrtc_{name} "));
    let figure = |line: &str| {
        names.iter().find_map(|name| Some((name.trim().to_owned(), line.strip_prefix(name)?.parse().ok()?)))
    };
    let held: BTreeMap<_, _> = text.lines().filter_map(figure).collect();
    assert_eq!(held.len(), names.len(), "{text}");
    held
}

#[tokio::test]
async fn a_hundred_players_that_came_and_went_leave_nothing_behind() {
    const PLAYERS: usize = 100;
    let node = TestNode::start().await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    // One that comes and goes makes what is made once.
    for _ in 0..2 {
        let location = ann.play(id).await.unwrap();
        ann.call(Method::DELETE, &location, None).await.unwrap();
    }
    let before = until_held(&admin, |held| held["openspace_webrtc_media_peers"] == 0.0).await;
    let mut there = Vec::new();
    for _ in 0..PLAYERS {
        there.push(ann.play(id).await.unwrap());
        if there.len() == 5 {
            for location in there.drain(..) {
                ann.call(Method::DELETE, &location, None).await.unwrap();
            }
        }
    }
    // Connections that are open for HTTP are tasks too, and come and go by themselves: a few, not one for each.
    let after = until_held(&admin, |held| {
        held["openspace_webrtc_media_peers"] == 0.0
            && held["openspace_webrtc_tasks"] < before["openspace_webrtc_tasks"] + PLAYERS as f64 / 10.0
    })
    .await;
    for name in ["media_addresses", "viewers"] {
        assert_eq!(after[&format!("openspace_webrtc_{name}")], 0.0, "{after:?}, before {before:?}");
    }
}

async fn until_held(admin: &Api, wanted: impl Fn(&BTreeMap<String, f64>) -> bool) -> BTreeMap<String, f64> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    loop {
        let held = held(admin).await;
        if wanted(&held) {
            return held;
        }
        assert!(tokio::time::Instant::now() < deadline, "{held:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
