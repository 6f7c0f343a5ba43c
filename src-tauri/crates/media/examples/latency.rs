//! How old a picture is when it leaves the encoder, and what that costs: this room against a plain pipeline of GStreamer that
//! grabs on a timer. `cargo run -p media --example latency -- [seconds] [encoder…]`
//!
//! A program paints numbered pictures at a rate slightly off the usual one (at exactly 30 a second, a timer's phase would be
//! frozen by luck) and notes when; the sender notes when each frame is encoded, and reads the numbers back afterwards. Program,
//! X server and sender are processes of their own, so that each is charged for its own work.
#![allow(clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use common::{Decoder, Painter, Xvfb};
use gstreamer::{self as gst, prelude::*};
use media::{EncodedFrame, Pipeline, PipelineSpec};
use model::{Bitrate, DisplayAddress, FrameRate, Size, WindowId, video::Codec};
use rustix::time::{ClockId, clock_gettime};

const PLAIN: &str = "plain";

/// The first second is not counted: encoders and caches settle.
const WARM_UP: Duration = Duration::from_secs(1);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["paint", display, width, height, fps] => {
            paint(display.parse().unwrap(), size(width, height), fps.parse().unwrap());
        }
        ["send", sender, display, auth, window, width, height, fps, seconds] => {
            let display = DisplayAddress { number: display.parse().unwrap(), auth_file: auth.into() };
            let window = WindowId(window.parse().unwrap());
            let job = Job { display, window, size: size(width, height), fps: fps.parse().unwrap() };
            send(sender, &job, Duration::from_secs(seconds.parse().unwrap()));
        }
        _ => compare(&words),
    }
}

fn size(width: &str, height: &str) -> Size {
    Size::new(width.parse().unwrap(), height.parse().unwrap())
}

fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Runs each sender in each case and prints a table.
fn compare(words: &[&str]) {
    let seconds = words.first().and_then(|word| word.parse().ok()).unwrap_or(8);
    let named: Vec<&str> = words.iter().copied().filter(|word| word.parse::<u32>().is_err()).collect();
    let senders =
        if named.is_empty() { vec![PLAIN, "x264enc", "openh264enc", "openh264", "vp8enc"] } else { named };
    println!(
        "case     sender       drawn→encoded ms  grab→encoded ms    fps  lost   kbps  CPU/s sender  X server"
    );
    println!("                         p50    p95        p50    p95");
    for (case, size, fps) in
        [("720p30", Size::HD, 30), ("720p60", Size::HD, 60), ("1080p30", Size::new(1920, 1080), 30)]
    {
        for sender in &senders {
            measure(case, sender, size, fps, seconds);
        }
    }
}

fn measure(case: &str, sender: &str, size: Size, fps: u32, seconds: u32) {
    let xvfb = Xvfb::start(size);
    let this = env::current_exe().unwrap();
    let number = xvfb.address.number.to_string();
    let (width, height) = (size.width.to_string(), size.height.to_string());
    let mut painter = Command::new(&this)
        .args(["paint", &number, &width, &height, &(f64::from(fps) * 0.9967).to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (window, stamps) = read_stamps(&mut painter);
    let before = cpu_seconds(xvfb.pid());
    let result = Command::new(&this)
        .args(["send", sender, &number, xvfb.auth_file().to_str().unwrap(), &window, &width, &height])
        .args([fps.to_string(), seconds.to_string()])
        .env("XAUTHORITY", xvfb.auth_file())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let server = (cpu_seconds(xvfb.pid()) - before) / f64::from(seconds + WARM_UP.as_secs() as u32);
    let _ = painter.kill();
    let _ = painter.wait();
    let stamps: HashMap<u32, u64> = stamps.iter().collect();
    print_row(case, sender, &String::from_utf8_lossy(&result.stdout), &stamps, f64::from(seconds), server);
}

/// The painter's window, and the moments at which it drew.
fn read_stamps(painter: &mut Child) -> (String, mpsc::Receiver<(u32, u64)>) {
    let mut lines = BufReader::new(painter.stdout.take().unwrap()).lines().map_while(Result::ok);
    let window = lines.next().unwrap();
    let (stamp, stamps) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines {
            let (number, at) = line.split_once(' ').unwrap();
            let _ = stamp.send((number.parse().unwrap(), at.parse().unwrap()));
        }
    });
    (window, stamps)
}

fn print_row(case: &str, sender: &str, report: &str, stamps: &HashMap<u32, u64>, seconds: f64, server: f64) {
    let (mut ages, mut encodings, mut unread, mut bytes, mut cpu) = (Vec::new(), Vec::new(), 0, 0.0, 0.0);
    for line in report.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        match fields[..] {
            ["cpu", seconds] => cpu = seconds.parse().unwrap(),
            [number, arrived, encoding, size] => {
                let arrived: u64 = arrived.parse().unwrap();
                match number.parse().ok().and_then(|number: u32| stamps.get(&number)) {
                    Some(drawn) => ages.push(arrived.saturating_sub(*drawn) as f64 / 1e6),
                    None => unread += 1,
                }
                encodings.push(encoding.parse().unwrap());
                bytes += size.parse::<f64>().unwrap();
            }
            _ => {}
        }
    }
    let (age, encoding) = (percentiles(ages.clone()), percentiles(encodings));
    println!(
        "{case:8} {sender:12} {:6.1} {:6.1}     {:6.1} {:6.1}     {:5.1} {unread:5} {:6.0} {:11.3} {server:11.3}",
        age.0,
        age.1,
        encoding.0,
        encoding.1,
        ages.len() as f64 / seconds,
        bytes * 8.0 / 1000.0 / seconds,
        cpu / seconds,
    );
}

