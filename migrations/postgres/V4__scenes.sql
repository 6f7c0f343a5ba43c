-- What an instance shows, told every few seconds by its machine: when that is lost, another one goes on with it. A scene is some
-- kilobytes; the bound keeps a mistake from filling the database.
ALTER TABLE machine_instances ADD COLUMN scene jsonb CHECK (octet_length(scene::text) <= 1048576);
