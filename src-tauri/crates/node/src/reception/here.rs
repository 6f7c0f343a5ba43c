//! What is asked about instances of this machine, whether it came to its own door or from another machine.

use gateway::{Caller, Refused, ViewerChannel};
use model::{InstanceId, InstanceState, Role, SecretHash, StopReason, UnixMillis, ViewerId};
use protocol::{
    admin::AdminReply,
    api::{InstanceView, InviteCreated, InviteRequest, LaunchRequest, Launched, Problem},
    signal::Hello,
};
use store::Invite;
use tracing::info;

use super::{Desk, by};
use crate::{
    clock,
    fleet::{Lost, Prospect, Turn, interrupted},
    invitations::TTL_MAX_S,
    problem::{journal, problem},
    session::{Session, Viewer},
    socket::Socket,
    views,
};

const INVITE_TTL_S: u32 = 24 * 3600;
const THUMBNAIL_WIDTH: u32 = 320;

/// A viewer at the door.
#[derive(Clone, Debug)]
pub struct Guest {
    pub caller: Caller,
    pub bearer: SecretHash,
    pub invite: Option<SecretHash>,
    /// To go on as the viewer one was.
    pub viewer_id: Option<ViewerId>,
    /// At most; see [`Role`].
    pub role_max: Role,
}

impl Desk {
    /// Begins what is lost with its machine elsewhere, as its page would; until then its page waits.
    pub(super) async fn goes_on(&self, caller: &Caller, lost: Lost, hello: &Hello) -> ViewerChannel {
        let id = lost.view.instance_id;
        let request = LaunchRequest { resume: Some(id), ..LaunchRequest::default() };
        let by = by(caller);
        let prospect = match self.queue.launch(by, request).await {
            Ok(Launched::Instance { .. }) => return interrupted(),
            Ok(Launched::Queued { ticket_id: ticket, .. }) => {
                Prospect::Turn(Box::new(Turn { queue: self.queue.clone(), by, ticket }))
            }
            Err(why) => {
                info!(instance = %id, why = why.detail, "what was lost with its machine does not go on by itself");
                Prospect::Again(why.detail)
            }
        };
        self.fleet.wait(lost, hello, prospect)
    }

    /// By an administrator's word, who does not wait in the queue.
    pub(super) async fn go_on(&self, id: InstanceId) -> Result<AdminReply, Problem> {
        let by = by(&Caller::Admin);
        let request = LaunchRequest { resume: Some(id), ..LaunchRequest::default() };
        match self.queue.launch(by, request).await? {
            Launched::Instance { instance_id, url, .. } => Ok(AdminReply::Launched { instance_id, url }),
            Launched::Queued { ticket_id, .. } => {
                self.queue.leave(by, ticket_id).await?;
                let detail =
                    "All places of the other machines are taken. Try again when one has been stopped.";
                Err(problem(503, "It cannot go on now", detail))
            }
        }
    }

    pub fn view_here(&self, caller: &Caller, id: InstanceId) -> Result<InstanceView, Problem> {
        Ok(views::instance(&self.visible(caller, id)?, self.server))
    }

    pub async fn stop_here(&self, caller: &Caller, id: InstanceId) -> Result<(), Problem> {
        self.visible(caller, id)?;
        let reason = match caller {
            Caller::Session(_) => StopReason::Viewer,
            Caller::Admin => StopReason::Administrator,
        };
        self.roster.stop(id, reason).await;
        Ok(())
    }

    pub async fn invite_here(
        &self,
        caller: &Caller,
        id: InstanceId,
        request: InviteRequest,
    ) -> Result<InviteCreated, Problem> {
        self.presented(caller, id).await?;
        let ttl_s = request.ttl_s.unwrap_or(INVITE_TTL_S);
        if request.role == Role::Admin || (request.role == Role::Owner && *caller != Caller::Admin) {
            return Err(problem(
                403,
                "Not allowed",
                "An invite may be for a watcher, a pilot or a presenter.",
            ));
        }
        if !(1..=TTL_MAX_S).contains(&ttl_s) {
            return Err(problem(
                422,
                "Bad lifetime",
                format!("ttl_s must lie between 1 and {TTL_MAX_S} seconds."),
            ));
        }
        let secret = clock::new_secret();
        let expires = UnixMillis(clock::now().0 + i64::from(ttl_s) * 1000);
        let invite = Invite { instance: id, role: request.role, expires };
        self.invitations.add(secret.hash(), invite).await.map_err(journal)?;
        Ok(InviteCreated { url: format!("{}#invite={}", views::url(id), secret.reveal()) })
    }

    pub async fn thumbnail_here(&self, caller: &Caller, id: InstanceId) -> Result<Vec<u8>, Problem> {
        let row = self.visible(caller, id)?;
        let none = || problem(404, "No picture yet", "The instance shows nothing at the moment.");
        let ready = row.report.status.state == InstanceState::Ready;
        let display = row.report.running.filter(|_| ready).ok_or_else(none)?.display.address;
        let taken = tokio::task::spawn_blocking(move || media::thumbnail(&display, THUMBNAIL_WIDTH)).await;
        taken.ok().and_then(Result::ok).ok_or_else(none)
    }

    pub async fn attend_here(&self, guest: Guest, instance: InstanceId) -> Result<ViewerChannel, Refused> {
        let Guest { caller, bearer, invite, viewer_id, role_max } = guest;
        let (row, role) = self.seat(&caller, instance, invite).await?;
        let (socket, channel) = Socket::pair();
        let returning = match viewer_id {
            Some(viewer) => row.member.stage.resume(viewer, bearer, socket).await,
            None => Some(socket),
        };
        if let Some(socket) = returning {
            let viewer = Viewer { id: ViewerId::random(), role: role.min(role_max), bearer };
            tokio::spawn(Session::run(viewer, row.member, self.means.clone(), socket));
        }
        Ok(channel)
    }
}
