//! Where the camera is, what moves it, and the navigation states that clients save and restore.

use serde_json::{Value, json};

use super::{
    Event, World,
    bodies::{self, BODIES, Body},
    camera::{Camera, Flight, Friction, Step, Swing},
    controllers::Slot,
    tree,
};
use crate::clock;

#[derive(Debug, Default)]
pub struct Navigator {
    pub camera: Camera,
    pub swing: Swing,
    pub controllers: Slot,
    pub flight: Option<Flight>,
    home: Option<(String, Camera)>,
}

/// Where a body is seen whole, in its radii.
const VIEWING_DISTANCE: f64 = 4.0;
const FLIGHT_S: f64 = 3.0;
/// Radians per second of a camera that orbits by itself.
const IDLE_MOTION: f64 = 0.12;

impl World {
    pub fn anchor(&self) -> &'static Body {
        bodies::find(self.tree.text(tree::ANCHOR)).unwrap_or(&BODIES[0])
    }

    /// The camera's distance from the middle of its anchor, in metres.
    pub fn distance_m(&self) -> f64 {
        self.navigator.camera.distance * self.anchor().radius_m
    }

    pub(super) fn update_navigation(&mut self, elapsed_s: f64) {
        if let (Some(moment), over) = self.recorder.advance(elapsed_s) {
            self.navigator.camera = moment.camera;
            self.time.set_time(moment.et);
            self.look_at(&moment.anchor);
            if over {
                self.events.push(Event::new("SessionRecordingPlayback", &[("State", json!("Finished"))]));
            }
        } else if self.navigator.flight.is_some() {
            // As with OpenSpace, no hand and no impulse moves the camera while it flies by itself.
            self.fly_on(elapsed_s);
        } else {
            self.drift(elapsed_s);
        }
    }

    fn drift(&mut self, elapsed_s: f64) {
        let friction = Friction {
            rotation: self.tree.is_on(tree::ROTATIONAL_FRICTION),
            zoom: self.tree.is_on(tree::ZOOM_FRICTION),
            roll: self.tree.is_on(tree::ROLL_FRICTION),
        };
        let swing = self.navigator.swing.update(elapsed_s, friction);
        let axes = self.navigator.controllers.axes().step(elapsed_s);
        let idle = if self.tree.is_on("NavigationHandler.OrbitalNavigator.IdleMotion.ApplyIdleMotion") {
            IDLE_MOTION
        } else {
            0.0
        };
        for step in [swing, axes, Step { yaw: idle * elapsed_s, ..Step::default() }] {
            self.navigator.camera.go(step);
        }
    }

    fn fly_on(&mut self, elapsed_s: f64) {
        let Some(mut flight) = self.navigator.flight.take() else { return };
        let (camera, near_goal) = flight.update(elapsed_s);
        self.navigator.camera = camera;
        if near_goal {
            self.look_at(&flight.to);
        }
        if flight.is_over() {
            let ends = [("Origin", json!(flight.from)), ("Destination", json!(flight.to))];
            self.events.push(Event::new("CameraPathFinished", &ends));
        } else {
            self.navigator.flight = Some(flight);
        }
    }

    /// Makes a node the anchor; nothing happens where it is already.
    fn look_at(&mut self, identifier: &str) {
        if self.tree.text(tree::ANCHOR) != identifier {
            // The callers look the node up first; a recording of another version may name one that is none.
            let _ = self.set_property(tree::ANCHOR, json!(identifier), 0.0);
        }
    }

    pub fn stop_flight(&mut self) {
        if let Some(flight) = self.navigator.flight.take() {
            let ends = [("Origin", json!(flight.from)), ("Destination", json!(flight.to))];
            self.events.push(Event::new("CameraPathFinished", &ends));
        }
    }

    /// Flies to a node. `distance` is in its radii, from its middle.
    pub fn fly_to(
        &mut self,
        identifier: &str,
        distance: Option<f64>,
        duration_s: Option<f64>,
    ) -> Result<(), String> {
        let body = known(identifier)?;
        let end = Camera { yaw: self.navigator.camera.yaw, pitch: 0.25, ..Camera::default() }
            .at_distance(distance.unwrap_or(VIEWING_DISTANCE));
        self.fly(body.identifier, end, duration_s);
        Ok(())
    }

    pub fn fly(&mut self, identifier: &str, end: Camera, duration_s: Option<f64>) {
        self.stop_flight();
        self.navigator.swing.stop();
        let from = self.anchor().identifier;
        let flight =
            Flight::new(from, identifier, self.navigator.camera, end, duration_s.unwrap_or(FLIGHT_S));
        self.navigator.flight = Some(flight);
        let ends = [("Origin", json!(from)), ("Destination", json!(identifier))];
        self.events.push(Event::new("CameraPathStarted", &ends));
    }

    pub fn jump_to(&mut self, identifier: &str, camera: Camera) -> Result<(), String> {
        let body = known(identifier)?;
        self.stop_flight();
        self.navigator.swing.stop();
        self.look_at(body.identifier);
        self.navigator.camera = camera;
        Ok(())
    }

    /// The camera over a place of the anchor: degrees, and metres above the surface.
    pub fn above(&self, body: &Body, latitude: f64, longitude: f64, altitude_m: Option<f64>) -> Camera {
        let distance = altitude_m.map_or(VIEWING_DISTANCE, |altitude| 1.0 + altitude / body.radius_m);
        Camera {
            yaw: longitude.to_radians(),
            pitch: latitude.to_radians().clamp(-1.45, 1.45),
            ..Camera::default()
        }
        .at_distance(distance)
    }

    /// Steps through the interesting nodes.
    pub fn fly_to_neighbour(&mut self, by: isize) {
        let here = BODIES.iter().position(|body| body == self.anchor()).unwrap_or(0) as isize;
        let next = (here + by).rem_euclid(BODIES.len() as isize) as usize;
        // A body of the list is known.
        let _ = self.fly_to(BODIES[next].identifier, None, None);
    }

    pub fn remember_home(&mut self) {
        self.navigator.home = Some((self.anchor().identifier.to_owned(), self.navigator.camera));
    }

    pub fn go_home(&mut self) {
        if let Some((anchor, camera)) = self.navigator.home.clone() {
            let _ = self.jump_to(&anchor, camera);
        }
    }

    pub fn navigation_state(&self) -> Value {
        let radius = self.anchor().radius_m;
        let camera = &self.navigator.camera;
        let mut state = json!({
            "Anchor": self.anchor().identifier,
            "Position": camera.position().map(|x| x * radius),
            "Up": camera.up(),
            "Timestamp": clock::spice(self.time.et()),
        });
        // Left out, as OpenSpace does, where the camera looks straight at its anchor.
        for (key, angle) in [("Yaw", camera.pan[0]), ("Pitch", camera.pan[1])] {
            if angle != 0.0 {
                state[key] = json!(angle);
            }
        }
        state
    }

    /// Goes to a navigation state. The time in it is used only where it is asked for.
    pub fn set_navigation_state(&mut self, state: &Value, use_time: bool) -> Result<(), String> {
        let (anchor, camera) = self.read_navigation_state(state)?;
        self.jump_to(anchor, camera)?;
        if use_time && let Some(et) = state["Timestamp"].as_str().and_then(clock::parse) {
            self.time.set_time(et);
        }
        Ok(())
    }

    pub fn read_navigation_state(&self, state: &Value) -> Result<(&'static str, Camera), String> {
        let body = known(state["Anchor"].as_str().ok_or("The navigation state names no Anchor")?)?;
        let position =
            vector(&state["Position"]).ok_or("The navigation state has no Position of three numbers")?;
        let camera = Camera::from_position(position.map(|x| x / body.radius_m), vector(&state["Up"]))
            .ok_or("The Position of the navigation state is the middle of its anchor")?;
        let angle = |key: &str| state[key].as_f64().filter(|a| a.is_finite()).unwrap_or(0.0).clamp(-0.9, 0.9);
        Ok((body.identifier, Camera { pan: [angle("Yaw"), angle("Pitch")], ..camera }))
    }

    pub fn engine_mode(&self) -> &'static str {
        if self.recorder.is_playing() {
            "session_recording_playback"
        } else if self.navigator.flight.is_some() {
            "camera_path"
        } else {
            "user_control"
        }
    }

    pub fn camera_json(&self) -> Value {
        let camera = &self.navigator.camera;
        let altitude_m = self.distance_m() - self.anchor().radius_m;
        let (altitude, unit) = in_units(altitude_m);
        json!({
            "latitude": camera.pitch.to_degrees(),
            "longitude": camera.yaw.to_degrees(),
            "altitude": altitude,
            "altitudeUnit": unit,
            "altitudeMeters": altitude_m,
            "viewLatitude": camera.pitch.to_degrees(),
            "viewLongitude": camera.yaw.to_degrees(),
            "viewLength": altitude_m,
            "subSolarLatitude": 0.0,
            "subSolarLongitude": 0.0,
        })
    }
}

pub fn known(identifier: &str) -> Result<&'static Body, String> {
    bodies::find(identifier)
        .ok_or_else(|| format!("Could not find a scene graph node '{identifier}' to look at"))
}

/// A length in the unit that people would use.
pub fn in_units(metres: f64) -> (f64, &'static str) {
    const AU: f64 = 1.495_978_707e11;
    match metres.abs() {
        m if m < 1e3 => (metres, "m"),
        m if m < 0.1 * AU => (metres / 1e3, "km"),
        _ => (metres / AU, "AU"),
    }
}

/// Three numbers, from a list or from a table with the keys 1 to 3.
pub fn vector(value: &Value) -> Option<[f64; 3]> {
    let of = |i: usize| {
        value
            .get(i)
            .or_else(|| value.get((i + 1).to_string()))
            .and_then(Value::as_f64)
            .filter(|x| x.is_finite())
    };
    Some([of(0)?, of(1)?, of(2)?])
}
