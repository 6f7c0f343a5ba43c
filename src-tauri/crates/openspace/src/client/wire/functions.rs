//! Which of OpenSpace's functions do a deed. Builds name some of them differently; each says itself what it has.

use std::collections::BTreeSet;

use model::PropertyValue;
use serde_json::{Value, json};

use super::view;
use crate::gate::Deed;

/// One function with its arguments. The name is from this file only.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::client) struct Step {
    /// Without the leading `openspace.`.
    pub function: &'static str,
    pub arguments: Vec<Value>,
}

/// What a build says that it can do: `navigation.flyTo`, `setPropertyValueSingle`, ….
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::client) struct Functions(BTreeSet<String>);

/// Far more than OpenSpace has.
const FUNCTIONS_MAX: usize = 10_000;

const ANCHOR: &str = "NavigationHandler.OrbitalNavigator.Anchor";

impl Functions {
    /// Reads the answer to `documentation {"type":"lua"}`: `[{name | library, functions: [{name}]}]`.
    pub(in crate::client) fn read(payload: &Value) -> Self {
        let libraries = payload.as_array().map(Vec::as_slice).unwrap_or_default();
        let functions = libraries.iter().flat_map(|library| {
            let name = library["name"].as_str().or_else(|| library["library"].as_str()).unwrap_or_default();
            let name = name.strip_prefix("openspace").unwrap_or(name).trim_start_matches('.');
            let functions = library["functions"].as_array().map(Vec::as_slice).unwrap_or_default();
            functions.iter().filter_map(move |function| {
                let function = function["name"].as_str()?;
                Some(if name.is_empty() { function.to_owned() } else { format!("{name}.{function}") })
            })
        });
        Self(functions.take(FUNCTIONS_MAX).collect())
    }

    /// The first that there is. A build that does not say what it has is taken for a present one.
    fn first(&self, names: &[&'static str]) -> Result<&'static str, &'static str> {
        let newest = names.first().copied().unwrap_or_default();
        if self.0.is_empty() {
            return Ok(newest);
        }
        names.iter().copied().find(|name| self.0.contains(*name)).ok_or(newest)
    }

    /// What to call, in order. The error names the function that this build lacks.
    pub(in crate::client) fn steps(&self, deed: &Deed) -> Result<Vec<Step>, &'static str> {
        let (names, arguments): (&[&'static str], _) = match deed {
            Deed::SetTime(moment) => (&["time.setTime"], vec![json!(moment.as_str())]),
            Deed::SetPause(paused) => (&["time.setPause"], vec![json!(paused)]),
            Deed::SetRate(rate) => (&["time.interpolateDeltaTime", "time.setDeltaTime"], vec![json!(rate)]),
            Deed::SetRateAtOnce(rate) => (&["time.setDeltaTime"], vec![json!(rate)]),
            Deed::NextRate => (&["time.interpolateNextDeltaTimeStep", "time.setNextDeltaTimeStep"], vec![]),
            Deed::PreviousRate => {
                (&["time.interpolatePreviousDeltaTimeStep", "time.setPreviousDeltaTimeStep"], vec![])
            }
            Deed::Focus(node) => return self.focus(node),
            Deed::FlyTo { node, duration_s } => {
                let arguments = [Some(json!(node)), duration_s.map(|seconds| json!(seconds))];
                (&["navigation.flyTo", "pathnavigation.flyTo"], arguments.into_iter().flatten().collect())
            }
            Deed::FlyToGeo { globe, latitude, longitude, altitude_m } => (
                &["navigation.flyToGeo", "globebrowsing.flyToGeo"],
                vec![json!(globe), json!(latitude), json!(longitude), json!(altitude_m)],
            ),
            Deed::Show { node, visible } => (
                &["setPropertyValueSingle"],
                vec![json!(format!("Scene.{node}.Renderable.Enabled")), json!(visible)],
            ),
            Deed::Fade { node, visible, seconds } => (
                if *visible { &["fadeIn"] } else { &["fadeOut"] },
                vec![json!(format!("Scene.{node}.Renderable")), json!(seconds)],
            ),
            Deed::TriggerAction(action) => (&["action.triggerAction"], vec![json!(action)]),
            Deed::NextFocus => (&["navigation.targetNextInterestingAnchor"], vec![]),
            Deed::PreviousFocus => (&["navigation.targetPreviousInterestingAnchor"], vec![]),
            Deed::SetProperty { uri, value } => (&["setPropertyValueSingle"], vec![json!(uri), plain(value)]),
            Deed::StopFlight => (&["pathnavigation.stopPath"], vec![]),
            Deed::SetView(state) => (&["navigation.setNavigationState"], vec![view::write(state)]),
            Deed::Screenshot => (&["takeScreenshot"], vec![]),
            // Up to 0.20 a recording is named when it starts, from 0.21 on when it ends.
            Deed::StartRecording(path) => {
                let named = if self.names_first() { vec![json!(path)] } else { vec![] };
                (&["sessionRecording.startRecording"], named)
            }
            Deed::StopRecording(path) => {
                let named = [json!(path), json!("Binary"), json!(false)];
                let named = if self.names_first() { vec![] } else { named.to_vec() };
                (&["sessionRecording.stopRecording"], named)
            }
            Deed::PlayRecording { path, looped } => {
                (&["sessionRecording.startPlayback"], vec![json!(path), json!(looped)])
            }
            Deed::PausePlayback(paused) => (&["sessionRecording.setPlaybackPause"], vec![json!(paused)]),
            Deed::StopPlayback => (&["sessionRecording.stopPlayback"], vec![]),
            // These are read from the tree, and a script is no function.
            Deed::ListNodes { .. }
            | Deed::ListActions
            | Deed::ListToggles { .. }
            | Deed::ListMissions
            | Deed::ListProperties { .. }
            | Deed::Lua(_) => return Ok(Vec::new()),
        };
        Ok(vec![Step { function: self.first(names)?, arguments }])
    }

    /// The function is there only in builds that take a recording's name at its start.
    fn names_first(&self) -> bool {
        self.0.contains("sessionRecording.startRecordingAscii")
    }

    /// Up to 0.20 there is no function for it: the property is set, and the camera turned to it.
    fn focus(&self, node: &str) -> Result<Vec<Step>, &'static str> {
        const SET_FOCUS: &str = "navigation.setFocus";
        if self.first(&[SET_FOCUS]).is_ok() {
            return Ok(vec![Step { function: SET_FOCUS, arguments: vec![json!(node)] }]);
        }
        let set = self.first(&["setPropertyValueSingle"]).map_err(|_| SET_FOCUS)?;
        let anchor = Step { function: set, arguments: vec![json!(ANCHOR), json!(node)] };
        let turn = self.first(&["navigation.retargetAnchor"]).ok();
        let turn = turn.map(|function| Step { function, arguments: Vec::new() });
        Ok(std::iter::once(anchor).chain(turn).collect())
    }
}

