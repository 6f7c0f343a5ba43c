//! What others want of the capture thread. Only the newest wish of each kind counts, so they are cells and not a queue.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering},
};

use model::Bitrate;
use rustix::event::{EventfdFlags, eventfd};

use crate::pace::Demand;

/// Below this the smallest picture is mud; above this no browser's decoder is asked to follow.
const BITRATE_MIN: Bitrate = Bitrate::kbps(100);
const BITRATE_MAX: Bitrate = Bitrate::kbps(60_000);

#[derive(Debug)]
pub(crate) struct Wishes {
    kbps: AtomicU32,
    keyframe: AtomicU8,
    watchers: AtomicUsize,
    stop: AtomicBool,
    /// Readable when there is something new.
    bell: OwnedFd,
}

impl Wishes {
    pub fn new(bitrate: Bitrate) -> io::Result<Self> {
        Ok(Self {
            kbps: AtomicU32::new(clamped(bitrate).kbps),
            keyframe: AtomicU8::new(0),
            watchers: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    pub fn want_keyframe(&self, demand: Demand) {
        let bit = match demand {
            Demand::Viewer => 1,
            Demand::Lag => 2,
        };
        self.keyframe.fetch_or(bit, Ordering::AcqRel);
        self.ring();
    }

    /// The most urgent demand since the last call.
    pub fn take_keyframe(&self) -> Option<Demand> {
        match self.keyframe.swap(0, Ordering::AcqRel) {
            0 => None,
            2 => Some(Demand::Lag),
            _ => Some(Demand::Viewer),
        }
    }

    pub fn set_bitrate(&self, bitrate: Bitrate) {
        self.kbps.store(clamped(bitrate).kbps, Ordering::Release);
        self.ring();
    }

    pub fn bitrate(&self) -> Bitrate {
        Bitrate::kbps(self.kbps.load(Ordering::Acquire))
    }

    pub fn set_watchers(&self, count: usize) {
        self.watchers.store(count, Ordering::Release);
        self.ring();
    }

    pub fn watchers(&self) -> usize {
        self.watchers.load(Ordering::Acquire)
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.ring();
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Makes the bell silent; what it announced is read from the cells after this.
    pub fn heard(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.bell, &mut count);
    }

    fn ring(&self) {
        // It fails only when it already rings as loud as it can.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }
}

fn clamped(bitrate: Bitrate) -> Bitrate {
    bitrate.clamp(BITRATE_MIN, BITRATE_MAX)
}
