//! This machine's truth, in SQLite: settings, builds, the journal of instances and sessions.
//!
//! One thread owns the connection; [`Store`] is its remote control. A put has reached the disk when it returns: neither a
//! `kill -9` nor a power cut takes it back. Absent on purpose: what other machines need to know.

use std::path::{Path, PathBuf};

use cluster::line::Entry;
use model::{
    AuditEntry, AuditQuestion, Build, BuildId, Confirmed, InstanceId, InstanceState, Role, Running,
    SavedScene, SecretHash, Size, UnixMillis, video::PictureSize,
};
use uuid::Uuid;

mod audit;
mod file;
mod owner;
mod sql;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "{path} was written by a newer OpenSpace WebRTC (schema {found}, this one knows {known}): install the newer version, or choose another data folder"
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("{path} cannot be written: {why}. Make the folder writable, or choose another with --data-dir")]
    ReadOnly { path: PathBuf, why: String },
    #[error(
        "{path} cannot be written: its disk is full. Free some space, or choose another folder with --data-dir"
    )]
    DiskFull { path: PathBuf },
    #[error(
        "{path} is not a database of OpenSpace WebRTC: {why}. Move it away, or choose another data folder"
    )]
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
    /// `None`: as it was launched.
    pub picture: Option<PictureSize>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Invite {
    pub instance: InstanceId,
    pub role: Role,
    pub expires: UnixMillis,
}

/// Whose scene it was, and what ran it.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftBy {
    pub session: SecretHash,
    pub build: BuildId,
    pub profile: Option<String>,
}

/// A scene whose instance has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftScene {
    /// Of the instance that it was left in.
    pub id: InstanceId,
    pub by: LeftBy,
    pub scene: SavedScene,
    pub saved: UnixMillis,
    pub ended: UnixMillis,
}

/// The remote control of the thread that owns the database. The last clone that is dropped waits until the file is closed.
#[derive(Clone, Debug)]
pub struct Store(owner::Handle);

