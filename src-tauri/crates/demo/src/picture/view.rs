//! What is to be seen in one frame, taken from the world. Pure.

use super::{
    globe::dot,
    sky::{Grid, Shown},
};
use crate::{
    clock,
    world::{
        World,
        bodies::{self, Body, Look},
        camera::Camera,
        navigator::in_units,
        tree,
    },
};

/// Which way the picture's axes point in the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Basis {
    pub right: [f32; 3],
    pub up: [f32; 3],
    /// From the anchor to the camera.
    pub towards: [f32; 3],
}

impl Basis {
    fn of(camera: &Camera) -> Self {
        let towards = camera.position().map(|x| (x / camera.distance) as f32);
        let up = camera.up().map(|x| x as f32);
        let cross = |a: [f32; 3], b: [f32; 3]| {
            [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
        };
        Self { right: cross(up, towards), up, towards }
    }

    /// A point given along the picture's axes, in the world.
    pub fn world(&self, x: f32, up: f32, near: f32) -> [f32; 3] {
        std::array::from_fn(|i| x * self.right[i] + up * self.up[i] + near * self.towards[i])
    }

    /// A point of the world, along the picture's axes.
    pub fn picture(&self, point: [f32; 3]) -> [f32; 3] {
        [dot(point, self.right), dot(point, self.up), dot(point, self.towards)]
    }
}

#[derive(Clone, Debug)]
pub struct View {
    pub camera: Camera,
    pub basis: Basis,
    pub body: &'static Body,
    pub body_shown: bool,
    /// Where the camera flies to.
    pub goal: Option<Look>,
    pub shown: Shown,
    pub labels: bool,
    pub trails: bool,
    /// Seconds at rate 1.
    pub motion_s: f64,
    /// 256 is all of the light.
    pub light: u32,
    /// Nothing where the texts are hidden.
    pub texts: Option<Texts>,
    pub shutdown_in_s: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    pub date: String,
    pub time: String,
    pub rate: String,
    pub body: String,
    pub distance: String,
    pub note: String,
}

/// The sun as seen from everything but the sun itself.
pub const SUNLIGHT: [f32; 3] = [0.743, -0.594, 0.309];

impl View {
    pub fn of(world: &World) -> Self {
        let body = world.anchor();
        let on = |uri: &str| world.tree.is_on(uri);
        let camera = world.navigator.camera;
        Self {
            basis: Basis::of(&camera),
            camera,
            body,
            body_shown: on(&format!("Scene.{}.Renderable.Enabled", body.identifier))
                && world.tree.number(&format!("Scene.{}.Renderable.Fade", body.identifier)) > 0.02,
            goal: world
                .navigator
                .flight
                .as_ref()
                .and_then(|flight| bodies::find(&flight.to))
                .map(|body| body.look),
            shown: Shown {
                milky_way: on(tree::MILKY_WAY),
                stars: on(tree::STARS),
                grid: on(tree::GRID).then(|| grid(world)),
            },
            labels: on(tree::SHOW_LABELS),
            trails: on(&tree::trail_uri(body.identifier)),
            motion_s: world.motion_s,
            light: (world.tree.number(tree::BLACKOUT) * 256.0) as u32,
            texts: on(tree::DASHBOARD).then(|| texts(world)),
            shutdown_in_s: world.shutdown_in_s(),
        }
    }

    /// Pixels to a radius at the anchor's distance; `focal` is the picture's focal length in pixels.
    pub fn radius_px(&self, focal: f64) -> f64 {
        focal / (self.camera.distance * self.camera.distance - 1.0).max(0.05).sqrt()
    }

    pub fn is_lit(&self) -> bool {
        self.body.look != Look::Sun
    }
}

fn grid(world: &World) -> Grid {
    let part = |i: usize| {
        (world.tree.value(tree::GRID_COLOUR).and_then(|c| c[i].as_f64()).unwrap_or(0.0) * 255.0) as u32
    };
    Grid {
        colour: part(0) << 16 | part(1) << 8 | part(2),
        lines: 8 << (world.tree.number(tree::GRID_LINES) as usize).min(2),
    }
}

fn texts(world: &World) -> Texts {
    let now = clock::iso(world.time.et());
    let (date, time) = now.split_once('T').unwrap_or((&now, ""));
    let (altitude, unit) = in_units(world.distance_m() - world.anchor().radius_m);
    let mode = match world.engine_mode() {
        "camera_path" => "FLYING",
        "session_recording_playback" => "PLAYBACK",
        _ if world.recorder.is_recording() => "RECORDING",
        _ => "",
    };
    Texts {
        date: date.to_owned(),
        time: time.chars().take(8).collect(),
        rate: if world.time.is_paused() { "PAUSED".to_owned() } else { rate(world.time.delta()) },
        body: world.anchor().gui_name.to_uppercase(),
        distance: format!("{} {unit}", grouped(altitude)),
        note: mode.to_owned(),
    }
}

/// `REAL TIME`, `30 SECONDS / SECOND`, `-1 DAY / SECOND`.
fn rate(delta: f64) -> String {
    let (amount, unit) = match delta.abs() {
        d if (d - 1.0).abs() < 1e-9 && delta > 0.0 => return "REAL TIME".to_owned(),
        d if d < 60.0 => (delta, "SECOND"),
        d if d < 3600.0 => (delta / 60.0, "MINUTE"),
        d if d < 86_400.0 => (delta / 3600.0, "HOUR"),
        d if d < 31_557_600.0 => (delta / 86_400.0, "DAY"),
        _ => (delta / 31_557_600.0, "YEAR"),
    };
    let plural = if (amount.abs() - 1.0).abs() < 0.05 { "" } else { "S" };
    let digits = usize::from((amount - amount.round()).abs() > 0.05);
    format!("{amount:.digits$} {unit}{plural} / SECOND")
}

/// `149 600`, `3.27`: three digits that matter, thousands apart.
fn grouped(number: f64) -> String {
    let digits = match number.abs() {
        n if n < 10.0 => 2,
        n if n < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{number:.digits$}");
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), String::new()), |(w, f)| (w, format!(".{f}")));
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 && digit.is_ascii_digit() && !grouped.ends_with('-') {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped + &fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_said_as_people_say_them() {
        for (delta, said) in [
            (1.0, "REAL TIME"),
            (-1.0, "-1 SECOND / SECOND"),
            (30.0, "30 SECONDS / SECOND"),
            (3600.0, "1 HOUR / SECOND"),
            (43_200.0, "12 HOURS / SECOND"),
            (-604_800.0, "-7 DAYS / SECOND"),
        ] {
            assert_eq!(rate(delta), said);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, said) in
            [(1234567.4, "1 234 567"), (12.34, "12.3"), (3.27, "3.27"), (-1234.0, "-1 234"), (999.0, "999")]
        {
            assert_eq!(grouped(number), said);
        }
    }

    #[test]
    fn the_basis_is_right_handed_and_goes_both_ways() {
        let basis = Basis::of(&Camera { yaw: 0.7, pitch: 0.4, roll: 0.3, ..Camera::default() });
        let there = basis.picture(basis.world(0.3, -0.2, 0.9));
        for (a, b) in there.iter().zip([0.3, -0.2, 0.9]) {
            assert!((a - b).abs() < 1e-5);
        }
    }
}
