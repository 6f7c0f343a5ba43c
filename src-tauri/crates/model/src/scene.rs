//! What is seen: the time, what the camera looks at, what else there is.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How an instance's scene is now, as everybody who watches it sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SceneState {
    /// The simulated time, ISO 8601 in UTC: `2026-11-23T18:40:00.000Z`.
    pub time: String,
    /// Simulated seconds that pass in one; negative runs backwards. What it runs towards while it changes smoothly.
    pub rate_seconds_per_second: f64,
    pub paused: bool,
    /// The identifier of the node that the camera follows.
    pub focus: String,
    /// Where the camera is over its focus, where OpenSpace can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub camera: Option<CameraPlace>,
    pub mode: SceneMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct CameraPlace {
    /// Degrees; north is positive.
    pub latitude: f64,
    /// Degrees; east is positive.
    pub longitude: f64,
    pub altitude_m: f64,
}

/// Who moves the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SceneMode {
    #[default]
    UserControl,
    /// A recorded session is played.
    Playback,
    /// It flies by itself.
    CameraPath,
}

/// Something that can be looked at, or shown and hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SceneNode {
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whoever made the scene recommends it.
    pub interesting: bool,
}

/// What a scene offers to do, by a name or a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SceneAction {
    pub id: String,
    pub name: String,
    pub description: String,
    /// Each with its modifiers: `Shift+T`.
    pub keys: Vec<String>,
}
