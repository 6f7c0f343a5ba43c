//! What is the matter with OpenSpace's API, as the machine and the client have it: for people, and for the log.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use model::{InstanceState, ScenePart, Trouble, UnixMillis};
use tracing::{info, warn};

use super::Driver;
use crate::machine::words;

impl Driver {
    /// No connection, or one over which OpenSpace does not answer as it should.
    pub(super) fn trouble(&mut self) -> Option<Trouble> {
        if let Some(matter) = self.machine.matter() {
            let known = self.matter_since.filter(|(since, _)| *since == matter.since);
            let (_, since) =
                *self.matter_since.insert(known.unwrap_or_else(|| (matter.since, wall_clock(matter.since))));
            return Some(Trouble {
                message: words::without_api(&matter.why),
                since,
                off: vec![ScenePart::Everything],
            });
        }
        let told = self.client.as_ref()?.trouble().borrow().clone();
        told.filter(|_| self.machine.status().state == InstanceState::Ready)
    }

    /// Once for each change, in the node's log and in the one that people read beside the program's own lines.
    pub(super) fn note_trouble(&self, before: Option<&Trouble>, now: Option<&Trouble>) {
        let (was, is) = (before.map(|one| &one.message), now.map(|one| &one.message));
        if was == is {
            return;
        }
        match is {
            Some(message) => warn!(message, "OpenSpace's API"),
            None => info!("OpenSpace's API is well again"),
        }
        self.ring.note(is.map_or("OpenSpace answers again, and its controls are back.", String::as_str));
    }
}

fn wall_clock(at: Instant) -> UnixMillis {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(at.elapsed());
    UnixMillis(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX))
}
