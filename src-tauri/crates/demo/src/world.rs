//! The one state of the demo: time, camera, properties, actions. The render loop owns it; sockets, keys and scripts hand it wishes.

pub mod actions;
pub mod bodies;
pub mod camera;
pub mod controllers;
pub mod missions;
pub mod navigator;
pub mod properties;
pub mod recorder;
pub mod steer;
pub mod timeline;
pub mod tree;

use std::{collections::VecDeque, path::PathBuf};

use serde_json::{Map, Value, json};

use crate::{clock, config::Config, dialect::Dialect, log::Log, paths::Tokens, profile};
use actions::{Action, Actions, Stroke};
use camera::Camera;
use navigator::Navigator;
use properties::Tree;
use recorder::Recorder;
use steer::Hand;
use timeline::Timeline;

/// News for the `event` topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: &'static str,
    pub fields: Map<String, Value>,
}

impl Event {
    pub fn new(name: &'static str, fields: &[(&str, Value)]) -> Self {
        Self { name, fields: fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect() }
    }
}

/// A script that waits to be run, with the global `args` that it is given.
#[derive(Clone, Debug)]
pub struct Script {
    pub text: String,
    pub args: Value,
}

/// Scripts that may wait in one frame: an action may trigger actions, but not without end.
const WAITING_SCRIPTS: usize = 256;

#[derive(Debug)]
pub struct World {
    pub log: Log,
    pub dialect: Dialect,
    pub tokens: Tokens,
    pub commit: String,
    pub profile: profile::Profile,
    pub profile_file: PathBuf,
    pub addons: Vec<String>,
    pub time: Timeline,
    pub navigator: Navigator,
    pub tree: Tree,
    pub actions: Actions,
    pub recorder: Recorder,
    /// By their identifiers, as the topic `missions` tells them.
    pub missions: Map<String, Value>,
    /// What of the nodes' fades goes to nothing; then the node is switched off.
    pub fading_out: Vec<String>,
    pub hand: Hand,
    /// Since the last frame.
    pub events: Vec<Event>,
    /// URIs that changed since the last frame.
    pub changed: Vec<String>,
    pub scripts: VecDeque<Script>,
    pub screenshots_wanted: u32,
    pub screenshots_taken: u32,
    /// Seconds of running.
    pub clock_s: f64,
    /// What turns and drifts in the picture has come so far, in seconds at rate 1.
    pub motion_s: f64,
    shutdown_countdown_s: f64,
    shutdown_in_s: Option<f64>,
}

impl World {
    pub fn new(
        config: &Config,
        profile_file: PathBuf,
        profile: profile::Profile,
        addons: Vec<String>,
        now_et: f64,
        commit: String,
        log: Log,
    ) -> Self {
        let visibility = config.property_visibility.as_deref().unwrap_or("NoviceUser");
        let mut world = Self {
            log,
            dialect: config.dialect,
            tokens: config.tokens.clone(),
            commit,
            time: Timeline::new(now_et),
            navigator: Navigator::default(),
            tree: tree::build(&config.interfaces, visibility),
            actions: Actions::with_defaults(),
            recorder: Recorder::new(config.tokens.expand("${RECORDINGS}")),
            missions: missions::of(&profile.assets),
            fading_out: Vec::new(),
            hand: Hand::default(),
            events: Vec::new(),
            changed: Vec::new(),
            scripts: VecDeque::new(),
            screenshots_wanted: 0,
            screenshots_taken: 0,
            clock_s: 0.0,
            motion_s: 0.0,
            shutdown_countdown_s: config.shutdown_countdown_s,
            shutdown_in_s: None,
            addons,
            profile_file,
            profile,
        };
        world.apply_profile();
        world
    }

    fn apply_profile(&mut self) {
        let profile = self.profile.clone();
        self.time.set_steps(&profile.delta_times);
        if let Some(time) = &profile.time {
            self.time.set_paused(time.is_paused);
            match (time.kind.as_str(), clock::parse(&time.value), relative_s(&time.value)) {
                ("absolute", Some(et), _) => self.time.set_time(et),
                ("relative", _, Some(by)) => self.time.set_time(self.time.et() + by),
                _ => self
                    .log
                    .error("Profile", format!("The time '{}' is not understood; it is now", time.value)),
            }
        }
        if let Err(why) = self.place_camera(profile.camera.as_ref()) {
            self.log.error("Profile", why);
        }
        self.remember_home();
        for action in profile.actions {
            self.actions.register(Action {
                identifier: action.identifier,
                name: action.name,
                documentation: action.documentation,
                gui_path: action.gui_path,
                is_local: action.is_local,
                script: action.script,
            });
        }
        for binding in profile.keybindings {
            match Stroke::parse(&binding.key) {
                Some(stroke) => self.actions.bind(stroke, &binding.action),
                None => self.log.error("Profile", format!("There is no key '{}'", binding.key)),
            }
        }
        for property in profile.properties {
            let value = match property.value {
                Value::String(lua) => lua,
                other => other.to_string(),
            };
            let function = if property.function == "setPropertyValue" {
                "setPropertyValue"
            } else {
                "setPropertyValueSingle"
            };
            self.queue_script(format!("openspace.{function}([[{}]], {value})", property.name), Value::Null);
        }
        for script in profile.additional_scripts {
            self.queue_script(script, Value::Null);
        }
        self.events.clear();
        self.changed.clear();
    }

