//! The words of OpenSpace's flight controller, in both generations. Pure.

use model::{ApiGeneration, input::Velocities};
use serde_json::{Value, json};

use super::Topic;

pub(in crate::client) fn connect(topic: Topic, generation: ApiGeneration) -> String {
    let payload = json!({ command(generation): "connect" });
    json!({ "topic": topic, "type": "flightcontroller", "payload": payload }).to_string()
}

pub(in crate::client) fn say(topic: Topic, velocities: &Velocities, generation: ApiGeneration) -> String {
    let axes = axes(velocities);
    let state = match generation {
        ApiGeneration::New => axes,
        ApiGeneration::Legacy => json!({ "values": axes }),
    };
    let payload = json!({ command(generation): "inputState", "inputState": state });
    json!({ "topic": topic, "payload": payload }).to_string()
}

const fn command(generation: ApiGeneration) -> &'static str {
    match generation {
        ApiGeneration::New => "event",
        ApiGeneration::Legacy => "type",
    }
}

/// Axes that are not named are at rest. OpenSpace's orbit moves the camera, not what is seen. It rolls around what it looks
/// at, as by its own touch and mouse; there the axes X and Y mean the same, and the last one that it reads wins.
fn axes(velocities: &Velocities) -> Value {
    let Velocities { orbit, zoom, roll, pan } = velocities;
    // Three decimals are finer than any hand.
    let axis = |value: &f32| (f64::from(*value) * 1e3).round() / 1e3 + 0.0;
    json!({
        "orbitX": axis(&-orbit[0]),
        "orbitY": axis(&-orbit[1]),
        "zoomIn": axis(zoom),
        "globalRollX": axis(roll),
        "globalRollY": axis(roll),
        "panX": axis(&pan[0]),
        "panY": axis(&pan[1]),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_hears_its_own_words() {
        let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
        let flying = Velocities { orbit: [0.1, -0.2], zoom: 1.0, roll: -1.0, pan: [0.0, 0.333_33] };
        let axes = json!({
            "orbitX": -0.1, "orbitY": 0.2, "zoomIn": 1.0, "globalRollX": -1.0, "globalRollY": -1.0, "panX": 0.0, "panY": 0.333
        });
        assert_eq!(
            read(connect(7, ApiGeneration::New)),
            json!({ "topic": 7, "type": "flightcontroller", "payload": { "event": "connect" } })
        );
        assert_eq!(
            read(say(7, &flying, ApiGeneration::New)),
            json!({ "topic": 7, "payload": { "event": "inputState", "inputState": axes } })
        );
        assert_eq!(read(connect(7, ApiGeneration::Legacy))["payload"], json!({ "type": "connect" }));
        assert_eq!(
            read(say(7, &flying, ApiGeneration::Legacy))["payload"],
            json!({ "type": "inputState", "inputState": { "values": axes } })
        );
    }
}
