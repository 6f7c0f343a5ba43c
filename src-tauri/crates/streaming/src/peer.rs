//! One viewer: what it says ([`PeerEvent`]) and the remote control of it ([`PeerHandle`]).
//!
//! The peer is a task ([`driver`]) around the sans-I/O core of the WebRTC library; nothing else touches that core.

mod clock;
mod connection;
mod driver;
mod greeting;
mod input;
mod open;
mod outbox;
mod outlet;
mod sending;
mod voice;
mod wire;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use futures_util::future::BoxFuture;
use media::{EncodedFrame, Feed, SoundFeed};
use model::{Bitrate, ViewerId, video::Codec};
use protocol::{
    input::{Intent, IntentReply, KeysMessage, PointerMessage},
    signal::Candidate,
};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::DropGuard;
use tracing::debug;

pub use self::{sending::Why, writer::Playout};

/// Commands that wait for the peer, replies to intents most of all: a second of the most a viewer may ask.
const COMMANDS: usize = 64;
/// A candidate line of a browser is some hundred bytes.
const CANDIDATE_BYTES_MAX: usize = 1024;

#[derive(Clone, Debug)]
pub struct PeerSpec {
    pub viewer: ViewerId,
    /// What this machine encodes, best first: one of them is agreed on.
    pub codecs: Vec<Codec>,
}

/// What is said to a viewer that offered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub sdp: String,
    pub codec: Codec,
}

/// What a peer has to say.
#[derive(Debug)]
pub enum PeerEvent {
    Offer {
        sdp: String,
    },
    Candidate(Candidate),
    /// Media can flow: the first time, or again.
    Connected,
    /// The path is broken; it may come back by itself or by an ICE restart.
    Disconnected,
    /// Over for good. The last event, and always said.
    Closed,
    Pointer(PointerMessage),
    Keys(KeysMessage),
    Intent(Intent),
    /// PLI, FIR, or a loss beyond repair. Debouncing is the encoder's.
    KeyframeWanted,
    /// What the path to this viewer carries of the picture, beside headers and packets that are sent again.
    Estimate(Bitrate),
    /// Too large, too many, not JSON: dropped and counted. Said twice a second at most.
    BadInput {
        channel: &'static str,
        why: String,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeerStats {
    pub rtt_ms: Option<f32>,
    /// Everything sent as RTP, packets that were sent again included.
    pub packets_sent: u64,
    pub bytes_sent: u64,
    pub packets_retransmitted: u64,
    /// Packets that were sent once more to see whether the path carries more.
    pub packets_probing: u64,
    /// That mend the loss of others (FlexFEC).
    pub packets_repairing: u64,
    /// Packets that the viewer asked for again beyond what a quarter of the stream allows, or too often.
    pub retransmissions_refused: u64,
    /// Of the last second, as the viewer reports it: 0.0–1.0.
    pub fraction_lost: f32,
    pub frames_sent: u64,
    /// Frames that this viewer was not sent: it waited for a keyframe, or its connection was full.
    pub frames_skipped: u64,
    /// Messages on the data channels that were dropped as too large, too many or not understood.
    pub bad_messages: u64,
    /// What the path carries, as far as is known, and why it is thought so.
    pub path: Option<Bitrate>,
    pub path_why: Why,
    /// How long packets wait on the path behind others.
    pub path_queue_ms: f32,
    /// Of the last two seconds, as the viewer reports each packet: 0.0–1.0.
    pub path_loss: f32,
    /// The path takes nothing for now: frames are skipped up to a keyframe that it can carry.
    pub path_blocked: bool,
    /// The way is ICE-TCP, as UDP did not get through.
    pub over_tcp: bool,
}

/// Where a peer's frames come from.
pub trait Frames: Send + 'static {
    /// The next frame; `None` when there will be no more. The future may be dropped before it is ready: no frame must
    /// get lost by that.
    fn next(&mut self) -> BoxFuture<'_, Option<Arc<EncodedFrame>>>;
}

impl Frames for Feed {
    fn next(&mut self) -> BoxFuture<'_, Option<Arc<EncodedFrame>>> {
        Box::pin(Self::next(self))
    }
}

type Done<T> = oneshot::Sender<anyhow::Result<T>>;

