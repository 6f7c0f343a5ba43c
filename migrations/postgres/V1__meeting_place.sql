-- Where machines meet. `servers` and `instances` belong to the old back end too, which reads and writes them through Sequelize: they are
-- made as it makes them, and where it has made them they stay as they are. What we add stands in tables of its own.

DO $$
BEGIN
    IF to_regtype('enum_servers_status') IS NULL THEN
        CREATE TYPE enum_servers_status AS ENUM ('active', 'inactive');
    END IF;
    IF to_regtype('enum_instances_status') IS NULL THEN
        CREATE TYPE enum_instances_status AS ENUM ('IDLE', 'INITIALIZING', 'RUNNING', 'DEINITIALIZING', 'TERMINATED');
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS servers (
    server_id uuid PRIMARY KEY,
    region varchar(255),
    ip_address varchar(255) NOT NULL,
    port integer NOT NULL,
    status enum_servers_status DEFAULT 'active',
    available_instances integer NOT NULL DEFAULT 0,
    num_instances integer DEFAULT 0,
    ram varchar(255) NOT NULL,
    graphics_card varchar(255),
    storage varchar(255) NOT NULL,
    created timestamptz NOT NULL,
    modified timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS instances (
    instance_id uuid PRIMARY KEY,
    session_id uuid NOT NULL,
    process_id integer NOT NULL,
    server_id uuid REFERENCES servers (server_id) ON UPDATE CASCADE ON DELETE SET NULL,
    status enum_instances_status DEFAULT 'IDLE',
    created timestamptz NOT NULL,
    modified timestamptz NOT NULL
);

-- The machines of OpenSpace WebRTC, as each describes itself. `server_id` is the row by which the old back end knows it, which may be
-- older than the machine; whatever is edited there is put right by the next heartbeat.
CREATE TABLE machines (
    machine_id uuid PRIMARY KEY,
    server_id uuid NOT NULL UNIQUE REFERENCES servers (server_id) ON UPDATE CASCADE ON DELETE CASCADE,
    name text NOT NULL,
    version text NOT NULL,
    -- Where its pages and its API are reached by the other machines.
    url text,
    region text,
    ip_address text NOT NULL,
    port integer NOT NULL,
    ram text NOT NULL,
    graphics_card text,
    storage text NOT NULL,
    -- What can be launched there, as its API tells it.
    offers jsonb NOT NULL DEFAULT '[]',
    joined timestamptz NOT NULL DEFAULT now()
);

-- Written every two seconds by every machine, so it is narrow and has no index on what changes: each write stays on its page.
CREATE TABLE heartbeats (
    machine_id uuid PRIMARY KEY REFERENCES machines (machine_id) ON UPDATE CASCADE ON DELETE CASCADE,
    -- Counts the joins of this machine: who writes with an older one has been replaced, and changes nothing.
    generation bigint NOT NULL DEFAULT 1,
    seen timestamptz NOT NULL DEFAULT now(),
    draining boolean NOT NULL DEFAULT false,
    slots_total integer NOT NULL CHECK (slots_total >= 0),
    viewers integer NOT NULL DEFAULT 0,
    cpu_percent real NOT NULL DEFAULT 0,
    memory_free_mb integer NOT NULL DEFAULT 0,
    gpu_memory_free_mb integer,
    encoder_sessions integer
) WITH (fillfactor = 40);

-- Grows with every slot that is given out; whoever acts on a slot shows the number, and an older one changes nothing.
CREATE SEQUENCE fencing_tokens AS bigint;

-- One row for each place of each machine. It is free when `expires` is past: '-infinity' says so, a reservation ends by itself, and
-- 'infinity' is an instance that runs.
CREATE TABLE slots (
    machine_id uuid NOT NULL REFERENCES machines (machine_id) ON UPDATE CASCADE ON DELETE CASCADE,
    slot integer NOT NULL CHECK (slot >= 0),
    expires timestamptz NOT NULL DEFAULT '-infinity',
    token bigint NOT NULL DEFAULT 0,
    instance_id uuid,
    PRIMARY KEY (machine_id, slot)
) WITH (fillfactor = 40);

-- Every machine's instances, as its API tells them, so that a home page lists one's own wherever they run.
CREATE TABLE machine_instances (
    instance_id uuid PRIMARY KEY,
    machine_id uuid NOT NULL REFERENCES machines (machine_id) ON UPDATE CASCADE ON DELETE CASCADE,
    session bytea NOT NULL CHECK (octet_length(session) = 32),
    view jsonb NOT NULL,
    modified timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX machine_instances_by_session ON machine_instances (session);
CREATE INDEX machine_instances_by_machine ON machine_instances (machine_id);

-- Hashes of the sessions' secrets, so that every machine knows a browser that another one has greeted.
CREATE TABLE known_sessions (
    session bytea PRIMARY KEY CHECK (octet_length(session) = 32),
    created timestamptz NOT NULL DEFAULT now()
);

-- Who waits for a slot; the lower number is first, over all machines.
CREATE TABLE queue (
    ticket_id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    session bytea NOT NULL CHECK (octet_length(session) = 32),
    -- What is to be launched, as it was asked for.
    wish jsonb NOT NULL,
    -- The machines that would do; null: any.
    accepts uuid[],
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'held', 'claimed')),
    queued timestamptz NOT NULL DEFAULT now(),
    -- When its page asked last: who has gone is passed over.
    seen timestamptz NOT NULL DEFAULT now(),
    -- The slot that is held for it.
    machine_id uuid,
    slot integer,
    token bigint,
    instance_id uuid,
    held_until timestamptz
);
CREATE INDEX queue_waiting ON queue (number) WHERE state = 'waiting';
