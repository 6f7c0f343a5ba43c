//! The last step to the wire and the first from it: an interceptor of the library's chain, in place of its own for
//! congestion control, transport numbers and retransmission.
//!
//! One pass instead of three, one record of a packet instead of four, and the packets of a frame leave when the pacer
//! lets them. What is decided is decided in [`sending`](super::sending).

mod repair;
mod reports;
mod sender_reports;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use model::Bitrate;
use rtc::{
    interceptor::{AttributedPacket, Interceptor, Packet, RTPHeaderExtension, StreamInfo, TaggedPacket},
    rtp::{self, header::Header},
    sansio::Protocol,
    shared::{TransportContext, error::Error, marshal::MarshalSize},
};

use self::{repair::Repairer, sender_reports::Reporter};
use super::{
    clock::Clock,
    connection::TRANSPORT_CC,
    sending::{Carries, Kind, Leaving, Parcel, Sending, View},
};

impl Parcel for rtp::Packet {
    fn sequence(&self) -> u16 {
        self.header.sequence_number
    }

    fn bytes(&self) -> usize {
        self.marshal_size()
    }

    /// Extensions are of the first time: most of the memory of a viewer would be lists of them.
    fn to_keep(&self) -> Self {
        let Header { version, marker, payload_type, sequence_number, timestamp, ssrc, .. } = self.header;
        let header =
            Header { version, marker, payload_type, sequence_number, timestamp, ssrc, ..Default::default() };
        Self { header, payload: self.payload.clone() }
    }
}

/// What the driver of a peer and its place on the wire have in common. Used within one task; the lock is a formality.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    epoch: Instant,
    shared: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    sending: Sending<rtp::Packet>,
    reporter: Reporter,
    /// Of a viewer that takes repair packets.
    repairer: Option<Repairer>,
    heard: Heard,
    now: Instant,
}

/// What has been heard and sent so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) keyframe_wanted: bool,
    pub(crate) rtt: Option<Duration>,
    pub(crate) fraction_lost: f32,
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) packets_resent: u64,
    pub(crate) packets_filling: u64,
    pub(crate) packets_repairing: u64,
}

impl Wire {
    /// More room than `useful` is not looked for.
    pub(crate) fn new(epoch: Instant, clock: Clock, useful: Bitrate) -> Self {
        let state = State {
            sending: Sending::new(useful),
            reporter: Reporter::new(clock),
            repairer: None,
            heard: Heard::default(),
            now: epoch,
        };
        Self { epoch, shared: Arc::new(Mutex::new(state)) }
    }

    /// The handshake is over: a round trip takes so long.
    pub(crate) fn begin(&self, rtt: Duration) {
        self.with(|state| state.sending.begin(rtt));
    }

    pub(crate) fn heard(&self) -> Heard {
        self.with(|state| state.heard)
    }

    pub(crate) fn view(&self) -> View {
        self.with(|state| state.sending.view())
    }

    pub(crate) fn take_keyframe_wanted(&self) -> bool {
        self.with(|state| std::mem::take(&mut state.heard.keyframe_wanted))
    }

    pub(crate) fn carries(&self, now: Instant) -> Carries {
        let now = self.since_epoch(now);
        self.with(|state| state.sending.carries(now))
    }

    /// The packets of a frame. They do not come down the library's pipeline, which would cost a tenth more: whoever reads its writes next
    /// gets them, as far as they may leave.
    pub(crate) fn post(
        &self,
        packets: impl ExactSizeIterator<Item = rtp::Packet>,
        captured: Instant,
        now: Instant,
    ) {
        let at = self.since_epoch(now);
        self.with(|state| {
            state.now = state.now.max(now);
            let State { sending, repairer, reporter, heard, .. } = state;
            let repairs = repairer.as_ref().map_or(0, |_| sending.repairs(packets.len(), heard.rtt));
            let mut repairer = repairer.as_mut().filter(|_| repairs > 0);
            for packet in packets {
                reporter.frame(packet.header.timestamp, captured, now);
                if let Some(repairer) = &mut repairer {
                    repairer.cover(&packet);
                }
                sending.post(packet, at);
            }
            if let Some(repairer) = repairer {
                repairer.take(repairs).into_iter().for_each(|packet| sending.post_repair(packet, at));
            }
        });
    }

    pub(crate) fn keyframe_from(&self, sequence: u16) {
        self.with(|state| state.sending.keyframe_from(sequence));
    }

    fn pass_to(&self, now: Instant) {
        self.with(|state| state.now = state.now.max(now));
    }

