//! Machines: a row for each, a heartbeat every two seconds, and how the fleet is.

use model::{ServerId, UnixMillis};
use serde_json::Value;
use tokio_postgres::{Error, Row, Transaction, types::ToSql};
use uuid::Uuid;

use crate::{
    Beat, DEAD_AFTER, Description, Generation, Heartbeat, Joined, Load, Machine, OldServer, Place, Registry,
    ServerRow, Trouble, dial::dial, setup::LOCK,
};

/// What the old back end's columns hold at most.
const VARCHAR: usize = 255;

/// What everybody does all the time, so it writes one narrow row and reads no other but its own slots. It does not wait for the disk: a heartbeat that a
/// power cut takes back is made good by the next.
const HEARTBEAT: &str = "
    WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE heartbeats h SET seen = now(), slots_total = $3, slots_free = $4, draining = $5, viewers = $6, cpu_percent = $7,
        memory_free_mb = $8, gpu_memory_free_mb = $9, encoder_sessions = $10, slots_open = own.open
    FROM soon, (
        SELECT count(*) AS known, count(*) FILTER (WHERE expires < now()) AS open FROM slots WHERE machine_id = $1 AND slot < $3
    ) own
    WHERE machine_id = $1 AND generation = $2
    RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::bigint, EXISTS (SELECT FROM queue WHERE state = 'waiting'),
        $3 - own.known";

/// A row of the old back end is touched only where it differs from what it should be.
const SHOW: &str = "
    UPDATE servers s SET region = m.region, ip_address = m.ip_address, port = m.port, ram = m.ram,
        graphics_card = m.graphics_card, storage = m.storage, modified = now(),
        status = h.status, available_instances = h.slots_free, num_instances = h.slots_total
    FROM machines m JOIN (
        SELECT machine_id, slots_free, slots_total,
            (CASE WHEN draining THEN 'inactive' ELSE 'active' END)::enum_servers_status AS status
        FROM heartbeats
        WHERE ($1::uuid IS NULL OR machine_id = $1) AND slots_free IS NOT NULL AND seen > now() - make_interval(secs => $2)
    ) h USING (machine_id)
    WHERE s.server_id = m.server_id AND
        (s.region, s.ip_address, s.port, s.ram, s.graphics_card, s.storage, s.status, s.available_instances, s.num_instances)
        IS DISTINCT FROM
        (m.region, m.ip_address, m.port, m.ram, m.graphics_card, m.storage, h.status, h.slots_free, h.slots_total)";

impl Registry {
    /// Gives this machine its row of `servers`, if it has none. It does not count as alive by that.
    pub(crate) async fn introduce(&self, row: &ServerRow) -> Result<Place, Trouble> {
        let (mut client, _ended) = dial(self.address()).await?;
        let of = |error: Error| Trouble::of(self.address(), &error);
        let transaction = client.transaction().await.map_err(of)?;
        let place = claim(&transaction, row).await.map_err(of)??;
        transaction.commit().await.map_err(of)?;
        Ok(place)
    }

    /// This machine is there, alive, with a new generation: whoever spoke for it before is not heard any more.
    pub async fn join(&self, row: &ServerRow) -> Result<Joined, Trouble> {
        let (mut client, _ended) = dial(self.address()).await?;
        let of = |error: Error| Trouble::of(self.address(), &error);
        let transaction = client.transaction().await.map_err(of)?;
        let place = claim(&transaction, row).await.map_err(of)??;
        let generation = live(&transaction, row).await.map_err(of)?;
        transaction.commit().await.map_err(of)?;
        Ok(Joined { generation, row: place })
    }

    pub async fn heartbeat(&self, beat: &Heartbeat) -> Result<Beat, Trouble> {
        let Load { viewers, cpu_percent, memory_free_mb, gpu_memory_free_mb, encoder_sessions } = beat.load;
        let row = self
            .row(
                HEARTBEAT,
                &[
                    &beat.server.0,
                    &beat.generation.0,
                    &int(beat.slots_total),
                    &int(beat.slots_free),
                    &beat.draining,
                    &int(viewers),
                    &cpu_percent,
                    &int(memory_free_mb),
                    &gpu_memory_free_mb.map(int),
                    &encoder_sessions.map(int),
                ],
            )
            .await?;
        Ok(row.map_or(Beat::Stale, |row| Beat::Kept {
            database_now: UnixMillis(row.get(0)),
            waiting: row.get(1),
            slots_missing: u32::try_from(row.get::<_, i64>(2)).unwrap_or(0),
        }))
    }

