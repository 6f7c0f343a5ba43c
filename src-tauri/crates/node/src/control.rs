//! Who may steer: one viewer at a time. Pure.

use model::{Role, ViewerId};
use protocol::signal::ControlAction;

/// Who is there, and who holds control.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    viewers: Vec<(ViewerId, Role)>,
    holder: Option<ViewerId>,
}

impl Control {
    pub fn holder(&self) -> Option<ViewerId> {
        self.holder
    }

    pub fn viewers(&self) -> &[(ViewerId, Role)] {
        &self.viewers
    }

    /// An owner finds the wheel in its hands when nobody else has it: it launched the instance to steer it.
    pub fn join(&mut self, viewer: ViewerId, role: Role) {
        self.viewers.retain(|(id, _)| *id != viewer);
        self.viewers.push((viewer, role));
        if self.holder.is_none() && role >= Role::Owner {
            self.holder = Some(viewer);
        }
    }

    pub fn leave(&mut self, viewer: ViewerId) {
        self.viewers.retain(|(id, _)| *id != viewer);
        if self.holder == Some(viewer) {
            self.holder = None;
        }
    }

    /// May this viewer's hand move now? One that may steer takes a free wheel by touching it.
    pub fn touch(&mut self, viewer: ViewerId) -> bool {
        if self.holder.is_none() && self.role(viewer).is_some_and(Role::may_steer) {
            self.holder = Some(viewer);
        }
        self.holder == Some(viewer)
    }

    /// `Err` is a sentence for the viewer.
    pub fn act(
        &mut self,
        by: ViewerId,
        action: ControlAction,
        on: Option<ViewerId>,
    ) -> Result<(), &'static str> {
        let role = self.role(by).ok_or("You are not watching this instance any more. Reload the page.")?;
        match action {
            ControlAction::Release => {
                if self.holder == Some(by) {
                    self.holder = None;
                }
                Ok(())
            }
            ControlAction::Request => self.request(by, role),
            ControlAction::Take if role.may_hand_over_control() => {
                self.holder = Some(by);
                Ok(())
            }
            ControlAction::Take => Err("Only a presenter may take control from somebody else."),
            ControlAction::Give => self.give(by, role, on),
        }
    }

    fn request(&mut self, by: ViewerId, role: Role) -> Result<(), &'static str> {
        if !role.may_steer() {
            return Err("Your link is for watching. Ask for a link that may steer.");
        }
        let holder_role = self.holder.and_then(|holder| self.role(holder));
        match holder_role {
            Some(_) if self.holder == Some(by) => Ok(()),
            Some(held) if held >= role => Err("Somebody else is steering. Ask them to release control."),
            _ => {
                self.holder = Some(by);
                Ok(())
            }
        }
    }

    fn give(&mut self, by: ViewerId, role: Role, to: Option<ViewerId>) -> Result<(), &'static str> {
        if self.holder != Some(by) && !role.may_hand_over_control() {
            return Err("Only who is steering, or a presenter, may hand over control.");
        }
        let to = to.ok_or("Say to whom: `viewer_id` is missing.")?;
        match self.role(to) {
            Some(role) if role.may_steer() => {
                self.holder = Some(to);
                Ok(())
            }
            Some(_) => Err("That viewer's link is for watching only."),
            None => Err("That viewer has left."),
        }
    }

    fn role(&self, viewer: ViewerId) -> Option<Role> {
        self.viewers.iter().find(|(id, _)| *id == viewer).map(|(_, role)| *role)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn viewer(n: u8) -> ViewerId {
        ViewerId(Uuid::from_u128(u128::from(n)))
    }

    fn room(roles: &[Role]) -> Control {
        let mut control = Control::default();
        for (n, role) in roles.iter().enumerate() {
            control.join(viewer(n as u8), *role);
        }
        control
    }

    #[test]
    fn the_owner_steers_from_the_start_and_a_pilot_takes_a_free_wheel() {
        let mut control = room(&[Role::Watcher, Role::Owner, Role::Pilot]);
        assert_eq!(control.holder(), Some(viewer(1)));
        assert!(!control.touch(viewer(2)));
        control.leave(viewer(1));
        assert!(!control.touch(viewer(0)), "a watcher never steers");
        assert!(control.touch(viewer(2)));
    }

    #[test]
    fn control_changes_hands_by_request_give_take_and_release() {
        use ControlAction::{Give, Release, Request, Take};
        let mut control = room(&[Role::Owner, Role::Pilot, Role::Watcher, Role::Presenter]);
        for (by, action, on, allowed, holder) in [
            (1, Request, None, false, Some(0)),
            (1, Take, None, false, Some(0)),
            (0, Give, Some(2), false, Some(0)),
            (0, Give, None, false, Some(0)),
            (0, Give, Some(1), true, Some(1)),
            (2, Request, None, false, Some(1)),
            (3, Request, None, true, Some(3)),
            (1, Give, Some(1), false, Some(3)),
            (0, Take, None, true, Some(0)),
            (1, Release, None, true, Some(0)),
            (0, Release, None, true, None),
            (1, Request, None, true, Some(1)),
            (3, Give, Some(9), false, Some(1)),
        ] {
            let done = control.act(viewer(by), action, on.map(viewer)).is_ok();
            assert_eq!((done, control.holder()), (allowed, holder.map(viewer)), "{by} {action:?} {on:?}");
        }
    }

    proptest! {
        #[test]
        fn whoever_steers_is_there_and_may(steps in prop::collection::vec((0u8..5, 0u8..7, 0u8..5), 0..80)) {
            let roles = [Role::Watcher, Role::Pilot, Role::Presenter, Role::Owner, Role::Admin];
            let mut control = Control::default();
            for (by, step, on) in steps {
                let (by, on) = (viewer(by), viewer(on));
                match step {
                    0 => control.join(by, roles[by.0.as_u128() as usize]),
                    1 => control.leave(by),
                    2 => { control.touch(by); }
                    3 => { let _ = control.act(by, ControlAction::Request, None); }
                    4 => { let _ = control.act(by, ControlAction::Take, None); }
                    5 => { let _ = control.act(by, ControlAction::Give, Some(on)); }
                    _ => { let _ = control.act(by, ControlAction::Release, None); }
                }
                if let Some(holder) = control.holder() {
                    let role = control.viewers().iter().find(|(id, _)| *id == holder).unwrap().1;
                    prop_assert!(role.may_steer());
                }
            }
        }
    }
}
