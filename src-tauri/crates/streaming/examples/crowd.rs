//! Light viewers by the hundred: real WebRTC, no decoding. Whoever starts it speaks WHEP for them.
//!
//! It reads one command a line and answers each with a line of JSON:
//! `{"do":"join"}` → `{"viewer":1,"offer":"v=0…"}`; `{"do":"accept","viewer":1,"answer":"v=0…"}` → `{}`;
//! `{"do":"leave","viewer":1}` → `{}`; `{"do":"begin"}` → `{}`; `{"do":"counts"}` →
//! `{"1":{"frames":30,"keyframes":1,"lost":0,"longest_step_ms":34,"longest_pause_ms":51}}`, since the viewer came or all began anew: `lost` are
//! packets that never came, a step is from one frame's time to the next one's, a pause is without a frame. `scripts/bench` calls it, and
//! stories in which nobody is to notice something.

#![allow(clippy::unwrap_used, dead_code)]

#[path = "../tests/it/support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::{Value, json};
use support::remote::{Evenness, Remote};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    sync::{Mutex, oneshot},
    task::JoinHandle,
};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Command {
    Join,
    Accept { viewer: u32, answer: String },
    Leave { viewer: u32 },
    Begin,
    Counts,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    frames: u64,
    keyframes: u64,
    evenness: Evenness,
    last: Option<Instant>,
    longest_pause: Duration,
}

#[derive(Default)]
struct Crowd {
    last: u32,
    joining: BTreeMap<u32, Remote>,
    watching: BTreeMap<u32, Watching>,
}

struct Watching {
    seen: Arc<Mutex<Seen>>,
    leave: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

#[tokio::main]
async fn main() {
    let mut crowd = Crowd::default();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut out = tokio::io::stdout();
    while let Some(line) = lines.next_line().await.unwrap() {
        let answer = crowd.obey(serde_json::from_str(&line).unwrap()).await;
        out.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
        out.flush().await.unwrap();
    }
}

impl Crowd {
    async fn obey(&mut self, command: Command) -> Value {
        match command {
            Command::Join => self.join().await,
            Command::Accept { viewer, answer } => self.accept(viewer, answer).await,
            Command::Leave { viewer } => self.leave(viewer).await,
            Command::Begin => self.begin().await,
            Command::Counts => self.counts().await,
        }
    }

    async fn join(&mut self) -> Value {
        self.last += 1;
        let mut remote = Remote::new().await;
        let offer = remote.offer().await;
        self.joining.insert(self.last, remote);
        json!({ "viewer": self.last, "offer": offer })
    }

    async fn accept(&mut self, viewer: u32, answer: String) -> Value {
        let remote = self.joining.remove(&viewer).unwrap();
        remote.accept(answer).await;
        let seen = Arc::default();
        let (leave, left) = oneshot::channel();
        let task = tokio::spawn(watch(remote, Arc::clone(&seen), left));
        self.watching.insert(viewer, Watching { seen, leave, task });
        json!({})
    }

    async fn leave(&mut self, viewer: u32) -> Value {
        let Watching { leave, task, .. } = self.watching.remove(&viewer).unwrap();
        let _ = leave.send(());
        task.await.unwrap();
        json!({})
    }

    async fn begin(&self) -> Value {
        for watching in self.watching.values() {
            watching.seen.lock().await.begin();
        }
        json!({})
    }

    async fn counts(&self) -> Value {
        let mut counts = serde_json::Map::new();
        for (viewer, watching) in &self.watching {
            counts.insert(viewer.to_string(), watching.seen.lock().await.tell());
        }
        counts.into()
    }
}

impl Seen {
    fn frame(&mut self, frame: &[u8], evenness: Evenness) {
        self.frames += 1;
        self.keyframes += u64::from(is_keyframe(frame));
        self.evenness = self.evenness.and(evenness);
        self.wait();
        self.last = Some(Instant::now());
    }

    fn begin(&mut self) {
        *self = Self { last: self.last.map(|_| Instant::now()), ..Self::default() };
    }

    /// One that still lasts counts too.
    fn wait(&mut self) {
        self.longest_pause = self.longest_pause.max(self.last.map_or(Duration::ZERO, |last| last.elapsed()));
    }

    fn tell(&mut self) -> Value {
        self.wait();
        json!({
            "frames": self.frames,
            "keyframes": self.keyframes,
            "lost": self.evenness.lost,
            "longest_step_ms": self.evenness.longest_step / 90,
            "longest_pause_ms": self.longest_pause.as_millis(),
        })
    }
}

async fn watch(mut remote: Remote, seen: Arc<Mutex<Seen>>, mut left: oneshot::Receiver<()>) {
    loop {
        tokio::select! {
            _ = &mut left => break,
            frame = remote.next_frame() => {
                let Some(frame) = frame else { break };
                seen.lock().await.frame(&frame, remote.evenness());
            }
        }
    }
    remote.close().await;
}

/// An Annex B frame with an IDR slice (H.264, table 7-1: type 5).
fn is_keyframe(frame: &[u8]) -> bool {
    frame.windows(4).any(|bytes| bytes[..3] == [0, 0, 1] && bytes[3] & 0x1f == 5)
}
