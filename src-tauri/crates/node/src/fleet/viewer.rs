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

/// Both directions, until either ends. Dropping the ends tells both sides. Who does not take what it is told is still heard, and the other
/// way round: whoever waits for room in one direction, with the other one full, would wait for ever.
async fn carry<Out: serde::Serialize, In: DeserializeOwned>(
    mut stream: Stream,
    mut outward: mpsc::Receiver<Out>,
    inward: mpsc::Sender<In>,
    mut allowance: Option<Bucket>,
) {
    // Until there is room for it the stream is not read, and one that is not read is ended.
    let mut next: Option<In> = None;
    loop {
        tokio::select! {
            message = outward.recv() => match message {
                Some(message) => if stream.send(encode(&message)).await.is_err() { return },
                None => return,
            },
            bytes = stream.recv(), if next.is_none() => {
                let Some(bytes) = bytes else { return };
                // The viewer's own machine counts too; this one does not take its word for it.
                if allowance.as_mut().is_some_and(|allowance| allowance.take(VIEWER_MESSAGES, Instant::now()).is_err()) {
                    debug!("a relayed viewer sends too many messages");
                    return;
                }
                next = read(&bytes);
            }
            room = inward.reserve(), if next.is_some() => match room {
                Ok(room) => if let Some(message) = next.take() { room.send(message) },
                Err(_) => return last_words(&stream, outward).await,
            },
        }
    }
}

/// The session ends: what it still has to say comes the other way.
async fn last_words<Out: serde::Serialize>(stream: &Stream, mut outward: mpsc::Receiver<Out>) {
    while let Some(message) = outward.recv().await {
        if stream.send(encode(&message)).await.is_err() {
            return;
        }
    }
}

/// A later version may say more than this one knows.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    (bytes.len() <= MAX_MESSAGE_BYTES).then(|| serde_json::from_slice(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use model::ServerId;
    use relay::{Incoming, Relay, Standing};
    use tempfile::TempDir;

    use super::*;
    use crate::{clock, socket::Socket};

    const WITHIN: Duration = Duration::from_secs(60);

    async fn machine(dir: &Path) -> (ServerId, Relay, mpsc::Receiver<Incoming>) {
        let server = ServerId::random();
        let me = relay::Me { server, name: "Dome".to_owned(), version: "1".to_owned() };
        let listen = ([127, 0, 0, 1], 0).into();
        let config = relay::Config { dir: dir.to_owned(), listen, me, now: clock::now };
        let (relay, incoming) = Relay::open(config).await;
        (server, relay, incoming)
    }

    /// Both ends of a stream of a real link, and what keeps it.
    async fn stream() -> (Stream, Stream, (Relay, Relay, TempDir)) {
        let dir = tempfile::tempdir().unwrap();
        let (server, home, mut incoming) = machine(&dir.path().join("home")).await;
        let (_, page, _) = machine(&dir.path().join("page")).await;
        home.found().await.unwrap();
        page.join(home.code("127.0.0.1").await.unwrap()).await.unwrap();
        let port = home.standing().borrow().port().unwrap();
        let near = page.stream(server, &format!("127.0.0.1:{port}"), Bytes::new()).await.unwrap();
        let far = incoming.recv().await.unwrap().stream;
        assert!(matches!(*page.standing().borrow(), Standing::Member { .. }));
        (near, far, (home, page, dir))
    }

    #[tokio::test]
    async fn a_session_that_takes_nothing_just_now_is_heard_and_hears_everything_afterwards() {
        const SAID: usize = 80;
        const TOLD: usize = 300;
        let (mut near, far, _link) = stream().await;
        let (mut socket, channel) = Socket::pair();
        tokio::spawn(hosted(far, encode(&Seat::Taken), Some(channel)));
        assert_eq!(read::<Seat>(&near.recv().await.unwrap()), Some(Seat::Taken));
        for _ in 0..SAID {
            near.send(encode(&ViewerMessage::Ping)).await.unwrap();
        }
        let told = async {
            while socket.incoming.len() < socket.incoming.max_capacity() {
                tokio::task::yield_now().await;
            }
            for _ in 0..TOLD {
                socket.outgoing.send(ServerMessage::Pong).await.unwrap();
            }
            for _ in 0..SAID {
                assert_eq!(socket.incoming.recv().await, Some(ViewerMessage::Ping));
            }
        };
        let heard = async {
            for _ in 0..TOLD {
                assert_eq!(read(&near.recv().await.unwrap()), Some(ServerMessage::Pong));
            }
        };
        timeout(WITHIN, async { tokio::join!(told, heard) }).await.unwrap();
        drop(near);
        assert_eq!(socket.incoming.recv().await, None, "the session knows that its viewer is gone");
    }

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
