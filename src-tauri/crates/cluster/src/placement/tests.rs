//! Tables for what strikes machines out, properties for the draw.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn server(n: u8) -> ServerId {
    ServerId(Uuid::from_bytes([n; 16]))
}

fn offer_of(build: &str, profiles: &[&str]) -> Offer {
    Offer {
        build: build.into(),
        default: true,
        profiles: profiles.iter().map(|name| (*name).to_owned()).collect(),
        warm: Vec::new(),
        needs: Needs::default(),
    }
}

fn machine(n: u8) -> Candidate {
    Candidate {
        server: server(n),
        here: n == 0,
        region: Some("north".into()),
        alive: true,
        reachable: true,
        draining: false,
        slots_total: 4,
        slots_free: 4,
        offers: vec![offer_of("demo", &["earth", "mars"])],
        cpu_percent: 0.0,
        gpu_memory_free_mb: None,
        encoder_sessions: None,
    }
}

fn wanted() -> Wanted {
    Wanted { build: Some("demo".into()), profile: Some("earth".into()), ..Wanted::default() }
}

#[test]
fn who_cannot_be_served_is_told_what_stands_in_the_way() {
    let full = Candidate { slots_free: 0, ..machine(1) };
    let all = |change: fn(Candidate) -> Candidate| vec![change(machine(0)), change(machine(1))];
    for (wanted, machines, decision) in [
        (Wanted { server: Some(server(9)), ..wanted() }, all(|m| m), Decision::Nowhere(Why::NoSuchMachine)),
        (
            Wanted { region: Some("south".into()), ..wanted() },
            all(|m| m),
            Decision::Nowhere(Why::NoSuchRegion),
        ),
        (wanted(), all(|m| Candidate { alive: false, ..m }), Decision::Nowhere(Why::Lost)),
        (
            Wanted { server: Some(server(1)), ..wanted() },
            all(|m| Candidate { reachable: false, ..m }),
            Decision::Nowhere(Why::OutOfReach),
        ),
        (Wanted { build: Some("other".into()), ..wanted() }, all(|m| m), Decision::Nowhere(Why::NoSuchBuild)),
        (
            Wanted { profile: Some("venus".into()), ..wanted() },
            all(|m| m),
            Decision::Nowhere(Why::NoSuchProfile),
        ),
        (wanted(), all(|m| Candidate { draining: true, ..m }), Decision::Nowhere(Why::Draining)),
        (wanted(), all(|m| Candidate { slots_total: 0, slots_free: 0, ..m }), Decision::Nowhere(Why::NoRoom)),
        (wanted(), vec![], Decision::Nowhere(Why::NoSuchMachine)),
        (wanted(), vec![full.clone()], Decision::Queue(vec![server(1)])),
        // It may be asked for what it is full of, and another that would not do is not waited for.
        (
            Wanted { region: Some("north".into()), ..wanted() },
            vec![full.clone(), Candidate { region: None, ..machine(2) }],
            Decision::Queue(vec![server(1)]),
        ),
        (wanted(), vec![full.clone(), machine(0)], Decision::Here),
        (wanted(), vec![full, machine(2)], Decision::There(server(2))),
        // Whatever its default is.
        (Wanted::default(), vec![machine(2)], Decision::There(server(2))),
    ] {
        for draw in 0..8 {
            assert_eq!(decide(&wanted, &machines, &[], draw), decision, "{wanted:?} {machines:?}");
        }
    }
}

#[test]
fn every_reason_is_a_sentence() {
    for why in [
        Why::NoSuchMachine,
        Why::NoSuchRegion,
        Why::Lost,
        Why::OutOfReach,
        Why::NoSuchBuild,
        Why::NoSuchProfile,
        Why::Draining,
        Why::NoRoom,
        Why::GpuMemory { needed_mb: 2048, free_mb: 100 },
        Why::EncoderSessions { most: 8 },
    ] {
        assert!(why.to_string().ends_with('.') && why.to_string().contains(' '), "{why:?}");
    }
}

#[test]
fn of_two_that_would_do_the_better_is_taken() {
    let warm =
        |profile: &str| Offer { warm: vec![Some(profile.into())], ..offer_of("demo", &["earth", "mars"]) };
    for (better, worse) in [
        // One that stands ready, even on a fuller machine; but not with another profile.
        (
            Candidate { offers: vec![warm("earth")], slots_free: 1, ..machine(2) },
            Candidate { offers: vec![warm("mars")], ..machine(1) },
        ),
        (machine(2), Candidate { slots_free: 3, ..machine(1) }),
        // By the share of its places, not their number.
        (
            Candidate { slots_total: 32, slots_free: 24, ..machine(2) },
            Candidate { slots_free: 1, ..machine(1) },
        ),
        (machine(2), Candidate { cpu_percent: 80.0, ..machine(1) }),
        (machine(0), machine(1)),
        (
            Candidate { gpu_memory_free_mb: Some(9000), ..machine(2) },
            Candidate { gpu_memory_free_mb: Some(8000), ..machine(1) },
        ),
        (machine(1), machine(2)),
        (machine(2), Candidate { slots_free: 0, ..machine(1) }),
    ] {
        for draw in 0..8 {
            let expected = if better.here { Decision::Here } else { Decision::There(better.server) };
            for machines in [[better.clone(), worse.clone()], [worse.clone(), better.clone()]] {
                assert_eq!(decide(&wanted(), &machines, &[], draw), expected, "{better:?} {worse:?}");
            }
        }
    }
}

