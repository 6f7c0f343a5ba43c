//! What a viewer reports of what it got: round trip and loss, packets that it misses, when each of them arrived.

use std::time::{Duration, Instant};

use rtc::{
    interceptor::convert_twcc,
    rtcp::{
        self,
        payload_feedbacks::{
            full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
        },
        receiver_report::ReceiverReport,
        reception_report::ReceptionReport,
        transport_feedbacks::{
            transport_layer_cc::TransportLayerCc, transport_layer_nack::TransportLayerNack,
        },
    },
};

use super::LastStep;

/// More than this is no round trip, but a lie or a suspended laptop.
const RTT_MAX: Duration = Duration::from_secs(10);
/// Packets that one request may name. A browser misses some hundred at most; more is a flood.
const REQUESTED_MAX: usize = 512;
/// Packets that one feedback may speak of: it comes several times a second.
const REPORTED_MAX: usize = 4096;
/// Times of arrival count in 24 bits of 64 ms and begin anew after twelve days.
pub(super) const TICK: Duration = Duration::from_millis(64);
pub(super) const TICKS: u32 = 1 << 24;

impl LastStep {
    pub(super) fn hear(&mut self, packet: &dyn rtcp::Packet, now: Instant) {
        let any = packet.as_any();
        if any.is::<PictureLossIndication>() || any.is::<FullIntraRequest>() {
            self.wire.with(|state| state.heard.keyframe_wanted = true);
        } else if let Some(report) = any.downcast_ref::<ReceiverReport>() {
            report.reports.iter().for_each(|report| self.hear_report(report, now));
        } else if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
            self.hear_request(nack, now);
        } else if let Some(feedback) = any.downcast_ref::<TransportLayerCc>() {
            self.hear_feedback(feedback, now);
        }
    }

    fn hear_report(&self, report: &ReceptionReport, now: Instant) {
        if report.ssrc != self.ssrc {
            return;
        }
        let held = Duration::from_secs_f64(f64::from(report.delay) / 65_536.0);
        self.wire.with(|state| {
            let made = state.reporter.made_at(report.last_sender_report);
            let rtt = made.and_then(|made| now.saturating_duration_since(made).checked_sub(held));
            state.heard.fraction_lost = f32::from(report.fraction_lost) / 256.0;
            if let Some(rtt) = rtt.filter(|rtt| *rtt < RTT_MAX) {
                state.heard.rtt = Some(rtt);
            }
        });
    }

    fn hear_request(&self, nack: &TransportLayerNack, now: Instant) {
        let now = self.wire.since_epoch(now);
        let wanted = nack.nacks.iter().flat_map(|pair| *pair).take(REQUESTED_MAX);
        self.wire.with(|state| {
            let beyond_repair = wanted.filter(|sequence| !state.sending.ask_again(*sequence, now)).count();
            state.heard.keyframe_wanted |= beyond_repair > 0;
        });
    }

    fn hear_feedback(&mut self, feedback: &TransportLayerCc, now: Instant) {
        if usize::from(feedback.packet_status_count) > REPORTED_MAX {
            return;
        }
        let shift = self.unwrapped(feedback.reference_time);
        // A packet that arrived, but at no time, says nothing.
        let spoken = convert_twcc(feedback).into_iter().filter(|said| said.arrived == said.arrival.is_some());
        let fates = spoken.map(|said| (said.sequence_number, said.arrival.map(|at| at + shift)));
        let now = self.wire.since_epoch(now);
        self.wire.with(|state| state.sending.hear(now, feedback.base_sequence_number, fates));
    }

    /// What to add to the times of a feedback, so that they go on where the count begins anew.
    fn unwrapped(&mut self, ticks: u32) -> Duration {
        let turns = match self.ticks {
            Some((newest, turns)) if newest > ticks && newest - ticks > TICKS / 2 => turns + 1,
            Some((newest, turns)) if ticks > newest && ticks - newest > TICKS / 2 => turns.saturating_sub(1),
            Some((_, turns)) => turns,
            None => 1,
        };
        self.ticks = Some((ticks, turns));
        TICK * TICKS * u32::try_from(turns.min(1000)).unwrap_or(1000)
    }
}
