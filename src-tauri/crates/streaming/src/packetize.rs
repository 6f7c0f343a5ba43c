//! Frames cut into RTP payloads, once per frame for all its viewers.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use bytes::Bytes;
use media::EncodedFrame;
use model::video::Codec;
use rtc::rtp::{
    codec::{h264::H264Payloader, vp8::Vp8Payloader},
    packetizer::Payloader,
};

/// A repair packet of the largest of them (RTP 12 and an extension of 8, FlexFEC 20, the extensions of what it covers 24), with the SRTP tag
/// (16) and UDP over IPv6 (48), stays under 1280 bytes, which every IPv6 path and nearly every tunnel carries.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 1150;
/// Frames that somebody may still be about to send: a few for each of a dozen instances.
const RECENT: usize = 48;

pub(crate) type Payloads = Arc<[Bytes]>;

/// Remembers the cuts of the newest frames. A frame's bytes are copied once here, however many watch it.
#[derive(Debug, Default)]
pub(crate) struct Packetizer {
    recent: Mutex<VecDeque<Cut>>,
}

#[derive(Debug)]
struct Cut {
    /// Keeps the frame's address from being used again, not its bytes.
    frame: Weak<EncodedFrame>,
    payloads: Arc<OnceLock<Payloads>>,
}

impl Packetizer {
    /// Two that ask at once: one cuts, the other waits those microseconds.
    pub(crate) fn payloads(&self, frame: &Arc<EncodedFrame>) -> Payloads {
        let cut = self.cut_of(frame);
        Arc::clone(cut.get_or_init(|| cut_frame(frame)))
    }

    fn cut_of(&self, frame: &Arc<EncodedFrame>) -> Arc<OnceLock<Payloads>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        // The newest is at the front, and nearly always the one.
        if let Some(known) = recent.iter().find(|cut| std::ptr::eq(cut.frame.as_ptr(), Arc::as_ptr(frame))) {
            return Arc::clone(&known.payloads);
        }
        recent.truncate(RECENT - 1);
        let payloads = Arc::new(OnceLock::new());
        recent.push_front(Cut { frame: Arc::downgrade(frame), payloads: Arc::clone(&payloads) });
        payloads
    }
}

/// H.264: one NAL unit a payload, parameter sets together (STAP-A), large ones in fragments (FU-A); RFC 6184,
/// packetization-mode 1. VP8: RFC 7741.
fn cut_frame(frame: &EncodedFrame) -> Payloads {
    let payloads = match frame.codec {
        Codec::H264 => H264Payloader::default().payload(PAYLOAD_BYTES_MAX, &frame.data),
        Codec::Vp8 => Vp8Payloader::default().payload(PAYLOAD_BYTES_MAX, &frame.data),
    };
    // Neither refuses anything: garbage in is garbage at the decoder, which asks for a keyframe.
    payloads.unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn frame(data: Vec<u8>) -> Arc<EncodedFrame> {
        Arc::new(EncodedFrame {
            data: data.into(),
            codec: Codec::H264,
            keyframe: true,
            captured: Instant::now(),
            rtp_time: 0,
        })
    }

    fn keyframe(bytes: usize) -> Arc<EncodedFrame> {
        let mut data = vec![0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4, 5, 0, 0, 0, 1, 0x65];
        data.extend(std::iter::repeat_n(0xAB, bytes));
        frame(data)
    }

    #[test]
    fn parameter_sets_go_first_and_together() {
        let payloads = cut_frame(&keyframe(3000));
        assert_eq!(payloads[0][0] & 0x1F, 24, "STAP-A");
        assert!(payloads[1..].iter().all(|payload| payload[0] & 0x1F == 28), "FU-A");
        assert!(payloads.iter().all(|payload| payload.len() <= PAYLOAD_BYTES_MAX));
    }

    #[test]
    fn a_frame_is_cut_once_for_all_its_viewers() {
        let packetizer = Packetizer::default();
        let frame = keyframe(3000);
        assert!(Arc::ptr_eq(&packetizer.payloads(&frame), &packetizer.payloads(&frame)));
        assert!(!Arc::ptr_eq(&packetizer.payloads(&frame), &packetizer.payloads(&keyframe(3000))));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_holds_no_frame() {
        let packetizer = Packetizer::default();
        let first = keyframe(10);
        for _ in 0..3 * RECENT {
            packetizer.payloads(&keyframe(10));
        }
        packetizer.payloads(&first);
        assert_eq!(packetizer.recent.lock().map(|recent| recent.len()).unwrap_or_default(), RECENT);
        assert_eq!(Arc::strong_count(&first), 1);
    }
}
