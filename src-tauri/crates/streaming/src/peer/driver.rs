//! The task of one peer: carries datagrams, frames and commands to the library's core, and away what comes of them.
//!
//! ```text
//!   datagrams ─┐                  ┌─► datagrams (one call for equal ones)
//!   commands ──┼─► core (rtc) ────┼─► events
//!   frames ────┤   sans-I/O       └─► statistics
//!   its timer ─┘
//! ```
//!
//! It waits for nobody: not for its viewer, not for its owner.

mod heard;
mod inward;
mod outward;

use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures_util::FutureExt;
use media::{EncodedFrame, SoundFeed, SoundPacket};
use model::{Bitrate, ViewerId};
use rtc::{
    data_channel::RTCDataChannelId,
    peer_connection::message::RTCMessage,
    sansio::Protocol,
    shared::{TaggedBytesMut, TransportProtocol},
};
use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::{
    Answer, COMMANDS, Command, FeedSlot, Frames, PeerEvent, PeerHandle, PeerSpec, PeerStats,
    clock::Clock,
    connection::{Connection, Shape, random_u32},
    greeting::Greeting,
    input::Inbox,
    outbox::Outbox,
    outlet::Outlet,
    voice::Voice,
    wire::Wire,
    writer::{Negotiated, VideoWriter},
};
use crate::{
    port::{Arrival, Route, Shared},
    sdp::{OfferError, Offered, VideoFormat},
};

/// A browser answers within a second; a person behind a slow signaling path within some more.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Protocol timers count milliseconds: an overdue one handled twice within one would only spin.
const TIMER_GRAIN: Duration = Duration::from_millis(1);
/// Of what the path carries, the picture may take this: headers and packets that are sent again come beside it.
const PICTURE_SHARE: f64 = 0.94;
const STATS_EVERY: Duration = Duration::from_millis(200);

/// A peer, and what it has to say.
pub(crate) type Opened = (PeerHandle, mpsc::Receiver<PeerEvent>);

/// Makes a peer whose first event is its offer.
pub(crate) fn offering(shared: &Arc<Shared>, spec: &PeerSpec) -> anyhow::Result<Opened> {
    let formats = spec.codecs.iter().copied().map(VideoFormat::ours).collect();
    let mut new = New::peer(shared, spec.viewer, formats, Shape::Steered)?;
    new.driver.offer(&mut new.outbox, Instant::now()).context("making the offer")?;
    Ok(new.start())
}

/// Makes a peer that answers a viewer's own offer.
pub(crate) fn answering(
    shared: &Arc<Shared>,
    spec: &PeerSpec,
    offer: &str,
) -> Result<(Opened, Answer), OfferError> {
    let offered = Offered::read(offer, &spec.codecs)?;
    let unusable = |error: anyhow::Error| OfferError::Unusable(format!("{error:#}"));
    let mut new =
        New::peer(shared, spec.viewer, vec![offered.format.clone()], Shape::Watched).map_err(unusable)?;
    let sdp = new.driver.take_offer(&offered, Instant::now()).map_err(unusable)?;
    Ok((new.start(), Answer { sdp, codec: offered.format.codec }))
}

/// A peer that does not run yet.
struct New {
    driver: Box<Driver>,
    outbox: Outbox,
    events: mpsc::Receiver<PeerEvent>,
    commands: mpsc::Sender<Command>,
    state: watch::Sender<String>,
    stats: watch::Receiver<PeerStats>,
}

impl New {
    fn peer(
        shared: &Arc<Shared>,
        viewer: ViewerId,
        formats: Vec<VideoFormat>,
        shape: Shape,
    ) -> anyhow::Result<Self> {
        let now = Instant::now();
        let useful = Bitrate::kbps((f64::from(shared.bitrate_max.kbps) / PICTURE_SHARE) as u32);
        let clock = Clock::set(now);
        let wire = Wire::new(now, clock, useful);
        let codec = formats.first().context("no codec is given")?.codec;
        let connection = Connection::new(&formats, shape, &shared.certificate, &wire, now)?;
        let writer = VideoWriter::new(codec, connection.ssrcs.picture, random_u32()?, clock);
        let (route, arrivals) = Route::open(shared);
        let (commands, orders) = mpsc::channel(COMMANDS);
        let (state, states) = watch::channel(String::new());
        let (told_stats, stats) = watch::channel(PeerStats::default());
        let (outbox, events) = Outbox::new();
        let driver = Box::new(Driver {
            viewer,
            formats,
            connection,
            outlet: Outlet::new(route),
            arrivals,
            orders,
            states,
            feeds: Arc::default(),
            frames: None,
            sound: None,
            voice: Voice::new(random_u32()?),
            inbox: Inbox::new(now),
            wire,
            writer,
            negotiated: None,
            phase: Phase::Awaited { until: now + ANSWER_WITHIN },
            open: Vec::new(),
            locals: Vec::new(),
            datagrams: Vec::new(),
            greeting: Greeting::default(),
            ice_connected: false,
            early: Vec::new(),
            handled: None,
            keyframe_asked: None,
            picture_missed: None,
            estimate: None,
            stats: PeerStats::default(),
            stats_told: now,
            told_stats,
            wrong_codec: false,
            owes_state: false,
            cancel: shared.cancel.child_token(),
        });
        Ok(Self { driver, outbox, events, commands, state, stats })
    }

