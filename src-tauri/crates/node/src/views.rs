//! From what the node knows to what the outside reads. Pure.

use model::{Build, BuildKind, InstanceStatus, Profile};
use protocol::{
    api::{BuildView, InstanceView, ProfileView},
    signal::InstanceNews,
};

use crate::roster::{Member, Row};

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
    }
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
        message: status.message.clone(),
        build: member.build.id.to_string(),
        build_name: member.build.name.clone(),
        demo: member.build.is_demo(),
        profile: member.profile.clone(),
        server_id: server,
        url: url(member.id),
        viewers: row.stage.viewers.len() as u32,
        created: member.created,
        standby: member.is_standby(),
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
