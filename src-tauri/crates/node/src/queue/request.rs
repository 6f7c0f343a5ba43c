//! From what somebody asks for to a launch, on this machine.

use model::{InstanceId, Size};
use protocol::api::{LaunchRequest, Problem};
use serde_json::Value;

use super::{By, Means};
use crate::{
    clock,
    config::GoesOn,
    continuity::{Resume, left_scene, lost},
    problem::problem,
    roster::Launch,
};

impl Means {
    /// The request, resolved. `id` is that of a reserved slot.
    pub(super) async fn prepare(
        &self,
        by: By,
        request: &LaunchRequest,
        id: Option<InstanceId>,
    ) -> Result<Launch, Problem> {
        let now = clock::now();
        let resume = self.resumed(by, request).await?;
        let lost = resume.as_ref().filter(|resume| resume.lost.is_some()).map(|resume| resume.id);
        let (build, profile) = match &resume {
            Some(left) => (Some(left.by.build.as_str()), left.by.profile.as_deref()),
            None => (request.build.as_deref(), request.profile.as_deref()),
        };
        let (build, profile) = self.builds.resolve(build, profile).await?;
        let default = self.setup.default_size;
        let size =
            Size::new(request.width.unwrap_or(default.width), request.height.unwrap_or(default.height));
        let By { session, limited } = by;
        // Whoever has it go on, it stays whose it was.
        let by = resume.as_ref().filter(|_| lost.is_some()).map_or(session, |lost| lost.by.session);
        let id = lost.or(id);
        Ok(Launch { id, by, limited, build, profile, size: size.clamped(), resume, now })
    }

    /// What the request goes on with: what was left here, or what ran on a machine that is lost.
    pub(super) async fn resumed(&self, by: By, request: &LaunchRequest) -> Result<Option<Resume>, Problem> {
        let Some(id) = request.resume else { return Ok(None) };
        let unknown = match left_scene(&self.store, by.session, id).await {
            Ok(left) => return Ok(Some(left)),
            Err(unknown) => unknown,
        };
        let seat = self.membership.seat().filter(|_| self.setup.goes_on != GoesOn::Never);
        let Some(seat) = seat else { return Err(unknown) };
        lost(&seat.registry, by.session, id).await?.map(Some).ok_or(unknown)
    }
}

/// What a place in the queue was for.
pub(super) fn read(wish: Value) -> Result<LaunchRequest, Problem> {
    serde_json::from_value(wish)
        .map_err(|_| problem(409, "Launch again", "What this place was for cannot be read any more."))
}

/// Whose turn was in vain stays the first of those who wait, unless it asks for what is no more.
pub(super) const fn keeps_its_place(why: &Problem) -> bool {
    why.status >= 500
}
