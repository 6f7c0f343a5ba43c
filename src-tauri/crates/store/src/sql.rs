//! The questions, one function each. Ids and small enums are text, nested values are JSON.

pub(crate) mod queue;
pub(crate) mod scenes;

use model::{Build, BuildId, Confirmed, InstanceId, Role, SecretHash, Size, UnixMillis};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::{InstanceRecord, Invite, StoreError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum SqlError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("`{text}` is no {what}")]
    Malformed { what: &'static str, text: String },
}

pub(crate) fn store_error(doing: &'static str, error: SqlError) -> StoreError {
    match &error {
        SqlError::Sqlite(cause) if is_disk_full(cause) => StoreError::DiskFull,
        _ => StoreError::Failed { doing, why: error.to_string() },
    }
}

/// A full disk shows as SQLITE_FULL, or, where the write-ahead log's index cannot grow, as one of two I/O errors.
fn is_disk_full(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMSIZE};
    let extended = error.sqlite_error().map(|cause| cause.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || matches!(extended, Some(SQLITE_IOERR_SHMMAP | SQLITE_IOERR_SHMSIZE))
}

pub(crate) fn setting(db: &Connection, key: &str) -> Result<Option<String>, SqlError> {
    let mut question = db.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
    Ok(question.query_row([key], |row| row.get(0)).optional()?)
}

pub(crate) fn put_setting(db: &Connection, key: &str, value: &str) -> Result<(), SqlError> {
    db.execute(
        "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [key, value],
    )?;
    Ok(())
}

pub(crate) fn add_session(db: &Connection, session: SecretHash, now: UnixMillis) -> Result<(), SqlError> {
    db.execute("INSERT OR IGNORE INTO sessions (hash, created) VALUES (?1, ?2)", params![session.0, now.0])?;
    Ok(())
}

pub(crate) fn knows_session(db: &Connection, session: SecretHash) -> Result<bool, SqlError> {
    Ok(db.prepare_cached("SELECT 1 FROM sessions WHERE hash = ?1")?.exists([session.0])?)
}

pub(crate) fn add_admin_token(db: &Connection, token: SecretHash, now: UnixMillis) -> Result<(), SqlError> {
    db.execute(
        "INSERT OR IGNORE INTO admin_tokens (hash, created) VALUES (?1, ?2)",
        params![token.0, now.0],
    )?;
    Ok(())
}

pub(crate) fn knows_admin_token(db: &Connection, token: SecretHash) -> Result<bool, SqlError> {
    Ok(db.prepare_cached("SELECT 1 FROM admin_tokens WHERE hash = ?1")?.exists([token.0])?)
}

pub(crate) fn builds(db: &Connection) -> Result<Vec<Build>, SqlError> {
    rows(db, "SELECT id, name, kind, env, args FROM builds ORDER BY rowid", [], |row| {
        Ok(Build {
            id: parsed("build id", row.get(0)?)?,
            name: row.get(1)?,
            kind: from_json(row, 2)?,
            env: from_json(row, 3)?,
            args: from_json(row, 4)?,
        })
    })
}

pub(crate) fn put_build(db: &Connection, build: &Build) -> Result<(), SqlError> {
    let Build { id, name, kind, env, args } = build;
    db.execute(
        "INSERT INTO builds (id, name, kind, env, args) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE
         SET name = excluded.name, kind = excluded.kind, env = excluded.env, args = excluded.args",
        params![id.as_str(), name, to_json(kind)?, to_json(env)?, to_json(args)?],
    )?;
    Ok(())
}

/// What was said goes with the build that said it.
pub(crate) fn remove_build(db: &Connection, id: &BuildId) -> Result<bool, SqlError> {
    db.execute("DELETE FROM confirmed WHERE build = ?1", [id.as_str()])?;
    Ok(db.execute("DELETE FROM builds WHERE id = ?1", [id.as_str()])? > 0)
}

pub(crate) fn confirmed(db: &Connection) -> Result<Vec<(BuildId, Confirmed)>, SqlError> {
    rows(db, "SELECT build, version, commit_id, api, at, program FROM confirmed", [], |row| {
        let said = Confirmed {
            version: row.get(1)?,
            commit: row.get(2)?,
            api: word(&row.get::<_, String>(3)?)?,
            at: UnixMillis(row.get(4)?),
            program: row.get(5)?,
        };
        Ok((parsed("build id", row.get(0)?)?, said))
    })
}

pub(crate) fn put_confirmed(db: &Connection, build: &BuildId, said: &Confirmed) -> Result<(), SqlError> {
    let Confirmed { version, commit, api, at, program } = said;
    db.execute(
        "INSERT OR REPLACE INTO confirmed (build, version, commit_id, api, at, program) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![build.as_str(), version, commit, as_word(api)?, at.0, program],
    )?;
    Ok(())
}

pub(crate) fn instances(db: &Connection) -> Result<Vec<InstanceRecord>, SqlError> {
    let question =
        "SELECT id, session, build, profile, width, height, created, state, message, running, picture
                    FROM instances ORDER BY created, id";
    rows(db, question, [], |row| {
        let (running, picture): (Option<String>, Option<String>) = (row.get(9)?, row.get(10)?);
        Ok(InstanceRecord {
            id: parsed("instance id", row.get(0)?)?,
            session: SecretHash(row.get(1)?),
            build: parsed("build id", row.get(2)?)?,
            profile: row.get(3)?,
            size: Size::new(row.get(4)?, row.get(5)?),
            created: UnixMillis(row.get(6)?),
            state: word(&row.get::<_, String>(7)?)?,
            message: row.get(8)?,
            running: running.map(|json| serde_json::from_str(&json)).transpose()?,
            // One that is not understood is as launched.
            picture: picture.and_then(|json| serde_json::from_str(&json).ok()),
        })
    })
}

