//! Slots under many hands: never twice, and the owner has the last word.

use std::{collections::BTreeSet, time::Duration};

use e2e::Postgres;
use model::InstanceId;
use registry::{Published, Registry};
use tokio::task::JoinSet;

use crate::support::{A_WHILE, address, age, beat, open, row, runs, session, tell};

#[tokio::test(flavor = "multi_thread")]
async fn three_placers_never_give_one_slot_twice() {
    let postgres = Postgres::start().unwrap();
    let rows = [row(4699, 5), row(4799, 7)];
    let (registry, _) = open(&postgres, &rows).await;
    let mut placers = JoinSet::new();
    for _ in 0..3 {
        let placer = Registry::connect(&address(&postgres)).await.unwrap();
        let servers = rows.clone().map(|row| row.server);
        placers.spawn(async move {
            let mut got = Vec::new();
            for n in 0..40 {
                let server = servers[n % 2];
                got.extend(placer.reserve(server, InstanceId::random(), A_WHILE).await.unwrap());
            }
            got
        });
    }
    let got: Vec<_> = placers.join_all().await.into_iter().flatten().collect();
    let places: BTreeSet<_> = got.iter().map(|got| (got.server, got.slot)).collect();
    let tokens: BTreeSet<_> = got.iter().map(|got| got.token).collect();
    assert_eq!((got.len(), places.len(), tokens.len()), (12, 12, 12));
    assert!(registry.fleet().await.unwrap().iter().all(|machine| machine.slots_free == 0));
}

#[tokio::test]
async fn a_reservation_lasts_until_it_ends_is_given_back_or_confirmed() {
    let postgres = Postgres::start().unwrap();
    let mine = row(4699, 1);
    let (registry, generations) = open(&postgres, std::slice::from_ref(&mine)).await;
    let reserve = |lasts| registry.reserve(mine.server, InstanceId::random(), lasts);

    let first = reserve(A_WHILE).await.unwrap().unwrap();
    assert!(first.lasts <= A_WHILE);
    assert_eq!(reserve(A_WHILE).await.unwrap(), None);
    assert!(registry.release(&first).await.unwrap());
    assert!(!registry.release(&first).await.unwrap(), "once");

    // One that ended by itself: whoever had it has lost it, even if nobody has come after.
    let second = reserve(Duration::ZERO).await.unwrap().unwrap();
    assert!(second.token > first.token);
    assert!(!registry.confirm(&second, generations[0]).await.unwrap());

    let third = reserve(A_WHILE).await.unwrap().unwrap();
    assert!(!registry.confirm(&second, generations[0]).await.unwrap(), "a stale token");
    assert!(!registry.release(&second).await.unwrap(), "a stale token");
    assert!(registry.confirm(&third, generations[0]).await.unwrap());
    assert_eq!(reserve(A_WHILE).await.unwrap(), None);
    assert!(!registry.release(&third).await.unwrap(), "an instance runs in it, whoever has given it up");
    registry.publish(mine.server, generations[0], &[]).await.unwrap();
    assert!(reserve(A_WHILE).await.unwrap().is_some());
}

#[tokio::test]
async fn neither_a_draining_machine_nor_a_dead_one_is_given_anything() {
    let postgres = Postgres::start().unwrap();
    let mine = row(4699, 1);
    let (registry, generations) = open(&postgres, std::slice::from_ref(&mine)).await;
    let mut draining = beat(&mine, generations[0]);
    draining.draining = true;
    tell(&registry, &draining).await;
    assert_eq!(registry.reserve(mine.server, InstanceId::random(), A_WHILE).await.unwrap(), None);
    let status = "SELECT status FROM servers";
    assert_eq!(postgres.sql("openspace", status).unwrap(), "inactive");
    tell(&registry, &beat(&mine, generations[0])).await;
    assert_eq!(postgres.sql("openspace", status).unwrap(), "active");
    age(&postgres, &mine, 7);
    assert_eq!(registry.reserve(mine.server, InstanceId::random(), A_WHILE).await.unwrap(), None);
    registry.heartbeat(&beat(&mine, generations[0])).await.unwrap();
    assert!(registry.leave(mine.server, generations[0]).await.unwrap());
    assert_eq!(postgres.sql("openspace", status).unwrap(), "inactive");
    assert!(!registry.fleet().await.unwrap()[0].alive);
}

#[tokio::test]
async fn what_the_owner_runs_takes_slots_whoever_had_reserved_them() {
    let postgres = Postgres::start().unwrap();
    let mine = row(4699, 3);
    let (registry, generations) = open(&postgres, std::slice::from_ref(&mine)).await;
    let reserved = registry.reserve(mine.server, InstanceId::random(), A_WHILE).await.unwrap().unwrap();
    let free = || async {
        tell(&registry, &beat(&mine, generations[0])).await;
        registry.fleet().await.unwrap()[0].slots_free
    };

    // One that came by the reservation confirms it; two that were launched without asking take what is free.
    let by_reservation = runs(&mine, reserved.instance, session(1));
    let local = [InstanceId::random(), InstanceId::random()].map(|id| runs(&mine, id, session(2)));
    let all = [by_reservation.clone(), local[0].clone(), local[1].clone()];
    let done = Published::Done { taken: Vec::new() };
    for _ in 0..2 {
        assert_eq!(registry.publish(mine.server, generations[0], &all).await.unwrap(), done);
        assert_eq!(free().await, 0);
    }
    let tokens =
        postgres.sql("openspace", "SELECT count(DISTINCT instance_id) FROM slots WHERE expires = 'infinity'");
    assert_eq!(tokens.unwrap(), "3");

    // One ends; its slot is reserved by another machine; meanwhile the owner launches one: the owner's word counts.
    registry.publish(mine.server, generations[0], &all[..2]).await.unwrap();
    let elsewhere = registry.reserve(mine.server, InstanceId::random(), A_WHILE).await.unwrap().unwrap();
    assert_eq!(registry.publish(mine.server, generations[0], &all).await.unwrap(), done);
    assert!(!registry.confirm(&elsewhere, generations[0]).await.unwrap());
    registry.publish(mine.server, generations[0], &[]).await.unwrap();
    assert_eq!(free().await, 3);
    for by in [1, 2] {
        assert_eq!(registry.instances(session(by)).await.unwrap(), []);
    }
}
