//! Looks at an X display: says when it changed, and grabs what it shows.
//!
//! The whole display is looked at, not one window of it: an instance owns its display, so menus and dialogs belong to the
//! picture, and a pointer position in the picture is the same position on the display. The window only tells the end.

use std::{
    fs::File,
    io::Read,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    thread,
    time::{Duration, Instant},
};

use model::{DisplayAddress, Size, WindowId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::{
    connection::{Connection, RequestConnection},
    errors::{ConnectionError, ReplyError, ReplyOrIdError},
    protocol::{
        Event,
        damage::{self, ConnectionExt as _, Damage, ReportLevel},
        shm::{self, ConnectionExt as _, Seg},
        xproto::{
            ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageFormat, ImageOrder, Screen as Root,
        },
    },
    rust_connection::{DefaultStream, RustConnection},
};

use crate::{picture::Shot, shm::Segment};

/// An Xauthority file of one display holds some 100 bytes; one with more than this is none.
const AUTH_FILE_BYTES_MAX: u64 = 64 * 1024;
/// Between two looks at a window that is to follow its display.
const LOOK_AGAIN: Duration = Duration::from_millis(4);
const COOKIE: &[u8] = b"MIT-MAGIC-COOKIE-1";

#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    /// The display, or the window that was watched, is no more.
    #[error("it is gone")]
    Gone,
    #[error("{0}")]
    Refused(String),
}

impl From<ConnectionError> for CaptureError {
    fn from(_: ConnectionError) -> Self {
        Self::Gone
    }
}

impl From<ReplyError> for CaptureError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(_) => Self::Gone,
            ReplyError::X11Error(error) => {
                Self::Refused(format!("the X server answers {:?}", error.error_kind))
            }
        }
    }
}

impl From<ReplyOrIdError> for CaptureError {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::IdsExhausted => Self::Refused("the X server has no identifiers left".into()),
            ReplyOrIdError::ConnectionError(error) => error.into(),
            ReplyOrIdError::X11Error(error) => ReplyError::X11Error(error).into(),
        }
    }
}

/// A display, with memory shared with its server.
#[derive(Debug)]
pub(crate) struct Screen {
    connection: RustConnection,
    root: u32,
    size: Size,
    segment: Segment,
    segment_id: Seg,
    watched: Option<Watched>,
    /// Something was drawn since this was last asked.
    changed: bool,
    /// It has another size now. Whoever gave it that opens another capture; until then programs draw anew, and nobody is to see that.
    superseded: bool,
}

#[derive(Debug)]
struct Watched {
    window: WindowId,
    damage: Damage,
}

impl Screen {
    pub fn open(address: &DisplayAddress) -> Result<Self, CaptureError> {
        let connection = connect(address).map_err(CaptureError::Refused)?;
        let root = &connection.setup().roots[0];
        check_pixels(&connection, root).map_err(CaptureError::Refused)?;
        let (size, root) = (Size::new(root.width_in_pixels.into(), root.height_in_pixels.into()), root.root);
        connection
            .extension_information(shm::X11_EXTENSION_NAME)?
            .ok_or_else(|| CaptureError::Refused("the X server has no shared memory (MIT-SHM)".into()))?;
        connection.shm_query_version()?.reply()?;
        let (segment, fd) = Segment::create(size.pixels() as usize * 4)
            .map_err(|error| CaptureError::Refused(format!("no shared memory could be had: {error}")))?;
        let segment_id = connection.generate_id()?;
        connection.shm_attach_fd(segment_id, fd, false)?.check()?;
        let (changed, superseded) = (false, false);
        Ok(Self { connection, root, size, segment, segment_id, watched: None, changed, superseded })
    }

