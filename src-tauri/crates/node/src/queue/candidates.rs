//! The machines as they stand in the choice of where a launch goes.

use cluster::{
    Ticket, TicketState,
    placement::{Candidate, Offer, Wanted, would_do},
};
use model::ServerId;
use protocol::api::{LaunchRequest, Problem};
use registry::Machine;

use super::{By, Means, request};
use crate::{continuity::Resume, roster::Launch, rows::free, whose::ADMINISTRATOR};

impl Means {
    /// This machine first, whose `launch` it would be if it can do it; the others while the registry is there.
    pub(super) fn candidates(&self, wanted: &Wanted, launch: Option<&Launch>) -> Vec<Candidate> {
        let mut machines = vec![self.this_machine(wanted, launch)];
        if self.membership.seat().is_some() {
            machines.extend(self.others());
        }
        machines
    }

    /// Which machines would do now for a place that was given out some time ago, if that has changed.
    pub(super) async fn would_do_now(&self, ticket: &Ticket) -> Option<Vec<ServerId>> {
        let TicketState::Waiting { .. } = ticket.state else { return None };
        let request = request::read(ticket.wish.launch.clone()).ok()?;
        let session = ticket.wish.session;
        let by = By { session, limited: session != ADMINISTRATOR };
        let resume = self.resumed(by, &request).await.ok()?;
        let prepared = self.prepare(by, &request, None).await;
        let wanted = wanted(&request, self.setup.server, resume.as_ref(), &prepared);
        let mut servers = would_do(&wanted, &self.candidates(&wanted, prepared.as_ref().ok())).ok()?;
        let mut known = ticket.wish.accepts.clone().unwrap_or_default();
        servers.sort_unstable();
        known.sort_unstable();
        (servers != known).then_some(servers)
    }

    /// As it is this moment, not as it told the others.
    pub(super) fn this_machine(&self, wanted: &Wanted, launch: Option<&Launch>) -> Candidate {
        let rows = self.roster.rows().borrow().clone();
        let warm = rows.values().filter(|row| row.member.is_standby());
        let offer = Offer {
            build: wanted.build.clone().unwrap_or_default(),
            default: true,
            profiles: wanted.profile.clone().into_iter().collect(),
            warm: warm
                .filter(|row| wanted.build.as_deref().is_none_or(|id| row.member.build.id.as_str() == id))
                .map(|row| row.member.profile.clone())
                .collect(),
            needs: launch.map(|launch| self.setup.resources.needs(&launch.build.id)).unwrap_or_default(),
        };
        let load = self.setup.resources.load(&rows);
        Candidate {
            server: self.setup.server,
            here: true,
            region: self.setup.here.region(),
            alive: true,
            reachable: true,
            // What stands in the way here, the admission says best.
            draining: false,
            slots_total: self.setup.slots.max(1),
            slots_free: free(self.setup.slots, &rows, false),
            offers: if launch.is_some() { vec![offer] } else { Vec::new() },
            cpu_percent: load.cpu_percent,
            gpu_memory_free_mb: load.gpu_memory_free_mb,
            encoder_sessions: load.encoder_sessions,
        }
    }

    fn others(&self) -> Vec<Candidate> {
        let fleet = self.membership.fleet().borrow().clone();
        let offers = self.membership.offers().borrow().clone();
        let others = fleet.iter().filter(|machine| machine.server != self.setup.server);
        others
            .map(|machine| {
                let offers = offers.iter().find(|(server, _)| *server == machine.server);
                let reachable = self.elsewhere.reaches(machine.server);
                candidate(machine, reachable, offers.map(|(_, offers)| offers.clone()).unwrap_or_default())
            })
            .collect()
    }
}

pub(super) fn wanted(
    request: &LaunchRequest,
    here: ServerId,
    resume: Option<&Resume>,
    prepared: &Result<Launch, Problem>,
) -> Wanted {
    // What a scene was left in is here.
    let left_here = resume.filter(|resume| resume.lost.is_none());
    let server = request.server_id.or(left_here.map(|_| here));
    let known = prepared.as_ref().ok().map(|launch| launch.build.id.to_string());
    let gone_on = resume.map(|resume| resume.by.build.to_string());
    let profile = resume.and_then(|resume| resume.by.profile.clone());
    Wanted {
        server,
        region: request.region.clone(),
        build: request.build.clone().or(gone_on).or(known),
        profile: request.profile.clone().or(profile),
    }
}

fn candidate(machine: &Machine, reachable: bool, offers: Vec<Offer>) -> Candidate {
    Candidate {
        server: machine.server,
        here: false,
        region: machine.description.region.clone(),
        alive: machine.alive,
        reachable,
        draining: machine.draining,
        slots_total: machine.slots_total,
        slots_free: machine.slots_free,
        offers,
        cpu_percent: machine.load.cpu_percent,
        gpu_memory_free_mb: machine.load.gpu_memory_free_mb,
        encoder_sessions: machine.load.encoder_sessions,
    }
}
