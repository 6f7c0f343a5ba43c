//! The far side: the `webrtc` crate as a viewer. It answers, puts frames together, speaks on the data channels.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use rtc::{
    rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication,
    rtp::{self, codec::h264::H264Packet, packetizer::Depacketizer},
    rtp_transceiver::rtp_sender::{
        RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
    },
    rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit},
};
use tokio::sync::{Mutex, mpsc, watch};
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    media_stream::track_remote::{TrackRemote, TrackRemoteEvent},
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
        RTCPeerConnectionState, RTCSessionDescription, Registry, register_default_interceptors,
    },
};

use super::soon;

pub struct Remote {
    connection: Box<dyn PeerConnection>,
    frames: mpsc::UnboundedReceiver<Bytes>,
    heard: Arc<Heard>,
    gathered: watch::Receiver<bool>,
    state: watch::Receiver<RTCPeerConnectionState>,
}

struct Heard {
    frames: mpsc::UnboundedSender<Bytes>,
    gathered: watch::Sender<bool>,
    state: watch::Sender<RTCPeerConnectionState>,
    tracks: watch::Sender<Option<Arc<dyn TrackRemote>>>,
    channels: watch::Sender<HashMap<String, Arc<dyn DataChannel>>>,
    messages: Mutex<HashMap<String, mpsc::UnboundedReceiver<String>>>,
    playout_delays: watch::Sender<usize>,
    evenness: watch::Sender<Evenness>,
    hung_up: watch::Sender<bool>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Hearing {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.0.gathered.send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.0.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.0.tracks.send_replace(Some(Arc::clone(&track)));
        let heard = Arc::clone(&self.0);
        let h264 = self.1;
        tokio::spawn(async move {
            let mut assembler = Assembler::default();
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let delayed =
                        packet.header.extensions.iter().any(|extension| extension.payload[..] == [0, 0, 0]);
                    heard.playout_delays.send_modify(|count| *count += usize::from(delayed));
                    if h264 {
                        assembler.take(packet).into_iter().for_each(|frame| _ = heard.frames.send(frame));
                        let seen = assembler.evenness;
                        heard.evenness.send_modify(|known| *known = known.and(seen));
                        assembler.evenness = Evenness::default();
                    }
                }
            }
        });
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let label = channel.label().await.unwrap();
        let (messages, receiver) = mpsc::unbounded_channel();
        self.0.messages.lock().await.insert(label.clone(), receiver);
        self.0.channels.send_modify(|channels| drop(channels.insert(label, Arc::clone(&channel))));
        let heard = Arc::clone(&self.0);
        tokio::spawn(async move {
            while let Some(event) = channel.poll().await {
                match event {
                    DataChannelEvent::OnMessage(message) => {
                        let _ = messages.send(String::from_utf8(message.data.to_vec()).unwrap());
                    }
                    DataChannelEvent::OnClose => break,
                    _ => {}
                }
            }
            heard.hung_up.send_replace(true);
        });
    }
}

/// And whether the frames are H.264.
struct Hearing(Arc<Heard>, bool);

