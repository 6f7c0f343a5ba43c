//! A real node: the headless program, in a data folder of its own, on free ports.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use model::Secret;
use protocol::admin::Ports;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Api, programs};

/// A start takes a second or two: an encoder is opened and the demo's folder written. Ten times that is a hang.
const UP_WITHIN: Duration = Duration::from_secs(60);
const DOWN_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(25);

#[derive(Debug)]
pub struct TestNode {
    /// Kept across restarts; removed in the end.
    data: TempDir,
    sets: Vec<String>,
    env: Vec<(String, String)>,
    child: Option<Child>,
    pub ports: Ports,
}

impl TestNode {
    pub async fn start() -> Result<Self> {
        Self::start_with(&[], &[]).await
    }

    /// `sets` are `--set` flags, such as `instances.slots=1`; `env` is added to the node's environment and so to its programs'.
    pub async fn start_with(sets: &[&str], env: &[(&str, &str)]) -> Result<Self> {
        let mut node = Self {
            data: tempfile::tempdir()?,
            sets: sets.iter().map(|set| (*set).to_owned()).collect(),
            env: env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            child: None,
            ports: Ports::default(),
        };
        node.up().await?;
        Ok(node)
    }

    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Starts it again on the same data folder and, once it has had some, on the same ports.
    pub async fn up(&mut self) -> Result<()> {
        let mut command = command(self.data.path(), &self.env)?;
        for (key, port) in [
            ("http", self.ports.http),
            ("https", self.ports.https.unwrap_or(0)),
            ("media", self.ports.media),
            ("supervisor", 0),
        ] {
            command.args(["--set", &format!("{key}.port={port}")]);
        }
        // Where the tests run may well be a cloud.
        for set in ["server.metadata="].into_iter().chain(self.sets.iter().map(String::as_str)) {
            command.args(["--set", set]);
        }
        // The others of a fleet know it by this one.
        if let Some(port) = self.ports_now().ok().and_then(|ports| ports.relay) {
            command.args(["--set", &format!("relay.port={port}")]);
        }
        drop(std::fs::remove_file(self.ports_file()));
        let log = File::options().create(true).append(true).open(self.data.path().join("node.log"))?;
        self.child = Some(command.stdout(log.try_clone()?).stderr(log).spawn().context("starting the node")?);
        self.wait_until_it_serves().await
    }

    async fn wait_until_it_serves(&mut self) -> Result<()> {
        let deadline = Instant::now() + UP_WITHIN;
        loop {
            if let Ok(text) = std::fs::read_to_string(self.ports_file()) {
                self.ports = serde_json::from_str(&text)?;
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().context("it was started")?.try_wait()? {
                bail!("the node ended with {status}:\n{}", self.log());
            }
            if Instant::now() > deadline {
                bail!("the node does not serve:\n{}", self.log());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// As they are now: the relay's door opens when the machine joins a fleet.
    pub fn ports_now(&self) -> Result<Ports> {
        Ok(serde_json::from_str(&std::fs::read_to_string(self.ports_file())?)?)
    }

    fn ports_file(&self) -> PathBuf {
        self.data.path().join("ports.json")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("node.log")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// `kill -9`: no time to clean up.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("it runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// As a service manager would.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("it runs")?;
        let pid =
            i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id is positive")?;
        kill_process(pid, Signal::TERM)?;
        let deadline = Instant::now() + DOWN_WITHIN;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                child.kill()?;
                bail!("the node does not end:\n{}", self.log());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A browser's view of it, with a session of its own.
    pub async fn browser(&self) -> Result<Api> {
        Api::with_new_session(self.ports.http).await
    }

    pub fn admin(&self) -> Result<Api> {
        let token = std::fs::read_to_string(self.data.path().join("admin.token"))?;
        Ok(Api::new(self.ports.http, Secret::parse(token.trim())?))
    }
}

impl Drop for TestNode {
    /// Ends the node and whatever its instances are, so that a test that failed leaves nothing behind.
    fn drop(&mut self) {
        if let Some(child) = self.child.as_mut() {
            drop(child.kill());
            drop(child.wait());
        }
        end_everything_in(self.data.path());
    }
}

/// The node's program on a data folder, with nothing of the tester's own environment that could change what it does.
pub fn command(data_dir: &Path, env: &[(String, String)]) -> Result<Command> {
    let mut command = Command::new(programs::find("openspace-webrtc-node")?);
    command
        .arg("--data-dir")
        .arg(data_dir)
        .env_remove("OPENSPACE_WEBRTC_CONFIG")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .envs(env.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null());
    Ok(command)
}

/// Kills the processes that carry `folder` in their command line or environment: displays and programs of this test only.
pub fn end_everything_in(folder: &Path) {
    let needle = folder.as_os_str().as_encoded_bytes();
    let contains = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
        if pid as u32 != std::process::id()
            && (contains(&read("cmdline")) || contains(&read("environ")))
            && let Some(pid) = Pid::from_raw(pid)
        {
            // It may have ended by itself meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
