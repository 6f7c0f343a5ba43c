//! The camera: on a sphere around its anchor, and how hands, velocities and flights move it. Pure.

use serde_json::{Value, json};

/// Radians per second, or e-folds of distance per second, that a velocity of 1 makes.
const VELOCITY: f64 = 1.2;
/// A hand that lets go quickly leaves at most this, per second.
const SWING_LIMIT: f64 = 1.5;
/// Seconds in which a swing loses two thirds of itself.
const SWING_DECAY_S: f64 = 0.25;
/// Below this, per second, a swing is at rest.
const SWING_AT_REST: f64 = 2e-3;
const PITCH_LIMIT: f64 = 1.45;
const PAN_LIMIT: f64 = 0.9;
/// Distances, in radii of the anchor: not into it, and not out of sight.
const NEAR: f64 = 1.12;
const FAR: f64 = 2000.0;
/// A flight goes out by up to this factor on its way to another body.
const FLIGHT_BUMP: f64 = 24.0;

/// Angles in radians, distances in radii of the anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    pub yaw: f64,
    pub pitch: f64,
    pub roll: f64,
    pub distance: f64,
    pub pan: [f64; 2],
}

impl Default for Camera {
    fn default() -> Self {
        Self { yaw: 0.0, pitch: 0.25, roll: 0.0, distance: 4.0, pan: [0.0; 2] }
    }
}

/// One step of movement: angles in radians, `zoom` in e-folds of distance (positive is closer).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    pub yaw: f64,
    pub pitch: f64,
    pub zoom: f64,
    pub roll: f64,
    pub pan: [f64; 2],
}

impl Step {
    fn scaled(self, by: f64) -> Self {
        Self {
            yaw: self.yaw * by,
            pitch: self.pitch * by,
            zoom: self.zoom * by,
            roll: self.roll * by,
            pan: self.pan.map(|pan| pan * by),
        }
    }
}

impl Camera {
    pub fn go(&mut self, step: Step) {
        let turn = |angle: f64| {
            (angle + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI
        };
        self.yaw = turn(self.yaw + step.yaw);
        self.pitch = (self.pitch + step.pitch).clamp(-PITCH_LIMIT, PITCH_LIMIT);
        self.roll = turn(self.roll + step.roll);
        self.distance = (self.distance * (-step.zoom).exp()).clamp(NEAR, FAR);
        for (pan, by) in self.pan.iter_mut().zip(step.pan) {
            *pan = (*pan + by).clamp(-PAN_LIMIT, PAN_LIMIT);
        }
    }

    pub fn at_distance(self, distance: f64) -> Self {
        Self {
            distance: if distance.is_finite() { distance.clamp(NEAR, FAR) } else { self.distance },
            ..self
        }
    }

    /// The position relative to the anchor, in its radii.
    pub fn position(&self) -> [f64; 3] {
        let (sy, cy) = self.yaw.sin_cos();
        let (sp, cp) = self.pitch.sin_cos();
        [self.distance * cp * cy, self.distance * cp * sy, self.distance * sp]
    }

    /// Where up is in the picture, in the same frame.
    pub fn up(&self) -> [f64; 3] {
        let (north, right) = self.frame();
        let (sin, cos) = self.roll.sin_cos();
        std::array::from_fn(|i| north[i] * cos + right[i] * sin)
    }

    fn frame(&self) -> ([f64; 3], [f64; 3]) {
        let (sy, cy) = self.yaw.sin_cos();
        let (sp, cp) = self.pitch.sin_cos();
        ([-sp * cy, -sp * sy, cp], [-sy, cy, 0.0])
    }

    /// The camera at a position (in radii), with up where it is told or where it is by default. Nothing where that is no place.
    pub fn from_position(position: [f64; 3], up: Option<[f64; 3]>) -> Option<Self> {
        let distance = position.iter().map(|x| x * x).sum::<f64>().sqrt();
        if !distance.is_finite() || distance <= 0.0 {
            return None;
        }
        let mut camera = Self {
            yaw: position[1].atan2(position[0]),
            pitch: (position[2] / distance).clamp(-1.0, 1.0).asin().clamp(-PITCH_LIMIT, PITCH_LIMIT),
            roll: 0.0,
            distance: distance.clamp(NEAR, FAR),
            pan: [0.0; 2],
        };
        if let Some(up) = up {
            let (north, right) = camera.frame();
            let dot = |a: [f64; 3]| a.iter().zip(up).map(|(a, b)| a * b).sum::<f64>();
            let roll = dot(right).atan2(dot(north));
            camera.roll = if roll.is_finite() { roll } else { 0.0 };
        }
        Some(camera)
    }
}

/// Which movements come to rest by themselves.
#[derive(Clone, Copy, Debug)]
pub struct Friction {
    pub rotation: bool,
    pub zoom: bool,
    pub roll: bool,
}

/// What keeps the camera moving after a hand let go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Swing {
    held: bool,
    /// Moved by the hand since the last frame.
    moved: Step,
    /// Per second.
    velocity: Step,
}