    /// From now on [`Self::changes`] tells of drawings anywhere on the display, and of the window's end.
    pub fn watch(&mut self, window: WindowId) -> Result<(), CaptureError> {
        let connection = &self.connection;
        connection
            .extension_information(damage::X11_EXTENSION_NAME)?
            .ok_or_else(|| CaptureError::Refused("the X server does not tell of changes (DAMAGE)".into()))?;
        connection.damage_query_version(1, 1)?.reply()?;
        let structure = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        connection.change_window_attributes(window.0, &structure)?.check().map_err(|error| match error {
            ReplyError::X11Error(_) => CaptureError::Refused(format!("there is no window {:#x}", window.0)),
            ReplyError::ConnectionError(_) => CaptureError::Gone,
        })?;
        connection.change_window_attributes(self.root, &structure)?.check()?;
        let damage = connection.generate_id()?;
        connection.damage_create(damage, self.root, ReportLevel::NON_EMPTY)?.check()?;
        self.watched = Some(Watched { window, damage });
        Ok(())
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.connection.stream().as_fd()
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// Reads everything that the server has told. True if the display changed since it was last armed; however many drawings
    /// there were, they are one change.
    pub fn changes(&mut self) -> Result<bool, CaptureError> {
        self.hear()?;
        Ok(!self.superseded && std::mem::take(&mut self.changed))
    }

    /// Waits until the window is as large as its display, `within` at most: it follows, and the server paints it black meanwhile.
    pub fn wait_until_filled(&self, window: WindowId, within: Duration) -> Result<(), CaptureError> {
        let until = Instant::now() + within;
        loop {
            let now = self.connection.get_geometry(window.0)?.reply()?;
            let fills = (u32::from(now.width), u32::from(now.height)) == (self.size.width, self.size.height);
            if fills || Instant::now() > until {
                return Ok(());
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// What is there counts as seen. A watch begins with the news of all that was there before.
    pub fn forget(&mut self) -> Result<(), CaptureError> {
        self.arm()?;
        self.hear()?;
        self.changed = false;
        Ok(())
    }

    /// Waits until something is drawn, `within` at most: a program that rests may have drawn before.
    pub fn wait_until_drawn(&mut self, within: Duration) -> Result<(), CaptureError> {
        let until = Instant::now() + within;
        loop {
            self.hear()?;
            let left = until.saturating_duration_since(Instant::now());
            if self.changed || left.is_zero() {
                return Ok(());
            }
            let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            // Interrupted or not: what came is heard above.
            let _ = poll(&mut [PollFd::from_borrowed_fd(self.fd(), PollFlags::IN)], Some(&left));
        }
    }

    fn hear(&mut self) -> Result<(), CaptureError> {
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::DamageNotify(_) => self.changed = true,
                Event::DestroyNotify(end)
                    if self.watched.as_ref().is_some_and(|w| w.window.0 == end.window) =>
                {
                    return Err(CaptureError::Gone);
                }
                Event::ConfigureNotify(now) if now.window == self.root => {
                    self.superseded = Size::new(now.width.into(), now.height.into()) != self.size;
                    // It may have got its old size back.
                    self.changed = true;
                }
                Event::Error(error) => tracing::debug!(?error, "the X server refused a request"),
                _ => {}
            }
        }
        Ok(())
    }

    /// Asks to be told of the next change; without it (or [`Self::grab`]) the server stays silent after the first.
    pub fn arm(&self) -> Result<(), CaptureError> {
        if let Some(Watched { damage, .. }) = &self.watched {
            self.connection.damage_subtract(*damage, x11rb::NONE, x11rb::NONE)?;
        }
        Ok(self.connection.flush()?)
    }

    /// What the display shows now, at most `size` of it. Arms too, in the same breath, so that no change falls between. `None`: it has
    /// another size now.
    pub fn grab(&mut self, size: Size) -> Result<Option<Shot<'_>>, CaptureError> {
        if self.superseded {
            return Ok(None);
        }
        if let Some(Watched { damage, .. }) = &self.watched {
            self.connection.damage_subtract(*damage, x11rb::NONE, x11rb::NONE)?;
        }
        let size = Size::new(size.width.min(self.size.width), size.height.min(self.size.height));
        let (width, height) = (size.width as u16, size.height as u16);
        self.connection
            .shm_get_image(
                self.root,
                0,
                0,
                width,
                height,
                !0,
                ImageFormat::Z_PIXMAP.into(),
                self.segment_id,
                0,
            )?
            .reply()?;
        // What the answer shows may already be of the other size.
        self.hear()?;
        let bgrx = &self.segment.bytes()[..size.pixels() as usize * 4];
        Ok((!self.superseded).then_some(Shot { size, bgrx }))
    }
}

/// Connects with the cookie of the file, as no library call does: they all read the environment.
fn connect(address: &DisplayAddress) -> Result<RustConnection, String> {
    let name = address.name();
    let cookie = cookie(&address.auth_file)?;
    let socket = format!("/tmp/.X11-unix/X{}", address.number);
    let stream =
        UnixStream::connect(socket).map_err(|error| format!("display {name} does not answer: {error}"))?;
    let (stream, _) =
        DefaultStream::from_unix_stream(stream).map_err(|error| format!("display {name}: {error}"))?;
    RustConnection::connect_to_stream_with_auth_info(stream, 0, COOKIE.to_vec(), cookie)
        .map_err(|error| format!("display {name} refuses us: {error}"))
}

fn cookie(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(AUTH_FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| format!("the display's cookie file {} cannot be read: {error}", path.display()))?;
    find_cookie(&bytes).ok_or_else(|| format!("the file {} holds no MIT-MAGIC-COOKIE-1", path.display()))
}

/// Entries of an Xauthority file: a family, then address, number, name and data, each after its length; big endian.
fn find_cookie(mut file: &[u8]) -> Option<Vec<u8>> {
    fn field<'a>(file: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (len, rest) = file.split_first_chunk::<2>()?;
        let (field, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
        *file = rest;
        Some(field)
    }
    loop {
        file = file.get(2..)?;
        let (_address, _number) = (field(&mut file)?, field(&mut file)?);
        let (name, data) = (field(&mut file)?, field(&mut file)?);
        if name == COOKIE {
            return Some(data.to_vec());
        }
    }
}

/// The rest of this room takes four bytes a pixel, blue first, for granted.
fn check_pixels(connection: &RustConnection, root: &Root) -> Result<(), String> {
    let setup = connection.setup();
    let four_bytes =
        setup.pixmap_formats.iter().any(|f| f.depth == root.root_depth && f.bits_per_pixel == 32);
    let blue_first = setup.image_byte_order == ImageOrder::LSB_FIRST
        && root.allowed_depths.iter().flat_map(|depth| &depth.visuals).any(|visual| {
            visual.visual_id == root.root_visual && (visual.red_mask, visual.blue_mask) == (0xff_0000, 0xff)
        });
    if root.root_depth == 24 && four_bytes && blue_first {
        Ok(())
    } else {
        Err(format!("the display has a depth of {} bits, and 24 in four bytes are needed", root.root_depth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1, 0];
        for field in [b"host", &b"12"[..], name, data] {
            bytes.extend((field.len() as u16).to_be_bytes());
            bytes.extend(field);
        }
        bytes
    }

    #[test]
    fn the_cookie_is_found_among_other_entries() {
        let file = [entry(b"XDM-AUTHORIZATION-1", b"other"), entry(COOKIE, b"sixteen bytes ok")].concat();
        assert_eq!(find_cookie(&file).as_deref(), Some(&b"sixteen bytes ok"[..]));
    }

    #[test]
    fn a_broken_file_holds_no_cookie() {
        let file = entry(COOKIE, b"sixteen bytes ok");
        for end in 0..file.len() {
            assert_eq!(find_cookie(&file[..end]), None, "cut at {end}");
        }
    }
}
