//! The HTTP API under `/api/v1`.

use model::{EndingReason, InstanceId, InstanceState, Phase, Role, ServerId, UnixMillis};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct SessionCreated {
    /// 256 random bits as 43 characters; kept by the browser, known here by its hash only.
    pub session_id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
#[ts(optional_fields)]
pub struct LaunchRequest {
    pub build: Option<String>,
    pub profile: Option<String>,
    pub region: Option<String>,
    pub server_id: Option<ServerId>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Goes on with a scene of `GET /scenes`: by its `scene_id`. Build and profile are then those that it was left in.
    pub resume: Option<InstanceId>,
}

/// A scene that was left when its instance ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct LeftSceneView {
    /// Of the instance in which it was left.
    pub scene_id: InstanceId,
    pub build: String,
    /// `None`: the build is not here any more, and the scene cannot be gone on with.
    pub build_name: Option<String>,
    pub profile: Option<String>,
    /// The node that the camera followed.
    pub focus: String,
    /// The simulated time, ISO 8601 in UTC.
    pub time: String,
    pub ended: UnixMillis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(untagged)]
pub enum Launched {
    Instance { instance_id: InstanceId, url: String, state: InstanceState },
    Queued { ticket_id: uuid::Uuid, position: u32, eta_s: Option<u32> },
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct TicketView {
    pub ticket_id: uuid::Uuid,
    pub state: TicketStage,
    /// 1 is next; 0 once it is not waiting any more.
    pub position: u32,
    /// Until it is its turn, by how long instances have lived lately. `None`: too little is known.
    pub eta_s: Option<u32>,
    /// How much longer a slot is held for it.
    pub held_s: Option<u32>,
    /// What is to be launched.
    pub build: Option<String>,
    pub profile: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketStage {
    Waiting,
    /// It is its turn: `POST /queue/{ticket_id}` launches.
    Held,
    /// A slot was held, and nobody came for it in time.
    Lapsed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct InstanceView {
    pub instance_id: InstanceId,
    pub state: InstanceState,
    pub phase: Option<Phase>,
    pub progress: Option<f32>,
    /// What is being loaded or downloaded right now.
    pub detail: Option<String>,
    pub attempt: u32,
    pub message: Option<String>,
    pub build: String,
    pub build_name: String,
    pub demo: bool,
    pub profile: Option<String>,
    pub server_id: ServerId,
    pub url: String,
    pub viewers: u32,
    pub created: UnixMillis,
    /// Nobody's yet: it runs so that the next launch of its build and profile finds it ready. Administrators see it.
    pub standby: bool,
    /// Nobody's: it runs to download its data, and ends then. Administrators see it.
    #[serde(default)]
    pub fetches: bool,
    /// It ends soon, unless somebody does something.
    pub ending: Option<EndingView>,
    /// Its machine is lost, and it may go on elsewhere: launch with `resume`.
    #[serde(default)]
    pub rescue: Option<Rescue>,
}

/// How an instance goes on when its machine is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rescue {
    /// As it was last seen.
    Resume,
    /// From its beginning: what it showed is not known.
    Anew,
}

/// When an instance ends, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct EndingView {
    pub why: EndingReason,
    pub at: UnixMillis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct BuildView {
    pub id: String,
    pub name: String,
    /// `openspace` or `program`.
    pub kind: String,
    pub version: Option<String>,
    pub demo: bool,
    pub default: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct ProfileView {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub author: Option<String>,
    /// Why nothing can be launched with it.
    pub problem: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct ServerView {
    pub server_id: ServerId,
    pub name: String,
    pub region: Option<String>,
    pub slots_total: u32,
    /// None while it is being emptied.
    pub slots_free: u32,
    pub this_machine: bool,
    /// It takes nothing new, so that it can be taken out of service.
    pub draining: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    pub role: Role,
    /// Seconds until it ends; a day when absent, a week at most.
    #[serde(default)]
    #[ts(optional)]
    pub ttl_s: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct InviteCreated {
    /// The secret is in the fragment, which browsers send to no server and no log.
    pub url: String,
}

/// RFC 9457 problem document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What happened, to what, what to do.
    pub detail: String,
}

/// Server-sent events of `/events`: the event's name is the tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// All that one may see, sent first and after a gap.
    Instances {
        list: Vec<InstanceView>,
    },
    Instance {
        instance: InstanceView,
    },
    Removed {
        instance_id: InstanceId,
    },
    /// All places that one has in the queue, when they change; none is told only after some.
    Queue {
        tickets: Vec<TicketView>,
    },
}
