//! What the viewer's side says in RTCP: lost pictures, lost packets, the round trip, how packets arrive.
//!
//! The library's chain of interceptors swallows inbound RTCP; these two sit in it and write down what the driver of
//! the peer has to know.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use model::Bitrate;
use rtc::{
    interceptor::{BandwidthEstimator, Interceptor, Packet, PacketReport, StreamInfo, TaggedPacket},
    rtcp::{
        self,
        payload_feedbacks::{
            full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
        },
        receiver_report::ReceiverReport,
        reception_report::ReceptionReport,
        sender_report::SenderReport,
        transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack},
    },
    sansio::Protocol,
    shared::{error::Error, marshal::MarshalSize},
};

use super::{
    estimate::{Estimator, Report},
    resend::Resends,
};

/// Sender reports that a receiver report may still refer to; one a second is sent.
const SENDER_REPORTS: usize = 16;
/// More than this is no round trip, but a lie or a suspended laptop.
const RTT_MAX: Duration = Duration::from_secs(10);

/// What has been heard, for the driver of the peer. Written and read within one task; the lock is a formality.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Heard>>);

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) keyframe_wanted: bool,
    pub(crate) rtt: Option<Duration>,
    pub(crate) fraction_lost: f32,
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) packets_resent: u64,
    pub(crate) resends_refused: u64,
    pub(crate) estimate: Option<Bitrate>,
}

