//! Instances of all machines, each as its own machine tells it; and the sessions that any machine has greeted.

use model::{InstanceId, SecretHash, ServerId};
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Generation, Known, Published, Registry, SharedInstance, Trouble};

/// The whole list at once: what is not in it is no more. Telling it twice changes nothing, and what another machine has taken over
/// stays with that machine.
const PUBLISH: &str = "
    WITH me AS (SELECT machine_id FROM heartbeats WHERE machine_id = $1 AND generation = $2 FOR SHARE),
    told AS (
        SELECT me.machine_id, t.instance_id, decode(t.session, 'hex') AS session, t.view
        FROM me, jsonb_to_recordset($3) AS t (instance_id uuid, session text, view jsonb)),
    gone AS (
        DELETE FROM machine_instances i USING me
        WHERE i.machine_id = me.machine_id AND i.instance_id NOT IN (SELECT instance_id FROM told)),
    here AS (
        INSERT INTO machine_instances AS i (instance_id, machine_id, session, view)
        SELECT instance_id, machine_id, session, view FROM told
        ON CONFLICT (instance_id) DO UPDATE SET view = excluded.view, session = excluded.session, modified = now()
        WHERE i.machine_id = excluded.machine_id AND (i.view, i.session) IS DISTINCT FROM (excluded.view, excluded.session))
    SELECT i.instance_id FROM me LEFT JOIN machine_instances i
        ON i.machine_id <> me.machine_id AND i.instance_id IN (SELECT instance_id FROM told)";

/// Those that run keep their slots, and those that run no more give them back; and so does what is reserved for longer than anything is.
const SETTLE: &str = "
    UPDATE slots s SET
        expires = CASE WHEN s.instance_id = ANY ($3) THEN 'infinity' ELSE '-infinity' END::timestamptz,
        instance_id = CASE WHEN s.instance_id = ANY ($3) THEN s.instance_id END
    FROM heartbeats h
    WHERE s.machine_id = $1 AND h.machine_id = $1 AND h.generation = $2
        AND ((s.expires = 'infinity' AND (s.instance_id = ANY ($3)) IS NOT TRUE)
            OR (s.expires > now() AND s.expires <> 'infinity' AND s.instance_id = ANY ($3))
            OR (s.expires > now() + interval '1 day' AND s.expires <> 'infinity'))";

/// What was launched without asking here, takes a slot: a free one first, else one that is only reserved, whose holder is then refused.
/// Whoever waited for that one is first again.
const SEAT: &str = "
    WITH missing AS (
        SELECT id, row_number() OVER () AS n FROM unnest($3::uuid[]) AS id
        WHERE NOT EXISTS (SELECT FROM slots WHERE machine_id = $1 AND instance_id = id AND expires > now())),
    room AS (
        SELECT slot, token, expires >= now() AS reserved, row_number() OVER (ORDER BY expires >= now(), slot) AS n
        FROM slots
        WHERE machine_id = $1 AND expires <> 'infinity'),
    seated AS (
        UPDATE slots s SET token = nextval('fencing_tokens'), expires = 'infinity', instance_id = missing.id
        FROM missing JOIN room USING (n), heartbeats h
        WHERE s.machine_id = $1 AND s.slot = room.slot AND s.expires <> 'infinity'
            AND h.machine_id = $1 AND h.generation = $2
        RETURNING s.slot, room.token, room.reserved)
    UPDATE queue q SET state = 'waiting', machine_id = NULL, slot = NULL, token = NULL, held_until = NULL
    FROM seated
    WHERE seated.reserved AND q.state = 'held' AND q.machine_id = $1 AND q.slot = seated.slot AND q.token = seated.token";

