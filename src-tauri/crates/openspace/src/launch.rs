//! The per-instance view of one read-only install: what to make and how to start. Pure; the supervisor does it.

use std::path::{Path, PathBuf};

use model::{Build, InstanceId, LaunchPlan, Size};

#[derive(Clone, Debug)]
pub struct Order<'a> {
    pub build: &'a Build,
    pub profile: &'a str,
    pub instance: InstanceId,
    /// The instance's folder: everything that the program writes goes below it.
    pub dir: &'a Path,
    pub sync_dir: &'a Path,
    pub size: Size,
    pub ports: Ports,
    /// GL is Mesa's software renderer: OpenSpace wants 4.6 and Mesa offers 4.5.
    pub mesa: bool,
    /// The install's own executable, as [`crate::build::executable`] found it.
    pub executable: PathBuf,
    /// Chromium's helper beside it, as [`crate::build::helper`] found it; absent in builds without a web GUI.
    pub helper: Option<PathBuf>,
}

/// Free ports on loopback, one for each socket that OpenSpace would otherwise open on a fixed one.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub websocket: u16,
    pub web_gui: u16,
    pub tuio: u16,
}

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("{0} holds one of ' \" [ ], which breaks OpenSpace's scripts")]
    UnusablePath(std::path::PathBuf),
    #[error("the profile `{0}` is not a profile's name")]
    BadProfile(String),
    #[error("`{0}` is not an OpenSpace build")]
    NotOpenSpace(String),
}

pub fn plan(_order: &Order<'_>) -> Result<LaunchPlan, PlanError> {
    todo!()
}
