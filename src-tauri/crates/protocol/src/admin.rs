//! The panel's backend: one snapshot of the whole machine, and the commands that change it.

use std::collections::BTreeMap;

use model::{
    ApiGeneration, AuditEntry, InstanceId, ServerId, Size, UnixMillis, ViewerId,
    health::HealthSample,
    video::{EncoderChoice, Rendition},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

mod registry;

pub use self::registry::{
    Password, RegistryAddress, RegistryFound, RegistryState, RegistryTables, RegistryTls, RegistryView,
};
use crate::{
    api::{BuildView, EndingView, InstanceView, ProfileView},
    fleet::FleetView,
};

/// Everything the panel draws. It is sent whole: a few kilobytes a second to a handful of administrators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct NodeSnapshot {
    pub node: NodeView,
    pub health: Option<HealthSample>,
    /// The last two minutes, one point a second, oldest first; for the small charts.
    pub history: Vec<HealthPoint>,
    pub instances: Vec<AdminInstance>,
    pub builds: Vec<AdminBuild>,
    pub source_build: Option<SourceBuildView>,
    /// Data that is downloaded before anybody asks, in the order it was asked for.
    pub fetches: Vec<FetchView>,
    /// What stands ready before anybody asks, or is wanted to.
    pub standby: Vec<StandbyView>,
    pub registry: RegistryView,
    pub fleet: FleetView,
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
    /// Present while the machine takes nothing new.
    pub draining: Option<DrainView>,
    /// How instances are drawn: "NVIDIA (VirtualGL)" or "Mesa (software)", with the reason.
    pub graphics: String,
    /// The encoder that new streams get, once one was opened.
    pub encoder: Option<EncoderChoice>,
}

/// A machine that is being emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct DrainView {
    pub since: UnixMillis,
    /// When what still runs is ended; absent: it runs on until it ends by itself.
    pub until: Option<UnixMillis>,
}

/// Written to `<data-dir>/ports.json` once the node serves. Absent means that the door is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Ports {
    pub http: u16,
    pub https: Option<u16>,
    pub media: u16,
    pub supervisor: Option<u16>,
    /// For the other machines of the fleet.
    #[serde(default)]
    pub relay: Option<u16>,
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
    pub renditions: Vec<RenditionView>,
    pub viewers: Vec<AdminViewer>,
    /// When it ends if nobody does anything, however far that is; absent where nothing limits it.
    pub ending: Option<EndingView>,
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
    /// What this viewer is shown.
    pub rendition: Option<Rendition>,
    /// Of the last second, as the viewer reports it: 0.0–1.0.
    pub fraction_lost: f32,
    /// Frames that it was not sent: it waited for a keyframe, or its connection was full.
    pub frames_skipped: u64,
    /// UDP does not get through to it.
    pub over_tcp: bool,
}

/// One encode of an instance's picture that somebody watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct RenditionView {
    pub rendition: Rendition,
    pub size: Size,
    pub encoder: String,
    pub viewers: u32,
    pub stream: StreamView,
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
    /// The dialect that its files are written for; absent in a program.
    pub api: Option<ApiGeneration>,
    pub commit: Option<String>,
    /// What the program that lies there now said of itself when it ran; absent until its first start.
    pub confirmed: Option<ConfirmedView>,
    /// When its folder was noticed to have changed, since the node runs.
    pub changed: Option<UnixMillis>,
    pub profiles: Vec<ProfileView>,
    /// Sentences about what is missing or wrong; empty when it can be launched.
    pub problems: Vec<String>,
    /// Sentences that are good to know: where the program differs from its files, what is not used, which profiles are broken.
    pub notes: Vec<String>,
    /// Why its newest start came to nothing.
    pub last_failure: Option<String>,
}

/// What an instance left to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct LogsOfInstance {
    pub instance_id: InstanceId,
    pub build_name: String,
    pub profile: Option<String>,
    /// Absent while it lives.
    pub ended: Option<UnixMillis>,
    /// The last that was said of it.
    pub message: Option<String>,
    pub files: Vec<LogFile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct LogFile {
    pub name: String,
    pub bytes: u64,
}

