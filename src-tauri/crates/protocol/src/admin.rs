//! The panel's backend: one snapshot of the whole machine, and the commands that change it.

use std::collections::BTreeMap;

use model::{
    AuditEntry, InstanceId, ServerId, Size, UnixMillis, ViewerId, health::HealthSample, video::EncoderChoice,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::api::{BuildView, InstanceView};

/// Everything the panel draws. It is sent whole: a few kilobytes a second to a handful of administrators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct NodeSnapshot {
    pub node: NodeView,
    pub health: Option<HealthSample>,
    /// The last two minutes, one point a second, oldest first; for the small charts.
    pub history: Vec<HealthPoint>,
    pub instances: Vec<AdminInstance>,
    pub builds: Vec<AdminBuild>,
    /// What stands ready before anybody asks, or is wanted to.
    pub standby: Vec<StandbyView>,
    /// What needs a person: "The disk of the data folder is full", "No encoder could be opened".
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct NodeView {
    pub server_id: ServerId,
    pub name: String,
    pub version: String,
    pub started: UnixMillis,
    pub ports: Ports,
    /// Where viewers open the home page, best first.
    pub home_urls: Vec<String>,
    pub data_dir: String,
    pub slots_total: u32,
    pub slots_free: u32,
    pub viewers: u32,
    /// How instances are drawn: "NVIDIA (VirtualGL)" or "Mesa (software)", with the reason.
    pub graphics: String,
    /// The encoder that new streams get, once one was opened.
    pub encoder: Option<EncoderChoice>,
}

/// Written to `<data-dir>/ports.json` once the node serves. Absent means that the door is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Ports {
    pub http: u16,
    pub https: Option<u16>,
    pub media: u16,
    pub supervisor: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct HealthPoint {
    pub cpu_percent: f32,
    pub memory_percent: f32,
    pub gpu_percent: Option<f32>,
    pub gpu_memory_percent: Option<f32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct AdminInstance {
    pub instance: InstanceView,
    pub size: Size,
    pub display: Option<String>,
    pub pid: Option<u32>,
    /// 100 is one core; the program and its children.
    pub cpu_percent: Option<f32>,
    pub memory_bytes: Option<u64>,
    pub gpu_memory_bytes: Option<u64>,
    pub encoder: Option<EncoderChoice>,
    pub stream: Option<StreamView>,
    pub viewers: Vec<AdminViewer>,
    /// The last lines that the program printed.
    pub log_tail: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct StreamView {
    pub fps: f32,
    pub bitrate_kbps: u32,
    pub target_kbps: u32,
    /// Grab → encoded, median of the last second.
    pub encode_ms: f32,
    pub dropped_frames: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct AdminViewer {
    pub viewer_id: ViewerId,
    pub role: model::Role,
    pub in_control: bool,
    pub connected: bool,
    pub rtt_ms: Option<f32>,
}

/// One scene that launches are to find ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct StandbyView {
    pub build: String,
    pub profile: Option<String>,
    pub wanted: u32,
    /// Those that stand ready now.
    pub ready: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct AdminBuild {
    pub build: BuildView,
    /// Where it lies; administrators only.
    pub location: String,
    pub profiles: Vec<String>,
    /// Sentences about what is missing or wrong; empty when it can be launched.
    pub problems: Vec<String>,
    /// Sentences about what was set for it: "Mesa offers OpenGL 4.5: MESA_GL_VERSION_OVERRIDE=4.6 is set".
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminCommand {
    Launch {
        #[serde(default)]
        #[ts(optional)]
        build: Option<String>,
        #[serde(default)]
        #[ts(optional)]
        profile: Option<String>,
    },
    Stop {
        instance_id: InstanceId,
    },
    Restart {
        instance_id: InstanceId,
    },
    /// Forgets a failed or stopped instance.
    Remove {
        instance_id: InstanceId,
    },
    AddBuild {
        dir: String,
        #[serde(default)]
        env: BTreeMap<String, String>,
        #[serde(default)]
        args: Vec<String>,
    },
    AddProgram {
        name: String,
        /// The program and its arguments.
        run: Vec<String>,
        #[serde(default)]
        #[ts(optional)]
        working_dir: Option<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
    },
    RemoveBuild {
        id: String,
    },
    SetDefaultBuild {
        id: String,
    },
    /// So many of a build and profile stand ready before anybody asks; 0 ends it.
    SetStandby {
        build: String,
        #[serde(default)]
        #[ts(optional)]
        profile: Option<String>,
        count: u32,
    },
    /// Makes a token for an administrator's browser. It is told once, and known here by its hash only.
    CreateToken,
}

/// A page of the audit log, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// There are older ones: ask for those `before` the last of these.
    pub more: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum AdminReply {
    Done,
    Launched { instance_id: InstanceId, url: String },
    BuildAdded { build: BuildView },
    TokenCreated { token: String },
}
