//! A real X server, a program that paints numbered pictures on it, and decoders that read the numbers back.
#![allow(dead_code, clippy::unwrap_used)] // Each test program uses a part of it.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
};

use gstreamer::{self as gst, prelude::*};
use media::EncodedFrame;
use model::{DisplayAddress, Size, WindowId, video::Codec};
use openh264::formats::YUVSource;
use tempfile::TempDir;
use x11rb::{
    connection::Connection,
    protocol::xproto::{
        ConnectionExt as _, CreateGCAux, CreateWindowAux, Gcontext, ImageFormat, Pixmap, Rectangle, Window,
        WindowClass,
    },
    rust_connection::{DefaultStream, RustConnection},
    wrapper::ConnectionExt as _,
};

const COOKIE_NAME: &[u8] = b"MIT-MAGIC-COOKIE-1";
const COOKIE: &[u8] = b"not a secret: 16";

/// An Xvfb of its own, gone when dropped.
pub struct Xvfb {
    server: Child,
    pub address: DisplayAddress,
    _dir: TempDir,
}

impl Xvfb {
    pub fn start(size: Size) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let auth_file = dir.path().join("cookie");
        fs::write(&auth_file, authority()).unwrap();
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{size}x24"), "-nolisten", "tcp", "-auth"])
            .arg(&auth_file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let number = number.trim().parse().expect("Xvfb says its number");
        Self { server, address: DisplayAddress { number, auth_file }, _dir: dir }
    }

    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    pub fn auth_file(&self) -> &Path {
        &self.address.auth_file
    }

    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn authority() -> Vec<u8> {
    let mut bytes = vec![0xff, 0xff];
    for field in [b"", &b""[..], COOKIE_NAME, COOKIE] {
        bytes.extend((field.len() as u16).to_be_bytes());
        bytes.extend(field);
    }
    bytes
}

/// Bits of a number in the picture: 24 of the number, 8 of a check, each a block.
const BITS: u32 = 32;
const BLOCK: u32 = 16;

/// A program with one window as large as its display, which swaps as an OpenGL program does: the whole window in one request.
pub struct Painter {
    connection: RustConnection,
    pub window: WindowId,
    size: Size,
    sky: Pixmap,
    back: Pixmap,
    gc: Gcontext,
}

impl Painter {
    pub fn open(number: u32, size: Size) -> Self {
        let stream = UnixStream::connect(format!("/tmp/.X11-unix/X{number}")).unwrap();
        let (stream, _) = DefaultStream::from_unix_stream(stream).unwrap();
        let connection = RustConnection::connect_to_stream_with_auth_info(
            stream,
            0,
            COOKIE_NAME.to_vec(),
            COOKIE.to_vec(),
        )
        .unwrap();
        let screen = &connection.setup().roots[0];
        let (root, depth) = (screen.root, screen.root_depth);
        let (width, height) = (size.width as u16, size.height as u16);
        let ids: Vec<u32> = (0..4).map(|_| connection.generate_id().unwrap()).collect();
        let [window, sky, back, gc] = ids[..] else { unreachable!() };
        let look = CreateWindowAux::new().override_redirect(1).background_pixel(0);
        connection
            .create_window(depth, window, root, 0, 0, width, height, 0, WindowClass::INPUT_OUTPUT, 0, &look)
            .unwrap();
        connection.create_pixmap(depth, sky, root, width * 2, height).unwrap();
        connection.create_pixmap(depth, back, root, width, height).unwrap();
        connection.create_gc(gc, window, &CreateGCAux::new().graphics_exposures(0)).unwrap();
        connection.map_window(window).unwrap();
        let painter = Self { connection, window: WindowId(window), size, sky, back, gc };
        painter.paint_sky(depth);
        painter.connection.sync().unwrap();
        painter
    }

    /// Clouds and stars that repeat after one width: soft gradients and hard points, as a planetarium shows them.
    fn paint_sky(&self, depth: u8) {
        let Size { width, height } = self.size;
        let mut state = 7u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        for y in 0..height {
            let mut row = Vec::with_capacity(width as usize * 4);
            for x in 0..width {
                let wave = |along: f32, across: f32| {
                    let angle = x as f32 / width as f32 * along * std::f32::consts::TAU;
                    (angle + y as f32 * across).sin() * 0.5 + 0.5
                };
                let cloud = wave(3.0, 0.013) * wave(5.0, -0.021);
                let star = if noise() > 253 { 150 } else { 0 };
                let colour = |strength: f32, noise: u32| {
                    ((cloud * strength) as u32 + noise / 24 + star).min(255) as u8
                };
                row.extend([colour(180.0, noise()), colour(90.0, noise()), colour(140.0, noise()), 0]);
            }
            for x in [0, width] {
                self.connection
                    .put_image(
                        ImageFormat::Z_PIXMAP,
                        self.sky,
                        self.gc,
                        width as u16,
                        1,
                        x as i16,
                        y as i16,
                        0,
                        depth,
                        &row,
                    )
                    .unwrap();
            }
        }
    }

