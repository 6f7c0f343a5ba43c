//! The place on the wire, with packets of the real library.

#![allow(clippy::unwrap_used)]
use rtc::rtcp::{
    self,
    payload_feedbacks::{
        full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
    },
    receiver_report::ReceiverReport,
    reception_report::ReceptionReport,
    sender_report::SenderReport,
    transport_feedbacks::{
        transport_layer_cc::{
            PacketStatusChunk, RecvDelta, RunLengthChunk, StatusChunkTypeTcc, SymbolTypeTcc, TransportLayerCc,
        },
        transport_layer_nack::{NackPair, TransportLayerNack},
    },
};

use super::{
    reports::{TICK, TICKS},
    *,
};

const SSRC: u32 = 42;
const REPAIR_SSRC: u32 = 44;
const NUMBER_ID: u8 = 5;

fn step(now: Instant) -> LastStep {
    // It begins with all that is of use: no probe leaves beside what a test sends.
    let mut step = LastStep::new(SSRC, Wire::new(now, Clock::set(now), Bitrate::kbps(6_000)));
    step.bind_local_stream(&negotiated());
    step
}

fn negotiated() -> StreamInfo {
    StreamInfo {
        ssrc: SSRC,
        ssrc_rtx: Some(43),
        payload_type_rtx: Some(103),
        ssrc_fec: Some(REPAIR_SSRC),
        payload_type_fec: Some(118),
        rtp_header_extensions: vec![RTPHeaderExtension {
            uri: TRANSPORT_CC.to_owned(),
            id: NUMBER_ID.into(),
        }],
        ..Default::default()
    }
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
    step.wire.post([packet].into_iter(), now, now);
    leaving(step).pop().unwrap()
}

/// Has a sender report made. How a viewer names it, and when it was.
fn report(step: &mut LastStep, start: Instant) -> (u32, Instant) {
    send(step, 0, start);
    let now = step.poll_timeout().unwrap().max(start + Duration::from_secs(1));
    step.handle_timeout(now).unwrap();
    let reports = std::iter::from_fn(|| step.poll_write()).find_map(|packet| match packet.message.packet {
        Packet::Rtcp(reports) => reports[0].as_any().downcast_ref::<SenderReport>().cloned(),
        _ => None,
    });
    (u32::try_from((reports.unwrap().ntp_time >> 16) & 0xFFFF_FFFF).unwrap(), now)
}

fn nack(packet_id: u16, lost_packets: u16) -> TransportLayerNack {
    TransportLayerNack { sender_ssrc: 1, media_ssrc: SSRC, nacks: vec![NackPair { packet_id, lost_packets }] }
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
fn sound_does_not_wait_behind_a_keyframe_that_is_paced() {
    let now = Instant::now();
    let mut step = step(now);
    let packet = |ssrc: u32, sequence_number: u16| {
        let header = Header { version: 2, ssrc, sequence_number, ..Default::default() };
        rtp::Packet { header, payload: vec![0; 1000].into() }
    };
    step.wire.post((0..100).map(|sequence| packet(SSRC, sequence)), now, now);
    let at_once = leaving(&mut step).len();
    assert!(at_once < 100, "the rest of the keyframe is paced");
    step.handle_write(tagged(Packet::Rtp(packet(7, 0)), now)).unwrap();
    let left: Vec<u32> = leaving(&mut step).iter().map(|packet| packet.header.ssrc).collect();
    assert_eq!(left, [7], "the sound alone, at the same moment");
    let rest = (1..100).map(|ms| {
        step.handle_timeout(now + Duration::from_millis(ms)).unwrap();
        leaving(&mut step).len()
    });
    assert_eq!(rest.sum::<usize>(), 100 - at_once);
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
    let start = Instant::now();
    let mut step = step(start);
    let (named, now) = report(&mut step, start);
    let reports = vec![ReceptionReport {
        ssrc: SSRC,
        fraction_lost: 64,
        last_sender_report: named,
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
    let start = Instant::now();
    let mut step = step(start);
    let (named, now) = report(&mut step, start);
    for (last_sender_report, delay, after_ms) in [(1, 0, 10), (named, u32::MAX, 10), (named, 0, 20_000)] {
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
    let recv_deltas = vec![RecvDelta { type_tcc_packet: symbol, delta: 250 }; usize::from(count)];
    TransportLayerCc { reference_time: ticks, recv_deltas, ..told(base, count, symbol) }
}

/// The same was told of all of them.
fn told(base: u16, count: u16, symbol: SymbolTypeTcc) -> TransportLayerCc {
    TransportLayerCc {
        sender_ssrc: 1,
        media_ssrc: SSRC,
        base_sequence_number: base,
        packet_status_count: count,
        packet_chunks: vec![PacketStatusChunk::RunLengthChunk(RunLengthChunk {
            type_tcc: StatusChunkTypeTcc::RunLengthChunk,
            packet_status_symbol: symbol,
            run_length: count,
        })],
        ..Default::default()
    }
}

#[test]
fn a_long_way_that_loses_packets_gets_repair_packets_whose_count_outlives_a_restart_of_ice() {
    let now = Instant::now();
    let mut step = step(now);
    let repairs = |step: &mut LastStep, first: u16| {
        let header =
            |sequence_number| Header { version: 2, ssrc: SSRC, sequence_number, ..Default::default() };
        let packet = |sequence| rtp::Packet { header: header(sequence), payload: vec![0; 500].into() };
        step.wire.post((first..first + 10).map(packet), now, now);
        let left = leaving(step).into_iter().filter(|packet| packet.header.ssrc == REPAIR_SSRC);
        left.map(|packet| packet.header.sequence_number).collect::<Vec<_>>()
    };
    (0..200).for_each(|sequence| drop(send(&mut step, sequence, now)));
    hear(&mut step, feedback(0, 180, 0), now);
    hear(&mut step, told(180, 20, SymbolTypeTcc::PacketNotReceived), now);
    assert!(repairs(&mut step, 200).is_empty(), "how long the way is, is not known yet");
    step.wire.with(|state| state.heard.rtt = Some(Duration::from_millis(100)));
    assert_eq!(repairs(&mut step, 210), [0, 1, 2, 3]);
    step.bind_local_stream(&negotiated());
    assert_eq!(repairs(&mut step, 220), [4, 5, 6, 7]);
    step.bind_local_stream(&StreamInfo { ssrc_fec: None, payload_type_fec: None, ..negotiated() });
    assert!(repairs(&mut step, 230).is_empty(), "the viewer takes none");
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
