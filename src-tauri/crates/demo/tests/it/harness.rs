//! A display, a view of an install, a running demo, and a client of its API.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{TcpListener, TcpStream},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket, stream::MaybeTlsStream};

/// Far more than anything here takes on a loaded machine; nothing waits that long unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(40);

pub struct Display {
    server: Child,
    pub name: String,
}

impl Display {
    pub fn open() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x720x24", "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is needed for these tests: apt-get install xvfb");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, name: format!(":{}", number.trim()) }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Layout {
    New,
    Legacy,
}

/// One install, and a folder of its own for one instance, as the node makes it.
pub struct View {
    /// Shared with the demos that were launched from it: they outlive it.
    pub dir: Arc<TempDir>,
    pub port: u16,
    pub tcp_port: u16,
    pub profile: String,
    pub env: Vec<(&'static str, String)>,
}

pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_openspace-webrtc-demo"))
}

/// One of those that the system gives nobody by itself: any other may be somebody's before the demo listens there. Tests that run at
/// the same time are mostly processes of their own, and their ids lie near each other.
fn free_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    loop {
        let nth = std::process::id() % 2_500 * 8 + ASKED.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (nth % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl View {
    pub fn new(layout: Layout) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let install = dir.path().join("install");
        let mut command = Command::new(program());
        command.arg("--install").arg(&install);
        if layout == Layout::Legacy {
            command.arg("--legacy");
        }
        assert!(command.status().unwrap().success());
        let instance = dir.path().join("instance");
        std::fs::create_dir_all(instance.join("bin")).unwrap();
        std::os::unix::fs::symlink(install.join("bin/OpenSpace"), instance.join("bin/OpenSpace")).unwrap();
        let (port, tcp_port) = (free_port(), free_port());
        std::fs::write(instance.join("openspace.cfg"), configuration(&install, &instance, port, tcp_port))
            .unwrap();
        std::fs::write(instance.join("window.json"), WINDOW).unwrap();
        let env = vec![("OPENSPACE_DEMO_LOAD_SECONDS", "0.1".to_owned())];
        Self { dir: Arc::new(dir), port, tcp_port, profile: "default".to_owned(), env }
    }

    pub fn instance(&self) -> PathBuf {
        self.dir.path().join("instance")
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    pub fn profile(mut self, profile: &str) -> Self {
        profile.clone_into(&mut self.profile);
        self
    }

    pub fn launch(&self, display: &Display) -> Demo {
        let instance = self.instance();
        let program = instance.join("bin/OpenSpace");
        let mut child = Command::new(&program)
            .args(["--config".as_ref(), instance.join("window.json").as_os_str()])
            .args(["--profile", &self.profile, "--bypassLauncher", "--local", "0"])
            .current_dir(instance.join("bin"))
            .env("DISPLAY", &display.name)
            .env_remove("OPENSPACE_SYNC")
            .env_remove("OPENSPACE_USER")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        Demo {
            child,
            lines: Lines::read(output),
            port: self.port,
            legacy: false,
            _dir: Arc::clone(&self.dir),
        }
    }
}

fn configuration(install: &Path, instance: &Path, port: u16, tcp_port: u16) -> String {
    let (install, instance) = (install.display(), instance.display());
    format!(
        r#"local B, I = [[{install}]], [[{instance}]]
if not sgct then
  local h = io.open(B .. "/scripts/configuration_helper.lua")
  if h then h:close(); dofile(B .. "/scripts/configuration_helper.lua") end
end
dofile(B .. "/openspace.cfg")
Paths.BASE          = B
Paths.USER          = I .. "/user"
Paths.LOGS          = I .. "/logs"
Paths.CACHE         = I .. "/cache"
Paths.TEMPORARY     = I .. "/temp"
Paths.DOCUMENTATION = I .. "/documentation"
Paths.SYNC          = I .. "/sync"
local S = Server or ModuleConfigurations.Server
if S.AllowAddresses then S.AllowAddresses = {{ "127.0.0.1" }} end
for _, i in ipairs(S.Interfaces) do
  i.Enabled = true
  i.DefaultAccess, i.AllowAddresses = "Deny", {{ "127.0.0.1" }}
  if i.Type == "WebSocket" then i.Port = {port} else i.Port = {tcp_port} end
end
DisableInGameConsole = true
ShutdownCountdown = 0.25
"#
    )
}

const WINDOW: &str = r#"{ "version": 1, "masteraddress": "localhost", "nodes": [ { "address": "localhost", "port": 20401, "windows": [ {
  "name": "OpenSpace", "border": false, "pos": { "x": 0, "y": 0 }, "size": { "x": 1280, "y": 720 } } ] } ] }"#;

/// What a program has printed so far, without colours.
#[derive(Clone)]
pub struct Lines(Arc<(Mutex<Printed>, Condvar)>);

/// The lines, and whether these are all.
type Printed = (Vec<String>, bool);