pub(crate) fn put_instance(db: &Connection, record: &InstanceRecord) -> Result<(), SqlError> {
    let InstanceRecord { id, session, build, profile, size, created, state, message, running, picture } =
        record;
    db.execute(
        "INSERT INTO instances (id, session, build, profile, width, height, created, state, message, running, picture)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET session = ?2, build = ?3, profile = ?4, width = ?5, height = ?6, created = ?7,
             state = ?8, message = ?9, running = ?10, picture = ?11",
        params![
            id.to_string(),
            session.0,
            build.as_str(),
            profile,
            size.width,
            size.height,
            created.0,
            as_word(state)?,
            message,
            running.as_ref().map(to_json).transpose()?,
            picture.as_ref().map(to_json).transpose()?,
        ],
    )?;
    Ok(())
}

/// Kept beside what the record says, which is put anew whenever something else of it changes.
pub(crate) fn extensions(db: &Connection, id: InstanceId) -> Result<u32, SqlError> {
    let mut question = db.prepare_cached("SELECT extensions FROM instances WHERE id = ?1")?;
    let stored: Option<i64> = question.query_row([id.to_string()], |row| row.get(0)).optional()?;
    Ok(stored.and_then(|count| u32::try_from(count).ok()).unwrap_or(0))
}

pub(crate) fn put_extensions(db: &Connection, id: InstanceId, count: u32) -> Result<(), SqlError> {
    db.execute("UPDATE instances SET extensions = ?2 WHERE id = ?1", params![id.to_string(), count])?;
    Ok(())
}

pub(crate) fn remove_instance(db: &Connection, id: InstanceId) -> Result<(), SqlError> {
    db.execute("DELETE FROM invites WHERE instance = ?1", [id.to_string()])?;
    db.execute("DELETE FROM instances WHERE id = ?1", [id.to_string()])?;
    Ok(())
}

pub(crate) fn add_invite(db: &Connection, invite: SecretHash, what: &Invite) -> Result<(), SqlError> {
    db.execute(
        "INSERT OR REPLACE INTO invites (hash, instance, role, expires) VALUES (?1, ?2, ?3, ?4)",
        params![invite.0, what.instance.to_string(), as_word(&what.role)?, what.expires.0],
    )?;
    Ok(())
}

pub(crate) fn invite(
    db: &Connection,
    invite: SecretHash,
    now: UnixMillis,
) -> Result<Option<Invite>, SqlError> {
    let mut question =
        db.prepare_cached("SELECT instance, role, expires FROM invites WHERE hash = ?1 AND expires > ?2")?;
    let found: Option<(String, String, i64)> = question
        .query_row(params![invite.0, now.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    found.map(invited).transpose()
}

fn invited((instance, role, expires): (String, String, i64)) -> Result<Invite, SqlError> {
    let role: Role = word(&role)?;
    Ok(Invite { instance: parsed("instance id", instance)?, role, expires: UnixMillis(expires) })
}

pub(crate) fn invites(db: &Connection, now: UnixMillis) -> Result<Vec<(SecretHash, Invite)>, SqlError> {
    let question = "SELECT hash, instance, role, expires FROM invites WHERE expires > ?1";
    rows(db, question, [now.0], |row| {
        Ok((SecretHash(row.get(0)?), invited((row.get(1)?, row.get(2)?, row.get(3)?))?))
    })
}

pub(crate) fn remove_expired_invites(db: &Connection, now: UnixMillis) -> Result<usize, SqlError> {
    Ok(db.execute("DELETE FROM invites WHERE expires <= ?1", [now.0])?)
}

/// All rows that can be understood. One that cannot (somebody edited the file) stays where it is and hides none of the others.
pub(crate) fn rows<T>(
    db: &Connection,
    question: &str,
    given: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, SqlError>,
) -> Result<Vec<T>, SqlError> {
    let mut question = db.prepare_cached(question)?;
    let mut rows = question.query(given)?;
    let mut understood = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(value) => understood.push(value),
            Err(error) => {
                let id: String = row.get(0).unwrap_or_default();
                tracing::warn!(id, %error, "a row of the journal is not understood and left out");
            }
        }
    }
    Ok(understood)
}

pub(crate) fn parsed<T: std::str::FromStr>(what: &'static str, text: String) -> Result<T, SqlError> {
    text.parse().map_err(|_| SqlError::Malformed { what, text })
}

fn to_json(value: &impl Serialize) -> Result<String, SqlError> {
    Ok(serde_json::to_string(value)?)
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, SqlError> {
    Ok(serde_json::from_str(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)?)
}

/// A small enum by its name on the wire: `ready`, `pilot`.
pub(crate) fn as_word(value: &impl Serialize) -> Result<String, SqlError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(SqlError::Malformed { what: "word", text: other.to_string() }),
    }
}

pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Result<T, SqlError> {
    Ok(serde_json::from_value(serde_json::Value::String(text.to_owned()))?)
}
