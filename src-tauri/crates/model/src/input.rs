//! What a hand does: pointer, buttons, wheel, keys. The same words from the browser to the X server.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// A place in the picture: 0.0–1.0 from the left and from the top, so that it does not matter how large the page shows it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

impl Point {
    /// The same place, surely inside the picture; not-a-number becomes the middle.
    #[must_use]
    pub fn clamped(self) -> Self {
        let within = |v: f32| if v.is_finite() { v.clamp(0.0, 1.0) } else { 0.5 };
        Self { x: within(self.x), y: within(self.y) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    Left,
    Middle,
    Right,
}

/// How fast the camera moves by the program's own flight controller, along its axes; each −1.0–1.0. It goes on until it is
/// told otherwise, so whoever says one says the next one within 250 ms.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(default)]
pub struct Velocities {
    /// Around what the camera looks at: what is seen moves to the right, and down.
    pub orbit: [f32; 2],
    /// Positive is closer.
    pub zoom: f32,
    /// What is seen turns clockwise.
    pub roll: f32,
    /// The camera turns in its place: what is seen moves to the right, and down.
    pub pan: [f32; 2],
}

impl Velocities {
    pub const REST: Self = Self { orbit: [0.0; 2], zoom: 0.0, roll: 0.0, pan: [0.0; 2] };

    #[must_use]
    pub fn are_in_range(&self) -> bool {
        let Self { orbit: [a, b], zoom, roll, pan: [c, d] } = self;
        // Not a number is in no range.
        [a, b, zoom, roll, c, d].into_iter().all(|v| (-1.0..=1.0).contains(v))
    }
}

/// One deed of a hand.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    Move(Point),
    Button {
        button: Button,
        pressed: bool,
        at: Point,
    },
    /// Notches; positive is away from the user (up) and to the right.
    Wheel {
        dx: f32,
        dy: f32,
        at: Point,
    },
    /// `code` is the physical key by its place on a US keyboard: `KeyboardEvent.code` of the W3C, such as `KeyA`, `Digit1`, `ArrowUp`.
    Key {
        code: String,
        pressed: bool,
    },
    /// The camera moves from now on; [`Velocities::REST`] stops it.
    Fly(Velocities),
    /// The hand is still there and still holds what it holds.
    StillHere,
    /// Let go of everything.
    ReleaseAll,
}
