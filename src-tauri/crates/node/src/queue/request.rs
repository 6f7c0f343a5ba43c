//! From what somebody asks for to a launch, on this machine.

use model::{InstanceId, Size};
use protocol::api::{LaunchRequest, Problem};
use serde_json::Value;

use super::{By, Means};
use crate::{clock, continuity::left_scene, problem::problem, roster::Launch};

impl Means {
    /// The request, resolved. `id` is that of a reserved slot.
    pub(super) async fn prepare(
        &self,
        by: By,
        request: &LaunchRequest,
        id: Option<InstanceId>,
    ) -> Result<Launch, Problem> {
        let now = clock::now();
        let resume = match request.resume {
            Some(scene) => Some(left_scene(&self.store, by.session, scene).await?),
            None => None,
        };
        let (build, profile) = match &resume {
            Some(left) => (Some(left.by.build.as_str()), left.by.profile.as_deref()),
            None => (request.build.as_deref(), request.profile.as_deref()),
        };
        let (build, profile) = self.builds.resolve(build, profile).await?;
        let default = self.setup.default_size;
        let size =
            Size::new(request.width.unwrap_or(default.width), request.height.unwrap_or(default.height));
        let By { session, limited } = by;
        Ok(Launch { id, by: session, limited, build, profile, size: size.clamped(), resume, now })
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
