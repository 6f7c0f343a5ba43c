//! Makes the tables, or adopts those of the old back end in place. Safe to repeat, and safe when two machines do it at once.

use std::collections::BTreeMap;

use refinery::{Runner, embed_migrations};
use tokio_postgres::{Client, Error};

use crate::{Address, Place, Registry, ServerRow, Trouble, dial::dial};

embed_migrations!("../../../migrations/postgres");

/// The database may hold more than ours, so the list of steps has a name of its own.
pub(crate) const STEPS: &str = "openspace_webrtc_migrations";
/// "OSWR": who holds this lock sets the registry up, or gives a machine its row; the others wait.
pub(crate) const LOCK: i64 = 0x4F53_5752;
const LOCK_WITHIN: &str = "SET lock_timeout = '30s'";

/// The columns that the old back end's statements name, and how Postgres calls their types.
const OLD_TABLES: &[(&str, &[(&str, &str)])] = &[
    (
        "servers",
        &[
            ("server_id", "uuid"),
            ("region", "varchar"),
            ("ip_address", "varchar"),
            ("port", "int4"),
            ("status", "enum_servers_status"),
            ("available_instances", "int4"),
            ("num_instances", "int4"),
            ("ram", "varchar"),
            ("graphics_card", "varchar"),
            ("storage", "varchar"),
            ("created", "timestamptz"),
            ("modified", "timestamptz"),
        ],
    ),
    (
        "instances",
        &[
            ("instance_id", "uuid"),
            ("session_id", "uuid"),
            ("process_id", "int4"),
            ("server_id", "uuid"),
            ("status", "enum_instances_status"),
            ("created", "timestamptz"),
            ("modified", "timestamptz"),
        ],
    ),
];
pub(crate) const OUR_TABLES: &[&str] =
    &["machines", "heartbeats", "slots", "machine_instances", "known_sessions", "queue"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetUp {
    pub database: Database,
    pub row: RowFate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Created,
    /// The old back end's tables were there; they and their rows are as they were.
    Adopted {
        servers: i64,
        instances: i64,
    },
    /// It had been set up before, by a program as new as this one.
    UpToDate,
    Updated,
}

/// What became of this machine's row of `servers`.
pub type RowFate = Place;

pub async fn setup(address: &Address, row: &ServerRow) -> Result<SetUp, Trouble> {
    let database = {
        let (mut client, _ended) = dial(address).await?;
        let of = |error: Error| Trouble::of(address, &error);
        client.batch_execute(LOCK_WITHIN).await.map_err(of)?;
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(of)?;
        // The lock ends with the connection.
        prepare(address, &mut client).await?
    };
    let row = Registry::connect(address).await?.introduce(row).await?;
    Ok(SetUp { database, row })
}

async fn prepare(address: &Address, client: &mut Client) -> Result<Database, Trouble> {
    let of = |error: Error| Trouble::of(address, &error);
    let database = match (version(client).await.map_err(of)?, newest_known()) {
        (Some(found), known) if found > known => return Err(Trouble::Newer { found, known }),
        (Some(found), known) if found == known => return Ok(Database::UpToDate),
        (Some(_), _) => Database::Updated,
        (None, _) => examine(client).await.map_err(of)??,
    };
    runner().run_async(client).await.map_err(|error| refinery_trouble(address, &error))?;
    Ok(database)
}

fn runner() -> Runner {
    let mut runner = migrations::runner().set_grouped(true);
    runner.set_migration_table_name(STEPS);
    runner
}

fn refinery_trouble(address: &Address, error: &refinery::Error) -> Trouble {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Error>());
    cause.map_or_else(|| Trouble::Failed { why: error.to_string() }, |cause| Trouble::of(address, cause))
}

/// A registry that this program can work with.
pub(crate) async fn check_schema(address: &Address, client: &Client) -> Result<(), Trouble> {
    let found = version(client).await.map_err(|error| Trouble::of(address, &error))?;
    match (found, newest_known()) {
        (Some(found), known) if found > known => Err(Trouble::Newer { found, known }),
        (Some(found), known) if found == known => Ok(()),
        _ => Err(Trouble::NotSetUp),
    }
}

pub(crate) async fn version(client: &Client) -> Result<Option<u32>, Error> {
    let there: bool = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&STEPS]).await?.get(0);
    if !there {
        return Ok(None);
    }
    let newest: Option<i32> =
        client.query_one(&format!("SELECT max(version)::int FROM {STEPS}"), &[]).await?.get(0);
    Ok(newest.and_then(|version| u32::try_from(version).ok()))
}

pub(crate) fn newest_known() -> u32 {
    let newest = migrations::runner().get_migrations().iter().map(refinery::Migration::version).max();
    newest.and_then(|version| u32::try_from(version).ok()).unwrap_or(0)
}

/// Empty, or the old back end's; anything else is left alone.
pub(crate) async fn examine(client: &Client) -> Result<Result<Database, Trouble>, Error> {
    let foreign = |why: String| Ok(Err(Trouble::Foreign { why }));
    for table in OUR_TABLES {
        if !columns(client, table).await?.is_empty() {
            return foreign(format!("its table `{table}` is not one of ours"));
        }
    }
    let mut old = false;
    for (table, wanted) in OLD_TABLES {
        let found = columns(client, table).await?;
        if found.is_empty() {
            continue;
        }
        old = true;
        for (column, kind) in *wanted {
            match found.get(*column) {
                Some(found) if found == kind => {}
                Some(found) => {
                    return foreign(format!("`{table}.{column}` is of the type {found} instead of {kind}"));
                }
                None => return foreign(format!("its table `{table}` has no column `{column}`")),
            }
        }
    }
    if !old {
        return Ok(Ok(Database::Created));
    }
    Ok(Ok(Database::Adopted {
        servers: count(client, "servers").await?,
        instances: count(client, "instances").await?,
    }))
}

async fn columns(client: &Client, table: &str) -> Result<BTreeMap<String, String>, Error> {
    let sql = "SELECT attname::text, typname::text FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
               WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
    Ok(client.query(sql, &[&table]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// None of a table that is not there, or that this user may not read.
pub(crate) async fn count(client: &Client, table: &str) -> Result<i64, Error> {
    let sql = "SELECT coalesce(has_table_privilege(to_regclass($1), 'SELECT'), false)";
    if !client.query_one(sql, &[&table]).await?.get::<_, bool>(0) {
        return Ok(0);
    }
    Ok(client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await?.get(0))
}
