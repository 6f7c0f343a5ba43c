//! One desktop: a display, a session bus with a tray, a WebDriver, and the program on them; each of its own.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use e2e::{Api, free_port, programs};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use model::Secret;
use protocol::admin::Ports;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    screen::Screen,
    tray::{self, Tray},
};

/// A process that ends with its owner, and its children with it: each is started as the head of a group.
struct Owned(Child);

impl Owned {
    fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(
            command
                .process_group(0)
                .spawn()
                .with_context(|| format!("starting {:?}", command.get_program()))?,
        ))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.0.id() as i32) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        drop(self.0.wait());
    }
}

pub struct Desk {
    pub web: Client,
    pub screen: Screen,
    // In the order in which they are to end.
    driver: Owned,
    _tray: tray::Watcher,
    _bus: Owned,
    _display: Owned,
    bus_address: String,
    home: TempDir,
}

impl Desk {
    pub async fn open(sets: &[&str]) -> Result<Self> {
        Self::open_with(sets, "en_US.UTF-8").await
    }

    pub async fn open_in_language(lang: &str) -> Result<Self> {
        Self::open_with(&[], lang).await
    }

    async fn open_with(sets: &[&str], lang: &str) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let (display, number) = display()?;
        let (bus, bus_address) = bus()?;
        let tray = tray::Watcher::open(&bus_address).await?;
        let port = free_port()?;
        let mut command = Command::new("WebKitWebDriver");
        command
            .arg(format!("--port={port}"))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("DISPLAY", format!(":{number}"))
            .env("DBUS_SESSION_BUS_ADDRESS", &bus_address)
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("NO_AT_BRIDGE", "1")
            .env("LANG", lang)
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env_remove("LC_ALL")
            .env_remove("XDG_DATA_HOME")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let driver = Owned::start(&mut command)?;
        let web = connect(port, &arguments(home.path(), sets)).await?;
        let screen = Screen::open(number)?;
        Ok(Self { web, screen, driver, _tray: tray, _bus: bus, _display: display, bus_address, home })
    }

    pub fn admin(&self) -> Result<Api> {
        let data = data_dir(self.home.path());
        let ports: Ports = serde_json::from_str(&std::fs::read_to_string(data.join("ports.json"))?)?;
        let token = std::fs::read_to_string(data.join("admin.token"))?;
        Ok(Api::new(ports.http, Secret::parse(token.trim())?))
    }

    pub async fn tray(&self) -> Result<Tray> {
        Tray::find(&self.bus_address).await
    }

    /// A screenshot of the window, beside the test programs.
    pub async fn picture(&self) -> Result<PathBuf> {
        let file = programs::find("openspace-webrtc")?.with_file_name("desktop.png");
        std::fs::write(&file, self.web.screenshot().await?)?;
        Ok(file)
    }

    /// Waits until the program has ended.
    pub async fn exited(&mut self) -> Result<ExitStatus> {
        let driver = self.driver.0.id();
        let data = data_dir(self.home.path());
        for _ in 0..900 {
            if !data.join("ports.json").exists() && child_of(driver, "openspace-webrtc").is_none() {
                return Ok(ExitStatus::default());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the program does not end")
    }
}

impl Drop for Desk {
    /// The program is the driver's child, its instances are sessions of their own: each is found by this desk's folder.
    fn drop(&mut self) {
        e2e::node::end_everything_in(self.home.path());
    }
}

fn data_dir(home: &Path) -> PathBuf {
    home.join("data")
}

fn arguments(home: &Path, sets: &[&str]) -> Vec<String> {
    let mut arguments = vec!["--data-dir".to_owned(), data_dir(home).display().to_string()];
    let free = ["http.port=0", "https.port=0", "media.port=0", "supervisor.port=0"];
    for set in free.iter().chain(sets) {
        arguments.extend(["--set".to_owned(), (*set).to_owned()]);
    }
    arguments
}

fn display() -> Result<(Owned, u32)> {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
    let mut server = Owned::start(command.stdout(Stdio::piped()).stderr(Stdio::null()))?;
    let number = first_line(&mut server)?.trim().parse().context("Xvfb says its number")?;
    Ok((server, number))
}

fn bus() -> Result<(Owned, String)> {
    let mut command = Command::new("dbus-daemon");
    command.args(["--session", "--nofork", "--print-address=1"]);
    let mut bus = Owned::start(command.stdout(Stdio::piped()).stderr(Stdio::null()))?;
    let address = first_line(&mut bus)?.trim().to_owned();
    Ok((bus, address))
}

fn first_line(process: &mut Owned) -> Result<String> {
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().context("its output is ours")?).read_line(&mut line)?;
    Ok(line)
}

async fn connect(port: u16, arguments: &[String]) -> Result<Client> {
    let program = programs::find("openspace-webrtc")?;
    let options = json!({ "binary": program, "args": arguments });
    let capabilities = serde_json::Map::from_iter([("webkitgtk:browserOptions".to_owned(), options)]);
    let mut last = None;
    for _ in 0..600 {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        match builder.capabilities(capabilities.clone()).connect(&format!("http://127.0.0.1:{port}")).await {
            Ok(client) => return Ok(client),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(last.context("it was tried")?).context("WebKitWebDriver opens no window")
}

fn child_of(parent: u32, name: &str) -> Option<u32> {
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (head, tail) = stat.rsplit_once(") ")?;
        let mut fields = tail.split(' ');
        let zombie = fields.next()? == "Z";
        let ppid: u32 = fields.next()?.parse().ok()?;
        // The kernel keeps the first 15 letters of a program's name.
        (ppid == parent && !zombie && head.contains(&name[..name.len().min(15)])).then_some(pid)
    })
}
