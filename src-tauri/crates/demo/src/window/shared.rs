//! Memory that the X server reads pictures from, without copying them through its socket.
//!
//! A file in memory, mapped here and, through its descriptor, there. It goes with the last of the two, also when one is killed.

#![allow(unsafe_code)]

use std::{
    ffi::CString,
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    ptr::NonNull,
};

/// A mapped picture of 32-bit pixels.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u32>,
    pixels: usize,
}

impl Mapping {
    /// Maps room for so many pixels; the descriptor is for the X server.
    pub fn new(pixels: usize) -> io::Result<(Self, OwnedFd)> {
        let bytes = pixels.checked_mul(4).filter(|bytes| *bytes > 0).ok_or(io::ErrorKind::InvalidInput)?;
        let name = CString::new("openspace-webrtc-demo").map_err(io::Error::other)?;
        // SAFETY: the name is a C string that outlives the call; the descriptor is new and owned by nobody else.
        let file = unsafe {
            let fd = libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        // SAFETY: the descriptor is open; a length beyond what is there only fails.
        if unsafe { libc::ftruncate(file.as_raw_fd(), bytes as libc::off_t) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new mapping at an address of the kernel's choice, of a file that has this length.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at address 0"))?;
        Ok((Self { start, pixels }, file))
    }

    pub fn pixels(&mut self) -> &mut [u32] {
        // SAFETY: the mapping is that long, page-aligned, writable and alive as long as `self`, which is borrowed for as long as the
        // slice. The X server only reads it, in another process, and every pattern of bits is a u32.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.pixels) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what was mapped, and nobody has a reference to it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.pixels * 4) };
    }
}
