//! Repair packets for a frame: FlexFEC as browsers know it (draft-ietf-payload-flexible-fec-scheme-03), computed by the library.

use rtc::{interceptor::FlexFec03Encoder, rtp};

use super::set_number;

/// Packets that a repair packet may speak of with the shortest header: with it, it stays as small as an RTX packet.
const BLOCK: usize = 15;

#[derive(Debug)]
pub(super) struct Repairer {
    encoder: FlexFec03Encoder,
    number_id: Option<u8>,
    covered: Vec<rtp::Packet>,
}

impl Repairer {
    pub(super) fn new(payload_type: u8, ssrc: u32, number_id: Option<u8>) -> Self {
        Self { encoder: FlexFec03Encoder::new(payload_type, ssrc), number_id, covered: Vec::new() }
    }

    /// A packet of the frame. What changes on the way counts as zero: browsers take the transport's number out of a packet before they
    /// mend another with it.
    pub(super) fn cover(&mut self, packet: &rtp::Packet) {
        let mut packet = packet.clone();
        if let Some(id) = self.number_id {
            set_number(&mut packet.header, id, 0);
        }
        self.covered.push(packet);
    }

    /// So many repair packets (one at least) for what was covered, or a few more: one at least for each block.
    pub(super) fn take(&mut self, repairs: usize) -> Vec<rtp::Packet> {
        let covered = std::mem::take(&mut self.covered);
        let each = covered.len().div_ceil(repairs);
        let blocks = covered.chunks(BLOCK);
        blocks.flat_map(|block| self.encoder.encode(block, block.len().div_ceil(each) as u32)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rtc::{interceptor::FlexFec03Decoder, rtp::header::Header, shared::marshal::MarshalSize};

    use super::*;
    use crate::packetize::PAYLOAD_BYTES_MAX;

    const SSRC: u32 = 42;
    const REPAIR_SSRC: u32 = 44;

    fn frame(first: u16, packets: u16, bytes: usize) -> Vec<rtp::Packet> {
        let packet = |sequence_number| {
            let mut header = Header {
                version: 2,
                ssrc: SSRC,
                sequence_number,
                marker: sequence_number == first + packets - 1,
                ..Default::default()
            };
            header.set_extension(2, vec![0; 3].into()).unwrap();
            if header.marker {
                header.set_extension(3, vec![0; 8].into()).unwrap();
            }
            rtp::Packet { header, payload: vec![sequence_number as u8; bytes].into() }
        };
        (first..first + packets).map(packet).collect()
    }

    fn repaired(repairer: &mut Repairer, frame: &[rtp::Packet], repairs: usize) -> Vec<rtp::Packet> {
        frame.iter().for_each(|packet| repairer.cover(packet));
        repairer.take(repairs)
    }

    #[test]
    fn a_lost_packet_of_each_repair_packet_is_mended_as_it_was_before_its_number() {
        let mut repairer = Repairer::new(118, REPAIR_SSRC, Some(5));
        let frame = frame(100, 12, 1000);
        let repairs = repaired(&mut repairer, &frame, 2);
        assert_eq!(repairs.len(), 2);
        let mut decoder = FlexFec03Decoder::new(REPAIR_SSRC, SSRC);
        let lost = [103, 110];
        let zeroed = |packet: &rtp::Packet| {
            let mut packet = packet.clone();
            set_number(&mut packet.header, 5, 0);
            packet
        };
        let arrived = frame.iter().filter(|packet| !lost.contains(&packet.header.sequence_number));
        let mended: Vec<rtp::Packet> =
            arrived.map(zeroed).chain(repairs).flat_map(|packet| decoder.decode(packet)).collect();
        let mut sequences: Vec<u16> = mended.iter().map(|packet| packet.header.sequence_number).collect();
        sequences.sort_unstable();
        assert_eq!(sequences, lost);
        assert!(mended.iter().all(|packet| packet.payload.len() == 1000));
    }

    #[test]
    fn a_large_frame_is_mended_in_blocks_and_no_packet_is_too_large_for_any_path() {
        let mut repairer = Repairer::new(118, REPAIR_SSRC, Some(5));
        let repairs = repaired(&mut repairer, &frame(0, 40, PAYLOAD_BYTES_MAX), 4);
        assert_eq!(repairs.len(), 5);
        for mut packet in repairs {
            set_number(&mut packet.header, 5, 0);
            // SRTP's tag, and UDP over IPv6.
            assert!(packet.marshal_size() + 16 + 48 <= 1280, "{}", packet.marshal_size());
        }
        assert_eq!(
            repaired(&mut repairer, &frame(40, 3, 500), 1).len(),
            1,
            "what was covered before is done"
        );
    }
}
