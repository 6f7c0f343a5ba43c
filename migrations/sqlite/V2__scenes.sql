-- Scenes as they were last seen, as JSON. While an instance lives, its row is what it comes back to after a crash; once it has ended
-- (`ended` is set, and whose it was and what it ran beside it), its owner may go on with it in another instance.

CREATE TABLE scenes (
    instance TEXT PRIMARY KEY NOT NULL,
    scene    TEXT NOT NULL CHECK (json_valid(scene)),
    saved    INTEGER NOT NULL,
    ended    INTEGER,
    session  BLOB CHECK (session IS NULL OR length(session) = 32),
    build    TEXT,
    profile  TEXT
) STRICT;

CREATE INDEX scenes_by_session ON scenes (session, ended);

-- When a browser was last here, so that those that never came back can be forgotten.
ALTER TABLE sessions ADD COLUMN seen INTEGER;
