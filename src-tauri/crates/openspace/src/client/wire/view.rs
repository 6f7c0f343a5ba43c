//! Where the camera is: OpenSpace's navigation state, read and written.

use model::saved_scene::View;
use serde_json::{Map, Value, json};

/// Reads what `navigation.getNavigationState` returned. Keys that are absent say that there is nothing special.
pub(in crate::client) fn read(returned: &Value) -> Option<View> {
    let state = &returned["1"];
    let text = |key: &str| state[key].as_str().map(str::to_owned);
    Some(View {
        anchor: text("Anchor")?,
        aim: text("Aim"),
        frame: text("ReferenceFrame"),
        position: vector(&state["Position"])?,
        up: vector(&state["Up"]),
        yaw: state["Yaw"].as_f64().unwrap_or_default(),
        pitch: state["Pitch"].as_f64().unwrap_or_default(),
    })
}

/// What `navigation.setNavigationState` takes.
pub(in crate::client) fn write(view: &View) -> Value {
    let mut state = Map::new();
    state.insert("Anchor".to_owned(), json!(view.anchor));
    state.insert("Position".to_owned(), json!(view.position));
    for (key, node) in [("Aim", &view.aim), ("ReferenceFrame", &view.frame)] {
        if let Some(node) = node {
            state.insert(key.to_owned(), json!(node));
        }
    }
    if let Some(up) = view.up {
        state.insert("Up".to_owned(), json!(up));
    }
    for (key, angle) in [("Yaw", view.yaw), ("Pitch", view.pitch)] {
        if angle != 0.0 {
            state.insert(key.to_owned(), json!(angle));
        }
    }
    Value::Object(state)
}

/// A list, or as Lua's tables come back: by position, `{"1": …}`.
fn vector(value: &Value) -> Option<[f64; 3]> {
    let at = |i: usize| match value {
        Value::Array(numbers) => numbers.get(i)?.as_f64(),
        other => other[(i + 1).to_string()].as_f64(),
    };
    Some([at(0)?, at(1)?, at(2)?])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const REAL: &str = include_str!("../../../../../../tests/fixtures/openspace/navigation-state.json");

    #[test]
    fn what_a_real_openspace_told_is_read_and_written_back() {
        let recorded: Value = serde_json::from_str(REAL).unwrap();
        let view = read(&recorded["payload"]).unwrap();
        assert_eq!((view.anchor.as_str(), view.aim.as_deref(), view.yaw), ("MiniSphere", None, 0.0));
        let mut expected = recorded["payload"]["1"].clone();
        expected.as_object_mut().unwrap().remove("Timestamp");
        assert_eq!(write(&view), expected);
    }

    #[test]
    fn tables_by_position_are_lists_too_and_half_a_state_is_none() {
        let told =
            json!({ "1": { "Anchor": "Mars", "Position": { "1": 1, "2": 2.5, "3": -3 }, "Pitch": 0.5 } });
        let view = read(&told).unwrap();
        assert_eq!((view.position, view.pitch, view.up), ([1.0, 2.5, -3.0], 0.5, None));
        for bad in
            [json!({}), json!({ "1": { "Anchor": "Mars" } }), json!({ "1": { "Position": [1, 2, 3] } })]
        {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
