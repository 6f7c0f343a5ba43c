//! Those who wait for a slot: first come, first served, over all machines. A machine with a free slot holds it for the first who would
//! take it; whoever does not come in time has lost it to the next.

use std::time::Duration;

use cluster::line::{FORGOTTEN_AFTER, Full, GONE_AFTER, GRACE};
use model::{SecretHash, ServerId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    DEAD_AFTER, Generation, Registry, Reservation, Ticket, TicketState, Trouble, Wish, slots::reservation,
};

/// The lower number and the free slot are taken together or not at all.
const HOLD_NEXT: &str = "
    WITH head AS MATERIALIZED (
        SELECT ticket_id FROM queue
        WHERE state = 'waiting' AND seen > now() - make_interval(secs => $3) AND (accepts IS NULL OR $1 = ANY (accepts))
        ORDER BY number LIMIT 1
        FOR UPDATE),
    free AS MATERIALIZED (
        SELECT s.slot FROM slots s JOIN heartbeats h USING (machine_id), head
        WHERE s.machine_id = $1 AND h.generation = $2 AND s.expires < now() AND s.slot < h.slots_total AND NOT h.draining
            AND h.seen > now() - make_interval(secs => $4)
        ORDER BY s.slot LIMIT 1
        FOR UPDATE OF s SKIP LOCKED),
    taken AS (
        UPDATE slots s SET token = nextval('fencing_tokens'), instance_id = gen_random_uuid(),
            expires = now() + make_interval(secs => $5::float8 + $6::float8)
        FROM free WHERE s.machine_id = $1 AND s.slot = free.slot
        RETURNING s.machine_id, s.slot, s.token, s.instance_id)
    UPDATE queue q SET state = 'held', machine_id = taken.machine_id, slot = taken.slot, token = taken.token,
        instance_id = taken.instance_id, held_until = now() + make_interval(secs => $5)
    FROM head, taken WHERE q.ticket_id = head.ticket_id
    RETURNING q.ticket_id";

const LOOK: &str = "
    WITH asked AS (UPDATE queue SET seen = now() WHERE ticket_id = $1 AND session = $2 RETURNING *)
    SELECT a.ticket_id, a.session, a.wish, array_remove(a.accepts, NULL), a.state, a.machine_id,
        (extract(epoch FROM a.held_until) - extract(epoch FROM now()))::float8,
        (SELECT count(*) FROM queue q
         WHERE q.state = 'waiting' AND q.number < a.number AND q.seen > now() - make_interval(secs => $3))
    FROM asked a";

/// As [`LOOK`], for all whose page is open here; that it is, is written seldom.
const LOOK_AT_ALL: &str = "
    WITH asked AS (
        UPDATE queue SET seen = now() WHERE session = ANY ($1) AND seen < now() - interval '10 s')
    SELECT a.ticket_id, a.session, a.wish, array_remove(a.accepts, NULL), a.state, a.machine_id,
        (extract(epoch FROM a.held_until) - extract(epoch FROM now()))::float8,
        (SELECT count(*) FROM queue q
         WHERE q.state = 'waiting' AND q.number < a.number AND q.seen > now() - make_interval(secs => $2))
    FROM queue a WHERE a.session = ANY ($1) ORDER BY a.number";

/// At the end, where neither the session nor the queue has as many places as it may. Who comes anew has given up what was let lapse.
const ENQUEUE: &str = "
    WITH places AS MATERIALIZED (
        SELECT ticket_id, session, state = 'waiting' AS waits,
            (state = 'waiting' AND seen > now() - make_interval(secs => $5)
                OR state = 'held' AND held_until > now() - make_interval(secs => $6)) AS counts
        FROM queue),
    room AS (
        SELECT count(*) FILTER (WHERE counts AND session = $2) < $7 AS of_session,
            count(*) FILTER (WHERE counts AND waits) < $8 AS of_all
        FROM places),
    lapsed AS (
        DELETE FROM queue q USING places p, room
        WHERE q.ticket_id = p.ticket_id AND p.session = $2 AND NOT p.counts AND of_session AND of_all),
    put AS (
        INSERT INTO queue (ticket_id, session, wish, accepts)
        SELECT $1, $2, $3, $4 FROM room WHERE of_session AND of_all)
    SELECT of_session, of_all FROM room";

