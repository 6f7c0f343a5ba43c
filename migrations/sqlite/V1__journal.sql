-- This machine's truth: what may be launched, who may see what, and which processes belong to which instance.
-- Moments are milliseconds since 1970-01-01 UTC. Secrets are kept as SHA-256 hashes only.

-- "OSWR": tells this file from another program's SQLite file.
PRAGMA application_id = 1330861906;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    hash    BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE admin_tokens (
    hash    BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- In the order in which they were added (rowid). `kind`, `env` and `args` are JSON: they are read whole or not at all.
CREATE TABLE builds (
    id   TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (json_valid(kind)),
    env  TEXT NOT NULL CHECK (json_valid(env)),
    args TEXT NOT NULL CHECK (json_valid(args))
) STRICT;

-- `build` names a row of `builds` that may have been removed since. `running` is JSON: the processes to adopt after a restart.
CREATE TABLE instances (
    id      TEXT PRIMARY KEY NOT NULL,
    session BLOB NOT NULL CHECK (length(session) = 32),
    build   TEXT NOT NULL,
    profile TEXT,
    width   INTEGER NOT NULL,
    height  INTEGER NOT NULL,
    created INTEGER NOT NULL,
    state   TEXT NOT NULL,
    message TEXT,
    running TEXT CHECK (running IS NULL OR json_valid(running))
) STRICT;

CREATE TABLE invites (
    hash     BLOB PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    instance TEXT NOT NULL,
    role     TEXT NOT NULL,
    expires  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX invites_by_instance ON invites (instance);
CREATE INDEX invites_by_expiry ON invites (expires);
