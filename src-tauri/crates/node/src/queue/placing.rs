//! Carries out where a launch goes: here, on another machine in a slot that is reserved there, or into the queue. A machine that refuses
//! is passed over and the next one asked; the viewer notices nothing.

use std::time::Duration;

use cluster::{
    Wish,
    placement::{Candidate, Decision, Wanted, Why, decide},
};
use model::{InstanceId, ServerId};
use protocol::api::{LaunchRequest, Launched, Problem, TicketView};
use registry::{Generation, Registry, Reservation, SharedInstance, Trouble};
use serde_json::Value;
use tracing::{info, warn};
use uuid::Uuid;

use super::{
    By, Full, Outcome, Queue,
    candidates::wanted,
    launched, places,
    request::{self, keeps_its_place},
};
use crate::{
    elsewhere::Order,
    membership::Seat,
    problem::{problem, too_many},
    roster::{Launch, Started},
    rows::taken_by,
};

/// A reserved slot is taken within this, or is free again: the other machine is asked in between.
const RESERVED_FOR: Duration = Duration::from_secs(30);
/// So says an admission that has no room just now.
const FULL: u16 = 503;

impl Queue {
    /// Where it goes best; a place in the queue where nothing is free.
    pub async fn launch(&self, by: By, request: LaunchRequest) -> Result<Launched, Problem> {
        let resume = self.means.resumed(by, &request).await?;
        let prepared = self.means.prepare(by, &request, None).await;
        let seat = self.means.membership.seat();
        let wanted = wanted(&request, self.means.setup.server, resume.as_ref(), &prepared);
        let machines = self.means.candidates(&wanted, prepared.as_ref().ok());
        let placed = match seat {
            Some(seat) => self.place(by, &request, &prepared, &wanted, &machines, &seat).await,
            None => Err(Broken::NoRegistry),
        };
        match placed {
            Ok(outcome) => outcome.map(told),
            // What goes on under its own name needs the registry's word that it runs nowhere else.
            Err(_) if resume.is_some_and(|resume| resume.lost.is_some()) => Err(unsure()),
            // Without the registry this machine does what it can by itself.
            Err(why) => {
                if let Broken::Trouble(error) = why {
                    warn!(%error, "placed without the registry");
                }
                match decide(&wanted, &machines[..1], &[], 0) {
                    Decision::Nowhere(why) => Err(prepared.err().unwrap_or_else(|| nowhere(why))),
                    _ => self.launch_here(prepared?, Full::Wait(Box::new(request))).await.map(told),
                }
            }
        }
    }

    /// What another machine has this one launch, in the slot that it has reserved.
    pub async fn carry_out(&self, order: Order) -> Result<Started, Problem> {
        let Order { by: session, limited, request, reservation } = order;
        let by = By { session, limited };
        let launch = self.means.prepare(by, &request, Some(reservation.instance)).await?;
        // Who sent it has chosen by figures that are some seconds old.
        self.check_room(&launch)?;
        self.begin_here(launch, &reservation, self.means.membership.seat().as_ref()).await
    }

    fn check_room(&self, launch: &Launch) -> Result<(), Problem> {
        let (build, profile) = (Some(launch.build.id.to_string()), launch.profile.clone());
        let wanted = Wanted { build, profile, ..Wanted::default() };
        match decide(&wanted, &[self.means.this_machine(&wanted, Some(launch))], &[], 0) {
            Decision::Nowhere(why) => Err(nowhere(why)),
            _ => Ok(()),
        }
    }

    /// In the slot that is reserved here.
    async fn begin_here(
        &self,
        launch: Launch,
        reserved: &Reservation,
        seat: Option<&Seat>,
    ) -> Result<Started, Problem> {
        let lost = launch.resume.as_ref().and_then(|resume| Some((resume.id, resume.lost?)));
        if let Some((id, _)) = lost {
            self.take_over(id, seat).await?;
        }
        let begun = self.means.roster.launch(launch).await;
        let Some(Seat { registry, generation, server, .. }) = seat else { return begun };
        match &begun {
            Ok(started) => settle(registry, *generation, reserved, started.id).await,
            Err(_) => {
                if let Some((id, from)) = lost
                    && let Err(error) = registry.give_back(id, *server, from).await
                {
                    warn!(instance = %id, %error, "what could not go on here is not offered again");
                }
            }
        }
        begun
    }

