//! Follows the instances: what a program that is ready says of itself is kept with its build, and so is why a start came to nothing.

use std::collections::HashSet;

use model::{ApiGeneration, BuildKind, Confirmed, InstanceId, InstanceState};
use openspace::client::Version;
use tokio::sync::watch;
use tracing::debug;

use super::{Builds, Command};
use crate::{
    clock,
    rows::{Row, Rows},
};

/// Runs until the roster is gone.
pub async fn follow_starts(builds: Builds, mut rows: watch::Receiver<Rows>) {
    let mut told: HashSet<(InstanceId, InstanceState)> = HashSet::new();
    loop {
        let now = rows.borrow_and_update().clone();
        // A restart is a start of its own.
        told.retain(|(id, state)| now.get(id).is_some_and(|row| row.report.status.state == *state));
        for row in now.values() {
            let state = row.report.status.state;
            let key = (row.member.id, state);
            let is_news = match state {
                InstanceState::Ready if row.member.build.is_openspace() => row.report.client.is_some(),
                InstanceState::Ready | InstanceState::Failed => true,
                _ => false,
            };
            if is_news && told.insert(key) {
                tell(&builds, row);
            }
        }
        if rows.changed().await.is_err() {
            return;
        }
    }
}

fn tell(builds: &Builds, row: &Row) {
    let id = row.member.build.id.clone();
    match (row.report.status.state, row.report.client.clone()) {
        (InstanceState::Failed, _) => {
            let failure = row.report.status.message.clone();
            builds.tell(Command::Started { id, failure });
        }
        (_, Some(client)) => {
            let BuildKind::OpenSpace { dir, api, .. } = row.member.build.kind.clone() else { return };
            let builds = builds.clone();
            // Ends by itself: each question to the program has its deadline.
            tokio::spawn(async move {
                match client.version().await {
                    Ok(version) => {
                        let mark = tokio::task::spawn_blocking(move || openspace::build::program_mark(&dir));
                        if let Ok(Some(program)) = mark.await {
                            builds.tell(Command::Confirm { id, said: confirmed(version, api, program) });
                        }
                    }
                    Err(error) => {
                        debug!(build = %id, %error, "a program that is ready does not say what it is")
                    }
                }
            });
        }
        _ => builds.tell(Command::Started { id, failure: None }),
    }
}

/// A development build has no number; then the dialect in which it answered is all that is known.
fn confirmed(version: Version, answered: ApiGeneration, program: String) -> Confirmed {
    let number = Some(version.openspace).filter(|number| !number.is_empty() && !number.starts_with("255."));
    let api = number.as_deref().and_then(openspace::build::api_of_version).unwrap_or(answered);
    Confirmed { version: number, commit: version.commit, api, at: clock::now(), program }
}
