//! Instances whose time is over, and machines that are taken out of service.

use e2e::{Api, TestNode, api::Socket};
use model::{EndingReason, InstanceId, InstanceState};
use protocol::{
    admin::{AdminCommand, DrainView},
    api::{LaunchRequest, LeftSceneView},
    signal::{EndingNews, ServerMessage, ViewerMessage},
};
use reqwest::Method;

async fn ready(api: &Api) -> InstanceId {
    let id = api.launch_build("demo").await.unwrap();
    api.until(id, InstanceState::Ready).await.unwrap();
    id
}

async fn left_scenes(api: &Api) -> Vec<LeftSceneView> {
    let (_, text) = api.call(Method::GET, "/api/v1/scenes", None).await.unwrap();
    serde_json::from_str(&text).unwrap()
}

async fn warned(viewer: &mut Socket) -> EndingNews {
    let is_warning = |message: &ServerMessage| matches!(message, ServerMessage::Ending { ending: Some(_) });
    let message = viewer.until("a warning", is_warning).await.unwrap();
    let ServerMessage::Ending { ending: Some(ending) } = message else { unreachable!() };
    ending
}

#[tokio::test]
async fn an_instance_in_which_nobody_moves_anything_warns_stays_when_asked_and_ends() {
    let sets = ["life.unmoved_s=10", "life.warning_s=8"];
    let node = TestNode::start_with(&sets, &[]).await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ready(&ann).await;
    let url = ann.invite(id, "watcher").await.unwrap().url;
    let bob = node.browser().await.unwrap();
    let mut watcher = bob.attend(id, url.split("#invite=").nth(1)).await.unwrap();
    let mut owner = ann.attend(id, None).await.unwrap();

    let ending = warned(&mut owner).await;
    assert_eq!((ending.why, ending.stay_s, ending.stays_left), (EndingReason::Unmoved, Some(10), None));
    assert!(ending.left_s.is_some_and(|left_s| left_s <= 8));
    ann.until_view(id, "said to end soon", |view| view.ending.is_some()).await.unwrap();

    warned(&mut watcher).await;
    watcher.say(&ViewerMessage::Stay).await.unwrap();
    let refused = |message: &ServerMessage| matches!(message, ServerMessage::Refused { message, .. } if message.contains("for watching"));
    watcher.until("a refusal", refused).await.unwrap();

    owner.say(&ViewerMessage::Stay).await.unwrap();
    let calm = |message: &ServerMessage| matches!(message, ServerMessage::Ending { ending: None });
    owner.until("no end any more", calm).await.unwrap();
    watcher.until("no end any more", calm).await.unwrap();

    warned(&mut owner).await;
    let over = |message: &ServerMessage| matches!(message, ServerMessage::Instance(news) if news.state == InstanceState::Stopped);
    let ServerMessage::Instance(last) = owner.until("the end", over).await.unwrap() else { unreachable!() };
    assert_eq!(
        last.message.as_deref(),
        Some("Demo sky ended because nobody had moved anything for a while.")
    );
    ann.until_gone(id).await.unwrap();
    let left = left_scenes(&ann).await;
    assert_eq!(left.first().map(|scene| scene.scene_id), Some(id), "what it showed is kept");
    let resume = LaunchRequest { resume: Some(id), ..LaunchRequest::default() };
    ann.until(ann.launch(&resume).await.unwrap(), InstanceState::Ready).await.unwrap();
}

#[tokio::test]
async fn an_instance_that_nobody_watches_ends_and_one_that_stands_ready_does_not() {
    let sets = [
        "life.unwatched_s=2",
        "life.warning_s=1",
        "standby.count=1",
        "standby.idle_cores=0.0",
        "standby.memory_mb=1",
    ];
    let node = TestNode::start_with(&sets, &[]).await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    let stands = |snapshot: &protocol::admin::NodeSnapshot| {
        let ready = |one: &&protocol::admin::AdminInstance| {
            one.instance.standby && one.instance.state == InstanceState::Ready
        };
        snapshot.instances.iter().find(ready).map(|one| (one.instance.instance_id, one.ending))
    };
    let (standby, ending) = admin.until_snapshot("one that stands ready", stands).await.unwrap();
    assert_eq!(ending, None, "it has no end of its own");
    // It is handed out, and only now its time begins.
    let id = ann.launch_build("demo").await.unwrap();
    assert_eq!(id, standby);
    ann.until_gone(id).await.unwrap();
    assert!(node.log().contains("Unwatched"), "{}", node.log());
}

