//! SGCT's window configuration: one borderless window that fills the instance's display. Pure.

use model::{InstanceId, Size};
use serde_json::json;

/// Half of OpenSpace's own horizontal field of view, degrees. The vertical one follows the picture's shape.
const HALF_WIDTH_DEGREES: f64 = 40.0;

/// The text of `window.json`.
pub(super) fn window_json(instance: InstanceId, size: Size) -> String {
    let pixels = json!({ "x": size.width, "y": size.height });
    let up = half_height_degrees(size);
    let window = json!({
        "name": instance.to_string(),
        "tags": ["GUI"],
        "border": false,
        "pos": { "x": 0, "y": 0 },
        "size": pixels,
        "res": pixels,
        "viewports": [{
            "tracked": true,
            "pos": { "x": 0.0, "y": 0.0 },
            "size": { "x": 1.0, "y": 1.0 },
            "projection": {
                "type": "PlanarProjection",
                "fov": { "left": HALF_WIDTH_DEGREES, "right": HALF_WIDTH_DEGREES, "up": up, "down": up },
            },
        }],
    });
    let cluster = json!({
        "version": 1,
        "masteraddress": "localhost",
        // The display has no refresh of its own to wait for; the frame rate is limited by startup.lua.
        "settings": { "display": { "swapinterval": 0 } },
        // SGCT wants a port but opens it only in clusters of several nodes.
        "nodes": [{ "address": "localhost", "port": 20401, "windows": [window] }],
        "users": [{ "eyeseparation": 0.065, "pos": { "x": 0.0, "y": 0.0, "z": 0.0 } }],
    });
    format!("{cluster:#}\n")
}

fn half_height_degrees(size: Size) -> f64 {
    let shape = f64::from(size.height) / f64::from(size.width.max(1));
    (HALF_WIDTH_DEGREES.to_radians().tan() * shape).atan().to_degrees()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_square_whatever_the_shape_of_the_picture() {
        for size in [Size::HD, Size::new(1080, 1920), Size::new(3840, 1080)] {
            let up = half_height_degrees(size).to_radians().tan();
            let left = HALF_WIDTH_DEGREES.to_radians().tan();
            let shape = (up / left) * f64::from(size.width) / f64::from(size.height);
            assert!((shape - 1.0).abs() < 1e-9, "{size}");
        }
        assert!(
            (half_height_degrees(Size::HD) - 25.267).abs() < 0.01,
            "what upstream's own 16:9 windows have"
        );
    }

    #[test]
    fn the_window_is_named_after_its_instance_and_has_exactly_its_pixels() {
        let instance = InstanceId::random();
        let json: serde_json::Value = serde_json::from_str(&window_json(instance, Size::HD)).unwrap();
        let window = &json["nodes"][0]["windows"][0];
        assert_eq!(window["name"], instance.to_string());
        assert_eq!((&window["size"]["x"], &window["res"]["y"]), (&json!(1280), &json!(720)));
        assert_eq!(window["border"], false);
    }
}
