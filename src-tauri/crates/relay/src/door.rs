//! The door of a machine to the others.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{
    codec::{Framed, LengthDelimitedCodec},
    sync::CancellationToken,
};
use tracing::{debug, info, warn};

use crate::{
    Identity, Incoming, Me, Removed, Trouble,
    authority::said,
    command::Command,
    dial::GREET_WITHIN,
    link::{Host, Link, framed, say},
    tls,
    wire::{Answer, GREETING_BYTES_MAX, PROTOCOL, Wants, read_greeting},
};

/// Connections from others, those that have not greeted yet included.
const CONNECTIONS_MAX: usize = 512;

/// What the door asks and tells.
#[derive(Clone)]
pub(crate) struct Inside {
    pub me: Me,
    pub owner: mpsc::Sender<Command>,
    pub removed: watch::Receiver<Removed>,
    pub incoming: mpsc::Sender<Incoming>,
    pub closing: CancellationToken,
}

/// Returns the port that it listens on, and whose end frees it.
pub(crate) async fn open(
    listen: SocketAddr,
    identity: &Identity,
    inside: Inside,
) -> Result<(u16, JoinHandle<()>), Trouble> {
    let failed = |why: String| Trouble::Door { listen: listen.to_string(), why };
    let config = tls::door(identity).map_err(|error| failed(error.to_string()))?;
    let listener = TcpListener::bind(listen).await.map_err(|error| failed(error.to_string()))?;
    let port = listener.local_addr().map_err(|error| failed(error.to_string()))?.port();
    info!(port, "other machines may come");
    Ok((port, tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), inside))))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, inside: Inside) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = inside.closing.cancelled() => return,
        };
        let (socket, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "no connections of other machines can be accepted");
                sleep(Duration::from_millis(500)).await;
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else { continue };
        let (acceptor, inside) = (acceptor.clone(), inside.clone());
        tokio::spawn(async move {
            match timeout(GREET_WITHIN, receive(socket, acceptor, &inside)).await {
                Ok(Ok(Some((link, guest)))) => watch_over(link, guest, inside).await,
                Ok(Ok(None)) => {}
                Ok(Err(why)) => debug!(%from, %why, "a connection was not let in"),
                Err(_) => debug!(%from, "a connection was not let in: it took too long"),
            }
            drop(place);
        });
    }
}

/// Until the link ends, or its machine is removed from the fleet.
async fn watch_over(link: Link, guest: crate::authority::Said, mut inside: Inside) {
    loop {
        tokio::select! {
            () = link.ended() => return,
            Ok(()) = inside.removed.changed() => if inside.removed.borrow().refuses(guest.server, guest.issued) {
                info!(server = %guest.server, "the link of a removed machine is cut");
                link.end();
            }
        }
    }
}

type Guest = Option<(Link, crate::authority::Said)>;

async fn receive(socket: TcpStream, acceptor: TlsAcceptor, inside: &Inside) -> Result<Guest, Trouble> {
    let refused = |error: std::io::Error| Trouble::Refused(error.to_string());
    socket.set_nodelay(true).map_err(refused)?;
    let socket = acceptor.accept(socket).await.map_err(refused)?;
    let guest = socket.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(said);
    let mut socket = framed(socket, GREETING_BYTES_MAX);
    match greet(&mut socket, guest, inside).await {
        Ok(Answer::Welcome { protocol, version }) => {
            say(&mut socket, &Answer::Welcome { protocol, version }).await?;
            let Some(guest) = guest else { return Ok(None) };
            let host = Host::Node { from: guest.server, incoming: inside.incoming.clone() };
            Ok(Some((Link::start(socket, host, inside.closing.child_token()), guest)))
        }
        Ok(answer) => say(&mut socket, &answer).await.map(|()| None),
        Err(why) => {
            say(&mut socket, &Answer::Refused { why: why.to_string() }).await?;
            Err(why)
        }
    }
}

async fn greet<IO: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Framed<IO, LengthDelimitedCodec>,
    guest: Option<crate::authority::Said>,
    inside: &Inside,
) -> Result<Answer, Trouble> {
    let greeting = read_greeting(&hear(socket).await?).map_err(|why| match why {
        // It is told to the other one.
        Trouble::Version { theirs, ours } => Trouble::Version { theirs: ours, ours: theirs },
        other => other,
    })?;
    match greeting.wants {
        Wants::Link => {
            let guest =
                guest.ok_or_else(|| Trouble::Refused("a certificate of the fleet is needed".to_owned()))?;
            if inside.removed.borrow().refuses(guest.server, guest.issued) {
                return Err(Trouble::Removed);
            }
            info!(server = %guest.server, name = greeting.name, "another machine has come");
            Ok(Answer::Welcome { protocol: PROTOCOL, version: inside.me.version.clone() })
        }
        Wants::Join { secret, server, request } => {
            let (reply, joined) = oneshot::channel();
            let redeem = Command::Redeem { secret, server, request, reply };
            inside.owner.send(redeem).await.map_err(|_| Trouble::Broken)?;
            let (certificate, authority) = joined.await.map_err(|_| Trouble::Broken)??;
            info!(%server, name = greeting.name, "another machine has joined the fleet");
            Ok(Answer::Joined { certificate, authority })
        }
    }
}

