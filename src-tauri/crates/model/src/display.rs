//! Where an instance's X display is and who runs it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{process::ProcessId, units::Size};

/// What another room needs to connect: the display's number and the file with its cookie.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DisplayAddress {
    pub number: u32,
    /// An Xauthority file that holds just this display's MIT-MAGIC-COOKIE-1.
    pub auth_file: PathBuf,
}

impl DisplayAddress {
    /// As in `DISPLAY`: `:12`.
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }
}

/// A display that runs; kept in the journal, so that a restarted node finds it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DisplayRecord {
    pub address: DisplayAddress,
    pub server: ProcessId,
    pub size: Size,
}

/// An X11 window.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WindowId(pub u32);
