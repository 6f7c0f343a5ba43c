//! A scene as large as the largest: a catalogue of bodies that nobody sees, with ten properties each.

use serde_json::json;

use super::{Maker, Tree};
use crate::world::properties::Kind;

const PROPERTIES_EACH: usize = 10;
/// Bodies in one part of the catalogue.
const PART: usize = 50;

/// Adds bodies until the tree has about so many properties.
pub fn fill(tree: &mut Tree, properties: usize) {
    let bodies = properties.saturating_sub(tree.len()) / PROPERTIES_EACH;
    let mut maker = Maker { tree };
    for n in 0..bodies {
        let (identifier, name) = (format!("Catalogue{n:05}"), format!("Body {n:05}"));
        let path = format!("/Catalogue/Part {}", n / PART);
        maker.node(&identifier, &name, &path, "One of many.", &[], Some(false));
        for (key, what) in [
            ("Opacity", "How much shines through."),
            ("Size", "How large it is drawn."),
            ("Brightness", "How bright it is."),
            ("Contrast", "How much brighter its bright parts are."),
        ] {
            maker.with(
                &format!("Scene.{identifier}.Renderable.{key}"),
                Kind::Float,
                json!(0.5),
                key,
                what,
                "User",
                json!({ "min": 0.0, "max": 1.0, "step": 0.01, "exponent": 1.0 }),
            );
        }
    }
}
