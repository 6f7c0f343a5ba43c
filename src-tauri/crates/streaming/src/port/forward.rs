//! A way to another machine's media port, for viewers that reach this machine only.
//!
//! Datagrams that name a peer of that machine are passed on as they are, and its answers back. Nothing of them can be read or forged
//! here: checks, keys and media are between the viewer and that machine. It sees each address of a viewer as an address of ours.

use std::{
    collections::VecDeque,
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use quinn_udp::RecvMeta;
use rtc::shared::TransportContext;
use tokio::{
    select,
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tracing::{debug, info};

use super::{
    Arrival, MediaPort, RECEIVE_PAUSE, Route, Shared, addresses,
    udp::{self, UdpDoor},
};
use crate::sdp;

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
    /// For the viewer that a machine at `to` has `described` itself to, in an offer or an answer, until nobody has used it for `idle`.
    /// `None`: that has nothing to go by.
    pub async fn forward(&self, to: IpAddr, described: &str, idle: Duration) -> Option<Forward> {
        let (ufrag, port) = (sdp::ufrag(described)?, sdp::udp_port(described)?);
        let shared = &self.owner.shared;
        let (route, arrivals) = Route::open(shared);
        let (names, inbox) = mpsc::channel(NAMES);
        let way =
            Way { shared: Arc::clone(shared), to: SocketAddr::new(to, port), route, legs: VecDeque::new() };
        way.name(ufrag);
        tokio::spawn(way.run(arrivals, inbox, idle));
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

    /// That machine's answer with the way in it, for a viewer that is told nothing later.
    pub fn told_in(&self, answer: &str) -> String {
        sdp::with_more_candidates(answer, &self.candidates)
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
    door: Arc<UdpDoor>,
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

    async fn run(
        mut self,
        mut arrivals: mpsc::Receiver<Arrival>,
        mut names: mpsc::Receiver<String>,
        idle: Duration,
    ) {
        let cancel = self.shared.cancel.clone();
        loop {
            select! {
                () = cancel.cancelled() => return,
                Some(ufrag) = names.recv() => self.name(&ufrag),
                arrived = timeout(idle, arrivals.recv()) => match arrived {
                    Ok(Some(Arrival::Datagram { transport, bytes, .. })) => self.pass_on(transport, &bytes).await,
                    // No candidate of ours is for TCP.
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return,
                },
            }
        }
    }

    async fn pass_on(&mut self, transport: TransportContext, bytes: &[u8]) {
        let (viewer, to) = (transport.peer_addr, self.to);
        let leg = match self.used(viewer) {
            Some(leg) => leg,
            None => match self.open(transport).await {
                Ok(leg) => {
                    info!(%viewer, %to, "media of another machine goes through this one");
                    self.legs.truncate(LEGS - 1);
                    self.legs.push_front(leg);
                    &self.legs[0]
                }
                Err(error) => return debug!(%error, %to, "media cannot be passed on"),
            },
        };
        // A full buffer loses it, as any network would.
        drop(leg.door.send(unspecified(to), to, bytes, bytes.len()).await);
    }

    /// The one in use comes first: what is forgotten is what nobody uses.
    fn used(&mut self, viewer: SocketAddr) -> Option<&Leg> {
        let known = self.legs.iter().position(|leg| leg.viewer == viewer)?;
        if known > 0 {
            let leg = self.legs.remove(known)?;
            self.legs.push_front(leg);
        }
        self.legs.front()
    }

    async fn open(&self, transport: TransportContext) -> io::Result<Leg> {
        let door = Arc::new(UdpDoor::open(SocketAddr::new(unspecified(self.to), 0))?);
        let back = answer(Arc::clone(&self.shared), Arc::clone(&door), self.to, transport);
        Ok(Leg { viewer: transport.peer_addr, door, back: tokio::spawn(back) })
    }
}

fn unspecified(like: SocketAddr) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

/// Ends with its leg. What has come together, as the packets of one picture do, goes on together.
async fn answer(shared: Arc<Shared>, near: Arc<UdpDoor>, of: SocketAddr, transport: TransportContext) {
    let (from, viewer) = (transport.local_addr.ip(), transport.peer_addr);
    let Some(door) = shared.door_to(viewer) else { return };
    let mut buffer = vec![0; udp::MESSAGE_BYTES];
    let mut meta = [RecvMeta::default()];
    loop {
        if let Err(error) = near.receive(&mut [IoSliceMut::new(&mut buffer)], &mut meta).await {
            debug!(%error, %viewer, "receiving what is to be passed on");
            sleep(RECEIVE_PAUSE).await;
            continue;
        }
        let RecvMeta { addr, len, stride, .. } = meta[0];
        // Nobody else has a word in this.
        if (addr.ip(), addr.port()) != (of.ip(), of.port()) {
            continue;
        }
        let stride = stride.max(1);
        for together in buffer[..len].chunks(stride * door.segments_max()) {
            if let Err(error) = door.send(from, viewer, together, stride).await {
                debug!(%error, %viewer, "an answer was not passed on");
            }
        }
    }
}
