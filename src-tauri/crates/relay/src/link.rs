//! One connection, many streams. Whoever has dialled opens them; either side ends them.
//!
//! A stream has a bounded queue at each end and no credit: one that is not read is ended, so that it never stops the others. What
//! goes through is signaling and small answers, never media.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use model::ServerId;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{
    codec::{Framed, LengthDelimitedCodec},
    sync::CancellationToken,
};
use tracing::{debug, warn};

use crate::{
    Incoming, MESSAGE_BYTES_MAX, Trouble,
    wire::{FRAME_BYTES_MAX, Frame, HEAD, Kind},
};

/// A burst of ICE candidates is under 50.
const STREAM_QUEUE: usize = 128;
/// All streams share it: past that they wait for the network.
const LINK_QUEUE: usize = 256;
/// Every viewer of a machine at the limit of its gateway, and as many calls.
const STREAMS_MAX: usize = 1024;
const OPENS: usize = 64;
const PING_EVERY: Duration = Duration::from_secs(3);
/// Three pings that did not come. A viewer learns of a broken link within this.
const SILENCE: Duration = Duration::from_secs(10);
const WRITE_WITHIN: Duration = Duration::from_secs(10);

pub(crate) fn framed<IO: AsyncRead + AsyncWrite>(io: IO, longest: usize) -> Framed<IO, LengthDelimitedCodec> {
    LengthDelimitedCodec::builder().max_frame_length(longest).new_framed(io)
}

/// One greeting or answer, before there is a link.
pub(crate) async fn say<IO: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Framed<IO, LengthDelimitedCodec>,
    what: &impl serde::Serialize,
) -> Result<(), Trouble> {
    let bytes = serde_json::to_vec(what).expect("greetings have string keys only and are always JSON");
    let failed = |error: std::io::Error| Trouble::Refused(error.to_string());
    socket.send(Bytes::from(bytes)).await.map_err(failed)
}

/// One end of a stream. Dropping it ends the stream.
#[derive(Debug)]
pub struct Stream {
    id: u32,
    incoming: mpsc::Receiver<Bytes>,
    out: Out,
    /// As many as there are streams.
    done: mpsc::UnboundedSender<u32>,
}

/// The way to the writer. One queue keeps the order, so that an end never overtakes what was said before it; messages need room in it,
/// and ends, of which there is one for each stream, do not.
#[derive(Clone, Debug)]
struct Out {
    frames: mpsc::UnboundedSender<(Frame, Option<OwnedSemaphorePermit>)>,
    room: Arc<Semaphore>,
}

impl Out {
    async fn put(&self, frame: Frame) -> Result<(), Trouble> {
        let room = self.room.clone().acquire_owned().await.map_err(|_| Trouble::Broken)?;
        self.frames.send((frame, Some(room))).map_err(|_| Trouble::Broken)
    }

    fn end(&self, stream: u32, why: Bytes) {
        // A writer that is gone has ended the link.
        let _ = self.frames.send((Frame::new(stream, Kind::End, why), None));
    }
}

impl Stream {
    /// Waits while the link is busy.
    pub async fn send(&self, message: Bytes) -> Result<(), Trouble> {
        self.put(Kind::Message, message).await
    }

    /// `None`: the other side has ended it, or the link is broken.
    pub async fn recv(&mut self) -> Option<Bytes> {
        self.incoming.recv().await
    }

    async fn put(&self, kind: Kind, body: Bytes) -> Result<(), Trouble> {
        if body.len() > MESSAGE_BYTES_MAX {
            return Err(Trouble::Refused(format!(
                "a message of {} bytes is too long for the link",
                body.len()
            )));
        }
        self.out.put(Frame::new(self.id, kind, body)).await
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.out.end(self.id, Bytes::new());
        // The link may have ended before.
        let _ = self.done.send(self.id);
    }
}

/// What happens with streams that the other side opens.
pub(crate) enum Host {
    /// We have dialled: it opens none.
    Nobody,
    Node {
        from: ServerId,
        incoming: mpsc::Sender<Incoming>,
    },
}

/// The remote control of a link.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    opens: mpsc::Sender<oneshot::Sender<Stream>>,
    ended: CancellationToken,
}

impl Link {
    /// The link ends by itself when it breaks, and when `ended` is cancelled.
    pub fn start<IO>(io: Framed<IO, LengthDelimitedCodec>, host: Host, ended: CancellationToken) -> Self
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut io = io;
        io.codec_mut().set_max_frame_length(FRAME_BYTES_MAX);
        let (sink, source) = io.split();
        let (queue, frames) = mpsc::unbounded_channel();
        let out = Out { frames: queue, room: Arc::new(Semaphore::new(LINK_QUEUE)) };
        let (done, finished) = mpsc::unbounded_channel();
        let (opens, wanted) = mpsc::channel(OPENS);
        tokio::spawn(write(sink, frames, out.room.clone(), ended.clone()));
        let mux = Mux { streams: HashMap::new(), next: 1, out, done, host };
        tokio::spawn(mux.run(source, wanted, finished, ended.clone()));
        Self { opens, ended }
    }

    pub fn is_up(&self) -> bool {
        !self.ended.is_cancelled()
    }

    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    pub fn end(&self) {
        self.ended.cancel();
    }

    pub async fn open(&self, opening: Bytes) -> Result<Stream, Trouble> {
        let (reply, opened) = oneshot::channel();
        self.opens.send(reply).await.map_err(|_| Trouble::Broken)?;
        let stream = opened.await.map_err(|_| if self.is_up() { Trouble::Busy } else { Trouble::Broken })?;
        stream.put(Kind::Open, opening).await?;
        Ok(stream)
    }
}

