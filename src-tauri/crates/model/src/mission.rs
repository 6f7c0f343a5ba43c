//! What a scene tells of a space mission: its phases, and the moments that mattered.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Mission {
    pub id: String,
    /// The whole of it; its phases are its parts.
    #[serde(flatten)]
    pub whole: MissionPhase,
}

/// A part of a mission, which may have parts of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MissionPhase {
    pub name: String,
    pub description: String,
    /// ISO 8601 in UTC: `1969-07-16T13:32:00.000Z`.
    pub start: String,
    pub end: String,
    pub phases: Vec<MissionPhase>,
    pub milestones: Vec<Milestone>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Milestone {
    pub name: String,
    pub description: String,
    /// ISO 8601 in UTC.
    pub time: String,
}
