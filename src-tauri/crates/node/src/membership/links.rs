//! Who is invited to this machine's instances, told to the registry as the scenes are, for whoever has to go on with them.

use model::{SecretHash, ServerId};
use registry::{Generation, Registry, Trouble};
use store::Invite;

use super::known::Known;
use crate::{
    clock,
    invitations::{self, Invitations},
    rows::Rows,
};

pub(super) type Links = Vec<(SecretHash, Invite)>;

impl Known<Links> {
    /// Of the instances that were published. That one has ended is no news: everybody sees it by its moment.
    pub async fn tell_links(
        &mut self,
        registry: &Registry,
        server: ServerId,
        generation: Generation,
        rows: &Rows,
        invitations: &Invitations,
    ) -> Result<(), Trouble> {
        self.retain(rows);
        let all = invitations.all();
        for id in rows.keys() {
            let invited = all.get(id).map_or(&[][..], Vec::as_slice);
            if self.of(*id).map_or(&[][..], Vec::as_slice) == invited {
                continue;
            }
            let told = invitations::told(&all, *id, clock::now());
            if registry.keep_invites(*id, server, generation, &told).await? {
                self.told(*id, invited.to_vec());
            }
        }
        Ok(())
    }
}
