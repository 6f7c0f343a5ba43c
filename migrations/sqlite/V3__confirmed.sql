-- What a running program said of itself at its start. `build` names a row of `builds`; `program` tells the executable that ran, so that a
-- newer one in the same folder has said nothing yet.
CREATE TABLE confirmed (
    build     TEXT PRIMARY KEY NOT NULL,
    version   TEXT,
    commit_id TEXT,
    api       TEXT NOT NULL,
    at        INTEGER NOT NULL,
    program   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