    /// Nobody else goes on with it from now on, and its old machine lets it go when it comes back. Who was invited still is.
    async fn take_over(&self, id: InstanceId, seat: Option<&Seat>) -> Result<(), Problem> {
        let seat = seat.ok_or_else(unsure)?;
        match seat.registry.take_over(id, seat.server, seat.generation).await {
            Ok(true) => {}
            Ok(false) => {
                return Err(problem(
                    409,
                    "It goes on already",
                    "Its machine is back, or somebody else has it go on: open it from the home page.",
                ));
            }
            Err(error) => {
                warn!(instance = %id, %error, "not taken over");
                return Err(unsure());
            }
        }
        match seat.registry.invites(id).await {
            Ok(told) => self.means.invitations.take_over(id, &told).await,
            Err(error) => warn!(instance = %id, %error, "who was invited to it is not known any more"),
        }
        Ok(())
    }

    /// Until somebody takes it or nobody can. `Err`: the registry is not to be had.
    async fn place(
        &self,
        by: By,
        request: &LaunchRequest,
        prepared: &Result<Launch, Problem>,
        wanted: &Wanted,
        machines: &[Candidate],
        seat: &Seat,
    ) -> Result<Result<Outcome, Problem>, Broken> {
        if by.limited
            && let Some(full) = self.session_is_full(by, request.resume, &seat.registry).await?
        {
            return Ok(Err(full));
        }
        let mut refused: Vec<ServerId> = Vec::new();
        // Not for want of room: to wait for these would help nobody.
        let mut unfit: Vec<ServerId> = Vec::new();
        let mut last_word = None;
        loop {
            let draw = getrandom::u64().unwrap_or_default();
            let to = match decide(wanted, machines, &refused, draw) {
                Decision::Nowhere(why) => return Ok(Err(self.said_no(prepared, why))),
                Decision::Queue(mut servers) => {
                    servers.retain(|server| !unfit.contains(server));
                    return match last_word {
                        Some(problem) if servers.is_empty() => Ok(Err(problem)),
                        _ => self.enqueue(by, request, servers, seat).await,
                    };
                }
                Decision::Here => self.means.setup.server,
                Decision::There(server) => server,
            };
            let own = prepared.as_ref().ok().and_then(|launch| launch.id);
            let instance = own.unwrap_or_else(InstanceId::random);
            let reserved = seat.registry.reserve(to, instance, RESERVED_FOR).await?;
            let Some(reserved) = reserved else {
                refused.push(to);
                continue;
            };
            match self.begin_at(by, request, prepared, &reserved, seat).await {
                Ok(started) => return Ok(Ok(Outcome::Started(started))),
                Err(why) => {
                    info!(server = %to, why = why.detail, "a machine refused a launch; the next one is asked");
                    seat.registry.release(&reserved).await?;
                    refused.push(to);
                    if why.status != FULL {
                        unfit.push(to);
                        last_word = Some(why);
                    }
                }
            }
        }
    }

    async fn begin_at(
        &self,
        by: By,
        request: &LaunchRequest,
        prepared: &Result<Launch, Problem>,
        reserved: &Reservation,
        seat: &Seat,
    ) -> Result<Started, Problem> {
        if reserved.server == self.means.setup.server {
            let launch = prepared.clone()?;
            let launch = Launch { id: launch.id.or(Some(reserved.instance)), ..launch };
            return self.begin_here(launch, reserved, Some(seat)).await;
        }
        let order = Order {
            by: by.session,
            limited: by.limited,
            request: LaunchRequest { server_id: None, region: None, ..request.clone() },
            reservation: reserved.clone(),
        };
        Ok(self.means.elsewhere.launch(reserved.server, order).await?)
    }

    async fn enqueue(
        &self,
        by: By,
        request: &LaunchRequest,
        servers: Vec<ServerId>,
        seat: &Seat,
    ) -> Result<Result<Outcome, Problem>, Broken> {
        let launch = serde_json::to_value(request).unwrap_or(Value::Null);
        let wish = Wish { session: by.session, launch, accepts: Some(servers) };
        let rules = self.means.setup.rules;
        let ticket = match seat.registry.enqueue(&wish, rules.per_session, rules.longest).await? {
            Ok(ticket) => ticket,
            Err(full) => return Ok(Err(places::no_place(full))),
        };
        // The driver knows how long instances live.
        Ok(self.look(by, ticket.id).await.map(Outcome::Waits))
    }

    /// What runs on other machines counts too, but for what goes on now.
    async fn session_is_full(
        &self,
        by: By,
        resumed: Option<InstanceId>,
        registry: &Registry,
    ) -> Result<Option<Problem>, Trouble> {
        let here = taken_by(by.session, &self.means.roster.rows().borrow());
        let shared = registry.instances(by.session).await?;
        let elsewhere = |shared: &&SharedInstance| {
            shared.live && shared.server != self.means.setup.server && Some(shared.instance) != resumed
        };
        let there = u32::try_from(shared.iter().filter(elsewhere).count()).unwrap_or(u32::MAX);
        let most = self.means.setup.per_session;
        Ok((here.saturating_add(there) >= most).then(|| too_many(most, false)))
    }