impl Notes {
    pub(crate) fn read(&self) -> Heard {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_keyframe_wanted(&self) -> bool {
        self.write(|heard| std::mem::take(&mut heard.keyframe_wanted))
    }

    fn write<T>(&self, deed: impl FnOnce(&mut Heard) -> T) -> T {
        deed(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Sits between the answerer of NACKs and the wire.
pub(crate) struct Tap {
    ssrc: u32,
    notes: Notes,
    resends: Resends,
    sender_reports: VecDeque<(u32, Instant)>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Tap {
    /// `ssrc` is that of the video; what else is sent are its packets once more (RTX).
    pub(crate) fn new(ssrc: u32, notes: Notes) -> Self {
        Self {
            ssrc,
            notes,
            resends: Resends::default(),
            sender_reports: VecDeque::new(),
            reads: VecDeque::new(),
            writes: VecDeque::new(),
        }
    }

    fn hear(&mut self, packet: Box<dyn rtcp::Packet>, now: Instant) -> Option<Box<dyn rtcp::Packet>> {
        let any = packet.as_any();
        if any.is::<PictureLossIndication>() || any.is::<FullIntraRequest>() {
            self.notes.write(|heard| heard.keyframe_wanted = true);
        } else if let Some(report) = any.downcast_ref::<ReceiverReport>() {
            report.reports.iter().for_each(|report| self.hear_report(report, now));
        } else if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
            return self.within_budget(nack, now).map(|nack| Box::new(nack) as Box<dyn rtcp::Packet>);
        }
        Some(packet)
    }

    fn hear_report(&mut self, report: &ReceptionReport, now: Instant) {
        if report.ssrc != self.ssrc {
            return;
        }
        let sent = self.sender_reports.iter().find(|(middle, _)| *middle == report.last_sender_report);
        let rtt = sent.and_then(|(_, at)| {
            let held = Duration::from_secs_f64(f64::from(report.delay) / 65_536.0);
            now.saturating_duration_since(*at).checked_sub(held)
        });
        self.notes.write(|heard| {
            heard.fraction_lost = f32::from(report.fraction_lost) / 256.0;
            if let Some(rtt) = rtt.filter(|rtt| *rtt < RTT_MAX) {
                heard.rtt = Some(rtt);
            }
        });
    }

    /// The part of a request that is answered; `None` is none of it.
    fn within_budget(&mut self, nack: &TransportLayerNack, now: Instant) -> Option<TransportLayerNack> {
        let rtt = self.notes.read().rtt;
        let admitted: Vec<NackPair> = nack
            .nacks
            .iter()
            .flat_map(|pair| *pair)
            .filter(|sequence| self.resends.admit(*sequence, now, rtt))
            .map(|packet_id| NackPair { packet_id, lost_packets: 0 })
            .collect();
        self.notes.write(|heard| heard.resends_refused = self.resends.refused());
        (!admitted.is_empty()).then(|| TransportLayerNack { nacks: admitted, ..nack.clone() })
    }

    fn note_sent(&mut self, packet: &rtc::rtp::Packet) {
        let bytes = packet.marshal_size();
        let again = packet.header.ssrc != self.ssrc;
        if !again {
            self.resends.sent(packet.header.sequence_number, bytes);
        }
        self.notes.write(|heard| {
            heard.packets_sent += 1;
            heard.bytes_sent += bytes as u64;
            heard.packets_resent += u64::from(again);
        });
    }

    fn note_sender_report(&mut self, report: &SenderReport, now: Instant) {
        if self.sender_reports.len() == SENDER_REPORTS {
            self.sender_reports.pop_front();
        }
        // The middle 32 of 64 bits are what a receiver report repeats (RFC 3550 §6.4.1).
        let middle = u32::try_from((report.ntp_time >> 16) & 0xFFFF_FFFF).expect("32 bits were cut out");
        self.sender_reports.push_back((middle, now));
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Tap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(heard) = &mut packet.message.packet {
            let now = packet.now;
            *heard = std::mem::take(heard).into_iter().filter_map(|one| self.hear(one, now)).collect();
        }
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        match &packet.message.packet {
            Packet::Rtp(rtp) => self.note_sent(rtp),
            Packet::Rtcp(said) => {
                let reports = said.iter().filter_map(|one| one.as_any().downcast_ref::<SenderReport>());
                reports.for_each(|report| self.note_sender_report(report, packet.now));
            }
            _ => {}
        }
        self.writes.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }

    fn handle_timeout(&mut self, _now: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }
}

impl Interceptor for Tap {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

/// Our estimator at the library's seam for one: it hears of every packet that arrived, or did not.
#[derive(Debug)]
pub(crate) struct NotingEstimator {
    epoch: Instant,
    estimator: Estimator,
    notes: Notes,
}

impl NotingEstimator {
    pub(crate) fn new(now: Instant, notes: Notes) -> Self {
        Self { epoch: now, estimator: Estimator::default(), notes }
    }
}

impl BandwidthEstimator for NotingEstimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        let reports: Vec<Report> = reports
            .iter()
            .map(|report| Report {
                sent: report.departure.saturating_duration_since(self.epoch),
                arrived: report.arrival.filter(|_| report.arrived),
                bytes: report.size,
            })
            .collect();
        if let Some(estimate) = self.estimator.hear(now.saturating_duration_since(self.epoch), &reports) {
            self.notes.write(|heard| heard.estimate = Some(estimate));
        }
    }

    fn target_bitrate(&self) -> f64 {
        self.estimator.estimate().bps() as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rtc::{
        interceptor::AttributedPacket,
        rtp,
        shared::{TransportContext, TransportMessage},
    };

    use super::*;

    const SSRC: u32 = 42;

    fn tagged(packet: Packet, now: Instant) -> TaggedPacket {
        TransportMessage {
            now,
            transport: TransportContext::default(),
            message: AttributedPacket::new(packet),
        }
    }

    fn hear(tap: &mut Tap, packet: impl rtcp::Packet + 'static, now: Instant) -> usize {
        tap.handle_read(tagged(Packet::Rtcp(vec![Box::new(packet)]), now)).unwrap();
        let Packet::Rtcp(rest) = tap.poll_read().unwrap().message.packet else { panic!("RTCP stays RTCP") };
        rest.len()
    }

    fn send(tap: &mut Tap, sequence_number: u16, now: Instant) {
        let header = rtp::header::Header { version: 2, ssrc: SSRC, sequence_number, ..Default::default() };
        let packet = rtp::Packet { header, payload: vec![0; 1000].into() };
        tap.handle_write(tagged(Packet::Rtp(packet), now)).unwrap();
        tap.poll_write().unwrap();
    }

    #[test]
    fn a_lost_picture_asks_for_a_keyframe_once() {
        let (notes, now) = (Notes::default(), Instant::now());
        let mut tap = Tap::new(SSRC, notes.clone());
        hear(&mut tap, PictureLossIndication::default(), now);
        assert!(notes.take_keyframe_wanted());
        assert!(!notes.take_keyframe_wanted());
        hear(&mut tap, FullIntraRequest::default(), now);
        assert!(notes.take_keyframe_wanted());
    }

    #[test]
    fn a_request_for_packets_is_cut_to_what_may_be_sent_again() {
        let (notes, now) = (Notes::default(), Instant::now());
        let mut tap = Tap::new(SSRC, notes.clone());
        (0..3).for_each(|sequence| send(&mut tap, sequence, now));
        let nack = |packet_id, lost_packets| TransportLayerNack {
            sender_ssrc: 1,
            media_ssrc: SSRC,
            nacks: vec![NackPair { packet_id, lost_packets }],
        };
        assert_eq!(hear(&mut tap, nack(0, 0b11), now), 1, "all three");
        assert_eq!(hear(&mut tap, nack(0, 0b11), now), 0, "they are on their way");
        assert_eq!(hear(&mut tap, nack(9, 0), now), 0, "it was never sent");
    }

    #[test]
    fn the_round_trip_is_what_the_receiver_did_not_hold() {
        let (notes, now) = (Notes::default(), Instant::now());
        let mut tap = Tap::new(SSRC, notes.clone());
        let report = SenderReport { ssrc: SSRC, ntp_time: 0x1111_2222_3333_4444, ..Default::default() };
        tap.handle_write(tagged(Packet::Rtcp(vec![Box::new(report)]), now)).unwrap();
        let reports = vec![ReceptionReport {
            ssrc: SSRC,
            fraction_lost: 64,
            last_sender_report: 0x2222_3333,
            delay: 65_536 / 2,
            ..Default::default()
        }];
        hear(&mut tap, ReceiverReport { reports, ..Default::default() }, now + Duration::from_millis(530));
        let heard = notes.read();
        assert_eq!(heard.rtt, Some(Duration::from_millis(30)));
        assert!((heard.fraction_lost - 0.25).abs() < f32::EPSILON);
    }

    #[test]
    fn a_lying_report_changes_no_round_trip() {
        let (notes, now) = (Notes::default(), Instant::now());
        let mut tap = Tap::new(SSRC, notes.clone());
        let report = SenderReport { ssrc: SSRC, ntp_time: 0x1111_2222_3333_4444, ..Default::default() };
        tap.handle_write(tagged(Packet::Rtcp(vec![Box::new(report)]), now)).unwrap();
        for (last_sender_report, delay, after_ms) in
            [(1, 0, 10), (0x2222_3333, u32::MAX, 10), (0x2222_3333, 0, 20_000)]
        {
            let reports =
                vec![ReceptionReport { ssrc: SSRC, last_sender_report, delay, ..Default::default() }];
            hear(
                &mut tap,
                ReceiverReport { reports, ..Default::default() },
                now + Duration::from_millis(after_ms),
            );
            assert_eq!(notes.read().rtt, None);
        }
    }
}
