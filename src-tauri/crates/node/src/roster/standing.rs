//! Which of the instances that stand ready a launch gets. Pure.

use model::{InstanceId, InstanceState};

use super::Launch;
use crate::{rows::Row, whose};

/// The one to hand out for this launch: one that is ready before one that is on its way, the oldest first. Pure.
pub fn fitting<'a>(rows: impl Iterator<Item = &'a Row>, launch: &Launch) -> Option<InstanceId> {
    // What goes on keeps its name, and with it its address.
    if whose::is_nobodys(launch.by) || launch.resume.as_ref().is_some_and(|resume| resume.lost.is_some()) {
        return None;
    }
    let rank = |row: &Row| match row.report.status.state {
        InstanceState::Ready => Some(0),
        InstanceState::Starting => Some(1),
        _ => None,
    };
    rows.filter(|row| {
        let member = &row.member;
        member.is_standby()
            && member.build == launch.build
            && member.profile == launch.profile
            && member.size == launch.size
    })
    .filter_map(|row| Some((rank(row)?, row.member.created, row.member.id)))
    .min()
    .map(|(.., id)| id)
}
