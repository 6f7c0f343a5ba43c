//! Frames become RTP packets for one viewer. Pure.

use bytes::Bytes;
use media::EncodedFrame;
use model::video::Codec;
use rtc::rtp;

use super::clock::Clock;

/// The numbers that stand for payload and header extensions with this viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Negotiated {
    pub(crate) payload_type: u8,
    pub(crate) playout_delay: Option<u8>,
    pub(crate) capture_time: Option<u8>,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Send,
    /// It builds on frames that this viewer has not got.
    NeedsKeyframe,
    /// It is encoded with another codec than was negotiated.
    WrongCodec,
}

/// When the viewer shows a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Playout {
    /// As soon as it has it.
    #[default]
    AtOnce,
    /// A tenth of a second later at least, and three at most: uneven arrival is not seen then.
    Evenly,
}

impl Playout {
    /// The least and the most delay in hundredths of a second, twelve bits each.
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::AtOnce => &[0, 0, 0],
            Self::Evenly => &[0x00, 0xA0, 0x1E],
        }
    }
}

#[derive(Debug)]
pub(crate) struct VideoWriter {
    codec: Codec,
    ssrc: u32,
    sequence: u16,
    /// RTP clocks begin anywhere (RFC 3550 §5.1).
    time_offset: u32,
    /// Nothing but a keyframe is of use now.
    waiting: bool,
    clock: Clock,
    playout: Playout,
}

impl VideoWriter {
    pub(crate) fn new(codec: Codec, ssrc: u32, random: u32, clock: Clock) -> Self {
        let [high, low, ..] = random.to_be_bytes();
        let sequence = u16::from_be_bytes([high, low]) & 0x7FFF;
        Self {
            codec,
            ssrc,
            sequence,
            time_offset: random.rotate_left(7),
            waiting: true,
            clock,
            playout: Playout::default(),
        }
    }

    pub(crate) fn set_codec(&mut self, codec: Codec) {
        self.codec = codec;
    }

    pub(crate) fn set_playout(&mut self, playout: Playout) {
        self.playout = playout;
    }

    /// What was sent so far is of no use to what comes: another feed, a gap, a new path.
    pub(crate) fn wait_for_keyframe(&mut self) {
        self.waiting = true;
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Of the packet that is made next.
    pub(crate) fn next_sequence(&self) -> u16 {
        self.sequence
    }

    pub(crate) fn judge(&mut self, frame: &EncodedFrame) -> Verdict {
        if frame.codec != self.codec {
            return Verdict::WrongCodec;
        }
        if self.waiting && !frame.keyframe {
            return Verdict::NeedsKeyframe;
        }
        self.waiting = false;
        Verdict::Send
    }

    pub(crate) fn packets<'a>(
        &'a mut self,
        frame: &'a EncodedFrame,
        payloads: &'a [Bytes],
        negotiated: Negotiated,
    ) -> impl ExactSizeIterator<Item = rtp::Packet> + 'a {
        let last = payloads.len().saturating_sub(1);
        payloads.iter().enumerate().map(move |(index, payload)| {
            let header = self.header(frame, index == last, negotiated);
            rtp::Packet { header, payload: payload.clone() }
        })
    }

    fn header(&mut self, frame: &EncodedFrame, last: bool, negotiated: Negotiated) -> rtp::header::Header {
        let mut header = rtp::header::Header {
            version: 2,
            marker: last,
            payload_type: negotiated.payload_type,
            sequence_number: self.sequence,
            timestamp: frame.rtp_time.wrapping_add(self.time_offset),
            ssrc: self.ssrc,
            ..Default::default()
        };
        self.sequence = self.sequence.wrapping_add(1);
        if let Some(id) = negotiated.playout_delay {
            let _ = header.set_extension(id, Bytes::from_static(self.playout.bytes()));
        }
        // In the last packet alone: packets of equal size leave in one call to the kernel.
        if let (Some(id), true) = (negotiated.capture_time, last) {
            let ntp = self.clock.ntp_of(frame.captured);
            let _ = header.set_extension(id, Bytes::copy_from_slice(&ntp.to_be_bytes()));
        }
        header
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const NEGOTIATED: Negotiated =
        Negotiated { payload_type: 108, playout_delay: Some(2), capture_time: Some(3) };

    fn frame(keyframe: bool, rtp_time: u32) -> EncodedFrame {
        let data = Bytes::from_static(&[0, 0, 0, 1, 0x65, 1]);
        EncodedFrame { data, codec: Codec::H264, keyframe, captured: Instant::now(), rtp_time }
    }

    fn writer() -> VideoWriter {
        VideoWriter::new(Codec::H264, 1, 0xFFFF_FFFF, Clock::set(Instant::now()))
    }

    #[test]
    fn nothing_is_sent_before_a_keyframe() {
        let mut writer = writer();
        assert_eq!(writer.judge(&frame(false, 0)), Verdict::NeedsKeyframe);
        assert_eq!(writer.judge(&frame(true, 1)), Verdict::Send);
        assert_eq!(writer.judge(&frame(false, 2)), Verdict::Send);
        writer.wait_for_keyframe();
        assert_eq!(writer.judge(&frame(false, 3)), Verdict::NeedsKeyframe);
        assert_eq!(writer.judge(&EncodedFrame { codec: Codec::Vp8, ..frame(true, 4) }), Verdict::WrongCodec);
    }

    #[test]
    fn sequence_numbers_have_no_gap_and_the_last_packet_is_marked() {
        let mut writer = writer();
        let payloads = [Bytes::from_static(b"a"), Bytes::from_static(b"b"), Bytes::from_static(b"c")];
        let (first, second) = (frame(true, 0), frame(false, 3000));
        let mut packets: Vec<_> = writer.packets(&first, &payloads, NEGOTIATED).collect();
        packets.extend(writer.packets(&second, &payloads, NEGOTIATED));
        let headers: Vec<_> = packets.iter().map(|packet| &packet.header).collect();
        assert!(
            headers.windows(2).all(|two| two[1].sequence_number == two[0].sequence_number.wrapping_add(1))
        );
        assert_eq!(
            headers.iter().map(|h| h.marker).collect::<Vec<_>>(),
            [false, false, true, false, false, true]
        );
        assert_eq!(headers[3].timestamp.wrapping_sub(headers[0].timestamp), 3000);
        assert!(headers.iter().all(|h| h.get_extension(2) == Some(Bytes::from_static(&[0, 0, 0]))));
    }

    #[test]
    fn a_viewer_that_wants_it_even_is_told_to_wait_a_tenth_of_a_second() {
        let mut writer = writer();
        writer.set_playout(Playout::Evenly);
        let payloads = [Bytes::from_static(b"a")];
        let packets: Vec<_> = writer.packets(&frame(true, 0), &payloads, NEGOTIATED).collect();
        let told = packets[0].header.get_extension(2).unwrap_or_default();
        let bits = told.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        assert_eq!((bits >> 12, bits & 0xFFF), (10, 30));
    }
}
