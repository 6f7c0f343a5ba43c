//! A connection to one display: by its socket and its own cookie, without a look at this process's environment.

use std::{
    net::Shutdown,
    os::{fd::AsFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use anyhow::Context;
use model::DisplayAddress;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::{
    connection::Connection,
    protocol::xproto::Window,
    rust_connection::{DefaultStream, RustConnection},
};

use crate::cookie;

/// How long a healthy server may take to let somebody in; a loaded machine needs a tenth of it.
pub(crate) const GREETING: Duration = Duration::from_secs(5);

/// A socket to the display that has not spoken yet.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: UnixStream,
    cookie: Vec<u8>,
    display: String,
}

/// Ends a connection from another thread, whatever it waits for.
#[derive(Debug)]
pub(crate) struct Hangup(UnixStream);

/// A connection that the server has accepted.
pub(crate) struct Wire {
    pub(crate) conn: RustConnection,
    pub(crate) root: Window,
}

impl Socket {
    pub(crate) fn open(address: &DisplayAddress) -> anyhow::Result<(Self, Hangup)> {
        let display = address.name();
        let cookie = cookie::read(&address.auth_file)?;
        let stream = UnixStream::connect(socket_path(address.number))
            .with_context(|| format!("display {display} does not answer; its X server has probably ended"))?;
        let hangup = Hangup(stream.try_clone().context("copying a socket")?);
        Ok((Self { stream, cookie, display }, hangup))
    }

    /// Blocks until the server has answered, or somebody hangs up.
    pub(crate) fn greet(self) -> anyhow::Result<Wire> {
        let (stream, _peer) = DefaultStream::from_unix_stream(self.stream).context("preparing a socket")?;
        let conn = RustConnection::connect_to_stream_with_auth_info(
            stream,
            0,
            cookie::PROTOCOL.to_vec(),
            self.cookie,
        )
        .with_context(|| format!("display {} refuses the connection", self.display))?;
        let root = conn.setup().roots.first().context("the display has no screen")?.root;
        Ok(Wire { conn, root })
    }
}

impl Hangup {
    pub(crate) fn hang_up(&self) {
        // Fails only where the far side has hung up already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Wire {
    /// Connects and greets; blocks for as long as the server takes.
    pub(crate) fn connect(address: &DisplayAddress) -> anyhow::Result<Self> {
        Socket::open(address)?.0.greet()
    }

    /// Waits until the server has said something or the time has come. Events that were read before are not seen here:
    /// `poll_for_event` comes first.
    pub(crate) fn wait(&self, until: Option<Instant>) -> anyhow::Result<()> {
        let timeout = until.map(|moment| {
            // A millisecond more than needed, so that the moment has surely come.
            let left = moment.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 60, tv_nsec: 0 })
        });
        let mut fds = [PollFd::from_borrowed_fd(self.conn.stream().as_fd(), PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("waiting for the X server"),
        }
    }
}

pub(crate) fn socket_path(number: u32) -> String {
    format!("/tmp/.X11-unix/X{number}")
}
