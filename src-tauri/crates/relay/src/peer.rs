//! The way to one other machine: dialled when it is wanted, kept while it lives, and after a failure not tried at once again.

use std::{sync::Arc, time::Duration};

use model::ServerId;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Identity, Me, Removed, Trouble, dial, link::Link};

const RETRY_FIRST: Duration = Duration::from_millis(250);
/// A machine that comes back is found again within this.
const RETRY_MAX: Duration = Duration::from_secs(4);
/// Calls that may wait for one dial; the viewers of a whole class come back at once when a link heals.
const WAITING: usize = 256;

/// Where the machine is said to be, and who wants to know.
pub(crate) struct Want {
    pub place: String,
    pub reply: oneshot::Sender<Result<Link, Trouble>>,
}

pub(crate) struct Peer {
    identity: Arc<Identity>,
    me: Me,
    server: ServerId,
    removed: watch::Receiver<Removed>,
    closing: CancellationToken,
    link: Option<Link>,
    failed: Option<(Trouble, String, Instant)>,
    pause: Duration,
}

impl Peer {
    pub fn open(
        identity: Arc<Identity>,
        me: Me,
        server: ServerId,
        removed: watch::Receiver<Removed>,
        closing: CancellationToken,
    ) -> mpsc::Sender<Want> {
        let (wants, inbox) = mpsc::channel(WAITING);
        let peer =
            Self { identity, me, server, removed, closing, link: None, failed: None, pause: RETRY_FIRST };
        tokio::spawn(peer.run(inbox));
        wants
    }

    async fn run(mut self, mut wants: mpsc::Receiver<Want>) {
        while let Some(Want { place, reply }) = wants.recv().await {
            let link = self.link(place).await;
            // Who asked may be gone.
            let _ = reply.send(link);
        }
        if let Some(link) = self.link {
            link.end();
        }
    }

    async fn link(&mut self, place: String) -> Result<Link, Trouble> {
        if let Some(link) = self.link.as_ref().filter(|link| link.is_up()) {
            return Ok(link.clone());
        }
        if let Some((why, tried, again)) = &self.failed
            && *tried == place
            && Instant::now() < *again
        {
            return Err(why.clone());
        }
        let ended = self.closing.child_token();
        match dial::dial(&self.identity, &self.me, self.server, &place, &self.removed, ended).await {
            Ok(link) => {
                info!(server = %self.server, %place, "a link to another machine");
                self.link = Some(link.clone());
                self.failed = None;
                self.pause = RETRY_FIRST;
                Ok(link)
            }
            Err(why) => {
                if self.failed.as_ref().is_none_or(|(before, ..)| *before != why) {
                    warn!(server = %self.server, %place, %why, "no link to another machine");
                }
                self.failed = Some((why.clone(), place, Instant::now() + self.pause));
                self.pause = (self.pause * 2).min(RETRY_MAX);
                Err(why)
            }
        }
    }
}
