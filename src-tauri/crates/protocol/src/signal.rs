//! The signaling socket: JSON objects with the tag `type`, one a message, at most [`MAX_MESSAGE_BYTES`].
//!
//! The server offers. Media outlives the socket: a viewer that comes back within [`RESUME_WINDOW_S`] with its
//! `viewer_id` goes on with the same peer.

use model::{
    EndingReason, InstanceId, Phase, Role, ViewerId,
    video::{Rung, SizeMode},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::{api::Rescue, stream_report::StreamReport};

/// 64 KiB: an offer with every candidate is under 10 KiB.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// How long a viewer may take to say `hello`.
pub const HELLO_WITHIN_S: u64 = 5;
/// How long a viewer's media waits for its socket to come back.
pub const RESUME_WINDOW_S: u64 = 60;

/// viewer → server
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ViewerMessage {
    /// Must be the first.
    Hello(Hello),
    Answer {
        sdp: String,
    },
    Candidate(Candidate),
    RestartIce,
    Control {
        action: ControlAction,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        viewer_id: Option<ViewerId>,
    },
    Quality {
        mode: QualityMode,
    },
    /// How large the picture is to be, for everybody; from whoever steers.
    Size {
        mode: SizeMode,
    },
    /// How large this viewer could show it, in its screen's own pixels. Said when its window has come to rest.
    Window {
        width: u32,
        height: u32,
    },
    /// The viewer wants to hear the program, or not any more: nothing is sent to who does not listen.
    Sound {
        on: bool,
    },
    /// The tab is hidden or seen again: a hidden one receives no video.
    Visible {
        visible: bool,
    },
    /// "My stream is bad": it is kept on the machine, beside the instance's logs.
    Report(StreamReport),
    /// Lengthens what an `ending` warns of; whoever may steer may say it.
    Stay,
    Ping,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct Hello {
    pub protocol: u32,
    /// The secret of the browser; see `POST /sessions`.
    pub session_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub invite: Option<String>,
    /// To go on as the viewer one was before the socket broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub viewer_id: Option<ViewerId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct Candidate {
    pub candidate: String,
    #[serde(default)]
    pub sdp_mid: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlAction {
    Request,
    Release,
    /// Hands control to `viewer_id`.
    Give,
    /// Takes it from whoever has it.
    Take,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QualityMode {
    #[default]
    Auto,
    Interactive,
    Smooth,
    Saver,
}

/// server → viewer
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    Welcome {
        viewer_id: ViewerId,
        role: Role,
        ice_servers: Vec<IceServer>,
        instance: InstanceNews,
    },
    Instance(InstanceNews),
    Offer {
        sdp: String,
    },
    Candidate(Candidate),
    Viewers {
        list: Vec<ViewerView>,
    },
    Control {
        holder: Option<ViewerId>,
    },
    /// What this viewer is shown, and what made it.
    Picture(PictureNews),
    /// How large the picture is now, and what that goes by.
    Size(SizeNews),
    /// Can the program be heard at all? Not where the machine has no sound server.
    Sound {
        there: bool,
    },
    /// Something that everybody who watches should know: "The scene is back as it was left."
    Notice {
        message: String,
    },
    /// The instance ends soon, or (`null`) does not any more.
    Ending {
        ending: Option<EndingNews>,
    },
    Refused {
        reason: RefusalReason,
        message: String,
        retry_after_s: Option<u32>,
    },
    Bye {
        reason: ByeReason,
    },
    Pong,
}

/// How the instance is, as the stream page tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct InstanceNews {
    pub instance_id: InstanceId,
    pub state: model::InstanceState,
    pub phase: Option<Phase>,
    pub progress: Option<f32>,
    /// What is being loaded or downloaded right now.
    pub detail: Option<String>,
    pub attempt: u32,
    pub message: Option<String>,
    /// What people call the build: "Demo sky", "OpenSpace 0.22".
    pub build_name: String,
    pub demo: bool,
    /// Its machine is lost, and whose it is may have it go on elsewhere.
    #[serde(default)]
    pub rescue: Option<Rescue>,
    /// It is an OpenSpace: what it showed can be gone on with.
    #[serde(default)]
    pub has_scene: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct PictureNews {
    /// As its makers call it: `nvh264enc`, `x264enc`.
    pub encoder: String,
    pub hardware: bool,
    /// Which of the sizes that the machine makes.
    pub rung: Rung,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SizeNews {
    pub mode: SizeMode,
    pub width: u32,
    pub height: u32,
    /// The largest that this machine takes.
    pub width_max: u32,
    pub height_max: u32,
    /// Why it is not as large as was asked for, in a sentence.
    pub trouble: Option<String>,
}

/// When an instance ends, and whether that can be put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct EndingNews {
    pub why: EndingReason,
    /// Counted from this message, since clocks differ; absent where it goes on until it ends by itself.
    pub left_s: Option<u32>,
    /// By how much `stay` lengthens it; absent where nothing does.
    pub stay_s: Option<u32>,
    /// How often `stay` may still be said; absent where there is no limit.
    pub stays_left: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct IceServer {
    pub urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub credential: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct ViewerView {
    pub viewer_id: ViewerId,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// No such instance, or not this session's: the two are not told apart.
    NotFound,
    /// The session is not known here any more.
    StaleSession,
    BadInvite,
    /// The role does not allow it.
    NotAllowed,
    Full,
    Draining,
    /// The instance has failed, or no encoder could be opened.
    Unavailable,
    UnsupportedProtocol,
    Malformed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    Stopped,
    Replaced,
    Shutdown,
    TooManyMessages,
}