    fn start(self) -> Opened {
        let Self { driver, outbox, events, commands, state, stats } = self;
        let feeds = Arc::clone(&driver.feeds);
        let cancel = driver.cancel.clone();
        let task = tokio::spawn(guarded(driver, outbox));
        let handle = PeerHandle { commands, feeds, state, stats, _cancel: cancel.drop_guard(), _task: task };
        (handle, events)
    }
}

/// A fault of the library ends this peer and no other; its owner is told all the same.
async fn guarded(driver: Box<Driver>, mut outbox: Outbox) {
    let viewer = driver.viewer;
    if AssertUnwindSafe(driver.run(&mut outbox)).catch_unwind().await.is_err() {
        error!(%viewer, "the peer failed by a fault in the program; its viewer has to connect again");
    }
    outbox.close();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The viewer is to answer until then or, where it was the one that offered, to connect.
    Awaited {
        until: Instant,
    },
    Answered,
    Connected,
    Disconnected,
    Over,
}

struct Driver {
    viewer: ViewerId,
    /// What was offered, best first. What was taken stands in `negotiated`.
    formats: Vec<VideoFormat>,
    connection: Connection,
    outlet: Outlet,
    arrivals: mpsc::Receiver<Arrival>,
    orders: mpsc::Receiver<Command>,
    states: watch::Receiver<String>,
    feeds: Arc<FeedSlot>,
    frames: Option<Box<dyn Frames>>,
    sound: Option<SoundFeed>,
    voice: Voice,
    inbox: Inbox,
    wire: Wire,
    writer: VideoWriter,
    negotiated: Option<Negotiated>,
    phase: Phase,
    /// Data channels that are open.
    open: Vec<RTCDataChannelId>,
    /// Where the viewer's checks have arrived: our candidates, as far as the core is concerned.
    locals: Vec<(TransportProtocol, SocketAddr)>,
    datagrams: Vec<TaggedBytesMut>,
    greeting: Greeting,
    /// ICE has a pair: the core listens to more than STUN.
    ice_connected: bool,
    early: Vec<TaggedBytesMut>,
    /// When the core's timer was last handled.
    handled: Option<Instant>,
    keyframe_asked: Option<Instant>,
    picture_missed: Option<Instant>,
    estimate: Option<Bitrate>,
    stats: PeerStats,
    stats_told: Instant,
    told_stats: watch::Sender<PeerStats>,
    wrong_codec: bool,
    /// The newest state had no room on its channel.
    owes_state: bool,
    cancel: CancellationToken,
}

/// What woke the task.
enum Input {
    Arrival(Arrival),
    Command(Command),
    Feed(Option<Box<dyn Frames>>),
    Frame(Option<Arc<EncodedFrame>>),
    Sound(Option<Arc<SoundPacket>>),
    State,
    Room,
    Timer,
    Cancelled,
}

impl Driver {
    async fn run(mut self: Box<Self>, outbox: &mut Outbox) {
        loop {
            self.settle(outbox).await;
            if self.phase == Phase::Over || outbox.is_deaf() {
                break;
            }
            match self.next_input(outbox).await {
                Input::Cancelled => break,
                input => self.handle(input, outbox, Instant::now()),
            }
        }
        self.say_goodbye().await;
        self.tell_stats(Instant::now());
        debug!(viewer = %self.viewer, stats = ?self.stats, "peer closed");
    }

