//! Measures what it costs, and what it adds, that the media of a viewer goes through another machine: as many viewers on the direct way
//! as on the one through a node's port in another process, in turns within one run.
//!
//! `passage VIEWERS SECONDS` prints one line of JSON. `scripts/bench relay` calls it.

#![allow(clippy::unwrap_used, dead_code)]

#[path = "support/other.rs"]
mod other;
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use other::Other;
use serde_json::{Value, json};
use streaming::MediaPort;
use support::{Near, camera::Camera, port, remote::Remote};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::{interval, sleep},
};

const FRAME: Duration = Duration::from_micros(33_333);
/// 14 packets, 3.7 Mbit/s.
const FRAME_BYTES: usize = 15_400;
/// Connections settle, first keyframes pass.
const SETTLE: Duration = Duration::from_secs(2);
/// Each way has this many turns, so that whatever else the computer does meets both.
const TURNS: u32 = 3;
/// Longer than any turn in which nobody's frames go that way.
const UNUSED_FOR: Duration = Duration::from_secs(600);
/// What tells a frame from those before and after it, behind its first start code.
const MARK: std::ops::Range<usize> = 5..13;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [role] if role == "pass" => pass().await,
        [viewers, seconds] => compare(viewers.parse().unwrap(), seconds.parse().unwrap()).await,
        _ => {
            eprintln!("usage: passage VIEWERS SECONDS");
            std::process::exit(2);
        }
    }
}

/// The other machine: its port's number, then a line for each offer whose media is passed on from then on.
async fn pass() {
    let (media, mut ways) = (port().await, Vec::new());
    println!("{}", media.port());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let offer: String = serde_json::from_str(&line).unwrap();
        ways.push(media.forward(Ipv4Addr::LOCALHOST.into(), &offer, UNUSED_FOR).await.unwrap());
        println!("{}", ways.len());
    }
}

struct Passing(Other);

impl Passing {
    async fn start() -> Self {
        Self(Other::start(&["pass"]).await)
    }

    /// The offer, for a viewer that finds that machine only.
    async fn through(&mut self, media: &MediaPort, offer: &str) -> String {
        self.0.tell(offer).await;
        support::through(self.0.ports[0], media, offer)
    }

    /// Processor time of that process, all threads.
    fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0.id())).unwrap();
        let per_task = tasks.filter_map(|task| {
            let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(per_task.sum())
    }
}

type Shots = Arc<Mutex<HashMap<Bytes, Instant>>>;

/// Viewers on one of the two ways.
#[derive(Default)]
struct Group {
    near: Vec<Near>,
    /// From the encoder to the viewer's program.
    delays: Arc<Mutex<Vec<Duration>>>,
    lost: Arc<Mutex<HashMap<usize, u32>>>,
    shots: u64,
    packets: u64,
    /// Of the machine that passes on, while this group watches.
    cpu: Duration,
    wall: Duration,
}

impl Group {
    async fn join(&mut self, media: &MediaPort, passing: Option<&mut Passing>, shots: &Shots) {
        let (mut near, mut remote) = (Near::open(media).await, Remote::new().await);
        let offer = near.offer().await;
        let offer = match passing {
            Some(passing) => passing.through(media, &offer).await,
            None => offer,
        };
        near.handle.answer(remote.answer(offer).await).await.unwrap();
        near.until_connected().await;
        let (delays, lost, shots, number) =
            (Arc::clone(&self.delays), Arc::clone(&self.lost), Arc::clone(shots), self.near.len());
        tokio::spawn(async move {
            while let Some(frame) = remote.next_frame().await {
                let now = Instant::now();
                *lost.lock().unwrap().entry(number).or_default() = remote.evenness().lost;
                let shot = frame.get(MARK).and_then(|mark| shots.lock().unwrap().get(mark).copied());
                delays.lock().unwrap().extend(shot.map(|shot| now - shot));
            }
        });
        self.near.push(near);
    }

    fn packets(&self) -> u64 {
        self.near.iter().map(|one| one.handle.stats().packets_sent).sum()
    }

    /// Watches for a while, alone.
    async fn turn(&mut self, time: Duration, passing: &Passing, shots: &Shots) {
        let camera = Camera::default();
        self.near.iter().for_each(|one| one.handle.set_frames(camera.watch()));
        let shoot = || {
            // Nobody looks for it before it is there.
            let (mut shots, now) = (shots.lock().unwrap(), Instant::now());
            shots.insert(camera.shoot(false, FRAME_BYTES).slice(MARK), now);
        };
        let (mut ticks, began) = (interval(FRAME), Instant::now());
        ticks.tick().await;
        // The keyframe of each turn is none of the even stream.
        camera.shoot(true, FRAME_BYTES);
        ticks.tick().await;
        let (cpu, packets) = (passing.cpu(), self.packets());
        while began.elapsed() < time {
            shoot();
            self.shots += 1;
            ticks.tick().await;
        }
        sleep(Duration::from_millis(300)).await;
        self.cpu += passing.cpu() - cpu;
        self.wall += began.elapsed();
        self.packets += self.packets() - packets;
        self.near.iter().for_each(|one| one.handle.set_frames(None));
    }

    fn forget(&mut self) {
        self.delays.lock().unwrap().clear();
        (self.shots, self.packets, self.cpu, self.wall) = Default::default();
    }

    fn tell(&self) -> Value {
        let mut delays = self.delays.lock().unwrap().clone();
        delays.sort_unstable();
        let at = |part: f64| delays[((delays.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        let lost: u32 = self.lost.lock().unwrap().values().sum();
        json!({
            "delay_p50_ms": at(0.5),
            "delay_p95_ms": at(0.95),
            "lost_pct": f64::from(lost) / self.packets as f64 * 100.0,
            "frames_missing_pct": 100.0 - delays.len() as f64 * 100.0 / (self.shots * self.near.len() as u64) as f64,
            "packets": self.packets,
            "cpu_pct": self.cpu.as_secs_f64() / self.wall.as_secs_f64() * 100.0,
        })
    }
}

async fn compare(viewers: usize, seconds: u64) {
    let (media, mut passing, shots) = (port().await, Passing::start().await, Shots::default());
    let (mut direct, mut passed) = (Group::default(), Group::default());
    for _ in 0..viewers {
        direct.join(&media, None, &shots).await;
        passed.join(&media, Some(&mut passing), &shots).await;
    }
    for group in [&mut direct, &mut passed] {
        group.turn(SETTLE, &passing, &shots).await;
        group.forget();
    }
    for _ in 0..TURNS {
        for group in [&mut direct, &mut passed] {
            group.turn(Duration::from_secs(seconds) / TURNS, &passing, &shots).await;
        }
    }
    // What it does when nothing is passed on but checks, it does besides.
    let cpu = passed.cpu.saturating_sub(direct.cpu);
    println!(
        "{}",
        json!({
            "viewers": viewers,
            "direct": direct.tell(),
            "passed": passed.tell(),
            "cpu_pct_per_viewer": cpu.as_secs_f64() / passed.wall.as_secs_f64() * 100.0 / viewers as f64,
            "us_per_packet": cpu.as_secs_f64() * 1e6 / passed.packets as f64,
        })
    );
}
