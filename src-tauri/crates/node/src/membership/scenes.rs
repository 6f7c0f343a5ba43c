//! What this machine's instances show, told to the registry whenever it was saved anew, for whoever has to go on with it. As with all
//! that is told there, only the newest counts: what changed while the registry was away is told once.

use std::collections::BTreeMap;

use model::{InstanceId, SavedScene, ServerId};
use registry::{Generation, Registry, Trouble};
use serde_json::Value;
use tracing::warn;

use super::known::Known;
use crate::rows::Rows;

/// Some hundred settings are 30 kB; the registry takes no more than four times this.
const SCENE_BYTES_MAX: usize = 256 * 1024;

impl Known<SavedScene> {
    /// Of the instances that were published.
    pub async fn tell_scenes(
        &mut self,
        registry: &Registry,
        server: ServerId,
        generation: Generation,
        rows: &Rows,
    ) -> Result<(), Trouble> {
        self.retain(rows);
        for row in rows.values().filter(|row| !row.member.is_nobodys()) {
            let (id, saved) = (row.member.id, row.member.scene.saved());
            let Some(scene) = saved.filter(|scene| self.of(id) != Some(scene)) else { continue };
            if registry.keep_scene(id, server, generation, &bounded(id, &scene)).await? {
                self.told(id, scene);
            }
        }
        Ok(())
    }
}

/// Of more settings than that the shortest are told, which are the switches that people see; how many are left out is told too, and said
/// to whoever goes on with it.
fn bounded(id: InstanceId, scene: &SavedScene) -> Value {
    let mut told = scene.clone();
    let text = |value: &Value| value.to_string().len();
    let json = |scene: &SavedScene| serde_json::to_value(scene).unwrap_or(Value::Null);
    let whole = json(&told);
    if text(&whole) <= SCENE_BYTES_MAX {
        return whole;
    }
    let bare = SavedScene { properties: BTreeMap::new(), left_out: u32::MAX, ..scene.clone() };
    let mut room = SCENE_BYTES_MAX.saturating_sub(text(&json(&bare)));
    let mut sized: Vec<_> = whole["properties"]
        .as_object()
        .into_iter()
        .flatten()
        // With quotes, a colon and a comma.
        .map(|(uri, value)| (text(&Value::from(uri.as_str())) + text(value) + 2, uri.clone()))
        .collect();
    sized.sort();
    sized.retain(|(bytes, _)| {
        let fits = *bytes <= room;
        room = if fits { room - bytes } else { 0 };
        !fits
    });
    for (_, uri) in &sized {
        told.properties.remove(uri);
    }
    told.left_out = told.left_out.saturating_add(u32::try_from(sized.len()).unwrap_or(u32::MAX));
    warn!(instance = %id, settings = scene.properties.len(), left_out = sized.len(), "too many settings to tell the registry");
    json(&told)
}

#[cfg(test)]
mod tests {
    use model::PropertyValue;

    use super::*;

    #[test]
    fn of_too_many_settings_as_many_as_fit_are_told_and_how_many_are_left_out() {
        let mut scene = SavedScene {
            time: "2026-01-01T00:00:00".to_owned(),
            rate_seconds_per_second: 1.0,
            paused: false,
            focus: "Mars".to_owned(),
            view: None,
            properties: BTreeMap::from([("Scene.Mars.Enabled".to_owned(), PropertyValue::Switch(true))]),
            left_out: 0,
        };
        let told = |scene: &SavedScene| {
            let told = bounded(InstanceId::random(), scene);
            assert!(told.to_string().len() <= SCENE_BYTES_MAX, "{} bytes", told.to_string().len());
            serde_json::from_value::<SavedScene>(told).expect("a scene")
        };
        assert_eq!(told(&scene), scene);
        let huge = PropertyValue::Numbers(vec![0.125; SCENE_BYTES_MAX]);
        scene.properties.insert("Scene.Mars.Color".to_owned(), huge);
        let kept = told(&scene);
        assert_eq!(
            (kept.properties.len(), kept.left_out),
            (1, 1),
            "one that is huge costs the others nothing"
        );
        let many = (0..20_000).map(|n| (format!("Scene.Node{n}.Enabled"), PropertyValue::Switch(true)));
        scene.properties.extend(many);
        let kept = told(&scene);
        assert_eq!(kept.properties.len() + kept.left_out as usize, 20_002);
        assert!(kept.properties.len() > 2_000, "{} are told", kept.properties.len());
        assert!(kept.properties.contains_key("Scene.Mars.Enabled") && kept.focus == "Mars");
    }
}