    fn said_no(&self, prepared: &Result<Launch, Problem>, why: Why) -> Problem {
        match (prepared, why) {
            (Err(problem), Why::NoSuchBuild | Why::NoSuchProfile) => problem.clone(),
            _ => nowhere(why),
        }
    }
}

// Places that the registry keeps.
impl Queue {
    pub(super) async fn look_in_fleet(&self, by: By, id: Uuid) -> Result<TicketView, Problem> {
        let Some(seat) = self.means.membership.seat() else { return Err(self.unknown_now()) };
        let ticket = seat.registry.ticket(id, by.session).await.map_err(unreachable)?;
        let slots = self.means.membership.slots().unwrap_or(self.means.setup.slots);
        let lives = self.lives.borrow().clone();
        ticket.and_then(|ticket| places::view(&ticket, &lives, slots)).ok_or_else(places::no_ticket)
    }

    pub(super) async fn leave_fleet(&self, by: By, id: Uuid) -> Result<(), Problem> {
        let Some(seat) = self.means.membership.seat() else { return Err(self.unknown_now()) };
        let left = seat.registry.leave_queue(id, by.session).await.map_err(unreachable)?;
        if left { Ok(()) } else { Err(places::no_ticket()) }
    }

    pub(super) async fn claim_in_fleet(&self, by: By, id: Uuid) -> Result<Launched, Problem> {
        let Some(seat) = self.means.membership.seat() else { return Err(self.unknown_now()) };
        let registry = &seat.registry;
        let ticket = registry.ticket(id, by.session).await.map_err(unreachable)?;
        let ticket = ticket.ok_or_else(places::no_ticket)?;
        let request = request::read(ticket.wish.launch)?;
        let reserved = registry.claim(id, by.session).await.map_err(unreachable)?;
        let reserved = reserved.ok_or_else(places::not_yet)?;
        let prepared = self.means.prepare(by, &request, None).await;
        let begun = self.begin_at(by, &request, &prepared, &reserved, &seat).await;
        match &begun {
            // Else whoever looks after the queue would think that it came to nothing.
            Ok(_) => _ = registry.leave_queue(id, by.session).await,
            Err(why) => {
                let freed = registry.release(&reserved).await;
                let back = keeps_its_place(why) && registry.put_back(id, by.session).await.unwrap_or(false);
                info!(%id, why = why.detail, ?freed, back, "whose turn it was could not be served");
            }
        }
        begun.map(launched)
    }

    fn unknown_now(&self) -> Problem {
        match self.means.membership.stands_alone() {
            true => places::no_ticket(),
            false => unreachable("it is not there"),
        }
    }
}

/// The registry is not to be had.
enum Broken {
    NoRegistry,
    Trouble(Trouble),
}

impl From<Trouble> for Broken {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

fn unreachable(why: impl std::fmt::Display) -> Problem {
    let detail = format!(
        "The registry where the queue is kept does not answer ({why}). Your place is kept: try again in a moment."
    );
    problem(503, "The queue cannot be asked", detail)
}

fn unsure() -> Problem {
    let detail =
        "The registry does not answer, so nobody can tell whether it runs elsewhere. Try again in a moment.";
    problem(503, "It cannot go on now", detail)
}

/// The owner's word to the registry. What it does not hear now, the list of this machine's instances tells it.
async fn settle(registry: &Registry, generation: Generation, reserved: &Reservation, runs: InstanceId) {
    let told = if runs == reserved.instance {
        registry.confirm(reserved, generation).await
    } else {
        // One that stood ready was handed out, under its own name.
        registry.release(reserved).await
    };
    if let Err(error) = told {
        warn!(instance = %runs, %error, "the registry was not told that a slot is taken");
    }
}

fn told(outcome: Outcome) -> Launched {
    match outcome {
        Outcome::Started(started) => launched(started),
        Outcome::Waits(TicketView { ticket_id, position, eta_s, .. }) => {
            Launched::Queued { ticket_id, position, eta_s }
        }
    }
}

fn nowhere(why: Why) -> Problem {
    let (status, title) = match why {
        Why::NoSuchMachine | Why::NoSuchRegion => (404, "Unknown machine"),
        Why::NoSuchBuild => (404, "Unknown build"),
        Why::NoSuchProfile => (404, "Unknown profile"),
        Why::Lost | Why::OutOfReach | Why::Draining | Why::NoRoom => (503, "No machine will do"),
        Why::GpuMemory { .. } | Why::EncoderSessions { .. } => (503, "The graphics card is busy"),
    };
    problem(status, title, why.to_string())
}
