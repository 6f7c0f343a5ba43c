//! The whole fleet as one machine sees it: how every machine stands, looked at anew each time, and what it tells of itself and of its
//! instances, read again only where that has changed.
//!
//! ```text
//!  pulse: one narrow row a machine ─► its revision is another one ─► what it tells ─► kept until the next change
//! ```
//!
//! Rows can be edited by hand. What cannot be so is passed over, and said once for each row: [`Overview::odd`].

use std::{collections::BTreeMap, time::Duration};

use model::ServerId;
use serde_json::Value;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use crate::{
    DEAD_AFTER, Description, Generation, Load, Machine, Registry, SharedInstance, Trouble,
    connection::Params, instances,
};

/// No machine has as many places.
const SLOTS_MAX: i32 = 1024;
/// A build is described in some hundred bytes, and an instance too.
const OFFERS_BYTES_MAX: i32 = 1 << 20;
const VIEW_BYTES_MAX: i32 = 1 << 16;

/// A name may be nonsense too.
const NAME_SHOWN: usize = 40;

const PULSE: &str = "
    SELECT machine_id, revision, generation, (extract(epoch FROM now()) - extract(epoch FROM seen))::float8,
        seen > now() - make_interval(secs => $1), seen > now() + make_interval(secs => $1),
        draining, slots_total, slots_open, viewers, cpu_percent, memory_free_mb, gpu_memory_free_mb, encoder_sessions
    FROM heartbeats";

/// Revisions that somebody has edited may be too large for a number of Postgres' when added up.
const NEWS: &str = "SELECT coalesce(sum(revision), 0)::text, count(*) FROM heartbeats";

const TELLS: &str = "
    SELECT machine_id, left(name, 255), left(version, 255), left(url, 255), left(relay, 255), left(region, 255),
        left(ip_address, 255), left(graphics_card, 255), extract(epoch FROM joined)::float8,
        CASE WHEN pg_column_size(offers) <= $2 THEN offers END, port, left(ram, 255), left(storage, 255)
    FROM machines WHERE machine_id = ANY ($1)";

const RUNS: &str = "
    SELECT i.instance_id, i.machine_id, i.session, CASE WHEN pg_column_size(i.view) <= $2 THEN i.view END, false,
        i.scene IS NOT NULL
    FROM machine_instances i WHERE i.machine_id = ANY ($1) ORDER BY i.modified, i.instance_id";

/// What was read last; nothing at first.
#[derive(Debug, Default)]
pub struct Overview {
    machines: BTreeMap<ServerId, Known>,
    news: News,
}

/// The sum of all revisions, and of how many machines: either changes with any change.
type News = (i128, usize);

#[derive(Debug)]
struct Known {
    pulse: Pulse,
    tells: Tells,
    instances: Vec<SharedInstance>,
    odd: Vec<String>,
}

#[derive(Clone, Debug)]
struct Pulse {
    server: ServerId,
    revision: i64,
    generation: Generation,
    age: Duration,
    alive: bool,
    draining: bool,
    slots_total: u32,
    slots_open: u32,
    load: Load,
    odd: Option<String>,
}

#[derive(Debug)]
struct Tells {
    description: Description,
    joined: f64,
    offers: Option<Value>,
}

impl Overview {
    /// Is there something new besides heartbeats? Much cheaper than a look.
    pub async fn has_news(&self, registry: &Registry) -> Result<bool, Trouble> {
        let row = registry.row(NEWS, &[]).await?;
        let now = row.and_then(|row| {
            let (sum, machines): (String, i64) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
            Some((sum.parse().ok()?, usize::try_from(machines).ok()?))
        });
        Ok(now != Some(self.news))
    }

    pub async fn look(&mut self, registry: &Registry) -> Result<(), Trouble> {
        let rows = registry.rows(PULSE, &[&DEAD_AFTER.as_secs_f64()]).await?;
        let pulses: Vec<Pulse> = rows.iter().filter_map(|row| pulse(row).ok()).collect();
        // What changes from here on is news the next time.
        self.news = (pulses.iter().map(|pulse| i128::from(pulse.revision)).sum(), rows.len());
        self.machines.retain(|server, _| pulses.iter().any(|pulse| pulse.server == *server));
        let changed = |pulse: &&Pulse| {
            self.machines.get(&pulse.server).is_none_or(|known| known.pulse.revision != pulse.revision)
        };
        let changed: Vec<Uuid> = pulses.iter().filter(changed).map(|pulse| pulse.server.0).collect();
        let (mut tells, mut runs) = match changed.is_empty() {
            true => Default::default(),
            false => (read_tells(registry, &changed).await?, read_runs(registry, &changed).await?),
        };
        for pulse in pulses {
            let server = pulse.server;
            if let Some(tells) = tells.remove(&server) {
                let (instances, odd) = runs.remove(&server).unwrap_or_default();
                self.machines.insert(server, Known { pulse, tells, instances, odd });
            } else if let Some(known) = self.machines.get_mut(&server) {
                known.pulse = pulse;
            }
        }
        Ok(())
    }

    /// In the order in which they joined.
    pub fn fleet(&self) -> Vec<Machine> {
        let mut all: Vec<&Known> = self.machines.values().collect();
        all.sort_by(|a, b| a.tells.joined.total_cmp(&b.tells.joined));
        all.into_iter().map(machine).collect()
    }

