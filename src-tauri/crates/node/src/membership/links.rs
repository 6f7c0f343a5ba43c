//! Who is invited to this machine's instances, told to the registry as the scenes are, for whoever has to go on with them.

use model::ServerId;
use registry::{Generation, Registry, Trouble};
use serde_json::Value;

use super::known::Known;
use crate::{
    clock,
    invitations::{self, Invitations},
    rows::Rows,
};

impl Known<Value> {
    /// Of the instances that were published.
    pub async fn tell_links(
        &mut self,
        registry: &Registry,
        server: ServerId,
        generation: Generation,
        rows: &Rows,
        invitations: &Invitations,
    ) -> Result<(), Trouble> {
        self.retain(rows);
        let (all, now) = (invitations.all(), clock::now());
        for id in rows.keys() {
            let invited = invitations::told(&all, *id, now);
            let known = self.of(*id);
            let is_news = known.map_or(all.contains_key(id), |known| *known != invited);
            if is_news && registry.keep_invites(*id, server, generation, &invited).await? {
                self.told(*id, invited);
            }
        }
        Ok(())
    }
}
