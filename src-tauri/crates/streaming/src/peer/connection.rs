//! A peer connection of the library as this product needs it: what is offered, and with which settings.

use std::time::{Duration, Instant};

use anyhow::Context;
use model::video::Codec;
use rtc::{
    data_channel::{RTCDataChannelId, RTCDataChannelInit},
    ice::mdns::MulticastDnsMode,
    interceptor::{Registry, SenderReportBuilder, Slot},
    media_stream::MediaStreamTrack,
    peer_connection::{
        RTCPeerConnection, RTCPeerConnectionBuilder,
        certificate::RTCCertificate,
        configuration::{
            RTCConfigurationBuilder,
            media_engine::MediaEngine,
            setting_engine::{SctpMaxMessageSize, SettingEngine, SettingEngineBuilder},
        },
        transport::RTCDtlsTransportState,
    },
    rtp_transceiver::{
        RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit,
        rtp_sender::{
            RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
            RTCRtpEncodingParameters, RTCRtpFecParameters, RTCRtpHeaderExtensionCapability,
            RTCRtpRtxParameters, RtpCodecKind,
        },
    },
};

use super::{
    input::Channel,
    wire::{LastStep, Wire},
    writer::Negotiated,
};
use crate::sdp::VideoFormat;

/// 0/0 in each packet makes Chromium show a frame when it has it: 28 ms less from glass to glass.
const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
/// When the picture was grabbed; Chromium tells the page as `captureTime`.
const ABS_CAPTURE_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
pub(crate) const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

const OPUS: &str = "audio/opus";
const OPUS_PAYLOAD_TYPE: u8 = 111;
pub(crate) const VIDEO_CLOCK_HZ: u32 = 90_000;
/// Repair packets, on an SSRC of their own. Chromium takes them; who does not leaves them out of its answer.
const FLEXFEC: &str = "video/flexfec-03";
const FLEXFEC_PAYLOAD_TYPE: u8 = 118;

/// Silence of the path until viewers read "reconnecting". Browsers check at least every 2.5 s.
const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);
/// With the above, the minute that a viewer's media waits for its way back.
const FAILED_AFTER: Duration = Duration::from_secs(55);
const CONSENT_EVERY: Duration = Duration::from_secs(2);
/// Of ICE until a pair is nominated: each step of the handshake waits for the next of these.
const CHECK_EVERY: Duration = Duration::from_millis(20);
/// Ten seconds of them: a slow path is no failed one.
const CHECKS_MAX: u16 = 500;
/// Largest message on a data channel, in both directions: a list of a large scene is as long as what browsers take. Input is
/// bounded more tightly where it is read.
const MESSAGE_BYTES_MAX: u32 = 256 * 1024;
/// What a viewer may have under way to us on all its channels.
const RECEIVE_BUFFER_BYTES: u32 = 128 * 1024;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The stream page: a picture, and the channels by which it is steered.
    Steered,
    /// A player: nothing but the picture.
    Watched,
}

/// Of the picture: its packets, those that are sent again, and repair packets, of which players get none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ssrcs {
    pub(crate) picture: u32,
    again: u32,
    repair: Option<u32>,
}

pub(crate) struct Connection {
    pub(crate) core: RTCPeerConnection,
    pub(crate) video: RTCRtpSenderId,
    pub(crate) ssrcs: Ssrcs,
    /// The sound, and its SSRC; players get none.
    pub(crate) sound: Option<(RTCRtpSenderId, u32)>,
    pub(crate) channels: Vec<(RTCDataChannelId, Channel)>,
}

