//! This machine among the others: its row in the registry, a heartbeat, the list of its instances; and how the fleet is.
//!
//! Nothing here is waited for. What is told is how things are, not what has happened, so that after an outage one telling makes
//! everything right. Without a registry in the configuration this machine stands alone.

mod driver;
mod offers;
mod own_row;

use cluster::placement::Offer;
use model::{ServerId, health::HealthSample};
use protocol::{admin::RegistryView, api::Problem};
use registry::{Address, Generation, Machine, Registry, SetUp};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use self::driver::Driver;
pub use self::own_row::{Site, describe};
use crate::{builds::Builds, life::Draining, problem::problem, roster::Roster};

/// Commands come from people.
const COMMANDS: usize = 8;

#[derive(Debug)]
enum Command {
    SetUp(oneshot::Sender<Result<SetUp, Problem>>),
    /// The node ends.
    Leave(oneshot::Sender<()>),
}

/// What the panel and the other rooms see of it.
#[derive(Clone, Debug)]
pub struct Membership {
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<RegistryView>,
    fleet: watch::Receiver<Vec<Machine>>,
    offers: watch::Receiver<Offers>,
    seat: watch::Receiver<Option<Seat>>,
}

/// What can be launched where.
pub type Offers = Vec<(ServerId, Vec<Offer>)>;

/// This machine's place among the others, while the registry is there and knows it.
#[derive(Clone, Debug)]
pub struct Seat {
    pub registry: Registry,
    pub server: ServerId,
    pub generation: Generation,
    /// Somebody waits for a slot, as the last heartbeat was told.
    pub waiting: bool,
}

/// The other half: it begins once the doors are open, since it tells their ports.
#[derive(Debug)]
pub struct Beginning {
    commands: mpsc::Receiver<Command>,
    view: watch::Sender<RegistryView>,
    fleet: watch::Sender<Vec<Machine>>,
    offers: watch::Sender<Offers>,
    seat: watch::Sender<Option<Seat>>,
}

impl Membership {
    pub fn new() -> (Self, Beginning) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, view) = watch::channel(RegistryView::default());
        let (tell, fleet) = watch::channel(Vec::new());
        let (tell_offers, offers) = watch::channel(Offers::new());
        let (take, seat) = watch::channel(None);
        let beginning =
            Beginning { commands: inbox, view: publish, fleet: tell, offers: tell_offers, seat: take };
        (Self { commands, view, fleet, offers, seat }, beginning)
    }

    pub fn view(&self) -> RegistryView {
        self.view.borrow().clone()
    }

    /// As the registry told it last; empty while there is none.
    pub fn fleet(&self) -> watch::Receiver<Vec<Machine>> {
        self.fleet.clone()
    }

    /// As the others told it last.
    pub fn offers(&self) -> watch::Receiver<Offers> {
        self.offers.clone()
    }

    /// `None` while this machine is on its own.
    pub fn seat(&self) -> Option<Seat> {
        self.seat.borrow().clone()
    }

    /// No registry is configured.
    pub fn stands_alone(&self) -> bool {
        self.commands.is_closed()
    }

    /// Of all machines that live; `None` while this one is on its own.
    pub fn slots(&self) -> Option<u32> {
        let alive = |machine: &&Machine| machine.alive && !machine.draining;
        self.seat.borrow().as_ref()?;
        Some(self.fleet.borrow().iter().filter(alive).map(|machine| machine.slots_total).sum())
    }

    /// Makes the tables, or adopts those of the old back end, and gives this machine its row.
    pub async fn set_up(&self) -> Result<SetUp, Problem> {
        let (reply, answer) = oneshot::channel();
        let alone = || {
            problem(
                409,
                "No registry",
                "This machine stands alone: name a Postgres database with registry.url in the configuration, then restart.",
            )
        };
        self.commands.send(Command::SetUp(reply)).await.map_err(|_| alone())?;
        answer.await.unwrap_or_else(|_| Err(alone()))
    }

    /// Says farewell to the others; returns at once when there are none.
    pub async fn leave(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Leave(reply)).await.is_ok() {
            drop(done.await);
        }
    }
}

impl Beginning {
    pub fn begin(
        self,
        address: Address,
        site: Site,
        roster: Roster,
        builds: Builds,
        health: watch::Receiver<Option<HealthSample>>,
        drain: watch::Receiver<Option<Draining>>,
    ) -> JoinHandle<()> {
        tokio::spawn(Driver::new(self, address, site, roster, builds, health, drain).run())
    }
}
