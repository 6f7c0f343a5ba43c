//! An Opus encoder: GStreamer's, driven in the caller's thread by two pads, as the encoders of pictures are.

use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::Context;
use bytes::Bytes;
use gstreamer::{self as gst, prelude::*};

/// Two that wait are an element that misbehaves.
const PACKETS: usize = 4;
/// Full-band stereo is transparent for most at this; speech and tones take less.
const BITS_PER_S: i32 = 96_000;
const CAPS: &str = "audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved";

pub(crate) struct Opus {
    element: gst::Element,
    input: gst::Pad,
    output: gst::Pad,
    packets: Receiver<gst::Buffer>,
    piece: gst::ClockTime,
    at: gst::ClockTime,
}

impl Opus {
    pub(crate) fn open(packet_ms: u32) -> anyhow::Result<Self> {
        gst::init().context("GStreamer does not start")?;
        let element = gst::ElementFactory::make("opusenc")
            .build()
            .context("there is no encoder for sound: install gstreamer1.0-plugins-base")?;
        element.set_property_from_str("frame-size", &packet_ms.to_string());
        element.set_property_from_str("audio-type", "restricted-lowdelay");
        element.set_property("bitrate", BITS_PER_S);
        let (to_us, packets) = sync_channel(PACKETS);
        let input = gst::Pad::builder(gst::PadDirection::Src).name("samples").build();
        let output = gst::Pad::builder(gst::PadDirection::Sink)
            .name("packets")
            .chain_function(move |_, _, buffer| {
                // Whoever takes none has gone.
                to_us.try_send(buffer).map(|()| gst::FlowSuccess::Ok).map_err(|_| gst::FlowError::Eos)
            })
            .build();
        let opus = Self {
            element,
            input,
            output,
            packets,
            piece: gst::ClockTime::from_mseconds(packet_ms.into()),
            at: gst::ClockTime::ZERO,
        };
        opus.start()?;
        Ok(opus)
    }

    fn start(&self) -> anyhow::Result<()> {
        let pad =
            |name| self.element.static_pad(name).with_context(|| format!("opusenc has no pad `{name}`"));
        self.input.link(&pad("sink")?)?;
        pad("src")?.link(&self.output)?;
        self.output.set_active(true)?;
        self.input.set_active(true)?;
        self.element.set_state(gst::State::Playing)?;
        let caps: gst::Caps = CAPS.parse()?;
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        let told = self.input.push_event(gst::event::StreamStart::new("openspace-sound"))
            && self.input.push_event(gst::event::Caps::new(&caps))
            && self.input.push_event(gst::event::Segment::new(&segment));
        anyhow::ensure!(told, "opusenc does not take {CAPS}");
        Ok(())
    }

    /// One piece of samples, one packet.
    pub(crate) fn encode(&mut self, piece: &[u8]) -> anyhow::Result<Bytes> {
        let mut buffer = gst::Buffer::from_slice(piece.to_vec());
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(self.at);
            buffer.set_duration(self.piece);
        }
        self.at += self.piece;
        self.input.push(buffer).context("opusenc takes no more samples")?;
        let packet = self.packets.try_recv().context("opusenc gave no packet")?;
        let map = packet.map_readable().context("a packet of opusenc cannot be read")?;
        Ok(Bytes::copy_from_slice(&map))
    }
}

impl Drop for Opus {
    fn drop(&mut self) {
        let _ = self.element.set_state(gst::State::Null);
        let _ = self.output.set_active(false);
    }
}
