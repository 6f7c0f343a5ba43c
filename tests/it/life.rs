//! Instances and nodes that live, crash and come back.

use std::path::PathBuf;

use e2e::{Api, TestNode};
use model::{InstanceId, InstanceState};
use protocol::api::LaunchRequest;
use rustix::process::{Pid, Signal, kill_process};

fn kill_9(pid: u32) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
}

fn lives(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

async fn pid(admin: &Api, id: InstanceId) -> Option<u32> {
    let snapshot = admin.snapshot().await.unwrap();
    snapshot
        .instances
        .iter()
        .find(|instance| instance.instance.instance_id == id)
        .and_then(|instance| instance.pid)
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(seen) = look().await {
            return seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {what}");
}

#[tokio::test]
async fn two_instances_live_side_by_side_and_belong_to_their_session() {
    let mut node = TestNode::start().await.unwrap();
    let (ann, bob) = (node.browser().await.unwrap(), node.browser().await.unwrap());
    let first = ann.launch(&LaunchRequest::default()).await.unwrap();
    let second = ann.launch_build("demo").await.unwrap();
    for id in [first, second] {
        let view = ann.until(id, InstanceState::Ready).await.unwrap();
        assert!(view.demo, "the demo says that it is one");
    }
    assert_eq!(ann.instances().await.unwrap().len(), 2);
    assert!(bob.instances().await.unwrap().is_empty());
    assert!(bob.instance(first).await.unwrap_err().to_string().contains("not yours"));
    assert!(bob.stop(first).await.is_err());

    let admin = node.admin().unwrap();
    let program = pid(&admin, first).await.unwrap();
    ann.stop(first).await.unwrap();
    ann.until_gone(first).await.unwrap();
    assert!(!lives(program), "a stopped instance leaves no process");
    assert_eq!(ann.instances().await.unwrap()[0].instance_id, second);

    let survivor = pid(&admin, second).await.unwrap();
    assert!(node.stop().await.unwrap().success());
    assert!(!lives(survivor), "by default the instances end with the node");
    assert!(!node.data_dir().join("ports.json").exists());
}

#[tokio::test]
async fn a_crash_is_told_and_the_same_url_lives_on() {
    let node = TestNode::start().await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let mut viewer = ann.attend(id, None).await.unwrap();
    let before = pid(&admin, id).await.unwrap();
    kill_9(before);
    viewer
        .until("restarting", |message| {
            matches!(message, protocol::signal::ServerMessage::Instance(news) if news.state == InstanceState::Restarting)
        })
        .await
        .unwrap();
    viewer
        .until("ready again", |message| {
            matches!(message, protocol::signal::ServerMessage::Instance(news) if news.state == InstanceState::Ready)
        })
        .await
        .unwrap();
    let after = pid(&admin, id).await.unwrap();
    assert_ne!(before, after);
    assert_eq!(ann.instances().await.unwrap()[0].instance_id, id);
}

#[tokio::test]
async fn a_killed_node_leaves_its_instances_and_the_next_adopts_them() {
    let mut node = TestNode::start().await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let before = pid(&node.admin().unwrap(), id).await.unwrap();
    node.kill().unwrap();
    assert!(lives(before), "the instance lives on without its node");
    node.up().await.unwrap();
    let view = ann.until(id, InstanceState::Ready).await.unwrap();
    assert_eq!(view.attempt, 1, "nothing was started anew");
    assert_eq!(pid(&node.admin().unwrap(), id).await, Some(before));
    assert_eq!(node.log().matches("panicked").count(), 0);
}

#[tokio::test]
async fn a_program_that_died_with_its_node_is_started_again() {
    let mut node = TestNode::start().await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let before = pid(&node.admin().unwrap(), id).await.unwrap();
    node.kill().unwrap();
    kill_9(before);
    node.up().await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    assert_ne!(pid(&node.admin().unwrap(), id).await, Some(before));
}

#[tokio::test]
async fn by_policy_a_node_that_ends_leaves_its_instances() {
    let mut node = TestNode::start_with(&["instances.on_exit=leave"], &[]).await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let before = pid(&node.admin().unwrap(), id).await.unwrap();
    assert!(node.stop().await.unwrap().success());
    assert!(lives(before));
    node.up().await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    assert_eq!(pid(&node.admin().unwrap(), id).await, Some(before));
}

#[tokio::test]
async fn nothing_in_the_install_is_written() {
    let node = TestNode::start().await.unwrap();
    let install = node.data_dir().join("demo");
    let before = listing(&install);
    let ann = node.browser().await.unwrap();
    let ids = [ann.launch_build("demo").await.unwrap(), ann.launch_build("demo").await.unwrap()];
    for id in ids {
        ann.until(id, InstanceState::Ready).await.unwrap();
        ann.stop(id).await.unwrap();
    }
    for id in ids {
        ann.until_gone(id).await.unwrap();
    }
    assert_eq!(listing(&install), before);
}

fn listing(dir: &std::path::Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_symlink() {
                files.push((
                    path.clone(),
                    std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
                ));
            } else if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), std::fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn the_panel_sees_processes_encoder_and_log() {
    let node = TestNode::start().await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let snapshot = until("figures", async || {
        let snapshot = admin.snapshot().await.unwrap();
        let instance = snapshot.instances.first()?;
        let renders = instance.log_tail.iter().any(|line| line.contains("rendering loop"));
        (instance.memory_bytes.is_some() && renders).then_some(snapshot)
    })
    .await;
    assert!(snapshot.node.encoder.is_some(), "the encoder and its reason are shown: {:?}", snapshot.warnings);
    assert!(snapshot.health.unwrap().host.memory_total_bytes > 0);
}
