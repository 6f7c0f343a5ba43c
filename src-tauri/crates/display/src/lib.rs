//! A display of its own for each instance: an X server, the program's window on it, and the hand that moves on it.
//!
//! Absent on purpose: what runs on the display, and who looks at it.

use std::{path::PathBuf, time::Duration};

use model::{DisplayAddress, DisplayRecord, Size, WindowId, input::Input};

/// What is wanted of a display.
#[derive(Clone, Debug)]
pub struct Spec {
    pub size: Size,
    /// The instance's own folder: the cookie and the server's log go here.
    pub dir: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("Xvfb is not installed: install it with `apt-get install xvfb`, then launch again")]
    NoXvfb,
    #[error("the X display could not be started: {0}")]
    Failed(String),
    /// The recorded server is gone, or its process id belongs to another process by now.
    #[error("display :{0} is gone")]
    Gone(u32),
}

#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    #[error("the program opened no window within {0:?}")]
    NoWindow(Duration),
    #[error("the display is gone: {0}")]
    Display(String),
}

/// A running X server in a session of its own: it outlives this process, and is closed only by [`Display::close`].
#[derive(Debug)]
pub struct Display;

impl Display {
    /// Starts Xvfb on a number that it finds free itself, with its own cookie and without TCP.
    pub async fn open(_spec: Spec) -> Result<Self, OpenError> {
        todo!()
    }
    /// Takes over a server that an earlier node left running.
    pub async fn adopt(_record: DisplayRecord) -> Result<Self, OpenError> {
        todo!()
    }
    pub fn record(&self) -> &DisplayRecord {
        todo!()
    }
    pub fn address(&self) -> &DisplayAddress {
        todo!()
    }
    /// `DISPLAY` and `XAUTHORITY` for a program on this display.
    pub fn env(&self) -> Vec<(String, String)> {
        todo!()
    }
    /// Waits for the program's main window, makes it fill the display, undecorated, and gives it the focus.
    pub async fn window(&self, _within: Duration) -> Result<WindowId, WindowError> {
        todo!()
    }
    /// Asks the window to close, as a click on its close button would (`WM_DELETE_WINDOW`).
    pub async fn close_window(&self, _window: WindowId) {
        todo!()
    }
    /// Resolves when the server has ended.
    pub async fn exited(&self) {
        todo!()
    }
    pub async fn close(self) {
        todo!()
    }
}

/// The hand on one display, through XTEST. Everything that it holds is let go on [`Input::ReleaseAll`], when it is dropped, and
/// after 250 ms of silence.
#[derive(Debug)]
pub struct Injector;

impl Injector {
    pub fn open(_address: &DisplayAddress, _size: Size) -> anyhow::Result<Self> {
        todo!()
    }
    /// Never waits: a hand that is faster than the X server loses moves, not presses or releases.
    pub fn handle(&self, _input: Input) {
        todo!()
    }
}
