//! What there is to look at. Radii are the real ones, in metres.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Sun,
    Rock,
    Venus,
    Earth,
    Mars,
    Jupiter,
    Saturn,
    Uranus,
    Neptune,
    Titan,
    Station,
}

#[derive(Debug, PartialEq)]
pub struct Body {
    pub identifier: &'static str,
    pub gui_name: &'static str,
    pub gui_path: &'static str,
    pub radius_m: f64,
    pub look: Look,
    pub description: &'static str,
    /// What circles it in the picture: the look, its radius and its distance in radii of the body, the seconds of one turn.
    pub moons: &'static [Moon],
}

#[derive(Debug, PartialEq)]
pub struct Moon {
    pub name: &'static str,
    pub look: Look,
    pub radius: f64,
    pub distance: f64,
    pub turn_s: f64,
    /// Where on its way it starts, in turns.
    pub start: f64,
}

const PLANETS: &str = "/Solar System/Planets";

pub const BODIES: &[Body] = &[
    body("Sun", "/Solar System", 6.957e8, Look::Sun, "The star in the middle of it all.", &[]),
    body("Mercury", PLANETS, 2.4397e6, Look::Rock, "The smallest planet, and the fastest.", &[]),
    body("Venus", PLANETS, 6.0518e6, Look::Venus, "Always under clouds.", &[]),
    body(
        "Earth",
        PLANETS,
        6.371e6,
        Look::Earth,
        "Home.",
        &[Moon { name: "Moon", look: Look::Rock, radius: 0.27, distance: 2.9, turn_s: 48.0, start: 0.08 }],
    ),
    body("Moon", "/Solar System/Planets/Earth", 1.7374e6, Look::Rock, "Earth's companion.", &[]),
    body(
        "ISS",
        "/Solar System/Planets/Earth/Satellites",
        55.0,
        Look::Station,
        "The International Space Station.",
        &[],
    ),
    body(
        "Mars",
        PLANETS,
        3.3895e6,
        Look::Mars,
        "The red one.",
        &[
            Moon { name: "Phobos", look: Look::Rock, radius: 0.05, distance: 1.7, turn_s: 14.0, start: 0.3 },
            Moon { name: "Deimos", look: Look::Rock, radius: 0.035, distance: 2.6, turn_s: 40.0, start: 0.7 },
        ],
    ),
    body(
        "Jupiter",
        PLANETS,
        6.9911e7,
        Look::Jupiter,
        "The largest planet.",
        &[
            Moon { name: "Io", look: Look::Venus, radius: 0.06, distance: 1.8, turn_s: 20.0, start: 0.1 },
            Moon { name: "Europa", look: Look::Rock, radius: 0.05, distance: 2.4, turn_s: 33.0, start: 0.45 },
            Moon {
                name: "Ganymede",
                look: Look::Rock,
                radius: 0.08,
                distance: 3.2,
                turn_s: 52.0,
                start: 0.8,
            },
        ],
    ),
    body(
        "Saturn",
        PLANETS,
        5.8232e7,
        Look::Saturn,
        "The one with the rings.",
        &[
            Moon { name: "Titan", look: Look::Titan, radius: 0.11, distance: 3.1, turn_s: 60.0, start: 0.87 },
            Moon { name: "Rhea", look: Look::Rock, radius: 0.05, distance: 2.6, turn_s: 31.0, start: 0.42 },
        ],
    ),
    body(
        "Uranus",
        PLANETS,
        2.5362e7,
        Look::Uranus,
        "It rolls on its side.",
        &[Moon { name: "Titania", look: Look::Rock, radius: 0.06, distance: 2.2, turn_s: 36.0, start: 0.2 }],
    ),
    body(
        "Neptune",
        PLANETS,
        2.4622e7,
        Look::Neptune,
        "The farthest planet.",
        &[Moon { name: "Triton", look: Look::Rock, radius: 0.1, distance: 2.4, turn_s: -44.0, start: 0.6 }],
    ),
];

const fn body(
    identifier: &'static str,
    gui_path: &'static str,
    radius_m: f64,
    look: Look,
    description: &'static str,
    moons: &'static [Moon],
) -> Body {
    Body { identifier, gui_name: identifier, gui_path, radius_m, look, description, moons }
}

pub fn find(identifier: &str) -> Option<&'static Body> {
    BODIES.iter().find(|body| body.identifier == identifier)
}
