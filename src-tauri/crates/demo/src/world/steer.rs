//! What hands do: mouse and keys into movements and actions, as OpenSpace binds them.

use super::{World, actions::Stroke, camera::Step};

/// What the window hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Key(Stroke),
    Press {
        button: Button,
        x: f64,
        y: f64,
        held: Held,
    },
    Release {
        button: Button,
    },
    Move {
        x: f64,
        y: f64,
    },
    /// Positive is away from the hand: closer to the body.
    Wheel {
        notches: f64,
    },
    /// The window lost the keyboard: whatever is down is down no more.
    Blur,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    Left,
    Middle,
    Right,
}

/// The modifiers that choose what a drag does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub shift: bool,
    pub control: bool,
    pub alt: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grip {
    Orbit,
    Zoom,
    Roll,
    Pan,
}

#[derive(Clone, Copy, Debug)]
struct Drag {
    button: Button,
    grip: Grip,
    x: f64,
    y: f64,
}

/// The hand on the mouse.
#[derive(Clone, Debug, Default)]
pub struct Hand {
    drag: Option<Drag>,
    /// Presses of buttons and keys since the start, wheel notches too.
    pub presses: u64,
}

/// Radians, or e-folds of distance, per pixel.
const PER_PX: f64 = 0.005;
/// E-folds of distance per notch of the wheel.
const PER_NOTCH: f64 = 0.12;

impl World {
    pub fn handle_input(&mut self, input: Input) {
        if matches!(input, Input::Key(_) | Input::Press { .. } | Input::Wheel { .. }) {
            self.hand.presses += 1;
            // As in OpenSpace, a hand on the keys or the mouse stops the countdown.
            if self.abort_shutdown() {
                return;
            }
        }
        match input {
            Input::Key(stroke) => self.key(&stroke),
            Input::Press { button, x, y, held } if self.mouse_is_on() => {
                self.hand.drag = Some(Drag { button, grip: grip(button, held), x, y });
                self.navigator.swing.hold();
            }
            Input::Release { button } if self.hand.drag.is_some_and(|drag| drag.button == button) => {
                self.let_go()
            }
            Input::Blur => self.let_go(),
            Input::Move { x, y } => self.drag_to(x, y),
            Input::Wheel { notches } if self.mouse_is_on() => {
                self.navigator.camera.go(Step { zoom: notches * PER_NOTCH, ..Step::default() });
            }
            Input::Press { .. } | Input::Release { .. } | Input::Wheel { .. } | Input::Close => {}
        }
    }

    fn let_go(&mut self) {
        self.hand.drag = None;
        self.navigator.swing.let_go();
    }

    fn mouse_is_on(&self) -> bool {
        !self.tree.is_on("InteractionHandler.DisableMouseInput")
            && !self.tree.is_on("OpenSpaceEngine.DisableMouseInputs")
    }

    fn drag_to(&mut self, x: f64, y: f64) {
        let Some(drag) = &mut self.hand.drag else { return };
        let (dx, dy) = ((x - drag.x) * PER_PX, (y - drag.y) * PER_PX);
        (drag.x, drag.y) = (x, y);
        let step = match drag.grip {
            Grip::Orbit => Step { yaw: -dx, pitch: dy, ..Step::default() },
            Grip::Zoom => Step { zoom: -dy, ..Step::default() },
            Grip::Roll => Step { roll: dx, ..Step::default() },
            Grip::Pan => Step { pan: [dx, dy], ..Step::default() },
        };
        self.navigator.camera.go(step);
        self.navigator.swing.push(step);
    }

    fn key(&mut self, stroke: &Stroke) {
        if self.tree.is_on("InteractionHandler.DisableKeybindings") {
            return;
        }
        if let Some(action) = self.actions.bound_to(stroke).map(str::to_owned) {
            // A bound key always has its action: unbinding goes with removing.
            let _ = self.trigger_action(&action, serde_json::Value::Null);
        }
    }
}

fn grip(button: Button, held: Held) -> Grip {
    match button {
        Button::Left if held.alt => Grip::Zoom,
        Button::Left if held.shift => Grip::Roll,
        Button::Left if held.control => Grip::Pan,
        Button::Left => Grip::Orbit,
        Button::Middle => Grip::Roll,
        Button::Right => Grip::Zoom,
    }
}
