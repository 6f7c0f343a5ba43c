//! The far side that counts: Chromium, headless. Its page watches for a few seconds and tells what it saw.

use std::{process::Stdio, sync::Arc, time::Duration};

use crate::support::{encoder::Studio, port};
use model::{ViewerId, video::Codec};
use protocol::input::{Intent, IntentReply, KeysMessage, PointerMessage};
use serde_json::Value;
use streaming::{MediaPort, PeerEvent, PeerHandle, PeerSpec};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::{Mutex, mpsc},
    time::timeout,
};

const PAGE: &str = include_str!("support/page.html");
/// A browser that starts on two busy cores takes its time.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Any,
    TcpOnly,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_shows_the_stream_and_its_hand_arrives() {
    let seen = watch(Way::Any, &[]).await;
    assert_good(&seen);
    assert_eq!(seen["protocol"], "udp");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_that_tells_its_addresses_sees_the_same() {
    assert_good(&watch(Way::Any, &["--disable-features=WebRtcHideLocalIpsWithMdns"]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_gets_through_by_tcp_where_udp_is_blocked() {
    let seen = watch(Way::TcpOnly, &[]).await;
    assert_good(&seen);
    assert_eq!(seen["protocol"], "tcp");
}

fn assert_good(seen: &Value) {
    assert_eq!(seen["error"], Value::Null, "{seen:#}");
    assert_eq!(seen["refused"], "", "{seen:#}");
    let number = |name: &str| seen[name].as_f64().unwrap_or(f64::NAN);
    assert!(number("frames_decoded") >= 60.0, "{seen:#}");
    assert_eq!(number("width"), 640.0);
    // Chromium holds frames 10 ms and more where the playout delay is not said to be none.
    assert!(number("jitter_buffer_ms") < 60.0, "{seen:#}");
    assert!(number("capture_to_arrived_ms").abs() < 5_000.0, "both clocks are this machine's: {seen:#}");
    assert_eq!(seen["heard"]["intent"][0], r#"{"id":1,"ok":"hello"}"#);
    assert_eq!(seen["heard"]["state"][0], r#"{"time":1}"#);
    assert_eq!(seen["open"]["pointer"]["ordered"], false);
    assert_eq!(seen["open"]["pointer"]["maxRetransmits"], 0);
    assert_eq!(seen["open"]["keys"]["ordered"], true);
}

/// What a browser saw of a stream that began when it asked, was restarted, and closed.
async fn watch(way: Way, flags: &[&str]) -> Value {
    let stage = Arc::new(Stage {
        media: port().await,
        studio: Arc::new(Studio::open()),
        way,
        peer: Mutex::default(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (tell, mut told) = mpsc::channel(1);
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, Arc::clone(&stage), tell.clone()));
        }
    });
    let profile = tempfile::tempdir().unwrap();
    let mut browser = chromium(&url, profile.path(), flags);
    let seen = timeout(PATIENCE, told.recv()).await;
    browser.start_kill().unwrap();
    let _ = browser.wait().await;
    serving.abort();
    let seen: Value = serde_json::from_str(&seen.expect("the page told nothing").unwrap()).unwrap();
    println!("{seen:#}");
    seen
}

fn chromium(url: &str, profile: &std::path::Path, flags: &[&str]) -> Child {
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into());
    Command::new(&program)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--autoplay-policy=no-user-gesture-required",
        ])
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(flags)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{program} does not start ({error}): install it, or name it in CHROMIUM")
        })
}

/// The server of the page: signaling by plain requests, one viewer.
struct Stage {
    media: MediaPort,
    studio: Arc<Studio>,
    way: Way,
    peer: Mutex<Option<Viewer>>,
}

struct Viewer {
    handle: Arc<PeerHandle>,
    offers: mpsc::Receiver<String>,
}

async fn serve(stream: TcpStream, stage: Arc<Stage>, tell: mpsc::Sender<String>) {
    let mut stream = BufReader::new(stream);
    while let Some((path, body)) = read_request(&mut stream).await {
        let answer = match path.as_str() {
            "/" => PAGE.to_owned(),
            "/offer" => stage.open().await,
            "/answer" => stage.answer(body).await,
            "/restart" => stage.restart().await,
            "/close" => {
                *stage.peer.lock().await = None;
                String::new()
            }
            "/seen" => {
                let _ = tell.send(body).await;
                String::new()
            }
            _ => String::new(),
        };
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n", answer.len());
        if stream.write_all((head + &answer).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut path = None;
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.trim() {
            "" => break,
            line if path.is_none() => path = line.split(' ').nth(1).map(str::to_owned),
            line => {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((path?, String::from_utf8(body).ok()?))
}

impl Stage {
    async fn open(&self) -> String {
        let spec = PeerSpec { viewer: ViewerId::random(), codecs: vec![Codec::H264] };
        let (handle, mut events) = self.media.peer(spec).await.unwrap();
        let handle = Arc::new(handle);
        handle.set_frames(Some(Box::new(self.studio.watch())));
        handle.send_state(r#"{"time":1}"#.into());
        let (offered, mut offers) = mpsc::channel(4);
        let (studio, weak) = (Arc::clone(&self.studio), Arc::downgrade(&handle));
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                match event {
                    PeerEvent::Offer { sdp } => offered.send(sdp).await.unwrap(),
                    PeerEvent::KeyframeWanted => studio.want_keyframe(),
                    PeerEvent::Intent(Intent { id, args, .. }) => {
                        if let Some(handle) = weak.upgrade() {
                            handle.reply(IntentReply { id, ok: Some(args), error: None });
                        }
                    }
                    PeerEvent::Pointer(PointerMessage::Move { .. })
                    | PeerEvent::Keys(KeysMessage::Key { .. }) => {}
                    PeerEvent::Estimate(_) | PeerEvent::Connected | PeerEvent::Closed => {
                        println!("{event:?}")
                    }
                    other => println!("{other:?}"),
                }
            }
        });
        let offer = self.routed(offers.recv().await.unwrap());
        *self.peer.lock().await = Some(Viewer { handle, offers });
        offer
    }

    /// The sentence of a refusal; empty is well.
    async fn answer(&self, sdp: String) -> String {
        let peer = self.peer.lock().await;
        peer.as_ref()
            .unwrap()
            .handle
            .answer(sdp)
            .await
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default()
    }

    async fn restart(&self) -> String {
        let mut peer = self.peer.lock().await;
        let viewer = peer.as_mut().unwrap();
        println!("{:?}", viewer.handle.stats());
        viewer.handle.restart_ice().await.unwrap();
        self.routed(viewer.offers.recv().await.unwrap())
    }

    fn routed(&self, offer: String) -> String {
        let blocked = |line: &&str| self.way == Way::TcpOnly && line.contains(" udp ");
        offer.lines().filter(|line| !blocked(line)).flat_map(|line| [line, "\r\n"]).collect()
    }
}
