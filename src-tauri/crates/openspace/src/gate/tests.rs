//! The gate as a table: who may wish what, and what is refused.

use model::SceneAction;
use proptest::prelude::*;

use super::*;

const NOW: UnixMillis = UnixMillis(1_795_459_200_000);

pub(crate) fn scene() -> Tree {
    let node = |name: &str, drawn| Node { name: name.to_owned(), interesting: true, hidden: false, drawn };
    let trails = SceneAction {
        id: "os.ToggleTrails".to_owned(),
        name: "Trails".to_owned(),
        description: String::new(),
        keys: Vec::new(),
    };
    Tree::new(
        [("Mars", true), ("Earth-Moon L2", false), ("Root", false)]
            .map(|(id, drawn)| (id.to_owned(), node(id, drawn))),
        [trails],
    )
}

fn judged(wish: &Wish, role: Role) -> Result<Deed, String> {
    judge(wish, role, &scene(), NOW).map(|call| call.0).map_err(|denied| denied.to_string())
}

fn fly(node: &str) -> Wish {
    Wish::FlyTo { node: node.to_owned(), duration_s: None }
}

/// One of each kind, all of them possible.
fn wishes() -> Vec<(Wish, Role)> {
    let node = || "Mars".to_owned();
    vec![
        (Wish::SetTime { time: "2026-11-23".to_owned() }, Role::Pilot),
        (Wish::Pause { paused: true }, Role::Pilot),
        (Wish::SetRate { seconds_per_second: -60.0 }, Role::Pilot),
        (Wish::StepRate { forward: true }, Role::Pilot),
        (Wish::Now {}, Role::Pilot),
        (Wish::Focus { node: node() }, Role::Pilot),
        (Wish::FlyTo { node: node(), duration_s: Some(3.0) }, Role::Pilot),
        (Wish::FlyToGeo { node: node(), latitude: -14.6, longitude: -59.2, altitude_m: 2e5 }, Role::Pilot),
        (Wish::Show { node: node(), visible: false }, Role::Presenter),
        (Wish::Fade { node: node(), visible: true, seconds: 1.5 }, Role::Presenter),
        (Wish::TriggerAction { action: "os.ToggleTrails".to_owned() }, Role::Presenter),
        (Wish::ListNodes { search: None }, Role::Pilot),
        (Wish::ListActions {}, Role::Pilot),
    ]
}

#[test]
fn each_wish_needs_its_role_and_every_higher_one_has_it() {
    for (wish, least) in wishes() {
        for role in [Role::Watcher, Role::Pilot, Role::Presenter, Role::Owner, Role::Admin] {
            let judged = judged(&wish, role);
            assert_eq!(judged.is_ok(), role >= least, "{role:?}: {wish:?} → {judged:?}");
            if let Err(why) = judged {
                assert!(why.ends_with("link.") || why.ends_with("may steer."), "{why}");
            }
        }
    }
}

#[test]
fn a_wish_becomes_the_deed_it_names() {
    assert_eq!(
        judged(
            &Wish::FlyToGeo { node: "Mars".to_owned(), latitude: 90.0, longitude: -180.0, altitude_m: 1.0 },
            Role::Pilot
        ),
        Ok(Deed::FlyToGeo { globe: "Mars".to_owned(), latitude: 90.0, longitude: -180.0, altitude_m: 1.0 })
    );
    let Ok(Deed::SetTime(now)) = judged(&Wish::Now {}, Role::Pilot) else { panic!("now is a time") };
    assert_eq!(now.as_str(), "2026-11-23T18:40:00.000");
    assert_eq!(
        judged(&fly("Earth-Moon L2"), Role::Pilot),
        Ok(Deed::FlyTo { node: "Earth-Moon L2".to_owned(), duration_s: None })
    );
}

#[test]
fn what_the_scene_does_not_hold_might_be_in_a_newer_one() {
    for wish in
        [fly("mars"), fly("Mars "), fly("Pluto"), Wish::TriggerAction { action: "os.Unknown".to_owned() }]
    {
        assert!(matches!(judge(&wish, Role::Owner, &scene(), NOW), Err(Denied::Unknown(_))), "{wish:?}");
    }
    for wish in [
        fly("Mars');os.exit();--"),
        fly("Mars\n"),
        fly("Маrs"),
        fly("Mars]]"),
        fly("Scene/Mars"),
        fly("{planet}"),
        fly("*"),
        fly(""),
        fly("Root"),
        Wish::Focus { node: "Mars\0".to_owned() },
        Wish::Show { node: "Earth-Moon L2".to_owned(), visible: true },
        Wish::TriggerAction { action: "x','y".to_owned() },
    ] {
        assert!(matches!(judge(&wish, Role::Owner, &scene(), NOW), Err(Denied::Refused(_))), "{wish:?}");
    }
}

#[test]
fn numbers_out_of_range_or_not_finite_are_refused() {
    let node = || "Mars".to_owned();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
        for wish in [
            Wish::SetRate { seconds_per_second: bad },
            Wish::FlyTo { node: node(), duration_s: Some(bad) },
            Wish::FlyToGeo { node: node(), latitude: bad, longitude: 0.0, altitude_m: 1e6 },
            Wish::FlyToGeo { node: node(), latitude: 0.0, longitude: bad, altitude_m: 1e6 },
            Wish::FlyToGeo { node: node(), latitude: 0.0, longitude: 0.0, altitude_m: bad },
            Wish::Fade { node: node(), visible: true, seconds: bad },
        ] {
            let why = judged(&wish, Role::Admin).unwrap_err();
            assert!(why.contains("must be between"), "{wish:?} → {why}");
        }
    }
    assert!(judged(&Wish::FlyTo { node: node(), duration_s: Some(0.0) }, Role::Pilot).is_err());
    assert!(judged(&Wish::SetTime { time: "tomorrow".to_owned() }, Role::Pilot).is_err());
}

proptest! {
    #[test]
    fn a_search_of_any_length_and_kind_stays_a_search(search in "\\PC{0,400}") {
        let Ok(Deed::ListNodes { search: kept }) = judged(&Wish::ListNodes { search: Some(search.clone()) }, Role::Pilot) else {
            panic!("a search is always let through")
        };
        prop_assert!(search.starts_with(&kept) && kept.chars().count() <= SEARCH_CHARS);
    }
}
