//! This machine among the others: its row in the registry, a heartbeat, the list of its instances; and how the fleet is.
//!
//! Nothing here is waited for. What is told is how things are, not what has happened, so that after an outage one telling makes
//! everything right. Without a registry this machine stands alone, until an administrator says where one is.

mod address;
pub mod clock_difference;
mod driver;
mod found;
mod known;
mod links;
mod offers;
mod own_row;
mod scenes;

use std::sync::Arc;

use cluster::placement::Offer;
use model::{ServerId, health::HealthSample};
use protocol::{
    admin::{Password, RegistryAddress, RegistryFound, RegistryView},
    api::Problem,
};
use registry::{Address, Generation, Machine, Registry, ServerRow, SetUp, SharedInstance};
use relay::Standing;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

pub use self::{
    address::Meeting,
    own_row::{Site, describe, host},
};
use self::{address::trouble_problem, driver::Driver};
use crate::{
    builds::Builds, cloud::Here, invitations::Invitations, life::Draining, problem::problem,
    resources::Resources, roster::Roster,
};

/// Commands come from people.
const COMMANDS: usize = 8;

#[derive(Debug)]
enum Command {
    /// How this machine would stand in the registry of that address.
    Describe(Address, oneshot::Sender<Result<ServerRow, Problem>>),
    /// From now on it is this one; none is to stand alone.
    MoveTo(Option<Address>, oneshot::Sender<Result<(), Problem>>),
    /// The node ends.
    End(oneshot::Sender<()>),
}

/// What the panel and the other rooms see of it.
#[derive(Clone, Debug)]
pub struct Membership {
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<RegistryView>,
    fleet: watch::Receiver<Vec<Machine>>,
    offers: watch::Receiver<Offers>,
    shared: watch::Receiver<Arc<Vec<SharedInstance>>>,
    seat: watch::Receiver<Option<Seat>>,
    meeting: watch::Receiver<Meeting>,
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

/// What the registry is told of.
#[derive(Debug)]
pub struct Told {
    /// Whether the others can come to this machine, and at which port.
    pub standing: watch::Receiver<Standing>,
    pub here: Here,
    pub resources: Resources,
    pub roster: Roster,
    pub builds: Builds,
    pub invitations: Invitations,
    pub health: watch::Receiver<Option<HealthSample>>,
    pub drain: watch::Receiver<Option<Draining>>,
}

/// The other half: it begins once the doors are open, since it tells their ports.
#[derive(Debug)]
pub struct Beginning {
    commands: mpsc::Receiver<Command>,
    view: watch::Sender<RegistryView>,
    fleet: watch::Sender<Vec<Machine>>,
    offers: watch::Sender<Offers>,
    shared: watch::Sender<Arc<Vec<SharedInstance>>>,
    seat: watch::Sender<Option<Seat>>,
    meeting: watch::Sender<Meeting>,
}

impl Membership {
    pub fn new(meeting: Meeting) -> (Self, Beginning) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publish, view) = watch::channel(RegistryView::default());
        let (tell, fleet) = watch::channel(Vec::new());
        let (tell_offers, offers) = watch::channel(Offers::new());
        let (share, shared) = watch::channel(Arc::default());
        let (take, seat) = watch::channel(None);
        let (tell_meeting, meeting) = watch::channel(meeting);
        let beginning = Beginning {
            commands: inbox,
            view: publish,
            fleet: tell,
            offers: tell_offers,
            shared: share,
            seat: take,
            meeting: tell_meeting,
        };
        (Self { commands, view, fleet, offers, shared, seat, meeting }, beginning)
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

    /// Instances of all machines, as the registry told them last.
    pub fn shared(&self) -> watch::Receiver<Arc<Vec<SharedInstance>>> {
        self.shared.clone()
    }

    /// `None` while this machine is on its own.
    pub fn seat(&self) -> Option<Seat> {
        self.seat.borrow().clone()
    }

    /// No registry was named.
    pub fn stands_alone(&self) -> bool {
        self.meeting.borrow().address.is_none()
    }

    /// Of all machines that live; `None` while this one is on its own.
    pub fn slots(&self) -> Option<u32> {
        let alive = |machine: &&Machine| machine.alive && !machine.draining;
        self.seat.borrow().as_ref()?;
        let slots = self
            .fleet
            .borrow()
            .iter()
            .filter(alive)
            .map(|machine| machine.slots_total)
            .fold(0, u32::saturating_add);
        Some(slots)
    }

    /// Makes the tables, or adopts those of the old back end, and gives this machine its row.
    pub async fn set_up(&self) -> Result<SetUp, Problem> {
        let address = self.meeting.borrow().address.clone();
        self.meet_at(address.ok_or_else(|| {
            problem(409, "No registry", "This machine stands alone: say first where the registry is.")
        })?)
        .await
    }

    /// Looks at a database; nothing is changed there nor here.
    pub async fn try_out(
        &self,
        address: &RegistryAddress,
        password: Option<&Password>,
    ) -> Result<RegistryFound, Problem> {
        let address = self.told(address, password)?;
        let found = registry::look(&address).await;
        found
            .map(|found| found::in_words(&address, found))
            .map_err(|trouble| trouble_problem("The registry cannot be used", &trouble))
    }

    /// This machine meets the others there from now on.
    pub async fn join(
        &self,
        address: &RegistryAddress,
        password: Option<&Password>,
    ) -> Result<SetUp, Problem> {
        self.may_be_changed()?;
        self.meet_at(self.told(address, password)?).await
    }

    /// This machine stands alone from now on.
    pub async fn leave(&self) -> Result<(), Problem> {
        self.may_be_changed()?;
        self.ask(|reply| Command::MoveTo(None, reply)).await?
    }

    /// Says farewell to the others, since the node ends; returns at once when there are none.
    pub async fn end(&self) {
        drop(self.ask(Command::End).await);
    }

    async fn meet_at(&self, address: Address) -> Result<SetUp, Problem> {
        let row = self.ask(|reply| Command::Describe(address.clone(), reply)).await??;
        // The heartbeats to a registry that is left go on meanwhile.
        let done = registry::setup(&address, &row).await;
        let done = done.map_err(|trouble| trouble_problem("The registry was not set up", &trouble))?;
        self.ask(|reply| Command::MoveTo(Some(address), reply)).await??;
        Ok(done)
    }

    fn told(&self, told: &RegistryAddress, password: Option<&Password>) -> Result<Address, Problem> {
        address::told(told, password, self.meeting.borrow().address.as_ref())
    }

    fn may_be_changed(&self) -> Result<(), Problem> {
        if !self.meeting.borrow().configured {
            return Ok(());
        }
        let detail = "The registry's address stands in this machine's configuration (registry.url, or the environment variable OPENSPACE_WEBRTC_REGISTRY_URL): change it there, or take it out and restart to change it here.";
        Err(problem(409, "It stands in the configuration", detail))
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        drop(self.commands.send(command(reply)).await);
        answer.await.map_err(|_| problem(503, "Shutting down", "This machine is shutting down."))
    }
}

impl Beginning {
    pub fn begin(self, site: Site, told: Told) -> JoinHandle<()> {
        tokio::spawn(Driver::new(self, site, told).run())
    }
}
