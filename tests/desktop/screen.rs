//! The desktop's screen as its X server knows it: which window is shown, and a click on its close button.

use anyhow::{Context, Result};
use x11rb::{
    connection::Connection,
    protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, MapState, Window},
    rust_connection::RustConnection,
};

pub struct Screen {
    connection: RustConnection,
    root: Window,
}

impl Screen {
    pub fn open(number: u32) -> Result<Self> {
        let (connection, screen) = x11rb::connect(Some(&format!(":{number}")))?;
        let root = connection.setup().roots[screen].root;
        Ok(Self { connection, root })
    }

    /// Asks the window to close, as a window manager does when its close button is clicked.
    pub fn close(&self, title: &str) -> Result<()> {
        let window = self.find(title)?.with_context(|| format!("no window is called {title}"))?;
        let atom =
            |name: &[u8]| Ok::<_, anyhow::Error>(self.connection.intern_atom(false, name)?.reply()?.atom);
        let delete = [atom(b"WM_DELETE_WINDOW")?, 0, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS")?, delete);
        self.connection.send_event(false, window, EventMask::NO_EVENT, message)?.check()?;
        Ok(())
    }

    pub fn shows(&self, title: &str) -> Result<bool> {
        let Some(window) = self.find(title)? else { return Ok(false) };
        Ok(self.connection.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE)
    }

    /// The window that answers to `WM_PROTOCOLS` under this title: the program's own, not its helpers'.
    fn find(&self, title: &str) -> Result<Option<Window>> {
        let protocols = self.connection.intern_atom(false, b"WM_PROTOCOLS")?.reply()?.atom;
        for window in self.connection.query_tree(self.root)?.reply()?.children {
            let name = self
                .connection
                .get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64)?
                .reply()?;
            let asks =
                self.connection.get_property(false, window, protocols, AtomEnum::ATOM, 0, 8)?.reply()?;
            if name.value == title.as_bytes() && asks.value_len > 0 {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }
}
