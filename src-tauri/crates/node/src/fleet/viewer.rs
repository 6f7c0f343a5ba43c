//! A viewer's signaling over the link: at the machine whose page it has, and at the one whose picture it sees.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway::{Bucket, Refused, VIEWER_MESSAGES, ViewerChannel};
use protocol::signal::{MAX_MESSAGE_BYTES, ServerMessage, ViewerMessage};
use relay::Stream;
use serde::de::DeserializeOwned;
use tokio::{sync::mpsc, time::timeout};
use tracing::debug;

use super::{
    way::Way,
    words::{Seat, encode},
};

/// As many as a session's own socket holds.
const QUEUE: usize = 64;
/// The other machine looks into its journal at most.
const SEAT_WITHIN: Duration = Duration::from_secs(6);

/// At the machine of the page. `None`: the link broke before the other machine could say anything.
pub async fn relayed(mut stream: Stream, way: Option<Way>) -> Option<Result<ViewerChannel, Refused>> {
    match read(&timeout(SEAT_WITHIN, stream.recv()).await.ok()??)? {
        Seat::Refused { reason, message, retry_after_s } => {
            Some(Err(Refused { reason, message, retry_after_s }))
        }
        Seat::Taken => {
            let (to_viewer, outgoing) = mpsc::channel(QUEUE);
            let told = match way {
                Some(way) => {
                    let (to_way, said) = mpsc::channel(QUEUE);
                    tokio::spawn(way.tell(said, to_viewer));
                    to_way
                }
                None => to_viewer,
            };
            Some(Ok(ViewerChannel { incoming: carried(stream, told), outgoing }))
        }
    }
}

/// Of somebody who has been let in there.
pub(super) fn channel(stream: Stream) -> ViewerChannel {
    let (told, outgoing) = mpsc::channel(QUEUE);
    ViewerChannel { incoming: carried(stream, told), outgoing }
}

fn carried(stream: Stream, told: mpsc::Sender<ServerMessage>) -> mpsc::Sender<ViewerMessage> {
    let (incoming, from_viewer) = mpsc::channel(QUEUE);
    tokio::spawn(carry::<ViewerMessage, ServerMessage>(stream, from_viewer, told, None));
    incoming
}

/// A socket that is closed without a word: the page comes again, and keeps its picture meanwhile.
pub fn interrupted() -> ViewerChannel {
    let (incoming, _) = mpsc::channel(1);
    let (_, outgoing) = mpsc::channel(1);
    ViewerChannel { incoming, outgoing }
}

/// At the machine that has the instance: its first word, then both directions for whoever is let in.
pub async fn hosted(stream: Stream, first: Bytes, attended: Option<ViewerChannel>) {
    // Whoever is not there any more needs no answer.
    if stream.send(first).await.is_ok()
        && let Some(ViewerChannel { incoming, outgoing }) = attended
    {
        let allowance = Some(Bucket::full(VIEWER_MESSAGES, Instant::now()));
        carry::<ServerMessage, ViewerMessage>(stream, outgoing, incoming, allowance).await;
    }
}

/// Both directions, until either ends. Dropping the ends tells both sides.
async fn carry<Out: serde::Serialize, In: DeserializeOwned>(
    mut stream: Stream,
    mut outward: mpsc::Receiver<Out>,
    inward: mpsc::Sender<In>,
    mut allowance: Option<Bucket>,
) {
    loop {
        tokio::select! {
            message = outward.recv() => match message {
                Some(message) => if stream.send(encode(&message)).await.is_err() { return },
                None => return,
            },
            bytes = stream.recv() => {
                let Some(bytes) = bytes else { return };
                // The viewer's own machine counts too; this one does not take its word for it.
                if allowance.as_mut().is_some_and(|allowance| allowance.take(VIEWER_MESSAGES, Instant::now()).is_err()) {
                    debug!("a relayed viewer sends too many messages");
                    return;
                }
                let Some(message) = read(&bytes) else { continue };
                if inward.send(message).await.is_err() {
                    // The session ends: what it still has to say comes the other way.
                    while let Some(message) = outward.recv().await {
                        if stream.send(encode(&message)).await.is_err() { return }
                    }
                    return;
                }
            }
        }
    }
}

/// A later version may say more than this one knows.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    (bytes.len() <= MAX_MESSAGE_BYTES).then(|| serde_json::from_slice(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_a_flood_is_not() {
        let start = Instant::now();
        let mut allowance = Bucket::full(VIEWER_MESSAGES, start);
        let mut taken = |at| (0..200).filter(|_| allowance.take(VIEWER_MESSAGES, at).is_ok()).count();
        assert_eq!(taken(start), VIEWER_MESSAGES.burst as usize);
        let later = start + Duration::from_secs(1);
        assert_eq!(taken(later), VIEWER_MESSAGES.per_s as usize);
    }
}