    /// Makes the old back end's rows say what was told: this machine's, or those of all that live. How many had to be changed.
    pub async fn show(&self, server: Option<ServerId>) -> Result<u64, Trouble> {
        self.change(SHOW, &[&server.map(|server| server.0), &DEAD_AFTER.as_secs_f64()]).await
    }

    /// Says farewell, so that nobody has to wait for three missing heartbeats. False when an older generation says it.
    pub async fn leave(&self, server: ServerId, generation: Generation) -> Result<bool, Trouble> {
        let sql = "
            WITH gone AS (
                UPDATE heartbeats SET seen = now() - make_interval(secs => $3) WHERE machine_id = $1 AND generation = $2
                RETURNING machine_id),
            shown AS (
                UPDATE servers s SET status = 'inactive', available_instances = 0, modified = now()
                FROM gone JOIN machines m USING (machine_id) WHERE s.server_id = m.server_id)
            SELECT FROM gone";
        Ok(self.row(sql, &[&server.0, &generation.0, &DEAD_AFTER.as_secs_f64()]).await?.is_some())
    }

    /// Somebody has edited this machine's row of `machines`: it says again what it said. False when an older generation says it.
    pub async fn describe(&self, row: &ServerRow, generation: Generation) -> Result<bool, Trouble> {
        let sql = "
            UPDATE machines m SET name = $3, version = $4, url = $5, region = $6, ip_address = $7, port = $8, ram = $9,
                graphics_card = $10, storage = $11, relay = $12
            FROM heartbeats h WHERE m.machine_id = $1 AND h.machine_id = $1 AND h.generation = $2";
        let said = Description::of(row);
        Ok(self.change(sql, &said.after(&[&row.server.0, &generation.0])).await? == 1)
    }

    /// What can be launched on this machine, as its API tells it.
    pub async fn offer(
        &self,
        server: ServerId,
        generation: Generation,
        offers: &Value,
    ) -> Result<bool, Trouble> {
        let sql = "
            UPDATE machines m SET offers = $3 FROM heartbeats h
            WHERE m.machine_id = $1 AND h.machine_id = $1 AND h.generation = $2 AND m.offers IS DISTINCT FROM $3";
        self.change(sql, &[&server.0, &generation.0, offers]).await.map(|changed| changed > 0)
    }

    /// The rows of `servers` that are no machine of ours.
    pub async fn old_servers(&self) -> Result<Vec<OldServer>, Trouble> {
        let sql = "
            SELECT server_id, ip_address, port, status IS NOT DISTINCT FROM 'active' FROM servers
            WHERE NOT EXISTS (SELECT FROM machines m WHERE m.server_id = servers.server_id) ORDER BY created";
        let rows = self.rows(sql, &[]).await?;
        let old = |row: &Row| OldServer {
            row: row.get(0),
            ip_address: row.get(1),
            port: row.get(2),
            active: row.get(3),
        };
        Ok(rows.iter().map(old).collect())
    }
}

/// Finds or makes the row of `servers`, and the one of `machines` that claims it.
async fn claim(transaction: &Transaction<'_>, row: &ServerRow) -> Result<Result<Place, Trouble>, Error> {
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    if let Some(taken) = other_at(transaction, row).await? {
        return Ok(Err(taken));
    }
    let known = transaction
        .query_opt("SELECT server_id FROM machines WHERE machine_id = $1", &[&row.server.0])
        .await?;
    if let Some(known) = known {
        describe(transaction, row, known.get(0)).await?;
        return Ok(Ok(Place::Kept));
    }
    let (server_id, place) = match row_at(transaction, row).await? {
        Some(server_id) => (server_id, Place::TakenOver),
        None => (insert_server(transaction, row).await?, Place::Inserted),
    };
    describe(transaction, row, server_id).await?;
    Ok(Ok(place))
}

/// Another machine of ours that lives at the same address. One that is silent has been replaced: its row is free.
async fn other_at(transaction: &Transaction<'_>, row: &ServerRow) -> Result<Option<Trouble>, Error> {
    let sql = "
        SELECT m.name FROM machines m JOIN heartbeats h USING (machine_id)
        WHERE m.ip_address = $1 AND m.port = $2 AND m.machine_id <> $3
            AND h.seen BETWEEN now() - make_interval(secs => $4) AND now() + make_interval(secs => $4)";
    let (ip_address, port) = (&row.ip_address, i32::from(row.port));
    let other = transaction
        .query_opt(&format!("{sql} LIMIT 1"), &[ip_address, &port, &row.server.0, &DEAD_AFTER.as_secs_f64()])
        .await?;
    if other.is_none() {
        let sql = "DELETE FROM machines WHERE ip_address = $1 AND port = $2 AND machine_id <> $3";
        transaction.execute(sql, &[ip_address, &port, &row.server.0]).await?;
    }
    Ok(other.map(|other| Trouble::AddressTaken {
        name: other.get(0),
        ip_address: ip_address.clone(),
        port: row.port,
    }))
}

