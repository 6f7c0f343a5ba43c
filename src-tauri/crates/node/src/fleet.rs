//! The other machines of the fleet: what runs there, and how one has them do something.
//!
//! Where a machine is and what it runs is read from the registry; what is asked of it goes over the [`relay`] link, whose certificates
//! say that it is the one. The machine that has an instance decides about it: it is told who asks, and judges by itself.

mod door;
mod others;
mod player;
mod removal;
mod viewer;
mod waiting;
mod way;
pub mod words;

use std::{path::Path, sync::Arc, time::Duration};

use gateway::{Caller, Refused, ViewerChannel};
use model::{InstanceId, ServerId};
use protocol::{
    api::{InstanceView, InviteCreated, InviteRequest, Problem, ServerView},
    fleet::{FleetRole, FleetView, LostView, MachineView},
    signal::{Hello, RefusalReason},
};
use registry::{Machine, Registry};
use relay::{Incoming, MESSAGE_BYTES_MAX, Relay, Standing, Stream, Trouble};
use streaming::MediaPort;
use tokio::sync::{mpsc, watch};

pub use self::{
    door::{announce, dir, me},
    others::{Lost, Others},
    viewer::{hosted, interrupted},
    waiting::{Prospect, Turn},
};
use self::{
    way::Way,
    words::{Ask, Asker, Question, Reply},
};
use crate::{
    config::{Config, GoesOn},
    elsewhere::{Elsewhere, Order, Refusal},
    membership::{self, Membership},
    problem::problem,
    roster::Started,
    views::sentence,
    whose::{ADMINISTRATOR, invite_hash},
};

/// A launch is journalled there before it is answered; a thumbnail is taken. A page asks again after fifteen seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// This machine among the others. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fleet {
    me: ServerId,
    relay: Relay,
    media: MediaPort,
    membership: Membership,
    machines: watch::Receiver<Vec<Machine>>,
    others: watch::Sender<Arc<Others>>,
    /// How another machine reaches this one.
    host: String,
    goes_on: GoesOn,
}

impl Fleet {
    /// The door opens if this machine belongs to a fleet; the visits are those of the other machines.
    pub async fn open(
        config: &Config,
        data_dir: &Path,
        me: ServerId,
        membership: &Membership,
        media: MediaPort,
    ) -> (Self, mpsc::Receiver<Incoming>) {
        let (relay, visits) = Relay::open(door::config(config, data_dir, me)).await;
        let (machines, membership) = (membership.fleet(), membership.clone());
        let others = watch::Sender::new(Arc::default());
        let (host, goes_on) = (membership::host(config), config.relay.goes_on);
        (Self { me, relay, media, membership, machines, others, host, goes_on }, visits)
    }

