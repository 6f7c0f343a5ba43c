//! What a viewer may wish of the scene, and what it is told of it.
//!
//! A [`Wish`](model::scene::Wish) travels on the data channel `intent` as the `name` and `args` of an [`Intent`]; its reply is `ok` with the
//! answer (`null` where there is nothing to say) or `error` with a sentence. `list_nodes` answers a list of [`SceneNode`],
//! `list_actions` one of [`SceneAction`], `list_toggles` one of [`SceneToggle`], `list_missions` one of [`Mission`],
//! `list_properties` one of [`SceneProperty`], `list_screenshots` and `list_recordings` one of
//! [`SavedFile`], newest first; `screenshot` and `stop_recording` answer the [`SavedFile`] that they made, `lua` what the script returned.
//!
//! The channel `state` carries a [`ToldScene`] whenever it has changed, at most [`STATES_PER_SECOND_MAX`] a second; a [`ToldTrouble`]
//! while OpenSpace shows a picture but has told nothing of its scene; or `null` while the program tells nothing of its
//! scene for a better reason: it starts again, or it is not OpenSpace.
//!
//! [`SceneNode`]: model::SceneNode
//! [`SceneAction`]: model::SceneAction
//! [`SceneToggle`]: model::SceneToggle
//! [`Mission`]: model::Mission
//! [`SceneProperty`]: model::SceneProperty
//! [`SavedFile`]: model::SavedFile

use model::{SceneState, Trouble, UnixMillis, scene::Wish};
use serde::Serialize;
use serde_json::{Value, json};
use ts_rs::TS;

use crate::input::Intent;

/// Messages on the channel `state` in a second. A clock that is read by people needs no more.
pub const STATES_PER_SECOND_MAX: u32 = 4;

/// How the scene is.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct ToldScene {
    #[serde(flatten)]
    pub scene: SceneState,
    /// What is the matter with OpenSpace, and which of the controls are off because of it; absent while all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub trouble: Option<Trouble>,
    /// What the node's clock said as it told this, since the clocks of viewers go wrong.
    pub told: UnixMillis,
}

/// Why nothing is told of a scene whose picture is there.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct ToldTrouble {
    pub trouble: Trouble,
    pub told: UnixMillis,
}

/// Reads what came over the channel. The error is a sentence.
pub fn read(intent: Intent) -> Result<Wish, String> {
    let args = if intent.args.is_null() { json!({}) } else { intent.args };
    let name = shown(&intent.name);
    let wish: Value = json!({ "name": intent.name, "args": args });
    serde_json::from_value(wish).map_err(|error| {
        format!("The wish “{name}” is not understood ({}). Reload the page.", shown(&error.to_string()))
    })
}

/// Characters of foreign text that get into a sentence.
const SHOWN_CHARS: usize = 120;

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use model::PropertyValue;

    use super::*;

    fn read(name: &str, args: Value) -> Result<Wish, String> {
        super::read(Intent { id: 1, name: name.to_owned(), args })
    }

    #[test]
    fn wishes_are_read_by_name_and_arguments() {
        assert_eq!(read("pause", json!({ "paused": true })), Ok(Wish::Pause { paused: true }));
        assert_eq!(read("now", Value::Null), Ok(Wish::Now {}));
        assert_eq!(read("list_nodes", json!({})), Ok(Wish::ListNodes { search: None }));
        let set =
            Wish::SetProperty { uri: "Dashboard.IsEnabled".to_owned(), value: PropertyValue::Switch(true) };
        assert_eq!(read("set_property", json!({ "uri": "Dashboard.IsEnabled", "value": true })), Ok(set));
        let play = Wish::PlayRecording { name: "recording-1.osrec".to_owned(), looped: false };
        assert_eq!(read("play_recording", json!({ "name": "recording-1.osrec" })), Ok(play));
        let fly = Wish::FlyTo { node: "Mars".to_owned(), duration_s: None };
        assert_eq!(read("fly_to", json!({ "node": "Mars" })), Ok(fly));
    }

    #[test]
    fn what_is_no_wish_is_refused_with_a_short_sentence() {
        for (name, args) in [
            ("luascript", json!({ "script": "os.exit()" })),
            ("lua", json!({ "script": ["os.exit()"] })),
            ("pause", json!({ "paused": "yes" })),
            ("pause", json!({ "paused": true, "script": "x" })),
            ("pause", Value::Null),
            ("set_rate", json!({ "seconds_per_second": "1" })),
            ("focus", json!(["Mars"])),
            ("set_property", json!({ "uri": "Dashboard.IsEnabled", "value": "true" })),
            ("set_property", json!({ "uri": "Dashboard.IsEnabled", "value": { "x": 1 } })),
            ("set_property", json!({ "uri": "Dashboard.IsEnabled", "value": [[1]] })),
            ("set_property", json!({ "uri": "Dashboard.IsEnabled", "value": null })),
            (&"x".repeat(900), json!({})),
        ] {
            let why = read(name, args).unwrap_err();
            assert!(why.ends_with("Reload the page.") && why.chars().count() < 400, "{why}");
        }
    }
}