    fn since_epoch(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.epoch)
    }

    fn with<T>(&self, deed: impl FnOnce(&mut State) -> T) -> T {
        deed(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The numbers that were negotiated for the picture.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// Where the transport's number goes; a viewer that does not report arrivals has none.
    number_id: Option<u8>,
    /// SSRC and payload type of packets that are sent again.
    again: Option<(u32, u8)>,
}

pub(crate) struct LastStep {
    ssrc: u32,
    wire: Wire,
    stream: Stream,
    /// Packets that were sent again have a count of their own (RFC 4588), and so have repair packets. It outlives a restart of ICE, as the
    /// keys do: a number that came again would break them (RFC 7714 §8.1).
    again_sequence: u16,
    repair_sequence: u16,
    /// The newest time of arrival, for those that begin anew.
    ticks: Option<(u32, u64)>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl LastStep {
    /// `ssrc` is that of the picture.
    pub(crate) fn new(ssrc: u32, wire: Wire) -> Self {
        Self {
            ssrc,
            wire,
            stream: Stream::default(),
            again_sequence: 0,
            repair_sequence: 0,
            ticks: None,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
        }
    }

    fn next(&mut self) -> Option<TaggedPacket> {
        let epoch = self.wire.epoch;
        let (leaving, now) = self.wire.with(|state| {
            let leaving = state.sending.next(state.now.saturating_duration_since(epoch))?;
            state.heard.packets_sent += 1;
            state.heard.bytes_sent += leaving.parcel.bytes() as u64;
            match leaving.kind {
                Kind::Fresh => state.reporter.left(&leaving.parcel),
                Kind::Repair => state.heard.packets_repairing += 1,
                Kind::Again => state.heard.packets_resent += 1,
                Kind::Filling => state.heard.packets_filling += 1,
            }
            Some((leaving, state.now))
        })?;
        Some(tagged(Packet::Rtp(self.numbered(leaving)), now))
    }

    fn numbered(&mut self, leaving: Leaving<rtp::Packet>) -> rtp::Packet {
        let mut packet = match leaving.kind {
            Kind::Fresh => leaving.parcel,
            Kind::Repair => self.repair(leaving.parcel),
            Kind::Again | Kind::Filling => self.again(leaving.parcel),
        };
        if let Some(id) = self.stream.number_id {
            set_number(&mut packet.header, id, leaving.number);
        }
        packet
    }

    fn repair(&mut self, mut parcel: rtp::Packet) -> rtp::Packet {
        parcel.header.sequence_number = self.repair_sequence;
        self.repair_sequence = self.repair_sequence.wrapping_add(1);
        parcel
    }

    /// RFC 4588; a viewer that did not negotiate it gets the packet as it was.
    fn again(&mut self, parcel: rtp::Packet) -> rtp::Packet {
        let Some((ssrc, payload_type)) = self.stream.again else { return parcel };
        let mut payload = BytesMut::with_capacity(2 + parcel.payload.len());
        payload.put_u16(parcel.header.sequence_number);
        payload.extend_from_slice(&parcel.payload);
        let header = Header {
            version: 2,
            ssrc,
            payload_type,
            sequence_number: self.again_sequence,
            timestamp: parcel.header.timestamp,
            marker: parcel.header.marker,
            ..Default::default()
        };
        self.again_sequence = self.again_sequence.wrapping_add(1);
        rtp::Packet { header, payload: payload.freeze() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for LastStep {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.wire.pass_to(packet.now);
        if let Packet::Rtcp(heard) = &packet.message.packet {
            heard.iter().for_each(|one| self.hear(one.as_ref(), packet.now));
        }
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    /// What is not the picture: it waits for nothing.
    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front().or_else(|| self.next())
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.wire.pass_to(now);
        if let Some(report) = self.wire.with(|state| state.reporter.take(self.ssrc, now)) {
            self.writes.push_back(tagged(Packet::Rtcp(vec![Box::new(report)]), now));
        }
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let (at, report) = self.wire.with(|state| (state.sending.wake_at(), state.reporter.due()));
        [at.map(|at| self.wire.epoch + at), report].into_iter().flatten().min()
    }
}

fn tagged(packet: Packet, now: Instant) -> TaggedPacket {
    TaggedPacket { now, transport: TransportContext::default(), message: AttributedPacket::new(packet) }
}

impl Interceptor for LastStep {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        if info.ssrc == self.ssrc {
            let number_id = number_id(&info.rtp_header_extensions);
            self.stream = Stream { number_id, again: info.ssrc_rtx.zip(info.payload_type_rtx) };
            let repair = info.ssrc_fec.zip(info.payload_type_fec);
            let repairer = repair.map(|(ssrc, payload_type)| Repairer::new(payload_type, ssrc, number_id));
            self.wire.with(|state| state.repairer = repairer);
        }
    }

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

/// One that does not fit stays without a number, and counts as one that nobody spoke of.
fn set_number(header: &mut Header, id: u8, number: u16) {
    let _ = header.set_extension(id, Bytes::copy_from_slice(&number.to_be_bytes()));
}

fn number_id(extensions: &[RTPHeaderExtension]) -> Option<u8> {
    let found = extensions.iter().find(|extension| extension.uri == TRANSPORT_CC)?;
    u8::try_from(found.id).ok().filter(|id| *id > 0)
}
