//! The viewers' one hand on the program: what reaches it, and by which way.

use std::collections::BTreeSet;

use display::Injector;
use model::{
    DisplayAddress, Running, Size,
    input::{Input, Velocities},
};
use openspace::client::Client;
use tracing::warn;

/// Exists only while the program is ready: a key pressed while OpenSpace loads could end it.
#[derive(Debug)]
pub struct Hand {
    display: DisplayAddress,
    size: Size,
    injector: Injector,
    client: Option<Client>,
    /// OpenSpace's rules apply.
    openspace: bool,
    held: BTreeSet<String>,
}

impl Hand {
    pub fn open(running: &Running, size: Size, openspace: bool) -> Option<Self> {
        match Injector::open(&running.display.address, size) {
            Ok(injector) => Some(Self {
                display: running.display.address.clone(),
                size,
                injector,
                client: None,
                openspace,
                held: BTreeSet::new(),
            }),
            Err(error) => {
                warn!(error = format!("{error:#}"), "viewers cannot steer: the display takes no input");
                None
            }
        }
    }

    /// The connection to OpenSpace comes, goes, and comes anew. The program flies on by what was said over an earlier one,
    /// of this node or of one that was killed, so each begins at rest.
    pub fn speak_through(&mut self, client: Option<&Client>) {
        let same = match (&self.client, client) {
            (Some(old), Some(new)) => old.is(new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.client = client.cloned();
            self.fly(Velocities::REST);
        }
    }

    /// The display is of this size now: a place in the picture is another one on it. What was held is let go.
    pub fn reach(&mut self, size: Size) {
        if size == self.size {
            return;
        }
        match Injector::open(&self.display, size) {
            Ok(injector) => {
                self.injector = injector;
                self.size = size;
                self.held.clear();
            }
            Err(error) => {
                warn!(error = format!("{error:#}"), "the hand does not know the display's new size")
            }
        }
    }

    fn fly(&self, velocities: Velocities) {
        if let Some(client) = &self.client {
            client.fly(velocities);
        }
    }

    pub fn handle(&mut self, input: Input) {
        match &input {
            Input::Key { code, pressed: true } => {
                if self.openspace && !openspace::keys::is_allowed(code, &self.held) {
                    return;
                }
                self.held.insert(code.clone());
            }
            Input::Key { code, pressed: false } => {
                self.held.remove(code);
            }
            Input::ReleaseAll => {
                self.held.clear();
                self.fly(Velocities::REST);
            }
            Input::Fly(velocities) => return self.fly(*velocities),
            // OpenSpace gives the wheel to its own GUI only; viewers expect it to zoom.
            Input::Wheel { dy, .. } => {
                if let (true, Some(client)) = (self.openspace, &self.client) {
                    client.zoom(*dy);
                    return;
                }
            }
            Input::Move(_) | Input::Button { .. } | Input::StillHere => {}
        }
        self.injector.handle(input);
    }
}
