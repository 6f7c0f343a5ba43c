//! From one registry to another, into one, and out of it; nothing that runs here notices.

use std::{sync::Arc, time::Duration};

use protocol::api::Problem;
use registry::{Address, Link, LinkState, Overview, ServerRow};
use tokio::{sync::watch, time::timeout};
use tracing::{info, warn};

use super::Driver;
use crate::{clock, membership::address::is_same_place, problem::problem};

/// The first sample is there a quarter of a second after the start, unless a GPU's driver takes its time; a cloud's answer somewhat later.
const SAMPLED_WITHIN: Duration = Duration::from_secs(5);
/// The farewell: a registry that does not answer learns it by three missing heartbeats.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

impl Driver {
    /// One that never changes, while this machine stands alone.
    pub(super) fn link_state(&self) -> watch::Receiver<LinkState> {
        match &self.link {
            Some(link) => link.state(),
            None => watch::channel(LinkState::Connecting).1,
        }
    }

    pub(super) async fn describe(&self, address: &Address) -> Result<ServerRow, Problem> {
        let (mut health, mut here) = (self.told.health.clone(), self.told.here.clone());
        let both = async {
            // An error means that the sampler has ended: then there is no row.
            let _ = health.wait_for(Option::is_some).await.map(drop);
            here.known().await;
        };
        let _ = timeout(SAMPLED_WITHIN, both).await;
        self.row(address).ok_or_else(|| {
            problem(503, "Not yet", "The machine's figures are still being taken: try again in a moment.")
        })
    }

    /// The same address again is connected to at once, not when a pause is over.
    pub(super) async fn move_to(&mut self, address: Option<Address>) -> Result<(), Problem> {
        let known = self.meeting.borrow().address.clone();
        let stays =
            known.as_ref().zip(address.as_ref()).is_some_and(|(known, new)| is_same_place(known, new));
        if known != address {
            self.keep(address.clone())?;
        }
        if !stays {
            self.farewell().await;
            self.fleet.send_replace(Vec::new());
            self.offers.send_replace(Vec::new());
            self.last_contact = None;
            self.shared.send_replace(Arc::default());
        }
        (self.overview, self.odd, self.described) = (Overview::default(), Vec::new(), None);
        match &address {
            Some(address) => info!(%address, "machines meet here from now on"),
            None => info!("this machine stands alone from now on"),
        }
        self.link = address.map(|address| Link::open(address, clock::now));
        (self.generation, self.trouble, self.ahead_ms) = (None, None, 0);
        (self.untold, self.sexton, self.ticks) = (true, false, 0);
        Ok(())
    }

    fn keep(&self, address: Option<Address>) -> Result<(), Problem> {
        let mut meeting = self.meeting.borrow().clone();
        meeting.move_to(address).map_err(|error| {
            warn!(error = format!("{error:#}"), "where the registry is was not kept");
            let detail = format!("{error:#}. Nothing has changed: look at the disk of the data folder.");
            problem(507, "It was not kept", detail)
        })?;
        self.meeting.send_replace(meeting);
        Ok(())
    }

    pub(super) async fn farewell(&self) {
        let state = self.link_state().borrow().clone();
        let (Some(registry), Some(generation)) = (state.registry(), self.generation) else { return };
        match timeout(LEAVE_WITHIN, registry.leave(self.site.server, generation)).await {
            Ok(Ok(_)) => info!("the registry knows that this machine leaves"),
            Ok(Err(error)) => warn!(%error, "the registry was not told that this machine leaves"),
            Err(_) => warn!("the registry was not told that this machine leaves: it does not answer"),
        }
    }
}
