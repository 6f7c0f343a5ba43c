-- Who was invited to an instance, by the hashes of the links' secrets: the machine that goes on with it lets them in. A link is some 120
-- bytes; the bound keeps a mistake from filling the database.
ALTER TABLE machine_instances ADD COLUMN invites jsonb CHECK (octet_length(invites::text) <= 65536);
