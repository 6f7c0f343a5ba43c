//! Instances as they live and end: real X servers, real windows (`xev`), real processes.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration,
};

use display::process::{Kill, end, is_alive};
use model::{
    ApiGeneration, Build, BuildKind, InstanceId, InstanceState, ProcessId, Running, Size, StopReason,
};
use supervisor::{InstanceHandle, Policy, Report, Spec};
use tokio::time::timeout;

const WINDOW: &str = "exec xev -geometry 320x240";
/// Far longer than anything here takes: only a state that never comes is told by it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Set for the child of `without_xvfb_it_fails_at_once_and_says_what_to_install`.
const CHILD: &str = "SUPERVISOR_TEST_CHILD";

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
    assert_gone(&running);
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
    assert_gone(&after);
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
    assert_gone(&before);
    stop(&instance).await;
    assert_gone(&after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_exits_at_once_fails_after_its_tries_and_can_be_started_again() {
    let stage = Stage::new();
    let marker = stage.dir.path().join("well-now");
    let script = format!("test -e {} && {WINDOW}; echo 'no sky today' >&2; exit 3", marker.display());
    let instance = supervisor::start(stage.spec(&script), None);
    let report = until(&instance, InstanceState::Failed).await;
    let message = report.status.message.unwrap();
    for part in ["exit status 3", "“no sky today”", "started 2 times in vain", "start it again"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(instance.log_tail(1), ["no sky today"]);
    let report = until_report(&instance, |report| report.running.is_none()).await;
    assert_eq!(report.status.state, InstanceState::Failed);

    fs::write(marker, "").unwrap();
    instance.start();
    assert_eq!(until(&instance, InstanceState::Ready).await.status.attempt, 1);
    stop(&instance).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_shows_nothing_is_given_up_and_its_helpers_with_it() {
    let stage = Stage::new();
    let script = "setsid sleep 600 & echo $! >> helpers; exec sleep 600";
    let mut spec = stage.spec(script);
    spec.policy.load_timeout = Duration::from_millis(300);
    let dir = spec.dir.clone();
    let instance = supervisor::start(spec, None);
    let message = until(&instance, InstanceState::Failed).await.status.message.unwrap();
    assert!(message.contains("opened no window within 300 ms"), "{message}");
    until_report(&instance, |report| report.running.is_none()).await;
    let helpers = fs::read_to_string(dir.join("helpers")).unwrap();
    assert_eq!(helpers.lines().count(), 2, "one for each try");
    for pid in helpers.lines() {
        assert!(!runs(pid), "{pid} stayed behind");
    }
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
    assert_gone(&running);
    assert!(!runs(fs::read_to_string(window).unwrap().trim()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_any_moment_of_a_start_leaves_nothing() {
    for moment in [0_usize, 1, 2, 3] {
        let stage = Stage::new();
        let instance = supervisor::start(stage.spec(WINDOW), None);
        let mut reports = instance.reports();
        let mut seen = Vec::new();
        for _ in 0..moment {
            timeout(PATIENCE, reports.changed()).await.unwrap().unwrap();
            seen.extend(reports.borrow_and_update().running.clone());
        }
        stop(&instance).await;
        for running in &seen {
            assert_gone(running);
        }
        assert!(!display_runs_in(&stage), "after {moment} reports");
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
    assert_gone(&after);
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
    assert_gone(&running);
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
        assert_gone(&after);
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

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_heal_fails_at_once() {
    let stage = Stage::new();
    let install = stage.install("exit 0");
    let mut not_installed = stage.spec(WINDOW);
    not_installed.build.kind =
        BuildKind::Program { command: "no-such-planetarium".into(), working_dir: None };
    let gone = stage.openspace(Path::new("/no/such/openspace"));
    let mut no_profile = stage.openspace(&install);
    no_profile.profile = Some("missions/nowhere".to_owned());
    for (spec, says) in [
        (not_installed, "is not installed on this machine"),
        (gone, "folder of Test is gone"),
        (no_profile, "profile `missions/nowhere` does not exist in Test. Choose another, such as default."),
    ] {
        let instance = supervisor::start(spec, None);
        let status = until(&instance, InstanceState::Failed).await.status;
        let message = status.message.unwrap();
        assert!(message.contains(says), "{message}");
        assert_eq!(status.attempt, 1, "{message}");
        until_report(&instance, |report| report.running.is_none()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_line_of_openspace_is_the_reason_of_its_failure() {
    let stage = Stage::new();
    let install = stage.install(
        "echo \"(F) main                Bind failed (returned '-1') with error: 98\" >&2; sleep 600",
    );
    let instance = supervisor::start(stage.openspace(&install), None);
    let message = until(&instance, InstanceState::Failed).await.status.message.unwrap();
    assert!(message.contains("another program has taken it"), "{message}");
    until_report(&instance, |report| report.running.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_xvfb_it_fails_at_once_and_says_what_to_install() {
    if std::env::var_os(CHILD).is_none() {
        // A child, since this process must not change its own environment.
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "without_xvfb_it_fails_at_once_and_says_what_to_install"])
            .env(CHILD, "1")
            .env("PATH", "/nowhere")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    let stage = Stage::new();
    let instance = supervisor::start(stage.spec(WINDOW), None);
    let report = until(&instance, InstanceState::Failed).await;
    let message = report.status.message.unwrap();
    assert!(
        message.contains("Xvfb is not installed") && message.contains("apt-get install xvfb"),
        "{message}"
    );
    assert_eq!(report.status.attempt, 1);
}

struct Stage {
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { dir: tempfile::tempdir().unwrap() };
        stage.open_gate();
        stage
    }

    /// A program that shows its window once the gate is open: so a test sees the states before that, however busy the machine is.
    fn gated(&self) -> Spec {
        self.spec(&format!("until test -e {}; do sleep 0.02; done; {WINDOW}", self.gate().display()))
    }

    fn gate(&self) -> std::path::PathBuf {
        self.dir.path().join("gate")
    }

    fn open_gate(&self) {
        fs::write(self.gate(), "").unwrap();
    }

    fn close_gate(&self) {
        fs::remove_file(self.gate()).unwrap();
    }

    fn spec(&self, script: &str) -> Spec {
        Spec {
            id: InstanceId::random(),
            build: Build {
                id: "test".parse().unwrap(),
                name: "Test".to_owned(),
                kind: BuildKind::Program { command: "/bin/sh".into(), working_dir: None },
                env: BTreeMap::new(),
                args: vec!["-c".to_owned(), script.to_owned()],
            },
            profile: None,
            size: Size::new(320, 240),
            dir: self.dir.path().join("instance"),
            sync_dir: self.dir.path().join("sync"),
            virtual_gl: None,
            policy: Policy {
                load_timeout: PATIENCE,
                stop_grace: Duration::from_secs(10),
                backoff_first: Duration::from_millis(50),
                backoff_max: Duration::from_millis(200),
                attempts_max: 2,
                attempts_window: Duration::from_secs(600),
                log_bytes_max: 1 << 20,
            },
        }
    }

    fn openspace(&self, install: &Path) -> Spec {
        let mut spec = self.spec("");
        let dir = install.to_owned();
        spec.build.kind =
            BuildKind::OpenSpace { dir, api: ApiGeneration::New, version: None, commit: None, demo: false };
        spec.build.args = Vec::new();
        spec
    }

    /// A folder that looks like an OpenSpace, whose program is a script.
    fn install(&self, script: &str) -> std::path::PathBuf {
        let dir = self.dir.path().join("openspace");
        for folder in ["bin", "data/profiles"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        fs::write(dir.join("openspace.cfg"), "").unwrap();
        fs::write(dir.join("data/profiles/default.profile"), "{}").unwrap();
        let program = dir.join("bin/OpenSpace");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        dir
    }
}

async fn until(instance: &InstanceHandle, state: InstanceState) -> Report {
    until_report(instance, |report| report.status.state == state).await
}

async fn until_report(instance: &InstanceHandle, mut is_it: impl FnMut(&Report) -> bool) -> Report {
    let mut reports = instance.reports();
    let found = timeout(PATIENCE, reports.wait_for(|report| is_it(report)))
        .await
        .map(|found| found.map(|report| report.clone()));
    match found {
        Ok(Ok(report)) => report,
        Ok(Err(_)) => panic!("its task ended as {:?}", reports.borrow().status),
        Err(_) => panic!("it stays {:?}; its log: {:?}", reports.borrow().status, instance.log_tail(20)),
    }
}

async fn until_log(instance: &InstanceHandle, line: &str) {
    timeout(PATIENCE, async {
        while !instance.log_tail(100).iter().any(|seen| seen.starts_with(line)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}

async fn stop(instance: &InstanceHandle) {
    instance.stop(StopReason::Administrator);
    let last = until(instance, InstanceState::Stopped).await;
    assert_eq!(last.running, None);
    timeout(PATIENCE, instance.ended()).await.unwrap();
}

fn assert_gone(running: &Running) {
    let processes: [Option<ProcessId>; 2] = [Some(running.display.server), running.program];
    for process in processes.into_iter().flatten() {
        assert!(!is_alive(process), "{process:?} of {running:?} stayed behind");
    }
}

/// A helper that has ended may wait as a zombie for its own parent.
fn runs(pid: &str) -> bool {
    display::process::identify(pid.parse().unwrap()).is_ok_and(is_alive)
}

fn display_runs_in(stage: &Stage) -> bool {
    let auth = stage.dir.path().join("instance/Xauthority").into_os_string().into_encoded_bytes();
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|part| part == auth))
    })
}