    /// Draws the next picture behind, then swaps.
    pub fn paint(&self, number: u32) {
        let Size { width, height } = self.size;
        let offset = (number * 5 % width) as i16;
        self.connection
            .copy_area(self.sky, self.back, self.gc, offset, 0, 0, 0, width as u16, height as u16)
            .unwrap();
        self.paint_bits(number);
        self.swap();
    }

    fn paint_bits(&self, number: u32) {
        let word = (number & 0xff_ffff) << 8 | check(number);
        for (colour, bit) in [(0x00_0000, 0), (0xff_ffff, 1)] {
            let blocks: Vec<Rectangle> = (0..BITS)
                .filter(|index| word >> index & 1 == bit)
                .map(|index| Rectangle {
                    x: (index * BLOCK) as i16,
                    y: 0,
                    width: BLOCK as u16,
                    height: BLOCK as u16,
                })
                .collect();
            self.fill(colour, &blocks);
        }
    }

    fn fill(&self, colour: u32, rectangles: &[Rectangle]) {
        let look = x11rb::protocol::xproto::ChangeGCAux::new().foreground(colour);
        self.connection.change_gc(self.gc, &look).unwrap();
        self.connection.poly_fill_rectangle(self.back, self.gc, rectangles).unwrap();
    }

    /// Stripes of these colours (0xRRGGBB) from left to right.
    pub fn paint_card(&self, colours: &[u32]) {
        let width = self.size.width / colours.len() as u32;
        for (index, colour) in colours.iter().enumerate() {
            let stripe = Rectangle {
                x: (index as u32 * width) as i16,
                y: 0,
                width: width as u16,
                height: self.size.height as u16,
            };
            self.fill(*colour, &[stripe]);
        }
        self.swap();
    }

    fn swap(&self) {
        let (width, height) = (self.size.width as u16, self.size.height as u16);
        self.connection.copy_area(self.back, self.window.0, self.gc, 0, 0, 0, 0, width, height).unwrap();
        self.connection.flush().unwrap();
    }

    /// A small window over the other one, as a menu is.
    pub fn open_menu(&self, colour: u32) -> Window {
        let menu = self.connection.generate_id().unwrap();
        let look = CreateWindowAux::new().override_redirect(1).background_pixel(colour);
        let root = self.connection.setup().roots[0].root;
        let (x, y) = (self.size.width as i16 / 2, self.size.height as i16 / 2);
        self.connection
            .create_window(0, menu, root, x, y, 64, 64, 0, WindowClass::INPUT_OUTPUT, 0, &look)
            .unwrap();
        self.connection.map_window(menu).unwrap();
        self.connection.sync().unwrap();
        menu
    }

    pub fn destroy_window(&self) {
        self.connection.destroy_window(self.window.0).unwrap();
        self.connection.sync().unwrap();
    }
}

fn check(number: u32) -> u32 {
    (number.wrapping_mul(0x9e37_79b1) >> 24) & 0xff
}

/// Luma and both chroma planes of a decoded picture, rows without padding.
pub struct Decoded {
    pub size: Size,
    pub y: Vec<u8>,
    pub u: Vec<u8>,
    pub v: Vec<u8>,
}

impl Decoded {
    /// The number that was painted, if it is whole.
    pub fn number(&self) -> Option<u32> {
        self.number_of(self.size)
    }

    /// The number that was painted in a picture of that size, of which this may be a smaller one.
    pub fn number_of(&self, source: Size) -> Option<u32> {
        let scaled = |at: u32| at * self.size.width / source.width;
        let bit = |index: u32| {
            let at = scaled(BLOCK / 2) * self.size.width + scaled(index * BLOCK + BLOCK / 2);
            u32::from(self.y[at as usize] > 125) << index
        };
        let word: u32 = (0..BITS).map(bit).sum();
        let number = word >> 8;
        (check(number) == word & 0xff).then_some(number)
    }