/// A build from source: the one that is under way, or the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct SourceBuildView {
    pub dir: String,
    pub step: SourceStep,
    /// 0.0–1.0 of the step, where its program tells.
    pub progress: Option<f32>,
    pub started: UnixMillis,
    /// How it ended.
    pub message: Option<String>,
    /// What it was registered as.
    pub build: Option<String>,
    /// The last lines that CMake and the compilers printed.
    pub log_tail: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceStep {
    Configuring,
    Building,
    Installing,
    Done,
    Failed,
    Cancelled,
}

/// The data of a scene that is downloaded before anybody asks: under way, or how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct FetchView {
    pub build: String,
    pub profile: String,
    pub step: FetchStep,
    /// When it was asked for, or ended.
    pub since: UnixMillis,
    /// The instance that fetches it.
    pub instance_id: Option<InstanceId>,
    /// Files that were begun in this start, and that have come.
    pub files_begun: u32,
    pub files_done: u32,
    /// What it does or waits for, or how it ended.
    pub message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FetchStep {
    Waiting,
    Fetching,
    Ending,
    Done,
    Failed,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct ConfirmedView {
    /// Absent in a development build, which has no number.
    pub version: Option<String>,
    pub api: ApiGeneration,
    pub at: UnixMillis,
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
    /// What is lost with its machine goes on on another one, for whose it is.
    Continue {
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
    /// Configures, builds and installs the sources of an OpenSpace, and registers what came of it. The snapshot shows how far it is.
    BuildFromSource {
        dir: String,
        /// CMake's: `NAME` → value.
        #[serde(default)]
        options: BTreeMap<String, String>,
    },
    CancelSourceBuild,
    /// Has the data of a scene downloaded now, so that no viewer waits for it. The snapshot shows how far it is.
    FetchData {
        build: String,
        #[serde(default)]
        #[ts(optional)]
        profile: Option<String>,
    },
    CancelFetch {
        build: String,
        #[serde(default)]
        #[ts(optional)]
        profile: Option<String>,
    },
    /// So many of a build and profile stand ready before anybody asks; 0 ends it.
    SetStandby {
        build: String,
        #[serde(default)]
        #[ts(optional)]
        profile: Option<String>,
        count: u32,
    },
    /// Takes nothing new from now on; what runs goes on until it ends, or for `within_s` seconds.
    Drain {
        #[serde(default)]
        #[ts(optional)]
        within_s: Option<u32>,
    },
    /// Takes launches again.
    Undrain,
    /// Makes the registry's tables, or adopts those of the old back end; safe to repeat.
    SetUpRegistry,
    /// Looks at a database without changing anything there.
    TryRegistry {
        address: RegistryAddress,
        /// Absent: the one that is kept, if the address is still the same.
        #[serde(default)]
        #[ts(optional)]
        password: Option<Password>,
    },
    /// This machine meets the others there from now on: makes or adopts the tables where that is needed. What runs runs on.
    JoinRegistry {
        address: RegistryAddress,
        #[serde(default)]
        #[ts(optional)]
        password: Option<Password>,
    },
    /// This machine stands alone from now on; the others are told. What runs runs on.
    LeaveRegistry,
    /// Makes this machine the founder of a fleet.
    FoundFleet,
    /// A code by which one machine joins; where this one belongs to no fleet yet, it founds one.
    CreateJoinCode,
    JoinFleet {
        code: String,
    },
    /// This machine belongs to no fleet from now on. What runs runs on.
    LeaveFleet,
    /// The founder's: that machine is not trusted any more.
    RemoveMachine {
        server_id: ServerId,
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
    Launched {
        instance_id: InstanceId,
        url: String,
    },
    BuildAdded {
        build: BuildView,
    },
    TokenCreated {
        token: String,
    },
    /// It is told once, works once, and for a quarter of an hour.
    JoinCode {
        code: String,
    },
    /// What was done, in a sentence.
    RegistrySetUp {
        message: String,
    },
    RegistryTried {
        found: RegistryFound,
    },
}
