-- A heartbeat writes one narrow row; the old back end's rows are made to follow by who has something new to say, and by the one machine
-- that looks after the dead. So the heartbeat has to tell this too: the places as the machine itself counts them. Null: not told yet.
ALTER TABLE heartbeats ADD COLUMN slots_free integer;