impl Connection {
    pub(crate) fn new(
        formats: &[VideoFormat],
        shape: Shape,
        certificate: &RTCCertificate,
        wire: &Wire,
        now: Instant,
    ) -> anyhow::Result<Self> {
        let repair = match shape {
            Shape::Steered => Some(random_u32()?),
            Shape::Watched => None,
        };
        let ssrcs = Ssrcs { picture: random_u32()?, again: random_u32()?, repair };
        let configuration =
            RTCConfigurationBuilder::new().with_certificates(vec![certificate.clone()]).build();
        let mut core = RTCPeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_media_engine(media_engine(formats, ssrcs)?)
            .with_setting_engine(settings())
            .with_interceptor_registry(interceptors(ssrcs.picture, wire))
            .build(now)?;
        let video = add_video(&mut core, video_track(formats, ssrcs))?;
        let sound = match shape {
            Shape::Steered => Some(add_sound(&mut core, video)?),
            Shape::Watched => None,
        };
        let channels: &[Channel] = match shape {
            Shape::Steered => &Channel::ALL,
            Shape::Watched => &[],
        };
        let channels = channels
            .iter()
            .copied()
            .map(|channel| {
                Ok((core.create_data_channel(channel.label(), Some(init(channel)))?.id(), channel))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { core, video, ssrcs, sound, channels })
    }

    /// Of the formats that were offered, this one was taken. To be told before the library reads the answer.
    pub(crate) fn settle_on(&mut self, format: &VideoFormat) -> anyhow::Result<()> {
        let track = video_track(std::slice::from_ref(format), self.ssrcs);
        let mut sender = self.core.rtp_sender(self.video).context("the sender of the video is gone")?;
        sender.replace_track(track).context("changing the codec of the video")
    }

    pub(crate) fn channel_id(&self, wanted: Channel) -> Option<RTCDataChannelId> {
        self.channels.iter().find(|(_, channel)| *channel == wanted).map(|(id, _)| *id)
    }

    pub(crate) fn channel_of(&self, wanted: RTCDataChannelId) -> Option<Channel> {
        self.channels.iter().find(|(id, _)| *id == wanted).map(|(_, channel)| *channel)
    }

    /// The viewer has ended DTLS. The library's own state of the connection stays "connected" then.
    pub(crate) fn is_hung_up(&mut self) -> bool {
        let sender = self.core.rtp_sender(self.video);
        let transport = sender.as_ref().and_then(|sender| sender.transport());
        transport.is_some_and(|transport| {
            matches!(transport.state(), RTCDtlsTransportState::Closed | RTCDtlsTransportState::Failed)
        })
    }

    /// The numbers that the browser chose for payload and extensions.
    pub(crate) fn negotiated(&mut self, codec: Codec) -> Option<Negotiated> {
        let wanted = mime_type(codec);
        let mut sender = self.core.rtp_sender(self.video)?;
        let parameters = &sender.get_parameters().rtp_parameters;
        let payload_type = parameters
            .codecs
            .iter()
            .find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(wanted))?
            .payload_type;
        let extension = |uri: &str| {
            let found = parameters.header_extensions.iter().find(|extension| extension.uri == uri);
            found.and_then(|extension| u8::try_from(extension.id).ok())
        };
        Some(Negotiated {
            payload_type,
            playout_delay: extension(PLAYOUT_DELAY),
            capture_time: extension(ABS_CAPTURE_TIME),
        })
    }
}

impl Connection {
    /// The number that the browser chose for the sound; `None` where it takes none.
    pub(crate) fn negotiated_sound(&mut self) -> Option<u8> {
        let (sender, _) = self.sound?;
        let mut sender = self.core.rtp_sender(sender)?;
        let codecs = &sender.get_parameters().rtp_parameters.codecs;
        let opus = codecs.iter().find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(OPUS))?;
        Some(opus.payload_type)
    }
}

pub(crate) fn random_u32() -> anyhow::Result<u32> {
    getrandom::u32().context("drawing random numbers from the system")
}

fn mime_type(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "video/H264",
        Codec::Vp8 => "video/VP8",
    }
}

fn video_codec(format: &VideoFormat) -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    RTCRtpCodec {
        mime_type: mime_type(format.codec).to_owned(),
        clock_rate: VIDEO_CLOCK_HZ,
        channels: 0,
        sdp_fmtp_line: format.parameters.clone(),
        rtcp_feedback: vec![
            feedback("transport-cc", ""),
            feedback("ccm", "fir"),
            feedback("nack", ""),
            feedback("nack", "pli"),
        ],
    }
}

