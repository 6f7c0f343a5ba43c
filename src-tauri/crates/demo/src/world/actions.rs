//! Named actions, each a Lua script, and the keys that trigger them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub identifier: String,
    pub name: String,
    pub documentation: String,
    pub gui_path: String,
    pub is_local: bool,
    pub script: String,
}

/// A key with the modifiers that were held, by OpenSpace's names: `SPACE`, `LEFT`, `T`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Stroke {
    pub key: String,
    pub shift: bool,
    pub control: bool,
    pub alt: bool,
    pub logo: bool,
}

impl Stroke {
    /// Reads `T`, `SHIFT+T`, `CTRL+SHIFT+F5`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut stroke = Self::default();
        let mut parts = text.split('+').map(str::trim).peekable();
        while let Some(part) = parts.next() {
            let part = part.to_uppercase();
            if parts.peek().is_none() {
                stroke.key = part;
                break;
            }
            match part.as_str() {
                "SHIFT" => stroke.shift = true,
                "CTRL" | "CONTROL" => stroke.control = true,
                "ALT" => stroke.alt = true,
                "SUPER" => stroke.logo = true,
                _ => return None,
            }
        }
        (!stroke.key.is_empty()).then_some(stroke)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Actions {
    actions: BTreeMap<String, Action>,
    keys: BTreeMap<Stroke, String>,
}

/// More actions than any show has; scripts may register them without end.
const ACTIONS: usize = 4096;

impl Actions {
    pub fn with_defaults() -> Self {
        let mut all = Self::default();
        for (key, identifier, name, path, documentation, script) in DEFAULTS {
            all.register(Action {
                identifier: (*identifier).to_owned(),
                name: (*name).to_owned(),
                documentation: (*documentation).to_owned(),
                gui_path: (*path).to_owned(),
                is_local: false,
                script: (*script).to_owned(),
            });
            if let Some(stroke) = Stroke::parse(key) {
                all.bind(stroke, identifier);
            }
        }
        for (number, body) in
            ["Sun", "Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"]
                .into_iter()
                .enumerate()
        {
            let identifier = format!("os.FlyTo{body}");
            all.register(Action {
                identifier: identifier.clone(),
                name: format!("Fly to {body}"),
                documentation: format!("Flies the camera to {body}."),
                gui_path: "/Navigation".to_owned(),
                is_local: false,
                script: format!("openspace.navigation.flyTo('{body}')"),
            });
            all.bind(Stroke { key: (number + 1).to_string(), ..Stroke::default() }, &identifier);
        }
        all
    }

    /// Says whether there was room for it.
    pub fn register(&mut self, action: Action) -> bool {
        let room = self.actions.len() < ACTIONS || self.actions.contains_key(&action.identifier);
        if room {
            self.actions.insert(action.identifier.clone(), action);
        }
        room
    }

    pub fn remove(&mut self, identifier: &str) -> bool {
        self.keys.retain(|_, action| action != identifier);
        self.actions.remove(identifier).is_some()
    }

    pub fn get(&self, identifier: &str) -> Option<&Action> {
        self.actions.get(identifier)
    }

    pub fn all(&self) -> impl Iterator<Item = &Action> {
        self.actions.values()
    }

    pub fn bind(&mut self, stroke: Stroke, identifier: &str) {
        if self.actions.contains_key(identifier) {
            self.keys.insert(stroke, identifier.to_owned());
        }
    }

    pub fn unbind(&mut self, stroke: &Stroke) {
        self.keys.remove(stroke);
    }

    pub fn bound_to(&self, stroke: &Stroke) -> Option<&str> {
        self.keys.get(stroke).map(String::as_str)
    }