    fn place_camera(&mut self, camera: Option<&profile::Camera>) -> Result<(), String> {
        match camera {
            None => Ok(()),
            Some(profile::Camera::GoToNode { anchor, height }) => {
                let body = navigator::known(anchor)?;
                let camera = Camera::default();
                let camera = height.map_or(camera, |height| camera.at_distance(1.0 + height / body.radius_m));
                self.jump_to(anchor, camera)
            }
            Some(profile::Camera::GoToGeo { anchor, latitude, longitude, altitude }) => {
                let body = navigator::known(anchor)?;
                self.jump_to(anchor, self.above(body, *latitude, *longitude, *altitude))
            }
            Some(profile::Camera::SetNavigationState { anchor, position, up }) => {
                let state = json!({ "Anchor": anchor, "Position": vector_of(position), "Up": up.as_ref().map(vector_of) });
                self.set_navigation_state(&state, false)
            }
        }
    }

    /// One frame of life.
    pub fn update(&mut self, elapsed_s: f64) {
        self.clock_s += elapsed_s;
        self.time.update(elapsed_s);
        self.motion_s += elapsed_s * self.time.visible_rate();
        self.update_navigation(elapsed_s);
        let gliding = self.tree.update(elapsed_s);
        self.changed.extend(gliding);
        self.end_fades();
        let (et, anchor, camera) = (self.time.et(), self.anchor().identifier, self.navigator.camera);
        self.recorder.record(elapsed_s, et, anchor, camera);
        if let Some(left) = &mut self.shutdown_in_s {
            *left -= elapsed_s;
        }
    }

    /// What has faded away is off.
    fn end_fades(&mut self) {
        let (gone, fading) =
            std::mem::take(&mut self.fading_out).into_iter().partition(|uri| self.tree.number(uri) <= 0.0);
        self.fading_out = fading;
        let gone: Vec<String> = gone;
        for uri in gone {
            if let Err(why) = self.set_property(&uri.replace(".Fade", ".Enabled"), json!(false), 0.0) {
                self.log.error("ScriptEngine", why);
            }
        }
    }

    /// Sets a property and lets happen what hangs on it.
    pub fn set_property(&mut self, uri: &str, value: Value, duration_s: f64) -> Result<(), String> {
        if uri == tree::ANCHOR {
            navigator::known(value.as_str().unwrap_or_default())?;
        }
        let old = self.tree.value(uri).cloned();
        let changed = self.tree.glide(uri, value, duration_s).map_err(|error| error.to_string())?;
        if changed {
            self.changed.push(uri.to_owned());
            self.react(uri, old.unwrap_or_default());
        }
        Ok(())
    }

    fn react(&mut self, uri: &str, old: Value) {
        if uri == tree::ANCHOR {
            let nodes = [("OldNode", old), ("NewNode", json!(self.tree.text(uri)))];
            self.events.push(Event::new("FocusNodeChanged", &nodes));
        } else if uri == tree::RETARGET_ANCHOR {
            self.navigator.camera.pan = [0.0; 2];
        } else if let Some(node) =
            uri.strip_prefix("Scene.").and_then(|rest| rest.strip_suffix(".Renderable.Enabled"))
        {
            let name = if self.tree.is_on(uri) { "RenderableEnabled" } else { "RenderableDisabled" };
            self.events.push(Event::new(name, &[("Node", json!(node))]));
        }
    }

    pub fn trigger_action(&mut self, identifier: &str, args: Value) -> Result<(), String> {
        let action =
            self.actions.get(identifier).ok_or_else(|| format!("Action '{identifier}' was not found"))?;
        let script = action.script.clone();
        self.queue_script(script, args);
        Ok(())
    }

    pub fn queue_script(&mut self, text: String, args: Value) {
        if self.scripts.len() < WAITING_SCRIPTS {
            self.scripts.push_back(Script { text, args });
        } else {
            self.log.error("ScriptEngine", "Too many scripts wait to be run; one is left out");
        }
    }

    /// Starts the countdown, or stops it: a toggle, as in OpenSpace.
    pub fn toggle_shutdown(&mut self) {
        if !self.abort_shutdown() {
            self.shutdown_in_s = Some(self.shutdown_countdown_s);
            self.events.push(Event::new("ApplicationShutdown", &[("State", json!("Started"))]));
        }
    }

    pub fn abort_shutdown(&mut self) -> bool {
        let counting = self.shutdown_in_s.take().is_some();
        if counting {
            self.events.push(Event::new("ApplicationShutdown", &[("State", json!("Aborted"))]));
        }
        counting
    }

    /// Seconds to the end, while counting down.
    pub fn shutdown_in_s(&self) -> Option<f64> {
        self.shutdown_in_s
    }

    pub fn should_end(&self) -> bool {
        self.shutdown_in_s.is_some_and(|left| left <= 0.0)
    }
}

/// Profiles write vectors as `[x, y, z]` or `{"x":…,"y":…,"z":…}`.
fn vector_of(value: &Value) -> Value {
    match value {
        Value::Object(map) => json!([map.get("x"), map.get("y"), map.get("z")]),
        other => other.clone(),
    }
}

/// `-1d`, `+3h`, `-90s`: seconds.
fn relative_s(text: &str) -> Option<f64> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86_400.0,
        'y' => 31_557_600.0,
        _ => return text.parse().ok(),
    };
    text[..text.len() - 1].parse::<f64>().ok().map(|number| number * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_times_are_read_with_their_unit() {
        for (text, seconds) in
            [("-1d", Some(-86_400.0)), ("+3h", Some(10_800.0)), ("0", Some(0.0)), ("soon", None), ("", None)]
        {
            assert_eq!(relative_s(text), seconds, "{text}");
        }
    }
}
