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

use std::{
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use futures_util::FutureExt;
use media::EncodedFrame;
use model::{Bitrate, ViewerId, video::Codec};
use protocol::input::IntentReply;
use rtc::{
    data_channel::RTCDataChannelId,
    peer_connection::{
        event::{RTCDataChannelEvent, RTCPeerConnectionEvent},
        message::RTCMessage,
        sdp::RTCSessionDescription,
        state::{RTCIceConnectionState, RTCPeerConnectionState},
        transport::RTCIceCandidateInit,
    },
    sansio::Protocol,
    shared::{TaggedBytesMut, TransportContext, TransportProtocol},
};
use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{
    COMMANDS, Command, FeedSlot, Frames, PeerEvent, PeerHandle, PeerSpec, PeerStats,
    connection::{Connection, random_u32},
    feedback::Notes,
    input::{Channel, Inbox, Said},
    outbox::Outbox,
    outlet::Outlet,
    writer::{Clock, Negotiated, Verdict, VideoWriter},
};
use crate::{
    port::{
        Arrival, Route, Shared,
        addresses::{self, Transport},
    },
    sdp,
};

/// A browser answers within a second; a person behind a slow signaling path within some more.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Protocol timers count milliseconds: an overdue one handled twice within one would only spin.
const TIMER_GRAIN: Duration = Duration::from_millis(1);
/// Datagrams handled before frames and commands get their turn.
const ARRIVALS_A_TURN: usize = 64;
/// Datagrams of DTLS kept until ICE has a pair: one flight of the handshake, twice.
const EARLY_MAX: usize = 8;
/// Addresses of ours that a viewer's checks may arrive at.
const LOCAL_ADDRESSES_MAX: usize = 32;
/// While a viewer waits for a keyframe it asks so often; the encoder debounces for the whole instance.
const KEYFRAME_EVERY: Duration = Duration::from_millis(500);
const STATS_EVERY: Duration = Duration::from_millis(200);
/// Estimates that differ by less are not worth an encoder's attention.
const ESTIMATE_STEP: f64 = 0.03;
/// What may be on its way on `state`: past that, the viewer reads slower than it is told, and the next one says it all.
const STATE_UNDERWAY_MAX: usize = 32 * 1024;
/// What may be on its way on `intent`.
const REPLIES_UNDERWAY_MAX: usize = 256 * 1024;
/// Seconds from 1900, where NTP begins, to 1970.
const NTP_UNIX_OFFSET_S: u64 = 2_208_988_800;

/// Makes a peer whose first event is its offer.
pub(crate) fn open(
    shared: &Arc<Shared>,
    spec: &PeerSpec,
) -> anyhow::Result<(PeerHandle, mpsc::Receiver<PeerEvent>)> {
    let now = Instant::now();
    let notes = Notes::default();
    let connection = Connection::new(spec.codec, &shared.certificate, &notes, now)?;
    let writer = VideoWriter::new(spec.codec, connection.ssrc, random_u32()?, wall_clock(now));
    let (route, arrivals) = Route::open(shared);
    let (commands, orders) = mpsc::channel(COMMANDS);
    let (state, states) = watch::channel(String::new());
    let (told_stats, stats) = watch::channel(PeerStats::default());
    let (mut outbox, events) = Outbox::new();
    let feeds = Arc::<FeedSlot>::default();
    let cancel = shared.cancel.child_token();
    let mut driver = Box::new(Driver {
        viewer: spec.viewer,
        codec: spec.codec,
        connection,
        outlet: Outlet::new(route),
        arrivals,
        orders,
        states,
        feeds: Arc::clone(&feeds),
        frames: None,
        inbox: Inbox::new(now),
        notes,
        writer,
        negotiated: None,
        phase: Phase::Offered { until: now + ANSWER_WITHIN },
        open: Vec::new(),
        locals: Vec::new(),
        datagrams: Vec::new(),
        ice_connected: false,
        early: Vec::new(),
        handled: None,
        keyframe_asked: None,
        estimate: None,
        stats: PeerStats::default(),
        stats_told: now,
        told_stats,
        wrong_codec: false,
        cancel: cancel.clone(),
    });
    driver.offer(&mut outbox, now).context("making the offer")?;
    let task = tokio::spawn(guarded(driver, outbox));
    let handle = PeerHandle { commands, feeds, state, stats, _cancel: cancel.drop_guard(), _task: task };
    Ok((handle, events))
}

/// A fault of the library ends this peer and no other; its owner is told all the same.
async fn guarded(driver: Box<Driver>, mut outbox: Outbox) {
    let viewer = driver.viewer;
    if AssertUnwindSafe(driver.run(&mut outbox)).catch_unwind().await.is_err() {
        error!(%viewer, "the peer failed by a fault in the program; its viewer has to connect again");
    }
    outbox.close();
}

fn wall_clock(at: Instant) -> Clock {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    Clock { at, ntp: ((since.as_secs() + NTP_UNIX_OFFSET_S) << 32) | fraction }
}

/// RFC 7983 §7.
fn is_dtls(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| (20..64).contains(first))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Offered { until: Instant },
    Answered,
    Connected,
    Disconnected,
    Over,
}

