//! Which process is meant, even after a restart of the node: a process id alone is reused by the system.

use serde::{Deserialize, Serialize};

/// A process id together with the time it started, which no later process of the same id shares.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ProcessId {
    pub pid: u32,
    /// Field 22 of `/proc/<pid>/stat`: clock ticks since the machine booted.
    pub start_ticks: u64,
}
