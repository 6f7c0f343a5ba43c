//! What others want of the capture thread. Only the newest wish of each kind counts, so they are cells and not a queue.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering},
    },
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
    bell: Arc<Bell>,
    /// Rings too: that of the thread which hands pictures to the one that these wishes are for.
    supplier: Option<Arc<Bell>>,
}

/// Wakes a thread that polls.
#[derive(Debug)]
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub fn new() -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    /// Readable when there is something new.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub fn ring(&self) {
        // It fails only when it already rings as loud as it can.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    fn silence(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.0, &mut count);
    }
}

impl Wishes {
    pub fn new(bitrate: Bitrate, supplier: Option<Arc<Bell>>) -> io::Result<Self> {
        Ok(Self {
            kbps: AtomicU32::new(clamped(bitrate).kbps),
            keyframe: AtomicU8::new(0),
            watchers: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            bell: Bell::new()?,
            supplier,
        })
    }

    pub fn want_keyframe(&self, demand: Demand) {
        let bit = match demand {
            Demand::Viewer | Demand::Alone => 1,
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
            _ if self.watchers() <= 1 => Some(Demand::Alone),
            _ => Some(Demand::Viewer),
        }
    }

    pub fn set_bitrate(&self, bitrate: Bitrate) {
        let kbps = clamped(bitrate).kbps;
        if self.kbps.swap(kbps, Ordering::AcqRel) != kbps {
            self.ring();
        }
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

    pub fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// Makes the bell silent; what it announced is read from the cells after this.
    pub fn heard(&self) {
        self.bell.silence();
    }

    fn ring(&self) {
        self.bell.ring();
        if let Some(supplier) = &self.supplier {
            supplier.ring();
        }
    }
}

fn clamped(bitrate: Bitrate) -> Bitrate {
    bitrate.clamp(BITRATE_MIN, BITRATE_MAX)
}
