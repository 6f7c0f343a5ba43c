//! What is the matter with a program's API while its picture goes on.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::UnixMillis;

/// Something of the scene cannot be asked or steered for now. It is tried again by itself; pointer and keys still reach the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Trouble {
    /// What is the matter, what is off because of it, what is done about it.
    pub message: String,
    pub since: UnixMillis,
    /// What cannot be used meanwhile.
    pub off: Vec<ScenePart>,
}

impl Trouble {
    /// Is this part off because of it?
    pub fn takes(&self, part: ScenePart) -> bool {
        self.off.contains(&part) || self.off.contains(&ScenePart::Everything)
    }
}

/// A part of a scene's controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ScenePart {
    /// All of them.
    Everything,
    /// What there is to look at, to show and to adjust.
    Contents,
    Actions,
    Missions,
}
