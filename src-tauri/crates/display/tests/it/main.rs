//! The room with its real neighbour: Xvfb, and small X11 programs on it.
#![allow(clippy::unwrap_used, missing_debug_implementations)]

mod client;
mod displays;
mod input;
mod resizing;
mod sound;

use std::path::Path;

use display::{
    Display, Spec,
    process::{self, Kill},
};
use model::{ProcessId, Size};

pub const SIZE: Size = Size::new(640, 360);

/// The folder of a display. It ends the server too, should a failing test not have come to it.
pub struct Home {
    dir: tempfile::TempDir,
    server: ProcessId,
}

impl Home {
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Ended already, unless the test has failed.
        let _ = process::end(self.server, Kill::Gently);
    }
}

/// A display in a folder of its own, and the folder.
pub async fn open() -> (Display, Home) {
    let dir = tempfile::tempdir().unwrap();
    let display = Display::open(Spec { size: SIZE, dir: dir.path().to_owned() }).await.unwrap();
    let server = display.record().server;
    (display, Home { dir, server })
}
