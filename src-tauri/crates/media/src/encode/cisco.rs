//! Cisco's openh264, built into this program: the encoder that needs nothing installed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use model::Bitrate;
use openh264::{
    OpenH264API, Timestamp,
    encoder::{
        BitRate, Complexity, Encoder as Library, EncoderConfig, FrameRate, FrameType, IntraFramePeriod,
        Profile, RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
    },
    formats::YUVSource,
};

use super::{EncodeError, Encoded, Encoder, Settings};
use crate::picture::Picture;

pub(super) struct OpenH264 {
    library: Library,
    bps: u32,
}

impl OpenH264 {
    pub fn open(settings: &Settings) -> Result<Self, EncodeError> {
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(bps(settings.bitrate)))
            .max_frame_rate(FrameRate::from_hz(settings.fps_max.0.max(1) as f32))
            .usage_type(UsageType::CameraVideoRealTime)
            .rate_control_mode(RateControlMode::Bitrate)
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            .skip_frames(false)
            .scene_change_detect(false)
            .background_detection(false)
            .intra_frame_period(IntraFramePeriod::auto())
            // The wrapper encodes one slice, so more threads would only wait.
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let library = Library::with_api_config(OpenH264API::from_source(), config).map_err(failure)?;
        Ok(Self { library, bps: bps(settings.bitrate) })
    }
}

impl Encoder for OpenH264 {
    fn encode(
        &mut self,
        picture: &Arc<Picture>,
        at: Duration,
        keyframe: bool,
    ) -> Result<Option<Encoded>, EncodeError> {
        if keyframe {
            self.library.force_intra_frame();
        }
        let at = Timestamp::from_millis(u64::try_from(at.as_millis()).unwrap_or_default());
        let stream = self.library.encode_at(&Planes(picture), at).map_err(failure)?;
        let keyframe = match stream.frame_type() {
            FrameType::IDR => true,
            FrameType::I | FrameType::P | FrameType::IPMixed => false,
            FrameType::Skip => return Ok(None),
            FrameType::Invalid => return Err(EncodeError("it made an invalid frame".into())),
        };
        let data = Bytes::from(stream.to_vec());
        Ok((!data.is_empty()).then_some(Encoded { data, keyframe }))
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        let before = std::mem::replace(&mut self.bps, bps(bitrate));
        set_option::bitrate(&mut self.library, before, self.bps)
    }
}

struct Planes<'a>(&'a Picture);

impl YUVSource for Planes<'_> {
    fn dimensions(&self) -> (usize, usize) {
        let size = self.0.format().size;
        (size.width as usize, size.height as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let format = self.0.format();
        (format.luma_stride(), format.chroma_stride(), format.chroma_stride())
    }

    fn y(&self) -> &[u8] {
        self.0.planes().0
    }

    fn u(&self) -> &[u8] {
        self.0.planes().1
    }

    fn v(&self) -> &[u8] {
        self.0.planes().2
    }
}

fn bps(bitrate: Bitrate) -> u32 {
    u32::try_from(bitrate.bps()).unwrap_or(u32::MAX)
}

fn failure(error: openh264::Error) -> EncodeError {
    EncodeError(error.to_string())
}

/// The wrapper has no call for a bitrate that changes; the library has.
mod set_option {
    #![allow(unsafe_code)]

    use openh264::encoder::Encoder as Library;
    use openh264_sys2::{
        ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, LAYER_NUM, SBitrateInfo,
        SPATIAL_LAYER_0, SPATIAL_LAYER_ALL,
    };

    use super::EncodeError;

    /// The wrapper takes the first bitrate for the highest, and one above the highest is refused: so that moves along, before or after.
    pub(super) fn bitrate(library: &mut Library, before: u32, bps: u32) -> Result<(), EncodeError> {
        let mut steps =
            [(ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0), (ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL)];
        if bps < before {
            steps.reverse();
        }
        steps.into_iter().try_for_each(|(option, layer)| set(library, option, layer, bps))
    }

    fn set(
        library: &mut Library,
        option: ENCODER_OPTION,
        layer: LAYER_NUM,
        bps: u32,
    ) -> Result<(), EncodeError> {
        let mut wanted = SBitrateInfo { iLayer: layer, iBitrate: i32::try_from(bps).unwrap_or(i32::MAX) };
        // SAFETY: both options read an `SBitrateInfo` and keep no pointer to it. The library was initialised when its first
        // picture was encoded, in the trial that every encoder passes before it is used.
        let result = unsafe { library.raw_api().set_option(option, (&raw mut wanted).cast()) };
        if result == 0 {
            Ok(())
        } else {
            Err(EncodeError(format!("it refuses a bitrate of {bps} bit/s ({result})")))
        }
    }
}
