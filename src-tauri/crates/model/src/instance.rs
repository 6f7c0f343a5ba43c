//! The life of an instance as people see it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::{
    display::{DisplayRecord, WindowId},
    ending::EndingReason,
    process::ProcessId,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    Queued,
    Starting,
    Ready,
    /// It ended by itself and is started again after a pause; its URL lives on.
    Restarting,
    Stopping,
    Stopped,
    /// Given up; `message` says why. It can be started again.
    Failed,
    /// Its machine does not answer.
    Lost,
}

impl InstanceState {
    /// Does it hold a slot of the machine?
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Starting | Self::Ready | Self::Restarting | Self::Stopping)
    }
}

/// How far a start has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The instance's own X display is being started.
    Display,
    /// The program was started and has not shown a sign of life yet.
    Launching,
    /// The program reports that it is loading its scene.
    Loading,
    /// Waiting for the program's window.
    Window,
    /// The program runs; its API is being connected.
    Connecting,
}

/// One line about an instance, for people and for the API.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct InstanceStatus {
    pub state: InstanceState,
    pub phase: Option<Phase>,
    /// 0.0–1.0 where it can be told.
    pub progress: Option<f32>,
    /// What is being loaded or downloaded right now, in words.
    pub detail: Option<String>,
    /// Counts starts since the last quiet time: 1 at first.
    pub attempt: u32,
    /// What happened, to what, what to do; in words for the viewer.
    pub message: Option<String>,
}

impl InstanceStatus {
    pub const fn new(state: InstanceState) -> Self {
        Self { state, phase: None, progress: None, detail: None, attempt: 1, message: None }
    }
}

/// The processes of a live instance; kept in the journal, so that a restarted node can adopt them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Running {
    pub display: DisplayRecord,
    /// Absent between the display's start and the program's.
    pub program: Option<ProcessId>,
    /// Known once the program has shown it.
    pub window: Option<WindowId>,
    /// The port of OpenSpace's API on 127.0.0.1.
    pub api_port: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    Viewer,
    Administrator,
    /// The node ends and its policy is to take its instances with it.
    Shutdown,
    /// It stood ready for somebody, and its place is needed, or nobody is expected any more.
    Unneeded,
    /// It was started to download its data, and has done so, or makes way.
    Fetched,
    /// Its time is over.
    Over(EndingReason),
}
