//! A folder, a spec, and ways to wait for what an instance becomes.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use display::{graphics::Graphics, process::is_alive};
use model::{
    ApiGeneration, Build, BuildKind, InstanceId, InstanceState, ProcessId, Running, Size, StopReason,
};
use supervisor::{InstanceHandle, Policy, Report, Spec};
use tokio::time::timeout;

pub const WINDOW: &str = "exec xev -geometry 320x240";
/// Far longer than anything here takes: only a state that never comes is told by it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Set where a test runs itself as a child that plays another part.
pub const CHILD: &str = "SUPERVISOR_TEST_CHILD";

pub struct Stage {
    pub dir: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        let stage = Self { dir: tempfile::tempdir().unwrap() };
        stage.open_gate();
        stage
    }

    /// A program that shows its window once the gate is open: so a test sees the states before that, however busy the machine is.
    pub fn gated(&self) -> Spec {
        self.spec(&format!("until test -e {}; do sleep 0.02; done; {WINDOW}", self.gate().display()))
    }

    pub fn gate(&self) -> PathBuf {
        self.dir.path().join("gate")
    }

    pub fn open_gate(&self) {
        fs::write(self.gate(), "").unwrap();
    }

    pub fn close_gate(&self) {
        fs::remove_file(self.gate()).unwrap();
    }

    pub fn spec(&self, script: &str) -> Spec {
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
            graphics: Graphics::Mesa { reason: String::new() },
            turn: None,
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

    pub fn openspace(&self, install: &Path) -> Spec {
        let mut spec = self.spec("");
        let dir = install.to_owned();
        spec.build.kind =
            BuildKind::OpenSpace { dir, api: ApiGeneration::New, version: None, commit: None, demo: false };
        spec.build.args = Vec::new();
        spec
    }

    /// A folder that looks like an OpenSpace, whose program is a script.
    pub fn install(&self, script: &str) -> PathBuf {
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

pub async fn until(instance: &InstanceHandle, state: InstanceState) -> Report {
    until_report(instance, |report| report.status.state == state).await
}

pub async fn until_report(instance: &InstanceHandle, mut is_it: impl FnMut(&Report) -> bool) -> Report {
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

pub async fn until_log(instance: &InstanceHandle, line: &str) {
    timeout(PATIENCE, async {
        while !instance.log_tail(100).iter().any(|seen| seen.starts_with(line)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}

pub async fn stop(instance: &InstanceHandle) {
    instance.stop(StopReason::Administrator);
    let last = until(instance, InstanceState::Stopped).await;
    assert_eq!(last.running, None);
    timeout(PATIENCE, instance.ended()).await.unwrap();
}

/// What was killed may be seen for a moment more, until the kernel has come to it.
pub async fn until_gone(what: &str, is_there: impl Fn() -> bool) {
    let gone = async {
        while is_there() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("{what} stayed behind"));
}

pub async fn all_gone(running: &Running) {
    let processes: [Option<ProcessId>; 2] = [Some(running.display.server), running.program];
    for process in processes.into_iter().flatten() {
        until_gone(&format!("{process:?} of {running:?}"), || is_alive(process)).await;
    }
}

/// A helper that has ended may wait as a zombie for its own parent.
pub fn runs(pid: &str) -> bool {
    display::process::identify(pid.parse().unwrap()).is_ok_and(is_alive)
}

pub fn display_runs_in(stage: &Stage) -> bool {
    let auth = stage.dir.path().join("instance/Xauthority").into_os_string().into_encoded_bytes();
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|part| part == auth))
    })
}
