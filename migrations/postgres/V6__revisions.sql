-- Every machine looks at all others all the time, and mostly nothing has changed but their heartbeats. So what is told of a machine (its
-- description, what can be launched there, its instances) is counted, and read anew only where the count has changed. Triggers count, so
-- that what a person edits by hand is seen too.
ALTER TABLE heartbeats ADD COLUMN revision bigint NOT NULL DEFAULT 0;
-- Slots that neither run something nor are reserved, as of the last heartbeat: counted once by the machine, not again by each that looks.
ALTER TABLE heartbeats ADD COLUMN slots_open integer NOT NULL DEFAULT 0;

CREATE FUNCTION openspace_webrtc_count_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE heartbeats SET revision = revision + 1 WHERE machine_id = OLD.machine_id;
    END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND NEW.machine_id <> OLD.machine_id THEN
        UPDATE heartbeats SET revision = revision + 1 WHERE machine_id = NEW.machine_id;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER counted AFTER INSERT OR DELETE OR UPDATE OF machine_id, session, view ON machine_instances
    FOR EACH ROW EXECUTE FUNCTION openspace_webrtc_count_revision();
-- Scenes change every few seconds, and are read only when somebody goes on with one: whether there is one is told.
CREATE TRIGGER first_scene AFTER UPDATE OF scene ON machine_instances
    FOR EACH ROW WHEN ((OLD.scene IS NULL) <> (NEW.scene IS NULL)) EXECUTE FUNCTION openspace_webrtc_count_revision();
CREATE TRIGGER counted AFTER UPDATE OF name, version, url, relay, region, ip_address, graphics_card, offers ON machines
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION openspace_webrtc_count_revision();
