//! What a viewer may wish of the scene, and what it is told of it.
//!
//! A [`Wish`] travels on the data channel `intent` as the `name` and `args` of an [`Intent`]; its reply is `ok` with the
//! answer (`null` where there is nothing to say) or `error` with a sentence. `list_nodes` answers a list of [`SceneNode`],
//! `list_actions` one of [`SceneAction`].
//!
//! The channel `state` carries a [`SceneState`] whenever it has changed, at most [`STATES_PER_SECOND_MAX`] a second, or
//! `null` while the program tells nothing of its scene: it starts again, or it is not OpenSpace.
//!
//! [`SceneNode`]: model::SceneNode
//! [`SceneAction`]: model::SceneAction
//! [`SceneState`]: model::SceneState

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ts_rs::TS;

use crate::input::Intent;

/// Messages on the channel `state` in a second. A clock that is read by people needs no more.
pub const STATES_PER_SECOND_MAX: u32 = 4;

/// One thing that a viewer wants. A pilot who holds control may change time and navigation; a presenter the scene as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "name", content = "args", rename_all = "snake_case", deny_unknown_fields)]
pub enum Wish {
    /// `time` is ISO 8601 in UTC: `2026-11-23`, `2026-11-23T18:40`, `2026-11-23T18:40:00.000Z`.
    SetTime {
        time: String,
    },
    Pause {
        paused: bool,
    },
    /// Simulated seconds that pass in one; negative runs backwards.
    SetRate {
        seconds_per_second: f64,
    },
    /// The next faster or slower of the scene's own steps.
    StepRate {
        forward: bool,
    },
    /// The present.
    Now {},
    /// Looks at a node at once.
    Focus {
        node: String,
    },
    FlyTo {
        node: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        duration_s: Option<f64>,
    },
    /// Flies to a place on a globe. Degrees, metres over its surface.
    FlyToGeo {
        node: String,
        latitude: f64,
        longitude: f64,
        altitude_m: f64,
    },
    Show {
        node: String,
        visible: bool,
    },
    Fade {
        node: String,
        visible: bool,
        seconds: f64,
    },
    TriggerAction {
        action: String,
    },
    /// The nodes that are meant to be seen, recommended ones first; with `search`, those whose name or identifier holds it.
    /// A list that is too long for one message is cut.
    ListNodes {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        search: Option<String>,
    },
    ListActions {},
}

impl Wish {
    /// Reads what came over the channel. The error is a sentence.
    pub fn read(intent: Intent) -> Result<Self, String> {
        let args = if intent.args.is_null() { json!({}) } else { intent.args };
        let name = shown(&intent.name);
        let wish: Value = json!({ "name": intent.name, "args": args });
        serde_json::from_value(wish).map_err(|error| {
            format!("The wish “{name}” is not understood ({}). Reload the page.", shown(&error.to_string()))
        })
    }
}

/// Characters of foreign text that get into a sentence.
const SHOWN_CHARS: usize = 120;

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(name: &str, args: Value) -> Result<Wish, String> {
        Wish::read(Intent { id: 1, name: name.to_owned(), args })
    }

    #[test]
    fn wishes_are_read_by_name_and_arguments() {
        assert_eq!(read("pause", json!({ "paused": true })), Ok(Wish::Pause { paused: true }));
        assert_eq!(read("now", Value::Null), Ok(Wish::Now {}));
        assert_eq!(read("list_nodes", json!({})), Ok(Wish::ListNodes { search: None }));
        let fly = Wish::FlyTo { node: "Mars".to_owned(), duration_s: None };
        assert_eq!(read("fly_to", json!({ "node": "Mars" })), Ok(fly));
    }

    #[test]
    fn what_is_no_wish_is_refused_with_a_short_sentence() {
        for (name, args) in [
            ("lua", json!({ "script": "os.exit()" })),
            ("pause", json!({ "paused": "yes" })),
            ("pause", json!({ "paused": true, "script": "x" })),
            ("pause", Value::Null),
            ("set_rate", json!({ "seconds_per_second": "1" })),
            ("focus", json!(["Mars"])),
            (&"x".repeat(900), json!({})),
        ] {
            let why = read(name, args).unwrap_err();
            assert!(why.ends_with("Reload the page.") && why.chars().count() < 400, "{why}");
        }
    }
}
