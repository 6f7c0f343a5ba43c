//! What this machine's instances show, told to the registry whenever it was saved anew, for whoever has to go on with it. As with all
//! that is told there, only the newest counts: what changed while the registry was away is told once.

use std::collections::BTreeMap;

use model::{InstanceId, SavedScene, ServerId};
use registry::{Generation, Registry, Trouble};
use serde_json::Value;
use tracing::warn;

use crate::rows::Rows;

/// Some hundred settings are 30 kB; the registry takes no more than four times this.
const SCENE_BYTES_MAX: usize = 256 * 1024;

/// What the registry has.
#[derive(Debug, Default)]
pub(super) struct Scenes {
    told: BTreeMap<InstanceId, SavedScene>,
}

impl Scenes {
    /// The registry may have forgotten.
    pub fn forget(&mut self) {
        self.told.clear();
    }

    /// Of the instances that were published.
    pub async fn tell(
        &mut self,
        registry: &Registry,
        server: ServerId,
        generation: Generation,
        rows: &Rows,
    ) -> Result<(), Trouble> {
        self.told.retain(|id, _| rows.contains_key(id));
        for row in rows.values().filter(|row| !row.member.is_standby()) {
            let (id, saved) = (row.member.id, row.member.scene.saved());
            let Some(scene) = saved.filter(|scene| self.told.get(&id) != Some(scene)) else { continue };
            if registry.keep_scene(id, server, generation, &bounded(id, &scene)).await? {
                self.told.insert(id, scene);
            }
        }
        Ok(())
    }
}

/// A scene with more settings than that goes on without them: where one was counts most.
fn bounded(id: InstanceId, scene: &SavedScene) -> Value {
    let told = serde_json::to_value(scene).unwrap_or(Value::Null);
    if told.to_string().len() <= SCENE_BYTES_MAX {
        return told;
    }
    warn!(instance = %id, settings = scene.properties.len(), "too many settings to tell the registry; place and time are told");
    let bare = SavedScene { properties: BTreeMap::new(), ..scene.clone() };
    serde_json::to_value(&bare).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use model::PropertyValue;

    use super::*;

    #[test]
    fn a_scene_with_too_many_settings_is_told_without_them() {
        let mut scene = SavedScene {
            time: "2026-01-01T00:00:00".to_owned(),
            rate_seconds_per_second: 1.0,
            paused: false,
            focus: "Mars".to_owned(),
            view: None,
            properties: BTreeMap::from([("Scene.Mars.Enabled".to_owned(), PropertyValue::Switch(true))]),
        };
        let id = InstanceId::random();
        assert_eq!(bounded(id, &scene)["properties"].as_object().map(serde_json::Map::len), Some(1));
        let many = (0..20_000).map(|n| (format!("Scene.Node{n}.Enabled"), PropertyValue::Switch(true)));
        scene.properties = many.collect();
        let told = bounded(id, &scene);
        assert!(told.to_string().len() < 1000 && told["focus"] == "Mars", "{told}");
    }
}
