//! Measures what one more viewer costs: one stream of 3.7 Mbit/s at 30 frames a second to many viewers in another
//! process, and beside it the floor of the same minute: encryption and one call to the kernel per frame and viewer, at the same pace and to
//! as many receivers.
//!
//! `fanout VIEWERS SECONDS` prints one line of JSON. `scripts/bench stream` calls it.

#![allow(clippy::unwrap_used, dead_code)]

#[path = "support/other.rs"]
mod other;
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use other::Other;
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use rtc::{
    rtp::{self, header::Header},
    shared::marshal::Marshal,
    srtp::{context::Context, protection_profile::ProtectionProfile},
};
use serde_json::json;
use support::{Near, camera::Camera, port, remote::Remote};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UdpSocket,
    time::{interval, sleep},
};

const FRAME: Duration = Duration::from_micros(33_333);
/// 14 packets, 3.7 Mbit/s.
const FRAME_BYTES: usize = 15_400;
const PACKETS: usize = 14;
/// Connections settle, first keyframes pass.
const SETTLE: Duration = Duration::from_secs(2);
const FLOOR_FRAMES: u32 = 150;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [role, sinks] if role == "watch" => watch(sinks.parse().unwrap()).await,
        [viewers, seconds] => serve(viewers.parse().unwrap(), seconds.parse().unwrap()).await,
        _ => {
            eprintln!("usage: fanout VIEWERS SECONDS");
            std::process::exit(2);
        }
    }
}

/// The other process: each line is an offer, and is answered by a line. The sinks are for the floor.
async fn watch(sinks: usize) {
    let mut ports = Vec::new();
    for _ in 0..sinks {
        let sink = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        ports.push(sink.local_addr().unwrap().port().to_string());
        tokio::spawn(async move {
            let mut buffer = vec![0; 2048];
            while sink.recv(&mut buffer).await.is_ok() {}
        });
    }
    let mut out = tokio::io::stdout();
    out.write_all((ports.join(" ") + "\n").as_bytes()).await.unwrap();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let mut remote = Remote::new().await;
        let answer = remote.answer(serde_json::from_str(&line).unwrap()).await;
        out.write_all(format!("{}\n", serde_json::to_string(&answer).unwrap()).as_bytes()).await.unwrap();
        out.flush().await.unwrap();
        tokio::spawn(async move {
            loop {
                remote.frame().await;
            }
        });
    }
}

async fn serve(viewers: usize, seconds: u64) {
    let mut watchers = Other::start(&["watch", &viewers.to_string()]).await;
    let (media, camera) = (port().await, Camera::default());
    let mut near = Vec::new();
    let resident = resident_kb();
    for _ in 0..viewers {
        let mut one = Near::open(&media).await;
        let answer = watchers.tell(&one.offer().await).await;
        one.handle.answer(serde_json::from_str(&answer).unwrap()).await.unwrap();
        one.until_connected().await;
        one.handle.set_frames(camera.watch());
        near.push(one);
    }
    let packets = |near: &[Near]| near.iter().map(|one| one.handle.stats().packets_sent).sum::<u64>();
    stream(&camera, SETTLE).await;
    let (cpu, sent, began) = (cpu(), packets(&near), Instant::now());
    stream(&camera, Duration::from_secs(seconds)).await;
    let (used, wall) = (self::cpu() - cpu, began.elapsed());
    // What the last frames became is told a moment later.
    sleep(Duration::from_millis(300)).await;
    let sent = packets(&near) - sent;
    let skipped: u64 = near.iter().map(|one| one.handle.stats().frames_skipped).sum();
    let grown = resident_kb().saturating_sub(resident);
    drop(near);
    let floor = floor(&watchers.ports).await;
    println!(
        "{}",
        json!({
            "viewers": viewers,
            "packets": sent,
            "frames_skipped": skipped,
            "cpu_pct": used.as_secs_f64() / wall.as_secs_f64() * 100.0,
            "us_per_packet": used.as_secs_f64() * 1e6 / sent as f64,
            "floor_us_per_packet": floor,
            "kb_per_viewer": grown / viewers as u64,
        })
    );
}

async fn stream(camera: &Camera, time: Duration) {
    let until = Instant::now() + time;
    let mut ticks = interval(FRAME);
    let mut first = true;
    while Instant::now() < until {
        ticks.tick().await;
        camera.shoot(first, FRAME_BYTES);
        first = false;
    }
}

/// Microseconds a packet: SRTP with a context per viewer, and a call with all packets of a frame.
async fn floor(ports: &[u16]) -> f64 {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let state = UdpSocketState::new(UdpSockRef::from(&socket)).unwrap();
    let provider = rtc::crypto::default_provider().unwrap();
    let context = || {
        let profile = ProtectionProfile::AeadAes128Gcm;
        Context::new(&[7; 16], &[9; 12], profile, None, None, provider.crypto()).unwrap()
    };
    let mut viewers: Vec<(Context, u16)> = ports.iter().map(|port| (context(), *port)).collect();
    let payload = bytes::Bytes::from(vec![3; FRAME_BYTES / PACKETS]);
    let mut ticks = interval(FRAME);
    let (began, mut sequence_number) = (cpu(), 0);
    let mut frame = Vec::new();
    for _ in 0..FLOOR_FRAMES {
        ticks.tick().await;
        for (context, port) in &mut viewers {
            let size = seal(context, sequence_number, &payload, &mut frame);
            let transmit = Transmit {
                destination: (Ipv4Addr::LOCALHOST, *port).into(),
                ecn: None,
                contents: &frame,
                segment_size: Some(size),
                src_ip: None,
            };
            state.try_send(UdpSockRef::from(&socket), &transmit).unwrap();
        }
        sequence_number = sequence_number.wrapping_add(PACKETS as u16);
    }
    let packets = FLOOR_FRAMES as usize * viewers.len() * PACKETS;
    (cpu() - began).as_secs_f64() * 1e6 / packets as f64
}

/// The packets of a frame, one after the other; each has the size that is returned.
fn seal(context: &mut Context, first: u16, payload: &bytes::Bytes, frame: &mut Vec<u8>) -> usize {
    frame.clear();
    let mut size = 0;
    for packet in 0..PACKETS as u16 {
        let sequence_number = first.wrapping_add(packet);
        let header = Header { version: 2, ssrc: 5, sequence_number, ..Default::default() };
        let packet = rtp::Packet { header, payload: payload.clone() }.marshal().unwrap();
        let sealed = context.encrypt_rtp(&packet).unwrap();
        size = sealed.len();
        frame.extend_from_slice(&sealed);
    }
    size
}

/// Processor time of this process, all threads.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let per_task = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(per_task.sum())
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
