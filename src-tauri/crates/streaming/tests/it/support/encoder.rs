//! A moving picture, really encoded: for a far side that really decodes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use media::EncodedFrame;
use model::video::Codec;
use openh264::{
    OpenH264API,
    encoder::{Encoder, EncoderConfig, FrameType},
    formats::YUVBuffer,
};
use tokio::sync::mpsc;

use super::camera::Tape;

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
const EVERY: Duration = Duration::from_millis(33);

/// Thirty frames a second to whoever watches, until it is dropped.
pub struct Studio {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    keyframe: AtomicBool,
    over: AtomicBool,
    watchers: Mutex<Vec<mpsc::UnboundedSender<Arc<EncodedFrame>>>>,
}

impl Studio {
    pub fn open() -> Self {
        let shared = Arc::<Shared>::default();
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.run()
        });
        Self { shared, thread: Some(thread) }
    }

    pub fn watch(&self) -> Tape {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.shared.watchers.lock().unwrap().push(sender);
        Tape(receiver)
    }

    pub fn want_keyframe(&self) {
        self.shared.keyframe.store(true, Relaxed);
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.shared.over.store(true, Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

impl Shared {
    fn run(&self) {
        let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), EncoderConfig::new()).unwrap();
        let began = Instant::now();
        let mut number = 0;
        while !self.over.load(Relaxed) {
            let captured = Instant::now();
            if self.keyframe.swap(false, Relaxed) {
                encoder.force_intra_frame();
            }
            let stream = encoder.encode(&picture(number)).unwrap();
            let keyframe = matches!(stream.frame_type(), FrameType::IDR | FrameType::I);
            let frame = Arc::new(EncodedFrame {
                data: stream.to_vec().into(),
                codec: Codec::H264,
                keyframe,
                captured,
                rtp_time: (captured.duration_since(began).as_micros() * 9 / 100) as u32,
            });
            self.watchers.lock().unwrap().retain(|watcher| watcher.send(Arc::clone(&frame)).is_ok());
            number += 1;
            thread::sleep(EVERY.saturating_sub(captured.elapsed()));
        }
    }
}

/// A bright bar that goes from left to right over a slope of grey.
fn picture(number: usize) -> YUVBuffer {
    let mut planes = vec![128; WIDTH * HEIGHT * 3 / 2];
    for (index, pixel) in planes[..WIDTH * HEIGHT].iter_mut().enumerate() {
        let (x, y) = (index % WIDTH, index / WIDTH);
        let bar = (x + WIDTH - number * 4 % WIDTH) % WIDTH < 40;
        *pixel = if bar { 235 } else { 40 + ((x + y) / 8) as u8 };
    }
    YUVBuffer::from_vec(planes, WIDTH, HEIGHT)
}
