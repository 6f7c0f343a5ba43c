//! What a launch may go on with: a scene that was left here, or an instance whose machine is lost.

use model::{InstanceId, SavedScene, SecretHash, ServerId};
use protocol::api::{InstanceView, Problem};
use registry::Registry;
use store::{LeftBy, LeftScene, Store};

use crate::{
    problem::{journal, problem},
    whose::ADMINISTRATOR,
};

/// What is gone on with.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The instance that showed it.
    pub id: InstanceId,
    pub by: LeftBy,
    /// Absent where only what ran is known.
    pub scene: Option<SavedScene>,
    /// The machine that is lost, and with it the instance: it goes on under its own name.
    pub lost: Option<ServerId>,
}

impl Resume {
    /// Of an instance that has ended.
    fn left(LeftScene { id, by, scene, .. }: LeftScene) -> Self {
        Self { id, by, scene: Some(scene), lost: None }
    }
}

/// The scene of this session by the instance that showed it.
pub async fn left_scene(store: &Store, session: SecretHash, id: InstanceId) -> Result<Resume, Problem> {
    let left = store.left_scenes(session).await.map_err(journal)?;
    left.into_iter().find(|scene| scene.id == id).map(Resume::left).ok_or_else(no_scene)
}

/// An instance of this session, or anybody's for an administrator, whose machine is lost. `None`: the registry knows of none such.
pub async fn lost(
    registry: &Registry,
    session: SecretHash,
    id: InstanceId,
) -> Result<Option<Resume>, Problem> {
    let asked = registry.known(id).await.map_err(|error| {
        problem(
            503,
            "The registry cannot be asked",
            format!("What ran on the lost machine is not known: {error}."),
        )
    })?;
    let may = |owner: SecretHash| owner == session || session == ADMINISTRATOR;
    let Some(known) = asked.filter(|known| may(known.shared.session)) else { return Ok(None) };
    // A row that another version wrote, or somebody has edited.
    let Ok(view) = serde_json::from_value::<InstanceView>(known.shared.view) else { return Ok(None) };
    if !known.lost {
        let detail = "Its machine answers (again): it goes on there. Open it from the home page.";
        return Err(problem(409, "It runs", detail));
    }
    if !view.state.is_live() {
        return Ok(None);
    }
    let Ok(build) = view.build.parse() else { return Ok(None) };
    let by = LeftBy { session: known.shared.session, build, profile: view.profile };
    let scene = known.scene.and_then(|scene| serde_json::from_value(scene).ok());
    Ok(Some(Resume { id, by, scene, lost: Some(known.shared.server) }))
}

fn no_scene() -> Problem {
    problem(
        404,
        "Unknown scene",
        "There is no such scene to go on with, or it is not yours. It may have been gone on with already.",
    )
}
