-- Where a machine's door for the other machines is: host and port. Null: it has joined no fleet. It says where, never who: that is
-- proven by certificates.
ALTER TABLE machines ADD COLUMN relay text;