fn percentiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values.get((values.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
    (at(0.5), at(0.95))
}

fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap().split(' ').filter_map(|field| field.parse().ok()).collect();
    // After the name and the state letter: fields 14 and 15 of proc(5), in hundredths of a second.
    (fields[10] + fields[11]) / 100.0
}

fn paint(display: u32, size: Size, fps: f64) {
    let painter = Painter::open(display, size);
    println!("{}", painter.window.0);
    let start = Instant::now();
    for number in 0.. {
        let due = start + Duration::from_secs_f64(f64::from(number) / fps);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let at = now_ns();
        painter.paint(number);
        println!("{number} {at}");
    }
}

struct Job {
    display: DisplayAddress,
    window: WindowId,
    size: Size,
    fps: u32,
}

impl Job {
    fn bitrate(&self) -> Bitrate {
        Bitrate::kbps(if self.size.height > 720 || self.fps > 30 { 8000 } else { 6000 })
    }
}

/// A frame, when it arrived, and for how long it was on its way from the grab, if that is known.
type Arrival = (EncodedFrame, u64, f64);

fn send(sender: &str, job: &Job, duration: Duration) {
    let whole = WARM_UP + duration;
    let (frames, cpu) = if sender == PLAIN { plain(job, whole) } else { ours(sender, job, whole) };
    let counted = frames.first().map_or(0, |frame| frame.1) + WARM_UP.as_nanos() as u64;
    let codec = frames.first().map_or(Codec::H264, |frame| frame.0.codec);
    let mut decoder = Decoder::new(codec, job.size);
    for (frame, arrived, encoding) in &frames {
        let number = decoder.decode(frame).number();
        if *arrived >= counted {
            let number = number.map_or_else(|| "?".to_owned(), |number| number.to_string());
            println!("{number} {arrived} {encoding} {}", frame.data.len());
        }
    }
    println!("cpu {cpu}");
}

#[tokio::main(flavor = "current_thread")]
async fn ours(encoder: &str, job: &Job, duration: Duration) -> (Vec<Arrival>, f64) {
    let pipeline = Pipeline::open(PipelineSpec {
        display: job.display.clone(),
        window: job.window,
        size: job.size,
        resized: false,
        fps_max: FrameRate(job.fps),
        bitrate: job.bitrate(),
        encoders: vec![encoder.to_owned()],
    })
    .await
    .unwrap();
    let mut feed = pipeline.subscribe();
    let (mut frames, end) = (Vec::new(), tokio::time::Instant::now() + duration);
    let mut cpu_at_start = None;
    while let Ok(Some(frame)) = tokio::time::timeout_at(end, feed.next()).await {
        let (arrived, encoding) = (now_ns(), frame.captured.elapsed().as_secs_f64() * 1000.0);
        if frames.is_empty()
            || cpu_at_start.is_none() && end - tokio::time::Instant::now() < duration - WARM_UP
        {
            cpu_at_start = (!frames.is_empty()).then(|| cpu_seconds(std::process::id()));
        }
        frames.push((EncodedFrame::clone(&frame), arrived, encoding));
    }
    (frames, cpu_seconds(std::process::id()) - cpu_at_start.unwrap_or_default())
}

/// What one gets by putting GStreamer's own elements in a row, with the same settings of the same encoder.
fn plain(job: &Job, duration: Duration) -> (Vec<Arrival>, f64) {
    gst::init().unwrap();
    let line = format!(
        "ximagesrc display-name={} use-damage=false show-pointer=false ! video/x-raw,framerate={}/1 ! videoconvert \
         ! video/x-raw,format=I420 ! x264enc speed-preset=ultrafast tune=zerolatency sliced-threads=true threads=2 \
         key-int-max=2147483647 bframes=0 byte-stream=true aud=false vbv-buf-capacity=50 bitrate={} option-string=scenecut=0 \
         ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au \
         ! fakesink name=out sync=false signal-handoffs=true",
        job.display.name(),
        job.fps,
        job.bitrate().kbps,
    );
    let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let (frame, frames) = mpsc::channel();
    pipeline.by_name("out").unwrap().connect("handoff", false, move |values| {
        let buffer = values[1].get::<gst::Buffer>().unwrap();
        let keyframe = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let data = Bytes::from_owner(buffer.into_mapped_buffer_readable().unwrap());
        let captured = Instant::now();
        let frame_in = EncodedFrame { data, codec: Codec::H264, keyframe, captured, rtp_time: 0 };
        let _ = frame.send((frame_in, now_ns(), f64::NAN));
        None
    });
    pipeline.set_state(gst::State::Playing).unwrap();
    std::thread::sleep(WARM_UP);
    let before = cpu_seconds(std::process::id());
    std::thread::sleep(duration - WARM_UP);
    let cpu = cpu_seconds(std::process::id()) - before;
    pipeline.set_state(gst::State::Null).unwrap();
    (frames.try_iter().collect(), cpu)
}