/// Whole numbers are written as such: Lua tells 3 from 3.0.
fn plain(value: &PropertyValue) -> Value {
    let number = |number: &f64| match number {
        whole if whole.fract() == 0.0 && whole.abs() < 1e15 => json!(*whole as i64),
        other => json!(other),
    };
    match value {
        PropertyValue::Switch(on) => json!(on),
        PropertyValue::Number(one) => number(one),
        PropertyValue::Numbers(many) => many.iter().map(number).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn functions(names: &[(&str, &[&str])], key: &str) -> Functions {
        let list = names.iter().map(|(library, functions)| {
            let functions: Vec<_> = functions.iter().map(|name| json!({ "name": name })).collect();
            json!({ key: library, "functions": functions })
        });
        Functions::read(&list.collect())
    }

    fn names(functions: &Functions, deed: &Deed) -> Vec<&'static str> {
        functions.steps(deed).unwrap().into_iter().map(|step| step.function).collect()
    }

    #[test]
    fn a_build_is_called_by_the_names_that_it_has() {
        let fly = Deed::FlyTo { node: "Mars".to_owned(), duration_s: None };
        let focus = Deed::Focus("Mars".to_owned());
        let present = functions(&[("navigation", &["flyTo", "setFocus"])], "name");
        assert_eq!(names(&present, &fly), ["navigation.flyTo"]);
        assert_eq!(names(&present, &focus), ["navigation.setFocus"]);
        let fork = functions(
            &[
                ("pathnavigation", &["flyTo"]),
                ("", &["setPropertyValueSingle"]),
                ("navigation", &["retargetAnchor"]),
            ],
            "library",
        );
        assert_eq!(names(&fork, &fly), ["pathnavigation.flyTo"]);
        assert_eq!(names(&fork, &focus), ["setPropertyValueSingle", "navigation.retargetAnchor"]);
    }

    #[test]
    fn a_recording_is_named_when_the_build_wants_it() {
        let (start, stop) = (Deed::StartRecording("/r/1".to_owned()), Deed::StopRecording("/r/1".to_owned()));
        let present = functions(&[("sessionRecording", &["startRecording", "stopRecording"])], "name");
        let fork = functions(
            &[("sessionRecording", &["startRecording", "startRecordingAscii", "stopRecording"])],
            "library",
        );
        let arguments = |functions: &Functions, deed| functions.steps(deed).unwrap()[0].arguments.clone();
        assert_eq!(arguments(&present, &start), Vec::<Value>::new());
        assert_eq!(arguments(&present, &stop), [json!("/r/1"), json!("Binary"), json!(false)]);
        assert_eq!(arguments(&fork, &start), [json!("/r/1")]);
        assert_eq!(arguments(&fork, &stop), Vec::<Value>::new());
    }

    #[test]
    fn a_build_that_says_nothing_is_taken_for_a_present_one_and_a_lacking_function_is_named() {
        let fly = Deed::FlyTo { node: "Mars".to_owned(), duration_s: Some(2.0) };
        let silent = Functions::read(&json!({}));
        let mars = vec![json!("Mars"), json!(2.0)];
        assert_eq!(
            silent.steps(&fly),
            Ok(vec![Step { function: "navigation.flyTo", arguments: mars.clone() }])
        );
        let without = functions(&[("time", &["setTime"])], "name");
        assert_eq!(without.steps(&fly), Err("navigation.flyTo"));
        assert_eq!(without.steps(&Deed::Focus("Mars".to_owned())), Err("navigation.setFocus"));
    }
}
