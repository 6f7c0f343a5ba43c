//! Rows that were edited to what cannot be: nobody stumbles over them, and they are said, passed over or put right.

use e2e::Postgres;
use model::InstanceId;
use registry::{Beat, Overview, Published, TicketState, Wish};
use serde_json::json;

use crate::support::{A_WHILE, beat, open, row, runs, session, tell};

#[tokio::test]
async fn a_moment_in_the_future_or_without_end_breaks_no_list_and_nobody_lives_by_it() {
    let postgres = Postgres::start().unwrap();
    let rows = [row(4699, 2), row(4799, 2)];
    let (registry, generations) = open(&postgres, &rows).await;
    tell(&registry, &beat(&rows[0], generations[0])).await;
    for seen in ["now() + interval '1 hour'", "'infinity'", "'-infinity'"] {
        let sql = format!("UPDATE heartbeats SET seen = {seen} WHERE machine_id = '{}'", rows[1].server);
        postgres.sql("openspace", &sql).unwrap();
        let mut overview = Overview::default();
        overview.look(&registry).await.unwrap();
        let fleet = overview.fleet();
        let alive: Vec<_> = fleet.iter().map(|machine| machine.alive).collect();
        assert_eq!(alive, [true, false], "{seen}");
        let odd = overview.odd();
        assert_eq!(odd.len(), usize::from(seen != "'-infinity'"), "{seen}: {odd:?}");
        assert!(
            odd.iter().all(|odd| odd.contains(&rows[1].server.to_string()) && odd.contains("in the future"))
        );
        // Whoever looks after the dead gives it six seconds to speak.
        assert_eq!(registry.mend_moments().await.unwrap(), [rows[1].server], "{seen}");
        let mended = "SELECT max(seen) <= now(), min(seen) > now() - interval '1 min' FROM heartbeats";
        assert_eq!(postgres.sql("openspace", mended).unwrap(), "t|t", "{seen}");
        tell(&registry, &beat(&rows[0], generations[0])).await;
    }
    let sql = "UPDATE heartbeats SET seen = now() + interval '1 hour' WHERE machine_id = ";
    postgres.sql("openspace", &format!("{sql} '{}'", rows[1].server)).unwrap();
    registry.join(&row(4799, 1)).await.expect("nobody keeps an address by a moment in the future");
}

#[tokio::test]
async fn numbers_texts_and_documents_that_cannot_be_are_marked_and_the_others_are_listed() {
    let postgres = Postgres::start().unwrap();
    let rows = [row(4699, 2), row(4799, 2)];
    let (registry, generations) = open(&postgres, &rows).await;
    for (row, generation) in rows.iter().zip(&generations) {
        tell(&registry, &beat(row, *generation)).await;
        registry
            .publish(row.server, *generation, &[runs(row, InstanceId::random(), session(1))])
            .await
            .unwrap();
    }
    let bad = rows[1].server;
    let edits = format!(
        "UPDATE heartbeats SET slots_total = 2147483647, slots_open = -7, viewers = -1, cpu_percent = 'NaN', memory_free_mb = -5
             WHERE machine_id = '{bad}';
         UPDATE machines SET name = repeat('x', 3000000), relay = repeat('é', 100000), region = NULL, port = -9, offers = '{{\"not\": \"a list\"}}'
             WHERE machine_id = '{bad}';
         UPDATE machine_instances SET view = to_jsonb((SELECT string_agg(md5(n::text), '') FROM generate_series(1, 40000) n))
             WHERE machine_id = '{bad}'"
    );
    postgres.sql("openspace", &edits).unwrap();
    let mut overview = Overview::default();
    overview.look(&registry).await.unwrap();
    let fleet = overview.fleet();
    assert_eq!((fleet.len(), fleet[1].description.name.len()), (2, 255));
    let of_bad = fleet.iter().find(|machine| machine.server == bad).unwrap();
    assert_eq!((of_bad.slots_total, of_bad.slots_free, of_bad.load.viewers), (0, 0, 0));
    let listed: Vec<_> = overview.instances().iter().map(|shared| shared.server).collect();
    assert_eq!(listed, [rows[0].server]);
    let odd = overview.odd();
    assert_eq!(odd.len(), 3, "{odd:?}");
    for what in ["more places than any machine", "are no list", "machine_instances"] {
        assert!(odd.iter().any(|odd| odd.contains(what)), "{what}: {odd:?}");
    }

    // Its machine speaks, and tells what it runs: all is well.
    let again = registry.join(&rows[1]).await.unwrap().generation;
    tell(&registry, &beat(&rows[1], again)).await;
    registry.publish(bad, again, &[runs(&rows[1], InstanceId::random(), session(1))]).await.unwrap();
    registry.offer(bad, again, &json!([])).await.unwrap();
    overview.look(&registry).await.unwrap();
    assert_eq!((overview.odd(), overview.instances().len()), (Vec::new(), 2));
    assert!(rows[1].is_told(overview.fleet().iter().find(|machine| machine.server == bad).unwrap()));
}

