//! A viewer's signaling, as its session holds it: the other ends of what the gateway holds.

use gateway::ViewerChannel;
use protocol::signal::{ServerMessage, ViewerMessage};
use tokio::sync::mpsc;

/// Messages that may wait in each direction. An offer, its answer and a burst of candidates fit.
const MESSAGES: usize = 64;

#[derive(Debug)]
pub struct Socket {
    pub incoming: mpsc::Receiver<ViewerMessage>,
    pub outgoing: mpsc::Sender<ServerMessage>,
}

impl Socket {
    pub fn pair() -> (Self, ViewerChannel) {
        let (to_session, incoming) = mpsc::channel(MESSAGES);
        let (outgoing, to_viewer) = mpsc::channel(MESSAGES);
        (Self { incoming, outgoing }, ViewerChannel { incoming: to_session, outgoing: to_viewer })
    }
}
