//! The machine's one port for media, UDP and TCP, and who gets what arrives there.

pub(crate) mod addresses;
mod certificate;
pub mod forward;
pub(crate) mod routes;
pub(crate) mod stun;
mod tcp;
mod udp;

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use model::Bitrate;
use quinn_udp::RecvMeta;
use rtc::{
    peer_connection::certificate::RTCCertificate,
    shared::{TransportContext, TransportProtocol},
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use self::{routes::RouteId, udp::UdpDoor};
use crate::packetize::Packetizer;

/// Datagrams that wait for one peer: a fifth of a second of the feedback of a viewer on a bad network. Full, the
/// newest is lost, as on any network.
pub(crate) const ARRIVALS: usize = 256;
/// Attempts to find a port number that is free for UDP and for TCP.
const PORT_ATTEMPTS: usize = 32;
/// After an error of the whole socket: long enough not to fill the log, short enough for ICE not to notice.
const RECEIVE_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub struct Config {
    /// UDP (and TCP) port of all media; 0 is any free one.
    pub port: u16,
    /// Addresses that viewers reach this machine by; empty: those of its interfaces, loopback last.
    pub addresses: Vec<IpAddr>,
    /// What a picture may take at most: more room than for that is not looked for.
    pub bitrate_max: Bitrate,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "media port {0} is taken by another program: choose another with `--set media.port=…`, or end that program"
    )]
    PortTaken(u16),
    #[error("media port {0} cannot be opened: {1}")]
    Failed(u16, String),
}

impl OpenError {
    fn of(port: u16, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::PortTaken(port),
            _ => Self::Failed(port, error.to_string()),
        }
    }
}

/// What the port has seen since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Peers that are open now.
    pub peers: usize,
    /// Addresses that lead to a peer now.
    pub addresses: usize,
    /// Datagrams and TCP connections of nobody we know; dropped.
    pub strangers: u64,
    /// Datagrams that a peer was too busy for; dropped.
    pub overflowed: u64,
}

/// The machine's one socket for media.
#[derive(Clone, Debug)]
pub struct MediaPort {
    owner: Arc<Owner>,
}

/// Ends the port's tasks, and with them its peers, when the last clone of [`MediaPort`] goes.
#[derive(Debug)]
struct Owner {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.cancel.cancel();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What the peers and the receiving tasks have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    v4: UdpDoor,
    v6: Option<UdpDoor>,
    port: u16,
    configured: Vec<IpAddr>,
    pub(crate) bitrate_max: Bitrate,
    routes: Mutex<routes::Routes<mpsc::Sender<Arrival>>>,
    strangers: AtomicU64,
    overflowed: AtomicU64,
    pub(crate) certificate: RTCCertificate,
    pub(crate) packetizer: Packetizer,
    pub(crate) cancel: CancellationToken,
}

/// What arrives for one peer.
#[derive(Debug)]
pub(crate) enum Arrival {
    Datagram {
        transport: TransportContext,
        bytes: BytesMut,
        at: Instant,
    },
    /// A TCP connection from `remote` has named this peer; what goes there goes into `frames`.
    TcpOpened {
        remote: SocketAddr,
        frames: mpsc::Sender<Bytes>,
    },
    TcpClosed {
        remote: SocketAddr,
    },
}

impl MediaPort {
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let (v4, tcp) = open_pair(config.port).await?;
        let port = v4.local().port();
        // A machine without IPv6, or with another program on that half, serves by IPv4.
        let v6 = UdpDoor::open((Ipv6Addr::UNSPECIFIED, port).into())
            .inspect_err(|error| debug!(%error, "no media over IPv6"))
            .ok();
        let tcp6 = match v6 {
            Some(_) => TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await.ok(),
            None => None,
        };
        let certificate =
            certificate::make().map_err(|error| OpenError::Failed(port, format!("{error:#}")))?;
        let shared = Arc::new(Shared {
            v4,
            v6,
            port,
            configured: config.addresses,
            bitrate_max: config.bitrate_max,
            routes: Mutex::default(),
            strangers: AtomicU64::new(0),
            overflowed: AtomicU64::new(0),
            certificate,
            packetizer: Packetizer::default(),
            cancel: CancellationToken::new(),
        });
        let mut tasks = vec![tokio::spawn(Arc::clone(&shared).receive_on(IpFamily::V4))];
        if shared.v6.is_some() {
            tasks.push(tokio::spawn(Arc::clone(&shared).receive_on(IpFamily::V6)));
        }
        for listener in [Some(tcp), tcp6].into_iter().flatten() {
            tasks.push(tokio::spawn(tcp::accept(listener, Arc::clone(&shared))));
        }
        info!(port, ipv6 = shared.v6.is_some(), "media port open");
        Ok(Self { owner: Arc::new(Owner { shared, tasks }) })
    }

    pub fn port(&self) -> u16 {
        self.owner.shared.port
    }

    pub fn stats(&self) -> PortStats {
        let shared = &self.owner.shared;
        let (peers, _, addresses) = shared.routes(|routes| routes.held());
        PortStats {
            peers,
            addresses,
            strangers: shared.strangers.load(Relaxed),
            overflowed: shared.overflowed.load(Relaxed),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.owner.shared
    }
}

