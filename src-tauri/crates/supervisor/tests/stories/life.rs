//! Ready, killed, restarted, stopped.

use std::{fs, time::Duration};

use display::process::{Kill, end, is_alive};
use model::{InstanceState, StopReason};
use tokio::time::timeout;

use crate::stage::{PATIENCE, Stage, WINDOW, all_gone, display_runs_in, runs, stop, until, until_gone};

#[tokio::test(flavor = "multi_thread")]
async fn a_window_makes_it_ready_and_a_stop_leaves_nothing() {
    let stage = Stage::new();
    let instance = supervisor::start(stage.spec(WINDOW), None);
    assert_eq!(instance.reports().borrow().status.state, InstanceState::Starting);
    let report = until(&instance, InstanceState::Ready).await;
    let running = report.running.unwrap();
    assert!(running.window.is_some());
    assert!(report.notes.iter().any(|note| note.contains("OpenGL")), "{:?}", report.notes);

    instance.stop(StopReason::Viewer);
    let last = until(&instance, InstanceState::Stopped).await;
    assert_eq!(last.running, None);
    instance.ended().await;
    all_gone(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_comes_back_on_the_same_display() {
    let stage = Stage::new();
    let instance = supervisor::start(stage.gated(), None);
    let before = until(&instance, InstanceState::Ready).await.running.unwrap();
    stage.close_gate();
    end(before.program.unwrap(), Kill::Now).unwrap();
    let report = until(&instance, InstanceState::Restarting).await;
    stage.open_gate();
    let message = report.status.message.unwrap();
    assert!(message.starts_with("Test crashed (SIGKILL)") && message.contains("started again"), "{message}");

    let report = until(&instance, InstanceState::Ready).await;
    assert_eq!(report.status.attempt, 2);
    assert_eq!(report.status.message, None);
    let after = report.running.unwrap();
    assert_eq!(after.display, before.display);
    assert_ne!(after.program, before.program);
    stop(&instance).await;
    all_gone(&after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_display_takes_the_program_with_it_and_both_come_back() {
    let stage = Stage::new();
    let instance = supervisor::start(stage.gated(), None);
    let before = until(&instance, InstanceState::Ready).await.running.unwrap();
    stage.close_gate();
    end(before.display.server, Kill::Now).unwrap();
    until(&instance, InstanceState::Restarting).await;
    stage.open_gate();
    let after = until(&instance, InstanceState::Ready).await.running.unwrap();
    assert_ne!(after.display.server, before.display.server);
    all_gone(&before).await;
    stop(&instance).await;
    all_gone(&after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_to_end_is_killed_within_the_grace() {
    let stage = Stage::new();
    let script = "trap '' TERM HUP; xev -geometry 320x240 & echo $! > window; while :; do sleep 0.05; done";
    let mut spec = stage.spec(script);
    spec.policy.stop_grace = Duration::from_millis(400);
    let window = spec.dir.join("window");
    let instance = supervisor::start(spec, None);
    let running = until(&instance, InstanceState::Ready).await.running.unwrap();
    stop(&instance).await;
    all_gone(&running).await;
    let helper = fs::read_to_string(window).unwrap();
    until_gone("its window", || runs(helper.trim())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_any_moment_of_a_start_leaves_nothing() {
    for moment in [0_usize, 1, 2, 3] {
        let stage = Stage::new();
        let instance = supervisor::start(stage.spec(WINDOW), None);
        let mut reports = instance.reports();
        let mut seen = Vec::new();
        for _ in 0..moment {
            // Reports that follow each other quickly are seen as one, and none follows this.
            if reports.borrow().status.state == InstanceState::Ready {
                break;
            }
            timeout(PATIENCE, reports.changed()).await.unwrap().unwrap();
            seen.extend(reports.borrow_and_update().running.clone());
        }
        stop(&instance).await;
        for running in &seen {
            all_gone(running).await;
        }
        until_gone(&format!("after {moment} reports, a display"), || display_runs_in(&stage)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_on_request_is_another_program_on_the_same_display() {
    let stage = Stage::new();
    let instance = supervisor::start(stage.gated(), None);
    let before = until(&instance, InstanceState::Ready).await.running.unwrap();
    stage.close_gate();
    instance.restart();
    until(&instance, InstanceState::Restarting).await;
    stage.open_gate();
    let report = until(&instance, InstanceState::Ready).await;
    let after = report.running.unwrap();
    assert_eq!((report.status.attempt, after.display.clone()), (1, before.display));
    assert!(!is_alive(before.program.unwrap()) && is_alive(after.program.unwrap()));
    stop(&instance).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_stalls_nothing_and_stays_small() {
    let stage = Stage::new();
    let mut spec =
        stage.spec(&format!("yes 'an assertion has failed and asks on stdin' | head -c 50000000; {WINDOW}"));
    spec.policy.log_bytes_max = 1 << 20;
    let dir = spec.dir.clone();
    let instance = supervisor::start(spec, None);
    until(&instance, InstanceState::Ready).await;
    let size = || -> u64 {
        ["program.log", "program.log.old"]
            .iter()
            .filter_map(|name| fs::metadata(dir.join(name)).ok())
            .map(|file| file.len())
            .sum()
    };
    // It is shortened after it was written: the reader may be one look behind.
    timeout(PATIENCE, async {
        while size() > 1 << 20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    stop(&instance).await;
}
