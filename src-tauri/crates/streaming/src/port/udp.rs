//! One UDP socket, with the kernel's batching: many datagrams a call in (GRO, recvmmsg) and out (GSO).

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};

/// Messages that one call may bring. Each is up to 64 KiB of datagrams from one sender.
pub(crate) const BATCH: usize = 8;
pub(crate) const MESSAGE_BYTES: usize = 64 * 1024;
/// Kernel buffers: a second of ten viewers' feedback in, a burst of keyframes to fifty viewers out. The kernel gives
/// less where `net.core.{r,w}mem_max` is lower.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// How long a sender waits for the kernel's buffer; past that the datagram is lost like any other on the way.
const SEND_WITHIN: Duration = Duration::from_millis(20);

pub(crate) struct UdpDoor {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

impl std::fmt::Debug for UdpDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UdpDoor").field("local", &self.local).finish_non_exhaustive()
    }
}

impl UdpDoor {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let io = UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        // Less than asked for is no failure: it only costs datagrams under bursts.
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&io), BUFFER_BYTES);
        let _ = state.set_send_buffer_size(UdpSockRef::from(&io), BUFFER_BYTES);
        let local = io.local_addr()?;
        Ok(Self { io, state, local })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Datagrams of equal size that one [`Self::send`] may carry.
    pub(crate) fn segments_max(&self) -> usize {
        self.state.max_gso_segments()
    }

    pub(crate) async fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> io::Result<usize> {
        loop {
            self.io.readable().await?;
            let received = self
                .io
                .try_io(Interest::READABLE, || self.state.recv(UdpSockRef::from(&self.io), buffers, metas));
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    /// Sends `contents` as datagrams of `segment` bytes, the last of which may be shorter.
    pub(crate) async fn send(
        &self,
        from: IpAddr,
        to: SocketAddr,
        contents: &[u8],
        segment: usize,
    ) -> io::Result<()> {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents,
            segment_size: (segment < contents.len()).then_some(segment),
            src_ip: (!from.is_unspecified()).then_some(from),
        };
        let attempt = || {
            self.io.try_io(Interest::WRITABLE, || self.state.try_send(UdpSockRef::from(&self.io), &transmit))
        };
        loop {
            match attempt() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tokio::time::timeout(SEND_WITHIN, self.io.writable())
                        .await
                        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                }
                other => return other,
            }
        }
    }
}