/// The oldest row of this address that no machine has claimed.
async fn row_at(transaction: &Transaction<'_>, row: &ServerRow) -> Result<Option<Uuid>, Error> {
    let sql = "
        SELECT server_id FROM servers s WHERE ip_address = $1 AND port = $2
        AND NOT EXISTS (SELECT FROM machines m WHERE m.server_id = s.server_id) ORDER BY created LIMIT 1";
    let found = transaction.query_opt(sql, &[&cut(&row.ip_address), &i32::from(row.port)]).await?;
    Ok(found.map(|found| found.get(0)))
}

async fn insert_server(transaction: &Transaction<'_>, row: &ServerRow) -> Result<Uuid, Error> {
    let sql = "
        INSERT INTO servers (server_id, region, ip_address, port, status, available_instances, num_instances, ram,
            graphics_card, storage, created, modified)
        VALUES ($1, $2, $3, $4, 'inactive', 0, $5, $6, $7, $8, now(), now())";
    transaction
        .execute(
            sql,
            &[
                &row.server.0,
                &row.region.as_deref().map(cut),
                &cut(&row.ip_address),
                &i32::from(row.port),
                &int(row.slots),
                &cut(&row.ram),
                &row.graphics_card.as_deref().map(cut),
                &cut(&row.storage),
            ],
        )
        .await?;
    Ok(row.server.0)
}

async fn describe(transaction: &Transaction<'_>, row: &ServerRow, server_id: Uuid) -> Result<(), Error> {
    let sql = "
        INSERT INTO machines (machine_id, server_id, name, version, url, region, ip_address, port, ram, graphics_card, storage, relay)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (machine_id) DO UPDATE SET server_id = $2, name = $3, version = $4, url = $5, region = $6,
            ip_address = $7, port = $8, ram = $9, graphics_card = $10, storage = $11, relay = $12";
    let said = Description::of(row);
    transaction.execute(sql, &said.after(&[&row.server.0, &server_id])).await?;
    Ok(())
}

impl Description {
    fn of(row: &ServerRow) -> Self {
        let optional = |text: &Option<String>| text.as_deref().map(cut);
        Self {
            name: cut(&row.name),
            version: cut(&row.version),
            url: optional(&row.url),
            region: optional(&row.region),
            ip_address: cut(&row.ip_address),
            port: i32::from(row.port),
            ram: cut(&row.ram),
            graphics_card: optional(&row.graphics_card),
            storage: cut(&row.storage),
            relay: optional(&row.relay),
        }
    }

    /// As parameters, behind those that say whose it is.
    fn after<'a>(&'a self, first: &[&'a (dyn ToSql + Sync)]) -> Vec<&'a (dyn ToSql + Sync)> {
        let mut all = first.to_vec();
        let own: [&(dyn ToSql + Sync); 10] = [
            &self.name,
            &self.version,
            &self.url,
            &self.region,
            &self.ip_address,
            &self.port,
            &self.ram,
            &self.graphics_card,
            &self.storage,
            &self.relay,
        ];
        all.extend(own);
        all
    }
}

/// A new generation, and as many slots as it has.
async fn live(transaction: &Transaction<'_>, row: &ServerRow) -> Result<Generation, Error> {
    let (machine, slots) = (&row.server.0, int(row.slots));
    let sql = "
        INSERT INTO heartbeats (machine_id, slots_total) VALUES ($1, $2)
        ON CONFLICT (machine_id) DO UPDATE
            SET generation = heartbeats.generation % 9223372036854775807 + 1, seen = now(), slots_total = $2, slots_free = NULL, draining = false
        RETURNING generation";
    let generation = transaction.query_one(sql, &[machine, &slots]).await?.get(0);
    let more = "
        INSERT INTO slots (machine_id, slot) SELECT $1, n FROM generate_series(0, $2 - 1) n ON CONFLICT DO NOTHING";
    transaction.execute(more, &[machine, &slots]).await?;
    let fewer = "DELETE FROM slots WHERE machine_id = $1 AND slot >= $2 AND expires < now()";
    transaction.execute(fewer, &[machine, &slots]).await?;
    Ok(Generation(generation))
}

impl ServerRow {
    /// Does the registry say of this machine what it has said itself?
    pub fn is_told(&self, machine: &Machine) -> bool {
        Description::of(self) == machine.description
    }
}

fn cut(text: &str) -> String {
    text.chars().take(VARCHAR).collect()
}

/// Postgres has no unsigned numbers; ours are small.
fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
