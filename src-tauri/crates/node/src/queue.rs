//! Places in the queue: a launch that finds everything full gets one, and the slot that falls free is held for whoever is first.
//!
//! ```text
//!  launch ─► placing: where? ─► here ─► the driver: free and nobody waits? ─► roster
//!                          ├─► there ─► elsewhere, in a reserved slot
//!                          └─► queue ─► the registry's, over all machines; without one this machine's own (cluster::line, journaled)
//!  a slot falls free ─► the driver holds it for the first ─► its page is told ─► claim ─► launch
//! ```
//!
//! Both queues have the same words and the same rules, and a ticket is looked for in either: who got a place while the registry was away
//! is served by the machine that gave it out.

mod candidates;
mod driver;
mod places;
mod placing;
mod request;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cluster::{line::Rules, wait::Lives};
use futures_util::Stream;
use model::{SecretHash, ServerId, Size};
use protocol::api::{LaunchRequest, Launched, Problem, TicketView};
use store::{Store, StoreError};
use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    time::sleep,
};
use uuid::Uuid;

use crate::{
    admission::Slots,
    builds::Builds,
    cloud::Here,
    config::{Config, GoesOn},
    elsewhere::Elsewhere,
    invitations::Invitations,
    life::Draining,
    membership::Membership,
    problem::problem,
    resources::Resources,
    roster::{Launch, Roster, Started},
};

/// Launches and clicks of people.
const COMMANDS: usize = 64;
/// An open page says this often that it is still there; a place is kept much longer without.
const PRESENT_EVERY: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Setup {
    pub server: ServerId,
    pub here: Here,
    pub resources: Resources,
    pub slots: u32,
    pub per_session: u32,
    pub default_size: Size,
    pub rules: Rules,
    pub goes_on: GoesOn,
    /// Present while the machine is being emptied: then no slot of it is for anybody.
    pub drain: watch::Receiver<Option<Draining>>,
}

impl Setup {
    pub fn of(
        config: &Config,
        server: ServerId,
        here: Here,
        slots: Slots,
        resources: Resources,
        drain: watch::Receiver<Option<Draining>>,
    ) -> Self {
        Self {
            server,
            here,
            resources,
            slots: slots.total,
            per_session: slots.per_session,
            default_size: config.size(),
            rules: config.queue.rules(),
            goes_on: config.relay.goes_on,
            drain,
        }
    }
}

/// The places of each session whose page is there.
pub(crate) type Places = Arc<BTreeMap<SecretHash, Vec<TicketView>>>;

/// Who launches, and what its limits are.
#[derive(Clone, Copy, Debug)]
pub struct By {
    pub session: SecretHash,
    /// An administrator has no limit of instances of his own.
    pub limited: bool,
}

/// What to do with a launch for which there is no slot.
#[derive(Clone, Debug)]
pub(crate) enum Full {
    Refuse,
    Wait(Box<LaunchRequest>),
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Started(Started),
    Waits(TicketView),
}

#[derive(Debug)]
enum Command {
    Launch {
        launch: Box<Launch>,
        full: Full,
        reply: oneshot::Sender<Result<Outcome, Problem>>,
    },
    Look {
        id: Uuid,
        session: SecretHash,
        reply: oneshot::Sender<Option<TicketView>>,
    },
    Leave {
        id: Uuid,
        session: SecretHash,
        reply: oneshot::Sender<bool>,
    },
    Claim {
        id: Uuid,
        session: SecretHash,
        reply: oneshot::Sender<Option<Result<Started, Problem>>>,
    },
    /// A page of this session is open.
    Present {
        session: SecretHash,
        reply: oneshot::Sender<()>,
    },
}

/// What launches are made with, for the queue's task and whoever speaks to it.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    setup: Arc<Setup>,
    store: Store,
    roster: Roster,
    builds: Builds,
    membership: Membership,
    invitations: Invitations,
    elsewhere: Arc<dyn Elsewhere>,
}