#[tokio::test]
async fn slots_generations_and_instances_that_were_edited_are_put_right_by_their_machine() {
    let postgres = Postgres::start().unwrap();
    let rows = [row(4699, 3), row(4799, 1)];
    let (registry, generations) = open(&postgres, &rows).await;
    let (mine, x) = (&rows[0], InstanceId::random());
    let told = [runs(mine, x, session(1))];
    let done = Published::Done { taken: Vec::new() };
    assert_eq!(registry.publish(mine.server, generations[0], &told).await.unwrap(), done);
    let taken = format!(
        "SELECT count(*), count(*) FILTER (WHERE expires > now()) FROM slots WHERE machine_id = '{}'",
        mine.server
    );
    for edit in [
        "UPDATE slots SET expires = 'infinity', instance_id = NULL WHERE instance_id IS NULL",
        "UPDATE slots SET expires = now() + interval '70 years', instance_id = gen_random_uuid() WHERE instance_id IS NULL",
        "DELETE FROM slots",
    ] {
        postgres.sql("openspace", edit).unwrap();
        let all = if edit.starts_with("DELETE") { 3 } else { 0 };
        let heard = registry.heartbeat(&beat(mine, generations[0])).await.unwrap();
        assert!(
            matches!(heard, Beat::Kept { slots_missing, .. } if u64::from(slots_missing) == all),
            "{heard:?}"
        );
        assert_eq!(registry.mend_slots(mine.server, generations[0], 3).await.unwrap(), all, "{edit}");
        assert_eq!(registry.publish(mine.server, generations[0], &told).await.unwrap(), done);
        assert_eq!(postgres.sql("openspace", &taken).unwrap(), "3|1", "{edit}");
    }
    let surplus =
        format!("INSERT INTO slots (machine_id, slot) SELECT '{}', generate_series(3, 2000)", mine.server);
    postgres.sql("openspace", &surplus).unwrap();
    assert_eq!(
        registry.mend_slots(mine.server, registry::Generation(0), 3).await.unwrap(),
        0,
        "an older generation"
    );
    assert_eq!(registry.mend_slots(mine.server, generations[0], 3).await.unwrap(), 0);
    assert_eq!(postgres.sql("openspace", &taken).unwrap(), "3|1");

    // An instance is said to be another machine's.
    let edit = format!("UPDATE machine_instances SET machine_id = '{}'", rows[1].server);
    postgres.sql("openspace", &edit).unwrap();
    let lost = Published::Done { taken: vec![x] };
    assert_eq!(registry.publish(mine.server, generations[0], &told).await.unwrap(), lost);
    assert!(
        !registry.take_back(x, mine.server, registry::Generation(0)).await.unwrap(),
        "an older generation"
    );
    assert!(registry.take_back(x, mine.server, generations[0]).await.unwrap());
    assert_eq!(registry.publish(mine.server, generations[0], &told).await.unwrap(), done);

    // The largest number there is has a next one.
    let edit = "UPDATE heartbeats SET generation = 9223372036854775807";
    postgres.sql("openspace", edit).unwrap();
    assert_eq!(registry.heartbeat(&beat(mine, generations[0])).await.unwrap(), Beat::Stale);
    let again = registry.join(mine).await.unwrap().generation;
    assert!(matches!(registry.heartbeat(&beat(mine, again)).await.unwrap(), Beat::Kept { .. }));
}

#[tokio::test]
async fn a_place_that_was_edited_keeps_nobody_else_from_theirs() {
    let postgres = Postgres::start().unwrap();
    let mine = row(4699, 1);
    let (registry, generations) = open(&postgres, std::slice::from_ref(&mine)).await;
    let wish = |n| Wish { session: session(n), launch: json!({ "build": "demo" }), accepts: None };
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(registry.enqueue(&wish(n), 1, 10).await.unwrap().unwrap().id);
    }
    let edit = |set: &str| {
        postgres.sql("openspace", &format!("UPDATE queue SET {set} WHERE ticket_id = '{}'", ids[0])).unwrap();
    };
    let all = [session(1), session(2), session(3)];
    edit("wish = '[7, {}]', accepts = ARRAY[NULL]::uuid[]");
    assert_eq!(registry.tickets_of(&all).await.unwrap().len(), 3);
    edit(
        "accepts = NULL, state = 'held', held_until = 'infinity', machine_id = gen_random_uuid(), slot = -3, token = -1",
    );
    let tickets = registry.tickets_of(&all).await.unwrap();
    assert_eq!((tickets.len(), &tickets[1].state), (3, &TicketState::Waiting { position: 1 }));
    assert_eq!(registry.claim(ids[0], session(1)).await.unwrap(), None, "no slot is held for it");
    edit("held_until = NULL, machine_id = NULL, seen = now() + interval '1 hour'");
    registry.bury().await.unwrap();
    let seen = format!("SELECT seen <= now() FROM queue WHERE ticket_id = '{}'", ids[0]);
    assert_eq!(postgres.sql("openspace", &seen).unwrap(), "t", "its page is not here in the future");
    tell(&registry, &beat(&mine, generations[0])).await;
    assert_eq!(registry.hold_next(mine.server, generations[0], A_WHILE).await.unwrap(), Some(ids[1]));
    postgres.sql("openspace", "UPDATE slots SET instance_id = NULL").unwrap();
    assert_eq!(registry.claim(ids[1], session(2)).await.unwrap(), None, "what is to run in it is not known");
    assert!(registry.leave_queue(ids[1], session(2)).await.unwrap());
    assert_eq!(registry.hold_next(mine.server, generations[0], A_WHILE).await.unwrap(), Some(ids[2]));
    assert!(registry.claim(ids[2], session(3)).await.unwrap().is_some());
}
