//! An encoder element of GStreamer, driven in the caller's thread.
//!
//! There is no pipeline around it: a pad of ours pushes the picture in, a pad of ours takes the frame out. So no queue can hold
//! a picture, and on a busy machine no frame waits for two more threads to be scheduled (an `appsrc` and an `appsink` would add
//! those). Time stamps of the element are not used: one picture goes in, one frame comes out.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use bytes::Bytes;
use gstreamer::{self as gst, glib, prelude::*};
use model::{Bitrate, FrameRate, Size};

use super::{
    EncodeError, Encoded, Encoder, Settings,
    table::{self, Candidate},
};
use crate::picture::{Layout, Matrix, Picture};

/// An encoder that is silent for so long is broken: even a loaded machine's slowest frame takes a tenth of it.
const FRAME_DEADLINE: Duration = Duration::from_secs(3);

/// Frames between the element and us. One comes for each picture; a second is an element that misbehaves.
const FRAMES: usize = 2;

pub(super) struct GstEncoder {
    element: gst::Element,
    input: gst::Pad,
    output: gst::Pad,
    frames: Receiver<gst::Buffer>,
    complaint: Arc<Mutex<Option<String>>>,
    rates: &'static [(&'static str, table::Rate)],
    fps: FrameRate,
    frame_time: gst::ClockTime,
}

/// Lends a picture to GStreamer without copying it.
struct Lent(Arc<Picture>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// Starts GStreamer, once for all; that it failed is told by whoever needs it.
pub(super) fn start() {
    if let Err(error) = gst::init() {
        tracing::warn!(%error, "GStreamer does not start: only the built-in encoder is left");
    }
}

impl GstEncoder {
    pub fn open(
        candidate: &Candidate,
        element: &table::Element,
        settings: &Settings,
    ) -> Result<Self, EncodeError> {
        gst::init().map_err(|error| EncodeError(format!("GStreamer does not start: {error}")))?;
        let made = make(candidate, element)?;
        for (property, value) in element.properties {
            set(&made, property, &table::expand(value, settings.cores, settings.fps_max));
        }
        let complaint = listen(&made);
        let (to_us, frames) = sync_channel(FRAMES);
        let (input_caps, output_caps) = (input_caps(candidate, settings), caps(element.output)?);
        let input = input_pad(&input_caps)?;
        let output = output_pad(&output_caps, to_us)?;
        let encoder = Self {
            element: made,
            input,
            output,
            frames,
            complaint,
            rates: element.rates,
            fps: settings.fps_max,
            frame_time: gst::ClockTime::SECOND / u64::from(settings.fps_max.0.max(1)),
        };
        encoder.set_rates(settings.bitrate);
        encoder.start(&input_caps)?;
        Ok(encoder)
    }

    fn start(&self, caps: &gst::Caps) -> Result<(), EncodeError> {
        let pad = |name| {
            self.element.static_pad(name).ok_or_else(|| EncodeError(format!("it has no pad `{name}`")))
        };
        let linked = self.input.link(&pad("sink")?).and(pad("src")?.link(&self.output));
        linked.map_err(|error| EncodeError(format!("it cannot be connected: {error}")))?;
        let active = self.output.set_active(true).and(self.input.set_active(true));
        active.map_err(|error| EncodeError(error.to_string()))?;
        self.element.set_state(gst::State::Playing).map_err(|_| self.failure("it does not start"))?;
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        let told = self.input.push_event(gst::event::StreamStart::new("openspace-capture"))
            && self.input.push_event(gst::event::Caps::new(caps))
            && self.input.push_event(gst::event::Segment::new(&segment));
        if told { Ok(()) } else { Err(self.failure(&format!("it does not take {caps}"))) }
    }

    fn set_rates(&self, bitrate: Bitrate) {
        for (property, rate) in self.rates {
            set(&self.element, property, &rate.of(bitrate, self.fps).to_string());
        }
    }

    /// What the element complained of, or else what we saw.
    fn failure(&self, seen: &str) -> EncodeError {
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner).take();
        EncodeError(complaint.unwrap_or_else(|| seen.to_owned()))
    }
}

impl Encoder for GstEncoder {
    fn encode(
        &mut self,
        picture: &Arc<Picture>,
        at: Duration,
        keyframe: bool,
    ) -> Result<Option<Encoded>, EncodeError> {
        if keyframe {
            self.output.push_event(force_key_unit());
        }
        let mut buffer = gst::Buffer::from_slice(Lent(Arc::clone(picture)));
        if let Some(buffer) = buffer.get_mut() {
            buffer
                .set_pts(gst::ClockTime::from_nseconds(u64::try_from(at.as_nanos()).unwrap_or(u64::MAX - 1)));
            buffer.set_duration(self.frame_time);
        }
        self.input
            .push(buffer)
            .map_err(|error| self.failure(&format!("it takes no more pictures ({error})")))?;
        let frame = self
            .frames
            .recv_timeout(FRAME_DEADLINE)
            .map_err(|_| self.failure(&format!("it gave no frame for {} s", FRAME_DEADLINE.as_secs())))?;
        let keyframe = !frame.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let data = frame
            .into_mapped_buffer_readable()
            .map_err(|_| EncodeError("its frame cannot be read".into()))?;
        Ok(Some(Encoded { data: Bytes::from_owner(data), keyframe }))
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        self.set_rates(bitrate);
        Ok(())
    }
}