impl Swing {
    pub fn hold(&mut self) {
        *self = Self { held: true, ..Self::default() };
    }
    pub fn let_go(&mut self) {
        self.held = false;
    }
    pub fn stop(&mut self) {
        *self = Self { held: self.held, ..Self::default() };
    }

    pub fn push(&mut self, step: Step) {
        self.moved.yaw += step.yaw;
        self.moved.pitch += step.pitch;
        self.moved.zoom += step.zoom;
        self.moved.roll += step.roll;
    }

    /// The movement that the swing makes in a frame; nothing while the hand itself moves the camera.
    pub fn update(&mut self, elapsed_s: f64, friction: Friction) -> Step {
        let moved = std::mem::take(&mut self.moved);
        if self.held {
            let mix = |velocity: f64, moved: f64| {
                (0.5 * velocity + 0.5 * moved / elapsed_s.max(1e-3)).clamp(-SWING_LIMIT, SWING_LIMIT)
            };
            self.velocity.yaw = mix(self.velocity.yaw, moved.yaw);
            self.velocity.pitch = mix(self.velocity.pitch, moved.pitch);
            self.velocity.zoom = mix(self.velocity.zoom, moved.zoom);
            self.velocity.roll = mix(self.velocity.roll, moved.roll);
            return Step::default();
        }
        let step = self.velocity.scaled(elapsed_s);
        let decay = (-elapsed_s / SWING_DECAY_S).exp();
        let slow = |velocity: &mut f64, friction: bool| {
            *velocity *= if friction { decay } else { 1.0 };
            if velocity.abs() < SWING_AT_REST {
                *velocity = 0.0;
            }
        };
        slow(&mut self.velocity.yaw, friction.rotation);
        slow(&mut self.velocity.pitch, friction.rotation);
        slow(&mut self.velocity.zoom, friction.zoom);
        slow(&mut self.velocity.roll, friction.roll);
        step
    }
}

/// The axes of the flight controller: velocities that last until the next message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Axes {
    pub orbit: [f64; 2],
    pub zoom: f64,
    pub roll: f64,
    pub pan: [f64; 2],
}

impl Axes {
    pub const NAMES: [&'static str; 10] = [
        "orbitX",
        "orbitY",
        "zoomIn",
        "zoomOut",
        "localRollX",
        "localRollY",
        "globalRollX",
        "globalRollY",
        "panX",
        "panY",
    ];

    /// Reads `{axis: value}`: axes that are not named are zero, values are clamped to −1..1, unknown names are answered.
    pub fn read(values: &Value) -> (Self, Vec<String>) {
        let of = |name: &str| {
            values.get(name).and_then(Value::as_f64).filter(|v| v.is_finite()).unwrap_or(0.0).clamp(-1.0, 1.0)
        };
        let both = |a: f64, b: f64| (a + b).clamp(-1.0, 1.0);
        let axes = Self {
            orbit: [of("orbitX"), of("orbitY")],
            zoom: both(of("zoomIn"), -of("zoomOut")),
            // Each of the two overwrites the other, whether it is named or not.
            roll: both(of("localRollY"), of("globalRollY")),
            pan: [of("panX"), of("panY")],
        };
        let unknown = values.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        (axes, unknown.filter(|name| name != "type" && !Self::NAMES.contains(&name.as_str())).collect())
    }

    /// In OpenSpace's directions: a positive orbit moves what is seen to the left and up, a positive roll turns it clockwise.
    pub fn step(&self, elapsed_s: f64) -> Step {
        Step { yaw: self.orbit[0], pitch: -self.orbit[1], zoom: self.zoom, roll: -self.roll, pan: self.pan }
            .scaled(elapsed_s * VELOCITY)
    }
}

/// A flight on its way.
#[derive(Clone, Debug)]
pub struct Flight {
    pub from: String,
    pub to: String,
    start: Camera,
    end: Camera,
    elapsed_s: f64,
    duration_s: f64,
    pub paused: bool,
}

