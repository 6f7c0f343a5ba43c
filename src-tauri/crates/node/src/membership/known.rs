//! What the registry has been told of each instance beside its row, so that it is told again only what is new. Pure.

use std::collections::BTreeMap;

use model::InstanceId;

use crate::rows::Rows;

#[derive(Debug)]
pub(super) struct Known<T>(BTreeMap<InstanceId, T>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Known<T> {
    /// The registry may have forgotten.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// What is gone here is gone there.
    pub fn retain(&mut self, rows: &Rows) {
        self.0.retain(|id, _| rows.contains_key(id));
    }

    pub fn of(&self, id: InstanceId) -> Option<&T> {
        self.0.get(&id)
    }

    pub fn told(&mut self, id: InstanceId, what: T) {
        self.0.insert(id, what);
    }
}
