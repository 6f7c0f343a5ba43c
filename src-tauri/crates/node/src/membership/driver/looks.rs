//! How the others are, and what of the registry cannot be so; for one machine of all, also what becomes of the dead.

use std::sync::Arc;

use registry::{Forgotten, Registry, ServerRow, Trouble};
use tracing::warn;

use super::Driver;
use crate::membership::{clock_difference, offers};

/// What others do is seen this soon.
const TICKS_OF_A_LOOK: u32 = 2;

impl Driver {
    pub(super) async fn look_after_the_dead(
        &self,
        registry: &Registry,
        also_the_gone: bool,
    ) -> Result<(), Trouble> {
        for server in registry.mend_moments().await? {
            warn!(%server, "its `seen` in the registry's `heartbeats` lay in the future; it counts as lost unless it speaks now");
        }
        for lost in registry.bury().await? {
            warn!(server = %lost, "a machine does not answer any more");
        }
        if also_the_gone {
            for Forgotten { server, name, instances } in registry.forget_the_gone().await? {
                warn!(%server, name, instances, "a machine was not heard of for two weeks; it is forgotten, and what was lost with it");
            }
        }
        Ok(())
    }

    /// How the others are with each heartbeat; in between, whether there is news.
    pub(super) async fn look(&mut self, registry: &Registry, whole: bool) -> Result<(), Trouble> {
        let due = self.ticks.is_multiple_of(TICKS_OF_A_LOOK);
        let worth_it = whole || due && self.overview.has_news(registry).await?;
        if !worth_it {
            return Ok(());
        }
        self.overview.look(registry).await?;
        let fleet = self.overview.fleet();
        let own = fleet.iter().find(|machine| machine.server == self.site.server);
        let is_edited = |row: &ServerRow| own.is_some_and(|own| !row.is_told(own));
        if self.described.as_ref().is_some_and(is_edited) {
            warn!(machine_id = %self.site.server, "somebody has edited this machine's row of `machines`; it is put right. What it says is set in this machine's configuration");
            self.join_again();
        }
        self.fleet.send_replace(fleet);
        let shared = self.overview.instances();
        self.shared
            .send_if_modified(|known| (**known != shared).then(|| *known = Arc::new(shared)).is_some());
        let offers = offers::read(&self.overview.offers());
        self.offers.send_if_modified(|known| (*known != offers).then(|| *known = offers).is_some());
        let odd = self.overview.odd();
        for row in odd.iter().filter(|row| !self.odd.contains(row)) {
            warn!("a row of the registry cannot be so: {row}");
        }
        self.odd = odd;
        Ok(())
    }

    /// What people should know though the registry is there.
    pub(super) fn remark(&self) -> Option<String> {
        let odd = || {
            let more = match self.odd.len() {
                0 => return None,
                1 => String::new(),
                many => format!(" ({} more such rows are in the log)", many - 1),
            };
            Some(format!("a row of the registry cannot be so: {}{more}", self.odd[0]))
        };
        clock_difference::about(self.ahead_ms).or_else(odd)
    }
}
