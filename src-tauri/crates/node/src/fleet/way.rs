//! Media through this machine, for a viewer that does not reach the one whose picture it sees.
//!
//! The way is open from the first offer on, but the viewer is told of it only after a moment: where it reaches the other machine by
//! itself, it has a picture before, and one hop less.

use std::{net::IpAddr, time::Duration};

use protocol::signal::{Candidate, ServerMessage};
use streaming::{Forward, MediaPort};
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// A direct path is found within a few hundred milliseconds, a second on a bad network.
const DIRECT_WITHIN: Duration = Duration::from_millis(2500);
/// A browser checks a path every few seconds for as long as it is of use.
const UNUSED_FOR: Duration = Duration::from_secs(30);

/// To the machine at this address.
#[derive(Debug)]
pub struct Way {
    media: MediaPort,
    to: IpAddr,
    forward: Option<Forward>,
}

impl Way {
    pub fn new(media: MediaPort, to: IpAddr) -> Self {
        Self { media, to, forward: None }
    }

    /// What the other machine says goes on to the viewer; behind each offer comes the way.
    pub async fn tell(
        mut self,
        mut said: mpsc::Receiver<ServerMessage>,
        viewer: mpsc::Sender<ServerMessage>,
    ) {
        let mut due: Option<Instant> = None;
        loop {
            let told = select! {
                message = said.recv() => match message {
                    Some(message) => {
                        if let ServerMessage::Offer { sdp } = &message {
                            self.follow(sdp).await;
                            due = Some(Instant::now() + DIRECT_WITHIN);
                        }
                        vec![message]
                    }
                    None => return,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    self.candidates()
                }
            };
            for message in told {
                if viewer.send(message).await.is_err() {
                    return;
                }
            }
        }
    }

    /// For a player, which is told nothing later: the way stands in the answer, behind all others.
    pub async fn told_in(mut self, answer: String) -> String {
        self.follow(&answer).await;
        match &self.forward {
            Some(forward) => forward.told_in(&answer),
            None => answer,
        }
    }

    async fn follow(&mut self, described: &str) {
        if self.forward.as_ref().is_none_or(|forward| !forward.follow(described)) {
            self.forward = self.media.forward(self.to, described, UNUSED_FOR).await;
        }
    }

    fn candidates(&self) -> Vec<ServerMessage> {
        let candidates = self.forward.iter().flat_map(Forward::candidates);
        let message = |value: &String| Candidate { candidate: format!("candidate:{value}"), sdp_mid: None };
        candidates.map(|value| ServerMessage::Candidate(message(value))).collect()
    }
}
