//! From what the node knows to what the outside reads. Pure.

use std::time::{Duration, Instant};

use model::{Build, BuildKind, EndingReason, InstanceStatus, Profile, UnixMillis};
use protocol::{
    admin::{LogFile, LogsOfInstance},
    api::{BuildView, EndingView, InstanceView, LeftSceneView, ProfileView},
    signal::{EndingNews, InstanceNews},
};
use store::LeftScene;

use crate::{
    life::span::{Ending, Stay},
    rows::{Member, Row},
};

/// What a setup came to, for the administrator.
pub fn registry_words(done: &registry::SetUp) -> String {
    use registry::{Database, Place};
    let database = match done.database {
        Database::Created => "The registry has its tables".to_owned(),
        Database::Adopted { servers, instances } => {
            let (servers, instances) = (count(servers, "server"), count(instances, "instance"));
            format!("The old back end's database is adopted as it is ({servers}, {instances})")
        }
        Database::Updated => "The registry's tables are brought up to date".to_owned(),
        Database::UpToDate => "The registry was set up before".to_owned(),
    };
    let row = match done.row {
        Place::Inserted => "this machine has its row in it",
        Place::TakenOver => "this machine has taken over the row of its address",
        Place::Kept => "this machine's row is in it",
    };
    format!("{database}, and {row}.")
}

/// "1 server", "2 servers".
pub fn count(number: i64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// An error's words as a sentence.
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).chain(Some('.').filter(|_| !words.ends_with(['.', '!', '?']))).collect()
}

pub fn news(member: &Member, status: &InstanceStatus) -> InstanceNews {
    InstanceNews {
        instance_id: member.id,
        state: status.state,
        phase: status.phase,
        progress: status.progress,
        detail: status.detail.clone(),
        attempt: status.attempt,
        message: status.message.clone(),
        build_name: member.build.name.clone(),
        demo: member.build.is_demo(),
        rescue: None,
        has_scene: member.build.is_openspace(),
    }
}

pub fn ending_news(ending: &Ending, now: Instant) -> EndingNews {
    let left = ending.at.saturating_duration_since(now);
    let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    let (stay_s, stays_left) = match ending.stay {
        Stay::Lengthens { by, left } => (Some(seconds(by)), left),
        Stay::No => (None, None),
    };
    let left_s = Some(seconds(left + Duration::from_millis(500)));
    EndingNews { why: ending.why, left_s, stay_s, stays_left }
}

/// Its machine is being emptied, and waits until everything has ended by itself.
pub const fn emptied_news() -> EndingNews {
    EndingNews { why: EndingReason::Drained, left_s: None, stay_s: None, stays_left: None }
}

/// Read at the time that both clocks are given for.
pub fn ending(ending: &Ending, now: Instant, wall: UnixMillis) -> EndingView {
    let left = ending.at.saturating_duration_since(now).as_millis();
    EndingView { why: ending.why, at: UnixMillis(wall.0 + i64::try_from(left).unwrap_or(i64::MAX / 2)) }
}

pub fn instance(row: &Row, server: model::ServerId) -> InstanceView {
    let (member, status) = (&row.member, &row.report.status);
    InstanceView {
        instance_id: member.id,
        state: status.state,
        phase: status.phase,
        progress: status.progress,
        detail: status.detail.clone(),
        attempt: status.attempt,
        message: status.message.clone().or_else(|| trouble(row)),
        build: member.build.id.to_string(),
        build_name: member.build.name.clone(),
        demo: member.build.is_demo(),
        profile: member.profile.clone(),
        server_id: server,
        url: url(member.id),
        viewers: row.stage.viewers.len() as u32,
        created: member.created,
        standby: member.is_standby(),
        fetches: member.fetches(),
        ending: row.ending,
        rescue: None,
    }
}

/// What is the matter with a program that is ready.
pub fn trouble(row: &Row) -> Option<String> {
    row.report.trouble.as_ref().map(|trouble| trouble.message.clone())
}

pub fn logs(row: &Row, files: Vec<LogFile>) -> LogsOfInstance {
    LogsOfInstance {
        instance_id: row.member.id,
        build_name: row.member.build.name.clone(),
        profile: row.member.profile.clone(),
        ended: None,
        message: row.report.status.message.clone(),
        files,
    }
}

/// `build` is what it was left in, where that is still here.
pub fn left_scene(left: LeftScene, build: Option<&Build>) -> LeftSceneView {
    LeftSceneView {
        scene_id: left.id,
        build: left.by.build.to_string(),
        build_name: build.map(|build| build.name.clone()),
        profile: left.by.profile,
        focus: left.scene.focus,
        time: left.scene.time,
        ended: left.ended,
    }
}

pub fn url(id: model::InstanceId) -> String {
    format!("/stream/{id}")
}

pub fn build(build: &Build, default: bool) -> BuildView {
    let (kind, version) = match &build.kind {
        BuildKind::OpenSpace { version, .. } => ("openspace", version.clone()),
        BuildKind::Program { .. } => ("program", None),
    };
    BuildView {
        id: build.id.to_string(),
        name: build.name.clone(),
        kind: kind.to_owned(),
        version,
        demo: build.is_demo(),
        default,
    }
}

pub fn profile(profile: Profile) -> ProfileView {
    let Profile { id, name, description, author, problem } = profile;
    ProfileView { id, name, description, author, problem }
}

/// An instance as tests tell of it.
#[cfg(test)]
pub(crate) mod fixture {
    use model::{InstanceId, InstanceState, ServerId, UnixMillis};
    use protocol::api::InstanceView;

    pub fn view(server: ServerId, state: InstanceState) -> InstanceView {
        InstanceView {
            instance_id: InstanceId::random(),
            state,
            phase: None,
            progress: None,
            detail: None,
            attempt: 1,
            message: None,
            build: "demo".into(),
            build_name: "Demo".into(),
            demo: true,
            profile: None,
            server_id: server,
            url: String::new(),
            viewers: 2,
            created: UnixMillis(0),
            standby: false,
            fetches: false,
            ending: None,
            rescue: None,
        }
    }
}
