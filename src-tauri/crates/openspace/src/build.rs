//! Reads a build folder without running or writing anything in it.

use std::path::Path;

use model::{ApiGeneration, Profile};

#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    pub api: ApiGeneration,
    pub version: Option<String>,
    pub commit: Option<String>,
    pub profiles: Vec<Profile>,
    /// It says of itself that it is our demo renderer.
    pub demo: bool,
    /// Sentences: what is missing or wrong, and what to do.
    pub problems: Vec<String>,
    /// Sentences that are good to know and need no deed.
    pub notes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum NotABuild {
    #[error("{0} does not exist, or cannot be read")]
    Missing(std::path::PathBuf),
    #[error("{0} is not an OpenSpace folder: {1}")]
    NotOpenSpace(std::path::PathBuf, String),
    /// Quotes and brackets in the path break OpenSpace's own scripts.
    #[error("the path {0} holds one of ' \" [ ], which breaks OpenSpace's scripts: move the folder")]
    UnusablePath(std::path::PathBuf),
}

pub fn inspect(_dir: &Path) -> Result<Inspection, NotABuild> {
    todo!()
}

/// The profiles of an install folder (`data/profiles/**`), sorted; `default` first. A broken file is listed by its id alone.
pub fn profiles(_dir: &Path) -> Vec<Profile> {
    todo!()
}

/// The file of the executable: `bin/OpenSpace`, or a developer build's `bin/RelWithDebInfo/OpenSpace`, ….
pub fn executable(_dir: &Path) -> Option<std::path::PathBuf> {
    todo!()
}

/// Chromium's helper program beside the executable, where the build has one.
pub fn helper(_executable: &Path) -> Option<std::path::PathBuf> {
    todo!()
}