impl Registry {
    /// Tells the whole list of this machine's instances.
    pub async fn publish(
        &self,
        server: ServerId,
        generation: Generation,
        instances: &[SharedInstance],
    ) -> Result<Published, Trouble> {
        let told: Vec<_> = instances
            .iter()
            .map(|told| json!({ "instance_id": told.instance.0, "session": told.session.to_hex(), "view": told.view }))
            .collect();
        let rows = self.rows(PUBLISH, &[&server.0, &generation.0, &json!(told)]).await?;
        if rows.is_empty() {
            return Ok(Published::Stale);
        }
        let taken: Vec<_> =
            rows.iter().filter_map(|row| row.get::<_, Option<Uuid>>(0)).map(InstanceId).collect();
        let live: Vec<Uuid> = instances
            .iter()
            .filter(|told| told.live && !taken.contains(&told.instance))
            .map(|told| told.instance.0)
            .collect();
        for sql in [SETTLE, SEAT] {
            self.change(sql, &[&server.0, &generation.0, &live]).await?;
        }
        Ok(Published::Done { taken })
    }

    /// One session's, on all machines; those of dead ones too, since somebody may look for them.
    pub async fn instances(&self, session: SecretHash) -> Result<Vec<SharedInstance>, Trouble> {
        let sql = "
            SELECT i.instance_id, i.machine_id, i.session, i.view,
                EXISTS (SELECT FROM slots s WHERE s.instance_id = i.instance_id AND s.machine_id = i.machine_id AND s.expires > now()),
                i.scene IS NOT NULL
            FROM machine_instances i WHERE i.session = $1 ORDER BY i.modified";
        Ok(self.rows(sql, &[&session.0.as_slice()]).await?.iter().filter_map(shared).collect())
    }

    pub async fn instance(&self, instance: InstanceId) -> Result<Option<SharedInstance>, Trouble> {
        let sql = "
            SELECT i.instance_id, i.machine_id, i.session, i.view,
                EXISTS (SELECT FROM slots s WHERE s.instance_id = i.instance_id AND s.machine_id = i.machine_id AND s.expires > now()),
                i.scene IS NOT NULL
            FROM machine_instances i WHERE i.instance_id = $1";
        Ok(self.row(sql, &[&instance.0]).await?.as_ref().and_then(shared))
    }

    /// What an instance of this machine shows now. False when it is another machine's, or an older generation tells it.
    pub async fn keep_scene(
        &self,
        instance: InstanceId,
        server: ServerId,
        generation: Generation,
        scene: &Value,
    ) -> Result<bool, Trouble> {
        let sql = "
            WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
            UPDATE machine_instances i SET scene = $4 FROM soon, heartbeats h
            WHERE i.instance_id = $1 AND i.machine_id = $2 AND h.machine_id = $2 AND h.generation = $3";
        Ok(self.change(sql, &[&instance.0, &server.0, &generation.0, scene]).await? == 1)
    }

    /// Who is invited to an instance of this machine, by hashes. False when it is another machine's, or an older generation tells it.
    pub async fn keep_invites(
        &self,
        instance: InstanceId,
        server: ServerId,
        generation: Generation,
        invites: &Value,
    ) -> Result<bool, Trouble> {
        let sql = "
            UPDATE machine_instances i SET invites = $4 FROM heartbeats h
            WHERE i.instance_id = $1 AND i.machine_id = $2 AND h.machine_id = $2 AND h.generation = $3";
        Ok(self.change(sql, &[&instance.0, &server.0, &generation.0, invites]).await? == 1)
    }

    /// As its machine told it last; null when it told nothing.
    pub async fn invites(&self, instance: InstanceId) -> Result<Value, Trouble> {
        let sql = "SELECT invites FROM machine_instances WHERE instance_id = $1";
        let row = self.row(sql, &[&instance.0]).await?;
        Ok(row.and_then(|row| row.get::<_, Option<Value>>(0)).unwrap_or_default())
    }

