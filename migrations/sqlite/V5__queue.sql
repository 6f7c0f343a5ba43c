-- Who waits for a slot of this machine while no registry keeps the queue. The lower number is first. `launch`, `accepts` and `stage` are
-- JSON: they are read whole or not at all.

CREATE TABLE queue (
    id      TEXT PRIMARY KEY NOT NULL,
    number  INTEGER NOT NULL UNIQUE,
    session BLOB NOT NULL CHECK (length(session) = 32),
    launch  TEXT NOT NULL CHECK (json_valid(launch)),
    accepts TEXT CHECK (accepts IS NULL OR json_valid(accepts)),
    seen    INTEGER NOT NULL,
    stage   TEXT NOT NULL CHECK (json_valid(stage))
) STRICT;
