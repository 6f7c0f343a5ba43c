//! What instances showed when they ended, kept for those whose they were.

use model::{InstanceId, SecretHash};
use protocol::api::Problem;
use store::{LeftScene, Store};

use crate::problem::{journal, problem};

/// The scene of this session by the instance that showed it.
pub async fn left_scene(store: &Store, session: SecretHash, id: InstanceId) -> Result<LeftScene, Problem> {
    let left = store.left_scenes(session).await.map_err(journal)?;
    left.into_iter().find(|scene| scene.id == id).ok_or_else(no_scene)
}

fn no_scene() -> Problem {
    problem(
        404,
        "Unknown scene",
        "There is no such scene to go on with, or it is not yours. It may have been gone on with already.",
    )
}
