//! What a viewer may do. Each role may do all that the one before it may.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees the picture, may ask for control.
    Watcher,
    /// Steers: navigation, time, focus.
    Pilot,
    /// Properties, actions, screenshots, hand-over of control, invites.
    Presenter,
    /// Profile, restart, stop.
    Owner,
    /// Everything on this machine.
    Admin,
}

impl Role {
    pub const fn may_steer(self) -> bool {
        !matches!(self, Self::Watcher)
    }
    pub fn may_hand_over_control(self) -> bool {
        self >= Self::Presenter
    }
    pub fn may_invite(self) -> bool {
        self >= Self::Presenter
    }
    pub fn may_stop(self) -> bool {
        self >= Self::Owner
    }
}