    async fn next_input(&mut self, outbox: &mut Outbox) -> Input {
        let wake = self.wake_at();
        let frames = &mut self.frames;
        let next_frame = async {
            match frames {
                Some(frames) => frames.next().await,
                None => std::future::pending().await,
            }
        };
        let sound = &mut self.sound;
        let next_sound = async {
            match sound {
                Some(sound) => sound.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.cancel.cancelled() => Input::Cancelled,
            Some(arrival) = self.arrivals.recv() => Input::Arrival(arrival),
            Some(command) = self.orders.recv() => Input::Command(command),
            frames = self.feeds.take() => Input::Feed(frames),
            packet = next_sound => Input::Sound(packet),
            frame = next_frame => Input::Frame(frame),
            Ok(()) = self.states.changed() => Input::State,
            () = outbox.make_room() => Input::Room,
            () = sleep_until(wake.into()) => Input::Timer,
        }
    }

    fn handle(&mut self, input: Input, outbox: &mut Outbox, now: Instant) {
        match input {
            Input::Arrival(arrival) => self.arrive(arrival),
            Input::Command(command) => self.obey(command, outbox, now),
            Input::Feed(frames) => {
                self.frames = frames;
                self.writer.wait_for_keyframe();
            }
            Input::Frame(Some(frame)) => self.send_frame(&frame, outbox, now),
            Input::Frame(None) => self.frames = None,
            Input::Sound(Some(packet)) => self.send_sound(&packet, now),
            Input::Sound(None) => self.sound = None,
            Input::State => self.send_state(now),
            Input::Timer => self.handle_timer(now),
            Input::Room | Input::Cancelled => {}
        }
    }

    fn wake_at(&mut self) -> Instant {
        let core = self.connection.core.poll_timeout();
        let awaited = match self.phase {
            Phase::Awaited { until } => Some(until),
            _ => None,
        };
        // The core's timers are seconds away at most; this is only for a core that has none.
        let idle = Instant::now() + ANSWER_WITHIN;
        let earliest = [core, awaited].into_iter().flatten().min().unwrap_or(idle);
        self.handled.map_or(earliest, |handled| earliest.max(handled + TIMER_GRAIN))
    }

    fn handle_timer(&mut self, now: Instant) {
        self.handled = Some(now);
        if matches!(self.phase, Phase::Awaited { until } if until <= now) {
            info!(viewer = %self.viewer, "the viewer did not go on with the connection");
            self.phase = Phase::Over;
        }
        if let Err(error) = self.connection.core.handle_timeout(now) {
            info!(viewer = %self.viewer, %error, "the connection failed");
            self.phase = Phase::Over;
        }
    }

    /// Brings the core to rest: its events, its messages, its datagrams.
    async fn settle(&mut self, outbox: &mut Outbox) {
        let now = Instant::now();
        while let Some(event) = self.connection.core.poll_event() {
            self.hear_event(event, outbox, now);
        }
        while let Some(message) = self.connection.core.poll_read() {
            if let RTCMessage::DataChannelMessage(id, message) = message.message {
                self.hear_message(id, &message.data, outbox, now);
            }
        }
        self.hear_wire(outbox, now);
        self.flush().await;
        if self.connection.is_hung_up() {
            self.phase = Phase::Over;
        }
        if now.saturating_duration_since(self.stats_told) >= STATS_EVERY {
            self.tell_stats(now);
            if self.owes_state {
                self.send_state(now);
            }
        }
    }

    async fn flush(&mut self) {
        let now = Instant::now();
        while let Some(datagram) = self.connection.core.poll_write() {
            self.greeting.leaves(&datagram.message, now);
            self.datagrams.push(datagram);
        }
        self.outlet.send(&mut self.datagrams).await;
    }

    fn tell_stats(&mut self, now: Instant) {
        let (heard, view) = (self.wire.heard(), self.wire.view());
        self.stats_told = now;
        self.stats = PeerStats {
            rtt_ms: heard.rtt.map(|rtt| rtt.as_secs_f32() * 1000.0),
            packets_sent: heard.packets_sent,
            bytes_sent: heard.bytes_sent,
            packets_retransmitted: heard.packets_resent,
            packets_probing: heard.packets_filling,
            packets_repairing: heard.packets_repairing,
            retransmissions_refused: view.refused,
            fraction_lost: heard.fraction_lost,
            path: view.estimate,
            path_why: view.why,
            path_queue_ms: view.queue.as_secs_f32() * 1000.0,
            path_loss: view.loss as f32,
            path_blocked: view.blocked,
            bad_messages: self.inbox.bad(),
            over_tcp: self.outlet.is_over_tcp(),
            ..self.stats
        };
        self.told_stats.send_replace(self.stats);
    }

    /// The browser learns at once that it is over, instead of by silence.
    async fn say_goodbye(&mut self) {
        if let Err(error) = self.connection.core.close() {
            debug!(viewer = %self.viewer, %error, "closing the peer");
        }
        self.flush().await;
    }
}