impl Remote {
    pub async fn new() -> Self {
        Self::with("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
            .await
    }

    pub async fn of_vp8() -> Self {
        Self::with("video/VP8", "").await
    }

    async fn with(mime_type: &str, parameters: &str) -> Self {
        let mut media = media_engine(mime_type, parameters);
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let (frames, received) = mpsc::unbounded_channel();
        let (gathered, is_gathered) = watch::channel(false);
        let (state, is_state) = watch::channel(RTCPeerConnectionState::New);
        let heard = Arc::new(Heard {
            frames,
            gathered,
            state,
            tracks: watch::Sender::new(None),
            channels: watch::Sender::default(),
            messages: Mutex::default(),
            playout_delays: watch::Sender::default(),
            evenness: watch::Sender::default(),
            hung_up: watch::Sender::default(),
        });
        let building = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Hearing(Arc::clone(&heard), mime_type == "video/H264")))
            .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
            .build();
        let connection = Box::pin(building).await.unwrap();
        Self {
            connection: Box::new(connection),
            frames: received,
            heard,
            gathered: is_gathered,
            state: is_state,
        }
    }

    pub async fn answer(&mut self, offer: String) -> String {
        let offer = RTCSessionDescription::offer(offer).unwrap();
        self.connection.set_remote_description(offer).await.unwrap();
        let answer = self.connection.create_answer(None).await.unwrap();
        self.connection.set_local_description(answer).await.unwrap();
        soon("the far side's candidates", self.gathered.wait_for(|done| *done)).await.unwrap();
        self.connection.local_description().await.unwrap().sdp
    }

    /// As a player offers by itself.
    pub async fn offer(&mut self) -> String {
        let receiving = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Recvonly,
            streams: vec![],
            send_encodings: vec![],
        };
        self.connection.add_transceiver_from_kind(RtpCodecKind::Video, Some(receiving)).await.unwrap();
        let offer = self.connection.create_offer(None).await.unwrap();
        self.connection.set_local_description(offer).await.unwrap();
        soon("the far side's candidates", self.gathered.wait_for(|done| *done)).await.unwrap();
        self.connection.local_description().await.unwrap().sdp
    }

    pub async fn accept(&self, answer: String) {
        let answer = RTCSessionDescription::answer(answer).unwrap();
        self.connection.set_remote_description(answer).await.unwrap();
    }

    pub async fn until(&mut self, wanted: RTCPeerConnectionState) {
        soon("the far side's state", self.state.wait_for(|state| *state == wanted)).await.unwrap();
    }

    pub async fn frame(&mut self) -> Bytes {
        soon("a frame", self.frames.recv()).await.unwrap()
    }

    /// The next frame, however long it takes; `None` when the connection is gone. For the examples that share this.
    #[allow(dead_code)]
    pub async fn next_frame(&mut self) -> Option<Bytes> {
        self.frames.recv().await
    }

    /// Since it was last asked. For the examples that share this.
    #[allow(dead_code)]
    pub fn evenness(&self) -> Evenness {
        self.heard.evenness.send_replace(Evenness::default())
    }

    /// Packets that carried a playout delay of none.
    pub fn playout_delays(&self) -> usize {
        *self.heard.playout_delays.borrow()
    }

    pub async fn until_playout_delays(&self, count: usize) {
        let mut delays = self.heard.playout_delays.subscribe();
        soon("packets", delays.wait_for(|heard| *heard >= count)).await.unwrap();
    }

    pub async fn ask_for_a_keyframe(&self) {
        let mut tracks = self.heard.tracks.subscribe();
        let track = soon("a track", tracks.wait_for(Option::is_some)).await.unwrap().clone().unwrap();
        let pli = PictureLossIndication { sender_ssrc: 0, media_ssrc: track.ssrcs().await[0] };
        track.write_rtcp(vec![Box::new(pli)]).await.unwrap();
    }

    pub async fn channel(&self, label: &str) -> Arc<dyn DataChannel> {
        let mut channels = self.heard.channels.subscribe();
        let found = soon(label, channels.wait_for(|channels| channels.contains_key(label))).await.unwrap();
        Arc::clone(&found[label])
    }

    pub async fn say(&self, label: &str, text: &str) {
        self.channel(label).await.send_text(text).await.unwrap();
    }

    pub async fn message(&self, label: &str) -> String {
        self.channel(label).await;
        let mut messages = self.heard.messages.lock().await;
        soon(label, messages.get_mut(label).unwrap().recv()).await.unwrap()
    }

    /// A data channel has ended.
    pub async fn until_hung_up(&self) {
        let mut hung_up = self.heard.hung_up.subscribe();
        soon("a data channel to end", hung_up.wait_for(|ended| *ended)).await.unwrap();
    }

    pub async fn close(&self) {
        self.connection.close().await.unwrap();
    }
}

