//! Places in the queue that this machine keeps by itself.

use cluster::line::Entry;
use model::{SecretHash, UnixMillis};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::{SqlError, from_json, parsed, rows, to_json};

pub(crate) fn put_place(db: &Connection, entry: &Entry) -> Result<(), SqlError> {
    let accepts = entry.accepts.as_ref().map(to_json).transpose()?;
    db.execute(
        "INSERT INTO queue (id, number, session, launch, accepts, seen, stage) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, stage = excluded.stage",
        params![
            entry.id.to_string(),
            i64::try_from(entry.number).unwrap_or(i64::MAX),
            entry.session.0,
            to_json(&entry.launch)?,
            accepts,
            entry.seen.0,
            to_json(&entry.stage)?,
        ],
    )?;
    Ok(())
}

pub(crate) fn remove_place(db: &Connection, id: Uuid) -> Result<(), SqlError> {
    db.execute("DELETE FROM queue WHERE id = ?1", [id.to_string()])?;
    Ok(())
}

/// The first in line first.
pub(crate) fn places(db: &Connection) -> Result<Vec<Entry>, SqlError> {
    let question = "SELECT id, number, session, launch, accepts, seen, stage FROM queue ORDER BY number";
    rows(db, question, [], |row: &Row<'_>| {
        let accepts: Option<String> = row.get(4)?;
        Ok(Entry {
            id: parsed("ticket id", row.get(0)?)?,
            number: row.get::<_, i64>(1)?.unsigned_abs(),
            session: SecretHash(row.get(2)?),
            launch: from_json(row, 3)?,
            accepts: accepts.map(|json| serde_json::from_str(&json)).transpose()?,
            seen: UnixMillis(row.get(5)?),
            stage: from_json(row, 6)?,
        })
    })
}
