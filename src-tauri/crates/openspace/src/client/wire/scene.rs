//! What OpenSpace tells by itself once it is asked to: time, focus, mode, camera; folded into one state.

use model::{
    ApiGeneration, SceneState,
    scene::{CameraPlace, Journey, RecorderState, SceneMode},
};
use serde_json::{Value, json};

use super::Topic;
use crate::{
    gate::ORIGINS,
    tree::{is_identifier, offered::is_uri},
};

/// A topic that goes on after its first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Stream {
    Time,
    Focus,
    Mode,
    Recorder,
    /// Flights of the camera to a node.
    Path,
    /// What is shown and hidden, whoever does it.
    Shown,
    /// What properties hold, whoever changes them: from 0.22 on.
    Values,
    /// Only while the camera follows something that is not at the scene's origin.
    Camera,
}

/// The longest time that is shown: `-99999-12-31T23:59:59.999`.
const TIME_CHARS_MAX: usize = 32;

const ANCHOR: &str = "NavigationHandler.OrbitalNavigator.Anchor";

const SHOWN: &str = "RenderableEnabled";
const HIDDEN: &str = "RenderableDisabled";

impl Stream {
    pub(in crate::client) fn start(self, topic: Topic, generation: ApiGeneration) -> String {
        let mut payload = json!({ "event": "start_subscription" });
        let kind = match self {
            Self::Time => "time",
            Self::Mode => "engineMode",
            Self::Path => "cameraPath",
            Self::Values => "propertyTree",
            Self::Camera => "camera",
            Self::Recorder => {
                payload["properties"] = json!(["state"]);
                "sessionRecording"
            }
            Self::Focus => {
                let key = match generation {
                    ApiGeneration::New => "uri",
                    ApiGeneration::Legacy => "property",
                };
                payload[key] = json!(ANCHOR);
                "subscribe"
            }
            Self::Shown => {
                let names = json!([SHOWN, HIDDEN]);
                payload = match generation {
                    ApiGeneration::New => json!({ "event": "start_subscription", "eventType": names }),
                    ApiGeneration::Legacy => json!({ "event": names, "status": "start_subscription" }),
                };
                "event"
            }
        };
        json!({ "topic": topic, "type": kind, "payload": payload }).to_string()
    }
}

/// The older generation's events have another word for it, which nobody else minds.
pub(in crate::client) fn stop(topic: Topic) -> String {
    json!({ "topic": topic, "payload": { "event": "stop_subscription", "status": "stop_subscription" } })
        .to_string()
}

/// Is this what this stream tells? `None` where its words say neither.
pub(in crate::client) fn is_told(stream: Stream, payload: &Value) -> Option<bool> {
    let (key, fits): (&str, fn(&Value) -> bool) = match stream {
        Stream::Time => ("time", Value::is_string),
        Stream::Focus => ("value", Value::is_string),
        Stream::Mode => ("mode", Value::is_string),
        Stream::Recorder => ("state", Value::is_string),
        Stream::Path => ("target", Value::is_string),
        Stream::Camera => ("latitude", Value::is_number),
        // Of what is not offered to anybody nothing is known.
        Stream::Values if payload.is_object() => return adjusted(payload).map(|_| true),
        Stream::Values => return Some(false),
        Stream::Shown => return Some(payload["event"].is_string() || payload["Event"].is_string()),
    };
    match payload.as_object() {
        Some(told) => told.get(key).map(fits),
        None => Some(false),
    }
}

/// The node that has been shown or hidden.
pub(in crate::client) fn shown(payload: &Value) -> Option<(String, bool)> {
    let event = payload["event"].as_str().or_else(|| payload["Event"].as_str())?;
    let node = payload["Node"].as_str().filter(|node| is_identifier(node))?;
    match event {
        SHOWN => Some((node.to_owned(), true)),
        HIDDEN => Some((node.to_owned(), false)),
        _ => None,
    }
}

/// The property that holds another value now.
pub(in crate::client) fn adjusted(payload: &Value) -> Option<(String, Value)> {
    let uri = payload["uri"].as_str().filter(|uri| is_uri(uri))?;
    (payload["type"] == "value").then(|| (uri.to_owned(), payload["value"].clone()))
}

/// What was told so far.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Scene {
    time: Option<String>,
    rate: f64,
    paused: bool,
    focus: Option<String>,
    camera: Option<CameraPlace>,
    mode: SceneMode,
    journey: Option<Journey>,
    recorder: RecorderState,
    changes: u32,
    settings: u32,
}