#[tokio::test]
async fn the_longest_session_is_lengthened_as_often_as_the_machine_allows() {
    let lengths = ["life.longest_s=21", "life.warning_s=20", "life.extension_s=21", "life.extensions=1"];
    let sets = [&lengths[..], &["instances.on_exit=leave"]].concat();
    let mut node = TestNode::start_with(&sets, &[]).await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ann.launch_build("demo").await.unwrap();
    let mut owner = ann.attend(id, None).await.unwrap();
    let first = warned(&mut owner).await;
    assert_eq!((first.why, first.stay_s, first.stays_left), (EndingReason::Longest, Some(21), Some(1)));
    owner.say(&ViewerMessage::Stay).await.unwrap();
    let last = loop {
        let ending = warned(&mut owner).await;
        if ending.stays_left.is_none() {
            break ending;
        }
    };
    assert_eq!((last.why, last.stay_s), (EndingReason::Longest, None));
    // A restart of the node gives nobody more.
    assert!(node.stop().await.unwrap().success());
    node.up().await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let mut owner = ann.attend(id, None).await.unwrap();
    assert_eq!(warned(&mut owner).await.stays_left, None);
    owner.say(&ViewerMessage::Stay).await.unwrap();
    let refused = |message: &ServerMessage| matches!(message, ServerMessage::Refused { message, .. } if message.contains("as long as one may"));
    owner.until("a refusal", refused).await.unwrap();
    ann.until_gone(id).await.unwrap();
}

#[tokio::test]
async fn a_machine_that_is_emptied_takes_nothing_new_tells_viewers_and_stays_so_over_a_restart() {
    let sets = ["life.warning_s=1", "instances.on_exit=leave"];
    let mut node = TestNode::start_with(&sets, &[]).await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ready(&ann).await;
    let mut viewer = ann.attend(id, None).await.unwrap();
    let admin = node.admin().unwrap();
    admin.command(&AdminCommand::Drain { within_s: None }).await.unwrap();

    let refused = ann.launch_build("demo").await.unwrap_err().to_string();
    assert!(refused.contains("taken out of service"), "{refused}");
    let refused = admin.launch_build("demo").await.unwrap_err().to_string();
    assert!(refused.contains("taken out of service"), "{refused}");
    let (_, servers) = ann.call(Method::GET, "/api/v1/servers", None).await.unwrap();
    assert!(servers.contains(r#""slots_free":0"#) && servers.contains(r#""draining":true"#), "{servers}");
    assert_eq!(ann.instance(id).await.unwrap().state, InstanceState::Ready, "what runs goes on");

    assert!(node.stop().await.unwrap().success());
    node.up().await.unwrap();
    let admin = node.admin().unwrap();
    let drained =
        admin.until_snapshot("that it is emptied", |snapshot| snapshot.node.draining).await.unwrap();
    assert!(matches!(drained, DrainView { until: None, .. }));
    ann.until(id, InstanceState::Ready).await.unwrap();
    drop(viewer);
    viewer = ann.attend(id, None).await.unwrap();
    let waits = warned(&mut viewer).await;
    assert_eq!((waits.why, waits.left_s), (EndingReason::Drained, None), "told, without an hour");
    admin.command(&AdminCommand::Drain { within_s: Some(2) }).await.unwrap();
    let ending = warned(&mut viewer).await;
    assert_eq!((ending.why, ending.stay_s), (EndingReason::Drained, None));
    assert!(ending.left_s.is_some());
    ann.until_gone(id).await.unwrap();

    admin.command(&AdminCommand::Undrain).await.unwrap();
    ready(&ann).await;
}