/// UDP and TCP on one port number; with 0, on one that is free for both.
async fn open_pair(port: u16) -> Result<(UdpDoor, TcpListener), OpenError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let udp = UdpDoor::open((Ipv4Addr::UNSPECIFIED, port).into())
            .map_err(|error| OpenError::of(port, &error))?;
        let bound = udp.local().port();
        match TcpListener::bind((Ipv4Addr::UNSPECIFIED, bound)).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(_) if port == 0 && attempt < PORT_ATTEMPTS => {}
            Err(error) => return Err(OpenError::of(bound, &error)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IpFamily {
    V4,
    V6,
}

impl Shared {
    /// The lock is held for lookups only, never across an await.
    fn routes<T>(&self, deed: impl FnOnce(&mut routes::Routes<mpsc::Sender<Arrival>>) -> T) -> T {
        deed(&mut self.routes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn door(&self, family: IpFamily) -> Option<&UdpDoor> {
        match family {
            IpFamily::V4 => Some(&self.v4),
            IpFamily::V6 => self.v6.as_ref(),
        }
    }

    /// The socket that reaches `address`.
    pub(crate) fn door_to(&self, address: SocketAddr) -> Option<&UdpDoor> {
        self.door(if address.is_ipv4() { IpFamily::V4 } else { IpFamily::V6 })
    }

    /// The addresses that viewers are told; asked anew for each offer, as interfaces come and go.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        addresses::offered(&self.configured, self.v6.is_some())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn count_stranger(&self) {
        self.strangers.fetch_add(1, Relaxed);
    }

    async fn receive_on(self: Arc<Self>, family: IpFamily) {
        let Some(door) = self.door(family) else { return };
        let mut storage = vec![0u8; udp::BATCH * udp::MESSAGE_BYTES];
        let mut metas = [RecvMeta::default(); udp::BATCH];
        loop {
            let received = {
                let mut buffers = storage.chunks_mut(udp::MESSAGE_BYTES).map(IoSliceMut::new);
                let mut buffers: [_; udp::BATCH] =
                    std::array::from_fn(|_| buffers.next().expect("the storage holds a batch"));
                door.receive(&mut buffers, &mut metas).await
            };
            match received {
                Ok(count) => self.deliver(&storage, &metas[..count]),
                Err(error) => {
                    warn!(%error, ?family, "receiving media datagrams");
                    tokio::time::sleep(RECEIVE_PAUSE).await;
                }
            }
        }
    }

    fn deliver(&self, storage: &[u8], metas: &[RecvMeta]) {
        let at = Instant::now();
        self.routes(|routes| {
            for (message, meta) in storage.chunks(udp::MESSAGE_BYTES).zip(metas) {
                let to = meta.dst_ip.unwrap_or(match meta.addr {
                    SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                    SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
                });
                let transport = TransportContext {
                    local_addr: SocketAddr::new(to, self.port),
                    peer_addr: meta.addr,
                    transport_protocol: TransportProtocol::UDP,
                    ecn: None,
                };
                for datagram in message[..meta.len].chunks(meta.stride.max(1)) {
                    let Some(peer) = routes.route(meta.addr, datagram) else {
                        self.count_stranger();
                        continue;
                    };
                    if peer.try_send(Arrival::Datagram { transport, bytes: datagram.into(), at }).is_err() {
                        self.overflowed.fetch_add(1, Relaxed);
                    }
                }
            }
        });
    }
}

/// A peer's place at the port; it is given back when this goes.
#[derive(Debug)]
pub(crate) struct Route {
    shared: Arc<Shared>,
    id: RouteId,
}

impl Route {
    pub(crate) fn open(shared: &Arc<Shared>) -> (Self, mpsc::Receiver<Arrival>) {
        let (arrivals, receiver) = mpsc::channel(ARRIVALS);
        let id = shared.routes(|routes| routes.add(arrivals));
        (Self { shared: Arc::clone(shared), id }, receiver)
    }

    pub(crate) fn name(&self, ufrag: &str) {
        self.shared.routes(|routes| routes.name(self.id, ufrag));
    }

    pub(crate) fn expect_from(&self, address: SocketAddr) {
        self.shared.routes(|routes| routes.expect_from(self.id, address));
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        self.shared.routes(|routes| routes.remove(self.id));
    }
}
