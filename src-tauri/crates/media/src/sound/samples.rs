//! The reading end of a pipe of samples: whole pieces of them, and no old ones.

use std::{io, path::Path, time::Duration};

use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    time::{Instant, sleep},
};

use super::{PACKET_BYTES, PACKET_MS};

/// More than this waits only where this machine was too busy to read, or nobody read at all. Sent, it would make all sound late: a browser
/// holds back everything by what the latest came late of the last half minute.
const LATE_MS: u32 = 60;
/// A sound server that was held up writes all that it owes within this, piece by piece.
const CATCHES_UP: Duration = Duration::from_millis(5);
/// What is kept of it: a sound server writes so much at once.
const KEPT_MS: u32 = 20;

#[derive(Debug)]
pub(crate) struct Samples {
    pipe: pipe::Receiver,
    piece: Vec<u8>,
    filled: usize,
    /// When the last piece was whole.
    whole: Instant,
}

impl Samples {
    /// From now on: what was written while nobody listened is forgotten.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let pipe = pipe::OpenOptions::new().open_receiver(path)?;
        let mut samples = Self { pipe, piece: vec![0; PACKET_BYTES], filled: 0, whole: Instant::now() };
        samples.forget(0)?;
        Ok(samples)
    }

    /// The next piece; `None` where what waited was old, and is forgotten. A future that is dropped before it is ready loses a piece at most.
    pub(crate) async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.filled %= PACKET_BYTES;
        while self.filled < PACKET_BYTES {
            let read = self.pipe.read(&mut self.piece[self.filled..]).await?;
            if read == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the sound server has ended"));
            }
            self.filled += read;
        }
        if self.whole.elapsed() > Duration::from_millis(LATE_MS.into()) {
            sleep(CATCHES_UP).await;
        }
        self.whole = Instant::now();
        if waiting(&self.pipe)? > bytes(LATE_MS) {
            self.forget(bytes(KEPT_MS))?;
            return Ok(None);
        }
        Ok(Some(&self.piece))
    }

    /// All but the newest, by whole pieces: a sample stays a sample. Straight from the pipe, since the runtime knows only later that
    /// there is something to read.
    fn forget(&mut self, kept: usize) -> io::Result<()> {
        while waiting(&self.pipe)? > kept {
            match rustix::io::read(&self.pipe, &mut self.piece[..]) {
                Ok(0) => break,
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn waiting(pipe: &pipe::Receiver) -> io::Result<usize> {
    Ok(rustix::io::ioctl_fionread(pipe)? as usize)
}

const fn bytes(ms: u32) -> usize {
    PACKET_BYTES * (ms / PACKET_MS) as usize
}
