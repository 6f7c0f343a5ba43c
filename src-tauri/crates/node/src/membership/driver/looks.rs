//! How the others are, and what of the registry cannot be so; for one machine of all, also what becomes of the dead.

use std::sync::Arc;

use registry::{Forgotten, Generation, Machine, Registry, SharedInstance, Trouble};
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
    pub(super) async fn look(
        &mut self,
        registry: &Registry,
        generation: Generation,
        whole: bool,
    ) -> Result<(), Trouble> {
        let due = self.ticks.is_multiple_of(TICKS_OF_A_LOOK);
        let worth_it = whole || due && self.overview.has_news(registry).await?;
        if !worth_it {
            return Ok(());
        }
        self.overview.look(registry).await?;
        let fleet = self.overview.fleet();
        self.put_right(registry, generation, &fleet).await?;
        let shared = self.overview.instances();
        self.untold |= self.is_told_otherwise(&shared);
        self.shared
            .send_if_modified(|known| (**known != shared).then(|| *known = Arc::new(shared)).is_some());
        let offers = offers::read(&self.overview.offers());
        self.offers.send_if_modified(|known| (*known != offers).then(|| *known = offers).is_some());
        // Whoever hears of a machine that has come knows what can be launched there.
        self.fleet.send_replace(fleet);
        let odd = self.overview.odd();
        for row in odd.iter().filter(|row| !self.odd.contains(row)) {
            warn!("a row of the registry cannot be so: {row}");
        }
        self.odd = odd;
        Ok(())
    }

    /// What this machine's row says is this machine's word. It keeps its place meanwhile: nothing that was given to it is taken back.
    async fn put_right(
        &mut self,
        registry: &Registry,
        generation: Generation,
        fleet: &[Machine],
    ) -> Result<(), Trouble> {
        let own = fleet.iter().find(|machine| machine.server == self.site.server);
        let Some((row, own)) = self.described.as_ref().zip(own) else { return Ok(()) };
        let is_told = row.is_told(own);
        if !is_told && registry.describe(row, generation).await? && !self.edited {
            warn!(machine_id = %self.site.server, "somebody has edited this machine's row of `machines`; it is put right. What it says is set in this machine's configuration");
        }
        self.edited_again = self.edited && !is_told;
        self.edited = !is_told;
        Ok(())
    }

    /// Somebody has edited the rows of what runs here.
    fn is_told_otherwise(&self, shared: &[SharedInstance]) -> bool {
        let Some(published) = &self.published else { return false };
        let own = || shared.iter().filter(|shared| shared.server == self.site.server);
        let is_as_told = |own: &SharedInstance| {
            published
                .get(&own.instance)
                .is_some_and(|(session, view)| (*session, view) == (own.session, &own.view))
        };
        own().count() != published.len() || !own().all(is_as_told)
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
        let edited = || {
            let words = "somebody edits this machine's row of `machines` in the registry again and again; it is put right each time. What it says is set in this machine's configuration";
            self.edited_again.then(|| words.to_owned())
        };
        clock_difference::about(self.ahead_ms).or_else(odd).or_else(edited)
    }
}
