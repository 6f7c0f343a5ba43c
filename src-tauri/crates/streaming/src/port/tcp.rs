//! ICE-TCP (RFC 6544), passive: a browser that gets no UDP through connects here. Frames as in RFC 4571; the first one
//! is a STUN request whose ufrag selects the peer.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use rtc::shared::{TransportContext, TransportProtocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};
use tracing::debug;

use super::{Arrival, Shared, stun};

/// Connections that have not yet said whom they want. More at once are refused: nobody needs them.
const NAMELESS_MAX: usize = 64;
/// Connections in all: some hundred viewers of which each holds one or two.
const CONNECTIONS_MAX: usize = 512;
const NAME_WITHIN: Duration = Duration::from_secs(5);
/// The first frame is a STUN request of some hundred bytes.
const FIRST_FRAME_MAX: usize = 1024;
/// UDP is given this start, so that a browser that has both ends up on the better one.
const UDP_HEAD_START: Duration = Duration::from_millis(150);
/// Frames that wait for one connection: one large keyframe (600 kB). Without room for a picture, the viewer is dropped
/// to the next keyframe.
pub(crate) const FRAMES: usize = 512;
/// A connection that takes nothing for so long is dead or useless: its viewer is dropped from it.
const WRITE_WITHIN: Duration = Duration::from_secs(3);
/// Silence past this is no ICE peer: browsers check every few seconds.
const READ_WITHIN: Duration = Duration::from_secs(60);

pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let nameless = Arc::new(Semaphore::new(NAMELESS_MAX));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => {
                    let permit = Arc::clone(&nameless).try_acquire_owned();
                    let (Ok(permit), true) = (permit, connections.len() < CONNECTIONS_MAX) else {
                        shared.count_stranger();
                        continue;
                    };
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        if let Err(error) = serve(stream, remote, &shared, permit).await {
                            debug!(%remote, %error, "media connection over TCP ended");
                        }
                    });
                }
                // Out of file descriptors, most likely: accepting again at once would spin.
                Err(error) => {
                    debug!(%error, "accepting media over TCP");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(
    stream: TcpStream,
    remote: SocketAddr,
    shared: &Arc<Shared>,
    permit: OwnedSemaphorePermit,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let (mut reader, writer) = stream.into_split();
    let first = timeout(NAME_WITHIN, read_frame(&mut reader, FIRST_FRAME_MAX)).await??;
    let Some(peer) = peer_named_by(&first, shared) else {
        shared.count_stranger();
        return Ok(());
    };
    drop(permit);

    let (frames, outgoing) = mpsc::channel(FRAMES);
    let gone = |_| io::Error::from(io::ErrorKind::NotConnected);
    peer.send(Arrival::TcpOpened { remote, frames }).await.map_err(gone)?;
    let transport = TransportContext {
        local_addr: local,
        peer_addr: remote,
        transport_protocol: TransportProtocol::TCP,
        ecn: None,
    };
    let ended = tokio::select! {
        ended = read(reader, transport, &peer, Instant::now() + UDP_HEAD_START) => ended,
        ended = write(writer, outgoing) => ended,
    };
    let _ = peer.send(Arrival::TcpClosed { remote }).await;
    ended
}

fn peer_named_by(first: &[u8], shared: &Shared) -> Option<mpsc::Sender<Arrival>> {
    let ufrag = stun::named_ufrag(first)?;
    shared.routes(|routes| routes.by_ufrag(ufrag).map(|(_, peer)| peer.clone()))
}

/// Waits for the peer where it is busy: TCP slows the sender by itself. What comes before `start` is dropped, as a
/// network may: answered late, it would teach the browser a round trip that it then waits for at every step.
async fn read(
    mut reader: OwnedReadHalf,
    transport: TransportContext,
    peer: &mpsc::Sender<Arrival>,
    start: Instant,
) -> io::Result<()> {
    loop {
        let bytes = timeout(READ_WITHIN, read_frame(&mut reader, usize::from(u16::MAX))).await??;
        let at = Instant::now();
        if at >= start {
            let arrival = Arrival::Datagram { transport, bytes, at };
            peer.send(arrival).await.map_err(|_| io::Error::from(io::ErrorKind::NotConnected))?;
        }
    }
}

async fn read_frame(reader: &mut OwnedReadHalf, bytes_max: usize) -> io::Result<BytesMut> {
    let length = usize::from(reader.read_u16().await?);
    if length > bytes_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too large"));
    }
    let mut frame = BytesMut::zeroed(length);
    reader.read_exact(&mut frame).await?;
    Ok(frame)
}

/// Ends when the peer lets go of the connection, or when the connection takes nothing any more.
async fn write(mut writer: OwnedWriteHalf, mut outgoing: mpsc::Receiver<Bytes>) -> io::Result<()> {
    let mut packed = BytesMut::new();
    while let Some(frame) = outgoing.recv().await {
        pack(&mut packed, &frame);
        while packed.len() < 32 * 1024
            && let Ok(frame) = outgoing.try_recv()
        {
            pack(&mut packed, &frame);
        }
        timeout(WRITE_WITHIN, writer.write_all(&packed)).await??;
        packed.clear();
    }
    Ok(())
}

fn pack(packed: &mut BytesMut, frame: &[u8]) {
    let Ok(length) = u16::try_from(frame.len()) else { return };
    packed.extend_from_slice(&length.to_be_bytes());
    packed.extend_from_slice(frame);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    async fn frames_go_there_and_back_whole() {
        let (near, far) = pair().await;
        let (frames, outgoing) = mpsc::channel(8);
        let (mut reader, _far_writer) = far.into_split();
        let (_near_reader, writer) = near.into_split();
        let writing = tokio::spawn(write(writer, outgoing));
        for frame in [&b"first"[..], b"", &[7; 1200]] {
            frames.send(Bytes::from_static(frame)).await.unwrap();
            assert_eq!(read_frame(&mut reader, 1200).await.unwrap(), frame);
        }
        frames.send(Bytes::from_static(&[7; 1200])).await.unwrap();
        assert!(read_frame(&mut reader, 1199).await.is_err(), "larger than is wanted");
        drop(frames);
        writing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_viewer_that_takes_nothing_is_dropped() {
        let (near, _far) = pair().await;
        let (frames, outgoing) = mpsc::channel(FRAMES);
        let (_reader, writer) = near.into_split();
        let writing = tokio::spawn(write(writer, outgoing));
        // Until the kernel's buffers are full, and then the queue.
        while frames.send(vec![0; 60_000].into()).await.is_ok() {}
        assert_eq!(writing.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
