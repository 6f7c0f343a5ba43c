//! Keeps one connection to the registry for as long as the node lives, and says how it stands. Nobody waits for it: while there is no
//! connection, there is none to ask.

use std::time::Duration;

use model::UnixMillis;
use tokio::{sync::watch, task::JoinHandle, time::sleep};
use tracing::{info, warn};

use crate::{Address, Registry, Trouble};

const RETRY_FIRST: Duration = Duration::from_millis(500);
/// A registry that comes back is noticed within this.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// What needs a person is tried again without hurry: it may be put right on the other side.
const RETRY_FOR_A_PERSON: Duration = Duration::from_secs(10);
/// One machine sets the registry up for all: the others that stand by are not to stand for long.
const RETRY_FOR_SETUP: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub enum LinkState {
    Connecting,
    Up { registry: Registry, since: UnixMillis },
    Down { why: Trouble, since: UnixMillis },
}

impl LinkState {
    pub fn registry(&self) -> Option<&Registry> {
        if let Self::Up { registry, .. } = self { Some(registry) } else { None }
    }
}

/// Dropping it ends the connection.
#[derive(Debug)]
pub struct Link {
    state: watch::Receiver<LinkState>,
    task: JoinHandle<()>,
}

impl Link {
    /// `now` is the machine's clock, for people: "unreachable since 14:03".
    pub fn open(address: Address, now: fn() -> UnixMillis) -> Self {
        let (publish, state) = watch::channel(LinkState::Connecting);
        let task = tokio::spawn(keep(address, now, publish));
        Self { state, task }
    }

    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(address: Address, now: fn() -> UnixMillis, publish: watch::Sender<LinkState>) {
    let mut pause = RETRY_FIRST;
    loop {
        let why = match Registry::connect(&address).await {
            Ok(registry) => {
                info!(%address, "the registry is reached");
                pause = RETRY_FIRST;
                let ended = registry.clone();
                publish.send_replace(LinkState::Up { registry, since: now() });
                ended.ended().await;
                Trouble::unreachable(&address, "the connection has ended")
            }
            Err(why) => why,
        };
        pause = match &why {
            Trouble::NotSetUp => RETRY_FOR_SETUP,
            why if why.is_passing() => pause,
            _ => RETRY_FOR_A_PERSON,
        };
        publish.send_modify(|state| *state = down(state, why, now()));
        sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// The same trouble has lasted since it began.
fn down(before: &LinkState, why: Trouble, now: UnixMillis) -> LinkState {
    let since = match before {
        LinkState::Down { since, .. } => *since,
        _ => now,
    };
    let told_before = matches!(before, LinkState::Down { why: known, .. } if *known == why);
    if !told_before {
        warn!("{why}");
    }
    LinkState::Down { why, since }
}
