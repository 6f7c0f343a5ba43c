//! What flight controllers say, as OpenSpace keeps it: in one slot for all of them, with what is wrong about that. Pure.
//!
//! The constructor of a controller registers it before it has its number, so that the last one that was made moves the
//! camera and all others are deaf. One that leaves does not clear the slot in the newer generation, and empties it for
//! everybody in the older one. A client that vanishes is never noticed: what it said last goes on.

use super::camera::Axes;
use crate::dialect::Dialect;

/// In the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controller(u64);

#[derive(Debug, Default)]
pub struct Slot {
    made: u64,
    registered: Option<Controller>,
    axes: Axes,
}

impl Slot {
    pub fn make(&mut self) -> Controller {
        self.made += 1;
        let controller = Controller(self.made);
        (self.registered, self.axes) = (Some(controller), Axes::default());
        controller
    }

    pub fn say(&mut self, controller: Controller, axes: Axes) {
        if self.registered == Some(controller) {
            self.axes = axes;
        }
    }

    /// A controller says goodbye, whichever it is.
    pub fn leave(&mut self, dialect: Dialect) {
        match dialect {
            // It erases what stands under its number, and nothing does.
            Dialect::New => {}
            Dialect::Legacy => (self.registered, self.axes) = (None, Axes::default()),
        }
    }

    pub fn axes(&self) -> Axes {
        self.axes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORBIT: Axes = Axes { orbit: [0.5, 0.0], zoom: 0.0, roll: 0.0, pan: [0.0; 2] };

    #[test]
    fn only_the_last_controller_that_was_made_moves_the_camera() {
        let mut slot = Slot::default();
        let first = slot.make();
        slot.say(first, ORBIT);
        assert_eq!(slot.axes(), ORBIT);
        let second = slot.make();
        assert_eq!(slot.axes(), Axes::default(), "a new one is at rest");
        slot.say(first, ORBIT);
        assert_eq!(slot.axes(), Axes::default());
        slot.say(second, ORBIT);
        assert_eq!(slot.axes(), ORBIT);
    }

    #[test]
    fn one_that_leaves_keeps_the_camera_moving_or_makes_all_others_deaf() {
        let mut slot = Slot::default();
        let controller = slot.make();
        slot.say(controller, ORBIT);
        slot.leave(Dialect::New);
        assert_eq!(slot.axes(), ORBIT);
        slot.leave(Dialect::Legacy);
        slot.say(controller, ORBIT);
        assert_eq!(slot.axes(), Axes::default());
        let next = slot.make();
        slot.say(next, ORBIT);
        assert_eq!(slot.axes(), ORBIT);
    }
}
