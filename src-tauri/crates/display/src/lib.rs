//! A display of its own for each instance: an X server, the program's window on it, and the hand that moves on it.
//!
//! ```text
//!   Display ── owns ──► Xvfb              a process in its own session; outlives this one, is adopted by pid and start time
//!      └───── keeper ─► windows (pure)    a thread: the program's main window fills the display, the newest window has the keyboard
//!   sound ── owns ────► PulseAudio        one output of its own, a pipe
//!   resize                                 the display becomes larger or smaller while all that is on it goes on
//!   Injector ─────────► queue ─► held     a thread: nothing stays pressed (both pure); XTEST
//! ```
//!
//! Absent on purpose: what runs on the display, and who looks at it or listens.

mod cookie;
pub mod graphics;
mod held;
mod injector;
mod keeper;
mod keys;
pub mod process;
mod programs;
mod queue;
mod resize;
mod server;
mod sound;
mod windows;
mod wire;

use std::{ffi::OsStr, path::PathBuf, time::Duration};

use model::{DisplayAddress, DisplayRecord, Size, WindowId};
use tokio::{sync::watch, time::timeout};

pub use injector::Injector;
pub use programs::find_vglrun;
pub use resize::resize;
pub use sound::sound;

use crate::{keeper::Keeper, windows::Main};

/// How long asking a window to close may take; only a server that hangs needs more.
const ASK_TO_CLOSE: Duration = Duration::from_secs(2);

/// What is wanted of a display.
#[derive(Clone, Debug)]
pub struct Spec {
    pub size: Size,
    /// The instance's own folder: the cookie and the server's log go here. Made if it is not there.
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
///
/// As long as this handle lives, the program's main window is kept at the display's size and the newest window has the keyboard.
#[derive(Debug)]
pub struct Display {
    record: DisplayRecord,
    keeper: Keeper,
}

impl Display {
    /// Starts Xvfb on a number that it finds free itself, with its own cookie and without TCP.
    pub async fn open(spec: Spec) -> Result<Self, OpenError> {
        let started = server::start(OsStr::new("Xvfb"), &spec).await?;
        sound::start(&started.record).await;
        match begin(&started.record).await {
            Ok(keeper) => Ok(Self { record: started.keep(), keeper }),
            Err(error) => {
                server::stop(&started.record).await;
                Err(OpenError::Failed(format!("{error:#}")))
            }
        }
    }

    /// Takes over a server that an earlier node left running.
    pub async fn adopt(record: DisplayRecord) -> Result<Self, OpenError> {
        if !process::is_alive(record.server) {
            sound::stop(record.server).await;
            return Err(OpenError::Gone(record.address.number));
        }
        let keeper =
            Keeper::start(&record.address).await.map_err(|error| OpenError::Failed(format!("{error:#}")))?;
        sound::watch(record.server);
        Ok(Self { record, keeper })
    }

    pub const fn record(&self) -> &DisplayRecord {
        &self.record
    }

    pub const fn address(&self) -> &DisplayAddress {
        &self.record.address
    }

    /// `DISPLAY` and `XAUTHORITY` for a program on this display, and what keeps it from opening its window elsewhere: on the Wayland
    /// desktop of whoever started the node.
    pub fn env(&self) -> Vec<(String, String)> {
        let auth_file = self.record.address.auth_file.to_string_lossy().into_owned();
        let fixed = [
            ("WAYLAND_DISPLAY", ""),
            ("XDG_SESSION_TYPE", "x11"),
            ("GDK_BACKEND", "x11"),
            ("QT_QPA_PLATFORM", "xcb"),
        ];
        let own = [("DISPLAY".to_owned(), self.record.address.name()), ("XAUTHORITY".to_owned(), auth_file)];
        let own = own.into_iter().chain(sound::env(&self.record));
        own.chain(fixed.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
    }

    /// Waits for the program's main window, makes it fill the display, undecorated, and gives it the focus.
    ///
    /// Main is the largest window that stays: at least 0.1 s if it takes half the display, 1.5 s if it is smaller, so that a splash
    /// screen is let pass. A program that keeps a size of its own gets its window all the same, once `within` is over.
    pub async fn window(&self, within: Duration) -> Result<WindowId, WindowError> {
        let mut main = self.keeper.main();
        let filled = timeout(within, main.wait_for(|main| main.is_some_and(|main| main.filled))).await;
        let found = match filled {
            Ok(Ok(found)) => *found,
            Ok(Err(_closed)) => return Err(WindowError::Display("its X server has ended".to_owned())),
            Err(_elapsed) => *self.keeper.main().borrow(),
        };
        let Some(Main { id, filled }) = found else { return Err(WindowError::NoWindow(within)) };
        if !filled {
            tracing::warn!(
                display = self.record.address.number,
                window = id,
                "the program keeps a size of its own"
            );
        }
        Ok(WindowId(id))
    }

    /// The program's main window at any time: it changes when a program closes it and opens another one. `None` while there is none;
    /// the channel closes when the display is gone.
    pub fn main_window(&self) -> MainWindow {
        MainWindow(self.keeper.main())
    }

    /// Asks the window to close, as a click on its close button would (`WM_DELETE_WINDOW`).
    pub async fn close_window(&self, window: WindowId) {
        let address = self.record.address.clone();
        let asking = tokio::task::spawn_blocking(move || keeper::ask_to_close(&address, window.0));
        match timeout(ASK_TO_CLOSE, asking).await {
            Ok(Ok(Ok(()))) => {}
            // The window has closed already, mostly; whoever asks looks at the program's end anyway.
            Ok(Ok(Err(error))) => tracing::debug!(%error, "asking a window to close"),
            Ok(Err(error)) => tracing::error!(%error, "asking a window to close"),
            Err(_elapsed) => tracing::warn!(display = self.record.address.number, "the X server hangs"),
        }
    }

    /// Resolves when the server has ended.
    pub async fn exited(&self) {
        process::exited(self.record.server).await;
    }

    /// Ends the server, by force after three seconds, and removes its lock, socket and cookie. Its log stays.
    pub async fn close(self) {
        let Self { record, keeper } = self;
        drop(keeper);
        server::stop(&record).await;
        tracing::debug!(display = record.address.number, "X server closed");
    }
}

/// The server began as large as it may become; the program is to see it as large as it is wanted.
async fn begin(record: &DisplayRecord) -> anyhow::Result<Keeper> {
    let (address, size) = (record.address.clone(), record.size);
    tokio::task::spawn_blocking(move || resize(&address, size)).await??;
    Keeper::start(&record.address).await
}

/// The program's main window as it changes.
#[derive(Clone, Debug)]
pub struct MainWindow(watch::Receiver<Option<Main>>);

impl MainWindow {
    pub fn get(&self) -> Option<WindowId> {
        self.0.borrow().map(|main| WindowId(main.id))
    }

    /// Resolves when it is another one than `known`; `None` when there is none now, or the display is gone.
    pub async fn changed_from(&mut self, known: WindowId) -> Option<WindowId> {
        let other = self.0.wait_for(|main| main.is_none_or(|main| main.id != known.0)).await.ok()?;
        other.map(|main| WindowId(main.id))
    }
}
