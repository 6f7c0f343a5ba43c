//! An install of the demo, and instances of it as the node would start them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use model::{ApiGeneration, Build, BuildKind, InstanceId, LaunchPlan, Size};
use openspace::{
    build,
    client::Client,
    launch::{Order, Ports, plan},
    readiness::{Sign, read_line},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

use super::LONG;

/// A folder of its own with an install of the demo in it; `None` where the demo is not built.
pub async fn installed(name: &str, api: ApiGeneration) -> Option<(tempfile::TempDir, PathBuf)> {
    let demo = demo()?;
    let root = tempfile::tempdir().unwrap();
    let install = root.path().join(name);
    let legacy = (api == ApiGeneration::Legacy).then_some("--legacy");
    let made = Command::new(&demo).arg("--install").arg(&install).args(legacy).status().await.unwrap();
    assert!(made.success());
    Some((root, install))
}

/// One instance of an install of its own, ready; `None` where the demo is not built.
pub async fn running(api: ApiGeneration) -> Option<(tempfile::TempDir, Instance, Client)> {
    let (root, install) = installed("install", api).await?;
    let mut instance = Instance::start(&install, &root.path().join("1"), root.path(), api).await;
    let client = instance.client().await;
    Some((root, instance, client))
}

/// The demo renderer beside this test's own executable, if it is built.
fn demo() -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("openspace-webrtc-demo");
    let help = std::process::Command::new(&binary).arg("--help").stdin(Stdio::null()).output();
    if help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--install")) {
        return Some(binary);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is missing: build the demo renderer first",
        binary.display()
    );
    eprintln!("skipped: {} is not built (cargo build -p openspace-webrtc-demo)", binary.display());
    None
}

pub struct Instance {
    pub plan: LaunchPlan,
    pub dir: PathBuf,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Instance {
    pub async fn start(install: &Path, dir: &Path, root: &Path, api: ApiGeneration) -> Self {
        Self::start_with(install, dir, root, api, &[]).await
    }

    /// One with these of its switches.
    pub async fn start_with(
        install: &Path,
        dir: &Path,
        root: &Path,
        api: ApiGeneration,
        switches: &[(&str, &str)],
    ) -> Self {
        let plan = planned(install, dir, &root.join("sync"), api).await;
        for folder in &plan.folders {
            fs::create_dir_all(folder).unwrap();
        }
        for (link, target) in &plan.links {
            symlink(target, link).unwrap();
        }
        for (file, text) in &plan.files {
            fs::write(file, text).unwrap();
        }
        let mut child = Command::new(&plan.program)
            .args(&plan.args)
            .envs(&plan.env)
            .env("OPENSPACE_DEMO_NO_WINDOW", "1")
            .env("OPENSPACE_DEMO_LOAD_SECONDS", "0.2")
            .envs(switches.iter().copied())
            .current_dir(&plan.working_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { plan, dir: dir.to_owned(), child, lines }
    }

    /// Waits for the sign in its log, then connects.
    pub async fn client(&mut self) -> Client {
        self.until_rendering().await;
        Client::connect(self.plan.api.unwrap(), LONG).await.unwrap()
    }

    pub async fn until_rendering(&mut self) {
        let rendering = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                match read_line(&line) {
                    Some(Sign::Rendering) => return true,
                    Some(Sign::Fatal(why)) => panic!("{why}"),
                    _ => {}
                }
            }
            false
        };
        assert!(timeout(LONG, rendering).await.unwrap(), "it ended before it rendered");
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Every script and call that it was asked for.
    pub fn script_log(&self) -> String {
        fs::read_to_string(self.dir.join("logs/ScriptLog.txt")).unwrap_or_default()
    }

    pub async fn until_script_log_has(&self, word: &str) {
        let written = async {
            while !self.script_log().contains(word) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(LONG, written).await.unwrap();
    }

    pub async fn exit(&mut self) -> std::process::ExitStatus {
        timeout(LONG, self.child.wait()).await.unwrap().unwrap()
    }
}

async fn planned(install: &Path, dir: &Path, sync: &Path, api: ApiGeneration) -> LaunchPlan {
    let build = Build {
        id: "demo".parse().unwrap(),
        name: "Demo".to_owned(),
        kind: BuildKind::OpenSpace { dir: install.to_owned(), api, version: None, commit: None, demo: true },
        env: BTreeMap::new(),
        args: Vec::new(),
    };
    let executable = build::executable(install).unwrap();
    let order = Order {
        build: &build,
        profile: "default",
        instance: InstanceId::random(),
        dir,
        sync_dir: sync,
        user: Default::default(),
        size: Size::MIN,
        ports: Ports { websocket: free_port().await, web_gui: free_port().await, tuio: free_port().await },
        mesa: true,
        helper: build::helper(&executable),
        executable,
    };
    plan(&order).unwrap()
}

/// Below the range from which the system hands out free ports, so that no other test gets it in between.
async fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let own = (std::process::id() % 250) as u16 * 50;
        let port = 20_000 + own + NEXT.fetch_add(1, Ordering::SeqCst) % 50;
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}
