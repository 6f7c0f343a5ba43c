//! Slots: taken for a while with one statement, from any machine; confirmed by the machine that owns them.

use std::time::Duration;

use model::{InstanceId, ServerId};
use tokio_postgres::Row;

use crate::{DEAD_AFTER, FencingToken, Generation, Registry, Reservation, Trouble};

// Leases do not wait for the disk. When Postgres falls in the moment until they are there, all connections end, and each machine joins
// again and tells the whole list of what runs: what was lost is taken anew or free. The owner's admission has the last word before and
// after, and whoever acts on a lease shows its instance beside the token, since the same fall may give a token twice.

/// A tray of free slots is not queued for: who finds one locked takes the next. Nobody overtakes those who wait for this machine.
const RESERVE: &str = "
    WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
    free AS MATERIALIZED (
        SELECT s.slot FROM soon, slots s JOIN heartbeats h USING (machine_id)
        WHERE s.machine_id = $1 AND s.expires < now() AND s.slot < h.slots_total
            AND NOT h.draining AND h.seen > now() - make_interval(secs => $4)
            AND NOT EXISTS (
                SELECT FROM queue q WHERE q.state = 'waiting' AND q.seen > now() - make_interval(secs => $5)
                    AND (q.accepts IS NULL OR $1 = ANY (q.accepts)))
        ORDER BY s.slot LIMIT 1
        FOR UPDATE OF s SKIP LOCKED)
    UPDATE slots s SET token = nextval('fencing_tokens'), instance_id = $2, expires = now() + make_interval(secs => $3)
    FROM free WHERE s.machine_id = $1 AND s.slot = free.slot
    RETURNING s.machine_id, s.slot, s.token, s.instance_id, extract(epoch FROM s.expires - now())::float8";

/// As many as the machine says, whatever somebody has done to the rows.
const MEND: &str = "
    WITH me AS (SELECT machine_id FROM heartbeats WHERE machine_id = $1 AND generation = $2),
    surplus AS (DELETE FROM slots s USING me WHERE s.machine_id = me.machine_id AND s.slot >= $3 AND s.expires < now())
    INSERT INTO slots (machine_id, slot) SELECT me.machine_id, n FROM me, generate_series(0, $3 - 1) n
    ON CONFLICT DO NOTHING";

impl Registry {
    /// How many were missing.
    pub async fn mend_slots(
        &self,
        server: ServerId,
        generation: Generation,
        slots: u32,
    ) -> Result<u64, Trouble> {
        self.change(MEND, &[&server.0, &generation.0, &slot_number(slots)]).await
    }

    /// A free slot of that machine, for `lasts`; `None` when it has none, is draining or dead, or others wait for it.
    pub async fn reserve(
        &self,
        server: ServerId,
        instance: InstanceId,
        lasts: Duration,
    ) -> Result<Option<Reservation>, Trouble> {
        let params: crate::connection::Params<'_> = &[
            &server.0,
            &instance.0,
            &lasts.as_secs_f64(),
            &DEAD_AFTER.as_secs_f64(),
            &cluster::line::GONE_AFTER.as_secs_f64(),
        ];
        Ok(self.row(RESERVE, params).await?.map(|row| reservation(&row)))
    }

    /// The owner's word: an instance runs in it. False when the reservation has ended or the token is not the newest.
    pub async fn confirm(&self, reserved: &Reservation, generation: Generation) -> Result<bool, Trouble> {
        let sql = "
            WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
            UPDATE slots s SET expires = 'infinity' FROM soon, heartbeats h
            WHERE s.machine_id = $1 AND s.slot = $2 AND s.token = $3 AND s.instance_id = $5 AND s.expires > now()
                AND h.machine_id = $1 AND h.generation = $4";
        let Reservation { server, slot, token, instance, .. } = reserved;
        let params: crate::connection::Params<'_> =
            &[&server.0, &slot_number(*slot), &token.0, &generation.0, &instance.0];
        Ok(self.change(sql, params).await? == 1)
    }

    /// It is free again at once. False when the reservation has ended or the token is not the newest; and when an instance runs in it: its
    /// owner has confirmed what whoever reserved it has given up, and says itself when that ends.
    pub async fn release(&self, reserved: &Reservation) -> Result<bool, Trouble> {
        let sql = "
            WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
            UPDATE slots SET expires = '-infinity', instance_id = NULL FROM soon
            WHERE machine_id = $1 AND slot = $2 AND token = $3 AND instance_id = $4 AND expires > now() AND expires < 'infinity'";
        let Reservation { server, slot, token, instance, .. } = reserved;
        let params: crate::connection::Params<'_> = &[&server.0, &slot_number(*slot), &token.0, &instance.0];
        Ok(self.change(sql, params).await? == 1)
    }
}

pub(crate) fn reservation(row: &Row) -> Reservation {
    Reservation {
        server: ServerId(row.get(0)),
        slot: u32::try_from(row.get::<_, i32>(1)).unwrap_or(0),
        token: FencingToken(row.get(2)),
        instance: InstanceId(row.get(3)),
        lasts: Duration::try_from_secs_f64(row.get(4)).unwrap_or_default(),
    }
}

pub(crate) fn slot_number(slot: u32) -> i32 {
    i32::try_from(slot).unwrap_or(i32::MAX)
}