    /// Looks at the others. Ends with the node.
    pub async fn run(self) {
        tokio::join!(others::follow(self.clone()), removal::tell(self));
    }

    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.relay.standing()
    }

    /// Instances of the other machines, whenever they change.
    pub fn others(&self) -> watch::Receiver<Arc<Others>> {
        self.others.subscribe()
    }

    /// What an administrator should know of the others.
    pub fn warnings(&self) -> Vec<String> {
        self.others.borrow().warnings().collect()
    }

    /// While it is reached.
    fn registry(&self) -> Option<Registry> {
        self.membership.seat().map(|seat| seat.registry)
    }

    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// The machine that has this instance, if another one has it.
    pub async fn owner(&self, id: InstanceId) -> Option<ServerId> {
        if let Some(known) = self.others.borrow().owner(id) {
            return Some(known);
        }
        // Alone it could not go there anyway.
        self.relay.standing().borrow().port()?;
        let registry = self.registry()?;
        let asked = tokio::time::timeout(Duration::from_secs(1), registry.instance(id)).await;
        asked.ok()?.ok()?.map(|shared| shared.server).filter(|server| *server != self.me)
    }

    pub fn instances(&self, caller: &Caller) -> Vec<InstanceView> {
        self.others.borrow().seen(caller)
    }

    pub async fn instance(
        &self,
        at: ServerId,
        caller: &Caller,
        id: InstanceId,
    ) -> Result<InstanceView, Problem> {
        let known = self.others.borrow().one(caller, id);
        if let Some(view) = known {
            return Ok(view);
        }
        match self.ask(at, Asker::of(caller), Question::Instance { id }).await? {
            Reply::Instance(view) => Ok(*view),
            other => Err(unexpected(&other).into()),
        }
    }

    pub async fn stop(&self, at: ServerId, caller: &Caller, id: InstanceId) -> Result<(), Problem> {
        self.ask(at, Asker::of(caller), Question::Stop { id }).await.map(drop).map_err(Problem::from)
    }

    pub async fn invite(
        &self,
        at: ServerId,
        caller: &Caller,
        id: InstanceId,
        request: InviteRequest,
    ) -> Result<InviteCreated, Problem> {
        match self.ask(at, Asker::of(caller), Question::Invite { id, request }).await? {
            Reply::Invited(invite) => Ok(invite),
            other => Err(unexpected(&other).into()),
        }
    }

    pub async fn thumbnail(&self, at: ServerId, caller: &Caller, id: InstanceId) -> Result<Vec<u8>, Problem> {
        match self.ask(at, Asker::of(caller), Question::Thumbnail { id }).await? {
            Reply::Thumbnail(picture) => Ok(picture.0),
            other => Err(unexpected(&other).into()),
        }
    }

    /// A viewer of an instance that runs there: its signaling goes through here, its media does not.
    pub async fn attend(
        &self,
        at: ServerId,
        caller: &Caller,
        instance: InstanceId,
        hello: &Hello,
    ) -> Result<ViewerChannel, Refused> {
        if let Some(lost) = self.lost(caller, instance) {
            return Ok(self.wait(lost, hello, Prospect::None));
        }
        let question = Question::Attend {
            id: instance,
            invite: hello.invite.as_deref().map(|invite| invite_hash(invite).to_hex()),
            viewer_id: hello.viewer_id,
        };
        let opening = Ask { by: Asker::of(caller), question }.encode();
        let place = self.place(at).map_err(|why| self.away(at, &why, instance, hello))?;
        let stream = match self.relay.stream(at, &place, opening).await {
            Ok(stream) => stream,
            // Its media may well go on: the page is not told no, it tries again.
            Err(_) if hello.viewer_id.is_some() && self.is_alive(at) => return Ok(interrupted()),
            Err(why) => return Err(self.away(at, &why.to_string(), instance, hello)),
        };
        viewer::relayed(stream, self.way(&place).await).await.unwrap_or_else(|| Ok(interrupted()))
    }

    /// The page waits until something becomes of what is lost.
    pub fn wait(&self, lost: Lost, hello: &Hello, prospect: Prospect) -> ViewerChannel {
        waiting::room(self.others(), lost, hello.viewer_id, prospect)
    }

    fn lost(&self, caller: &Caller, id: InstanceId) -> Option<Lost> {
        self.others.borrow().lost(caller, id)
    }

    /// An instance of this caller's that is lost with its machine, where it is to go on elsewhere without a question.
    pub fn to_go_on(&self, caller: &Caller, id: InstanceId) -> Option<Lost> {
        self.lost(caller, id).filter(|_| self.goes_on == GoesOn::Auto)
    }

    fn away(&self, at: ServerId, why: &str, id: InstanceId, hello: &Hello) -> Refused {
        tracing::debug!(server = %at, why, resumed = hello.viewer_id.is_some(), "a viewer waits for another machine");
        let name = self.name(at);
        let message = match (self.others.borrow().is_lost(id), self.goes_on) {
            (false, _) => format!("The machine {name}, where this runs, does not answer at the moment."),
            (true, GoesOn::Never) => {
                format!("The machine {name} does not answer any more. This goes on as soon as it is back.")
            }
            (true, _) => format!(
                "The machine {name} does not answer any more. This goes on as soon as it is back, or whose it is continues it \
                 on another machine."
            ),
        };
        let message = format!("{message} This page tries again by itself.");
        Refused { reason: RefusalReason::Unavailable, message, retry_after_s: Some(5) }
    }

    /// Machines that can be launched on from here, besides this one.
    pub fn servers(&self) -> Vec<ServerView> {
        let machines = self.machines.borrow();
        let offers = self.membership.offers().borrow().clone();
        let offers_something =
            |server| offers.iter().any(|(known, offers)| *known == server && !offers.is_empty());
        let there = machines.iter().filter(|machine| {
            machine.alive && self.reaches(machine.server) && offers_something(machine.server)
        });
        there
            .map(|machine| ServerView {
                server_id: machine.server,
                name: machine.description.name.clone(),
                region: machine.description.region.clone(),
                slots_total: machine.slots_total,
                slots_free: if machine.draining { 0 } else { machine.slots_free },
                this_machine: false,
                draining: machine.draining,
            })
            .collect()
    }

    pub fn view(&self) -> FleetView {
        let standing = self.relay.standing().borrow().clone();
        let (founder, port, trouble) = match standing {
            Standing::Alone => return FleetView::default(),
            Standing::Broken { why } => {
                return FleetView { trouble: Some(sentence(&why)), ..FleetView::default() };
            }
            Standing::Removed { founder } => {
                let name = self.name(founder);
                let trouble = format!(
                    "This machine was removed from its fleet. What runs here runs on. A new join code of its founder, {name}, lets it in again."
                );
                return FleetView { trouble: Some(trouble), ..FleetView::default() };
            }
            Standing::Member { founder, port, trouble } => (founder, port, trouble),
        };
        let others = self.others.borrow();
        let lost = others.all_lost().map(|view| LostView {
            instance_id: view.instance_id,
            build_name: view.build_name.clone(),
            profile: view.profile.clone(),
            machine: self.name(view.server_id),
            rescue: view.rescue,
        });
        let lost = lost.collect();
        let machines = self.machines.borrow();
        let member = |machine: &&Machine| machine.server == self.me || machine.description.relay.is_some();
        FleetView {
            role: if founder == self.me { FleetRole::Founder } else { FleetRole::Member },
            port,
            trouble: trouble.map(|why| sentence(&why)),
            lost,
            machines: machines
                .iter()
                .filter(member)
                .map(|machine| MachineView {
                    server_id: machine.server,
                    name: machine.description.name.clone(),
                    version: machine.description.version.clone(),
                    region: machine.description.region.clone(),
                    alive: machine.alive,
                    slots_total: machine.slots_total,
                    slots_free: machine.slots_free,
                    founder: machine.server == founder,
                    this_machine: machine.server == self.me,
                })
                .collect(),
        }
    }

    /// Makes this machine a fleet's first if it belongs to none.
    pub async fn code(&self) -> Result<String, Problem> {
        let standing = self.relay.standing().borrow().clone();
        if matches!(standing, Standing::Alone | Standing::Removed { .. }) {
            self.relay.found().await.map_err(refused)?;
        }
        Ok(self.relay.code(&self.host).await.map_err(refused)?.reveal())
    }

    pub async fn found(&self) -> Result<(), Problem> {
        self.relay.found().await.map_err(refused)
    }

    pub async fn join(&self, code: &str) -> Result<(), Problem> {
        self.relay.join(code.parse().map_err(refused)?).await.map_err(refused)
    }

    pub async fn leave(&self) -> Result<(), Problem> {
        self.relay.leave().await.map_err(refused)
    }

    /// It is not trusted any more; and where it is lost, it is forgotten, and with it what was lost with it.
    pub async fn remove(&self, server: ServerId) -> Result<(), Problem> {
        self.relay.remove(server).await.map_err(refused)?;
        let Some(registry) = self.registry() else { return Ok(()) };
        match registry.forget(server).await {
            Ok(Some(gone)) => {
                tracing::info!(%server, name = gone.name, instances = gone.instances, "the registry has forgotten a machine that was lost")
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%server, %error, "the registry still has a machine that was removed")
            }
        }
        Ok(())
    }

    pub fn name(&self, server: ServerId) -> String {
        let machines = self.machines.borrow();
        machines
            .iter()
            .find(|machine| machine.server == server)
            .map_or_else(|| server.to_string(), |machine| machine.description.name.clone())
    }

    /// For media that cannot come directly; `place` is where that machine's door is.
    async fn way(&self, place: &str) -> Option<Way> {
        let found = tokio::net::lookup_host(place).await.ok()?.next()?;
        Some(Way::new(self.media.clone(), found.ip()))
    }

    fn is_alive(&self, server: ServerId) -> bool {
        self.machines.borrow().iter().any(|machine| machine.server == server && machine.alive)
    }

    fn place(&self, server: ServerId) -> Result<String, String> {
        let machines = self.machines.borrow();
        let machine = machines.iter().find(|machine| machine.server == server);
        let machine = machine.ok_or("the registry does not know that machine")?;
        machine.description.relay.clone().ok_or_else(|| "that machine has not joined the fleet".to_owned())
    }

    async fn ask(&self, at: ServerId, by: Asker, question: Question) -> Result<Reply, Refusal> {
        self.converse(at, by, question).await.map(|(reply, _)| reply)
    }

    /// The stream is for what follows the reply.
    async fn converse(
        &self,
        at: ServerId,
        by: Asker,
        question: Question,
    ) -> Result<(Reply, Stream), Refusal> {
        let unreachable = |why: String| {
            tracing::debug!(server = %at, why, "another machine was asked in vain");
            Refusal::Unreachable(format!("The machine {} does not answer: {}", self.name(at), sentence(&why)))
        };
        let place = self.place(at).map_err(unreachable)?;
        let ask = Ask { by, question }.encode();
        if ask.len() > MESSAGE_BYTES_MAX {
            let detail =
                format!("What is asked is too long to be passed on to the machine {}.", self.name(at));
            return Err(Refusal::Refused(problem(413, "Too long", detail)));
        }
        let answer = self.relay.question(at, &place, ask, ANSWER_WITHIN).await;
        let (answer, stream) = answer.map_err(|why| unreachable(why.to_string()))?;
        match Reply::decode(&answer) {
            Some(Reply::No(problem)) => Err(Refusal::Refused(problem)),
            Some(reply) => Ok((reply, stream)),
            None => Err(unreachable("its answer was not understood".to_owned())),
        }
    }
}

