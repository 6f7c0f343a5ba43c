//! How one knocks at another machine's door.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use model::ServerId;
use rustls::{CertificateError, Error as TlsError, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client};
use tokio_util::{
    codec::{Framed, LengthDelimitedCodec},
    sync::CancellationToken,
};

use crate::{
    Identity, JoinCode, Me, Removed, Trouble,
    authority::{name_of, said},
    link::{Host, Link, framed, say},
    tls,
    wire::{Answer, GREETING_BYTES_MAX, Greeting, PROTOCOL, Wants},
};

/// Handshake and greeting: on a bad network they take a second.
pub(crate) const GREET_WITHIN: Duration = Duration::from_secs(8);
const CONNECT_WITHIN: Duration = Duration::from_secs(4);

pub(crate) async fn dial(
    identity: &Identity,
    me: &Me,
    server: ServerId,
    place: &str,
    removed: &watch::Receiver<Removed>,
    ended: CancellationToken,
) -> Result<Link, Trouble> {
    let config = tls::dial(identity).map_err(|error| Trouble::Refused(error.to_string()))?;
    let dialled = async {
        let socket = knock(place, server, config).await?;
        let host = socket.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(said);
        if host.is_none_or(|host| removed.borrow().refuses(host.server, host.issued)) {
            return Err(Trouble::Removed);
        }
        let mut socket = framed(socket, GREETING_BYTES_MAX);
        match converse(&mut socket, me, Wants::Link, place).await? {
            Answer::Welcome { .. } => Ok(Link::start(socket, Host::Nobody, ended)),
            _ => Err(Trouble::Refused("it answered something else".to_owned())),
        }
    };
    timeout(GREET_WITHIN, dialled).await.unwrap_or_else(|_| Err(silent(place)))
}

pub(crate) async fn ask_to_join(me: &Me, code: &JoinCode, request: Vec<u8>) -> Result<Answer, Trouble> {
    let config = tls::join(code.fingerprint).map_err(|error| Trouble::Refused(error.to_string()))?;
    let wants = Wants::Join { secret: code.secret.to_vec(), server: me.server, request };
    let asked = async {
        let socket = knock(&code.address, code.founder, config).await?;
        converse(&mut framed(socket, GREETING_BYTES_MAX), me, wants, &code.address).await
    };
    timeout(GREET_WITHIN, asked).await.unwrap_or_else(|_| Err(silent(&code.address)))
}

pub(crate) async fn knock(
    place: &str,
    server: ServerId,
    config: rustls::ClientConfig,
) -> Result<client::TlsStream<TcpStream>, Trouble> {
    let unreachable =
        |error: std::io::Error| Trouble::Unreachable { place: place.to_owned(), why: error.to_string() };
    let socket = timeout(CONNECT_WITHIN, TcpStream::connect(place)).await.map_err(|_| silent(place))?;
    let socket = socket.map_err(unreachable)?;
    socket.set_nodelay(true).map_err(unreachable)?;
    let name = ServerName::try_from(name_of(server)).expect("an id with letters and dots is a DNS name");
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.map_err(|error| no_trust(place, &error))
}

fn silent(place: &str) -> Trouble {
    Trouble::Unreachable { place: place.to_owned(), why: "nothing came back in time".to_owned() }
}

/// TLS's reasons in words.
fn no_trust(place: &str, error: &std::io::Error) -> Trouble {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    let why = match tls {
        Some(TlsError::InvalidCertificate(reason)) => match reason {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate is of another fleet".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is another machine's".to_owned()
            }
            other => format!("its certificate cannot be used: {other:?}"),
        },
        Some(TlsError::AlertReceived(alert)) => {
            return Trouble::Refused(format!("it does not take this machine's certificate ({alert:?})"));
        }
        _ => return Trouble::Unreachable { place: place.to_owned(), why: error.to_string() },
    };
    Trouble::WrongMachine { place: place.to_owned(), why }
}

pub(crate) async fn converse<IO: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Framed<IO, LengthDelimitedCodec>,
    me: &Me,
    wants: Wants,
    place: &str,
) -> Result<Answer, Trouble> {
    let greeting = Greeting { protocol: PROTOCOL, version: me.version.clone(), name: me.name.clone(), wants };
    say(socket, &greeting).await?;
    let answer = match socket.next().await {
        Some(Ok(bytes)) => bytes,
        Some(Err(error)) => return Err(no_trust(place, &error)),
        None => return Err(Trouble::Refused("it hung up".to_owned())),
    };
    match serde_json::from_slice(&answer) {
        Ok(Answer::Refused { why }) => Err(Trouble::Refused(why)),
        Ok(answer) => Ok(answer),
        Err(_) => Err(Trouble::Refused("its answer was not understood".to_owned())),
    }
}