    pub fn all_json(&self) -> Value {
        let keys: Vec<Value> = self
            .keys
            .iter()
            .map(|(stroke, action)| {
                json!({
                    "key": stroke.key,
                    "modifiers": {
                        "shift": stroke.shift, "control": stroke.control, "alt": stroke.alt, "super": stroke.logo,
                    },
                    "action": action,
                })
            })
            .collect();
        json!({ "type": "combined", "actions": self.actions.values().map(Action::json).collect::<Vec<_>>(), "keybinds": keys })
    }
}

impl Action {
    pub fn json(&self) -> Value {
        json!({
            "identifier": self.identifier,
            "name": self.name,
            "isLocal": self.is_local,
            "documentation": self.documentation,
            "guiPath": self.gui_path,
        })
    }
}

/// Key, identifier, name, path, documentation, script.
type Default6 = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const DEFAULTS: &[Default6] = &[
    (
        "SPACE",
        "os.TogglePause",
        "Toggle Pause",
        "/Time",
        "Pauses the time, or lets it go on.",
        "openspace.time.interpolateTogglePause()",
    ),
    (
        "SHIFT+SPACE",
        "os.TogglePauseImmediately",
        "Toggle Pause Immediately",
        "/Time",
        "Pauses the time, or lets it go on, at once.",
        "openspace.time.togglePause()",
    ),
    (
        "RIGHT",
        "os.NextStep",
        "Next Time Step",
        "/Time",
        "Time runs faster.",
        "openspace.time.interpolateNextDeltaTimeStep()",
    ),
    (
        "LEFT",
        "os.PreviousStep",
        "Previous Time Step",
        "/Time",
        "Time runs slower, then backwards.",
        "openspace.time.interpolatePreviousDeltaTimeStep()",
    ),
    (
        "SHIFT+RIGHT",
        "os.NextStepImmediately",
        "Next Time Step Immediately",
        "/Time",
        "Time runs faster, at once.",
        "openspace.time.setNextDeltaTimeStep()",
    ),
    (
        "SHIFT+LEFT",
        "os.PreviousStepImmediately",
        "Previous Time Step Immediately",
        "/Time",
        "Time runs slower, at once.",
        "openspace.time.setPreviousDeltaTimeStep()",
    ),
    (
        "DOWN",
        "os.RealTime",
        "Real Time",
        "/Time",
        "A second takes a second.",
        "openspace.time.interpolateDeltaTime(1)",
    ),
    (
        "UP",
        "os.Reverse",
        "Reverse Time",
        "/Time",
        "Time runs the other way.",
        "openspace.time.interpolateDeltaTime(-openspace.time.deltaTime())",
    ),
    (
        "L",
        "os.ToggleLabels",
        "Toggle Labels",
        "/Rendering",
        "Shows or hides the names.",
        "openspace.invertBooleanProperty('RenderEngine.ShowLabels')",
    ),
    (
        "T",
        "os.ToggleTrails",
        "Toggle Trails",
        "/Rendering",
        "Shows or hides the ways of the moons.",
        "openspace.setPropertyValue('{planet_trail}.Renderable.Enabled', not openspace.propertyValue('Scene.EarthTrail.Renderable.Enabled'))",
    ),
    (
        "G",
        "os.ToggleGrid",
        "Toggle Celestial Grid",
        "/Rendering",
        "Shows or hides the grid.",
        "openspace.invertBooleanProperty('Scene.Grid.Renderable.Enabled')",
    ),
    (
        "N",
        "os.ToggleMilkyWay",
        "Toggle Milky Way",
        "/Rendering",
        "Shows or hides the Milky Way.",
        "openspace.invertBooleanProperty('Scene.MilkyWay.Renderable.Enabled')",
    ),
    (
        "S",
        "os.ToggleStars",
        "Toggle Stars",
        "/Rendering",
        "Shows or hides the stars.",
        "openspace.invertBooleanProperty('Scene.Stars.Renderable.Enabled')",
    ),
    (
        "B",
        "os.FadeToBlack",
        "Fade To or From Black",
        "/Rendering",
        "Fades the picture out, or in again.",
        "openspace.setPropertyValueSingle('RenderEngine.BlackoutFactor', openspace.propertyValue('RenderEngine.BlackoutFactor') > 0.5 and 0 or 1, 1)",
    ),
    (
        "SHIFT+F1",
        "os.ToggleOverlays",
        "Toggle Overlays",
        "/System",
        "Shows or hides the texts.",
        "openspace.invertBooleanProperty('Dashboard.IsEnabled')",
    ),
    (
        "H",
        "os.ToggleDashboard",
        "Toggle Dashboard",
        "/System",
        "Shows or hides the texts.",
        "openspace.invertBooleanProperty('Dashboard.IsEnabled')",
    ),
    (
        "F",
        "os.ToggleRotationFriction",
        "Toggle Rotation Friction",
        "/Navigation",
        "Lets rotations go on, or come to rest.",
        "openspace.invertBooleanProperty('NavigationHandler.OrbitalNavigator.Friction.RotationalFriction')",
    ),
    (
        "SHIFT+F",
        "os.ToggleZoomFriction",
        "Toggle Zoom Friction",
        "/Navigation",
        "Lets zooms go on, or come to rest.",
        "openspace.invertBooleanProperty('NavigationHandler.OrbitalNavigator.Friction.ZoomFriction')",
    ),
    (
        "CTRL+F",
        "os.ToggleRollFriction",
        "Toggle Roll Friction",
        "/Navigation",
        "Lets rolls go on, or come to rest.",
        "openspace.invertBooleanProperty('NavigationHandler.OrbitalNavigator.Friction.RollFriction')",
    ),
    (
        "R",
        "os.ToggleIdleMotion",
        "Toggle Idle Motion",
        "/Navigation",
        "Lets the camera orbit by itself, or stop.",
        "openspace.navigation.triggerIdleMotion()",
    ),
    (
        "HOME",
        "os.ResetCamera",
        "Reset Camera",
        "/Navigation",
        "Puts the camera where it started.",
        "openspace.resetCamera()",
    ),
    (
        "TAB",
        "os.NextAnchor",
        "Next Interesting Anchor",
        "/Navigation",
        "Flies to the next body.",
        "openspace.navigation.targetNextInterestingAnchor()",
    ),
    (
        "SHIFT+TAB",
        "os.PreviousAnchor",
        "Previous Interesting Anchor",
        "/Navigation",
        "Flies to the body before.",
        "openspace.navigation.targetPreviousInterestingAnchor()",
    ),
    (
        "F12",
        "os.TakeScreenshot",
        "Take Screenshot",
        "/System",
        "Saves the picture.",
        "openspace.takeScreenshot()",
    ),
    (
        "PRINTSCREEN",
        "os.TakeScreenshotToo",
        "Take Screenshot",
        "/System",
        "Saves the picture.",
        "openspace.takeScreenshot()",
    ),
    (
        "CTRL+Q",
        "os.ToggleShutdown",
        "Toggle Shutdown",
        "/System",
        "Ends the program after a countdown, or stops the countdown.",
        "openspace.toggleShutdown()",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_are_read_with_their_modifiers() {
        let stroke = Stroke { key: "F5".into(), shift: true, control: true, ..Stroke::default() };
        assert_eq!(Stroke::parse("ctrl+Shift+f5"), Some(stroke));
        assert_eq!(Stroke::parse("HYPER+T"), None);
        assert_eq!(Stroke::parse(""), None);
    }

    #[test]
    fn every_default_has_a_key_of_its_own() {
        let actions = Actions::with_defaults();
        assert_eq!(actions.actions.len(), DEFAULTS.len() + 9);
        assert_eq!(actions.keys.len(), DEFAULTS.len() + 9);
    }

    #[test]
    fn a_key_without_its_action_is_not_bound() {
        let mut actions = Actions::default();
        let stroke = Stroke { key: "T".into(), ..Stroke::default() };
        actions.bind(stroke.clone(), "no.such");
        assert_eq!(actions.bound_to(&stroke), None);
    }
}
