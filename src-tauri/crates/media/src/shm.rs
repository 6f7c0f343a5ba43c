//! Memory that the X server writes and this process reads: the one place of this room that needs `unsafe`.
#![allow(unsafe_code)]

use std::{io, os::fd::OwnedFd};

use memmap2::Mmap;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

/// A mapping of anonymous shared memory.
#[derive(Debug)]
pub(crate) struct Segment {
    map: Mmap,
}

impl Segment {
    /// The mapping, and the descriptor that the other side maps.
    pub fn create(len: usize) -> io::Result<(Self, OwnedFd)> {
        let fd = memfd_create("openspace-capture", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&fd, len as u64)?;
        // Whoever holds the descriptor cannot shrink it under the mapping, which would end this process with SIGBUS.
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        // SAFETY: the memory keeps its length (sealed above). Only the X server writes to it, and only while it handles a
        // request of ours for an image: `Screen::grab` waits for the answer before it lends the bytes out, and lends them
        // from `&mut self`, so that no second request can be under way while somebody reads.
        let map = unsafe { Mmap::map(&fd)? };
        Ok((Self { map }, fd))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}
