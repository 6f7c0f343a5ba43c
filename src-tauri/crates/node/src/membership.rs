//! This machine among the others: its row in the registry, a heartbeat, the list of its instances; and how the fleet is.
//!
//! Nothing here is waited for. What is told is how things are, not what has happened, so that after an outage one telling makes
//! everything right. Without a registry in the configuration this machine stands alone.

mod driver;
mod own_row;

use model::health::HealthSample;
use protocol::{admin::RegistryView, api::Problem};
use registry::{Address, Machine, SetUp};
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
}

/// The other half: it begins once the doors are open, since it tells their ports.
#[derive(Debug)]
pub struct Beginning {
    commands: mpsc::Receiver<Command>,
    view: watch::Sender<RegistryView>,
    fleet: watch::Sender<Vec<Machine>>,
}

impl Membership {
    pub fn new() -> (Self, Beginning) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, view) = watch::channel(RegistryView::default());
        let (tell, fleet) = watch::channel(Vec::new());
        (Self { commands, view, fleet }, Beginning { commands: inbox, view: publish, fleet: tell })
    }

    pub fn view(&self) -> RegistryView {
        self.view.borrow().clone()
    }

    /// As the registry told it last; empty while there is none.
    pub fn fleet(&self) -> watch::Receiver<Vec<Machine>> {
        self.fleet.clone()
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
