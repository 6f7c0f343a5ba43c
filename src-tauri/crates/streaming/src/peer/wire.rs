//! The last step to the wire and the first from it: an interceptor of the library's chain, in place of its own for
//! congestion control, transport numbers and retransmission.
//!
//! One pass instead of three, one record of a packet instead of four, and the packets of a frame leave when the pacer
//! lets them. What is decided is decided in [`sending`](super::sending).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use model::Bitrate;
use rtc::{
    interceptor::{
        AttributedPacket, Interceptor, Packet, RTPHeaderExtension, StreamInfo, TaggedPacket, convert_twcc,
    },
    rtcp::{
        self,
        payload_feedbacks::{
            full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
        },
        receiver_report::ReceiverReport,
        reception_report::ReceptionReport,
        sender_report::SenderReport,
        transport_feedbacks::{
            transport_layer_cc::TransportLayerCc, transport_layer_nack::TransportLayerNack,
        },
    },
    rtp::{self, header::Header},
    sansio::Protocol,
    shared::{TransportContext, error::Error, marshal::MarshalSize},
};

use super::{
    connection::TRANSPORT_CC,
    sending::{Carries, Kind, Leaving, Parcel, Sending, View},
};

/// Sender reports that a receiver report may still refer to; one a second is sent.
const SENDER_REPORTS: usize = 16;
/// More than this is no round trip, but a lie or a suspended laptop.
const RTT_MAX: Duration = Duration::from_secs(10);
/// Packets that one request may name. A browser misses some hundred at most; more is a flood.
const REQUESTED_MAX: usize = 512;
/// Packets that one feedback may speak of: it comes several times a second.
const REPORTED_MAX: usize = 4096;
/// Times of arrival count in 24 bits of 64 ms and begin anew after twelve days.
const TICK: Duration = Duration::from_millis(64);
const TICKS: u32 = 1 << 24;

impl Parcel for rtp::Packet {
    fn sequence(&self) -> u16 {
        self.header.sequence_number
    }

    fn bytes(&self) -> usize {
        self.marshal_size()
    }

    /// Extensions are of the first time: most of the memory of a viewer would be lists of them.
    fn to_keep(&self) -> Self {
        let Header { version, marker, payload_type, sequence_number, timestamp, ssrc, .. } = self.header;
        let header =
            Header { version, marker, payload_type, sequence_number, timestamp, ssrc, ..Default::default() };
        Self { header, payload: self.payload.clone() }
    }
}

/// What the driver of a peer and its place on the wire have in common. Used within one task; the lock is a formality.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    epoch: Instant,
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sending: Sending<rtp::Packet>,
    heard: Heard,
}

/// What has been heard and sent so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) keyframe_wanted: bool,
    pub(crate) rtt: Option<Duration>,
    pub(crate) fraction_lost: f32,
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) packets_resent: u64,
    pub(crate) packets_filling: u64,
}

