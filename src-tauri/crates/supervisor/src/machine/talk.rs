//! What the machine is told, and what it wants done. Pure.

use std::time::Duration;

use model::StopReason;
use openspace::readiness::Sign;

#[derive(Clone, Debug)]
pub(crate) enum Input {
    Start,
    Stop(StopReason),
    Restart,
    /// What of an earlier node's instance still lives; comes first, in place of `Start`.
    Adopted(Adopted),
    DisplayOpened,
    DisplayFailed(Failure),
    DisplayGone,
    DisplayClosed,
    Spawned,
    SpawnFailed(Failure),
    Log(Sign),
    WindowFound,
    WindowMissing(String),
    ApiReady,
    ApiFailed(String),
    /// With what it was lost by.
    ApiLost(String),
    Exited(Farewell),
    /// A moment that `wake_at` named has come.
    TimedOut,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Adopted {
    pub display: bool,
    pub program: bool,
    /// It had shown its window: it is not loading any more.
    pub was_ready: bool,
}

/// Why something could not be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    /// A sentence for the viewer: no paths.
    pub why: String,
    /// May it go well the next time?
    pub heals: bool,
    /// For the administrator: paths and the system's own words.
    pub note: Option<String>,
}

impl Failure {
    pub fn passing(why: String) -> Self {
        Self { why, heals: true, note: None }
    }
    pub fn lasting(why: String) -> Self {
        Self { why, heals: false, note: None }
    }
    #[must_use]
    pub fn noting(self, note: String) -> Self {
        Self { note: Some(note), ..self }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
    /// It was another node's child, so only its end is known.
    Unknown,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Farewell {
    pub exit: Exit,
    /// The end of its log, where there is one.
    pub last_words: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Output {
    OpenDisplay,
    Spawn,
    WaitWindow {
        within: Duration,
    },
    ConnectApi {
        within: Duration,
    },
    /// Through its API, once: it is a toggle.
    AskToEnd,
    CloseWindow,
    Terminate,
    Kill,
    CloseDisplay,
}
