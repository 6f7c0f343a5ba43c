//! Machines come, live, are edited by hand, are copied, fall silent and come back.

use e2e::Postgres;
use model::{InstanceId, UnixMillis};
use registry::{Beat, Overview, Place, Published, Trouble};
use serde_json::json;

use crate::support::{A_WHILE, age, beat, open, row, runs, session, tell};

#[tokio::test]
async fn a_row_edited_to_nonsense_is_put_right_while_its_machine_lives() {
    let postgres = Postgres::start().unwrap();
    let rows = [row(4699, 3), row(4799, 2)];
    let (registry, generations) = open(&postgres, &rows).await;
    let (a, b) = (beat(&rows[0], generations[0]), beat(&rows[1], generations[1]));
    tell(&registry, &a).await;
    tell(&registry, &b).await;
    assert_eq!(registry.show(None).await.unwrap(), 0, "what is right is not written again");

    // Nonsense, a row that points to somebody else's address, and two rows of one address.
    let edits = format!(
        "UPDATE servers SET available_instances = -5, num_instances = NULL, status = 'inactive', ram = 'lots' WHERE port = 4699;
         UPDATE servers SET ip_address = '203.0.113.9', port = -1 WHERE port = 4799;
         INSERT INTO servers (server_id, ip_address, port, ram, storage, created, modified)
         VALUES ('{}', 'localhost', 4699, '', '', now(), now())",
        uuid::Uuid::new_v4()
    );
    postgres.sql("openspace", &edits).unwrap();
    assert_eq!(registry.show(None).await.unwrap(), 2, "the two that are ours");
    let shown =
        "SELECT s.ip_address, s.port, status, available_instances, num_instances, s.ram FROM servers s
                 JOIN machines USING (server_id) ORDER BY s.port";
    assert_eq!(
        postgres.sql("openspace", shown).unwrap(),
        "localhost|4699|active|3|3|64GB\nlocalhost|4799|active|2|2|64GB"
    );
    assert_eq!(registry.old_servers().await.unwrap().len(), 1, "the other row of the address is left alone");

    // Who is silent, or has only just joined, is not spoken for.
    age(&postgres, &rows[0], 7);
    postgres.sql("openspace", "UPDATE servers SET status = 'inactive'").unwrap();
    let again = registry.join(&rows[1]).await.unwrap().generation;
    assert_eq!(registry.show(None).await.unwrap(), 0);
    let b = beat(&rows[1], again);
    tell(&registry, &a).await;
    tell(&registry, &b).await;

    // A row that is deleted by hand: the machine is told, and joins again.
    postgres.sql("openspace", "DELETE FROM servers WHERE port = 4799").unwrap();
    assert_eq!(registry.heartbeat(&b).await.unwrap(), Beat::Stale);
    assert_eq!(registry.join(&rows[1]).await.unwrap().row, Place::Inserted);
    assert_eq!(registry.fleet().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_address_belongs_to_one_living_machine_and_an_older_generation_changes_nothing() {
    let postgres = Postgres::start().unwrap();
    let mine = row(4699, 2);
    let (registry, generations) = open(&postgres, std::slice::from_ref(&mine)).await;
    let twin = row(4699, 2);
    let refused = registry.join(&twin).await.unwrap_err();
    assert!(matches!(&refused, Trouble::AddressTaken { port: 4699, .. }), "{refused}");

    // The same machine twice, as a copied data folder makes it: the later one speaks for it.
    let later = registry.join(&mine).await.unwrap();
    assert_eq!(later.row, Place::Kept);
    assert!(later.generation > generations[0]);
    assert_eq!(registry.heartbeat(&beat(&mine, generations[0])).await.unwrap(), Beat::Stale);
    assert!(!registry.leave(mine.server, generations[0]).await.unwrap());
    assert_eq!(registry.publish(mine.server, generations[0], &[]).await.unwrap(), Published::Stale);
    assert!(!registry.offer(mine.server, generations[0], &json!(["stolen"])).await.unwrap());
    let Beat::Kept { database_now, .. } = registry.heartbeat(&beat(&mine, later.generation)).await.unwrap()
    else {
        panic!("the newest is heard");
    };
    assert!(database_now > UnixMillis(1_700_000_000_000));

    // A machine that was installed anew has another id; once the old one is silent, the address is its.
    age(&postgres, &mine, 7);
    assert_eq!(registry.join(&twin).await.unwrap().row, Place::TakenOver);
    assert_eq!(registry.heartbeat(&beat(&mine, later.generation)).await.unwrap(), Beat::Stale);
    assert_eq!(postgres.sql("openspace", "SELECT count(*) FROM servers").unwrap(), "1");
}

#[tokio::test]
async fn the_dead_are_shown_as_inactive_and_what_was_theirs_can_be_taken_over() {
    let postgres = Postgres::start().unwrap();
    let rows = [row(4699, 2), row(4799, 2)];
    let (registry, generations) = open(&postgres, &rows).await;
    for (row, generation) in rows.iter().zip(&generations) {
        tell(&registry, &beat(row, *generation)).await;
    }
    let (x, y) = (InstanceId::random(), InstanceId::random());
    let told = [runs(&rows[0], x, session(1)), runs(&rows[0], y, session(2))];
    let done = Published::Done { taken: Vec::new() };
    assert_eq!(registry.publish(rows[0].server, generations[0], &told).await.unwrap(), done);
    assert!(!registry.take_over(x, rows[1].server, generations[1]).await.unwrap(), "its machine lives");
    let mars = json!({ "focus": "Mars" });
    assert!(registry.keep_scene(x, rows[0].server, generations[0], &mars).await.unwrap());
    let not_its = registry.keep_scene(x, rows[1].server, generations[1], &json!({})).await;
    assert!(!not_its.unwrap(), "another machine's");
    let huge = json!({ "focus": "x".repeat(2 << 20) });
    assert!(registry.keep_scene(x, rows[0].server, generations[0], &huge).await.is_err(), "it is bounded");
    let invited = json!([{ "hash": "00", "role": "watcher", "expires": 7 }]);
    assert!(registry.keep_invites(x, rows[0].server, generations[0], &invited).await.unwrap());
    assert!(
        !registry.keep_invites(x, rows[1].server, generations[1], &json!([])).await.unwrap(),
        "another machine's"
    );
    assert!(
        registry.keep_invites(x, rows[0].server, generations[0], &huge).await.is_err(),
        "they are bounded"
    );
    let known = registry.known(x).await.unwrap().unwrap();
    assert_eq!((known.scene, known.lost), (Some(mars.clone()), false));
    assert_eq!(registry.bury().await.unwrap(), []);

    age(&postgres, &rows[0], 7);
    assert_eq!(registry.bury().await.unwrap(), [rows[0].server]);
    let status = "SELECT status, available_instances FROM servers WHERE port = 4699";
    assert_eq!(postgres.sql("openspace", status).unwrap(), "inactive|0");
    let fleet = registry.fleet().await.unwrap();
    assert_eq!(fleet.iter().map(|machine| machine.alive).collect::<Vec<_>>(), [false, true]);
    let none = registry.reserve(rows[0].server, InstanceId::random(), A_WHILE).await.unwrap();
    assert_eq!(none, None, "the dead take nobody in");
    assert!(registry.known(x).await.unwrap().unwrap().lost);
    assert!(registry.take_over(x, rows[1].server, generations[1]).await.unwrap());
    assert!(registry.give_back(x, rows[1].server, rows[0].server).await.unwrap());
    assert!(registry.take_over(x, rows[1].server, generations[1]).await.unwrap(), "somebody may try again");
    let known = registry.known(x).await.unwrap().unwrap();
    assert_eq!((known.shared.server, known.scene, known.lost), (rows[1].server, Some(mars), false));
    assert_eq!(registry.invites(x).await.unwrap(), invited, "who was invited still is");
    assert_eq!(registry.invites(y).await.unwrap(), json!(null));

    // It comes back, having only slept: it is not heard until it has joined again, tells what it runs, and learns what it has lost.
    assert_eq!(registry.heartbeat(&beat(&rows[0], generations[0])).await.unwrap(), Beat::Stale);
    assert_eq!(registry.publish(rows[0].server, generations[0], &told).await.unwrap(), Published::Stale);
    let again = registry.join(&rows[0]).await.unwrap().generation;
    tell(&registry, &beat(&rows[0], again)).await;
    assert_eq!(postgres.sql("openspace", status).unwrap(), "active|2");
    let done = Published::Done { taken: vec![x] };
    assert_eq!(registry.publish(rows[0].server, again, &told).await.unwrap(), done);
    let of_ann = registry.instances(session(1)).await.unwrap();
    assert_eq!(of_ann.iter().map(|shared| shared.server).collect::<Vec<_>>(), [rows[1].server]);
    assert_eq!(registry.instance(y).await.unwrap().unwrap().server, rows[0].server);
    tell(&registry, &beat(&rows[0], again)).await;
    assert_eq!(registry.fleet().await.unwrap()[0].slots_free, 1, "the lost one holds no slot any more");
}

#[tokio::test]
async fn one_connection_buries_the_dead_until_it_ends() {
    let postgres = Postgres::start().unwrap();
    let (registry, _) = open(&postgres, &[row(4699, 1)]).await;
    let other = registry::Registry::connect(&crate::support::address(&postgres)).await.unwrap();
    assert!(registry.become_sexton().await.unwrap());
    assert!(!other.become_sexton().await.unwrap());
    drop(registry);
    while !other.become_sexton().await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sessions_and_offers_of_one_machine_are_known_to_all() {
    let postgres = Postgres::start().unwrap();
    let mine = row(4699, 1);
    let (registry, generations) = open(&postgres, std::slice::from_ref(&mine)).await;
    assert!(!registry.knows_session(session(7)).await.unwrap());
    registry.add_session(session(7)).await.unwrap();
    registry.add_session(session(7)).await.unwrap();
    assert!(registry.knows_session(session(7)).await.unwrap());
    let offers = json!([{ "id": "demo" }]);
    assert!(registry.offer(mine.server, generations[0], &offers).await.unwrap());
    assert!(!registry.offer(mine.server, generations[0], &offers).await.unwrap(), "nothing new");
    let mut overview = Overview::default();
    overview.look(&registry).await.unwrap();
    assert_eq!(overview.offers(), [(mine.server, offers)]);
}

#[tokio::test]
async fn who_is_lost_for_two_weeks_or_removed_is_forgotten_with_what_was_lost_and_may_come_back() {
    const DAY: u32 = 86_400;
    let postgres = Postgres::start().unwrap();
    let rows = [row(4699, 2), row(4799, 2)];
    let (registry, generations) = open(&postgres, &rows).await;
    let told =
        [runs(&rows[0], InstanceId::random(), session(1)), runs(&rows[0], InstanceId::random(), session(1))];
    registry.publish(rows[0].server, generations[0], &told).await.unwrap();
    let count = |of: &str| postgres.sql("openspace", &format!("SELECT count(*) FROM {of}")).unwrap();

    age(&postgres, &rows[0], 13 * DAY);
    assert_eq!(registry.forget_the_gone().await.unwrap(), [], "a holiday");
    age(&postgres, &rows[0], 2 * DAY);
    let gone = registry.forget_the_gone().await.unwrap();
    assert_eq!(
        gone.iter().map(|gone| (gone.server, gone.instances)).collect::<Vec<_>>(),
        [(rows[0].server, 2)]
    );
    assert_eq!(
        (count("machines"), count("machine_instances"), count("slots")),
        ("1".into(), "0".into(), "2".into())
    );
    assert_eq!(count("servers"), "2", "the old back end's rows are not ours to delete");

    // It comes back: as itself, in the same row of the old back end, with what it runs.
    let again = registry.join(&rows[0]).await.unwrap();
    assert_eq!(again.row, Place::TakenOver);
    let done = Published::Done { taken: Vec::new() };
    assert_eq!(registry.publish(rows[0].server, again.generation, &told).await.unwrap(), done);
    assert_eq!(count("machine_instances"), "2");

    // By an administrator's word, but never one that lives; a farewell is no death.
    assert_eq!(registry.forget(rows[0].server).await.unwrap(), None);
    assert!(registry.leave(rows[0].server, again.generation).await.unwrap());
    assert_eq!(registry.forget_the_gone().await.unwrap(), []);
    assert_eq!(registry.forget(rows[0].server).await.unwrap().map(|gone| gone.instances), Some(2));
    assert_eq!(registry.forget(rows[0].server).await.unwrap(), None, "nobody knows it");
    assert_eq!(count("machine_instances"), "0");
}
