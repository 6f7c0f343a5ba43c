//! The newest picture, from the thread that grabs to one that encodes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::picture::Picture;

/// A picture, and when it was grabbed.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub picture: Arc<Picture>,
    pub captured: Instant,
}

/// The newest picture for another thread. A late one is replaced, never queued.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    newest: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    taken: Option<Taken>,
    /// It waits for its first picture, which nobody has been told of yet.
    hungry: bool,
}

impl Mailbox {
    pub fn put(&self, taken: Taken) {
        self.slot().taken = Some(taken);
    }

    pub fn is_empty(&self) -> bool {
        self.slot().taken.is_none()
    }

    pub fn take(&self) -> Option<Taken> {
        self.slot().taken.take()
    }

    /// Asks for a picture though the display may rest.
    pub fn hunger(&self) {
        let mut slot = self.slot();
        slot.taken = None;
        slot.hungry = true;
    }

    /// True once for each time that a picture was asked for.
    pub fn takes_hunger(&self) -> bool {
        std::mem::take(&mut self.slot().hungry)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
