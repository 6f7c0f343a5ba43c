//! A peer connection of the library as this product needs it: what is offered, and with which settings.

use std::time::{Duration, Instant};

use anyhow::Context;
use model::video::Codec;
use rtc::{
    crypto::SignatureScheme,
    data_channel::{RTCDataChannelId, RTCDataChannelInit},
    ice::mdns::MulticastDnsMode,
    interceptor::{Registry, SenderReportBuilder, Slot},
    media_stream::MediaStreamTrack,
    peer_connection::{
        RTCPeerConnection, RTCPeerConnectionBuilder,
        certificate::{CertificateParams, RTCCertificate},
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
            RTCRtpEncodingParameters, RTCRtpHeaderExtensionCapability, RTCRtpRtxParameters, RtpCodecKind,
        },
    },
};

use super::{
    input::Channel,
    wire::{LastStep, Wire},
    writer::Negotiated,
};

/// 0/0 in each packet makes Chromium show a frame when it has it: 28 ms less from glass to glass.
const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
/// When the picture was grabbed; Chromium tells the page as `captureTime`.
const ABS_CAPTURE_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
pub(crate) const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

const VIDEO_PAYLOAD_TYPE: u8 = 102;
const RTX_PAYLOAD_TYPE: u8 = 103;
const VIDEO_CLOCK_HZ: u32 = 90_000;

/// Silence of the path until viewers read "reconnecting". Browsers check at least every 2.5 s.
const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);
/// With the above, the minute that a viewer's media waits for its way back.
const FAILED_AFTER: Duration = Duration::from_secs(55);
const CONSENT_EVERY: Duration = Duration::from_secs(2);
/// Of ICE until a pair is nominated: each step of the handshake waits for the next of these.
const CHECK_EVERY: Duration = Duration::from_millis(20);
/// Ten seconds of them: a slow path is no failed one.
const CHECKS_MAX: u16 = 500;
/// Largest message on a data channel that is put together. Input is bounded more tightly where it is read.
const MESSAGE_BYTES_MAX: u32 = 16 * 1024;
/// What a viewer may have under way to us on all its channels.
const RECEIVE_BUFFER_BYTES: u32 = 128 * 1024;

pub(crate) struct Connection {
    pub(crate) core: RTCPeerConnection,
    pub(crate) video: RTCRtpSenderId,
    pub(crate) ssrc: u32,
    pub(crate) channels: Vec<(RTCDataChannelId, Channel)>,
}

/// One certificate for all peers of the process: making one costs more than a whole handshake.
pub(crate) fn certificate() -> anyhow::Result<RTCCertificate> {
    let provider = rtc::crypto::default_provider().context("choosing the cryptography of DTLS")?;
    let params =
        CertificateParams::new(vec!["openspace-webrtc".to_owned()]).context("naming the DTLS certificate")?;
    RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)
        .context("making the DTLS certificate")
}

impl Connection {
    pub(crate) fn new(
        codec: Codec,
        certificate: &RTCCertificate,
        wire: &Wire,
        now: Instant,
    ) -> anyhow::Result<Self> {
        let (ssrc, rtx_ssrc) = (random_u32()?, random_u32()?);
        let configuration =
            RTCConfigurationBuilder::new().with_certificates(vec![certificate.clone()]).build();
        let mut core = RTCPeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_media_engine(media_engine(codec)?)
            .with_setting_engine(settings())
            .with_interceptor_registry(interceptors(ssrc, wire))
            .build(now)?;
        let video = add_video(&mut core, codec, ssrc, rtx_ssrc)?;
        let channels = Channel::ALL
            .into_iter()
            .map(|channel| {
                Ok((core.create_data_channel(channel.label(), Some(init(channel)))?.id(), channel))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { core, video, ssrc, channels })
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

pub(crate) fn random_u32() -> anyhow::Result<u32> {
    getrandom::u32().context("drawing random numbers from the system")
}

fn mime_type(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "video/H264",
        Codec::Vp8 => "video/VP8",
    }
}

fn video_codec(codec: Codec) -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    RTCRtpCodec {
        mime_type: mime_type(codec).to_owned(),
        clock_rate: VIDEO_CLOCK_HZ,
        channels: 0,
        sdp_fmtp_line: match codec {
            // Constrained baseline: what every browser decodes.
            Codec::H264 => {
                "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f".to_owned()
            }
            Codec::Vp8 => String::new(),
        },
        rtcp_feedback: vec![
            feedback("transport-cc", ""),
            feedback("ccm", "fir"),
            feedback("nack", ""),
            feedback("nack", "pli"),
        ],
    }
}

fn media_engine(codec: Codec) -> anyhow::Result<MediaEngine> {
    let rtx = RTCRtpCodec {
        mime_type: "video/rtx".to_owned(),
        clock_rate: VIDEO_CLOCK_HZ,
        sdp_fmtp_line: format!("apt={VIDEO_PAYLOAD_TYPE}"),
        ..Default::default()
    };
    let mut engine = MediaEngine::default();
    for (rtp_codec, payload_type) in [(video_codec(codec), VIDEO_PAYLOAD_TYPE), (rtx, RTX_PAYLOAD_TYPE)] {
        engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, RtpCodecKind::Video)?;
    }
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
        .with(Slot::SenderReport, SenderReportBuilder::new().build())
}

fn add_video(
    core: &mut RTCPeerConnection,
    codec: Codec,
    ssrc: u32,
    rtx_ssrc: u32,
) -> anyhow::Result<RTCRtpSenderId> {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            rtx: Some(RTCRtpRtxParameters { ssrc: rtx_ssrc }),
            ..Default::default()
        },
        codec: video_codec(codec),
        ..Default::default()
    };
    let track = MediaStreamTrack::new(
        "openspace".to_owned(),
        "video".to_owned(),
        "video".to_owned(),
        RtpCodecKind::Video,
        vec![encoding],
    );
    let init = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        streams: vec![],
        send_encodings: vec![],
    };
    core.add_transceiver_from_track(track, Some(init))?;
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
