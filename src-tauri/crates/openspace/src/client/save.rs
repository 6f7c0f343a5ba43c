//! Saves the scene as it is, and brings a saved one back.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use model::{PropertyValue, SavedScene};

use super::{
    Client, ClientError,
    wire::{Question, view},
};
use crate::gate::{Call, restore::restore};

/// An answer takes a frame or two: one after the other, a large scene would take minutes.
const SETTINGS_AT_ONCE: usize = 32;

/// What the properties of a scene were when it began, or what of them is known to be changed since.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline(BTreeMap<String, PropertyValue>);

impl Client {
    /// To be taken before anybody changes anything.
    pub async fn baseline(&self) -> Result<Baseline, ClientError> {
        Ok(Baseline(self.values().await?))
    }

    /// The scene as it is now; `None` until OpenSpace has told what its time and focus are. Properties are looked at only `with_properties`,
    /// since a large scene takes some frames to tell them; else they are `last`'s.
    pub async fn save(
        &self,
        baseline: &Baseline,
        last: Option<&SavedScene>,
        with_properties: bool,
    ) -> Result<Option<SavedScene>, ClientError> {
        let Some(state) = self.scene().borrow().clone() else { return Ok(None) };
        let view = view::read(&self.ask(Question::View, self.patience.call).await?);
        let known = last.map(|scene| scene.properties.clone()).unwrap_or_default();
        let properties = match with_properties {
            true => changed(baseline, &known, self.values().await?),
            false => known,
        };
        Ok(Some(SavedScene {
            time: state.time,
            rate_seconds_per_second: state.rate_seconds_per_second,
            paused: state.paused,
            focus: state.focus,
            view,
            properties,
            left_out: 0,
        }))
    }

    /// Returns what could not be brought back, in words.
    pub async fn restore(&self, scene: &SavedScene) -> Result<Vec<String>, ClientError> {
        let tree = self.fresh_tree().await?;
        let back = restore(scene, &tree);
        let mut missing = back.missing;
        for together in rounds(&back.calls) {
            let asked: Vec<_> = together.iter().map(|call| self.perform(call.clone())).collect();
            for done in join_all(asked).await {
                match done {
                    Ok(_) => {}
                    Err(error @ ClientError::Lacks(_)) => missing.push(error.to_string()),
                    Err(error) => return Err(error),
                }
            }
        }
        self.forget_tree();
        Ok(missing)
    }

    async fn values(&self) -> Result<BTreeMap<String, PropertyValue>, ClientError> {
        let tree = self.tree_not_older_than(Duration::ZERO).await?;
        Ok(tree.properties("").into_iter().map(|property| (property.uri, property.value)).collect())
    }
}

/// Settings are set together, everything else by itself, in its order.
fn rounds(calls: &[Call]) -> Vec<&[Call]> {
    let runs = calls.chunk_by(|one, next| one.is_setting() && next.is_setting());
    runs.flat_map(|run| run.chunks(SETTINGS_AT_ONCE)).collect()
}

/// What differs from the beginning, and what is known to have been changed before the beginning was looked at.
fn changed(
    Baseline(began): &Baseline,
    known: &BTreeMap<String, PropertyValue>,
    now: BTreeMap<String, PropertyValue>,
) -> BTreeMap<String, PropertyValue> {
    now.into_iter()
        .filter(|(uri, value)| match began.get(uri) {
            Some(first) if !known.contains_key(uri) => first != value,
            // It came into the scene later: an action of the scene has brought it, and would have to bring it again.
            None => false,
            Some(_) => true,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_told_from_what_the_scene_began_with() {
        let map = |values: &[(&str, f64)]| -> BTreeMap<String, PropertyValue> {
            values.iter().map(|(uri, value)| ((*uri).to_owned(), PropertyValue::Number(*value))).collect()
        };
        let began = Baseline(map(&[("a", 1.0), ("b", 1.0), ("c", 5.0)]));
        let now = map(&[("a", 1.0), ("b", 2.0), ("c", 5.0), ("d", 9.0)]);
        assert_eq!(changed(&began, &BTreeMap::new(), now.clone()), map(&[("b", 2.0)]));
        // A node that took over a running program began with what had been changed before.
        assert_eq!(changed(&began, &map(&[("c", 3.0)]), now), map(&[("b", 2.0), ("c", 5.0)]));
    }
}