    /// Red, green and blue at a point, by the standard's own formula for limited range.
    pub fn rgb(&self, x: u32, y: u32, bt709: bool) -> [f32; 3] {
        let (kr, kb) = if bt709 { (0.2126, 0.0722) } else { (0.299, 0.114) };
        let chroma = (y / 2 * (self.size.width / 2) + x / 2) as usize;
        let luma = (f32::from(self.y[(y * self.size.width + x) as usize]) - 16.0) / 219.0;
        let cb = (f32::from(self.u[chroma]) - 128.0) / 224.0;
        let cr = (f32::from(self.v[chroma]) - 128.0) / 224.0;
        let (r, b) = (luma + 2.0 * (1.0 - kr) * cr, luma + 2.0 * (1.0 - kb) * cb);
        let g = (luma - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b].map(|value| (value * 255.0).clamp(0.0, 255.0))
    }
}

/// Decodes as a viewer would: what it is given, in that order.
pub enum Decoder {
    H264(Box<openh264::decoder::Decoder>),
    Vp8 {
        element: gst::Element,
        input: gst::Pad,
        frames: Receiver<gst::Buffer>,
        size: Size,
        _output: gst::Pad,
    },
}

impl Decoder {
    pub fn new(codec: Codec, size: Size) -> Self {
        match codec {
            Codec::H264 => Self::H264(Box::new(openh264::decoder::Decoder::new().unwrap())),
            Codec::Vp8 => vp8(size),
        }
    }

    pub fn decode(&mut self, frame: &EncodedFrame) -> Decoded {
        match self {
            Self::H264(decoder) => {
                let picture =
                    decoder.decode(&frame.data).expect("the stream is valid").expect("no frame is held back");
                let (width, height) = picture.dimensions();
                let (luma, u, v) = picture.strides();
                Decoded {
                    size: Size::new(width as u32, height as u32),
                    y: crop(picture.y(), luma, width, height),
                    u: crop(picture.u(), u, width / 2, height / 2),
                    v: crop(picture.v(), v, width / 2, height / 2),
                }
            }
            Self::Vp8 { input, frames, size, .. } => {
                input.push(gst::Buffer::from_slice(frame.data.clone())).expect("the stream is valid");
                let picture = frames.recv().unwrap().into_mapped_buffer_readable().unwrap();
                let (width, height) = (size.width as usize, size.height as usize);
                let (y, chroma) = picture.as_slice().split_at(width * height);
                let (u, v) = chroma.split_at(width * height / 4);
                Decoded { size: *size, y: y.to_vec(), u: u.to_vec(), v: v[..u.len()].to_vec() }
            }
        }
    }
}

fn crop(plane: &[u8], stride: usize, width: usize, height: usize) -> Vec<u8> {
    plane.chunks(stride).take(height).flat_map(|row| &row[..width]).copied().collect()
}

/// Sizes here are multiples of 32, so that planes lie without padding.
fn vp8(size: Size) -> Decoder {
    gst::init().unwrap();
    let element =
        gst::ElementFactory::make("vp8dec").build().expect("gstreamer1.0-plugins-good is installed");
    let caps = gst::Caps::builder("video/x-vp8")
        .field("width", size.width as i32)
        .field("height", size.height as i32)
        .field("framerate", gst::Fraction::new(30, 1))
        .build();
    let (to_us, frames) = sync_channel(4);
    let template = |name, direction, caps| {
        gst::PadTemplate::new(name, direction, gst::PadPresence::Always, caps).unwrap()
    };
    let input = gst::Pad::builder_from_template(&template("src", gst::PadDirection::Src, &caps))
        .event_function(|_, _, _| true)
        .build();
    let raw = gst::Caps::builder("video/x-raw").field("format", "I420").build();
    let output = gst::Pad::builder_from_template(&template("sink", gst::PadDirection::Sink, &raw))
        .event_function(|_, _, _| true)
        .chain_function(move |_, _, buffer| {
            to_us.send(buffer).unwrap();
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    input.link(&element.static_pad("sink").unwrap()).unwrap();
    element.static_pad("src").unwrap().link(&output).unwrap();
    output.set_active(true).unwrap();
    input.set_active(true).unwrap();
    element.set_state(gst::State::Playing).unwrap();
    input.push_event(gst::event::StreamStart::new("test"));
    input.push_event(gst::event::Caps::new(&caps));
    input.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    Decoder::Vp8 { element, input, frames, size, _output: output }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        if let Self::Vp8 { element, input, .. } = self {
            let _ = input.set_active(false);
            let _ = element.set_state(gst::State::Null);
        }
    }
}