fn media_engine(formats: &[VideoFormat], ssrcs: Ssrcs) -> anyhow::Result<MediaEngine> {
    let rtx = |format: &VideoFormat| RTCRtpCodec {
        mime_type: "video/rtx".to_owned(),
        clock_rate: VIDEO_CLOCK_HZ,
        sdp_fmtp_line: format!("apt={}", format.payload_type),
        ..Default::default()
    };
    let mut engine = MediaEngine::default();
    for format in formats {
        let again = format.again.map(|payload_type| (rtx(format), payload_type));
        for (rtp_codec, payload_type) in [(video_codec(format), format.payload_type)].into_iter().chain(again)
        {
            engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, RtpCodecKind::Video)?;
        }
    }
    if ssrcs.repair.is_some() {
        let rtp_codec = RTCRtpCodec {
            mime_type: FLEXFEC.to_owned(),
            clock_rate: VIDEO_CLOCK_HZ,
            // Microseconds; browsers keep their own.
            sdp_fmtp_line: "repair-window=10000000".to_owned(),
            ..Default::default()
        };
        let repair = RTCRtpCodecParameters { rtp_codec, payload_type: FLEXFEC_PAYLOAD_TYPE };
        engine.register_codec(repair, RtpCodecKind::Video)?;
    }
    let opus = RTCRtpCodecParameters { rtp_codec: opus(), payload_type: OPUS_PAYLOAD_TYPE };
    engine.register_codec(opus, RtpCodecKind::Audio)?;
    for uri in [TRANSPORT_CC, PLAYOUT_DELAY, ABS_CAPTURE_TIME] {
        let extension = RTCRtpHeaderExtensionCapability { uri: uri.to_owned() };
        engine.register_header_extension(extension, RtpCodecKind::Video, None)?;
    }
    Ok(engine)
}

fn settings() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_timeouts(Some(DISCONNECTED_AFTER), Some(FAILED_AFTER), Some(CONSENT_EVERY))
        .with_ice_connection_attempts(Some(CHECK_EVERY), Some(CHECKS_MAX))
        // Every viewer is met as peer-reflexive; the library would wait a second for something better.
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(MESSAGE_BYTES_MAX))
        .with_sctp_max_receive_buffer_size(RECEIVE_BUFFER_BYTES)
        .build()
}

fn interceptors(ssrc: u32, wire: &Wire) -> Registry {
    Registry::new()
        .with(Slot::CongestionControl, LastStep::new(ssrc, wire.clone()))
        // Of the sound; the picture does not come by here.
        .with(Slot::SenderReport, SenderReportBuilder::new().build())
}

/// The library offers the formats of the track's encodings; it goes on with the first of them.
fn video_track(formats: &[VideoFormat], ssrcs: Ssrcs) -> MediaStreamTrack {
    let encodings = formats.iter().map(|format| RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrcs.picture),
            rtx: format.again.map(|_| RTCRtpRtxParameters { ssrc: ssrcs.again }),
            fec: ssrcs.repair.map(|ssrc| RTCRtpFecParameters { ssrc }),
            ..Default::default()
        },
        codec: video_codec(format),
        ..Default::default()
    });
    MediaStreamTrack::new(
        "openspace".to_owned(),
        "video".to_owned(),
        "video".to_owned(),
        RtpCodecKind::Video,
        encodings.collect(),
    )
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: OPUS.to_owned(),
        clock_rate: media::SOUND_HZ,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1;stereo=1".to_owned(),
        rtcp_feedback: vec![],
    }
}

/// In a stream of its own: what belongs together is played together, and the picture would wait for the sound.
fn add_sound(core: &mut RTCPeerConnection, video: RTCRtpSenderId) -> anyhow::Result<(RTCRtpSenderId, u32)> {
    let ssrc = random_u32()?;
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: opus(),
        ..Default::default()
    };
    let name = || "sound".to_owned();
    let track = MediaStreamTrack::new(name(), name(), name(), RtpCodecKind::Audio, vec![encoding]);
    core.add_transceiver_from_track(track, Some(sendonly()))?;
    let sender = core.get_senders().find(|sender| *sender != video);
    Ok((sender.context("the library made no sender for the sound")?, ssrc))
}

fn sendonly() -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        streams: vec![],
        send_encodings: vec![],
    }
}

fn add_video(core: &mut RTCPeerConnection, track: MediaStreamTrack) -> anyhow::Result<RTCRtpSenderId> {
    core.add_transceiver_from_track(track, Some(sendonly()))?;
    core.get_senders().next().context("the library made no sender for the video")
}

/// A move that is late is worthless; everything else must arrive, and in order.
fn init(channel: Channel) -> RTCDataChannelInit {
    match channel {
        Channel::Pointer => {
            RTCDataChannelInit { ordered: false, max_retransmits: Some(0), ..Default::default() }
        }
        Channel::Keys | Channel::Intent | Channel::State => RTCDataChannelInit::default(),
    }
}
