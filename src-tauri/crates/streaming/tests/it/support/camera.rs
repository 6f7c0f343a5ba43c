//! Frames without an encoder: bytes that can be told apart on the far side.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use media::EncodedFrame;
use model::video::Codec;
use streaming::Frames;
use tokio::sync::mpsc;

#[derive(Default)]
pub struct Camera {
    watchers: Mutex<Vec<mpsc::UnboundedSender<Arc<EncodedFrame>>>>,
    shot: Mutex<u32>,
}

pub struct Tape(pub mpsc::UnboundedReceiver<Arc<EncodedFrame>>);

impl Frames for Tape {
    fn next(&mut self) -> BoxFuture<'_, Option<Arc<EncodedFrame>>> {
        Box::pin(self.0.recv())
    }
}

impl Camera {
    pub fn watch(&self) -> Option<Box<dyn Frames>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.watchers.lock().unwrap().push(sender);
        Some(Box::new(Tape(receiver)))
    }

    /// Whether somebody still reads.
    pub fn is_watched(&self) -> bool {
        self.watchers.lock().unwrap().iter().any(|watcher| !watcher.is_closed())
    }

    /// One frame to all who watch; what they should see is returned.
    pub fn shoot(&self, keyframe: bool, bytes: usize) -> Bytes {
        self.shoot_as(Codec::H264, keyframe, bytes)
    }

    pub fn shoot_as(&self, codec: Codec, keyframe: bool, bytes: usize) -> Bytes {
        let mut shot = self.shot.lock().unwrap();
        *shot += 1;
        let frame = Arc::new(EncodedFrame { codec, ..frame(*shot, keyframe, bytes) });
        let data = frame.data.clone();
        self.watchers.lock().unwrap().retain(|watcher| watcher.send(Arc::clone(&frame)).is_ok());
        data
    }
}

/// An access unit in Annex B that no decoder would like, of `bytes` that follow from `number`.
fn frame(number: u32, keyframe: bool, bytes: usize) -> EncodedFrame {
    let start = [0, 0, 0, 1];
    let mut data = Vec::new();
    if keyframe {
        for unit in [&[0x67, 0x42, 0xE0, 0x1F][..], &[0x68, 0xCE, 0x3C, 0x80][..]] {
            data.extend(start);
            data.extend(unit);
        }
    }
    data.extend(start);
    data.push(if keyframe { 0x65 } else { 0x41 });
    // Odd numbers only: nothing looks like a start code.
    data.extend((0..bytes).map(|index| (number as usize * 31 + index) as u8 | 1));
    EncodedFrame {
        data: data.into(),
        codec: Codec::H264,
        keyframe,
        captured: Instant::now(),
        rtp_time: number * 3000,
    }
}
