//! Stories of a queue, and what holds after any of them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const RULES: Rules = Rules { hold: Duration::from_secs(60), per_session: 1, longest: 200 };

fn here() -> ServerId {
    ServerId(Uuid::from_bytes([1; 16]))
}

fn session(n: u8) -> SecretHash {
    SecretHash([n; 32])
}

fn id(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

fn at(s: i64) -> UnixMillis {
    UnixMillis(1_700_000_000_000 + s * 1000)
}

fn wish(n: u8) -> Wish {
    Wish { session: session(n), launch: json!({ "n": n }), accepts: None }
}

fn line_of(sessions: &[u8]) -> Line {
    let mut line = Line::restore(RULES, Vec::new(), at(0));
    for n in sessions {
        line.enter(id(*n), wish(*n), at(0)).unwrap_or_else(|full| panic!("{full:?}"));
    }
    line
}

fn state(line: &mut Line, n: u8, s: i64) -> Option<TicketState> {
    line.ask(id(n), session(n), at(s)).map(|ticket| ticket.state)
}

#[test]
fn the_order_is_kept_and_a_slot_that_nobody_comes_for_is_the_next_ones() {
    let mut line = line_of(&[1, 2, 3]);
    assert_eq!(state(&mut line, 3, 0), Some(TicketState::Waiting { position: 3 }));
    assert_eq!(line.hold_next(here(), at(1)), Some(id(1)));
    assert_eq!((line.held(at(1)), line.waiting(at(1))), (1, 2));
    assert_eq!(state(&mut line, 2, 2), Some(TicketState::Waiting { position: 1 }));
    assert_eq!(line.claim(id(2), session(2), at(2)), None, "not his turn");
    assert_eq!(line.claim(id(1), session(2), at(2)), None, "somebody else's");

    // In the last second it is still theirs; past the grace it is not.
    assert_eq!(state(&mut line, 1, 61), Some(TicketState::Lapsed));
    assert_eq!((line.held(at(70)), line.held(at(71))), (1, 0));
    assert_eq!(line.claim(id(1), session(1), at(71)), None);
    state(&mut line, 2, 71);
    assert_eq!(line.hold_next(here(), at(71)), Some(id(2)));
    assert_eq!(line.claim(id(2), session(2), at(72)), Some(wish(2)));
    assert_eq!(line.claim(id(2), session(2), at(72)), None, "once");
    assert_eq!(state(&mut line, 2, 73), Some(TicketState::Claimed));
}

#[test]
fn whose_page_is_gone_is_passed_over_and_does_not_count() {
    let mut line = line_of(&[1, 2]);
    assert_eq!(state(&mut line, 2, 119), Some(TicketState::Waiting { position: 2 }));
    assert_eq!(state(&mut line, 2, 121), Some(TicketState::Waiting { position: 1 }));
    assert_eq!(line.hold_next(here(), at(121)), Some(id(2)));
    // Who comes back has kept the number.
    assert_eq!(state(&mut line, 1, 200), Some(TicketState::Waiting { position: 1 }));
    assert_eq!(line.tidy(at(721)), [id(2)]);
    assert_eq!(line.tidy(at(800)), [id(1)]);
    assert!(line.entries().is_empty());
}

#[test]
fn a_session_waits_once_and_a_queue_has_an_end() {
    let mut line = line_of(&[1]);
    assert_eq!(line.enter(id(9), wish(1), at(1)), Err(Full::Session));
    assert_eq!(line.places_of(session(1), at(1)), 1);
    for n in 2..=200 {
        line.enter(id(n), wish(n), at(1)).unwrap_or_else(|full| panic!("{full:?}"));
    }
    assert_eq!(line.enter(id(201), wish(201), at(1)), Err(Full::Queue));
    assert!(!line.leave(id(1), session(2)), "somebody else's");
    assert!(line.leave(id(1), session(1)));
    assert_eq!(line.enter(id(201), wish(201), at(1)), Ok(200));
}

#[test]
fn after_a_restart_everybody_has_the_same_place() {
    let mut line = line_of(&[1, 2, 3]);
    line.hold_next(here(), at(1));
    let mut kept = line.entries().to_vec();
    kept.reverse();
    let mut line = Line::restore(RULES, kept, at(300));
    assert_eq!(state(&mut line, 1, 300), Some(TicketState::Lapsed));
    assert_eq!(state(&mut line, 3, 300), Some(TicketState::Waiting { position: 2 }));
    assert_eq!(line.enter(id(4), wish(4), at(300)), Ok(3));
}

#[test]
fn what_could_not_be_begun_is_first_again() {
    let mut line = line_of(&[1, 2]);
    line.hold_next(here(), at(1));
    line.claim(id(1), session(1), at(2));
    line.put_back(id(1));
    assert_eq!(state(&mut line, 1, 3), Some(TicketState::Waiting { position: 1 }));
    assert_eq!(state(&mut line, 2, 3), Some(TicketState::Waiting { position: 2 }));
}

#[test]
fn a_machine_that_would_not_do_is_not_waited_for() {
    let mut line = Line::restore(RULES, Vec::new(), at(0));
    let elsewhere = ServerId(Uuid::from_bytes([2; 16]));
    let picky = Wish { accepts: Some(vec![elsewhere]), ..wish(1) };
    line.enter(id(1), picky, at(0)).unwrap_or_else(|full| panic!("{full:?}"));
    line.enter(id(2), wish(2), at(0)).unwrap_or_else(|full| panic!("{full:?}"));
    assert_eq!(line.hold_next(here(), at(1)), Some(id(2)));
    assert_eq!(line.hold_next(elsewhere, at(1)), Some(id(1)));
}

#[derive(Clone, Debug)]
enum Step {
    Enter(u8),
    Ask(u8),
    Leave(u8),
    Claim(u8),
    End,
    Later(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..20u8).prop_map(Step::Enter),
        (0..20u8).prop_map(Step::Ask),
        (0..20u8).prop_map(Step::Leave),
        (0..20u8).prop_map(Step::Claim),
        Just(Step::End),
        (0..90i64).prop_map(Step::Later),
    ]
}

