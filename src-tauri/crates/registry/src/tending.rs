//! One machine of all looks after what is nobody's any more: the dead, what ran on them, and rows that were edited to what cannot be.

use cluster::fate::FORGOTTEN_AFTER;
use model::ServerId;

use crate::{DEAD_AFTER, Registry, Trouble, setup::LOCK};

/// A machine that is forgotten, and how many instances were lost with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    pub server: ServerId,
    pub name: String,
    pub instances: i64,
}

const FORGET: &str = "
    DELETE FROM machines m USING heartbeats h
    WHERE h.machine_id = m.machine_id AND isfinite(h.seen) AND h.seen <= now() - make_interval(secs => $1)
        AND ($2::uuid IS NULL OR m.machine_id = $2)
    RETURNING m.machine_id, left(m.name, 255), (SELECT count(*) FROM machine_instances i WHERE i.machine_id = m.machine_id)";

impl Registry {
    /// True for the one that this connection makes it, until it ends.
    pub async fn become_sexton(&self) -> Result<bool, Trouble> {
        let row = self.row("SELECT pg_try_advisory_lock($1)", &[&(LOCK + 1)]).await?;
        Ok(row.is_some_and(|row| row.get(0)))
    }

    /// Shows the dead as inactive to the old back end, which has no heartbeat of its own, and looks after the queue.
    pub async fn bury(&self) -> Result<Vec<ServerId>, Trouble> {
        let sql = "
            UPDATE servers s SET status = 'inactive', available_instances = 0, modified = now()
            FROM machines m JOIN heartbeats h USING (machine_id)
            WHERE s.server_id = m.server_id AND s.status = 'active' AND h.seen <= now() - make_interval(secs => $1)
            RETURNING m.machine_id";
        let dead = self.rows(sql, &[&DEAD_AFTER.as_secs_f64()]).await?;
        self.look_after_places().await?;
        Ok(dead.iter().map(|row| ServerId(row.get(0))).collect())
    }

    /// A machine that spoke in the future would live until then. It has six seconds to speak, as everybody.
    pub async fn mend_moments(&self) -> Result<Vec<ServerId>, Trouble> {
        let sql = "
            UPDATE heartbeats SET seen = now()
            WHERE seen > now() + make_interval(secs => $1) OR seen = '-infinity'
            RETURNING machine_id";
        let mended = self.rows(sql, &[&DEAD_AFTER.as_secs_f64()]).await?;
        Ok(mended.iter().map(|row| ServerId(row.get(0))).collect())
    }

    /// Who has not been heard of for days does not come back: it goes, and with it what was lost with it. If it comes back after all, it
    /// joins as any other, and tells what it runs.
    pub async fn forget_the_gone(&self) -> Result<Vec<Forgotten>, Trouble> {
        let rows = self.rows(FORGET, &[&FORGOTTEN_AFTER.as_secs_f64(), &None::<uuid::Uuid>]).await?;
        let gone = |row: &tokio_postgres::Row| Forgotten {
            server: ServerId(row.get(0)),
            name: row.get(1),
            instances: row.get(2),
        };
        Ok(rows.iter().map(gone).collect())
    }

    /// An administrator knows that it does not come back. `None`: it lives, or nobody knows it.
    pub async fn forget(&self, server: ServerId) -> Result<Option<Forgotten>, Trouble> {
        let row = self.row(FORGET, &[&DEAD_AFTER.as_secs_f64(), &server.0]).await?;
        Ok(row.map(|row| Forgotten { server, name: row.get(1), instances: row.get(2) }))
    }
}
