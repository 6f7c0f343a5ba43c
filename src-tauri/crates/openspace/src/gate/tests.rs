//! The gate as a table: who may wish what, and what is refused.

use std::path::Path;

use model::{PropertyKind, PropertyOption, SceneAction, SceneProperty};
use proptest::prelude::*;

use super::*;
use crate::tree::Drawn;

const NOW: UnixMillis = UnixMillis(1_795_459_200_000);

pub(crate) fn scene() -> Tree {
    let node = |name: &str, drawn: bool| Node {
        name: name.to_owned(),
        interesting: true,
        hidden: false,
        drawn: drawn.then_some(Drawn { shown: true, fades: true }),
        group: Vec::new(),
    };
    let trails = SceneAction {
        id: "os.ToggleTrails".to_owned(),
        name: "Trails".to_owned(),
        description: String::new(),
        group: Vec::new(),
        keys: Vec::new(),
    };
    Tree::new(
        [("Mars", true), ("Earth-Moon L2", false), ("Root", false)]
            .map(|(id, drawn)| (id.to_owned(), node(id, drawn))),
        [trails],
    )
    .with_properties(properties())
}

fn properties() -> Vec<SceneProperty> {
    let option = |value| PropertyOption { value, name: value.to_string() };
    let limits = |min, max| (vec![min; 3], vec![max; 3]);
    let (min, max) = limits(-1.0, 1.0);
    [
        ("Scene.Mars.Renderable.ShowAtmosphere", PropertyKind::Switch),
        (
            "Scene.Mars.Renderable.Opacity",
            PropertyKind::Number { min: 0.0, max: 1.0, step: None, whole: false },
        ),
        (
            "Scene.Mars.Renderable.Segments",
            PropertyKind::Number { min: 1.0, max: 9.0, step: None, whole: true },
        ),
        ("Scene.Mars.Renderable.Blending", PropertyKind::Choice { options: vec![option(0), option(2)] }),
        ("Scene.Mars.Renderable.Colour", PropertyKind::Colour { alpha: false }),
        ("Scene.Mars.Renderable.Offset", PropertyKind::Vector { min, max, whole: false }),
    ]
    .map(|(uri, kind)| SceneProperty {
        uri: uri.to_owned(),
        name: uri.rsplit('.').next().unwrap().to_owned(),
        owner: "Mars › Renderable".to_owned(),
        description: String::new(),
        kind,
        value: PropertyValue::Switch(false),
    })
    .into()
}

/// A scene, and an instance that has recorded once.
pub(crate) struct Place {
    tree: Tree,
    saved: Saved,
    recordings: Vec<SavedFile>,
}

pub(crate) fn place() -> Place {
    let recording = SavedFile { name: "recording-1.osrec".to_owned(), bytes: 1, saved: NOW };
    Place { tree: scene(), saved: Saved::of(Path::new("/data/instances/1")), recordings: vec![recording] }
}

impl Place {
    pub(crate) fn grounds(&self) -> Grounds<'_> {
        let Self { tree, saved, recordings } = self;
        Grounds { tree, saved, recordings, recorder: None, raw_lua: true, now: NOW }
    }
}

fn judged(wish: &Wish, role: Role) -> Result<Deed, String> {
    judge(wish, role, &place().grounds()).map(|call| call.0).map_err(|denied| denied.to_string())
}

fn set(uri: &str, value: PropertyValue) -> Wish {
    Wish::SetProperty { uri: uri.to_owned(), value }
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
        (Wish::ListActions {}, Role::Watcher),
        (Wish::StepFocus { forward: true }, Role::Pilot),
        (Wish::ListProperties { search: None }, Role::Presenter),
        (set("Scene.Mars.Renderable.Opacity", PropertyValue::Number(0.5)), Role::Presenter),
        (Wish::Screenshot {}, Role::Presenter),
        (Wish::StartRecording {}, Role::Presenter),
        (Wish::StopRecording {}, Role::Presenter),
        (Wish::PlayRecording { name: "recording-1.osrec".to_owned(), looped: false }, Role::Presenter),
        (Wish::PausePlayback { paused: true }, Role::Presenter),
        (Wish::StopPlayback {}, Role::Presenter),
        (Wish::Lua { script: "return 1".to_owned() }, Role::Admin),
    ]
}