    /// What is known of an instance, and whether its machine is.
    pub async fn known(&self, instance: InstanceId) -> Result<Option<Known>, Trouble> {
        let sql = "
            SELECT i.instance_id, i.machine_id, i.session, i.view, false, i.scene IS NOT NULL, i.scene,
                h.seen <= now() - make_interval(secs => $2)
            FROM machine_instances i JOIN heartbeats h USING (machine_id) WHERE i.instance_id = $1";
        let row = self.row(sql, &[&instance.0, &crate::DEAD_AFTER.as_secs_f64()]).await?;
        Ok(row.and_then(|row| {
            Some(Known { shared: shared(&row)?, scene: row.try_get(6).ok()?, lost: row.try_get(7).ok()? })
        }))
    }

    /// The instance is `to`'s from now on, if the machine that has it is dead. That one is not heard any more until it joins again, tells
    /// what it runs, and hears what to let go: it may only have slept.
    pub async fn take_over(
        &self,
        instance: InstanceId,
        to: ServerId,
        generation: Generation,
    ) -> Result<bool, Trouble> {
        let sql = "
            WITH dead AS (
                UPDATE heartbeats h SET generation = h.generation % 9223372036854775807 + 1 FROM machine_instances i, heartbeats me
                WHERE i.instance_id = $1 AND h.machine_id = i.machine_id AND me.machine_id = $2 AND me.generation = $3
                    AND h.machine_id <> $2 AND h.seen <= now() - make_interval(secs => $4)
                RETURNING h.machine_id)
            UPDATE machine_instances i SET machine_id = $2, modified = now() FROM dead
            WHERE i.instance_id = $1 AND i.machine_id = dead.machine_id";
        let params: crate::connection::Params<'_> =
            &[&instance.0, &to.0, &generation.0, &crate::DEAD_AFTER.as_secs_f64()];
        Ok(self.change(sql, params).await? == 1)
    }

    /// Somebody has edited the row of an instance that runs on this machine: it is this machine's again.
    pub async fn take_back(
        &self,
        instance: InstanceId,
        server: ServerId,
        generation: Generation,
    ) -> Result<bool, Trouble> {
        let sql = "
            UPDATE machine_instances i SET machine_id = $2, modified = now() FROM heartbeats h
            WHERE i.instance_id = $1 AND h.machine_id = $2 AND h.generation = $3";
        Ok(self.change(sql, &[&instance.0, &server.0, &generation.0]).await? == 1)
    }

    /// What was taken over could not be begun: it is again the dead machine's, and somebody may try anew.
    pub async fn give_back(
        &self,
        instance: InstanceId,
        from: ServerId,
        to: ServerId,
    ) -> Result<bool, Trouble> {
        let sql = "UPDATE machine_instances SET machine_id = $3 WHERE instance_id = $1 AND machine_id = $2";
        Ok(self.change(sql, &[&instance.0, &from.0, &to.0]).await? == 1)
    }

    /// Adding it again keeps the first moment.
    pub async fn add_session(&self, session: SecretHash) -> Result<(), Trouble> {
        let sql = "INSERT INTO known_sessions (session) VALUES ($1) ON CONFLICT DO NOTHING";
        self.change(sql, &[&session.0.as_slice()]).await.map(drop)
    }

    pub async fn knows_session(&self, session: SecretHash) -> Result<bool, Trouble> {
        let sql = "SELECT FROM known_sessions WHERE session = $1";
        Ok(self.row(sql, &[&session.0.as_slice()]).await?.is_some())
    }
}

/// `None`: no machine writes it so.
pub(crate) fn shared(row: &Row) -> Option<SharedInstance> {
    Some(SharedInstance {
        instance: InstanceId(row.try_get(0).ok()?),
        server: ServerId(row.try_get(1).ok()?),
        session: SecretHash(row.try_get::<_, Vec<u8>>(2).ok()?.try_into().ok()?),
        view: row.try_get(3).ok()?,
        live: row.try_get(4).ok()?,
        has_scene: row.try_get(5).ok()?,
    })
}
