//! What there is on this machine: the instances and how each is now. The roster alone changes it; everybody else reads.

use std::{collections::BTreeMap, sync::Arc};

use model::{Build, InstanceId, InstanceState, SecretHash, Size, UnixMillis};
use openspace::saved::Saved;
use protocol::api::EndingView;
use supervisor::{InstanceHandle, Report};

use crate::{
    admission, continuity, life,
    stage::{self, Stage},
    whose::{self, FETCHER, STANDBY},
};

/// One instance: what does not change while it lives, and the handles of its tasks.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: InstanceId,
    /// Whose it is.
    pub session: SecretHash,
    pub build: Build,
    pub profile: Option<String>,
    pub size: Size,
    pub created: UnixMillis,
    pub instance: InstanceHandle,
    pub stage: Stage,
    pub saved: Saved,
    pub scene: continuity::Keeper,
    pub life: life::Keeper,
}

impl Member {
    /// Also one that was given up. Its scene is looked at once more before; beside the caller, since a program may not answer.
    pub fn restart(&self) {
        let Self { scene, instance, .. } = self.clone();
        tokio::spawn(async move {
            let state = instance.reports().borrow().status.state;
            match state {
                InstanceState::Failed => instance.start(),
                _ => {
                    scene.save_now().await;
                    instance.restart();
                }
            }
        });
    }

    /// Nobody's yet.
    pub fn is_standby(&self) -> bool {
        self.session == STANDBY
    }

    /// Nobody's ever.
    pub fn fetches(&self) -> bool {
        self.session == FETCHER
    }

    pub fn is_nobodys(&self) -> bool {
        whose::is_nobodys(self.session)
    }
}

/// A member and how it is now.
#[derive(Clone, Debug)]
pub struct Row {
    pub member: Member,
    pub report: Report,
    pub stage: stage::State,
    /// Present while people are to be told that it ends soon.
    pub ending: Option<EndingView>,
}

pub type Rows = Arc<BTreeMap<InstanceId, Row>>;

/// The instances that take a slot, by owner. What is nobody's takes none: it makes way for any other.
pub fn live(rows: &BTreeMap<InstanceId, Row>) -> Vec<SecretHash> {
    let takes_slot = |row: &&Row| row.report.status.state.is_live() && !row.member.is_nobodys();
    rows.values().filter(takes_slot).map(|row| row.member.session).collect()
}

/// How many slots are taken.
pub fn taken(rows: &BTreeMap<InstanceId, Row>) -> u32 {
    u32::try_from(live(rows).len()).unwrap_or(u32::MAX)
}

/// How many of them by one session.
pub fn taken_by(session: SecretHash, rows: &BTreeMap<InstanceId, Row>) -> u32 {
    admission::owned(&live(rows), session)
}

/// How many of `slots` are free; of a machine that is being emptied none is.
pub fn free(slots: u32, rows: &BTreeMap<InstanceId, Row>, emptied: bool) -> u32 {
    if emptied { 0 } else { slots.saturating_sub(taken(rows)) }
}

/// What may be forgotten: it holds nothing any more.
pub fn is_over(state: InstanceState) -> bool {
    matches!(state, InstanceState::Stopped)
}