impl Wire {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self { epoch, shared: Arc::default() }
    }

    pub(crate) fn heard(&self) -> Heard {
        self.with(|state| state.heard)
    }

    pub(crate) fn view(&self) -> View {
        self.with(|state| state.sending.view())
    }

    pub(crate) fn take_keyframe_wanted(&self) -> bool {
        self.with(|state| std::mem::take(&mut state.heard.keyframe_wanted))
    }

    pub(crate) fn carries(&self, now: Instant) -> Carries {
        let now = self.since_epoch(now);
        self.with(|state| state.sending.carries(now))
    }

    pub(crate) fn keyframe_from(&self, sequence: u16) {
        self.with(|state| state.sending.keyframe_from(sequence));
    }

    pub(crate) fn set_useful(&self, useful: Bitrate) {
        self.with(|state| state.sending.set_useful(useful));
    }

    fn since_epoch(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.epoch)
    }

    fn with<T>(&self, deed: impl FnOnce(&mut State) -> T) -> T {
        deed(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The numbers that were negotiated for the picture.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// Where the transport's number goes; a viewer that does not report arrivals has none.
    number_id: Option<u8>,
    /// SSRC and payload type of packets that are sent again.
    again: Option<(u32, u8)>,
}

pub(crate) struct LastStep {
    ssrc: u32,
    wire: Wire,
    stream: Stream,
    /// Packets that were sent again have a count of their own (RFC 4588).
    again_sequence: u16,
    sender_reports: VecDeque<(u32, Instant)>,
    /// The newest time of arrival, for those that begin anew.
    ticks: Option<(u32, u64)>,
    now: Instant,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl LastStep {
    /// `ssrc` is that of the picture.
    pub(crate) fn new(ssrc: u32, wire: Wire) -> Self {
        Self {
            ssrc,
            now: wire.epoch,
            wire,
            stream: Stream::default(),
            again_sequence: 0,
            sender_reports: VecDeque::new(),
            ticks: None,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
        }
    }

    fn hear(&mut self, packet: &dyn rtcp::Packet, now: Instant) {
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
        let sent = self.sender_reports.iter().find(|(middle, _)| *middle == report.last_sender_report);
        let rtt = sent.and_then(|(_, at)| {
            let held = Duration::from_secs_f64(f64::from(report.delay) / 65_536.0);
            now.saturating_duration_since(*at).checked_sub(held)
        });
        self.wire.with(|state| {
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

    fn note_sender_report(&mut self, report: &SenderReport, now: Instant) {
        if self.sender_reports.len() == SENDER_REPORTS {
            self.sender_reports.pop_front();
        }
        // The middle 32 of 64 bits are what a receiver report repeats (RFC 3550 §6.4.1).
        let middle = u32::try_from((report.ntp_time >> 16) & 0xFFFF_FFFF).expect("32 bits were cut out");
        self.sender_reports.push_back((middle, now));
    }

    fn next(&mut self) -> Option<TaggedPacket> {
        let now = self.wire.since_epoch(self.now);
        let leaving = self.wire.with(|state| {
            let leaving = state.sending.next(now)?;
            state.heard.packets_sent += 1;
            state.heard.bytes_sent += leaving.parcel.bytes() as u64;
            match leaving.kind {
                Kind::Fresh => {}
                Kind::Again => state.heard.packets_resent += 1,
                Kind::Filling => state.heard.packets_filling += 1,
            }
            Some(leaving)
        })?;
        let packet = self.numbered(leaving);
        Some(TaggedPacket {
            now: self.now,
            transport: TransportContext::default(),
            message: AttributedPacket::new(Packet::Rtp(packet)),
        })
    }

    fn numbered(&mut self, leaving: Leaving<rtp::Packet>) -> rtp::Packet {
        let mut packet = match leaving.kind {
            Kind::Fresh => leaving.parcel,
            Kind::Again | Kind::Filling => self.again(leaving.parcel),
        };
        if let Some(id) = self.stream.number_id {
            let number = Bytes::copy_from_slice(&leaving.number.to_be_bytes());
            // One that does not fit stays without a number, and counts as one that nobody spoke of.
            let _ = packet.header.set_extension(id, number);
        }
        packet
    }

    /// RFC 4588; a viewer that did not negotiate it gets the packet as it was.
    fn again(&mut self, parcel: rtp::Packet) -> rtp::Packet {
        let Some((ssrc, payload_type)) = self.stream.again else { return parcel };
        let mut payload = BytesMut::with_capacity(2 + parcel.payload.len());
        payload.put_u16(parcel.header.sequence_number);
        payload.extend_from_slice(&parcel.payload);
        let header = Header {
            version: 2,
            ssrc,
            payload_type,
            sequence_number: self.again_sequence,
            timestamp: parcel.header.timestamp,
            marker: parcel.header.marker,
            ..Default::default()
        };
        self.again_sequence = self.again_sequence.wrapping_add(1);
        rtp::Packet { header, payload: payload.freeze() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for LastStep {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.now = self.now.max(packet.now);
        if let Packet::Rtcp(heard) = &packet.message.packet {
            heard.iter().for_each(|one| self.hear(one.as_ref(), packet.now));
        }
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.now = self.now.max(packet.now);
        if let Packet::Rtcp(said) = &packet.message.packet {
            let reports = said.iter().filter_map(|one| one.as_any().downcast_ref::<SenderReport>());
            reports.for_each(|report| self.note_sender_report(report, packet.now));
        }
        match packet.message.packet {
            Packet::Rtp(rtp) if rtp.header.ssrc == self.ssrc => {
                let now = self.wire.since_epoch(self.now);
                self.wire.with(|state| state.sending.post(rtp, now));
            }
            _ => self.writes.push_back(packet),
        }
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front().or_else(|| self.next())
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.now = self.now.max(now);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let at = self.wire.with(|state| state.sending.wake_at())?;
        Some(self.wire.epoch + at)
    }
}

impl Interceptor for LastStep {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        if info.ssrc == self.ssrc {
            self.stream = Stream {
                number_id: number_id(&info.rtp_header_extensions),
                again: info.ssrc_rtx.zip(info.payload_type_rtx),
            };
        }
    }

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

fn number_id(extensions: &[RTPHeaderExtension]) -> Option<u8> {
    let found = extensions.iter().find(|extension| extension.uri == TRANSPORT_CC)?;
    u8::try_from(found.id).ok().filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rtc::{
        rtcp::transport_feedbacks::{
            transport_layer_cc::{
                PacketStatusChunk, RecvDelta, RunLengthChunk, StatusChunkTypeTcc, SymbolTypeTcc,
            },
            transport_layer_nack::NackPair,
        },
        shared::TransportMessage,
    };

    use super::*;

    const SSRC: u32 = 42;
    const NUMBER_ID: u8 = 5;

    fn tagged(packet: Packet, now: Instant) -> TaggedPacket {
        TransportMessage {
            now,
            transport: TransportContext::default(),
            message: AttributedPacket::new(packet),
        }
    }

    fn step(now: Instant) -> LastStep {
        let mut step = LastStep::new(SSRC, Wire::new(now));
        step.bind_local_stream(&StreamInfo {
            ssrc: SSRC,
            ssrc_rtx: Some(43),
            payload_type_rtx: Some(103),
            rtp_header_extensions: vec![RTPHeaderExtension {
                uri: TRANSPORT_CC.to_owned(),
                id: NUMBER_ID.into(),
            }],
            ..Default::default()
        });
        step
    }

    fn hear(step: &mut LastStep, packet: impl rtcp::Packet + 'static, now: Instant) {
        step.handle_read(tagged(Packet::Rtcp(vec![Box::new(packet)]), now)).unwrap();
        step.poll_read().unwrap();
    }

    /// What leaves now.
    fn leaving(step: &mut LastStep) -> Vec<rtp::Packet> {
        std::iter::from_fn(|| step.poll_write())
            .filter_map(|packet| match packet.message.packet {
                Packet::Rtp(rtp) => Some(rtp),
                _ => None,
            })
            .collect()
    }

    fn send(step: &mut LastStep, sequence_number: u16, now: Instant) -> rtp::Packet {
        let header = Header { version: 2, ssrc: SSRC, sequence_number, ..Default::default() };
        let packet = rtp::Packet { header, payload: vec![0; 1000].into() };
        step.handle_write(tagged(Packet::Rtp(packet), now)).unwrap();
        leaving(step).pop().unwrap()
    }

    fn nack(packet_id: u16, lost_packets: u16) -> TransportLayerNack {
        TransportLayerNack {
            sender_ssrc: 1,
            media_ssrc: SSRC,
            nacks: vec![NackPair { packet_id, lost_packets }],
        }
    }

    #[test]
    fn every_packet_has_a_number_of_its_own_and_one_that_is_sent_again_another() {
        let now = Instant::now();
        let mut step = step(now);
        let number = |packet: &rtp::Packet| packet.header.get_extension(NUMBER_ID).unwrap()[1];
        let sent: Vec<u8> = (0..3).map(|sequence| number(&send(&mut step, sequence, now))).collect();
        hear(&mut step, nack(1, 0), now);
        let again = leaving(&mut step).pop().unwrap();
        assert_eq!((sent, number(&again)), (vec![0, 1, 2], 3));
        assert_eq!((again.header.ssrc, again.header.payload_type, again.header.version), (43, 103, 2));
        assert_eq!(again.payload[..2], [0, 1], "it names the packet that it stands for");
    }

    #[test]
    fn a_request_for_packets_is_cut_to_what_may_be_sent_again() {
        let now = Instant::now();
        let mut step = step(now);
        (0..3).for_each(|sequence| drop(send(&mut step, sequence, now)));
        hear(&mut step, nack(0, 0b11), now);
        assert_eq!(leaving(&mut step).len(), 3);
        hear(&mut step, nack(0, 0b11), now);
        assert_eq!(leaving(&mut step).len(), 0, "they are on their way");
        hear(&mut step, nack(9, 0), now);
        assert_eq!(leaving(&mut step).len(), 0, "it was never sent");
        assert!(!step.wire.take_keyframe_wanted());
    }

    #[test]
    fn what_is_beyond_repair_asks_for_a_keyframe() {
        let now = Instant::now();
        let mut step = step(now);
        (0..2000).for_each(|sequence| drop(send(&mut step, sequence, now)));
        hear(&mut step, nack(3, 0), now);
        assert!(step.wire.take_keyframe_wanted());
    }

    #[test]
    fn a_lost_picture_asks_for_a_keyframe_once() {
        let now = Instant::now();
        let mut step = step(now);
        for _ in 0..10_000 {
            hear(&mut step, PictureLossIndication::default(), now);
        }
        assert!(step.wire.take_keyframe_wanted());
        assert!(!step.wire.take_keyframe_wanted());
        hear(&mut step, FullIntraRequest::default(), now);
        assert!(step.wire.take_keyframe_wanted());
    }

    #[test]
    fn the_round_trip_is_what_the_receiver_did_not_hold() {
        let now = Instant::now();
        let mut step = step(now);
        let report = SenderReport { ssrc: SSRC, ntp_time: 0x1111_2222_3333_4444, ..Default::default() };
        step.handle_write(tagged(Packet::Rtcp(vec![Box::new(report)]), now)).unwrap();
        let reports = vec![ReceptionReport {
            ssrc: SSRC,
            fraction_lost: 64,
            last_sender_report: 0x2222_3333,
            delay: 65_536 / 2,
            ..Default::default()
        }];
        hear(&mut step, ReceiverReport { reports, ..Default::default() }, now + Duration::from_millis(530));
        let heard = step.wire.heard();
        assert_eq!(heard.rtt, Some(Duration::from_millis(30)));
        assert!((heard.fraction_lost - 0.25).abs() < f32::EPSILON);
    }

    #[test]
    fn a_lying_report_changes_no_round_trip() {
        let now = Instant::now();
        let mut step = step(now);
        let report = SenderReport { ssrc: SSRC, ntp_time: 0x1111_2222_3333_4444, ..Default::default() };
        step.handle_write(tagged(Packet::Rtcp(vec![Box::new(report)]), now)).unwrap();
        for (last_sender_report, delay, after_ms) in
            [(1, 0, 10), (0x2222_3333, u32::MAX, 10), (0x2222_3333, 0, 20_000)]
        {
            let reports = vec![ReceptionReport {
                ssrc: SSRC,
                fraction_lost: 255,
                last_sender_report,
                delay,
                ..Default::default()
            }];
            let report = ReceiverReport { reports, ..Default::default() };
            hear(&mut step, report, now + Duration::from_millis(after_ms));
            assert_eq!(step.wire.heard().rtt, None);
            assert!(step.wire.heard().fraction_lost < 1.0);
        }
    }

    /// All of `count` packets from `base` on arrived at once.
    fn feedback(base: u16, count: u16, ticks: u32) -> TransportLayerCc {
        let symbol = SymbolTypeTcc::PacketReceivedSmallDelta;
        TransportLayerCc {
            sender_ssrc: 1,
            media_ssrc: SSRC,
            base_sequence_number: base,
            packet_status_count: count,
            reference_time: ticks,
            fb_pkt_count: 0,
            packet_chunks: vec![PacketStatusChunk::RunLengthChunk(RunLengthChunk {
                type_tcc: StatusChunkTypeTcc::RunLengthChunk,
                packet_status_symbol: symbol,
                run_length: count,
            })],
            recv_deltas: vec![RecvDelta { type_tcc_packet: symbol, delta: 250 }; usize::from(count)],
        }
    }

    #[test]
    fn times_of_arrival_go_on_where_their_count_begins_anew() {
        let start = Instant::now();
        let mut step = step(start);
        let mut ticks = TICKS - 40;
        for round in 0..80_u16 {
            let now = start + u32::from(round) * TICK;
            for packet in 0..4 {
                send(&mut step, round * 4 + packet, now);
            }
            hear(&mut step, feedback(round * 4, 4, ticks), now);
            ticks = (ticks + 1) % TICKS;
        }
        let view = step.wire.view();
        assert!(view.queue < Duration::from_millis(5), "{view:?}");
        assert!(view.estimate.unwrap() >= Bitrate::kbps(6000), "{view:?}");
    }

    #[test]
    fn a_feedback_that_speaks_of_everything_is_not_read() {
        let now = Instant::now();
        let mut step = step(now);
        send(&mut step, 0, now);
        hear(&mut step, feedback(0, 60_000, 0), now);
        assert_eq!(step.wire.view().estimate, None);
    }
}
