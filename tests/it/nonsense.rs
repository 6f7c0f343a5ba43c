//! Rows of the registry that somebody has edited to nonsense, under real machines: they go on, put right what is theirs, and say what is not.

use anyhow::{Result, ensure};
use e2e::{TestFleet, TestNode, programs::sleeper};
use model::{InstanceId, ServerId};
use protocol::admin::NodeSnapshot;

/// All that a person with a terminal can do to the rows of two machines that live.
fn edits(dome: ServerId, foyer: ServerId, x: InstanceId) -> String {
    format!(
        "
        UPDATE servers SET available_instances = -5, num_instances = NULL, status = 'inactive', ram = 'lots',
            region = repeat('r', 255), ip_address = '127.0.0.1', port = 4699;
        INSERT INTO servers (server_id, ip_address, port, status, available_instances, ram, storage, created, modified)
            VALUES (gen_random_uuid(), '127.0.0.1', 4699, NULL, -2147483648, '', '', 'infinity', '-infinity');
        UPDATE heartbeats SET slots_total = 2147483647, slots_free = -1, slots_open = 2147483647, viewers = -9,
            cpu_percent = 'NaN', memory_free_mb = -1;
        UPDATE heartbeats SET seen = now() + interval '1 hour', generation = 9223372036854775807 WHERE machine_id = '{foyer}';
        UPDATE machines SET name = repeat('x', 300000), url = NULL, relay = 'nowhere', region = repeat('r', 90000), port = -1,
            offers = '{{\"not\": \"a list\"}}' WHERE machine_id = '{foyer}';
        DELETE FROM slots WHERE machine_id = '{foyer}';
        UPDATE slots SET expires = 'infinity', instance_id = NULL WHERE machine_id = '{dome}';
        UPDATE machine_instances SET view = '\"dancing\"' WHERE instance_id = '{x}';
        INSERT INTO queue (ticket_id, session, wish, accepts, state, seen, held_until)
            VALUES (gen_random_uuid(), sha256('x'), '[7]', ARRAY[NULL]::uuid[], 'held', now() + interval '1 hour', 'infinity')"
    )
}

