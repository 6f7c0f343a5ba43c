//! Scenes that were saved, and sessions that are not used any more.

use model::{InstanceId, SavedScene, SecretHash, UnixMillis};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqlError, from_json, parsed, rows, to_json};
use crate::{LeftBy, LeftScene};

pub(crate) fn put_scene(
    db: &Connection,
    id: InstanceId,
    scene: &SavedScene,
    now: UnixMillis,
) -> Result<(), SqlError> {
    db.execute(
        "INSERT INTO scenes (instance, scene, saved) VALUES (?1, ?2, ?3)
         ON CONFLICT (instance) DO UPDATE SET scene = excluded.scene, saved = excluded.saved",
        params![id.to_string(), to_json(scene)?, now.0],
    )?;
    Ok(())
}

pub(crate) fn scene(db: &Connection, id: InstanceId) -> Result<Option<SavedScene>, SqlError> {
    let mut question = db.prepare_cached("SELECT scene FROM scenes WHERE instance = ?1")?;
    let json: Option<String> = question.query_row([id.to_string()], |row| row.get(0)).optional()?;
    Ok(json.map(|json| serde_json::from_str(&json)).transpose()?)
}

pub(crate) fn leave_scene(
    db: &Connection,
    id: InstanceId,
    by: &LeftBy,
    now: UnixMillis,
) -> Result<bool, SqlError> {
    let left = db.execute(
        "UPDATE scenes SET ended = ?2, session = ?3, build = ?4, profile = ?5 WHERE instance = ?1",
        params![id.to_string(), now.0, by.session.0, by.build.as_str(), by.profile],
    )?;
    Ok(left > 0)
}

pub(crate) fn left_scenes(db: &Connection, session: SecretHash) -> Result<Vec<LeftScene>, SqlError> {
    let session = session.0.to_vec();
    let question = "SELECT instance, scene, saved, ended, session, build, profile FROM scenes
                    WHERE session = ?1 AND ended IS NOT NULL ORDER BY ended DESC, instance";
    rows(db, question, [session], |row: &Row<'_>| {
        Ok(LeftScene {
            id: parsed("instance id", row.get(0)?)?,
            scene: from_json(row, 1)?,
            saved: UnixMillis(row.get(2)?),
            ended: UnixMillis(row.get(3)?),
            by: LeftBy {
                session: SecretHash(row.get(4)?),
                build: parsed("build id", row.get(5)?)?,
                profile: row.get(6)?,
            },
        })
    })
}

pub(crate) fn remove_scene(db: &Connection, id: InstanceId) -> Result<(), SqlError> {
    db.execute("DELETE FROM scenes WHERE instance = ?1", [id.to_string()])?;
    Ok(())
}

/// Forgets scenes that were left before `oldest`, and of each session all but its `most` newest.
pub(crate) fn prune_scenes(db: &Connection, oldest: UnixMillis, most: u32) -> Result<usize, SqlError> {
    Ok(db.execute(
        "DELETE FROM scenes WHERE ended < ?1 OR instance IN (
             SELECT instance FROM (
                 SELECT instance, row_number() OVER (PARTITION BY session ORDER BY ended DESC) AS place
                 FROM scenes WHERE ended IS NOT NULL
             ) WHERE place > ?2
         )",
        params![oldest.0, most],
    )?)
}

/// When the session was last used, give or take [`SEEN_GRAIN_MS`]; `None` when it is not known.
pub(crate) fn session_seen(db: &Connection, session: SecretHash) -> Result<Option<UnixMillis>, SqlError> {
    let mut question = db.prepare_cached("SELECT coalesce(seen, created) FROM sessions WHERE hash = ?1")?;
    Ok(question.query_row([session.0], |row| row.get(0)).optional()?.map(UnixMillis))
}

/// A session is looked up at every call of its browser, so that it was used is written seldom.
pub(crate) const SEEN_GRAIN_MS: i64 = 3_600_000;

pub(crate) fn see_session(db: &Connection, session: SecretHash, now: UnixMillis) -> Result<(), SqlError> {
    db.execute("UPDATE sessions SET seen = ?2 WHERE hash = ?1", params![session.0, now.0])?;
    Ok(())
}

/// Forgets sessions that were not used since `oldest` and have nothing here: no instance, no scene.
pub(crate) fn prune_sessions(db: &Connection, oldest: UnixMillis) -> Result<usize, SqlError> {
    Ok(db.execute(
        "DELETE FROM sessions WHERE coalesce(seen, created) < ?1
         AND hash NOT IN (SELECT session FROM instances)
         AND hash NOT IN (SELECT session FROM scenes WHERE session IS NOT NULL)",
        [oldest.0],
    )?)
}