proptest! {
    /// Slots are never given out twice, and a slot goes to the lowest number of those that are there.
    #[test]
    fn whatever_happens_nobody_is_overtaken(steps in proptest::collection::vec(any_step(), 0..200)) {
        const SLOTS: u32 = 3;
        let mut line = Line::restore(RULES, Vec::new(), at(0));
        let (mut running, mut now, mut fresh) = (0u32, 0i64, 0u128);
        let find = |line: &Line, n: u8| line.entries().iter().find(|entry| entry.session == session(n)).map(|entry| entry.id);
        for step in steps {
            match step {
                Step::Enter(n) => { fresh += 1; let _ = line.enter(Uuid::from_u128(fresh), wish(n), at(now)); }
                Step::Ask(n) => { line.ask_all(session(n), at(now)); }
                Step::Leave(n) => if let Some(id) = find(&line, n) { line.leave(id, session(n)); },
                Step::Claim(n) => for id in line.entries().iter().filter(|e| e.session == session(n)).map(|e| e.id).collect::<Vec<_>>() {
                    running += u32::from(line.claim(id, session(n), at(now)).is_some());
                },
                Step::End => running = running.saturating_sub(1),
                Step::Later(s) => { now += s; line.tidy(at(now)); }
            }
            while running + line.held(at(now)) < SLOTS {
                let first = line.entries().iter().filter(|e| e.stage == Stage::Waiting && is_here(e, at(now))).map(|e| e.number).min();
                let Some(id) = line.hold_next(here(), at(now)) else { prop_assert_eq!(first, None); break };
                prop_assert_eq!(line.entry(id).map(|entry| entry.number), first);
            }
            prop_assert!(running + line.held(at(now)) <= SLOTS);
            prop_assert!((0..20).all(|n| line.places_of(session(n), at(now)) <= 1));
        }
    }
}