/// A machine that nobody has, as alive as a row can say, with room and an instance.
fn ghost(ghost: ServerId) -> String {
    format!(
        "
        INSERT INTO servers (server_id, ip_address, port, ram, storage, created, modified)
            VALUES ('{ghost}', 'ghost', 1, '', '', now(), now());
        INSERT INTO machines (machine_id, server_id, name, version, ip_address, port, ram, storage, relay, offers)
            VALUES ('{ghost}', '{ghost}', 'Ghost', '', 'ghost', 1, '', '', 'ghost:1', '{{\"no\": \"list\"}}');
        INSERT INTO heartbeats (machine_id, slots_total, slots_open, seen) VALUES ('{ghost}', 3, 3, now() + interval '1 hour');
        INSERT INTO slots (machine_id, slot) VALUES ('{ghost}', 0);
        INSERT INTO machine_instances (instance_id, machine_id, session, view)
            VALUES ('{ghost}', '{ghost}', sha256('x'), '{{\"state\": \"dancing\"}}')"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_in_every_table_stops_no_machine_and_is_put_right_or_said() -> Result<()> {
    let fleet = TestFleet::start(&["Dome", "Foyer"], &["instances.slots=3"]).await?;
    let (dome, foyer, nobody) = (fleet.ids[0], fleet.ids[1], ServerId::random());
    let mut build = String::new();
    for node in &fleet.nodes {
        build = sleeper(node).await?;
    }
    fleet.postgres.until("SELECT count(*) FROM machines WHERE offers::text LIKE '%Sleeper%'", "2").await?;
    let (ann, admin) = (fleet.nodes[0].browser().await?, fleet.nodes[0].admin()?);
    let (here, there) =
        (ann.launch_once_known(&build, dome).await?, ann.launch_once_known(&build, foyer).await?);
    fleet.postgres.until("SELECT count(*) FROM slots WHERE expires = 'infinity'", "2").await?;

    fleet.postgres.sql("openspace", &edits(dome, foyer, there))?;
    fleet.postgres.sql("openspace", &ghost(nobody))?;
    ann.stop(here).await?;

    let rows = "
        SELECT m.name, s.status, s.available_instances, s.num_instances, s.ram = m.ram, s.port = m.port, h.slots_total
        FROM machines m JOIN servers s USING (server_id) JOIN heartbeats h USING (machine_id) WHERE m.name <> 'Ghost' ORDER BY 1";
    fleet.postgres.until(rows, "Dome|active|3|3|t|t|3\nFoyer|active|2|3|t|t|3").await?;
    let slots = "
        SELECT count(*), count(*) FILTER (WHERE expires > now()), max(instance_id::text) FILTER (WHERE expires > now())
        FROM slots JOIN machines USING (machine_id) WHERE name <> 'Ghost'";
    fleet.postgres.until(slots, &format!("6|1|{there}")).await?;
    let view = ann.until_view(there, "its machine's", |view| view.server_id == foyer).await?;
    ensure!(view.state.is_live(), "it never stopped: {view:?}");
    for server in [dome, foyer, foyer] {
        ensure!(ann.launch_on(&build, server).await.is_ok(), "there is room on {server}");
    }
    ann.until_machines(2).await?;

    // What is nobody's is said to people, with its place; and nothing is launched there.
    let said = |s: &NodeSnapshot| {
        let message = s.registry.message.clone().filter(|message| message.contains("`offers` are no list"));
        let warning = s.warnings.iter().find(|warning| warning.contains("machine_instances")).cloned();
        message.zip(warning)
    };
    let (message, warning) = admin.until_snapshot("what cannot be so", said).await?;
    ensure!(
        [&message, &warning]
            .iter()
            .all(|said| said.contains(&nobody.to_string()) && said.contains("delete the row"))
    );
    let bob = fleet.nodes[0].browser().await?;
    let refused = bob.launch_on(&build, nobody).await.map(drop).unwrap_err().to_string();
    ensure!(refused.contains("has been heard of lately") || refused.contains("has that build"), "{refused}");
    let log: String = fleet.nodes.iter().map(TestNode::log).collect();
    ensure!(!log.contains("panicked"), "{log}");
    for line in [
        "lay in the future",
        "a row of the registry cannot be so: machines",
        "a row of `machine_instances` is not understood",
    ] {
        ensure!(log.contains(line), "the log says nowhere: {line}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_edited_of_a_machine_is_put_right_while_it_runs_and_who_edits_on_is_said() -> Result<()> {
    let fleet = TestFleet::start(&["Dome"], &["instances.slots=2"]).await?;
    let (dome, sql) = (&fleet.nodes[0], |sql: &str| fleet.postgres.sql("openspace", sql));
    let build = sleeper(dome).await?;
    let (ann, admin) = (dome.browser().await?, dome.admin()?);
    let runs = ann.launch_build(&build).await?;
    fleet.postgres.until("SELECT count(*) FROM slots WHERE expires = 'infinity'", "1").await?;
    let row = "SELECT h.generation, m.region, m.port, m.ram, m.storage, s.region, s.port, s.ram, s.storage
        FROM machines m JOIN servers s USING (server_id) JOIN heartbeats h USING (machine_id)";
    let (as_it_was, view) = (sql(row)?, "SELECT instance_id, view->>'state' FROM machine_instances");
    let told = sql(view)?;
    for edit in [
        "UPDATE machines SET port = -1, ram = 'lots', storage = '', region = 'moon'",
        "UPDATE servers SET port = -1, ram = 'lots', storage = '', region = 'moon'",
        "DELETE FROM slots WHERE expires <> 'infinity'",
        "UPDATE machine_instances SET view = '\"dancing\"'",
        "DELETE FROM machine_instances",
    ] {
        sql(edit)?;
        // Also that nobody has joined again for it: what was given to this generation still holds.
        fleet.postgres.until(row, &as_it_was).await?;
        fleet.postgres.until(view, &told).await?;
        fleet.postgres.until("SELECT count(*) FROM slots", "2").await?;
    }
    let log = dome.log();
    ensure!(log.matches("somebody has edited this machine's row").count() == 1, "{log}");

    // Somebody who wants another region, and means it.
    sql("
        CREATE FUNCTION moon() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.region := 'moon'; RETURN NEW; END $$;
        CREATE TRIGGER moon BEFORE UPDATE ON machines FOR EACH ROW EXECUTE FUNCTION moon();
        UPDATE machines SET region = 'moon'")?;
    let edits_on =
        |s: &NodeSnapshot| s.registry.message.clone().filter(|words| words.contains("again and again"));
    admin.until_snapshot("that somebody edits it", edits_on).await?;
    sql("DROP TRIGGER moon ON machines")?;
    fleet.postgres.until(row, &as_it_was).await?;
    admin.until_snapshot("that all is well", |s| s.registry.message.is_none().then_some(())).await?;
    ensure!(ann.instance(runs).await?.state.is_live(), "it runs as if nothing were");
    ensure!(
        dome.log().matches("somebody has edited this machine's row").count() == 2,
        "it is said once each time"
    );
    Ok(())
}
