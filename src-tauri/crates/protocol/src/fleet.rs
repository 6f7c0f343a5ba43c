//! The machines that trust each other, as the panel shows them.

use model::{InstanceId, ServerId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::api::Rescue;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct FleetView {
    pub role: FleetRole,
    /// Of this machine's door for the others.
    pub port: Option<u16>,
    /// What is the matter with it, and what to do.
    pub trouble: Option<String>,
    pub machines: Vec<MachineView>,
    /// What ran on machines that do not answer any more, whosever it is.
    pub lost: Vec<LostView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct LostView {
    pub instance_id: InstanceId,
    pub build_name: String,
    pub profile: Option<String>,
    /// The name of the machine that is lost.
    pub machine: String,
    /// `None`: it is waited for; see `relay.continue`.
    pub rescue: Option<Rescue>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FleetRole {
    /// It belongs to no fleet.
    #[default]
    Alone,
    /// It makes the join codes, and says who is removed.
    Founder,
    Member,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct MachineView {
    pub server_id: ServerId,
    pub name: String,
    pub version: String,
    pub region: Option<String>,
    /// It tells the registry that it lives.
    pub alive: bool,
    pub slots_total: u32,
    pub slots_free: u32,
    pub founder: bool,
    pub this_machine: bool,
}
