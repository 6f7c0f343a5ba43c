//! The audit log's questions, one function each.

use model::{AuditEntry, AuditQuestion, UnixMillis};
use rusqlite::{Connection, params};

use crate::sql::{SqlError, as_word, parsed, rows, word};

/// Entries of one answer.
const LIMIT_MAX: u32 = 500;

pub(crate) fn add(db: &Connection, entries: &[AuditEntry]) -> Result<(), SqlError> {
    for entry in entries {
        db.prepare_cached(
            "INSERT INTO audit (at, kind, who, role, viewer, instance, what, outcome, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            entry.at.0,
            as_word(&entry.kind)?,
            entry.who,
            entry.role.as_ref().map(as_word).transpose()?,
            entry.viewer_id.map(|id| id.to_string()),
            entry.instance_id.map(|id| id.to_string()),
            entry.what,
            as_word(&entry.outcome)?,
            entry.detail,
        ])?;
    }
    Ok(())
}

/// Newest first.
pub(crate) fn ask(db: &Connection, question: &AuditQuestion) -> Result<Vec<AuditEntry>, SqlError> {
    let text = "SELECT id, at, kind, who, role, viewer, instance, what, outcome, detail FROM audit
                WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR instance = ?3)
                AND (?4 IS NULL OR instr(lower(who || ' ' || what || ' ' || detail || ' ' || coalesce(role, '') || ' ' ||
                     coalesce(instance, '') || ' ' || coalesce(viewer, '') || ' ' || outcome), lower(?4)) > 0)
                ORDER BY id DESC LIMIT ?5";
    let limit = question.limit.unwrap_or(LIMIT_MAX).clamp(1, LIMIT_MAX);
    let before = question.before.map(|id| i64::try_from(id).unwrap_or(i64::MAX));
    let kind = question.kind.as_ref().map(as_word).transpose()?;
    let instance = question.instance.map(|id| id.to_string());
    let search = question.search.as_ref().filter(|search| !search.trim().is_empty());
    rows(db, text, params![before, kind, instance, search.map(|search| search.trim()), limit], |row| {
        let role: Option<String> = row.get(4)?;
        let viewer: Option<String> = row.get(5)?;
        let instance: Option<String> = row.get(6)?;
        Ok(AuditEntry {
            id: row.get::<_, i64>(0)?.unsigned_abs(),
            at: UnixMillis(row.get(1)?),
            kind: word(&row.get::<_, String>(2)?)?,
            who: row.get(3)?,
            role: role.map(|role| word(&role)).transpose()?,
            viewer_id: viewer.map(|id| parsed("viewer id", id)).transpose()?,
            instance_id: instance.map(|id| parsed("instance id", id)).transpose()?,
            what: row.get(7)?,
            outcome: word(&row.get::<_, String>(8)?)?,
            detail: row.get(9)?,
        })
    })
}

/// Forgets what is older, and the oldest beyond so many.
pub(crate) fn trim(db: &Connection, oldest: UnixMillis, most: u64) -> Result<usize, SqlError> {
    let old = db.execute("DELETE FROM audit WHERE at < ?1", [oldest.0])?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let many = db.execute(
        "DELETE FROM audit WHERE id <= (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?1)",
        [most],
    )?;
    Ok(old + many)
}
