-- A page asks once a second how its places stand, by whose they are.
CREATE INDEX queue_by_session ON queue (session);