impl Flight {
    pub fn new(from: &str, to: &str, start: Camera, end: Camera, duration_s: f64) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            start,
            end,
            elapsed_s: 0.0,
            duration_s: if duration_s.is_finite() { duration_s.clamp(0.05, 600.0) } else { 3.0 },
            paused: false,
        }
    }

    pub fn remaining_s(&self) -> f64 {
        (self.duration_s - self.elapsed_s).max(0.0)
    }

    pub fn skip_to_end(&mut self) {
        self.elapsed_s = self.duration_s;
    }

    pub fn is_over(&self) -> bool {
        self.elapsed_s >= self.duration_s
    }

    /// Flies on; answers the camera, and whether it is nearer to the goal than to where it came from.
    pub fn update(&mut self, elapsed_s: f64) -> (Camera, bool) {
        if !self.paused {
            self.elapsed_s += elapsed_s;
        }
        if self.is_over() {
            return (self.end, true);
        }
        let part = self.elapsed_s / self.duration_s;
        let eased = part * part * (3.0 - 2.0 * part);
        let between = |a: f64, b: f64| a + (b - a) * eased;
        let bump =
            if self.from == self.to { 0.0 } else { FLIGHT_BUMP.ln() * (std::f64::consts::PI * eased).sin() };
        let camera = Camera {
            yaw: between(self.start.yaw, self.end.yaw),
            pitch: between(self.start.pitch, self.end.pitch),
            roll: between(self.start.roll, self.end.roll),
            distance: (between(self.start.distance.ln(), self.end.distance.ln()) + bump)
                .exp()
                .clamp(NEAR, FAR),
            pan: [between(self.start.pan[0], self.end.pan[0]), between(self.start.pan[1], self.end.pan[1])],
        };
        (camera, eased >= 0.5)
    }

    pub fn state_json(&self) -> Value {
        json!({ "target": self.to, "remainingTime": self.remaining_s().round() as i64, "isPaused": self.paused })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn cameras()(yaw in -3.1..3.1, pitch in -1.4..1.4, roll in -3.1..3.1, distance in 1.2..1500.0) -> Camera {
            Camera { yaw, pitch, roll, distance, pan: [0.0; 2] }
        }
    }

    proptest! {
        #[test]
        fn a_camera_is_found_again_from_its_position_and_up(camera in cameras()) {
            let again = Camera::from_position(camera.position(), Some(camera.up())).unwrap();
            for (a, b) in [(camera.yaw, again.yaw), (camera.pitch, again.pitch), (camera.roll, again.roll)] {
                prop_assert!((a - b).abs() < 1e-6, "{camera:?} {again:?}");
            }
            prop_assert!((camera.distance / again.distance - 1.0).abs() < 1e-9);
        }

        #[test]
        fn no_step_leaves_the_limits(camera in cameras(), yaw in -1e3..1e3, zoom in -50.0..50.0, pitch in -1e3..1e3) {
            let mut camera = camera;
            camera.go(Step { yaw, zoom, pitch, ..Step::default() });
            prop_assert!((NEAR..=FAR).contains(&camera.distance) && camera.pitch.abs() <= PITCH_LIMIT && camera.yaw.abs() <= 3.2);
        }
    }

    const FRICTION: Friction = Friction { rotation: true, zoom: true, roll: true };

    #[test]
    fn a_swing_comes_to_rest_with_friction_and_goes_on_without() {
        let swung = |friction| {
            let mut swing = Swing::default();
            swing.hold();
            swing.push(Step { yaw: 0.05, ..Step::default() });
            swing.update(0.033, friction);
            swing.let_go();
            (0..100).map(|_| swing.update(0.033, friction).yaw).last().unwrap()
        };
        assert_eq!(swung(FRICTION), 0.0);
        assert!(swung(Friction { rotation: false, ..FRICTION }) > 0.0);
    }

    #[test]
    fn a_hand_that_stops_before_it_lets_go_leaves_no_swing() {
        let mut swing = Swing::default();
        swing.hold();
        swing.push(Step { yaw: 0.05, ..Step::default() });
        for _ in 0..20 {
            swing.update(0.033, FRICTION);
        }
        swing.let_go();
        assert!(swing.update(0.033, FRICTION).yaw.abs() < 1e-4);
    }

    #[test]
    fn axes_are_velocities_and_strangers_are_named() {
        let (axes, unknown) =
            Axes::read(&json!({ "orbitX": 9, "zoomIn": 0.5, "zoomOut": 0.25, "warp": 1, "panX": "x" }));
        assert_eq!((axes.orbit, axes.zoom, axes.pan), ([1.0, 0.0], 0.25, [0.0, 0.0]));
        assert_eq!(unknown, ["warp"]);
        assert!((axes.step(0.5).yaw - 0.5 * VELOCITY).abs() < 1e-9);
    }

    #[test]
    fn a_flight_ends_where_it_was_to_go() {
        let end = Camera { yaw: 1.0, distance: 7.0, ..Camera::default() };
        let mut flight = Flight::new("Earth", "Mars", Camera::default(), end, 2.0);
        assert!(!flight.update(0.1).1);
        flight.paused = true;
        assert!(flight.update(100.0).0 != end);
        flight.paused = false;
        assert_eq!(flight.update(5.0), (end, true));
        assert!(flight.is_over());
    }
}
