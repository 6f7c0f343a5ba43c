//! What is seen: the time, what the camera looks at, what else there is; and what a viewer may wish of it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{PropertyValue, UnixMillis};

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
    /// Where it flies to by itself, where OpenSpace tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub journey: Option<Journey>,
    #[serde(default)]
    pub recorder: RecorderState,
    /// Since when the recorder has been at it; absent while it is idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub recorder_since: Option<UnixMillis>,
    /// Goes up whenever something is shown, hidden or set, as far as it is known: a list that was asked for before is old.
    #[serde(default)]
    pub changes: u32,
    /// The same of the values of settings, whoever sets them, where OpenSpace tells.
    #[serde(default)]
    pub settings: u32,
}

/// What the program's recorder of sessions does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RecorderState {
    #[default]
    Idle,
    Recording,
    Playing,
    /// A playback stands still.
    Paused,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct CameraPlace {
    /// Degrees; north is positive.
    pub latitude: f64,
    /// Degrees; east is positive.
    pub longitude: f64,
    pub altitude_m: f64,
}

/// A flight of the camera to a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Journey {
    /// The node's identifier.
    pub target: String,
    pub remaining_s: f64,
    pub paused: bool,
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
    /// Where OpenSpace's own menus have it, outermost first.
    pub group: Vec<String>,
    /// Each with its modifiers: `Shift+T`.
    pub keys: Vec<String>,
}

/// Something that is drawn, and can be shown and hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SceneToggle {
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where OpenSpace's own menus have it, outermost first: Solar System, Planets.
    pub group: Vec<String>,
    pub shown: bool,
    /// It can come and go smoothly.
    pub fades: bool,
}

/// One thing that a viewer wants. A pilot who holds control may change time and navigation; a presenter the scene as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "name", content = "args", rename_all = "snake_case", deny_unknown_fields)]
pub enum Wish {
    /// `time` is ISO 8601 in UTC: `2026-11-23`, `2026-11-23T18:40`, `2026-11-23T18:40:00.000Z`.
    SetTime {
        time: String,
    },
    Pause {
        paused: bool,
    },
    /// Simulated seconds that pass in one; negative runs backwards.
    SetRate {
        seconds_per_second: f64,
    },
    /// The next faster or slower of the scene's own steps.
    StepRate {
        forward: bool,
    },
    /// The present.
    Now {},
    /// Looks at a node at once.
    Focus {
        node: String,
    },
    FlyTo {
        node: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        duration_s: Option<f64>,
    },
    /// Flies to a place on a globe. Degrees, metres over its surface.
    FlyToGeo {
        node: String,
        latitude: f64,
        longitude: f64,
        altitude_m: f64,
    },
    /// Ends a flight where the camera is.
    StopFlight {},
    Show {
        node: String,
        visible: bool,
    },
    Fade {
        node: String,
        visible: bool,
        seconds: f64,
    },
    TriggerAction {
        action: String,
    },
    /// The nodes that are meant to be seen, recommended ones first; with `search`, those whose name or identifier holds it.
    /// A list that is too long for one message is cut.
    ListNodes {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        search: Option<String>,
    },
    ListActions {},
    /// What can be shown and hidden; with `search`, those whose name or identifier holds it. A list that is too long for one message is cut.
    ListToggles {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        search: Option<String>,
    },
    /// The missions that the scene tells of.
    ListMissions {},
    /// Looks at the next or the one before of the nodes that whoever made the scene recommends.
    StepFocus {
        forward: bool,
    },
    /// What may be changed by [`Self::SetProperty`]; with `search`, what has it in its name, its owner or its URI.
    /// A list that is too long for one message is cut.
    ListProperties {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        search: Option<String>,
    },
    SetProperty {
        uri: String,
        value: PropertyValue,
    },
    /// Keeps the picture as a file; its name is the answer.
    Screenshot {},
    ListScreenshots {},
    /// Keeps what happens from now on, until [`Self::StopRecording`].
    StartRecording {},
    /// The recording's name is the answer.
    StopRecording {},
    ListRecordings {},
    PlayRecording {
        name: String,
        #[serde(default)]
        looped: bool,
    },
    PausePlayback {
        paused: bool,
    },
    StopPlayback {},
    /// Ends the program and starts it again.
    Restart {},
    /// Runs a script, which may do everything that the program may. Only where the machine's configuration allows it.
    Lua {
        script: String,
    },
}

impl Wish {
    /// It moves what everybody looks at, so only one viewer at a time may: who holds control.
    pub const fn steers(&self) -> bool {
        match self {
            Self::SetTime { .. }
            | Self::Pause { .. }
            | Self::SetRate { .. }
            | Self::StepRate { .. }
            | Self::Now {}
            | Self::Focus { .. }
            | Self::FlyTo { .. }
            | Self::FlyToGeo { .. }
            | Self::StopFlight {}
            | Self::StepFocus { .. }
            | Self::PlayRecording { .. }
            | Self::PausePlayback { .. }
            | Self::StopPlayback {} => true,
            Self::Show { .. }
            | Self::Fade { .. }
            | Self::TriggerAction { .. }
            | Self::SetProperty { .. }
            | Self::Screenshot {}
            | Self::StartRecording {}
            | Self::StopRecording {}
            | Self::Restart {}
            | Self::Lua { .. }
            | Self::ListNodes { .. }
            | Self::ListActions {}
            | Self::ListToggles { .. }
            | Self::ListMissions {}
            | Self::ListProperties { .. }
            | Self::ListScreenshots {}
            | Self::ListRecordings {} => false,
        }
    }

    /// It leaves something other than it was; the rest only asks.
    pub const fn changes(&self) -> bool {
        !matches!(
            self,
            Self::ListNodes { .. }
                | Self::ListActions {}
                | Self::ListToggles { .. }
                | Self::ListMissions {}
                | Self::ListProperties { .. }
                | Self::ListScreenshots {}
                | Self::ListRecordings {}
        )
    }
}
