//! What a caller may see: a foreign thing and none at all get the same answer, so that nobody learns what there is.

use gateway::{Caller, Refused};
use model::{InstanceId, Role, SecretHash, ServerId};
use protocol::{api::Problem, signal::RefusalReason};

use super::{Desk, refused};
use crate::{events, fleet::Fleet, problem::problem, roster::Roster, rows::Row};

/// What of all machines a caller may see.
pub(super) struct Eyes {
    roster: Roster,
    fleet: Fleet,
    server: ServerId,
}

impl Eyes {
    pub(super) fn seen(&self, caller: &Caller) -> events::Seen {
        let there = self.fleet.instances(caller).into_iter().map(|view| (view.instance_id, view));
        let mut seen: events::Seen = there.collect();
        // What runs here is known best here.
        seen.extend(events::seen(&self.roster.rows().borrow(), caller, self.server));
        seen
    }
}

impl Desk {
    /// The machine that has this instance, if it is not this one.
    pub(super) async fn elsewhere(&self, id: InstanceId) -> Option<ServerId> {
        if self.roster.row(id).is_some() { None } else { self.fleet.owner(id).await }
    }

    pub(super) fn eyes(&self) -> Eyes {
        Eyes { roster: self.roster.clone(), fleet: self.fleet.clone(), server: self.server }
    }

    /// A foreign instance and none at all get the same answer, so that nobody learns which ids exist.
    pub(super) fn visible(&self, caller: &Caller, id: InstanceId) -> Result<Row, Problem> {
        self.roster.row(id).filter(|row| events::may_see(caller, row)).ok_or_else(|| {
            problem(
                404,
                "Unknown instance",
                "There is no such instance, or it is not yours. It may have been stopped.",
            )
        })
    }

    /// For its owner, administrators, and whoever has a presenter's place on its stage.
    pub(super) async fn presented(&self, caller: &Caller, id: InstanceId) -> Result<Row, Problem> {
        let hidden = match self.visible(caller, id) {
            Err(hidden) => hidden,
            seen => return seen,
        };
        let (Caller::Session(bearer), Some(row)) = (caller, self.roster.row(id)) else { return Err(hidden) };
        match row.member.stage.role_of(*bearer).await {
            Some(role) if role >= Role::Presenter => Ok(row),
            Some(_) => {
                Err(problem(403, "Not allowed", "This is for presenters. Ask for a presenter's link."))
            }
            None => Err(hidden),
        }
    }

    /// The instance, and as what this caller may watch it.
    pub(super) async fn seat(
        &self,
        caller: &Caller,
        id: InstanceId,
        invite: Option<SecretHash>,
    ) -> Result<(Row, Role), Refused> {
        let not_found = || {
            refused(
                RefusalReason::NotFound,
                "There is no such instance, or it is not yours. It may have been stopped.",
            )
        };
        let row = self.roster.row(id).ok_or_else(not_found)?;
        if events::may_see(caller, &row) {
            let role = if *caller == Caller::Admin { Role::Admin } else { Role::Owner };
            return Ok((row, role));
        }
        let invite = invite.ok_or_else(not_found)?;
        let bad = || {
            refused(
                RefusalReason::BadInvite,
                "The invitation has ended, or is for another instance. Ask for a new one.",
            )
        };
        let found = self.invitations.find(invite).await;
        let found = found.map_err(|error| refused(RefusalReason::Unavailable, error.to_string()))?;
        let role = found.filter(|invite| invite.instance == id).ok_or_else(bad)?.role;
        Ok((row, role))
    }
}