impl Store {
    /// Opens or creates the file, brings its schema up to date and locks it against a second node.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self(owner::spawn(file::open(path)?)))
    }

    /// Does what was asked before, closes the file and gives up its lock; later calls get [`StoreError::Closed`].
    pub async fn close(&self) {
        self.0.close().await;
    }

    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let key = key.to_owned();
        self.0.read(move |db| sql::setting(db, &key)).await
    }
    pub async fn put_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.0.write(move |db| sql::put_setting(db, &key, &value)).await
    }

    /// How often people have put off the end of an instance; forgotten with its row.
    pub async fn extensions(&self, instance: InstanceId) -> Result<u32, StoreError> {
        self.0.read(move |db| sql::extensions(db, instance)).await
    }
    pub async fn put_extensions(&self, instance: InstanceId, extensions: u32) -> Result<(), StoreError> {
        self.0.write(move |db| sql::put_extensions(db, instance, extensions)).await
    }

    /// Adding it again keeps the first moment.
    pub async fn add_session(&self, session: SecretHash, now: UnixMillis) -> Result<(), StoreError> {
        self.0.write(move |db| sql::add_session(db, session, now)).await
    }
    pub async fn knows_session(&self, session: SecretHash) -> Result<bool, StoreError> {
        self.0.read(move |db| sql::knows_session(db, session)).await
    }

    pub async fn add_admin_token(&self, token: SecretHash, now: UnixMillis) -> Result<(), StoreError> {
        self.0.write(move |db| sql::add_admin_token(db, token, now)).await
    }
    pub async fn knows_admin_token(&self, token: SecretHash) -> Result<bool, StoreError> {
        self.0.read(move |db| sql::knows_admin_token(db, token)).await
    }

    /// In the order in which they were added.
    pub async fn builds(&self) -> Result<Vec<Build>, StoreError> {
        self.0.read(sql::builds).await
    }
    /// Adds it, or replaces the one of the same id.
    pub async fn put_build(&self, build: &Build) -> Result<(), StoreError> {
        let build = build.clone();
        self.0.write(move |db| sql::put_build(db, &build)).await
    }
    /// False when there was none.
    pub async fn remove_build(&self, id: &BuildId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.0.write(move |db| sql::remove_build(db, &id)).await
    }

    /// What running programs said of themselves.
    pub async fn confirmed(&self) -> Result<Vec<(BuildId, Confirmed)>, StoreError> {
        self.0.read(sql::confirmed).await
    }
    /// Replaces what the same build said before.
    pub async fn put_confirmed(&self, build: &BuildId, said: &Confirmed) -> Result<(), StoreError> {
        let (build, said) = (build.clone(), said.clone());
        self.0.write(move |db| sql::put_confirmed(db, &build, &said)).await
    }

    /// Oldest first.
    pub async fn instances(&self) -> Result<Vec<InstanceRecord>, StoreError> {
        self.0.read(sql::instances).await
    }
    /// Adds it, or replaces the one of the same id.
    pub async fn put_instance(&self, record: &InstanceRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.0.write(move |db| sql::put_instance(db, &record)).await
    }
    /// Its invites go with it.
    pub async fn remove_instance(&self, id: InstanceId) -> Result<(), StoreError> {
        self.0.write(move |db| sql::remove_instance(db, id)).await
    }

    /// The scene of an instance that lives. Adds it, or replaces it.
    pub async fn put_scene(
        &self,
        id: InstanceId,
        scene: &SavedScene,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let scene = scene.clone();
        self.0.write(move |db| sql::scenes::put_scene(db, id, &scene, now)).await
    }
    pub async fn scene(&self, id: InstanceId) -> Result<Option<SavedScene>, StoreError> {
        self.0.read(move |db| sql::scenes::scene(db, id)).await
    }
    /// Its instance has ended: whose it was may go on with it. False when it had none.
    pub async fn leave_scene(&self, id: InstanceId, by: LeftBy, now: UnixMillis) -> Result<bool, StoreError> {
        self.0.write(move |db| sql::scenes::leave_scene(db, id, &by, now)).await
    }
    /// The newest first.
    pub async fn left_scenes(&self, session: SecretHash) -> Result<Vec<LeftScene>, StoreError> {
        self.0.read(move |db| sql::scenes::left_scenes(db, session)).await
    }
    pub async fn remove_scene(&self, id: InstanceId) -> Result<(), StoreError> {
        self.0.write(move |db| sql::scenes::remove_scene(db, id)).await
    }
    /// Forgets what was left before `oldest`, and of each session all but its `most` newest; how many there were.
    pub async fn prune_scenes(&self, oldest: UnixMillis, most: u32) -> Result<usize, StoreError> {
        self.0.write(move |db| sql::scenes::prune_scenes(db, oldest, most)).await
    }
    /// The session is used now. False when it is not known.
    pub async fn use_session(&self, session: SecretHash, now: UnixMillis) -> Result<bool, StoreError> {
        let seen = self.0.read(move |db| sql::scenes::session_seen(db, session)).await?;
        let Some(UnixMillis(seen)) = seen else { return Ok(false) };
        if seen < now.0 - sql::scenes::SEEN_GRAIN_MS {
            self.0.write(move |db| sql::scenes::see_session(db, session, now)).await?;
        }
        Ok(true)
    }
    /// Forgets sessions that were not used since `oldest` and have nothing here; how many there were.
    pub async fn prune_sessions(&self, oldest: UnixMillis) -> Result<usize, StoreError> {
        self.0.write(move |db| sql::scenes::prune_sessions(db, oldest)).await
    }

    /// The places of the queue that this machine keeps by itself, the first in line first.
    pub async fn places(&self) -> Result<Vec<Entry>, StoreError> {
        self.0.read(sql::queue::places).await
    }
    /// What has changed in the queue, all of it or nothing.
    pub async fn keep_places(&self, changed: Vec<Entry>, gone: Vec<Uuid>) -> Result<(), StoreError> {
        self.0
            .write(move |db| {
                gone.iter().try_for_each(|id| sql::queue::remove_place(db, *id))?;
                changed.iter().try_for_each(|entry| sql::queue::put_place(db, entry))
            })
            .await
    }

    /// All of them, or none.
    pub async fn add_audit(&self, entries: Vec<AuditEntry>) -> Result<(), StoreError> {
        self.0.write(move |db| audit::add(db, &entries)).await
    }
    /// Newest first, at most 500.
    pub async fn audit(&self, question: &AuditQuestion) -> Result<Vec<AuditEntry>, StoreError> {
        let question = question.clone();
        self.0.read(move |db| audit::ask(db, &question)).await
    }
    /// Forgets the entries from before `oldest`, and the oldest beyond `most`; how many there were.
    pub async fn trim_audit(&self, oldest: UnixMillis, most: u64) -> Result<usize, StoreError> {
        self.0.write(move |db| audit::trim(db, oldest, most)).await
    }

    pub async fn add_invite(&self, invite: SecretHash, what: &Invite) -> Result<(), StoreError> {
        let what = what.clone();
        self.0.write(move |db| sql::add_invite(db, invite, &what)).await
    }
    /// `None` when unknown or expired.
    pub async fn invite(&self, invite: SecretHash, now: UnixMillis) -> Result<Option<Invite>, StoreError> {
        self.0.read(move |db| sql::invite(db, invite, now)).await
    }
    /// All that have not expired.
    pub async fn invites(&self, now: UnixMillis) -> Result<Vec<(SecretHash, Invite)>, StoreError> {
        self.0.read(move |db| sql::invites(db, now)).await
    }
    /// Forgets the invites that have expired; how many there were.
    pub async fn remove_expired_invites(&self, now: UnixMillis) -> Result<usize, StoreError> {
        self.0.write(move |db| sql::remove_expired_invites(db, now)).await
    }
}
