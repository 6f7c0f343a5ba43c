//! The real window: what OpenSpace's looks like to the outside, with pixels of our own in it.

mod keyboard;
mod shared;

use std::collections::VecDeque;

use anyhow::{Context as _, bail};
use x11rb::{
    COPY_DEPTH_FROM_PARENT,
    connection::{Connection as _, RequestConnection as _},
    cookie::Cookie,
    protocol::{
        Event,
        shm::{self, ConnectionExt as _},
        xproto::{
            AtomEnum, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, Gcontext,
            GetInputFocusReply, ImageFormat, KeyButMask, PropMode, Screen, Window as XWindow, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use crate::{
    window_file::WindowSpec,
    world::{
        actions::Stroke,
        steer::{Button, Held, Input},
    },
};
use shared::Mapping;

x11rb::atom_manager! {
    Atoms: AtomsCookie {
        WM_PROTOCOLS,
        WM_DELETE_WINDOW,
        WM_CLIENT_MACHINE,
        UTF8_STRING,
        _NET_WM_NAME,
        _NET_WM_PID,
        _MOTIF_WM_HINTS,
    }
}

#[derive(Debug)]
pub struct Window {
    connection: RustConnection,
    window: XWindow,
    gc: Gcontext,
    atoms: Atoms,
    depth: u8,
    width: u16,
    height: u16,
    keys: Keys,
    frame: Frame,
    /// Requests that the server may still be working on: until the answer comes, it may read the picture.
    fence: Option<u64>,
    heard: VecDeque<Event>,
}

/// The picture, in memory shared with the server, or else of our own and sent through the socket.
#[derive(Debug)]
enum Frame {
    Shared { mapping: Mapping, segment: shm::Seg },
    Own(Vec<u32>),
}

#[derive(Debug)]
struct Keys {
    first: u8,
    per_code: usize,
    symbols: Vec<u32>,
}

impl Keys {
    fn name(&self, code: u8) -> Option<String> {
        let at = usize::from(code.checked_sub(self.first)?) * self.per_code;
        keyboard::name(*self.symbols.get(at)?)
    }
}

/// The largest side that is drawn.
const SIDE_PX: u16 = 8192;

impl Window {
    /// # Errors
    /// There is no display, or one that does not take 32-bit pixels.
    pub fn open(spec: &WindowSpec) -> anyhow::Result<Self> {
        let (connection, number) = RustConnection::connect(None).context("no X display can be reached")?;
        let screen = connection.setup().roots[number].clone();
        check_pixels(&connection, &screen)?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let (width, height) = size(spec, &screen);
        let window = create(&connection, &screen, &atoms, spec, (width, height))?;
        let gc = connection.generate_id()?;
        connection.create_gc(gc, window, &CreateGCAux::new().graphics_exposures(0))?;
        let keys = keys(&connection)?;
        connection.map_window(window)?;
        connection.flush()?;
        let depth = screen.root_depth;
        let frame = Frame::new(&connection, width, height);
        Ok(Self {
            connection,
            window,
            gc,
            atoms,
            depth,
            width,
            height,
            keys,
            frame,
            fence: None,
            heard: VecDeque::new(),
        })
    }

    pub fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    pub fn is_shared(&self) -> bool {
        matches!(self.frame, Frame::Shared { .. })
    }

    /// Everything that came in since the last call. A resize is done already.
    ///
    /// # Errors
    /// The display is gone.
    pub fn inputs(&mut self) -> anyhow::Result<Vec<Input>> {
        while let Some(event) = self.connection.poll_for_event().context("the X display is gone")? {
            self.heard.push_back(event);
        }
        let mut inputs = Vec::new();
        while let Some(event) = self.heard.pop_front() {
            if let Event::ConfigureNotify(moved) = &event {
                self.resize(moved.width, moved.height)?;
                continue;
            }
            if self.is_repeat(&event) {
                self.heard.pop_front();
                continue;
            }
            inputs.extend(self.understand(&event));
        }
        Ok(inputs)
    }

    /// A held key repeats as a release and a press in the same moment; only the first press counts.
    fn is_repeat(&self, event: &Event) -> bool {
        match (event, self.heard.front()) {
            (Event::KeyRelease(up), Some(Event::KeyPress(down))) => {
                up.detail == down.detail && up.time == down.time
            }
            _ => false,
        }
    }

    fn understand(&self, event: &Event) -> Option<Input> {
        Some(match event {
            Event::KeyPress(key) => {
                let held = |mask: KeyButMask| u16::from(key.state) & u16::from(mask) != 0;
                Input::Key(Stroke {
                    key: self.keys.name(key.detail)?,
                    shift: held(KeyButMask::SHIFT),
                    control: held(KeyButMask::CONTROL),
                    alt: held(KeyButMask::MOD1),
                    logo: held(KeyButMask::MOD4),
                })
            }
            Event::ButtonPress(press) => {
                let held = |mask: KeyButMask| u16::from(press.state) & u16::from(mask) != 0;
                let held = Held {
                    shift: held(KeyButMask::SHIFT),
                    control: held(KeyButMask::CONTROL),
                    alt: held(KeyButMask::MOD1),
                };
                match press.detail {
                    4 => Input::Wheel { notches: 1.0 },
                    5 => Input::Wheel { notches: -1.0 },
                    code => Input::Press {
                        button: button(code)?,
                        x: f64::from(press.event_x),
                        y: f64::from(press.event_y),
                        held,
                    },
                }
            }
            Event::ButtonRelease(release) => Input::Release { button: button(release.detail)? },
            Event::MotionNotify(motion) => {
                Input::Move { x: f64::from(motion.event_x), y: f64::from(motion.event_y) }
            }
            Event::FocusOut(_) => Input::Blur,
            Event::ClientMessage(message)
                if message.type_ == self.atoms.WM_PROTOCOLS
                    && message.data.as_data32()[0] == self.atoms.WM_DELETE_WINDOW =>
            {
                Input::Close
            }
            Event::DestroyNotify(_) => Input::Close,
            _ => return None,
        })
    }

    fn resize(&mut self, width: u16, height: u16) -> anyhow::Result<()> {
        let (width, height) = (width.clamp(1, SIDE_PX), height.clamp(1, SIDE_PX));
        if (width, height) != (self.width, self.height) {
            self.wait_for_server()?;
            if let Frame::Shared { segment, .. } = self.frame {
                self.connection.shm_detach(segment)?;
            }
            (self.width, self.height) = (width, height);
            self.frame = Frame::new(&self.connection, width, height);
        }
        Ok(())
    }

    /// Draws the next picture and shows it.
    ///
    /// # Errors
    /// The display is gone.
    pub fn show(&mut self, draw: impl FnOnce(&mut [u32])) -> anyhow::Result<()> {
        self.wait_for_server()?;
        let (width, height) = (self.width, self.height);
        match &mut self.frame {
            Frame::Shared { mapping, segment } => {
                draw(mapping.pixels());
                let format = u8::from(ImageFormat::Z_PIXMAP);
                self.connection.shm_put_image(
                    self.window,
                    self.gc,
                    width,
                    height,
                    0,
                    0,
                    width,
                    height,
                    0,
                    0,
                    self.depth,
                    format,
                    false,
                    *segment,
                    0,
                )?;
            }
            Frame::Own(pixels) => {
                draw(pixels);
                put_in_strips(&self.connection, self.window, self.gc, self.depth, pixels, width, height)?;
            }
        }
        // Any question will do: its answer says that the server has read the picture.
        let question = self.connection.get_input_focus()?;
        self.fence = Some(question.sequence_number());
        std::mem::forget(question);
        self.connection.flush().context("the X display is gone")
    }

    fn wait_for_server(&mut self) -> anyhow::Result<()> {
        if let Some(sequence) = self.fence.take() {
            let question: Cookie<'_, _, GetInputFocusReply> = Cookie::new(&self.connection, sequence);
            question.reply().context("the X display is gone")?;
        }
        Ok(())
    }
}

impl Frame {
    fn new(connection: &RustConnection, width: u16, height: u16) -> Self {
        let pixels = usize::from(width) * usize::from(height);
        match share(connection, pixels) {
            Some((mapping, segment)) => Self::Shared { mapping, segment },
            None => Self::Own(vec![0; pixels]),
        }
    }
}

/// Shared memory, where the server is on this machine and knows how.
fn share(connection: &RustConnection, pixels: usize) -> Option<(Mapping, shm::Seg)> {
    connection.extension_information(shm::X11_EXTENSION_NAME).ok()??;
    let version = connection.shm_query_version().ok()?.reply().ok()?;
    if (version.major_version, version.minor_version) < (1, 2) {
        return None;
    }
    let (mapping, file) = Mapping::new(pixels).ok()?;
    let segment = connection.generate_id().ok()?;
    connection.shm_attach_fd(segment, file, true).ok()?.check().ok()?;
    Some((mapping, segment))
}

fn put_in_strips(
    connection: &RustConnection,
    window: XWindow,
    gc: Gcontext,
    depth: u8,
    pixels: &[u32],
    width: u16,
    height: u16,
) -> anyhow::Result<()> {
    let row_bytes = usize::from(width) * 4;
    let rows = ((connection.maximum_request_bytes() - 64) / row_bytes).clamp(1, usize::from(height));
    let mut bytes = Vec::with_capacity(rows * row_bytes);
    for (i, strip) in pixels.chunks(rows * usize::from(width)).enumerate() {
        bytes.clear();
        bytes.extend(strip.iter().flat_map(|pixel| pixel.to_le_bytes()));
        let strip_height = (strip.len() / usize::from(width)) as u16;
        let y = (i * rows) as i16;
        connection.put_image(
            ImageFormat::Z_PIXMAP,
            window,
            gc,
            width,
            strip_height,
            0,
            y,
            0,
            depth,
            &bytes,
        )?;
    }
    Ok(())
}

fn check_pixels(connection: &RustConnection, screen: &Screen) -> anyhow::Result<()> {
    let setup = connection.setup();
    let format = setup.pixmap_formats.iter().find(|format| format.depth == screen.root_depth);
    let visual = screen
        .allowed_depths
        .iter()
        .flat_map(|depth| &depth.visuals)
        .find(|v| v.visual_id == screen.root_visual);
    let fits = format.is_some_and(|format| format.bits_per_pixel == 32)
        && visual.is_some_and(|v| (v.red_mask, v.green_mask, v.blue_mask) == (0xFF_0000, 0xFF00, 0xFF));
    if !fits {
        bail!(
            "the display has a depth of {}; the demo draws on displays of depth 24 only",
            screen.root_depth
        );
    }
    Ok(())
}

fn size(spec: &WindowSpec, screen: &Screen) -> (u16, u16) {
    let two_thirds = (screen.width_in_pixels / 3 * 2, screen.height_in_pixels / 3 * 2);
    let (width, height) = spec.size.unwrap_or(two_thirds);
    (width.clamp(1, SIDE_PX), height.clamp(1, SIDE_PX))
}

fn create(
    connection: &RustConnection,
    screen: &Screen,
    atoms: &Atoms,
    spec: &WindowSpec,
    (width, height): (u16, u16),
) -> anyhow::Result<XWindow> {
    let window = connection.generate_id()?;
    let (x, y) = spec.position.unwrap_or((0, 0));
    let events = EventMask::KEY_PRESS
        | EventMask::KEY_RELEASE
        | EventMask::BUTTON_PRESS
        | EventMask::BUTTON_RELEASE
        | EventMask::POINTER_MOTION
        | EventMask::FOCUS_CHANGE
        | EventMask::STRUCTURE_NOTIFY;
    let aux = CreateWindowAux::new().event_mask(events).background_pixel(screen.black_pixel).border_pixel(0);
    connection.create_window(
        COPY_DEPTH_FROM_PARENT,
        window,
        screen.root,
        x,
        y,
        width,
        height,
        0,
        WindowClass::INPUT_OUTPUT,
        screen.root_visual,
        &aux,
    )?;
    describe(connection, window, atoms, spec)?;
    Ok(window)
}

/// What OpenSpace's window says of itself to window managers, and to whoever looks for it.
fn describe(
    connection: &RustConnection,
    window: XWindow,
    atoms: &Atoms,
    spec: &WindowSpec,
) -> anyhow::Result<()> {
    let text = |property, kind, text: &[u8]| {
        connection.change_property8(PropMode::REPLACE, window, property, kind, text)
    };
    text(AtomEnum::WM_NAME.into(), AtomEnum::STRING.into(), spec.name.as_bytes())?;
    text(atoms._NET_WM_NAME, atoms.UTF8_STRING, spec.name.as_bytes())?;
    text(AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into(), b"SGCT\0SGCT\0")?;
    let host = std::fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
    text(atoms.WM_CLIENT_MACHINE, AtomEnum::STRING.into(), host.trim_ascii())?;
    let numbers = |property, kind, numbers: &[u32]| {
        connection.change_property32(PropMode::REPLACE, window, property, kind, numbers)
    };
    numbers(atoms._NET_WM_PID, AtomEnum::CARDINAL.into(), &[std::process::id()])?;
    numbers(atoms.WM_PROTOCOLS, AtomEnum::ATOM.into(), &[atoms.WM_DELETE_WINDOW])?;
    if !spec.border {
        // Motif's way to ask for no decoration: flag 2 says that the third number counts.
        numbers(atoms._MOTIF_WM_HINTS, atoms._MOTIF_WM_HINTS, &[2, 0, 0, 0, 0])?;
    }
    Ok(())
}

fn keys(connection: &RustConnection) -> anyhow::Result<Keys> {
    let setup = connection.setup();
    let (first, last) = (setup.min_keycode, setup.max_keycode);
    let mapping = connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
    Ok(Keys { first, per_code: usize::from(mapping.keysyms_per_keycode), symbols: mapping.keysyms })
}

fn button(code: u8) -> Option<Button> {
    match code {
        1 => Some(Button::Left),
        2 => Some(Button::Middle),
        3 => Some(Button::Right),
        _ => None,
    }
}