    /// What can be launched where, as each machine's API tells it.
    pub fn offers(&self) -> Vec<(ServerId, Value)> {
        let offers =
            |(server, known): (&ServerId, &Known)| (*server, known.tells.offers.clone().unwrap_or_default());
        self.machines.iter().map(offers).collect()
    }

    /// Of all machines; those of dead ones too, since somebody may look for them.
    pub fn instances(&self) -> Vec<SharedInstance> {
        self.machines.values().flat_map(|known| &known.instances).cloned().collect()
    }

    /// Rows that cannot be so: which, what is the matter, and what to do.
    pub fn odd(&self) -> Vec<String> {
        let of = |known: &Known| {
            let machine = || {
                format!(
                    "machines {} ({})",
                    known.pulse.server,
                    known.tells.description.name.chars().take(NAME_SHOWN).collect::<String>()
                )
            };
            let offers = match &known.tells.offers {
                None => Some(format!(
                    "{}: its `offers` are too long to be true. It is not launched on; delete the row, its machine makes it anew",
                    machine()
                )),
                Some(Value::Array(_)) => None,
                Some(_) => Some(format!(
                    "{}: its `offers` are no list. It is not launched on; delete the row, its machine makes it anew",
                    machine()
                )),
            };
            known.pulse.odd.iter().cloned().chain(offers).chain(known.odd.clone()).collect::<Vec<_>>()
        };
        self.machines.values().flat_map(of).collect()
    }
}

async fn read_tells(registry: &Registry, of: &[Uuid]) -> Result<BTreeMap<ServerId, Tells>, Trouble> {
    let params: Params<'_> = &[&of, &OFFERS_BYTES_MAX];
    let rows = registry.rows(TELLS, params).await?;
    Ok(rows.iter().filter_map(|row| tells(row).ok()).collect())
}

type Runs = BTreeMap<ServerId, (Vec<SharedInstance>, Vec<String>)>;

async fn read_runs(registry: &Registry, of: &[Uuid]) -> Result<Runs, Trouble> {
    let params: Params<'_> = &[&of, &VIEW_BYTES_MAX];
    let mut all = Runs::new();
    for row in registry.rows(RUNS, params).await? {
        let (Ok(instance), Ok(server)) = (row.try_get::<_, Uuid>(0), row.try_get(1)) else { continue };
        let of_machine = all.entry(ServerId(server)).or_default();
        match instances::shared(&row) {
            Some(shared) => of_machine.0.push(shared),
            None => of_machine.1.push(format!(
                "machine_instances {instance}: it is not as any machine writes it. It is not listed; delete the row, its machine tells it anew"
            )),
        }
    }
    Ok(all)
}

fn pulse(row: &Row) -> Result<Pulse, Error> {
    let server = ServerId(row.try_get(0)?);
    let (age, recent, future): (f64, bool, bool) = (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
    let (total, open): (i32, i32) = (row.try_get(7)?, row.try_get(8)?);
    let odd = if future {
        Some("its last sign of life lies in the future. It counts as dead until it speaks again")
    } else if total > SLOTS_MAX {
        Some("it has more places than any machine. Nothing is launched on it until it speaks again")
    } else {
        None
    };
    Ok(Pulse {
        server,
        revision: row.try_get(1)?,
        generation: Generation(row.try_get(2)?),
        age: if age > 0.0 {
            Duration::try_from_secs_f64(age).unwrap_or(Duration::MAX)
        } else {
            Duration::ZERO
        },
        alive: recent && !future,
        draining: row.try_get(6)?,
        slots_total: if total > SLOTS_MAX { 0 } else { small(total) },
        slots_open: if total > SLOTS_MAX { 0 } else { small(open) },
        load: Load {
            viewers: small(row.try_get(9)?),
            cpu_percent: row.try_get(10)?,
            memory_free_mb: small(row.try_get(11)?),
            gpu_memory_free_mb: row.try_get::<_, Option<i32>>(12)?.map(small),
            encoder_sessions: row.try_get::<_, Option<i32>>(13)?.map(small),
        },
        odd: odd.map(|odd| format!("heartbeats {server}: {odd}")),
    })
}

fn tells(row: &Row) -> Result<(ServerId, Tells), Error> {
    let description = Description {
        name: row.try_get(1)?,
        version: row.try_get(2)?,
        url: row.try_get(3)?,
        relay: row.try_get(4)?,
        region: row.try_get(5)?,
        ip_address: row.try_get(6)?,
        graphics_card: row.try_get(7)?,
        port: row.try_get(10)?,
        ram: row.try_get(11)?,
        storage: row.try_get(12)?,
    };
    let tells = Tells { description, joined: row.try_get(8)?, offers: row.try_get(9)? };
    Ok((ServerId(row.try_get(0)?), tells))
}

fn machine(known: &Known) -> Machine {
    let Known { pulse, tells, .. } = known;
    // One that lies in the future has not been heard of since.
    let age = if pulse.odd.is_some() && !pulse.alive { pulse.age.max(DEAD_AFTER) } else { pulse.age };
    Machine {
        server: pulse.server,
        generation: pulse.generation,
        description: tells.description.clone(),
        age,
        alive: pulse.alive,
        draining: pulse.draining,
        slots_total: pulse.slots_total,
        slots_free: pulse.slots_open,
        load: pulse.load,
    }
}

fn small(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

// A view of the moment, for who asks once.
impl Registry {
    pub async fn fleet(&self) -> Result<Vec<Machine>, Trouble> {
        let mut overview = Overview::default();
        overview.look(self).await?;
        Ok(overview.fleet())
    }
}
