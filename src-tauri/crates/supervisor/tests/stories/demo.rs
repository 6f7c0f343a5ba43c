//! An OpenSpace as it is supervised: the demo renderer stands in, with OpenSpace's own log, API and shutdown.
//!
//! Its program is built with the workspace (`cargo build`); where it is not, these stories are left out and say so.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use display::{
    graphics::Graphics,
    process::{Kill, end, is_alive},
};
use model::{Build, BuildKind, InstanceId, InstanceState, Size, StopReason};
use supervisor::{InstanceHandle, Policy, Report, Spec};
use tokio::time::timeout;

use crate::stage::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_with_its_one_connection_and_comes_back_after_a_crash() {
    let Some(stage) = Stage::new() else { return };
    let instance = supervisor::start(stage.spec(&[]), None);
    let before = until(&instance, |report| report.status.state == InstanceState::Ready).await;
    let running = before.running.unwrap();
    assert!(running.api_port.is_some() && running.window.is_some());
    before.client.unwrap().version().await.unwrap();

    end(running.program.unwrap(), Kill::Now).unwrap();
    let after = until(&instance, |report| {
        let program = report.running.as_ref().and_then(|running| running.program);
        report.status.state == InstanceState::Ready && program != running.program
    })
    .await;
    after.client.unwrap().version().await.unwrap();
    assert_eq!(after.running.unwrap().display, running.display);
    stop(&instance).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_taken_over_with_a_connection_of_its_own() {
    let Some(stage) = Stage::new() else { return };
    let spec = stage.spec(&[]);
    let first = supervisor::start(spec.clone(), None);
    let before = until(&first, |report| report.status.state == InstanceState::Ready).await.running.unwrap();
    first.abandon();
    first.ended().await;
    drop(first);

    let second = supervisor::start(spec, Some(before.clone()));
    let after = until(&second, |report| report.client.is_some()).await;
    assert_eq!((after.status.state, after.running), (InstanceState::Ready, Some(before.clone())));
    after.client.unwrap().version().await.unwrap();
    stop(&second).await;
    assert!(!is_alive(before.program.unwrap()) && !is_alive(before.display.server));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_through_its_api_to_end_and_ends_by_itself() {
    let Some(stage) = Stage::new() else { return };
    let mut spec = stage.spec(&[]);
    // So long that a kill, or even the next polite way, would be noticed as the end of this test's patience.
    spec.policy.stop_grace = 10 * PATIENCE;
    let instance = supervisor::start(spec, None);
    until(&instance, |report| report.client.is_some() && report.status.state == InstanceState::Ready).await;
    stop(&instance).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_while_loading_or_shows_no_window_is_given_up_with_a_sentence() {
    for (switch, says) in [
        ("OPENSPACE_DEMO_HANG", "did not answer within 5 s"),
        ("OPENSPACE_DEMO_NO_WINDOW", "opened no window"),
    ] {
        let Some(stage) = Stage::new() else { return };
        let mut spec = stage.spec(&[(switch, "1")]);
        spec.policy.load_timeout = Duration::from_secs(5);
        spec.policy.attempts_max = 1;
        let instance = supervisor::start(spec, None);
        let report = until(&instance, |report| report.status.state == InstanceState::Failed).await;
        let message = report.status.message.unwrap();
        assert!(message.contains(says), "{switch}: {message}");
        until(&instance, |report| report.running.is_none()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_one_install_live_beside_each_other_and_leave_it_as_it_was() {
    let Some(stage) = Stage::new() else { return };
    let before = listing(&stage.install);
    let one = supervisor::start(stage.spec(&[]), None);
    let two = supervisor::start(Spec { dir: stage.dir.path().join("second"), ..stage.spec(&[]) }, None);
    let is_ready = |report: &Report| report.status.state == InstanceState::Ready;
    let (first, second) = (until(&one, is_ready).await, until(&two, is_ready).await);
    assert_ne!(first.running.unwrap().api_port, second.running.unwrap().api_port);
    stop(&one).await;
    stop(&two).await;
    assert_eq!(listing(&stage.install), before);
}

struct Stage {
    dir: tempfile::TempDir,
    install: PathBuf,
}

impl Stage {
    fn new() -> Option<Self> {
        // target/debug/deps/demo-… is this test; the program lies two folders up.
        let program =
            std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("openspace-webrtc-demo");
        let dir = tempfile::tempdir().unwrap();
        let install = dir.path().join("openspace");
        let installed = Command::new(&program)
            .arg("--install")
            .arg(&install)
            .status()
            .is_ok_and(|status| status.success());
        if !installed || !install.join("bin/OpenSpace").exists() {
            eprintln!("left out: {} is not built", program.display());
            return None;
        }
        Some(Self { dir, install })
    }

    fn spec(&self, switches: &[(&str, &str)]) -> Spec {
        let found = openspace::build::inspect(&self.install, &Default::default()).unwrap();
        let env = switches.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let quick = ("OPENSPACE_DEMO_LOAD_SECONDS".to_owned(), "0.2".to_owned());
        Spec {
            id: InstanceId::random(),
            build: Build {
                id: "demo".parse().unwrap(),
                name: "Demo".to_owned(),
                kind: BuildKind::OpenSpace {
                    dir: self.install.clone(),
                    api: found.api,
                    version: found.version,
                    commit: found.commit,
                    demo: true,
                },
                env: BTreeMap::from_iter(env.chain([quick])),
                args: Vec::new(),
            },
            profile: None,
            size: Size::new(320, 240),
            dir: self.dir.path().join("first"),
            sync_dir: self.dir.path().join("sync"),
            graphics: Graphics::Mesa { reason: String::new() },
            turn: None,
            policy: Policy {
                load_timeout: PATIENCE,
                stop_grace: Duration::from_secs(15),
                backoff_first: Duration::from_millis(50),
                backoff_max: Duration::from_millis(200),
                attempts_max: 3,
                attempts_window: Duration::from_secs(600),
                log_bytes_max: 1 << 20,
            },
        }
    }
}

/// Each file with its length and the moment of its last change.
fn listing(dir: &Path) -> BTreeMap<PathBuf, (u64, std::time::SystemTime)> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let metadata = entry.metadata().unwrap();
        files.insert(entry.path(), (metadata.len(), metadata.modified().unwrap()));
        if metadata.is_dir() {
            files.extend(listing(&entry.path()));
        }
    }
    files
}

async fn until(instance: &InstanceHandle, mut is_it: impl FnMut(&Report) -> bool) -> Report {
    let mut reports = instance.reports();
    let is_over = |report: &Report| report.status.state == InstanceState::Failed && report.running.is_none();
    let found = timeout(PATIENCE, reports.wait_for(|report| is_it(report) || is_over(report)))
        .await
        .map(|found| found.map(|report| report.clone()));
    match found {
        Ok(Ok(report)) if is_it(&report) => report,
        _ => {
            panic!("it stays {:?}; its log: {:?}", instance.reports().borrow().status, instance.log_tail(20))
        }
    }
}

async fn stop(instance: &InstanceHandle) {
    instance.stop(StopReason::Viewer);
    until(instance, |report| report.status.state == InstanceState::Stopped && report.running.is_none()).await;
    timeout(PATIENCE, instance.ended()).await.unwrap();
}