fn media_engine(mime_type: &str, parameters: &str) -> MediaEngine {
    let mut media = MediaEngine::default();
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    let video = RTCRtpCodec {
        mime_type: mime_type.into(),
        clock_rate: 90_000,
        sdp_fmtp_line: parameters.into(),
        rtcp_feedback: vec![feedback("nack", ""), feedback("nack", "pli"), feedback("transport-cc", "")],
        ..Default::default()
    };
    let rtx = RTCRtpCodec {
        mime_type: "video/rtx".into(),
        clock_rate: 90_000,
        sdp_fmtp_line: "apt=96".into(),
        ..Default::default()
    };
    for (rtp_codec, payload_type) in [(video, 96), (rtx, 97)] {
        media.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, RtpCodecKind::Video).unwrap();
    }
    let opus =
        RTCRtpCodec { mime_type: "audio/opus".into(), clock_rate: 48_000, channels: 2, ..Default::default() };
    let opus = RTCRtpCodecParameters { rtp_codec: opus, payload_type: 111 };
    media.register_codec(opus, RtpCodecKind::Audio).unwrap();
    let uri = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay".to_owned();
    let extension = RTCRtpHeaderExtensionCapability { uri };
    media.register_header_extension(extension, RtpCodecKind::Video, None).unwrap();
    media
}

/// So many packets may wait for one that is missing; then its frame is given up.
const WAITING_MAX: usize = 200;

/// Whether any are missing, by the packets' numbers and times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evenness {
    /// Packets that never came.
    pub lost: u32,
    /// Between the times of two frames that follow each other, in 1/90,000 s.
    pub longest_step: u32,
}

impl Evenness {
    pub fn and(self, later: Self) -> Self {
        Self { lost: self.lost + later.lost, longest_step: self.longest_step.max(later.longest_step) }
    }
}

/// Puts packets in order and frames together.
#[derive(Default)]
struct Assembler {
    packets: BTreeMap<u16, rtp::Packet>,
    next: Option<u16>,
    last_time: Option<u32>,
    evenness: Evenness,
}

impl Assembler {
    fn take(&mut self, packet: rtp::Packet) -> Vec<Bytes> {
        let sequence = packet.header.sequence_number;
        let next = *self.next.get_or_insert(sequence);
        if sequence.wrapping_sub(next) < 0x8000 {
            self.packets.insert(sequence, packet);
        }
        if self.packets.len() > WAITING_MAX {
            self.give_up();
        }
        std::iter::from_fn(|| self.frame()).collect()
    }

    /// Begins anew behind the first frame that ends.
    fn give_up(&mut self) {
        let next = self.next.unwrap_or_default();
        let mut waiting: Vec<u16> = self.packets.keys().copied().collect();
        waiting.sort_by_key(|sequence| sequence.wrapping_sub(next));
        let end = waiting.iter().find(|sequence| self.packets[sequence].header.marker);
        let behind = end.or(waiting.last()).map_or(next, |sequence| sequence.wrapping_add(1));
        let passed_over = behind.wrapping_sub(next);
        let came = waiting.iter().filter(|sequence| sequence.wrapping_sub(next) < passed_over).count();
        self.evenness.lost += u32::from(passed_over) - u32::try_from(came).unwrap();
        self.packets.retain(|sequence, _| sequence.wrapping_sub(behind) < 0x8000);
        self.next = Some(behind);
    }

    fn frame(&mut self) -> Option<Bytes> {
        let first = self.next?;
        let run = (0..u16::MAX).map(|step| first.wrapping_add(step)).map_while(|at| self.packets.get(&at));
        let length = 1 + run.map(|packet| packet.header.marker).position(|marker| marker)?;
        let mut depacketizer = H264Packet::default();
        let mut frame = BytesMut::new();
        let time = self.packets[&first].header.timestamp;
        let step = self.last_time.replace(time).map_or(0, |last| time.wrapping_sub(last));
        self.evenness.longest_step = self.evenness.longest_step.max(step);
        for step in 0..u16::try_from(length).unwrap() {
            let packet = self.packets.remove(&first.wrapping_add(step)).unwrap();
            frame.extend(depacketizer.depacketize(&packet.payload).unwrap());
        }
        self.next = Some(first.wrapping_add(u16::try_from(length).unwrap()));
        Some(frame.freeze())
    }
}
