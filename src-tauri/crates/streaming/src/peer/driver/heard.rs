//! What the core of a peer has to say: its states, its messages, the viewer's feedback.

use std::time::{Duration, Instant};

use model::Bitrate;
use rtc::{
    data_channel::RTCDataChannelId,
    peer_connection::{
        event::{RTCDataChannelEvent, RTCPeerConnectionEvent},
        state::{RTCIceConnectionState, RTCPeerConnectionState},
    },
};
use tracing::debug;

use super::{Driver, PICTURE_SHARE, Phase};
use crate::peer::{
    PeerEvent,
    input::{Channel, Said},
    outbox::Outbox,
    sending::Carries,
};

/// Estimates that differ by less are not worth an encoder's attention.
const ESTIMATE_STEP: f64 = 0.03;
/// A lost picture is told so often at most; the encoder debounces for the whole instance besides.
const MISSED_EVERY: Duration = Duration::from_millis(100);

impl Driver {
    pub(super) fn hear_event(&mut self, event: RTCPeerConnectionEvent, outbox: &mut Outbox, now: Instant) {
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

    pub(super) fn enter(&mut self, state: RTCPeerConnectionState, outbox: &mut Outbox, now: Instant) {
        debug!(viewer = %self.viewer, %state, "peer connection");
        match state {
            RTCPeerConnectionState::Connected if self.phase != Phase::Connected => {
                self.phase = Phase::Connected;
                self.writer.wait_for_keyframe();
                if let Some(rtt) = self.greeting.rtt() {
                    self.wire.begin(rtt);
                }
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

    pub(super) fn opened(&mut self, id: RTCDataChannelId, now: Instant) {
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

    pub(super) fn hear_message(
        &mut self,
        id: RTCDataChannelId,
        data: &[u8],
        outbox: &mut Outbox,
        now: Instant,
    ) {
        let Some(channel) = self.connection.channel_of(id) else { return };
        outbox.tell(match self.inbox.hear(channel, data, now) {
            Said::Pointer(message) => PeerEvent::Pointer(message),
            Said::Keys(message) => PeerEvent::Keys(message),
            Said::Intent(intent) => PeerEvent::Intent(intent),
            Said::Bad(Some(why)) => PeerEvent::BadInput { channel: channel.label(), why },
            Said::Bad(None) | Said::Stale => return,
        });
    }

    pub(super) fn hear_wire(&mut self, outbox: &mut Outbox, now: Instant) {
        if self.wire.take_keyframe_wanted() {
            self.miss_picture(outbox, now);
        }
        let view = self.wire.view();
        let Some(path) = view.estimate else { return };
        let share = PICTURE_SHARE / (1.0 + view.repair_share);
        let estimate = Bitrate::kbps((f64::from(path.kbps) * share) as u32);
        let told = f64::from(self.estimate.map_or(0, |told| told.kbps));
        if (f64::from(estimate.kbps) - told).abs() > ESTIMATE_STEP * told {
            self.estimate = Some(estimate);
            outbox.tell(PeerEvent::Estimate(estimate));
        }
    }

    /// The viewer asks several times for one lost picture, or ten thousand times a second. Where the path takes no
    /// keyframe now, one is asked for when it does.
    fn miss_picture(&mut self, outbox: &mut Outbox, now: Instant) {
        if self.wire.carries(now) != Carries::Frames {
            self.writer.wait_for_keyframe();
            return;
        }
        let lately = self.picture_missed.is_some_and(|at| now.saturating_duration_since(at) < MISSED_EVERY);
        if !lately {
            self.picture_missed = Some(now);
            self.keyframe_asked = Some(now);
            outbox.tell(PeerEvent::KeyframeWanted);
        }
    }
}
