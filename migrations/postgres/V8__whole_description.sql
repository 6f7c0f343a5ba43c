-- A machine puts right what was edited of its description as soon as it sees it, so all of it is counted.
DROP TRIGGER counted ON machines;
CREATE TRIGGER counted AFTER UPDATE OF name, version, url, relay, region, ip_address, port, ram, graphics_card, storage, offers ON machines
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION openspace_webrtc_count_revision();
