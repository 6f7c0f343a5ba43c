//! Packets of sound become RTP packets for one viewer. Pure.

use std::time::{Duration, Instant};

use media::SoundPacket;
use rtc::rtp;

/// Older than this, it was held up on this machine: sent, it would make all that follows late, since a browser holds back everything by
/// what came latest. The browser has filled the gap anyway.
const LATE: Duration = Duration::from_millis(60);

#[derive(Debug)]
pub(crate) struct Voice {
    sequence: u16,
    /// RTP clocks begin anywhere (RFC 3550 §5.1).
    time_offset: u32,
    /// What the browser chose for Opus; `None` while it takes no sound.
    payload_type: Option<u8>,
    /// Something was left out.
    gap: bool,
}

impl Voice {
    pub(crate) fn new(random: u32) -> Self {
        let [high, low, ..] = random.to_be_bytes();
        let sequence = u16::from_be_bytes([high, low]) & 0x7FFF;
        Self { sequence, time_offset: random.rotate_left(9), payload_type: None, gap: false }
    }

    pub(crate) fn agree_on(&mut self, payload_type: Option<u8>) {
        self.payload_type = payload_type;
    }

    /// The marker begins what is heard after a silence (RFC 3551 §4.1): a browser may catch up there. `None`: the viewer takes no sound,
    /// or this comes too late.
    pub(crate) fn packet(&mut self, ssrc: u32, packet: &SoundPacket, now: Instant) -> Option<rtp::Packet> {
        let payload_type = self.payload_type?;
        if now.saturating_duration_since(packet.captured) > LATE {
            self.gap = true;
            return None;
        }
        let header = rtp::header::Header {
            version: 2,
            marker: packet.begins || std::mem::take(&mut self.gap),
            payload_type,
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

    fn sounds(rtp_time: u32, begins: bool, captured: Instant) -> SoundPacket {
        SoundPacket { data: vec![1].into(), rtp_time, begins, captured }
    }

    #[test]
    fn packets_follow_each_other_and_their_clock_goes_on_in_silence() {
        let (mut voice, now) = (Voice::new(u32::MAX), Instant::now());
        assert!(voice.packet(7, &sounds(0, true, now), now).is_none(), "the viewer takes no sound yet");
        voice.agree_on(Some(111));
        let first = voice.packet(7, &sounds(480, true, now), now).unwrap().header;
        let later = voice.packet(7, &sounds(96_480, false, now), now).unwrap().header;
        assert_eq!((first.payload_type, first.ssrc, first.marker, later.marker), (111, 7, true, false));
        assert_eq!(later.sequence_number, first.sequence_number.wrapping_add(1));
        assert_eq!(later.timestamp.wrapping_sub(first.timestamp), 96_000);
    }

    #[test]
    fn what_was_held_up_is_left_out_and_what_follows_begins_anew() {
        let (mut voice, start) = (Voice::new(1), Instant::now());
        voice.agree_on(Some(111));
        let first = voice.packet(7, &sounds(0, true, start), start).unwrap().header;
        let now = start + LATE * 2;
        assert!(voice.packet(7, &sounds(480, false, start), now).is_none());
        let next = voice.packet(7, &sounds(960, false, now - LATE), now).unwrap().header;
        assert!(next.marker);
        assert_eq!(next.sequence_number, first.sequence_number.wrapping_add(1), "no packet is missing");
        assert!(!voice.packet(7, &sounds(1440, false, now), now).unwrap().header.marker);
    }
}