#[test]
fn each_wish_needs_its_role_and_every_higher_one_has_it() {
    for (wish, least) in wishes() {
        for role in [Role::Watcher, Role::Pilot, Role::Presenter, Role::Owner, Role::Admin] {
            let judged = judged(&wish, role);
            assert_eq!(judged.is_ok(), role >= least, "{role:?}: {wish:?} → {judged:?}");
            if let Err(why) = judged {
                assert!(
                    ["link.", "may steer.", "may run scripts."].iter().any(|end| why.ends_with(end)),
                    "{why}"
                );
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
    for wish in [
        fly("mars"),
        fly("Mars "),
        fly("Pluto"),
        Wish::TriggerAction { action: "os.Unknown".to_owned() },
        set("Scene.Mars.Renderable.Unknown", PropertyValue::Switch(true)),
    ] {
        assert!(matches!(judge(&wish, Role::Owner, &place().grounds()), Err(Denied::Unknown(_))), "{wish:?}");
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
        set("Modules.CefWebGui.Visible", PropertyValue::Switch(true)),
        set("Scene.Mars.Renderable.Opacity');--", PropertyValue::Number(0.5)),
        set("Scene.*.Renderable.Opacity", PropertyValue::Number(0.5)),
        set("", PropertyValue::Number(0.5)),
        Wish::PlayRecording { name: "../recording-1.osrec".to_owned(), looped: true },
        Wish::PlayRecording { name: "recording-2.osrec".to_owned(), looped: true },
        Wish::PlayRecording {
            name: "/data/instances/1/user/recordings/recording-1.osrec".to_owned(),
            looped: true,
        },
    ] {
        assert!(matches!(judge(&wish, Role::Owner, &place().grounds()), Err(Denied::Refused(_))), "{wish:?}");
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

#[test]
fn a_property_takes_only_what_it_is_for() {
    use PropertyValue::{Number, Numbers, Switch};
    for (name, value, good) in [
        ("ShowAtmosphere", Switch(true), true),
        ("ShowAtmosphere", Number(1.0), false),
        ("Opacity", Number(1.0), true),
        ("Opacity", Number(1.5), false),
        ("Opacity", Number(f64::NAN), false),
        ("Segments", Number(2.0), true),
        ("Segments", Number(2.5), false),
        ("Blending", Number(2.0), true),
        ("Blending", Number(1.0), false),
        ("Colour", Numbers(vec![0.0, 0.5, 1.0]), true),
        ("Colour", Numbers(vec![0.0; 100_000]), false),
        ("Offset", Numbers(vec![0.0, -1.0, 2.0]), false),
    ] {
        let judged = judged(&set(&format!("Scene.Mars.Renderable.{name}"), value.clone()), Role::Presenter);
        assert_eq!(judged.is_ok(), good, "{name} {value:?} → {judged:?}");
    }
    let refused = judged(&set("Scene.Mars.Renderable.Opacity", Number(2.0)), Role::Presenter);
    assert_eq!(refused.unwrap_err(), "“Opacity” takes a number from 0 to 1.");
}

#[test]
fn recordings_are_made_and_played_by_a_path_of_this_instance() {
    let path = |name: &str| format!("/data/instances/1/user/recordings/{name}");
    let play = Wish::PlayRecording { name: "recording-1.osrec".to_owned(), looped: true };
    for (wish, deed) in [
        (Wish::StartRecording {}, Deed::StartRecording(path("recording-2.osrec"))),
        (Wish::StopRecording {}, Deed::StopRecording(path("recording-2.osrec"))),
        (play.clone(), Deed::PlayRecording { path: path("recording-1.osrec"), looped: true }),
    ] {
        assert_eq!(judged(&wish, Role::Presenter), Ok(deed));
    }
    let place = Place { saved: Saved::of(Path::new("/it's/here")), ..place() };
    let refused = judge(&play, Role::Presenter, &place.grounds());
    assert!(matches!(refused, Err(Denied::Refused(_))), "a quote in our own path goes to no script");
}

#[test]
fn the_recorder_does_one_thing_at_a_time() {
    use RecorderState::{Idle, Paused, Playing, Recording};
    let play = Wish::PlayRecording { name: "recording-1.osrec".to_owned(), looped: false };
    for (wish, states) in [
        (Wish::StartRecording {}, vec![Idle]),
        (Wish::StopRecording {}, vec![Recording]),
        (play, vec![Idle]),
        (Wish::PausePlayback { paused: true }, vec![Playing, Paused]),
        (Wish::StopPlayback {}, vec![Playing, Paused]),
    ] {
        for state in [Idle, Recording, Playing, Paused] {
            let place = place();
            let grounds = Grounds { recorder: Some(state), ..place.grounds() };
            let judged = judge(&wish, Role::Presenter, &grounds);
            assert_eq!(judged.is_ok(), states.contains(&state), "{wish:?} while {state:?}");
        }
    }
}

#[test]
fn scripts_need_an_administrator_and_a_machine_that_allows_them() {
    let place = place();
    let wish = Wish::Lua { script: "openspace.printInfo([[x]])".to_owned() };
    let off = Grounds { raw_lua: false, ..place.grounds() };
    let refused = judge(&wish, Role::Admin, &off).unwrap_err().to_string();
    assert!(refused.contains("gate.raw_lua"), "{refused}");
    assert!(judge(&wish, Role::Owner, &place.grounds()).is_err());
    assert_eq!(
        judge(&wish, Role::Admin, &place.grounds()),
        Ok(Call(Deed::Lua("openspace.printInfo([[x]])".to_owned())))
    );
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
