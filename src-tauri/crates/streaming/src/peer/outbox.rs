//! Events on their way to whoever owns the peer. The peer never waits for that.

use std::collections::VecDeque;

use tokio::sync::mpsc::{self, OwnedPermit, error::TrySendError};

use super::PeerEvent;

/// Events that the owner may lag: half a second of the fastest pointer.
pub(crate) const EVENTS: usize = 256;
/// What waits besides, of events that must not be lost. An owner that far behind has stopped.
const WAITING_MAX: usize = 512;

#[derive(Debug)]
pub(crate) struct Outbox {
    events: mpsc::Sender<PeerEvent>,
    /// Room that is kept for the last word.
    last: Option<OwnedPermit<PeerEvent>>,
    waiting: VecDeque<PeerEvent>,
    deaf: bool,
}

impl Outbox {
    pub(crate) fn new() -> (Self, mpsc::Receiver<PeerEvent>) {
        let (events, receiver) = mpsc::channel(EVENTS);
        let last = events.clone().try_reserve_owned().ok();
        (Self { events, last, waiting: VecDeque::new(), deaf: false }, receiver)
    }

    pub(crate) fn tell(&mut self, event: PeerEvent) {
        let event = if self.waiting.is_empty() {
            match self.events.try_send(event) {
                Ok(()) => return,
                Err(TrySendError::Full(event)) => event,
                Err(TrySendError::Closed(_)) => {
                    self.deaf = true;
                    return;
                }
            }
        } else {
            event
        };
        if must_arrive(&event) {
            self.waiting.push_back(event);
            self.deaf |= self.waiting.len() > WAITING_MAX;
        }
    }

    /// Nobody listens any more.
    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// Ready when something that waited has left; never, when nothing waits.
    pub(crate) async fn make_room(&mut self) {
        if self.waiting.is_empty() {
            return std::future::pending().await;
        }
        match self.events.reserve().await {
            Ok(permit) => {
                if let Some(event) = self.waiting.pop_front() {
                    permit.send(event);
                }
            }
            Err(_) => {
                self.deaf = true;
                self.waiting.clear();
            }
        }
    }

    /// The last word. What waits is lost: its reader is behind by seconds.
    pub(crate) fn close(mut self) {
        while let Some(event) = self.waiting.pop_front()
            && self.events.try_send(event).is_ok()
        {}
        if let Some(last) = self.last.take() {
            last.send(PeerEvent::Closed);
        }
    }
}

/// Of the others the next one says it all, or the viewer asks again.
fn must_arrive(event: &PeerEvent) -> bool {
    !matches!(
        event,
        PeerEvent::Pointer(_)
            | PeerEvent::Estimate(_)
            | PeerEvent::KeyframeWanted
            | PeerEvent::BadInput { .. }
    )
}

#[cfg(test)]
mod tests {
    use protocol::input::{KeysMessage, PointerMessage};

    use super::*;

    #[tokio::test]
    async fn a_slow_owner_loses_moves_but_no_keys() {
        let (mut outbox, mut events) = Outbox::new();
        for seq in 0..1000 {
            outbox.tell(PeerEvent::Pointer(PointerMessage::StillHere { seq }));
        }
        for _ in 0..100 {
            outbox.tell(PeerEvent::Keys(KeysMessage::ReleaseAll));
        }
        assert!(!outbox.is_deaf());
        let (mut moves, mut keys) = (0, 0);
        while keys < 100 {
            tokio::select! {
                () = outbox.make_room() => {}
                Some(event) = events.recv() => match event {
                    PeerEvent::Pointer(_) => moves += 1,
                    PeerEvent::Keys(_) => keys += 1,
                    other => panic!("{other:?}"),
                },
            }
        }
        assert_eq!(moves, EVENTS - 1);
    }

    #[tokio::test]
    async fn the_last_word_is_said_even_to_a_full_house() {
        let (mut outbox, mut events) = Outbox::new();
        for _ in 0..EVENTS + WAITING_MAX + 1 {
            outbox.tell(PeerEvent::Keys(KeysMessage::ReleaseAll));
        }
        assert!(outbox.is_deaf());
        outbox.close();
        let mut last = None;
        while let Some(event) = events.recv().await {
            last = Some(event);
        }
        assert!(matches!(last, Some(PeerEvent::Closed)));
    }
}
