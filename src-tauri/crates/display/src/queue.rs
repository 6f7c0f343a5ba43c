//! What waits for the X server, so that a hand which is faster than the server loses moves, and never a press or a release alone. Pure.

use std::collections::VecDeque;

use model::input::Input;

/// So many deeds may wait: moves and wheel turns melt together, so these are at least 128 clicks. The server takes thousands a
/// second; with so many behind, it hangs.
pub(crate) const QUEUE_INPUTS: usize = 256;

/// A bounded queue in which moves melt into the newest one.
///
/// When it is full, the oldest move or turn of the wheel makes room. Where there is none (256 presses and releases wait), all of them
/// give way to one "let go of everything": a hand that far ahead is no hand, and nothing may stay pressed for it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    inputs: VecDeque<Input>,
}

impl Queue {
    pub(crate) fn push(&mut self, input: Input) {
        let Some(input) = self.melt(input) else { return };
        if self.inputs.len() >= QUEUE_INPUTS && !self.make_room() {
            // A turn of the wheel or a sign of life is not worth the presses that wait; a move comes again.
            if !is_passing(&input) {
                self.inputs.clear();
                self.inputs.push_back(Input::ReleaseAll);
            }
            return;
        }
        self.inputs.push_back(input);
    }

    pub(crate) fn pop(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// What is left of the input after the last one in the queue has taken it in.
    fn melt(&mut self, input: Input) -> Option<Input> {
        match (self.inputs.back_mut(), input) {
            (Some(Input::Move(last)), Input::Move(place)) => *last = place,
            (Some(Input::Wheel { dx, dy, at }), Input::Wheel { dx: more_x, dy: more_y, at: place }) => {
                *dx += more_x;
                *dy += more_y;
                *at = place;
            }
            // Whatever waits is a sign of life itself.
            (Some(_), Input::StillHere) => {}
            (_, input) => return Some(input),
        }
        None
    }

    fn make_room(&mut self) -> bool {
        let passing = self.inputs.iter().position(is_passing);
        passing.is_some_and(|index| self.inputs.remove(index).is_some())
    }
}

/// May it be lost without anything being left pressed?
const fn is_passing(input: &Input) -> bool {
    matches!(input, Input::Move(_) | Input::Wheel { .. } | Input::StillHere)
}

#[cfg(test)]
mod tests {
    use model::input::{Button, Point};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moves_melt_into_the_newest_but_not_across_a_press() {
        let mut queue = Queue::default();
        for input in [at(0.1), at(0.2), press(0.2), at(0.3), Input::StillHere, at(0.4)] {
            queue.push(input);
        }
        assert_eq!(drain(&mut queue), [at(0.2), press(0.2), at(0.4)]);
    }

    #[test]
    fn turns_of_the_wheel_add_up() {
        let mut queue = Queue::default();
        queue.push(Input::Wheel { dx: 1.0, dy: 0.5, at: Point { x: 0.1, y: 0.1 } });
        queue.push(Input::Wheel { dx: 0.0, dy: 0.25, at: Point { x: 0.2, y: 0.1 } });
        assert_eq!(drain(&mut queue), [Input::Wheel { dx: 1.0, dy: 0.75, at: Point { x: 0.2, y: 0.1 } }]);
    }

    #[test]
    fn a_full_queue_gives_up_moves_first() {
        let mut queue = Queue::default();
        queue.push(at(0.5));
        for _ in 0..QUEUE_INPUTS {
            queue.push(key(true));
        }
        assert!(drain(&mut queue).iter().all(|input| *input == key(true)));
    }

    #[test]
    fn a_queue_full_of_presses_becomes_one_release_of_all() {
        let mut queue = Queue::default();
        for _ in 0..QUEUE_INPUTS {
            queue.push(key(true));
        }
        queue.push(at(0.5));
        assert_eq!(queue.inputs.len(), QUEUE_INPUTS, "a move is not worth a press");
        queue.push(key(false));
        assert_eq!(drain(&mut queue), [Input::ReleaseAll]);
    }

    proptest! {
        /// The reader may be as slow as it likes: what ends up pressed is what the hand really holds, or nothing.
        #[test]
        fn nothing_stays_pressed_that_was_let_go(steps in prop::collection::vec((0usize..4, any::<bool>(), any::<bool>()), 0..2000)) {
            const CODES: [&str; 3] = ["KeyA", "KeyB", "KeyC"];
            let (mut queue, mut down, mut wanted) = (Queue::default(), [false; 3], [false; 3]);
            for (which, pressed, read) in steps {
                match CODES.get(which) {
                    Some(code) => {
                        wanted[which] = pressed;
                        queue.push(Input::Key { code: (*code).to_owned(), pressed });
                    }
                    None => queue.push(at(0.5)),
                }
                prop_assert!(queue.inputs.len() <= QUEUE_INPUTS);
                if read && let Some(input) = queue.pop() {
                    apply(&mut down, &CODES, &input);
                }
            }
            while let Some(input) = queue.pop() {
                apply(&mut down, &CODES, &input);
            }
            for (down, wanted) in down.iter().zip(wanted) {
                prop_assert!(!down || wanted);
            }
        }
    }

    fn apply(down: &mut [bool; 3], codes: &[&str; 3], input: &Input) {
        match input {
            Input::Key { code, pressed } => {
                if let Some(which) = codes.iter().position(|known| known == code) {
                    down[which] = *pressed;
                }
            }
            Input::ReleaseAll => *down = [false; 3],
            _ => {}
        }
    }

    fn drain(queue: &mut Queue) -> Vec<Input> {
        std::iter::from_fn(|| queue.pop()).collect()
    }
    fn at(x: f32) -> Input {
        Input::Move(Point { x, y: 0.5 })
    }
    fn press(x: f32) -> Input {
        Input::Button { button: Button::Left, pressed: true, at: Point { x, y: 0.5 } }
    }
    fn key(pressed: bool) -> Input {
        Input::Key { code: "KeyA".to_owned(), pressed }
    }
}
