//! How often people have put off the end of an instance, beside its row: a restart of the node takes no time from them and gives
//! nobody more.

use std::time::Instant;

use model::InstanceId;
use store::Store;
use tracing::warn;

use super::span::Span;

#[derive(Clone, Debug)]
pub struct Extensions {
    pub store: Store,
    pub id: InstanceId,
}

impl Extensions {
    /// What cannot be read counts as none: an instance is not ended early because of a disk.
    pub(super) async fn read(&self) -> u32 {
        self.store.extensions(self.id).await.unwrap_or_else(|error| {
            warn!(%error, "how often an instance was lengthened is not known any more");
            0
        })
    }

    /// Kept before it is answered: who was told that it stays has it.
    pub(super) async fn stay(&self, span: &mut Span, now: Instant) -> Result<(), &'static str> {
        let before = span.extensions();
        span.stay(now)?;
        if span.extensions() != before {
            self.write(span.extensions()).await;
        }
        Ok(())
    }

    async fn write(&self, extensions: u32) {
        if let Err(error) = self.store.put_extensions(self.id, extensions).await {
            warn!(%error, "that an instance was lengthened is forgotten at the next restart");
        }
    }
}
