//! A small X11 program: one window, and everything that happens to it.

use std::{
    os::unix::net::UnixStream,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use model::DisplayAddress;
use x11rb::{
    connection::Connection,
    protocol::{
        Event,
        xproto::{
            AtomEnum, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask, PropMode, Window,
            WindowClass,
        },
    },
    rust_connection::{DefaultStream, RustConnection},
    wrapper::ConnectionExt as _,
};

/// Long enough for a machine under load; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

pub struct Client {
    conn: Arc<RustConnection>,
    pub window: Window,
    events: mpsc::Receiver<Event>,
}

/// Connects with the cookie of the display, or with another one.
pub fn connect(address: &DisplayAddress, cookie: &[u8]) -> Result<RustConnection, String> {
    let stream = UnixStream::connect(format!("/tmp/.X11-unix/X{}", address.number))
        .map_err(|error| error.to_string())?;
    let (stream, _) = DefaultStream::from_unix_stream(stream).map_err(|error| error.to_string())?;
    RustConnection::connect_to_stream_with_auth_info(
        stream,
        0,
        b"MIT-MAGIC-COOKIE-1".to_vec(),
        cookie.to_vec(),
    )
    .map_err(|error| error.to_string())
}

/// The cookie is what an Xauthority file of one entry ends with.
pub fn cookie(address: &DisplayAddress) -> Vec<u8> {
    let file = std::fs::read(&address.auth_file).unwrap();
    file[file.len() - 16..].to_vec()
}

impl Client {
    /// Opens and maps a window.
    pub fn open(address: &DisplayAddress, width: u16, height: u16) -> Self {
        let client = Self::hidden(address, width, height, &CreateWindowAux::new());
        client.map();
        client
    }

    pub fn hidden(address: &DisplayAddress, width: u16, height: u16, more: &CreateWindowAux) -> Self {
        let conn = Arc::new(connect(address, &cookie(address)).unwrap());
        let root = conn.setup().roots[0].root;
        let window = conn.generate_id().unwrap();
        let interest = EventMask::STRUCTURE_NOTIFY
            | EventMask::FOCUS_CHANGE
            | EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::POINTER_MOTION;
        let aux = more.event_mask(interest).background_pixel(0xff);
        conn.create_window(24, window, root, 20, 30, width, height, 1, WindowClass::INPUT_OUTPUT, 0, &aux)
            .unwrap();
        conn.flush().unwrap();

        let (sender, events) = mpsc::channel();
        // Ends with the connection: when the server is closed, or the test's process is.
        thread::spawn({
            let conn = Arc::clone(&conn);
            move || {
                while let Ok(event) = conn.wait_for_event() {
                    if sender.send(event).is_err() {
                        break;
                    }
                }
            }
        });
        Self { conn, window, events }
    }

    pub fn map(&self) {
        self.conn.map_window(self.window).unwrap();
        self.conn.flush().unwrap();
    }

    pub fn unmap(&self) {
        self.conn.unmap_window(self.window).unwrap();
        self.conn.flush().unwrap();
    }

    pub fn resize(&self, width: u32, height: u32) {
        let place = ConfigureWindowAux::new().x(50).width(width).height(height);
        self.conn.configure_window(self.window, &place).unwrap();
        self.conn.flush().unwrap();
    }

    pub fn listens_to_close(&self) {
        let atom = |name: &str| self.conn.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let delete = [atom("WM_DELETE_WINDOW")];
        let protocols = atom("WM_PROTOCOLS");
        self.conn
            .change_property32(PropMode::REPLACE, self.window, protocols, AtomEnum::ATOM, &delete)
            .unwrap();
        self.conn.flush().unwrap();
    }

    /// The keysym on the first level of a key.
    pub fn keysym(&self, keycode: u8) -> u32 {
        self.conn.get_keyboard_mapping(keycode, 1).unwrap().reply().unwrap().keysyms[0]
    }

    pub fn size(&self) -> (u16, u16) {
        let geometry = self.conn.get_geometry(self.window).unwrap().reply().unwrap();
        (geometry.width, geometry.height)
    }

    /// Waits for the first event that the function takes.
    pub fn until<T>(&self, what: &str, mut takes: impl FnMut(&Event) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).unwrap_or_else(|error| panic!("no {what}: {error}"));
            if let Some(found) = takes(&event) {
                return found;
            }
        }
    }

    pub fn until_sized(&self, width: u16, height: u16) {
        self.until("new size", |event| match event {
            Event::ConfigureNotify(e) if (e.width, e.height) == (width, height) => Some(()),
            _ => None,
        });
    }

    pub fn until_focused(&self) {
        self.until("focus", |event| matches!(event, Event::FocusIn(_)).then_some(()));
    }

    /// Presses and releases in their order, until there are so many; moves are left out.
    pub fn strokes(&self, count: usize) -> Vec<Stroke> {
        let next = || self.until("press or release", Stroke::read);
        std::iter::repeat_with(next).take(count).collect()
    }

    /// Everything that has arrived by now, after a round trip that the server answers behind it.
    pub fn strokes_so_far(&self) -> Vec<Stroke> {
        self.conn.get_input_focus().unwrap().reply().unwrap();
        // The events stand before the reply on the wire; the reading thread hands them over in a moment.
        let quiet = Duration::from_millis(200);
        std::iter::from_fn(|| self.events.recv_timeout(quiet).ok())
            .filter_map(|event| Stroke::read(&event))
            .collect()
    }
}

/// A press or release as the program sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stroke {
    Button(u8, Is, (i16, i16)),
    Key(u8, Is),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Is {
    Down,
    Up,
}

impl Stroke {
    fn read(event: &Event) -> Option<Self> {
        match event {
            Event::ButtonPress(e) => Some(Self::Button(e.detail, Is::Down, (e.event_x, e.event_y))),
            Event::ButtonRelease(e) => Some(Self::Button(e.detail, Is::Up, (e.event_x, e.event_y))),
            Event::KeyPress(e) => Some(Self::Key(e.detail, Is::Down)),
            Event::KeyRelease(e) => Some(Self::Key(e.detail, Is::Up)),
            _ => None,
        }
    }
}