#[test]
fn a_gpu_that_tells_of_no_room_is_passed_over_and_who_finds_no_other_is_told_what_is_short() {
    let needs = Needs { gpu_memory_mb: 2000, encoder_sessions_max: Some(8) };
    let offers = vec![Offer { needs, ..offer_of("demo", &["earth"]) }];
    let machine = |n| Candidate { offers: offers.clone(), ..machine(n) };
    let memory = |n, free| Candidate { gpu_memory_free_mb: Some(free), ..machine(n) };
    let there = |n| Decision::There(server(n));
    let short = |free_mb| Decision::Nowhere(Why::GpuMemory { needed_mb: 2000, free_mb });
    let warm = Offer { warm: vec![Some("earth".into())], ..offers[0].clone() };
    let full = |machine| Candidate { slots_free: 0, ..machine };
    for (machines, decision) in [
        (vec![machine(1)], there(1)),
        (vec![memory(1, 1999), machine(2)], there(2)),
        (vec![Candidate { encoder_sessions: Some(7), ..memory(1, 2000) }], there(1)),
        (vec![memory(1, 500), memory(2, 1999)], short(1999)),
        (
            vec![Candidate { encoder_sessions: Some(8), ..machine(1) }],
            Decision::Nowhere(Why::EncoderSessions { most: 8 }),
        ),
        // One that stands ready has its memory already.
        (vec![Candidate { offers: vec![warm], ..memory(1, 10) }], there(1)),
        // Whoever leaves a full machine gives back its memory with its place; waiting for a place of the other would help nobody.
        (vec![full(memory(1, 10)), memory(2, 10)], Decision::Queue(vec![server(1)])),
    ] {
        for draw in 0..4 {
            assert_eq!(decide(&wanted(), &machines, &[], draw), decision, "{machines:?}");
        }
    }
}

/// A thousand launches that all see the same old figures: none of ten equal machines gets much more than its share.
#[test]
fn a_herd_is_spread() {
    let machines: Vec<_> = (1..=10).map(machine).collect();
    let mut got = [0u32; 11];
    for launch in 0..1000u64 {
        let draw = launch.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17);
        let Decision::There(server) = decide(&wanted(), &machines, &[], draw) else {
            panic!("there is room")
        };
        got[server.0.as_bytes()[0] as usize] += 1;
    }
    // Of two equals the lower id is taken: at most two shares.
    assert!(got.iter().all(|got| *got <= 250), "{got:?}");
}

fn any_machine() -> impl Strategy<Value = Candidate> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (0..12u8, flags, 0..4u32, 0..4u32, 0.0..100.0f32, proptest::option::of(0..9000u32)).prop_map(
        |(n, (alive, reachable, draining, other), total, free, cpu_percent, gpu_memory_free_mb)| Candidate {
            alive,
            reachable,
            draining,
            slots_total: total,
            slots_free: free.min(total),
            offers: vec![offer_of(if other { "other" } else { "demo" }, &["earth"])],
            cpu_percent,
            gpu_memory_free_mb,
            ..machine(n)
        },
    )
}

proptest! {
    #[test]
    fn nobody_is_sent_where_it_cannot_run(
        machines in proptest::collection::vec(any_machine(), 0..12), draw: u64, refused in proptest::collection::vec(0..12u8, 0..4),
    ) {
        let refused: Vec<_> = refused.into_iter().map(server).collect();
        let may = |server: ServerId, m: &Candidate| m.server == server && m.alive && !m.draining && (m.here || m.reachable)
            && m.offers[0].build == "demo";
        match decide(&wanted(), &machines, &refused, draw) {
            Decision::Here => prop_assert!(machines.iter().any(|m| m.here && may(server(0), m) && m.slots_free > 0) && !refused.contains(&server(0))),
            Decision::There(to) => prop_assert!(machines.iter().any(|m| may(to, m) && m.slots_free > 0) && !refused.contains(&to)),
            // Whom it waits for could take it one day, and none of them can now.
            Decision::Queue(servers) => {
                prop_assert!(!servers.is_empty());
                prop_assert!(servers.iter().all(|to| machines.iter().any(|m| may(*to, m))));
                prop_assert!(!machines.iter().any(|m| may(m.server, m) && m.slots_free > 0 && !refused.contains(&m.server)));
            }
            Decision::Nowhere(_) => prop_assert!(!machines.iter().any(|m| may(m.server, m) && m.slots_total > 0)),
        }
    }
}
