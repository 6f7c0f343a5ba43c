//! How a viewer's peer begins on the machine's port.

use anyhow::Context;
use tokio::sync::mpsc;

use super::driver;
use crate::{Answer, MediaPort, OfferError, PeerEvent, PeerHandle, PeerSpec};

impl MediaPort {
    /// A peer that offers at once: its first event is [`PeerEvent::Offer`].
    pub async fn peer(&self, spec: PeerSpec) -> anyhow::Result<(PeerHandle, mpsc::Receiver<PeerEvent>)> {
        driver::offering(self.shared(), &spec)
            .with_context(|| format!("offering a stream to viewer {}", spec.viewer))
    }

    /// A peer of a viewer that has offered. It gets the picture, and has no channels.
    pub async fn answer(
        &self,
        spec: PeerSpec,
        offer: &str,
    ) -> Result<(PeerHandle, mpsc::Receiver<PeerEvent>, Answer), OfferError> {
        let ((handle, events), answer) = driver::answering(self.shared(), &spec, offer)?;
        Ok((handle, events, answer))
    }
}
