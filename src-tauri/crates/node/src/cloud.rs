//! What a cloud tells a machine about itself: in which region it stands, and by which address it is reached from outside.
//!
//! It is asked once, in the background, with short deadlines; nothing waits for it but this machine's row. Amazon, Google and Microsoft
//! answer at the same address, each in its own way, and are asked at the same time: one of them answers, or, outside of a cloud, nobody.
//! What does not look like an answer, such as the page of a captive portal, is passed over with one line in the log.

mod answer;
mod ask;

use std::{net::IpAddr, time::Duration};

use tokio::{sync::watch, time::timeout};
use tracing::{debug, info, warn};

use self::ask::{Asked, Clouds};
use crate::Config;

/// A cloud answers within milliseconds; outside of one, some networks let a question vanish.
const ALL_WITHIN: Duration = Duration::from_secs(3);

/// What was found; without a cloud, nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Such as "eu-north-1".
    pub region: Option<String>,
    /// By which the rest of the world reaches it.
    pub address: Option<IpAddr>,
}

/// Where this machine stands, as far as that is known now. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Here {
    told: Option<String>,
    found: watch::Receiver<Option<Whereabouts>>,
}

impl Here {
    /// What the configuration says, counts; a cloud is asked for the rest.
    pub fn open(config: &Config) -> Self {
        let told = Some(config.server.region.clone()).filter(|region| !region.is_empty());
        let (tell, found) = watch::channel(None);
        let base = config.server.metadata.clone();
        let is_known = told.is_some() && !config.media.addresses.is_empty();
        if base.is_empty() || is_known {
            tell.send_replace(Some(Whereabouts::default()));
        } else {
            tokio::spawn(async move { tell.send_replace(Some(find(&base).await)) });
        }
        Self { told, found }
    }

    pub fn region(&self) -> Option<String> {
        let found = || self.found.borrow().as_ref().and_then(|found| found.region.clone());
        self.told.clone().or_else(found)
    }

    pub fn address(&self) -> Option<IpAddr> {
        self.found.borrow().as_ref().and_then(|found| found.address)
    }

    /// The answer is there, or will not come.
    pub fn is_known(&self) -> bool {
        self.found.borrow().is_some()
    }

    pub async fn known(&mut self) {
        // An error means that nobody looks any more, so that nothing will come.
        let _ = self.found.wait_for(Option::is_some).await;
    }
}

/// At `base`, which is the same for every cloud unless a test says otherwise.
pub async fn find(base: &str) -> Whereabouts {
    let asking = async { Clouds::new(base)?.ask_all().await };
    let asked = timeout(ALL_WITHIN, asking).await.unwrap_or(Err(Asked::Silent));
    match asked {
        Ok((cloud, found)) => {
            info!(cloud, region = found.region, address = ?found.address, "this machine stands in a cloud");
            found
        }
        Err(Asked::Silent) => {
            debug!(base, "no cloud answers");
            Whereabouts::default()
        }
        Err(Asked::Odd(why)) => {
            warn!(base, "what answers in the place of a cloud's metadata is none, and is passed over: {why}");
            Whereabouts::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
