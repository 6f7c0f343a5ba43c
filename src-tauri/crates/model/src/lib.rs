//! The nouns of OpenSpace WebRTC: what a build, an instance, a session, a sample of health *is*.
//!
//! Every room may use these words. Absent on purpose: I/O, async, clocks, and anything that knows a library.

pub mod audit;
pub mod build;
pub mod display;
pub mod ending;
pub mod health;
pub mod ids;
pub mod input;
pub mod instance;
pub mod launch;
pub mod mission;
pub mod process;
pub mod property;
pub mod role;
pub mod saved;
pub mod saved_scene;
pub mod scene;
pub mod secret;
pub mod trouble;
pub mod units;
pub mod video;

pub use audit::{AuditEntry, AuditKind, AuditOutcome, AuditQuestion};
pub use build::{ApiGeneration, Build, BuildId, BuildKind, Confirmed, Profile};
pub use display::{DisplayAddress, DisplayRecord, WindowId};
pub use ending::EndingReason;
pub use ids::{InstanceId, ServerId, ViewerId};
pub use instance::{InstanceState, InstanceStatus, Phase, Running, StopReason};
pub use launch::LaunchPlan;
pub use mission::{Milestone, Mission, MissionPhase};
pub use process::ProcessId;
pub use property::{PropertyKind, PropertyOption, PropertyValue, SceneProperty};
pub use role::Role;
pub use saved::{SavedFile, SavedKind};
pub use saved_scene::SavedScene;
pub use scene::{SceneAction, SceneNode, SceneState, SceneToggle};
pub use secret::{Secret, SecretHash};
pub use trouble::{ScenePart, Trouble};
pub use units::{Bitrate, FrameRate, Size, UnixMillis};
