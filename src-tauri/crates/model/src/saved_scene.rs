//! A scene as somebody left it: enough to go on with it later, in another program, on another machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::PropertyValue;

/// Complete in itself: it names nothing of the machine that it was saved on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedScene {
    /// The simulated time, ISO 8601 in UTC.
    pub time: String,
    pub rate_seconds_per_second: f64,
    pub paused: bool,
    pub focus: String,
    /// `None` where OpenSpace did not tell; then the focus alone is gone back to.
    pub view: Option<View>,
    /// Properties that differ from what the scene began with, by URI; a node that is shown or hidden is one of them.
    pub properties: BTreeMap<String, PropertyValue>,
    /// So many more did differ, and were too many to be kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u32,
}

const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Where the camera is and looks: OpenSpace's navigation state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    pub anchor: String,
    pub aim: Option<String>,
    /// The node in whose axes `position` is given; the anchor's own when absent.
    pub frame: Option<String>,
    /// Metres.
    pub position: [f64; 3],
    pub up: Option<[f64; 3]>,
    /// Radians.
    pub yaw: f64,
    pub pitch: f64,
}
