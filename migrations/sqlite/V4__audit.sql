-- Who did what, and when; bounded by age and by number. No secrets: sessions are named by the beginning of their hash.

CREATE TABLE audit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    who      TEXT NOT NULL,
    role     TEXT,
    viewer   TEXT,
    instance TEXT,
    what     TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    detail   TEXT NOT NULL
) STRICT;

CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_instance ON audit (instance) WHERE instance IS NOT NULL;
