//! What an instance has saved for its viewers: screenshots and session recordings.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::UnixMillis;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SavedKind {
    Screenshots,
    Recordings,
}

/// One file, by its name; where it lies is nobody's business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SavedFile {
    pub name: String,
    pub bytes: u64,
    pub saved: UnixMillis,
}
