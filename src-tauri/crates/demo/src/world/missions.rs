//! The missions that profiles may have among their assets, as OpenSpace tells them.

use serde_json::{Map, Value, json};

const APOLLO_11: &str = "scene/solarsystem/missions/apollo/apollo11";

pub fn of(assets: &[String]) -> Map<String, Value> {
    let mut missions = Map::new();
    if assets.iter().any(|asset| asset == APOLLO_11) {
        missions.insert("apollo11".to_owned(), json!({ "mission": apollo_11(), "captureTimes": [] }));
    }
    missions
}

fn apollo_11() -> Value {
    let mut mission = phase(
        "Apollo 11",
        "The flight that brought the first two people to the surface of the Moon, and all three of its crew back.",
        ("1969-07-16T13:32:00", "1969-07-24T16:50:35"),
    );
    mission["phases"] = PHASES.iter().map(|&(name, what, range)| phase(name, what, range)).collect();
    mission["phases"][3]["phases"] =
        ON_THE_MOON.iter().map(|&(n, what, range)| phase(n, what, range)).collect();
    mission["milestones"] = MILESTONES
        .iter()
        .map(|(date, name, what)| json!({ "date": date, "name": name, "description": what }))
        .collect();
    mission
}

fn phase(name: &str, description: &str, (start, end): (&str, &str)) -> Value {
    json!({
        "name": name,
        "description": description,
        "image": "",
        "link": "",
        "actions": [],
        "timerange": { "start": start, "end": end },
        "phases": [],
        "milestones": [],
    })
}

type Phase = (&'static str, &'static str, (&'static str, &'static str));

const PHASES: &[Phase] = &[
    (
        "Launch",
        "A Saturn V lifts off from Florida and puts the spacecraft into orbit around Earth.",
        ("1969-07-16T13:32:00", "1969-07-16T16:22:13"),
    ),
    (
        "To the Moon",
        "Three days of coasting, ever slower, until the Moon's own pull takes over.",
        ("1969-07-16T16:22:13", "1969-07-19T17:21:50"),
    ),
    (
        "Around the Moon",
        "Thirteen turns around the Moon; then Eagle and Columbia part.",
        ("1969-07-19T17:21:50", "1969-07-20T20:17:40"),
    ),
    (
        "On the Moon",
        "Armstrong and Aldrin spend a little less than a day in the Sea of Tranquillity.",
        ("1969-07-20T20:17:40", "1969-07-21T17:54:00"),
    ),
    (
        "Back to Earth",
        "Eagle meets Columbia, which leaves the Moon and falls home.",
        ("1969-07-21T17:54:00", "1969-07-24T16:35:05"),
    ),
    (
        "Landing in the ocean",
        "Columbia meets the air at eleven kilometres a second and comes down on three parachutes.",
        ("1969-07-24T16:35:05", "1969-07-24T16:50:35"),
    ),
];

const ON_THE_MOON: &[Phase] = &[
    (
        "Before the walk",
        "They make Eagle ready to leave, and decide to skip the planned rest.",
        ("1969-07-20T20:17:40", "1969-07-21T02:39:33"),
    ),
    (
        "The walk",
        "Two and a half hours outside: a flag, experiments, and 21.5 kg of stones.",
        ("1969-07-21T02:39:33", "1969-07-21T05:11:13"),
    ),
    (
        "Before the way up",
        "Back inside they rest, not very well, for seven hours.",
        ("1969-07-21T05:11:13", "1969-07-21T17:54:00"),
    ),
];

const MILESTONES: &[(&str, &str, &str)] = &[
    ("1969-07-16T13:32:00", "Lift-off", "From pad 39A of the Kennedy Space Center."),
    ("1969-07-20T17:44:00", "Eagle and Columbia part", "Collins stays in orbit, alone."),
    ("1969-07-20T20:17:40", "The Eagle has landed", "With fuel for some 25 seconds left."),
    ("1969-07-21T02:56:15", "The first step", "Armstrong leaves the ladder."),
    ("1969-07-21T17:54:00", "Lift-off from the Moon", "One engine, and no second one."),
    ("1969-07-24T16:50:35", "Splashdown", "In the Pacific, 24 km from the recovery ship."),
];
