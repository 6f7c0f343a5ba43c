//! Opens the file: whose it is, which schema it has, who else has it open. Nothing is changed before these are answered.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use refinery::embed_migrations;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::OpenError;

embed_migrations!("../../../migrations/sqlite");

/// Set by the first migration.
const APPLICATION_ID: i64 = 0x4F53_5752;
const SQLITE_HEADER: &[u8] = b"SQLite format 3\0";
/// Session hashes and paths are nobody else's business.
const OWNER_ONLY: u32 = 0o600;
/// Our lock keeps other nodes out; only a curious `sqlite3` shell can be in the way, and it is so for moments.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Opened {
    pub connection: Connection,
    /// Held as long as the file is open; the system takes it back even from a process that was killed.
    pub lock: File,
}

pub(crate) fn open(path: &Path) -> Result<Opened, OpenError> {
    make_folder(path)?;
    let lock = lock(path)?;
    make_file(path)?;
    let mut connection = connect(path).map_err(|error| explain(path, &error))?;
    check_owner(path, &connection)?;
    check_schema(path, &connection)?;
    prepare(&connection).map_err(|error| explain(path, &error))?;
    migrate(path, &mut connection)?;
    Ok(Opened { connection, lock })
}

fn make_folder(path: &Path) -> Result<(), OpenError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| refuse(folder, &error))
}

/// A lock on a file beside the database: SQLite's own locks come and go with each transaction.
fn lock(path: &Path) -> Result<File, OpenError> {
    let beside = PathBuf::from(format!("{}.lock", path.display()));
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_ONLY)
        .open(&beside)
        .map_err(|error| refuse(&beside, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(refuse(&beside, &error)),
    }
}

/// SQLite gives its companion files (`-wal`, `-shm`) the mode of the database, so that is made first.
fn make_file(path: &Path) -> Result<(), OpenError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_ONLY)
        .open(path)
        .map_err(|error| refuse(path, &error))?;
    let mut header = [0; SQLITE_HEADER.len()];
    match file.read_exact(&mut header) {
        Ok(()) if header == SQLITE_HEADER => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && is_empty(&file) => {}
        _ => return Err(foreign(path, "it is no SQLite file")),
    }
    file.set_permissions(Permissions::from_mode(OWNER_ONLY)).map_err(|error| refuse(path, &error))
}

fn is_empty(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.len() == 0)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Ours, or new: a first start that was cut short leaves at most the empty table of migrations behind.
fn check_owner(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let damage: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| explain(path, &error))?;
    if damage != "ok" {
        return Err(foreign(path, &format!("it is damaged ({damage})")));
    }
    let application: i64 = connection
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(|error| explain(path, &error))?;
    let tables: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name <> 'refinery_schema_history'",
            [],
            |row| row.get(0),
        )
        .map_err(|error| explain(path, &error))?;
    if application == APPLICATION_ID || (application == 0 && tables == 0) {
        Ok(())
    } else {
        Err(foreign(path, "it belongs to another program"))
    }
}

fn check_schema(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let history =
        connection.table_exists(None, "refinery_schema_history").map_err(|error| explain(path, &error))?;
    if !history {
        return Ok(());
    }
    let found: u32 = connection
        .query_row("SELECT coalesce(max(version), 0) FROM refinery_schema_history", [], |row| row.get(0))
        .map_err(|error| explain(path, &error))?;
    let known = newest_known();
    if found > known { Err(OpenError::Newer { path: path.to_owned(), found, known }) } else { Ok(()) }
}

fn newest_known() -> u32 {
    let newest = migrations::runner().get_migrations().iter().map(refinery::Migration::version).max();
    newest.and_then(|version| u32::try_from(version).ok()).unwrap_or(0)
}

/// With a write-ahead log a commit is one write; FULL makes the disk confirm it. Commits are state changes of instances, a few a minute.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!(
            mode,
            "the data folder's file system has no write-ahead log; the journal works, but slower"
        );
    }
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), OpenError> {
    migrations::runner().run(connection).map(drop).map_err(|error| {
        let cause =
            std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<rusqlite::Error>());
        cause.map_or_else(|| foreign(path, &error.to_string()), |cause| explain(path, cause))
    })
}

fn refuse(path: &Path, error: &io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            OpenError::DiskFull { path: path.to_owned() }
        }
        _ => OpenError::ReadOnly { path: path.to_owned(), why: error.to_string() },
    }
}

fn foreign(path: &Path, why: &str) -> OpenError {
    OpenError::Foreign { path: path.to_owned(), why: why.to_owned() }
}

fn explain(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path_buf = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => OpenError::DiskFull { path: path_buf },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { path: path_buf },
        Some(
            ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure,
        ) => OpenError::ReadOnly { path: path_buf, why: error.to_string() },
        _ => foreign(path, &error.to_string()),
    }
}
