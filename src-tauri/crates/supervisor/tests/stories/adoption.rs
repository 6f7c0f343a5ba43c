//! What one node leaves running, the next one takes over.

use std::{fs, path::Path, process::Command, time::Duration};

use display::process::{Kill, end, is_alive};
use model::{InstanceState, Running};
use tokio::time::timeout;

use crate::stage::{CHILD, PATIENCE, Stage, WINDOW, all_gone, stop, until, until_log};

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_abandons_the_next_takes_over_untouched() {
    let stage = Stage::new();
    let spec = stage.gated();
    let first = supervisor::start(spec.clone(), None);
    let before = until(&first, InstanceState::Ready).await.running.unwrap();
    first.abandon();
    first.ended().await;
    assert!(is_alive(before.program.unwrap()) && is_alive(before.display.server));

    let second = supervisor::start(spec, Some(before.clone()));
    let report = until(&second, InstanceState::Ready).await;
    assert_eq!(report.running.as_ref(), Some(&before));
    assert_eq!(report.status.attempt, 1);
    until_log(&second, "Outer window is 0x").await;
    // It is watched as if it were our own child.
    stage.close_gate();
    end(before.program.unwrap(), Kill::Now).unwrap();
    until(&second, InstanceState::Restarting).await;
    stage.open_gate();
    let after = until(&second, InstanceState::Ready).await.running.unwrap();
    stop(&second).await;
    all_gone(&after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_takes_nothing_with_it_and_the_next_one_takes_over() {
    let stage = Stage::new();
    let mut spec = stage.gated();
    if let Some(dir) = std::env::var_os(CHILD) {
        // The child is the node that is killed: it says what runs, and waits for its end.
        spec.dir = Path::new(&dir).join("instance");
        let running = until(&supervisor::start(spec, None), InstanceState::Ready).await.running.unwrap();
        fs::write(Path::new(&dir).join("running.new"), serde_json::to_string(&running).unwrap()).unwrap();
        fs::rename(Path::new(&dir).join("running.new"), Path::new(&dir).join("running")).unwrap();
        return std::future::pending().await;
    }
    let mut node = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "adoption::a_killed_node_takes_nothing_with_it_and_the_next_one_takes_over"])
        .env(CHILD, stage.dir.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let file = stage.dir.path().join("running");
    timeout(PATIENCE, async {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    let before: Running = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    node.kill().unwrap();
    node.wait().unwrap();

    let instance = supervisor::start(spec, Some(before.clone()));
    assert_eq!(until(&instance, InstanceState::Ready).await.running, Some(before.clone()));
    // It is nobody's child now: its end is noticed all the same.
    stage.close_gate();
    end(before.program.unwrap(), Kill::Now).unwrap();
    until(&instance, InstanceState::Restarting).await;
    stage.open_gate();
    let after = until(&instance, InstanceState::Ready).await.running.unwrap();
    assert_eq!(after.display, before.display);
    stop(&instance).await;
    all_gone(&after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_every_handle_lets_the_programs_live() {
    let stage = Stage::new();
    let spec = stage.spec(WINDOW);
    let first = supervisor::start(spec.clone(), None);
    let running = until(&first, InstanceState::Ready).await.running.unwrap();
    let mut reports = first.reports();
    drop(first);
    while timeout(PATIENCE, reports.changed()).await.unwrap().is_ok() {}
    assert!(is_alive(running.program.unwrap()));
    let second = supervisor::start(spec, Some(running.clone()));
    until(&second, InstanceState::Ready).await;
    stop(&second).await;
    all_gone(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_died_while_nobody_watched_is_started_again() {
    for dead in ["program", "display"] {
        let stage = Stage::new();
        let spec = stage.gated();
        let first = supervisor::start(spec.clone(), None);
        let before = until(&first, InstanceState::Ready).await.running.unwrap();
        first.abandon();
        first.ended().await;
        let victim = if dead == "program" { before.program.unwrap() } else { before.display.server };
        stage.close_gate();
        end(victim, Kill::Now).unwrap();
        display::process::exited(victim).await;

        let second = supervisor::start(spec, Some(before.clone()));
        let restarting = until(&second, InstanceState::Restarting).await;
        stage.open_gate();
        assert!(restarting.status.message.unwrap().contains("had ended"), "{dead}");
        let after = until(&second, InstanceState::Ready).await.running.unwrap();
        assert_ne!(after.program, before.program, "{dead}");
        assert_eq!(after.display == before.display, dead == "program", "{dead}");
        assert!(!is_alive(before.program.unwrap()), "{dead}");
        stop(&second).await;
        all_gone(&after).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_was_not_journaled_is_swept_up() {
    let stage = Stage::new();
    let spec = stage.spec(WINDOW);
    let first = supervisor::start(spec.clone(), None);
    let running = until(&first, InstanceState::Ready).await.running.unwrap();
    first.abandon();
    first.ended().await;
    // As if the node had been killed between the start and the journal's line.
    let journaled = Running { program: None, window: None, api_port: None, ..running.clone() };
    let second = supervisor::start(spec, Some(journaled));
    let after = until(&second, InstanceState::Ready).await.running.unwrap();
    assert!(!is_alive(running.program.unwrap()), "two programs on one display");
    assert_eq!(after.display, running.display);
    stop(&second).await;
}
