//! What a wish is meant to call, written down a second time and apart from the code that does it.

use model::{
    PropertyValue::{Number, Numbers, Switch},
    scene::Wish,
};
use serde_json::{Value, json};

/// A function's whole name and its arguments. A time is `"<time>"`: it is written in OpenSpace's own way.
pub type Called = (String, Vec<Value>);

/// How builds differ in what they call alike.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// Flights are in libraries of their own.
    pub own_libraries: bool,
    /// As up to 0.20: the focus is a property, and a recording is named when it starts.
    pub up_to_0_20: bool,
}

/// The calls that a wish may lead to, in order; empty for what is read from the tree or done by the machine itself.
/// `recordings` is the folder of the instance's recordings, `next` the name of the next one.
pub fn calls(wish: &Wish, names: Names, recordings: &str, next: &str) -> Vec<Called> {
    let newer = !names.up_to_0_20;
    let one = |name: &str, arguments: Vec<Value>| vec![(format!("openspace.{name}"), arguments)];
    let either = |new: &'static str, old: &'static str| if names.own_libraries { old } else { new };
    let path = |name: &str| json!(format!("{recordings}/{name}"));
    match wish {
        Wish::SetTime { .. } | Wish::Now {} => one("time.setTime", vec![json!("<time>")]),
        Wish::Pause { paused } => one("time.setPause", vec![json!(paused)]),
        Wish::SetRate { seconds_per_second } => {
            one("time.interpolateDeltaTime", vec![json!(seconds_per_second)])
        }
        Wish::StepRate { forward: true } => one("time.interpolateNextDeltaTimeStep", vec![]),
        Wish::StepRate { forward: false } => one("time.interpolatePreviousDeltaTimeStep", vec![]),
        Wish::Focus { node } if newer => one("navigation.setFocus", vec![json!(node)]),
        Wish::Focus { node } => {
            let anchor = json!("NavigationHandler.OrbitalNavigator.Anchor");
            let mut calls = one("setPropertyValueSingle", vec![anchor, json!(node)]);
            calls.extend(one("navigation.retargetAnchor", vec![]));
            calls
        }
        Wish::FlyTo { node, duration_s } => {
            let arguments = [Some(json!(node)), duration_s.map(|seconds| json!(seconds))];
            let name = either("navigation.flyTo", "pathnavigation.flyTo");
            one(name, arguments.into_iter().flatten().collect())
        }
        Wish::StopFlight {} => one("pathnavigation.stopPath", vec![]),
        Wish::FlyToGeo { node, latitude, longitude, altitude_m } => one(
            either("navigation.flyToGeo", "globebrowsing.flyToGeo"),
            vec![json!(node), json!(latitude), json!(longitude), json!(altitude_m)],
        ),
        Wish::Show { node, visible } => one(
            "setPropertyValueSingle",
            vec![json!(format!("Scene.{node}.Renderable.Enabled")), json!(visible)],
        ),
        Wish::Fade { node, visible, seconds } => one(
            if *visible { "fadeIn" } else { "fadeOut" },
            vec![json!(format!("Scene.{node}.Renderable")), json!(seconds)],
        ),
        Wish::TriggerAction { action } => one("action.triggerAction", vec![json!(action)]),
        Wish::StepFocus { forward: true } => one("navigation.targetNextInterestingAnchor", vec![]),
        Wish::StepFocus { forward: false } => one("navigation.targetPreviousInterestingAnchor", vec![]),
        Wish::SetProperty { uri, value } => {
            let value = match value {
                Switch(on) => json!(on),
                Number(number) => json!(number),
                Numbers(numbers) => json!(numbers),
            };
            one("setPropertyValueSingle", vec![json!(uri), value])
        }
        Wish::Screenshot {} => one("takeScreenshot", vec![]),
        Wish::StartRecording {} if newer => one("sessionRecording.startRecording", vec![]),
        Wish::StartRecording {} => one("sessionRecording.startRecording", vec![path(next)]),
        Wish::StopRecording {} if newer => {
            one("sessionRecording.stopRecording", vec![path(next), json!("Binary"), json!(false)])
        }
        Wish::StopRecording {} => one("sessionRecording.stopRecording", vec![]),
        Wish::PlayRecording { name, looped } => {
            one("sessionRecording.startPlayback", vec![path(name), json!(looped)])
        }
        Wish::PausePlayback { paused } => one("sessionRecording.setPlaybackPause", vec![json!(paused)]),
        Wish::StopPlayback {} => one("sessionRecording.stopPlayback", vec![]),
        // A script is the one thing that is passed on as it is; whose it may be is looked at elsewhere.
        Wish::Lua { .. }
        | Wish::Restart {}
        | Wish::ListNodes { .. }
        | Wish::ListActions {}
        | Wish::ListProperties { .. }
        | Wish::ListToggles { .. }
        | Wish::ListMissions {}
        | Wish::ListScreenshots {}
        | Wish::ListRecordings {} => Vec::new(),
    }
}

/// The same call: numbers by their worth (3 and 3.0), a time by its form.
pub fn same(intended: &Called, called: &Called) -> bool {
    intended.0 == called.0
        && intended.1.len() == called.1.len()
        && intended.1.iter().zip(&called.1).all(|(meant, got)| same_value(meant, got))
}

fn same_value(meant: &Value, got: &Value) -> bool {
    match (meant, got) {
        (Value::String(meant), Value::String(got)) if meant == "<time>" => is_time(got),
        (Value::Array(meant), Value::Array(got)) => {
            meant.len() == got.len() && meant.iter().zip(got).all(|(meant, got)| same_value(meant, got))
        }
        (Value::Number(meant), Value::Number(got)) => close(meant.as_f64(), got.as_f64()),
        _ => meant == got,
    }
}

/// The last digit is lost where text becomes a number quickly.
fn close(meant: Option<f64>, got: Option<f64>) -> bool {
    let (Some(meant), Some(got)) = (meant, got) else { return false };
    meant == got || (meant - got).abs() <= 1e-14 * meant.abs().max(got.abs())
}

fn is_time(text: &str) -> bool {
    text.len() == 23 && text.bytes().all(|byte| byte.is_ascii_digit() || b"-T:.".contains(&byte))
}
