//! Who is invited to this machine's instances, told to the registry as the scenes are, for whoever has to go on with them.

use std::collections::BTreeMap;

use model::{InstanceId, ServerId};
use registry::{Generation, Registry, Trouble};
use serde_json::Value;

use crate::{
    clock,
    invitations::{self, Invitations},
    rows::Rows,
};

/// What the registry has.
#[derive(Debug, Default)]
pub(super) struct Links {
    told: BTreeMap<InstanceId, Value>,
}

impl Links {
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
        invitations: &Invitations,
    ) -> Result<(), Trouble> {
        self.told.retain(|id, _| rows.contains_key(id));
        let (all, now) = (invitations.all(), clock::now());
        for id in rows.keys() {
            let invited = invitations::told(&all, *id, now);
            let known = self.told.get(id);
            let is_news = known.map_or(all.contains_key(id), |known| *known != invited);
            if is_news && registry.keep_invites(*id, server, generation, &invited).await? {
                self.told.insert(*id, invited);
            }
        }
        Ok(())
    }
}
