//! What comes in to a peer: datagrams, commands, the other side's answer.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use anyhow::Context;
use model::video::Codec;
use rtc::{
    peer_connection::{sdp::RTCSessionDescription, transport::RTCIceCandidateInit},
    sansio::Protocol,
    shared::{TaggedBytesMut, TransportContext, TransportProtocol},
};
use tracing::{debug, warn};

use super::{Driver, Phase};
use crate::{
    peer::{Command, PeerEvent, outbox::Outbox},
    port::{
        Arrival,
        addresses::{self, Transport},
    },
    sdp::{self, Offered},
};

/// Datagrams handled before frames and commands get their turn.
const ARRIVALS_A_TURN: usize = 64;
/// Datagrams of DTLS kept until ICE has a pair: one flight of the handshake, twice.
const EARLY_MAX: usize = 8;
/// Addresses of ours that a viewer's checks may arrive at.
const LOCAL_ADDRESSES_MAX: usize = 32;

impl Driver {
    pub(super) fn arrive(&mut self, first: Arrival) {
        self.take(first);
        for _ in 1..ARRIVALS_A_TURN {
            let Ok(next) = self.arrivals.try_recv() else { break };
            self.take(next);
        }
    }

    pub(super) fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Datagram { transport, bytes, at } => {
                self.learn_local(&transport);
                self.greeting.arrives(&bytes, at);
                let message = TaggedBytesMut { now: at, transport, message: bytes };
                if !self.ice_connected && is_dtls(&message.message) {
                    self.keep_for_later(message);
                } else {
                    self.read(message);
                }
            }
            Arrival::TcpOpened { remote, frames } => self.outlet.tcp_opened(remote, frames),
            Arrival::TcpClosed { remote } => self.outlet.tcp_closed(remote),
        }
    }

    pub(super) fn read(&mut self, message: TaggedBytesMut) {
        if let Err(error) = self.connection.core.handle_read(message) {
            debug!(viewer = %self.viewer, %error, "a datagram was not understood");
        }
    }

    /// A browser begins DTLS as soon as its own check was answered, a step before the core has nominated that pair and
    /// listens. Dropped, its hello would come again after twice the round trip at the earliest.
    pub(super) fn keep_for_later(&mut self, message: TaggedBytesMut) {
        if self.early.len() < EARLY_MAX {
            self.early.push(message);
        }
    }

    pub(super) fn read_what_was_early(&mut self) {
        self.ice_connected = true;
        for message in std::mem::take(&mut self.early) {
            self.read(message);
        }
    }

    /// The address that a check arrived at is one of ours, whatever was offered: NAT and new interfaces included.
    pub(super) fn learn_local(&mut self, transport: &TransportContext) {
        let local = (transport.transport_protocol, transport.local_addr);
        if self.locals.contains(&local) || self.locals.len() == LOCAL_ADDRESSES_MAX {
            return;
        }
        let kind = match transport.transport_protocol {
            TransportProtocol::TCP => Transport::Tcp,
            _ => Transport::Udp,
        };
        let candidate = addresses::candidate(kind, self.locals.len(), transport.local_addr);
        self.locals.push(local);
        let init = RTCIceCandidateInit { candidate, ..Default::default() };
        if let Err(error) = self.connection.core.add_local_candidate(init) {
            warn!(viewer = %self.viewer, %error, address = %transport.local_addr, "an address of ours is refused by ICE");
        }
    }

    pub(super) fn obey(&mut self, command: Command, outbox: &mut Outbox, now: Instant) {
        match command {
            Command::Answer { sdp, done } => drop(done.send(self.answer(&sdp, now))),
            Command::RestartIce { done } => {
                self.connection.core.restart_ice();
                drop(done.send(self.offer(outbox, now).context("making the offer of an ICE restart")));
            }
            Command::Reply(reply) => self.send_reply(&reply, now),
            Command::Playout(playout) => self.writer.set_playout(playout),
            Command::Sound(sound) => self.sound = sound,
        }
    }

    pub(super) fn offer(&mut self, outbox: &mut Outbox, now: Instant) -> anyhow::Result<()> {
        let offer = self.connection.core.create_offer(None)?;
        self.connection.core.set_local_description(now, offer)?;
        let sdp = self.connection.core.local_description().context("there is no local description")?.sdp;
        let ufrag = sdp::ufrag(&sdp).context("the offer has no ufrag")?;
        self.outlet.route().name(ufrag);
        let sdp = sdp::with_candidates(&sdp, &self.candidates());
        outbox.tell(PeerEvent::Offer { sdp });
        Ok(())
    }

    pub(super) fn candidates(&self) -> Vec<String> {
        let shared = self.outlet.route().shared();
        let at = |ip: &IpAddr| SocketAddr::new(*ip, shared.port());
        let offered = shared.addresses();
        [Transport::Udp, Transport::Tcp]
            .into_iter()
            .flat_map(|kind| {
                offered.iter().enumerate().map(move |(rank, ip)| addresses::candidate(kind, rank, at(ip)))
            })
            .collect()
    }

    /// The viewer's answer to our offer; the codec that it comes to.
    pub(super) fn answer(&mut self, sdp: &str, now: Instant) -> anyhow::Result<Codec> {
        let codecs: Vec<Codec> = self.formats.iter().map(|format| format.codec).collect();
        let codec = sdp::check_answer(sdp, &codecs)?;
        let answer = RTCSessionDescription::answer(sdp::without_candidates(sdp))
            .context("the answer is no session description")?;
        if let Some(format) = self.formats.iter().find(|format| format.codec == codec) {
            self.connection.settle_on(format)?;
        }
        self.connection
            .core
            .set_remote_description(now, answer)
            .context("the answer does not fit the offer")?;
        self.agree_on(codec).context("the answer names no payload type for the video")?;
        if matches!(self.phase, Phase::Awaited { .. }) {
            self.phase = Phase::Answered;
        }
        Ok(codec)
    }

    /// Our answer to what the viewer offers.
    pub(super) fn take_offer(&mut self, offered: &Offered, now: Instant) -> anyhow::Result<String> {
        let offer = RTCSessionDescription::offer(offered.reduced.clone()).context("reading it")?;
        self.connection.core.set_remote_description(now, offer).context("reading it")?;
        let answer = self.connection.core.create_answer(None).context("answering it")?;
        self.connection.core.set_local_description(now, answer).context("answering it")?;
        let sdp = self.connection.core.local_description().context("there is no local description")?.sdp;
        self.outlet.route().name(sdp::ufrag(&sdp).context("the answer has no ufrag")?);
        self.agree_on(offered.format.codec).context("its video format is not understood")?;
        Ok(offered.answer(&sdp::with_candidates(&sdp, &self.candidates())))
    }

    fn agree_on(&mut self, codec: Codec) -> Option<()> {
        self.negotiated = Some(self.connection.negotiated(codec)?);
        self.writer.set_codec(codec);
        self.voice.agree_on(self.connection.negotiated_sound());
        Some(())
    }
}

/// RFC 7983 §7.
fn is_dtls(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| (20..64).contains(first))
}
