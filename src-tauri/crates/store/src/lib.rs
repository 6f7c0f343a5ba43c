//! This machine's truth, in SQLite: settings, builds, the journal of instances and sessions.
//!
//! One thread owns the connection; [`Store`] is its remote control. Absent on purpose: what other machines need to know.

use std::path::{Path, PathBuf};

use model::{
    Build, BuildId, InstanceId, InstanceState, Role, Running, SecretHash, Size, UnixMillis,
};

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path} was written by a newer OpenSpace WebRTC (schema {found}, this one knows {known}): install the newer version, or choose another data folder")]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("{path} cannot be written: {why}. Make the folder writable, or choose another with --data-dir")]
    ReadOnly { path: PathBuf, why: String },
    #[error("{path} is not a database of OpenSpace WebRTC: {why}. Move it away, or choose another data folder")]
    Foreign { path: PathBuf, why: String },
    #[error("{path} is in use by another OpenSpace WebRTC")]
    InUse { path: PathBuf },
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the disk of the data folder is full: free some space; nothing that was saved before is lost")]
    DiskFull,
    #[error("the journal could not be {doing}: {why}")]
    Failed { doing: &'static str, why: String },
    #[error("the journal is closed")]
    Closed,
}

/// One row of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceRecord {
    pub id: InstanceId,
    pub session: SecretHash,
    pub build: BuildId,
    pub profile: Option<String>,
    pub size: Size,
    pub created: UnixMillis,
    pub state: InstanceState,
    pub message: Option<String>,
    pub running: Option<Running>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Invite {
    pub instance: InstanceId,
    pub role: Role,
    pub expires: UnixMillis,
}

#[derive(Clone, Debug)]
pub struct Store;

impl Store {
    /// Opens or creates the file, brings its schema up to date and locks it against a second node.
    pub fn open(_path: &Path) -> Result<Self, OpenError> {
        todo!()
    }

    pub async fn setting(&self, _key: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }
    pub async fn put_setting(&self, _key: &str, _value: &str) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn add_session(&self, _session: SecretHash, _now: UnixMillis) -> Result<(), StoreError> {
        todo!()
    }
    pub async fn knows_session(&self, _session: SecretHash) -> Result<bool, StoreError> {
        todo!()
    }

    pub async fn add_admin_token(&self, _token: SecretHash, _now: UnixMillis) -> Result<(), StoreError> {
        todo!()
    }
    pub async fn knows_admin_token(&self, _token: SecretHash) -> Result<bool, StoreError> {
        todo!()
    }

    pub async fn builds(&self) -> Result<Vec<Build>, StoreError> {
        todo!()
    }
    /// Adds it, or replaces the one of the same id.
    pub async fn put_build(&self, _build: &Build) -> Result<(), StoreError> {
        todo!()
    }
    /// False when there was none.
    pub async fn remove_build(&self, _id: &BuildId) -> Result<bool, StoreError> {
        todo!()
    }

    pub async fn instances(&self) -> Result<Vec<InstanceRecord>, StoreError> {
        todo!()
    }
    /// Adds it, or replaces the one of the same id.
    pub async fn put_instance(&self, _record: &InstanceRecord) -> Result<(), StoreError> {
        todo!()
    }
    pub async fn remove_instance(&self, _id: InstanceId) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn add_invite(&self, _invite: SecretHash, _what: &Invite) -> Result<(), StoreError> {
        todo!()
    }
    /// `None` when unknown or expired.
    pub async fn invite(&self, _invite: SecretHash, _now: UnixMillis) -> Result<Option<Invite>, StoreError> {
        todo!()
    }
}
