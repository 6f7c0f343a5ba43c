//! The viewers' one hand on the program: what reaches it, and by which way.

use std::collections::BTreeSet;

use display::Injector;
use model::{Running, Size, input::Input};
use openspace::client::Client;
use tracing::warn;

/// Exists only while the program is ready: a key pressed while OpenSpace loads could end it.
#[derive(Debug)]
pub struct Hand {
    injector: Injector,
    client: Option<Client>,
    /// OpenSpace's rules apply.
    openspace: bool,
    held: BTreeSet<String>,
}

impl Hand {
    pub fn open(running: &Running, size: Size, client: Option<Client>, openspace: bool) -> Option<Self> {
        match Injector::open(&running.display.address, size) {
            Ok(injector) => Some(Self { injector, client, openspace, held: BTreeSet::new() }),
            Err(error) => {
                warn!(error = format!("{error:#}"), "viewers cannot steer: the display takes no input");
                None
            }
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
            Input::ReleaseAll => self.held.clear(),
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