type Codec = LengthDelimitedCodec;

async fn write<IO: AsyncRead + AsyncWrite>(
    mut sink: SplitSink<Framed<IO, Codec>, Bytes>,
    mut frames: mpsc::UnboundedReceiver<(Frame, Option<OwnedSemaphorePermit>)>,
    room: Arc<Semaphore>,
    ended: CancellationToken,
) {
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (frame, _room) = tokio::select! {
            Some(queued) = frames.recv() => queued,
            _ = pings.tick() => (Frame::new(0, Kind::Ping, Bytes::new()), None),
            () = ended.cancelled() => break,
        };
        if !matches!(timeout(WRITE_WITHIN, sink.send(frame.encode())).await, Ok(Ok(()))) {
            break;
        }
    }
    ended.cancel();
    room.close();
    // The last words: what was said before the end, and why it ends.
    while let Ok((frame, _)) = frames.try_recv() {
        if !matches!(timeout(Duration::from_secs(1), sink.send(frame.encode())).await, Ok(Ok(()))) {
            break;
        }
    }
    let _ = timeout(Duration::from_secs(1), sink.close()).await;
}

/// Owns the streams of a link.
struct Mux {
    streams: HashMap<u32, mpsc::Sender<Bytes>>,
    next: u32,
    out: Out,
    done: mpsc::UnboundedSender<u32>,
    host: Host,
}

impl Mux {
    async fn run<IO: AsyncRead + AsyncWrite>(
        mut self,
        mut source: SplitStream<Framed<IO, Codec>>,
        mut wanted: mpsc::Receiver<oneshot::Sender<Stream>>,
        mut finished: mpsc::UnboundedReceiver<u32>,
        ended: CancellationToken,
    ) {
        let mut heard = tokio::time::Instant::now();
        loop {
            tokio::select! {
                frame = source.next() => {
                    heard = tokio::time::Instant::now();
                    match frame {
                        Some(Ok(bytes)) => if !self.take(bytes.freeze()) { break },
                        Some(Err(error)) => {
                            warn!(%error, "a link ends: what came is no message, or over {MESSAGE_BYTES_MAX} bytes long");
                            self.out.end(0, Bytes::from(format!("what came is no message: {error}")));
                            break;
                        }
                        None => break,
                    }
                }
                Some(reply) = wanted.recv() => self.open(reply),
                Some(id) = finished.recv() => drop(self.streams.remove(&id)),
                () = tokio::time::sleep_until(heard + SILENCE) => {
                    debug!("a link ends: the other side is silent");
                    break;
                }
                () = ended.cancelled() => break,
            }
        }
        ended.cancel();
    }

    /// False: the link is to end.
    fn take(&mut self, bytes: Bytes) -> bool {
        if bytes.len() < HEAD {
            warn!("a link ends: what came is no message");
            return false;
        }
        // A later version may say more than this one knows.
        let Some(frame) = Frame::decode(bytes) else { return true };
        match frame.kind {
            Kind::Ping => {}
            Kind::End if frame.stream == 0 => {
                warn!(why = %String::from_utf8_lossy(&frame.body), "the other machine ends the link");
                return false;
            }
            Kind::End => drop(self.streams.remove(&frame.stream)),
            Kind::Open => self.welcome(frame),
            Kind::Message => self.hand(frame),
        }
        true
    }

    fn hand(&mut self, frame: Frame) {
        let Some(stream) = self.streams.get(&frame.stream) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = stream.try_send(frame.body) {
            debug!(stream = frame.stream, "a stream ends: it is not read");
            self.finish(frame.stream);
        }
    }

    fn welcome(&mut self, frame: Frame) {
        let free = self.streams.len() < STREAMS_MAX && !self.streams.contains_key(&frame.stream);
        let Host::Node { from, incoming } = &self.host else {
            return self.out.end(frame.stream, Bytes::new());
        };
        if !free || frame.stream == 0 {
            return self.out.end(frame.stream, Bytes::new());
        }
        let (from, incoming) = (*from, incoming.clone());
        let stream = self.stream(frame.stream);
        // Where the node takes no more, the stream is dropped, and ends by that.
        let _ = incoming.try_send(Incoming { from, opening: frame.body, stream });
    }

    fn open(&mut self, reply: oneshot::Sender<Stream>) {
        if self.streams.len() >= STREAMS_MAX {
            return;
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        let stream = self.stream(id);
        // Who asked may be gone: then the stream is dropped, and ends by that.
        let _ = reply.send(stream);
    }

    fn stream(&mut self, id: u32) -> Stream {
        let (queue, incoming) = mpsc::channel(STREAM_QUEUE);
        self.streams.insert(id, queue);
        Stream { id, incoming, out: self.out.clone(), done: self.done.clone() }
    }

    fn finish(&mut self, id: u32) {
        if self.streams.remove(&id).is_some() {
            self.out.end(id, Bytes::new());
        }
    }
}