impl Lines {
    fn read(output: impl std::io::Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new((Vec::new(), false)), Condvar::new()));
        let writer = Arc::clone(&shared);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                writer.0.lock().unwrap().0.push(plain(&line));
                writer.1.notify_all();
            }
            writer.0.lock().unwrap().1 = true;
            writer.1.notify_all();
        });
        Self(shared)
    }

    /// Waits for a line that holds a text.
    pub fn wait_for(&self, text: &str) {
        let (state, news) = &*self.0;
        let found = |lines: &[String]| lines.iter().any(|line| line.contains(text));
        let waiting = |state: &mut Printed| !found(&state.0) && !state.1;
        let (state, _) = news.wait_timeout_while(state.lock().unwrap(), PATIENCE, waiting).unwrap();
        assert!(found(&state.0), "`{text}` was not printed:\n{}", state.0.join("\n"));
    }

    pub fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().0.clone()
    }
}

fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\x1b' {
            letters.by_ref().take_while(|letter| *letter != 'm').for_each(drop);
        } else {
            text.push(letter);
        }
    }
    text
}

pub struct Demo {
    child: Child,
    pub lines: Lines,
    port: u16,
    legacy: bool,
    _dir: Arc<TempDir>,
}

impl Demo {
    pub fn legacy(mut self) -> Self {
        self.legacy = true;
        self
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it is loaded, and says hello in its own dialect.
    pub fn client(&self) -> Client {
        self.lines.wait_for("Starting rendering loop");
        let mut client = Client::connect(self.port);
        if !self.legacy {
            client.send(
                &json!({ "type": "apiHandshake", "apiVersion": { "major": 1, "minor": 0, "patch": 0 } }),
            );
        }
        client
    }

    pub fn exit(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.lines.all().join("\n"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn exit_code(&mut self) -> Option<i32> {
        self.exit().code()
    }

    pub fn death_signal(&mut self) -> Option<i32> {
        self.exit().signal()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Client {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    inbox: Vec<Value>,
    next_topic: i64,
}

impl Client {
    pub fn connect(port: u16) -> Self {
        let until = Instant::now() + PATIENCE;
        loop {
            match tungstenite::connect(format!("ws://127.0.0.1:{port}")) {
                Ok((socket, _)) => {
                    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
                        stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    }
                    return Self { socket, inbox: Vec::new(), next_topic: 1000 };
                }
                Err(error) if Instant::now() > until => panic!("{error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    pub fn send(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).unwrap();
    }

    pub fn start(&mut self, kind: &str, payload: Value) -> i64 {
        self.next_topic += 1;
        self.send(&json!({ "topic": self.next_topic, "type": kind, "payload": payload }));
        self.next_topic
    }

    pub fn talk(&mut self, topic: i64, payload: Value) {
        self.send(&json!({ "topic": topic, "payload": payload }));
    }

    /// The next message, or nothing when the socket is gone.
    pub fn message(&mut self) -> Option<Value> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("nothing was answered within {PATIENCE:?}")
                }
                Err(_) => return None,
            }
        }
    }

    /// The next whole message on a topic; what comes on others is kept.
    pub fn whole(&mut self, topic: i64) -> Value {
        if let Some(at) = self.inbox.iter().position(|message| message["topic"] == topic) {
            return self.inbox.remove(at);
        }
        loop {
            let message = self.message().expect("the socket was closed");
            if message["topic"] == topic {
                return message;
            }
            self.inbox.push(message);
        }
    }

    pub fn next(&mut self, topic: i64) -> Value {
        self.whole(topic)["payload"].take()
    }

    pub fn ask(&mut self, kind: &str, payload: Value) -> Value {
        let topic = self.start(kind, payload);
        self.next(topic)
    }

    /// What a script returns first.
    pub fn lua(&mut self, script: &str) -> Value {
        self.ask("luascript", json!({ "script": script, "return": true }))["1"].take()
    }

    pub fn property(&mut self, uri: &str) -> Value {
        self.lua(&format!("return openspace.propertyValue('{uri}')"))
    }

    /// Everything that came on a topic up to the answer to a question asked now.
    pub fn came(&mut self, topic: i64) -> Vec<Value> {
        self.ask("version", json!({}));
        let (these, rest) =
            std::mem::take(&mut self.inbox).into_iter().partition(|message| message["topic"] == topic);
        self.inbox = rest;
        these
    }

    /// Asks until the answer is as wanted.
    pub fn until(&mut self, script: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let value = self.lua(script);
            if wanted(&value) {
                return value;
            }
            assert!(Instant::now() < until, "`{script}` still answers {value}");
        }
    }
}

/// Reads until the other side closes, or says nothing for so long.
pub fn read_for(stream: &mut TcpStream, time: Duration) -> Vec<u8> {
    stream.set_read_timeout(Some(time)).unwrap();
    let mut bytes = vec![0; 4096];
    match stream.read(&mut bytes) {
        Ok(read) => bytes[..read].to_vec(),
        Err(_) => Vec::new(),
    }
}
