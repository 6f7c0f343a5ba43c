//! When all is full: first come, first served, over all machines.

use std::time::Duration;

use e2e::Postgres;
use model::InstanceId;
use registry::{Registry, Reservation, TicketState, Wish};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{A_WHILE, address, open, row, session};

fn wish(n: u8) -> Wish {
    Wish { session: session(n), launch: json!({ "build": "demo", "n": n }), accepts: None }
}

enum Outcome {
    Runs(Reservation),
    Waits { n: u8, id: uuid::Uuid },
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_launches_on_three_slots_three_run_and_the_others_come_in_their_order() {
    let postgres = Postgres::start().unwrap();
    let rows = [row(4699, 1), row(4799, 1), row(4899, 1)];
    let (registry, generations) = open(&postgres, &rows).await;
    let servers: Vec<_> = rows.iter().map(|row| row.server).collect();

    // Three placers, each with its own connection, each tries every machine and then queues.
    let mut placers = JoinSet::new();
    for placer in 0..3u8 {
        let registry = Registry::connect(&address(&postgres)).await.unwrap();
        let servers = servers.clone();
        placers.spawn(async move {
            let mut outcomes = Vec::new();
            for n in (1..=100u8).filter(|n| n % 3 == placer) {
                outcomes.push(place(&registry, &servers, n).await);
            }
            outcomes
        });
    }
    let outcomes: Vec<_> = placers.join_all().await.into_iter().flatten().collect();
    let mut running = Vec::new();
    let mut waiting = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Runs(reserved) => running.push(reserved),
            Outcome::Waits { n, id } => waiting.push((n, id)),
        }
    }
    assert_eq!((running.len(), waiting.len()), (3, 97));
    assert_eq!(registry.waiting().await.unwrap(), 97);

    // Everybody is told a place of their own.
    let mut by_position = vec![None; 97];
    for (n, id) in &waiting {
        let ticket = registry.ticket(*id, session(*n)).await.unwrap().unwrap();
        let TicketState::Waiting { position } = ticket.state else { panic!("{:?}", ticket.state) };
        assert_eq!(by_position[position as usize - 1].replace((*n, *id)), None);
    }

    // Nobody overtakes; a slot that is free goes to the first, whichever machine has it.
    for (nth, next) in by_position.into_iter().enumerate() {
        let (n, id) = next.unwrap();
        let ended = running.remove(0);
        assert!(registry.release(&ended).await.unwrap());
        assert_eq!(
            registry.reserve(ended.server, InstanceId::random(), A_WHILE).await.unwrap(),
            None,
            "{nth}"
        );
        let at = servers.iter().position(|server| *server == ended.server).unwrap();
        assert_eq!(
            registry.hold_next(servers[at], generations[at], A_WHILE).await.unwrap(),
            Some(id),
            "{nth}"
        );
        assert_eq!(registry.hold_next(servers[at], generations[at], A_WHILE).await.unwrap(), None);
        assert_eq!(registry.claim(id, session(n.wrapping_add(1))).await.unwrap(), None, "somebody else's");
        running.push(registry.claim(id, session(n)).await.unwrap().unwrap());
        assert_eq!(registry.claim(id, session(n)).await.unwrap(), None, "once");
    }
    assert_eq!(registry.waiting().await.unwrap(), 0);
}

async fn place(registry: &Registry, servers: &[model::ServerId], n: u8) -> Outcome {
    for server in servers {
        if let Some(reserved) = registry.reserve(*server, InstanceId::random(), A_WHILE).await.unwrap() {
            return Outcome::Runs(reserved);
        }
    }
    Outcome::Waits { n, id: registry.enqueue(&wish(n), 1, 200).await.unwrap().unwrap().id }
}

#[tokio::test]
async fn a_held_slot_goes_to_the_next_when_nobody_comes_for_it() {
    let postgres = Postgres::start().unwrap();
    let mine = row(4699, 1);
    let (registry, generations) = open(&postgres, std::slice::from_ref(&mine)).await;
    let hold = |lasts| registry.hold_next(mine.server, generations[0], lasts);

    let taken = registry.reserve(mine.server, InstanceId::random(), A_WHILE).await.unwrap().unwrap();
    let [late, gone, picky, patient] = [1, 2, 3, 4].map(wish);
    let picky = Wish { accepts: Some(vec![model::ServerId::random()]), ..picky };
    let mut tickets = Vec::new();
    for wish in [&late, &gone, &picky, &patient] {
        tickets.push(registry.enqueue(wish, 1, 200).await.unwrap().unwrap());
    }
    assert_eq!(tickets[3].state, TicketState::Waiting { position: 4 });
    assert_eq!(hold(A_WHILE).await.unwrap(), None, "nothing is free");
    registry.release(&taken).await.unwrap();

    // The first does not come in time: the slot is held a little longer than was said, then it is the next one's.
    assert_eq!(hold(Duration::ZERO).await.unwrap(), Some(tickets[0].id));
    let looked = registry.ticket(tickets[0].id, late.session).await.unwrap().unwrap();
    assert_eq!(looked.state, TicketState::Lapsed);
    postgres.sql("openspace", "UPDATE slots SET expires = now()").unwrap();
    assert_eq!(registry.claim(tickets[0].id, late.session).await.unwrap(), None);

    // The second leaves while a slot is held for it: free at once, and the third does not want this machine.
    assert_eq!(hold(A_WHILE).await.unwrap(), Some(tickets[1].id));
    assert!(!registry.leave_queue(tickets[1].id, late.session).await.unwrap(), "somebody else's");
    assert!(registry.leave_queue(tickets[1].id, gone.session).await.unwrap());
    assert_eq!(registry.ticket(tickets[1].id, gone.session).await.unwrap(), None);
    assert_eq!(hold(A_WHILE).await.unwrap(), Some(tickets[3].id));
    let looked = registry.ticket(tickets[3].id, patient.session).await.unwrap().unwrap();
    assert!(matches!(looked.state, TicketState::Held { server, .. } if server == mine.server));
    assert_eq!(looked.wish, patient);

    // The third is still there, and a page that was closed long ago is passed over.
    assert_eq!(registry.waiting().await.unwrap(), 1);
    postgres.sql("openspace", "UPDATE queue SET seen = now() - interval '3 min'").unwrap();
    assert_eq!(registry.waiting().await.unwrap(), 0);
}
