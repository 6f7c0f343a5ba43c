//! What goes out to a viewer: frames, states, replies.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use media::{EncodedFrame, SoundPacket};
use protocol::input::IntentReply;
use tracing::{debug, warn};

use super::{Driver, Phase};
use crate::peer::{
    PeerEvent,
    input::Channel,
    outbox::Outbox,
    sending::Carries,
    writer::{Negotiated, Verdict},
};

/// While a viewer waits for a keyframe it asks so often; the encoder debounces for the whole instance.
const KEYFRAME_EVERY: Duration = Duration::from_millis(500);
/// What may be on its way on `state`: past that, the viewer reads slower than it is told, and gets the newest one later.
const STATE_UNDERWAY_MAX: usize = 32 * 1024;
/// What may be on its way on `intent`.
const REPLIES_UNDERWAY_MAX: usize = 256 * 1024;

impl Driver {
    pub(super) fn send_frame(&mut self, frame: &Arc<EncodedFrame>, outbox: &mut Outbox, now: Instant) {
        let (Phase::Connected, Some(negotiated)) = (self.phase, self.negotiated) else { return };
        // What the path cannot carry only grows stale on it. The next keyframe is asked for when it can.
        let carried = match self.wire.carries(now) {
            Carries::Frames => true,
            Carries::Keyframes => frame.keyframe,
            Carries::Nothing => false,
        };
        if !carried {
            self.stats.frames_skipped += 1;
            self.writer.wait_for_keyframe();
            return;
        }
        match self.writer.judge(frame) {
            Verdict::Send => self.send_packets(frame, negotiated, outbox, now),
            Verdict::NeedsKeyframe => {
                self.stats.frames_skipped += 1;
                self.want_keyframe(outbox, now);
            }
            Verdict::WrongCodec => {
                self.stats.frames_skipped += 1;
                if !std::mem::replace(&mut self.wrong_codec, true) {
                    warn!(viewer = %self.viewer, negotiated = ?negotiated.payload_type, frame = ?frame.codec, "the feed's codec is not the negotiated one: nothing is sent");
                }
            }
        }
    }

    pub(super) fn send_packets(
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
        if frame.keyframe {
            self.wire.keyframe_from(self.writer.next_sequence());
        }
        let packets = self.writer.packets(frame, &payloads, negotiated);
        self.wire.post(packets, frame.captured, now);
        self.stats.frames_sent += 1;
    }

    /// Sound goes at once: it is little, and late it is of no use.
    pub(super) fn send_sound(&mut self, packet: &SoundPacket, now: Instant) {
        let (Phase::Connected, Some((sender, ssrc))) = (self.phase, self.connection.sound) else { return };
        let (Some(packet), Some(mut sender)) =
            (self.voice.packet(ssrc, packet, now), self.connection.core.rtp_sender(sender))
        else {
            return;
        };
        if let Err(error) = sender.write_rtp(now, packet) {
            debug!(viewer = %self.viewer, %error, "a packet of sound was refused");
        }
    }

    pub(super) fn want_keyframe(&mut self, outbox: &mut Outbox, now: Instant) {
        let recently = |asked: Instant| now.saturating_duration_since(asked) < KEYFRAME_EVERY;
        if self.writer.is_waiting() && !self.keyframe_asked.is_some_and(recently) {
            self.keyframe_asked = Some(now);
            outbox.tell(PeerEvent::KeyframeWanted);
        }
    }

    pub(super) fn send_state(&mut self, now: Instant) {
        let json = self.states.borrow_and_update().clone();
        self.owes_state = !json.is_empty() && !self.send_text(Channel::State, json, STATE_UNDERWAY_MAX, now);
    }

    pub(super) fn send_reply(&mut self, reply: &IntentReply, now: Instant) {
        match serde_json::to_string(reply) {
            Ok(json) => {
                self.send_text(Channel::Intent, json, REPLIES_UNDERWAY_MAX, now);
            }
            Err(error) => {
                warn!(viewer = %self.viewer, %error, "a reply to an intent cannot be written as JSON")
            }
        }
    }

    /// False where the viewer has not taken what was sent before. A channel that is not open is told when it opens.
    fn send_text(&mut self, channel: Channel, json: String, underway_max: usize, now: Instant) -> bool {
        let Some(id) = self.connection.channel_id(channel).filter(|id| self.open.contains(id)) else {
            return true;
        };
        let Some(mut data_channel) = self.connection.core.data_channel(id) else { return true };
        if data_channel.outstanding_bytes() + json.len() > underway_max {
            debug!(viewer = %self.viewer, channel = channel.label(), "the viewer reads too slowly: a message was dropped");
            return false;
        }
        if let Err(error) = data_channel.send_text(now, json) {
            warn!(viewer = %self.viewer, channel = channel.label(), %error, "a message was not sent");
        }
        true
    }
}
