//! Looks at a database before anything is done to it: is it reached, what is in it, and may this user do what is needed?

use model::UnixMillis;
use tokio_postgres::{Client, Error};

use crate::{
    Address, Database, Trouble,
    dial::dial,
    setup::{OUR_TABLES, STEPS, count, examine, newest_known, version},
};

const OLD_TABLES: &[&str] = &["servers", "instances"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// "15.18".
    pub version: String,
    /// By the database's clock.
    pub database_now: UnixMillis,
    pub encrypted: bool,
    pub tables: Tables,
    /// In Postgres' own words: `CREATE on schema public`. Empty: all is well.
    pub missing_rights: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tables {
    /// None that matter to us.
    None,
    Ours {
        machines: i64,
        /// An older version of ours made them, and they are to be brought up to date.
        older: bool,
    },
    /// The old back end's: they are adopted in place.
    Old {
        servers: i64,
        instances: i64,
    },
    Newer {
        found: u32,
        known: u32,
    },
    Foreign {
        why: String,
    },
}

/// Changes nothing there.
pub async fn look(address: &Address) -> Result<Found, Trouble> {
    let (client, _ended) = dial(address).await?;
    let of = |error: Error| Trouble::of(address, &error);
    let sql = "
        SELECT split_part(current_setting('server_version'), ' ', 1),
            coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
            pg_is_in_recovery() OR current_setting('transaction_read_only')::bool,
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let row = client.query_one(sql, &[]).await.map_err(of)?;
    if row.get(2) {
        return Err(Trouble::ReadOnly { place: address.to_string() });
    }
    let tables = tables(&client).await.map_err(of)?;
    let missing_rights = missing_rights(&client, &tables).await.map_err(of)?;
    let (version, encrypted, database_now) = (row.get(0), row.get(1), UnixMillis(row.get(3)));
    Ok(Found { version, database_now, encrypted, tables, missing_rights })
}

async fn tables(client: &Client) -> Result<Tables, Error> {
    let known = newest_known();
    if may_read(client, STEPS).await?
        && let Some(found) = version(client).await?
    {
        return Ok(if found > known {
            Tables::Newer { found, known }
        } else {
            Tables::Ours { machines: count(client, "machines").await?, older: found < known }
        });
    }
    Ok(match examine(client).await? {
        Ok(Database::Adopted { servers, instances }) => Tables::Old { servers, instances },
        Ok(_) => Tables::None,
        Err(Trouble::Foreign { why }) => Tables::Foreign { why },
        Err(other) => Tables::Foreign { why: other.to_string() },
    })
}

/// True of a table that is not there as well.
async fn may_read(client: &Client, table: &str) -> Result<bool, Error> {
    let sql = "SELECT coalesce(has_table_privilege(to_regclass($1), 'SELECT'), true)";
    Ok(client.query_one(sql, &[&table]).await?.get(0))
}

/// What this user may not do though it must. To bring tables up to date, one must own them; to join what is up to date, one need not.
async fn missing_rights(client: &Client, tables: &Tables) -> Result<Vec<String>, Error> {
    let (makes, uses, changes): (bool, Vec<&str>, Vec<&str>) = match tables {
        Tables::None => (true, Vec::new(), Vec::new()),
        Tables::Old { .. } => (true, OLD_TABLES.to_vec(), Vec::new()),
        Tables::Ours { older: true, .. } => {
            (true, OLD_TABLES.to_vec(), OUR_TABLES.iter().chain([&STEPS]).copied().collect())
        }
        Tables::Ours { older: false, .. } => {
            (false, OUR_TABLES.iter().chain(OLD_TABLES).chain([&STEPS]).copied().collect(), Vec::new())
        }
        Tables::Newer { .. } | Tables::Foreign { .. } => return Ok(Vec::new()),
    };
    let sql = "
        SELECT 'CREATE on schema ' || coalesce(current_schema(), 'public')
            WHERE $1 AND NOT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
        UNION ALL
        SELECT privilege || ' on ' || name FROM unnest($2::text[]) name,
            unnest(CASE WHEN name = $4 THEN ARRAY['SELECT'] WHEN $1 AND name = 'servers'
                THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES']
                ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) privilege
            WHERE NOT coalesce(has_table_privilege(to_regclass(name), privilege), true)
        UNION ALL
        SELECT 'ownership of ' || name FROM unnest($3::text[]) name JOIN pg_class ON pg_class.oid = to_regclass(name)
            WHERE NOT pg_has_role(relowner, 'USAGE')
        UNION ALL
        SELECT 'USAGE on fencing_tokens' WHERE NOT coalesce(has_sequence_privilege(to_regclass('fencing_tokens'), 'USAGE'), true)";
    let rows = client.query(sql, &[&makes, &uses, &changes, &STEPS]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