impl Scene {
    /// Something is other than it was that is told only when it is asked for.
    pub(in crate::client) fn changed(&mut self) {
        self.changes = self.changes.wrapping_add(1);
    }

    pub(in crate::client) fn hear(&mut self, stream: Stream, payload: &Value) {
        match stream {
            Stream::Time => self.hear_time(payload),
            Stream::Focus => {
                let focus = payload["value"].as_str().filter(|focus| is_identifier(focus));
                if let Some(focus) = focus
                    && self.focus.as_deref() != Some(focus)
                {
                    self.focus = Some(focus.to_owned());
                    self.camera = None;
                }
            }
            Stream::Mode => {
                self.mode = match payload["mode"].as_str() {
                    Some("session_recording_playback") => SceneMode::Playback,
                    Some("camera_path") => SceneMode::CameraPath,
                    _ => SceneMode::UserControl,
                };
                // The end of a flight is told by the mode only.
                self.journey = None;
            }
            Stream::Path => self.journey = journey(payload),
            Stream::Recorder => {
                self.recorder = match payload["state"].as_str() {
                    Some("recording") => RecorderState::Recording,
                    Some("playing") => RecorderState::Playing,
                    Some("playing-paused") => RecorderState::Paused,
                    _ => RecorderState::Idle,
                }
            }
            Stream::Shown => self.changed(),
            Stream::Values => {
                if adjusted(payload).is_some() {
                    self.settings = self.settings.wrapping_add(1);
                }
            }
            Stream::Camera => self.camera = place(payload).filter(|_| self.has_place()),
        }
    }

    fn hear_time(&mut self, payload: &Value) {
        if let Some(time) = payload["time"].as_str().filter(|time| time.len() <= TIME_CHARS_MAX) {
            self.time = Some(format!("{}Z", time.trim_end_matches('Z')));
        }
        if let Some(rate) = payload["targetDeltaTime"].as_f64().or_else(|| payload["deltaTime"].as_f64()) {
            self.rate = rate;
        }
        if let Some(paused) = payload["isPaused"].as_bool() {
            self.paused = paused;
        }
    }

    /// It is told again and again.
    pub(in crate::client) fn time_passes(&self) -> bool {
        !self.paused && self.rate != 0.0
    }

    /// The camera may be asked where it is.
    pub(in crate::client) fn has_place(&self) -> bool {
        self.focus.as_deref().is_some_and(|focus| !ORIGINS.contains(&focus))
    }

    /// Nothing before the most important has been told.
    pub(in crate::client) fn state(&self) -> Option<SceneState> {
        Some(SceneState {
            time: self.time.clone()?,
            rate_seconds_per_second: self.rate,
            paused: self.paused,
            focus: self.focus.clone()?,
            camera: self.camera,
            mode: self.mode,
            journey: self.journey.clone().filter(|_| self.mode == SceneMode::CameraPath),
            recorder: self.recorder,
            recorder_since: None,
            changes: self.changes,
            settings: self.settings,
        })
    }
}

fn journey(payload: &Value) -> Option<Journey> {
    Some(Journey {
        target: payload["target"].as_str().filter(|target| is_identifier(target))?.to_owned(),
        remaining_s: payload["remainingTime"].as_f64().unwrap_or_default().max(0.0),
        paused: payload["isPaused"].as_bool().unwrap_or_default(),
    })
}