impl Drop for GstEncoder {
    fn drop(&mut self) {
        let _ = self.input.set_active(false);
        let _ = self.element.set_state(gst::State::Null);
        let _ = self.output.set_active(false);
    }
}

fn make(candidate: &Candidate, element: &table::Element) -> Result<gst::Element, EncodeError> {
    let Some(factory) = gst::ElementFactory::find(candidate.name) else {
        let table::Element { plugin, package, needs, .. } = element;
        return Err(EncodeError(match gst::Registry::get().find_plugin(plugin) {
            Some(_) => format!("GStreamer has no such element here: {needs}"),
            None => format!("GStreamer has no such element here: install {package}"),
        }));
    };
    factory
        .create()
        .build()
        .map_err(|_| EncodeError(format!("its plugin `{}` does not load", element.plugin)))
}

/// Sets a property in the first spelling that the element knows; one that it lacks is left out, since versions differ.
fn set(element: &gst::Element, property: &str, spellings: &str) {
    let writable = |spec: &glib::ParamSpec| {
        spec.flags().contains(glib::ParamFlags::WRITABLE)
            && !spec.flags().contains(glib::ParamFlags::CONSTRUCT_ONLY)
    };
    let Some(spec) = element.find_property(property).filter(writable) else { return };
    let known = |value: &str| glib::Value::deserialize(value, spec.value_type()).ok();
    match spellings.split('|').filter_map(known).find(|value| is_in_range(&spec, value)) {
        Some(value) => element.set_property_from_value(property, &value),
        None => {
            tracing::debug!(element = %element.name(), property, spellings, "the element knows no such value")
        }
    }
}

/// Setting a number that is out of its range is a panic of the bindings.
fn is_in_range(spec: &glib::ParamSpec, value: &glib::Value) -> bool {
    if let (Some(spec), Ok(value)) = (spec.downcast_ref::<glib::ParamSpecInt>(), value.get::<i32>()) {
        (spec.minimum()..=spec.maximum()).contains(&value)
    } else if let (Some(spec), Ok(value)) = (spec.downcast_ref::<glib::ParamSpecUInt>(), value.get::<u32>()) {
        (spec.minimum()..=spec.maximum()).contains(&value)
    } else {
        true
    }
}

/// Keeps the newest error of the element; without a pipeline there is nobody else to hear it.
fn listen(element: &gst::Element) -> Arc<Mutex<Option<String>>> {
    let complaint = Arc::new(Mutex::new(None));
    let bus = gst::Bus::new();
    let heard = Arc::clone(&complaint);
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view() {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.error().to_string());
        }
        gst::BusSyncReply::Drop
    });
    element.set_bus(Some(&bus));
    complaint
}

fn caps(text: &str) -> Result<gst::Caps, EncodeError> {
    text.parse().map_err(|_| EncodeError(format!("GStreamer does not know `{text}`")))
}

fn input_caps(candidate: &Candidate, settings: &Settings) -> gst::Caps {
    let Size { width, height } = settings.size;
    let format = match candidate.layout {
        Layout::I420 => "I420",
        Layout::Nv12 => "NV12",
    };
    let colorimetry = match candidate.matrix {
        Matrix::Bt709 => "bt709",
        Matrix::Bt601 => "bt601",
    };
    // A fixed rate, though frames come as they come: with a variable one, x264 holds a frame back to learn its duration.
    gst::Caps::builder("video/x-raw")
        .field("format", format)
        .field("width", width as i32)
        .field("height", height as i32)
        .field("framerate", gst::Fraction::new(settings.fps_max.0.max(1) as i32, 1))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("interlace-mode", "progressive")
        .field("colorimetry", colorimetry)
        .build()
}

fn template(
    name: &str,
    direction: gst::PadDirection,
    caps: &gst::Caps,
) -> Result<gst::PadTemplate, EncodeError> {
    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, caps)
        .map_err(|error| EncodeError(error.to_string()))
}

fn input_pad(caps: &gst::Caps) -> Result<gst::Pad, EncodeError> {
    let template = template("src", gst::PadDirection::Src, caps)?;
    Ok(gst::Pad::builder_from_template(&template).event_function(|_, _, _| true).build())
}

fn output_pad(caps: &gst::Caps, frames: SyncSender<gst::Buffer>) -> Result<gst::Pad, EncodeError> {
    let template = template("sink", gst::PadDirection::Sink, caps)?;
    let take = move |_: &gst::Pad, _: Option<&gst::Object>, frame| {
        frames.try_send(frame).map(|()| gst::FlowSuccess::Ok).map_err(|_| gst::FlowError::Error)
    };
    Ok(gst::Pad::builder_from_template(&template).event_function(|_, _, _| true).chain_function(take).build())
}

/// What `gst_video_event_new_upstream_force_key_unit` makes: "now, with all headers".
fn force_key_unit() -> gst::Event {
    let structure = gst::Structure::builder("GstForceKeyUnit")
        .field("running-time", u64::MAX)
        .field("all-headers", true)
        .field("count", 0u32)
        .build();
    gst::event::CustomUpstream::new(structure)
}
