//! What it takes to start a program, as plain data: decided in one place, written and started in another.

use std::{collections::BTreeMap, path::PathBuf};

use crate::build::ApiGeneration;

/// How an instance's program is started. Nothing here has been done yet.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LaunchPlan {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// Added to the node's own environment.
    pub env: BTreeMap<String, String>,
    pub working_dir: PathBuf,
    /// Made before the start, in this order: folders, then links (link → what it points to), then files.
    pub folders: Vec<PathBuf>,
    pub links: Vec<(PathBuf, PathBuf)>,
    pub files: Vec<(PathBuf, String)>,
    /// The OpenSpace socket that will answer, where there is one.
    pub api: Option<Api>,
    /// Sentences for the administrator about what was set and why.
    pub notes: Vec<String>,
}

/// Where OpenSpace's API listens (always on 127.0.0.1) and which dialect it speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Api {
    pub port: u16,
    pub generation: ApiGeneration,
}