pub(crate) enum Command {
    Answer { sdp: String, done: Done<Codec> },
    RestartIce { done: Done<()> },
    Reply(IntentReply),
    Playout(Playout),
    Sound(Option<SoundFeed>),
}

/// The remote control of a peer. Dropping it closes the peer.
#[derive(Debug)]
pub struct PeerHandle {
    commands: mpsc::Sender<Command>,
    feeds: Arc<FeedSlot>,
    state: watch::Sender<String>,
    stats: watch::Receiver<PeerStats>,
    _cancel: DropGuard,
    /// The task says goodbye to the viewer after this handle has gone; nobody waits for that.
    _task: JoinHandle<()>,
}

impl PeerHandle {
    /// The codec that the viewer is to get. An error is a sentence for the viewer; the peer is of no more use then.
    pub async fn answer(&self, sdp: String) -> anyhow::Result<Codec> {
        self.ask(|done| Command::Answer { sdp, done }).await
    }

    /// A viewer's candidates are not used: this machine is the one that can be reached, the viewer's own checks show
    /// where it is, and an address that a stranger names is one that we would be made to send to.
    pub async fn candidate(&self, candidate: Candidate) -> anyhow::Result<()> {
        anyhow::ensure!(
            candidate.candidate.len() <= CANDIDATE_BYTES_MAX,
            "the candidate is {} bytes long; at most {CANDIDATE_BYTES_MAX} are read",
            candidate.candidate.len()
        );
        Ok(())
    }

    /// A new offer follows as an event.
    pub async fn restart_ice(&self) -> anyhow::Result<()> {
        self.ask(|done| Command::RestartIce { done }).await
    }

    /// What to send from now on; `None` while the instance restarts or the tab is hidden.
    pub fn set_feed(&self, feed: Option<Feed>) {
        self.feeds.put(feed.map(|feed| Box::new(feed) as Box<dyn Frames>));
    }

    /// [`Self::set_feed`] for frames from elsewhere.
    pub fn set_frames(&self, frames: Option<Box<dyn Frames>>) {
        self.feeds.put(frames);
    }

    /// Holds from the next frame on.
    pub async fn set_playout(&self, playout: Playout) {
        // A peer that is closed shows nothing.
        let _ = self.commands.send(Command::Playout(playout)).await;
    }

    /// What to let the viewer hear from now on; `None`: nothing.
    pub async fn set_sound(&self, sound: Option<SoundFeed>) {
        // A peer that is closed plays nothing.
        let _ = self.commands.send(Command::Sound(sound)).await;
    }

    /// On the channel `state`. Lost when the channel is full: the next one says it all.
    pub fn send_state(&self, json: String) {
        self.state.send_replace(json);
    }

    /// Lost when a viewer asks faster than it reads.
    pub fn reply(&self, reply: IntentReply) {
        if let Err(error) = self.commands.try_send(Command::Reply(reply)) {
            debug!(%error, "a reply to an intent was dropped");
        }
    }

    pub fn stats(&self) -> PeerStats {
        *self.stats.borrow()
    }

    async fn ask<T>(&self, command: impl FnOnce(Done<T>) -> Command) -> anyhow::Result<T> {
        const CLOSED: &str = "the connection to this viewer is closed";
        let (done, answered) = oneshot::channel();
        self.commands.send(command(done)).await.ok().context(CLOSED)?;
        answered.await.context(CLOSED)?
    }
}

/// Holds the newest feed until the peer takes it.
#[derive(Default)]
pub(crate) struct FeedSlot {
    newest: Mutex<Option<Option<Box<dyn Frames>>>>,
    changed: Notify,
}

impl std::fmt::Debug for FeedSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FeedSlot").finish_non_exhaustive()
    }
}

impl FeedSlot {
    fn put(&self, frames: Option<Box<dyn Frames>>) {
        let previous = self.newest.lock().unwrap_or_else(PoisonError::into_inner).replace(frames);
        // Outside of the lock: a feed may do as it likes when it is dropped.
        drop(previous);
        self.changed.notify_one();
    }

    pub(crate) async fn take(&self) -> Option<Box<dyn Frames>> {
        loop {
            let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).take();
            match newest {
                Some(frames) => return frames,
                None => self.changed.notified().await,
            }
        }
    }
}
