//! Is the viewer there, and is its session over? Pure.
//!
//! Media outlives the socket, and the socket outlives the media. A viewer with neither is absent: it does not count and does not
//! steer. Its place is kept for a while, because Wi-Fi changes and laptops that wake look the same as leaving.

use std::time::{Duration, Instant};

/// A path that broke may come back by itself in this time; until then the viewer counts as present.
const ABSENT_AFTER: Duration = Duration::from_secs(5);
/// How long a place is kept; `protocol::signal::RESUME_WINDOW_S` tells the outside.
const OVER_AFTER: Duration = Duration::from_secs(protocol::signal::RESUME_WINDOW_S);

/// For how long a viewer has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// It may come back to it.
    Returns,
    /// A player: as long as both its connection and its wish to watch last.
    WhileItLasts,
}

#[derive(Debug)]
pub struct Life {
    stay: Stay,
    socket: bool,
    media: bool,
    /// Since when the socket is lost.
    socketless_since: Instant,
    /// Since when both are lost.
    silent_since: Instant,
    present: bool,
    peer_gone: bool,
}

impl Life {
    /// It begins with a socket, counted as present.
    pub fn new(stay: Stay, now: Instant) -> Self {
        Self {
            stay,
            socket: true,
            media: false,
            socketless_since: now,
            silent_since: now,
            present: true,
            peer_gone: false,
        }
    }

    /// The peer has ended for good. A page brings another one.
    pub fn peer_gone(&mut self) {
        self.peer_gone = true;
    }

    pub fn socket(&mut self, there: bool, now: Instant) {
        if self.socket && !there {
            self.socketless_since = now;
        }
        self.change(there, self.media, now);
    }

    pub fn media(&mut self, flows: bool, now: Instant) {
        self.change(self.socket, flows, now);
    }

    fn change(&mut self, socket: bool, media: bool, now: Instant) {
        let was_there = self.is_there();
        (self.socket, self.media) = (socket, media);
        if was_there && !self.is_there() {
            self.silent_since = now;
        }
    }

    /// Of a player only its media tells.
    fn is_there(&self) -> bool {
        self.media || self.socket && self.stay == Stay::Returns
    }

    /// What the stage is to be told, when it has changed.
    pub fn turn(&mut self, now: Instant) -> Option<bool> {
        let present = self.is_there() || now < self.silent_since + ABSENT_AFTER;
        (present != std::mem::replace(&mut self.present, present)).then_some(present)
    }

    pub fn is_over(&self, now: Instant) -> bool {
        match self.stay {
            Stay::Returns => !self.socket && now >= self.socketless_since + OVER_AFTER,
            Stay::WhileItLasts => !self.socket || self.peer_gone,
        }
    }

    pub fn wake_at(&self) -> Option<Instant> {
        let absent = (!self.is_there() && self.present).then(|| self.silent_since + ABSENT_AFTER);
        let over = (!self.socket).then(|| self.socketless_since + OVER_AFTER);
        absent.into_iter().chain(over).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_outlives_the_socket_by_the_resume_window() {
        let start = Instant::now();
        let mut life = Life::new(Stay::Returns, start);
        life.media(true, start);
        life.socket(false, start);
        assert_eq!(life.turn(start + OVER_AFTER / 2), None, "still present: media flows");
        assert_eq!(life.wake_at(), Some(start + OVER_AFTER));
        assert!(!life.is_over(start + OVER_AFTER / 2));
        assert!(life.is_over(start + OVER_AFTER));
    }

    #[test]
    fn without_either_it_is_absent_soon_and_comes_back_to_its_place() {
        let start = Instant::now();
        let mut life = Life::new(Stay::Returns, start);
        life.socket(false, start);
        assert_eq!(life.turn(start), None);
        assert_eq!(life.wake_at(), Some(start + ABSENT_AFTER));
        assert_eq!(life.turn(start + ABSENT_AFTER), Some(false));
        assert_eq!(life.wake_at(), Some(start + OVER_AFTER));
        life.socket(true, start + ABSENT_AFTER * 2);
        assert_eq!(life.turn(start + ABSENT_AFTER * 2), Some(true));
        assert_eq!(life.wake_at(), None);
        assert!(!life.is_over(start + OVER_AFTER * 2));
    }

    #[test]
    fn a_player_is_over_when_it_leaves_and_when_its_connection_does() {
        let start = Instant::now();
        let player = || Life::new(Stay::WhileItLasts, start);
        assert!(!player().is_over(start + OVER_AFTER * 2), "what does not connect, its peer ends");
        let (mut left, mut broken) = (player(), player());
        left.media(true, start);
        left.socket(false, start);
        broken.peer_gone();
        assert!(left.is_over(start) && broken.is_over(start));
    }

    #[test]
    fn a_player_that_falls_silent_does_not_count_long_before_its_peer_gives_up() {
        let start = Instant::now();
        let mut life = Life::new(Stay::WhileItLasts, start);
        life.media(true, start);
        life.media(false, start + OVER_AFTER);
        assert_eq!(life.turn(start + OVER_AFTER), None);
        assert_eq!(life.wake_at(), Some(start + OVER_AFTER + ABSENT_AFTER));
        assert_eq!(life.turn(start + OVER_AFTER + ABSENT_AFTER), Some(false));
        assert!(!life.is_over(start + OVER_AFTER + ABSENT_AFTER), "it may be heard of again");
    }
}
