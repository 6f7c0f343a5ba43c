//! The way out: what the library wants sent, in as few calls to the kernel as can be.

use std::{collections::HashMap, net::SocketAddr};

use bytes::{Bytes, BytesMut};
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use tokio::sync::mpsc;
use tracing::trace;

use crate::port::Route;

/// What one call may carry: the kernel's limit for an IP packet before it is cut.
const CALL_BYTES_MAX: usize = 60_000;
/// TCP connections of one viewer; a browser opens one for each address that we offer.
const TCP_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct Outlet {
    route: Route,
    tcp: HashMap<SocketAddr, mpsc::Sender<Bytes>>,
    /// Equal datagrams one after another, for one call.
    run: BytesMut,
    /// Where media went last.
    media: Option<TransportContext>,
}

impl Outlet {
    pub(crate) fn new(route: Route) -> Self {
        Self { route, tcp: HashMap::new(), run: BytesMut::new(), media: None }
    }

    pub(crate) fn route(&self) -> &Route {
        &self.route
    }

    pub(crate) fn tcp_opened(&mut self, remote: SocketAddr, frames: mpsc::Sender<Bytes>) {
        self.tcp.retain(|_, connection| !connection.is_closed());
        if self.tcp.len() < TCP_MAX {
            self.tcp.insert(remote, frames);
        }
    }

    /// A connection from the same place may have taken its turn meanwhile.
    pub(crate) fn tcp_closed(&mut self, remote: SocketAddr) {
        if self.tcp.get(&remote).is_some_and(mpsc::Sender::is_closed) {
            self.tcp.remove(&remote);
        }
    }

    pub(crate) fn is_over_tcp(&self) -> bool {
        self.media.is_some_and(|path| path.transport_protocol == TransportProtocol::TCP)
    }

    /// Whether a frame of so many packets can leave. Over UDP the path decides; a TCP connection that has not taken
    /// the last frames must not be given more.
    pub(crate) fn has_room_for(&self, packets: usize) -> bool {
        match self.media {
            Some(path) if path.transport_protocol == TransportProtocol::TCP => self
                .tcp
                .get(&path.peer_addr)
                .is_none_or(|frames| frames.capacity() > packets.min(frames.max_capacity() - 1)),
            _ => true,
        }
    }

    /// Sends all of `datagrams`, in order; what cannot be sent is lost, as on any network.
    pub(crate) async fn send(&mut self, datagrams: &mut Vec<TaggedBytesMut>) {
        let mut start = 0;
        while start < datagrams.len() {
            let run = self.run_length(&datagrams[start..]);
            self.send_run(&mut datagrams[start..start + run]).await;
            start += run;
        }
        datagrams.clear();
    }

    /// How many of the first may go in one call: the same way, the same size, only the last may be shorter.
    fn run_length(&self, datagrams: &[TaggedBytesMut]) -> usize {
        let first = &datagrams[0];
        if first.transport.transport_protocol != TransportProtocol::UDP {
            return 1;
        }
        let Some(door) = self.route.shared().door_to(first.transport.peer_addr) else { return 1 };
        let (size, mut length) = (first.message.len(), 1);
        let most = door.segments_max().min(CALL_BYTES_MAX / size.max(1)).max(1);
        while length < most
            && let Some(next) = datagrams.get(length)
            && next.transport == first.transport
            && next.message.len() <= size
        {
            length += 1;
            if next.message.len() < size {
                break;
            }
        }
        length
    }

    async fn send_run(&mut self, run: &mut [TaggedBytesMut]) {
        let transport = run[0].transport;
        // RFC 7983: what begins with 0 to 3 is STUN, the rest is ours to the viewer.
        if run[0].message.first().is_some_and(|first| *first > 3) {
            self.media = Some(transport);
        } else {
            self.route.expect_from(transport.peer_addr);
        }
        if transport.transport_protocol == TransportProtocol::TCP {
            run.iter_mut()
                .for_each(|datagram| self.send_over_tcp(transport.peer_addr, &mut datagram.message));
            return;
        }
        let Some(door) = self.route.shared().door_to(transport.peer_addr) else { return };
        let size = run[0].message.len();
        let contents = if run.len() == 1 {
            &run[0].message
        } else {
            self.run.clear();
            run.iter().for_each(|datagram| self.run.extend_from_slice(&datagram.message));
            &self.run
        };
        if let Err(error) = door.send(transport.local_addr.ip(), transport.peer_addr, contents, size).await {
            trace!(%error, to = %transport.peer_addr, "a datagram could not be sent");
        }
    }

    fn send_over_tcp(&mut self, to: SocketAddr, message: &mut BytesMut) {
        if let Some(frames) = self.tcp.get(&to) {
            let _ = frames.try_send(message.split().freeze());
        }
    }
}
