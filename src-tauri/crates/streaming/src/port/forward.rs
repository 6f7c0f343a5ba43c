//! A way to another machine's media port, for viewers that reach this machine only.
//!
//! Datagrams that name a peer of that machine are passed on as they are, and its answers back. Nothing of them can be read or forged
//! here: checks, keys and media are between the viewer and that machine. It sees each address of a viewer as an address of ours.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rtc::shared::TransportContext;
use tokio::{net::UdpSocket, select, sync::mpsc, task::JoinHandle, time::timeout};
use tracing::{debug, info};

use super::{Arrival, MediaPort, Route, Shared, addresses, udp};
use crate::sdp;

/// A browser checks a path every few seconds for as long as it is of use.
const IDLE: Duration = Duration::from_secs(30);
/// Addresses of one viewer; past that the oldest is forgotten.
const LEGS: usize = 8;
/// Offers come with a reconnection.
const NAMES: usize = 4;

/// The remote control. The way itself ends by itself, when nobody uses it: media outlives the signaling that has set it up.
#[derive(Debug)]
pub struct Forward {
    names: mpsc::Sender<String>,
    candidates: Vec<String>,
}

impl MediaPort {
    /// For the viewer of `offer`, which a machine at `to` has made. `None`: the offer has nothing to go by.
    pub async fn forward(&self, to: std::net::IpAddr, offer: &str) -> Option<Forward> {
        let (ufrag, port) = (sdp::ufrag(offer)?, sdp::udp_port(offer)?);
        let shared = &self.owner.shared;
        let (route, arrivals) = Route::open(shared);
        let (names, inbox) = mpsc::channel(NAMES);
        let way =
            Way { shared: Arc::clone(shared), to: SocketAddr::new(to, port), route, legs: VecDeque::new() };
        way.name(ufrag);
        tokio::spawn(way.run(arrivals, inbox));
        let at = |ip| SocketAddr::new(ip, shared.port);
        let ours = shared.addresses();
        let candidates = ours.into_iter().enumerate().map(|(rank, ip)| addresses::forwarded(rank, at(ip)));
        Some(Forward { names, candidates: candidates.collect() })
    }
}

impl Forward {
    /// A later offer of the same peer. False when the way has ended meanwhile.
    pub fn follow(&self, offer: &str) -> bool {
        !self.names.is_closed()
            && sdp::ufrag(offer).is_some_and(|ufrag| self.names.try_send(ufrag.to_owned()).is_ok())
    }

    /// Where the viewer finds the way, as values of `a=candidate:`.
    pub fn candidates(&self) -> &[String] {
        &self.candidates
    }
}

struct Way {
    shared: Arc<Shared>,
    to: SocketAddr,
    route: Route,
    legs: VecDeque<Leg>,
}

/// One address of the viewer, and the socket that stands for it.
struct Leg {
    viewer: SocketAddr,
    socket: Arc<UdpSocket>,
    back: JoinHandle<()>,
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.back.abort();
    }
}

impl Way {
    fn name(&self, ufrag: &str) {
        self.shared.routes(|routes| {
            // A peer of our own keeps its name.
            if routes.by_ufrag(ufrag).is_none() {
                routes.name(self.route.id, ufrag);
            }
        });
    }

    async fn run(mut self, mut arrivals: mpsc::Receiver<Arrival>, mut names: mpsc::Receiver<String>) {
        let cancel = self.shared.cancel.clone();
        loop {
            select! {
                () = cancel.cancelled() => return,
                Some(ufrag) = names.recv() => self.name(&ufrag),
                arrived = timeout(IDLE, arrivals.recv()) => match arrived {
                    Ok(Some(Arrival::Datagram { transport, bytes, .. })) => self.pass_on(transport, &bytes).await,
                    // No candidate of ours is for TCP.
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return,
                },
            }
        }
    }

    async fn pass_on(&mut self, transport: TransportContext, bytes: &[u8]) {
        let viewer = transport.peer_addr;
        let leg = match self.legs.iter().find(|leg| leg.viewer == viewer) {
            Some(leg) => leg,
            None => match self.open(transport).await {
                Ok(leg) => {
                    info!(%viewer, to = %self.to, "media of another machine goes through this one");
                    self.legs.truncate(LEGS - 1);
                    self.legs.push_front(leg);
                    &self.legs[0]
                }
                Err(error) => return debug!(%error, to = %self.to, "media cannot be passed on"),
            },
        };
        // A full buffer loses it, as any network would.
        drop(leg.socket.try_send(bytes));
    }

    async fn open(&self, transport: TransportContext) -> io::Result<Leg> {
        let any = if self.to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = Arc::new(UdpSocket::bind(SocketAddr::new(any, 0)).await?);
        socket.connect(self.to).await?;
        let back = tokio::spawn(answer(Arc::clone(&self.shared), Arc::clone(&socket), transport));
        Ok(Leg { viewer: transport.peer_addr, socket, back })
    }
}

/// Ends with its leg.
async fn answer(shared: Arc<Shared>, socket: Arc<UdpSocket>, transport: TransportContext) {
    let (from, viewer) = (transport.local_addr.ip(), transport.peer_addr);
    let mut buffer = vec![0; udp::MESSAGE_BYTES];
    loop {
        // An error tells that a datagram of before found nobody: the next may.
        let Ok(length) = socket.recv(&mut buffer).await else { continue };
        let Some(door) = shared.door_to(viewer) else { return };
        if let Err(error) = door.send(from, viewer, &buffer[..length], length).await {
            debug!(%error, %viewer, "an answer was not passed on");
        }
    }
}