/// A link to that machine, and to no other that may answer there.
async fn hear<IO: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Framed<IO, LengthDelimitedCodec>,
) -> Result<Bytes, Trouble> {
    match socket.next().await {
        Some(Ok(bytes)) => Ok(bytes.freeze()),
        Some(Err(_)) => Err(Trouble::Refused(format!("a greeting has {GREETING_BYTES_MAX} bytes at most"))),
        None => Err(Trouble::Broken),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::SinkExt;
    use model::{ServerId, UnixMillis};
    use tempfile::TempDir;

    use super::*;
    use crate::{
        Config, JoinCode, Relay,
        dial::{ask_to_join, converse, knock},
        wire::Greeting,
    };

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn now() -> UnixMillis {
        UnixMillis(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_millis()
                .try_into()
                .unwrap(),
        )
    }

    fn me() -> Me {
        Me { server: ServerId::random(), name: "dome".to_owned(), version: "0.1.0".to_owned() }
    }

    async fn founder() -> (Relay, mpsc::Receiver<Incoming>, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { dir: dir.path().to_owned(), listen: ([127, 0, 0, 1], 0).into(), me: me(), now };
        let (relay, incoming) = Relay::open(config).await;
        relay.found().await.unwrap();
        (relay, incoming, dir)
    }

    /// What the door says to a greeting from somebody who shows no certificate.
    async fn answer(code: &JoinCode, greeting: Vec<u8>) -> Answer {
        let config = tls::join(code.fingerprint).unwrap();
        let socket = knock(&code.address, code.founder, config).await.unwrap();
        let mut socket = framed(socket, GREETING_BYTES_MAX * 4);
        socket.send(Bytes::from(greeting)).await.unwrap();
        serde_json::from_slice(&socket.next().await.unwrap().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn whoever_greets_wrongly_is_told_why() {
        let (relay, _incoming, _dir) = founder().await;
        let code = relay.code("127.0.0.1").await.unwrap();
        let greeting = |protocol| {
            let wants = Wants::Link;
            serde_json::to_vec(&Greeting { protocol, version: "9".into(), name: "x".into(), wants }).unwrap()
        };
        for (said, expected) in [
            (greeting(PROTOCOL), "a certificate of the fleet is needed"),
            (greeting(99), "the other machine speaks version 1 of the relay's protocol, this one 99"),
            (b"hello?".to_vec(), "the greeting was not understood"),
            (vec![b' '; GREETING_BYTES_MAX + 1], "8192 bytes at most"),
        ] {
            let Answer::Refused { why } = answer(&code, said).await else { panic!("it was let in") };
            assert!(why.contains(expected), "{why}");
        }
    }

    #[tokio::test]
    async fn a_forged_code_opens_nothing() {
        let (relay, _incoming, _dir) = founder().await;
        let code = relay.code("127.0.0.1").await.unwrap();
        let guessed = JoinCode { secret: [1; 16], ..code.clone() };
        let said = ask_to_join(&me(), &guessed, Vec::new()).await.unwrap_err().to_string();
        assert!(said.contains("not valid (any more)"), "{said}");
        let lured = JoinCode { fingerprint: [1; 32], ..code.clone() };
        let said = ask_to_join(&me(), &lured, Vec::new()).await.unwrap_err().to_string();
        assert!(said.contains("of another fleet"), "{said}");
        let other = JoinCode { founder: ServerId::random(), ..code };
        let said = ask_to_join(&me(), &other, Vec::new()).await.unwrap_err().to_string();
        assert!(said.contains("another machine's"), "{said}");
    }

    #[tokio::test]
    async fn a_certificate_of_a_foreign_fleet_is_not_taken() {
        let (relay, _incoming, _dir) = founder().await;
        let (ours, dir) = (relay.code("127.0.0.1").await.unwrap(), tempfile::tempdir().unwrap());
        let foreign = Identity::found(dir.path(), ServerId::random(), NOW).unwrap();
        // It trusts the founder, but shows what a stranger has signed.
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(tls::pinned(ours.fingerprint))
                .with_client_auth_cert(foreign.chain(), foreign.key())
                .unwrap();
        let greeted = async {
            let socket = knock(&ours.address, ours.founder, config).await?;
            converse(&mut framed(socket, GREETING_BYTES_MAX), &me(), Wants::Link, &ours.address).await
        };
        let said = greeted.await.unwrap_err().to_string();
        assert!(said.contains("does not take this machine's certificate"), "{said}");
    }
}