const IN_VAIN: &str = "
    UPDATE queue q SET state = 'waiting', machine_id = NULL, slot = NULL, token = NULL, held_until = NULL
    WHERE state = 'claimed' AND NOT EXISTS (
        SELECT FROM slots s
        WHERE s.machine_id = q.machine_id AND s.slot = q.slot AND s.token = q.token AND s.expires > now())";

impl Registry {
    /// At the end of the queue.
    pub async fn enqueue(
        &self,
        wish: &Wish,
        per_session: u32,
        longest: u32,
    ) -> Result<Result<Ticket, Full>, Trouble> {
        let id = Uuid::new_v4();
        let accepts: Option<Vec<Uuid>> =
            wish.accepts.as_ref().map(|accepts| accepts.iter().map(|server| server.0).collect());
        let params: crate::connection::Params<'_> = &[
            &id,
            &wish.session.0.as_slice(),
            &wish.launch,
            &accepts,
            &GONE_AFTER.as_secs_f64(),
            &GRACE.as_secs_f64(),
            &i64::from(per_session),
            &i64::from(longest),
        ];
        let gone = || Trouble::Failed { why: "the ticket is gone as soon as it was written".to_owned() };
        let room = self.row(ENQUEUE, params).await?.ok_or_else(gone)?;
        match (room.get(0), room.get(1)) {
            (_, false) => Ok(Err(Full::Queue)),
            (false, true) => Ok(Err(Full::Session)),
            (true, true) => Ok(Ok(self.ticket(id, wish.session).await?.ok_or_else(gone)?)),
        }
    }

    /// How it stands; asking keeps the place. `None` when there is none, or it is somebody else's.
    pub async fn ticket(&self, id: Uuid, session: SecretHash) -> Result<Option<Ticket>, Trouble> {
        let row = self.row(LOOK, &[&id, &session.0.as_slice(), &GONE_AFTER.as_secs_f64()]).await?;
        Ok(row.as_ref().and_then(ticket))
    }

    /// The places of all these sessions; asking keeps them.
    pub async fn tickets_of(&self, sessions: &[SecretHash]) -> Result<Vec<Ticket>, Trouble> {
        let sessions: Vec<_> = sessions.iter().map(|session| session.0.to_vec()).collect();
        let rows = self.rows(LOOK_AT_ALL, &[&sessions, &GONE_AFTER.as_secs_f64()]).await?;
        Ok(rows.iter().filter_map(ticket).collect())
    }

    /// What was claimed could not be begun: it is first again.
    pub async fn put_back(&self, id: Uuid, session: SecretHash) -> Result<bool, Trouble> {
        let sql = "
            UPDATE queue SET state = 'waiting', machine_id = NULL, slot = NULL, token = NULL, held_until = NULL
            WHERE ticket_id = $1 AND session = $2 AND state = 'claimed'";
        Ok(self.change(sql, &[&id, &session.0.as_slice()]).await? == 1)
    }

    /// The first ticket that this machine would do for, if it has a slot free; the slot is held for it.
    pub async fn hold_next(
        &self,
        server: ServerId,
        generation: Generation,
        lasts: Duration,
    ) -> Result<Option<Uuid>, Trouble> {
        let params: crate::connection::Params<'_> = &[
            &server.0,
            &generation.0,
            &GONE_AFTER.as_secs_f64(),
            &DEAD_AFTER.as_secs_f64(),
            &lasts.as_secs_f64(),
            &GRACE.as_secs_f64(),
        ];
        Ok(self.row(HOLD_NEXT, params).await?.map(|row| row.get(0)))
    }

    /// The viewer comes for the slot that is held; only once, and only while it is.
    pub async fn claim(&self, id: Uuid, session: SecretHash) -> Result<Option<Reservation>, Trouble> {
        let sql = "
            UPDATE queue q SET state = 'claimed', seen = now() FROM slots s
            WHERE q.ticket_id = $1 AND q.session = $2 AND q.state = 'held'
                AND s.machine_id = q.machine_id AND s.slot = q.slot AND s.token = q.token
                AND s.expires > now() AND s.expires < 'infinity' AND s.instance_id IS NOT NULL
            RETURNING s.machine_id, s.slot, s.token, s.instance_id, extract(epoch FROM s.expires - now())::float8";
        let row = self.row(sql, &[&id, &session.0.as_slice()]).await?;
        Ok(row.map(|row| reservation(&row)))
    }

    /// Leaves the queue; a slot that was held is free at once.
    pub async fn leave_queue(&self, id: Uuid, session: SecretHash) -> Result<bool, Trouble> {
        let sql = "
            WITH gone AS (
                DELETE FROM queue WHERE ticket_id = $1 AND session = $2 RETURNING state, machine_id, slot, token),
            freed AS (
                UPDATE slots s SET expires = '-infinity', instance_id = NULL FROM gone
                WHERE gone.state = 'held' AND s.machine_id = gone.machine_id AND s.slot = gone.slot AND s.token = gone.token)
            SELECT FROM gone";
        Ok(self.row(sql, &[&id, &session.0.as_slice()]).await?.is_some())
    }

    pub async fn waiting(&self) -> Result<u32, Trouble> {
        let sql =
            "SELECT count(*) FROM queue WHERE state = 'waiting' AND seen > now() - make_interval(secs => $1)";
        let row = self.row(sql, &[&GONE_AFTER.as_secs_f64()]).await?;
        Ok(row.map_or(0, |row| u32::try_from(row.get::<_, i64>(0)).unwrap_or(u32::MAX)))
    }

    /// Other machines have come, or gone: what would do for it now.
    pub async fn accept(&self, id: Uuid, session: SecretHash, servers: &[ServerId]) -> Result<(), Trouble> {
        let sql = "UPDATE queue SET accepts = $3 WHERE ticket_id = $1 AND session = $2 AND state = 'waiting'";
        let servers: Vec<Uuid> = servers.iter().map(|server| server.0).collect();
        self.change(sql, &[&id, &session.0.as_slice(), &servers]).await.map(drop)
    }

    /// Who came for a slot in which nobody began anything (its machine has fallen, or the one that asked it) is first again; places that
    /// are over are forgotten.
    pub(crate) async fn look_after_places(&self) -> Result<(), Trouble> {
        self.change(IN_VAIN, &[]).await?;
        // Who was here in the future would stay for ever.
        let sql = "UPDATE queue SET seen = now() WHERE seen > now() + interval '1 min'";
        self.change(sql, &[]).await?;
        let sql = "
            DELETE FROM queue WHERE seen <= now() - make_interval(secs => $1)
                OR state = 'claimed' AND seen <= now() - make_interval(secs => $2)";
        self.change(sql, &[&FORGOTTEN_AFTER.as_secs_f64(), &GONE_AFTER.as_secs_f64()]).await.map(drop)
    }
}

/// `None`: it is nobody's.
fn ticket(row: &Row) -> Option<Ticket> {
    let lasts: Option<f64> = row.try_get(6).ok()?;
    let (state, machine): (&str, Option<Uuid>) = (row.try_get(4).ok()?, row.try_get(5).ok()?);
    let state = match (state, machine, lasts) {
        ("waiting", ..) => {
            TicketState::Waiting { position: u32::try_from(row.get::<_, i64>(7)).unwrap_or(u32::MAX - 1) + 1 }
        }
        ("held", Some(server), Some(lasts)) if lasts > 0.0 => TicketState::Held {
            server: ServerId(server),
            lasts: Duration::try_from_secs_f64(lasts).unwrap_or_default(),
        },
        ("held", ..) => TicketState::Lapsed,
        _ => TicketState::Claimed,
    };
    let accepts: Option<Vec<Uuid>> = row.try_get(3).ok()?;
    Some(Ticket {
        id: row.try_get(0).ok()?,
        wish: Wish {
            session: SecretHash(row.try_get::<_, Vec<u8>>(1).ok()?.try_into().ok()?),
            launch: row.try_get(2).ok()?,
            accepts: accepts.map(|accepts| accepts.into_iter().map(ServerId).collect()),
        },
        state,
    })
}