#[async_trait::async_trait]
impl Elsewhere for Fleet {
    fn reaches(&self, server: ServerId) -> bool {
        server != self.me && self.relay.standing().borrow().port().is_some() && self.place(server).is_ok()
    }

    async fn launch(&self, server: ServerId, order: Order) -> Result<Started, Refusal> {
        let by = if order.by == ADMINISTRATOR { Asker::Admin } else { Asker::session(order.by) };
        let Order { limited, request, reservation, .. } = order;
        let question = Question::Launch { limited, request, reservation };
        match self.ask(server, by, question).await? {
            Reply::Instance(view) => {
                let started = Started { id: view.instance_id, state: view.state };
                self.others.send_modify(|others| Arc::make_mut(others).expect(order.by, server, *view));
                Ok(started)
            }
            other => Err(unexpected(&other)),
        }
    }
}

fn refused(why: Trouble) -> Problem {
    let status = match why {
        Trouble::BadCode(_) => 422,
        Trouble::Alone | Trouble::Outcast | Trouble::AlreadyMember { .. } | Trouble::NotFounder { .. } => 409,
        Trouble::TooManyAttempts => 429,
        _ => 503,
    };
    problem(status, "The fleet stays as it is", sentence(&why.to_string()))
}

fn unexpected(reply: &Reply) -> Refusal {
    tracing::warn!(?reply, "another machine answered something else");
    Refusal::Unreachable("The other machine answered something else: both need the same version.".to_owned())
}
