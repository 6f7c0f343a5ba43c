//! Packets of sound become RTP packets for one viewer. Pure.

use media::SoundPacket;
use rtc::rtp;

#[derive(Debug)]
pub(crate) struct Voice {
    sequence: u16,
    /// RTP clocks begin anywhere (RFC 3550 §5.1).
    time_offset: u32,
    /// What the browser chose for Opus; `None` while it takes no sound.
    payload_type: Option<u8>,
}

impl Voice {
    pub(crate) fn new(random: u32) -> Self {
        let [high, low, ..] = random.to_be_bytes();
        let sequence = u16::from_be_bytes([high, low]) & 0x7FFF;
        Self { sequence, time_offset: random.rotate_left(9), payload_type: None }
    }

    pub(crate) fn agree_on(&mut self, payload_type: Option<u8>) {
        self.payload_type = payload_type;
    }

    /// The marker begins what is heard after a silence (RFC 3551 §4.1): a browser may catch up there.
    pub(crate) fn packet(&mut self, ssrc: u32, packet: &SoundPacket) -> Option<rtp::Packet> {
        let header = rtp::header::Header {
            version: 2,
            marker: packet.begins,
            payload_type: self.payload_type?,
            sequence_number: self.sequence,
            timestamp: self.time_offset.wrapping_add(packet.rtp_time),
            ssrc,
            ..Default::default()
        };
        self.sequence = self.sequence.wrapping_add(1);
        Some(rtp::Packet { header, payload: packet.data.clone() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn packets_follow_each_other_and_their_clock_goes_on_in_silence() {
        let mut voice = Voice::new(u32::MAX);
        let sounds = |rtp_time, begins| SoundPacket { data: vec![1].into(), rtp_time, begins };
        assert!(voice.packet(7, &sounds(0, true)).is_none(), "the viewer takes no sound yet");
        voice.agree_on(Some(111));
        let first = voice.packet(7, &sounds(480, true)).unwrap().header;
        let later = voice.packet(7, &sounds(96_480, false)).unwrap().header;
        assert_eq!((first.payload_type, first.ssrc, first.marker, later.marker), (111, 7, true, false));
        assert_eq!(later.sequence_number, first.sequence_number.wrapping_add(1));
        assert_eq!(later.timestamp.wrapping_sub(first.timestamp), 96_000);
    }
}