/// Builds up to 0.20 do not tell metres; without them there is no place.
fn place(payload: &Value) -> Option<CameraPlace> {
    Some(CameraPlace {
        latitude: payload["latitude"].as_f64()?,
        longitude: payload["longitude"].as_f64()?,
        altitude_m: payload["altitudeMeters"].as_f64()?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SESSION: &str = include_str!("../../../../../../tests/fixtures/openspace/session-0.22-b.jsonl");

    #[test]
    fn a_recorded_session_of_a_real_openspace_is_folded_into_one_state() {
        let mut scene = Scene::default();
        let entries = SESSION.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        for entry in entries.filter(|entry| entry["dir"] == "<") {
            // The topics as that session numbered them.
            let stream = match entry["d"]["topic"].as_u64() {
                Some(1) => Stream::Mode,
                Some(2) => Stream::Time,
                Some(9) => Stream::Focus,
                Some(11) => Stream::Camera,
                _ => continue,
            };
            assert_ne!(is_told(stream, &entry["d"]["payload"]), Some(false), "{entry}");
            scene.hear(stream, &entry["d"]["payload"]);
        }
        let state = scene.state().unwrap();
        assert!(state.time.starts_with("2026-01-01T00:00:5") && state.time.ends_with('Z'), "{}", state.time);
        assert_eq!(
            (state.rate_seconds_per_second, state.paused, state.focus.as_str()),
            (1.0, false, "MiniSphere")
        );
        assert_eq!(state.mode, SceneMode::UserControl);
        assert!((state.camera.unwrap().altitude_m - 30_724_582.99).abs() < 0.01);
    }

    #[test]
    fn our_subscription_is_the_one_that_a_real_openspace_answered() {
        let asked = SESSION.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let asked: Vec<_> =
            asked.filter(|entry| entry["dir"] == ">").map(|entry| entry["d"].clone()).collect();
        for (stream, topic) in
            [(Stream::Mode, 1), (Stream::Time, 2), (Stream::Focus, 9), (Stream::Camera, 11)]
        {
            let ours: Value = serde_json::from_str(&stream.start(topic, ApiGeneration::New)).unwrap();
            assert!(asked.contains(&ours), "{ours}");
        }
        let older: Value = serde_json::from_str(&Stream::Focus.start(1, ApiGeneration::Legacy)).unwrap();
        assert_eq!(older["payload"]["property"], ANCHOR);
    }

    #[test]
    fn what_is_shown_and_hidden_is_heard_in_both_forms() {
        for (payload, heard) in [
            (json!({ "event": "RenderableEnabled", "Node": "Mars" }), Some(("Mars".to_owned(), true))),
            (json!({ "Event": "RenderableDisabled", "Node": "Mars" }), Some(("Mars".to_owned(), false))),
            (json!({ "event": "FocusNodeChanged", "Node": "Mars" }), None),
            (json!({ "event": "RenderableEnabled", "Node": "Mars']" }), None),
            (json!({ "event": "RenderableEnabled" }), None),
            (json!([]), None),
        ] {
            assert_eq!(shown(&payload), heard, "{payload}");
        }
    }

    #[test]
    fn the_recorder_says_what_it_does() {
        let mut scene = Scene::default();
        scene.hear(Stream::Time, &json!({ "time": "2026-01-01T00:00:00" }));
        scene.hear(Stream::Focus, &json!({ "value": "Mars" }));
        for (told, state) in [
            ("recording", RecorderState::Recording),
            ("playing", RecorderState::Playing),
            ("playing-paused", RecorderState::Paused),
            ("idle", RecorderState::Idle),
        ] {
            scene.hear(Stream::Recorder, &json!({ "state": told }));
            assert_eq!(scene.state().unwrap().recorder, state);
        }
    }

    #[test]
    fn a_flight_is_told_with_its_goal_while_it_lasts() {
        let mut scene = Scene::default();
        scene.hear(Stream::Time, &json!({ "time": "2026-01-01T00:00:00" }));
        scene.hear(Stream::Focus, &json!({ "value": "Earth" }));
        let flying = |scene: &Scene| scene.state().unwrap().journey;
        scene.hear(Stream::Mode, &json!({ "mode": "camera_path" }));
        assert_eq!(flying(&scene), None, "where to is told a moment later");
        scene.hear(Stream::Path, &json!({ "target": "Mars", "remainingTime": 3, "isPaused": false }));
        let to_mars = Journey { target: "Mars".to_owned(), remaining_s: 3.0, paused: false };
        assert_eq!(flying(&scene), Some(to_mars));
        scene.hear(Stream::Path, &json!({ "target": "<b>", "remainingTime": 1e9 }));
        assert_eq!(flying(&scene), None);
        scene.hear(Stream::Mode, &json!({ "mode": "user_control" }));
        scene.hear(Stream::Path, &json!({ "target": "Mars", "remainingTime": 0 }));
        assert_eq!(flying(&scene), None, "a late word does not make it fly again");
    }

    #[test]
    fn at_the_origin_of_the_scene_the_camera_is_nowhere() {
        let mut scene = Scene::default();
        scene.hear(Stream::Focus, &json!({ "value": "Earth" }));
        assert!(scene.has_place());
        scene.hear(Stream::Focus, &json!({ "value": "Root" }));
        scene.hear(Stream::Camera, &json!({ "latitude": 1, "longitude": 1, "altitudeMeters": 1 }));
        assert!(!scene.has_place() && scene.camera.is_none());
    }
}