struct Driver {
    viewer: ViewerId,
    codec: Codec,
    connection: Connection,
    outlet: Outlet,
    arrivals: mpsc::Receiver<Arrival>,
    orders: mpsc::Receiver<Command>,
    states: watch::Receiver<String>,
    feeds: Arc<FeedSlot>,
    frames: Option<Box<dyn Frames>>,
    inbox: Inbox,
    notes: Notes,
    writer: VideoWriter,
    negotiated: Option<Negotiated>,
    phase: Phase,
    /// Data channels that are open.
    open: Vec<RTCDataChannelId>,
    /// Where the viewer's checks have arrived: our candidates, as far as the core is concerned.
    locals: Vec<(TransportProtocol, SocketAddr)>,
    datagrams: Vec<TaggedBytesMut>,
    /// ICE has a pair: the core listens to more than STUN.
    ice_connected: bool,
    early: Vec<TaggedBytesMut>,
    /// When the core's timer was last handled.
    handled: Option<Instant>,
    keyframe_asked: Option<Instant>,
    estimate: Option<Bitrate>,
    stats: PeerStats,
    stats_told: Instant,
    told_stats: watch::Sender<PeerStats>,
    wrong_codec: bool,
    cancel: CancellationToken,
}

/// What woke the task.
enum Input {
    Arrival(Arrival),
    Command(Command),
    Feed(Option<Box<dyn Frames>>),
    Frame(Option<Arc<EncodedFrame>>),
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
        tokio::select! {
            () = self.cancel.cancelled() => Input::Cancelled,
            Some(arrival) = self.arrivals.recv() => Input::Arrival(arrival),
            Some(command) = self.orders.recv() => Input::Command(command),
            frames = self.feeds.take() => Input::Feed(frames),
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
            Input::State => self.send_state(now),
            Input::Timer => self.handle_timer(now),
            Input::Room | Input::Cancelled => {}
        }
    }

    // ---- time

    fn wake_at(&mut self) -> Instant {
        let core = self.connection.core.poll_timeout();
        let offered = match self.phase {
            Phase::Offered { until } => Some(until),
            _ => None,
        };
        // The core's timers are seconds away at most; this is only for a core that has none.
        let idle = Instant::now() + ANSWER_WITHIN;
        let earliest = [core, offered].into_iter().flatten().min().unwrap_or(idle);
        self.handled.map_or(earliest, |handled| earliest.max(handled + TIMER_GRAIN))
    }

    fn handle_timer(&mut self, now: Instant) {
        self.handled = Some(now);
        if matches!(self.phase, Phase::Offered { until } if until <= now) {
            info!(viewer = %self.viewer, "the viewer did not answer the offer");
            self.phase = Phase::Over;
        }
        if let Err(error) = self.connection.core.handle_timeout(now) {
            info!(viewer = %self.viewer, %error, "the connection failed");
            self.phase = Phase::Over;
        }
    }

    // ---- in

    fn arrive(&mut self, first: Arrival) {
        self.take(first);
        for _ in 1..ARRIVALS_A_TURN {
            let Ok(next) = self.arrivals.try_recv() else { break };
            self.take(next);
        }
    }

    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Datagram { transport, bytes, at } => {
                self.learn_local(&transport);
                let message = TaggedBytesMut { now: at, transport, message: bytes };
                if !self.ice_connected && is_dtls(&message.message) {
                    self.keep_for_later(message);
                } else {
                    self.read(message);
                }
            }
            Arrival::TcpOpened { remote, frames } => self.outlet.tcp_opened(remote, frames),
            Arrival::TcpClosed { remote } => self.outlet.tcp_closed(remote),
        }
    }

    fn read(&mut self, message: TaggedBytesMut) {
        if let Err(error) = self.connection.core.handle_read(message) {
            debug!(viewer = %self.viewer, %error, "a datagram was not understood");
        }
    }

    /// A browser begins DTLS as soon as its own check was answered, a step before the core has nominated that pair and
    /// listens. Dropped, its hello would come again after twice the round trip at the earliest.
    fn keep_for_later(&mut self, message: TaggedBytesMut) {
        if self.early.len() < EARLY_MAX {
            self.early.push(message);
        }
    }

    fn read_what_was_early(&mut self) {
        self.ice_connected = true;
        for message in std::mem::take(&mut self.early) {
            self.read(message);
        }
    }

    /// The address that a check arrived at is one of ours, whatever was offered: NAT and new interfaces included.
    fn learn_local(&mut self, transport: &TransportContext) {
        let local = (transport.transport_protocol, transport.local_addr);
        if self.locals.contains(&local) || self.locals.len() == LOCAL_ADDRESSES_MAX {
            return;
        }
        let kind = match transport.transport_protocol {
            TransportProtocol::TCP => Transport::Tcp,
            _ => Transport::Udp,
        };
        let candidate = addresses::candidate(kind, self.locals.len(), transport.local_addr);
        self.locals.push(local);
        let init = RTCIceCandidateInit { candidate, ..Default::default() };
        if let Err(error) = self.connection.core.add_local_candidate(init) {
            warn!(viewer = %self.viewer, %error, address = %transport.local_addr, "an address of ours is refused by ICE");
        }
    }

    fn obey(&mut self, command: Command, outbox: &mut Outbox, now: Instant) {
        match command {
            Command::Answer { sdp, done } => drop(done.send(self.answer(&sdp, now))),
            Command::RestartIce { done } => {
                self.connection.core.restart_ice();
                drop(done.send(self.offer(outbox, now).context("making the offer of an ICE restart")));
            }
            Command::Reply(reply) => self.send_reply(&reply, now),
        }
    }

    fn offer(&mut self, outbox: &mut Outbox, now: Instant) -> anyhow::Result<()> {
        let offer = self.connection.core.create_offer(None)?;
        self.connection.core.set_local_description(now, offer)?;
        let sdp = self.connection.core.local_description().context("there is no local description")?.sdp;
        let ufrag = sdp::ufrag(&sdp).context("the offer has no ufrag")?;
        self.outlet.route().name(ufrag);
        let sdp = sdp::with_candidates(&sdp, &self.candidates());
        outbox.tell(PeerEvent::Offer { sdp });
        Ok(())
    }

    fn candidates(&self) -> Vec<String> {
        let shared = self.outlet.route().shared();
        let at = |ip: &IpAddr| SocketAddr::new(*ip, shared.port());
        let offered = shared.addresses();
        [Transport::Udp, Transport::Tcp]
            .into_iter()
            .flat_map(|kind| {
                offered.iter().enumerate().map(move |(rank, ip)| addresses::candidate(kind, rank, at(ip)))
            })
            .collect()
    }

    fn answer(&mut self, sdp: &str, now: Instant) -> anyhow::Result<()> {
        sdp::check_answer(sdp, self.codec)?;
        let answer = RTCSessionDescription::answer(sdp::without_candidates(sdp))
            .context("the answer is no session description")?;
        self.connection
            .core
            .set_remote_description(now, answer)
            .context("the answer does not fit the offer")?;
        let negotiated = self.connection.negotiated(self.codec);
        self.negotiated = Some(negotiated.context("the answer names no payload type for the video")?);
        if matches!(self.phase, Phase::Offered { .. }) {
            self.phase = Phase::Answered;
        }
        Ok(())
    }

    // ---- what the core has to say

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
        self.hear_notes(outbox, now);
        self.flush().await;
        if self.connection.is_hung_up() {
            self.phase = Phase::Over;
        }
        if now.saturating_duration_since(self.stats_told) >= STATS_EVERY {
            self.tell_stats(now);
        }
    }

    async fn flush(&mut self) {
        while let Some(datagram) = self.connection.core.poll_write() {
            self.datagrams.push(datagram);
        }
        self.outlet.send(&mut self.datagrams).await;
    }

    fn hear_event(&mut self, event: RTCPeerConnectionEvent, outbox: &mut Outbox, now: Instant) {
        match event {
            RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(state) => match state {
                RTCIceConnectionState::Connected | RTCIceConnectionState::Completed => {
                    self.read_what_was_early()
                }
                RTCIceConnectionState::Checking => self.ice_connected = false,
                _ => {}
            },
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => self.enter(state, outbox, now),
            RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id)) => self.opened(id, now),
            RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnClose(id)) => {
                self.open.retain(|open| *open != id);
            }
            _ => {}
        }
    }

    fn enter(&mut self, state: RTCPeerConnectionState, outbox: &mut Outbox, now: Instant) {
        debug!(viewer = %self.viewer, %state, "peer connection");
        match state {
            RTCPeerConnectionState::Connected if self.phase != Phase::Connected => {
                self.phase = Phase::Connected;
                self.writer.wait_for_keyframe();
                outbox.tell(PeerEvent::Connected);
                self.want_keyframe(outbox, now);
            }
            // An ICE restart: until the new way is found, nothing can flow.
            RTCPeerConnectionState::Connecting if self.phase == Phase::Connected => {
                self.phase = Phase::Answered
            }
            RTCPeerConnectionState::Disconnected if self.phase == Phase::Connected => {
                self.phase = Phase::Disconnected;
                outbox.tell(PeerEvent::Disconnected);
            }
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => self.phase = Phase::Over,
            _ => {}
        }
    }

    fn opened(&mut self, id: RTCDataChannelId, now: Instant) {
        match self.connection.channel_of(id) {
            Some(channel) => {
                self.open.push(id);
                if channel == Channel::State {
                    self.send_state(now);
                }
            }
            // Only ours are spoken on.
            None => {
                if let Some(mut stranger) = self.connection.core.data_channel(id) {
                    let _ = stranger.close();
                }
            }
        }
    }

    fn hear_message(&mut self, id: RTCDataChannelId, data: &[u8], outbox: &mut Outbox, now: Instant) {
        let Some(channel) = self.connection.channel_of(id) else { return };
        outbox.tell(match self.inbox.hear(channel, data, now) {
            Said::Pointer(message) => PeerEvent::Pointer(message),
            Said::Keys(message) => PeerEvent::Keys(message),
            Said::Intent(intent) => PeerEvent::Intent(intent),
            Said::Bad(Some(why)) => PeerEvent::BadInput { channel: channel.label(), why },
            Said::Bad(None) | Said::Stale => return,
        });
    }

    fn hear_notes(&mut self, outbox: &mut Outbox, now: Instant) {
        if self.notes.take_keyframe_wanted() {
            // The viewer says it itself: no debouncing of ours.
            self.keyframe_asked = Some(now);
            outbox.tell(PeerEvent::KeyframeWanted);
        }
        let Some(estimate) = self.notes.read().estimate else { return };
        let told = f64::from(self.estimate.map_or(0, |told| told.kbps));
        if (f64::from(estimate.kbps) - told).abs() > ESTIMATE_STEP * told {
            self.estimate = Some(estimate);
            outbox.tell(PeerEvent::Estimate(estimate));
        }
    }

    // ---- out

    fn send_frame(&mut self, frame: &Arc<EncodedFrame>, outbox: &mut Outbox, now: Instant) {
        let (Phase::Connected, Some(negotiated)) = (self.phase, self.negotiated) else { return };
        match self.writer.judge(frame) {
            Verdict::Send => self.send_packets(frame, negotiated, outbox, now),
            Verdict::NeedsKeyframe => {
                self.stats.frames_skipped += 1;
                self.want_keyframe(outbox, now);
            }
            Verdict::WrongCodec => {
                self.stats.frames_skipped += 1;
                if !std::mem::replace(&mut self.wrong_codec, true) {
                    warn!(viewer = %self.viewer, negotiated = ?self.codec, frame = ?frame.codec, "the feed's codec is not the negotiated one: nothing is sent");
                }
            }
        }
    }

    fn send_packets(
        &mut self,
        frame: &Arc<EncodedFrame>,
        negotiated: Negotiated,
        outbox: &mut Outbox,
        now: Instant,
    ) {
        let payloads = self.outlet.route().shared().packetizer.payloads(frame);
        if !self.outlet.has_room_for(payloads.len()) {
            self.stats.frames_skipped += 1;
            self.writer.wait_for_keyframe();
            self.want_keyframe(outbox, now);
            return;
        }
        let Some(mut sender) = self.connection.core.rtp_sender(self.connection.video) else { return };
        let written = self
            .writer
            .packets(frame, &payloads, negotiated)
            .try_for_each(|packet| sender.write_rtp(now, packet));
        match written {
            Ok(()) => self.stats.frames_sent += 1,
            Err(error) => {
                debug!(viewer = %self.viewer, %error, "a packet was refused");
                self.writer.wait_for_keyframe();
            }
        }
    }

    fn want_keyframe(&mut self, outbox: &mut Outbox, now: Instant) {
        let recently = |asked: Instant| now.saturating_duration_since(asked) < KEYFRAME_EVERY;
        if self.writer.is_waiting() && !self.keyframe_asked.is_some_and(recently) {
            self.keyframe_asked = Some(now);
            outbox.tell(PeerEvent::KeyframeWanted);
        }
    }

    fn send_state(&mut self, now: Instant) {
        let json = self.states.borrow_and_update().clone();
        if !json.is_empty() {
            self.send_text(Channel::State, json, STATE_UNDERWAY_MAX, now);
        }
    }

    fn send_reply(&mut self, reply: &IntentReply, now: Instant) {
        match serde_json::to_string(reply) {
            Ok(json) => self.send_text(Channel::Intent, json, REPLIES_UNDERWAY_MAX, now),
            Err(error) => {
                warn!(viewer = %self.viewer, %error, "a reply to an intent cannot be written as JSON")
            }
        }
    }

    fn send_text(&mut self, channel: Channel, json: String, underway_max: usize, now: Instant) {
        let Some(id) = self.connection.channel_id(channel).filter(|id| self.open.contains(id)) else {
            return;
        };
        let Some(mut data_channel) = self.connection.core.data_channel(id) else { return };
        if data_channel.outstanding_bytes() + json.len() > underway_max {
            debug!(viewer = %self.viewer, channel = channel.label(), "the viewer reads too slowly: a message was dropped");
            return;
        }
        if let Err(error) = data_channel.send_text(now, json) {
            debug!(viewer = %self.viewer, channel = channel.label(), %error, "a message was not sent");
        }
    }

    fn tell_stats(&mut self, now: Instant) {
        let heard = self.notes.read();
        self.stats_told = now;
        self.stats = PeerStats {
            rtt_ms: heard.rtt.map(|rtt| rtt.as_secs_f32() * 1000.0),
            packets_sent: heard.packets_sent,
            bytes_sent: heard.bytes_sent,
            packets_retransmitted: heard.packets_resent,
            retransmissions_refused: heard.resends_refused,
            fraction_lost: heard.fraction_lost,
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