/// The remote control.
#[derive(Clone, Debug)]
pub struct Queue {
    means: Means,
    commands: mpsc::Sender<Command>,
    places: watch::Receiver<Places>,
    lives: watch::Receiver<Lives>,
}

impl Queue {
    /// Goes on with the places that the journal has. Its task ends with its last handle.
    pub async fn open(
        setup: Setup,
        store: Store,
        roster: Roster,
        builds: Builds,
        membership: Membership,
        invitations: Invitations,
        elsewhere: Arc<dyn Elsewhere>,
    ) -> Result<Self, StoreError> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, places) = watch::channel(Places::default());
        let (note, lives) = watch::channel(Lives::default());
        let means =
            Means { setup: Arc::new(setup), store, roster, builds, membership, invitations, elsewhere };
        let driver = driver::Driver::open(means.clone(), publish, note).await?;
        tokio::spawn(driver.run(inbox));
        Ok(Self { means, commands, places, lives })
    }

    /// A launch of the panel or the old back end: on this machine and at once, or not at all. Nobody who waits is overtaken.
    pub async fn launch_at_once(&self, by: By, request: LaunchRequest) -> Result<Started, Problem> {
        match self.launch_here(self.means.prepare(by, &request, None).await?, Full::Refuse).await? {
            Outcome::Started(started) => Ok(started),
            Outcome::Waits(_) => Err(closed()),
        }
    }

    /// How a place stands; asking keeps it.
    pub async fn look(&self, by: By, id: Uuid) -> Result<TicketView, Problem> {
        let session = by.session;
        match self.ask(|reply| Command::Look { id, session, reply }).await? {
            Some(ticket) => Ok(ticket),
            None => self.look_in_fleet(by, id).await,
        }
    }

    /// Gives the place up; a slot that was held is the next one's at once.
    pub async fn leave(&self, by: By, id: Uuid) -> Result<(), Problem> {
        let session = by.session;
        if self.ask(|reply| Command::Leave { id, session, reply }).await? {
            return Ok(());
        }
        self.leave_fleet(by, id).await
    }

    /// Whose turn it is comes for the slot that is held.
    pub async fn claim(&self, by: By, id: Uuid) -> Result<Launched, Problem> {
        let session = by.session;
        match self.ask(|reply| Command::Claim { id, session, reply }).await? {
            Some(begun) => begun.map(launched),
            None => self.claim_in_fleet(by, id).await,
        }
    }

    /// The places of a session, told at each change, for as long as its page listens. The first telling is left out where there are none.
    pub fn follow(&self, session: SecretHash) -> impl Stream<Item = Vec<TicketView>> + Send + 'static {
        let state = (self.clone(), self.places.clone(), Vec::new());
        futures_util::stream::unfold(state, move |(queue, mut places, told)| async move {
            loop {
                // Its answer means that the places of this session are looked at.
                queue.ask(|reply| Command::Present { session, reply }).await.ok()?;
                let mine = places.borrow_and_update().get(&session).cloned().unwrap_or_default();
                if mine != told {
                    return Some((mine.clone(), (queue, places, mine)));
                }
                select! {
                    changed = wait_for_change(&mut places, session, &told) => changed?,
                    () = sleep(PRESENT_EVERY) => {}
                }
            }
        })
    }

    async fn launch_here(&self, launch: Launch, full: Full) -> Result<Outcome, Problem> {
        self.ask(|reply| Command::Launch { launch: Box::new(launch), full, reply }).await?
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        drop(self.commands.send(command(reply)).await);
        answer.await.map_err(|_| closed())
    }
}

async fn wait_for_change(
    places: &mut watch::Receiver<Places>,
    session: SecretHash,
    told: &[TicketView],
) -> Option<()> {
    let other = |places: &Places| places.get(&session).map_or(&[][..], Vec::as_slice) != told;
    places.wait_for(other).await.ok().map(drop)
}

fn launched(started: Started) -> Launched {
    Launched::Instance { instance_id: started.id, url: crate::views::url(started.id), state: started.state }
}

fn closed() -> Problem {
    problem(503, "Shutting down", "This machine is shutting down.")
}
