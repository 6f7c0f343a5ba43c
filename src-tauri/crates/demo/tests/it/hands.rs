//! Mouse, keys and picture, through the X server only.

use serde_json::{Value, json};
use x11rb::{
    connection::Connection as _,
    protocol::{
        xproto::{Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat, Window},
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
};

use crate::harness::{Client, Demo, Display, Layout, PATIENCE, View};
use openspace_webrtc_demo::barcode::{self, Fields};

const KEY_PRESS: u8 = 2;
const KEY_RELEASE: u8 = 3;
const BUTTON_PRESS: u8 = 4;
const BUTTON_RELEASE: u8 = 5;
const MOTION: u8 = 6;

struct Hand {
    x: RustConnection,
    root: Window,
    window: Window,
}

impl Hand {
    fn on(display: &Display) -> Self {
        let (x, screen) = RustConnection::connect(Some(&display.name)).unwrap();
        let root = x.setup().roots[screen].root;
        let window = x.query_tree(root).unwrap().reply().unwrap().children[0];
        x.set_input_focus(x11rb::protocol::xproto::InputFocus::PARENT, window, x11rb::CURRENT_TIME).unwrap();
        x.flush().unwrap();
        Self { x, root, window }
    }

    fn fake(&self, kind: u8, detail: u8, at: (i16, i16)) {
        self.x.xtest_fake_input(kind, detail, 0, self.root, at.0, at.1, 0).unwrap();
        self.x.get_input_focus().unwrap().reply().unwrap();
    }

    fn drag(&self, button: u8, from: (i16, i16), to: (i16, i16)) {
        self.fake(MOTION, 0, from);
        self.fake(BUTTON_PRESS, button, from);
        for i in 1..=10 {
            self.fake(MOTION, 0, (from.0 + (to.0 - from.0) / 10 * i, from.1 + (to.1 - from.1) / 10 * i));
        }
        self.fake(BUTTON_RELEASE, button, to);
    }

    fn click(&self, button: u8) {
        self.fake(BUTTON_PRESS, button, (0, 0));
        self.fake(BUTTON_RELEASE, button, (0, 0));
    }

    /// Presses the key that makes a symbol.
    fn press(&self, symbol: u32) {
        let setup = self.x.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.x.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
        let per = usize::from(map.keysyms_per_keycode);
        let at = map.keysyms.chunks(per).position(|symbols| symbols[0] == symbol).unwrap();
        self.fake(KEY_PRESS, first + at as u8, (0, 0));
        self.fake(KEY_RELEASE, first + at as u8, (0, 0));
    }

    fn text(&self, property: impl Into<Atom>) -> Vec<u8> {
        self.x
            .get_property(false, self.window, property, AtomEnum::ANY, 0, 64)
            .unwrap()
            .reply()
            .unwrap()
            .value
    }

    fn atom(&self, name: &str) -> Atom {
        self.x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    fn picture(&self) -> Vec<u8> {
        self.x.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, 1280, 720, !0).unwrap().reply().unwrap().data
    }

    fn barcode(&self) -> Option<Fields> {
        read(&self.picture())
    }

    fn barcode_when(&self, wanted: impl Fn(&Fields) -> bool) -> Fields {
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(fields) = self.barcode().filter(|fields| wanted(fields)) {
                return fields;
            }
            assert!(
                std::time::Instant::now() < until,
                "the barcode never said so; last {:?}",
                self.barcode()
            );
        }
    }
}

fn read(picture: &[u8]) -> Option<Fields> {
    let bits = std::array::from_fn(|i| {
        let (x0, x1) = barcode::span((i % barcode::COLUMNS) as u32, 1280);
        let (y0, y1) = barcode::span((i / barcode::COLUMNS) as u32, 1280);
        let (x, y) = ((x0 + x1) / 2, (y0 + y1) / 2);
        picture[((y * 1280 + x) * 4) as usize] > 128
    });
    barcode::decode(&bits)
}

fn loaded(view: &View, display: &Display) -> (Demo, Client, Hand) {
    let demo = view.launch(display);
    let mut client = demo.client();
    client.ask("version", json!({}));
    let hand = Hand::on(display);
    (demo, client, hand)
}

fn state(client: &mut Client) -> Value {
    client.lua("return openspace.navigation.getNavigationState()")
}

#[test]
fn the_window_looks_like_openspace_s() {
    let display = Display::open();
    let (demo, _client, hand) = loaded(&View::new(Layout::New), &display);
    assert_eq!(hand.text(AtomEnum::WM_NAME), b"OpenSpace");
    assert_eq!(hand.text(AtomEnum::WM_CLASS), b"SGCT\0SGCT\0");
    assert_eq!(hand.text(hand.atom("_NET_WM_PID")), demo.pid().to_ne_bytes());
    let geometry = hand.x.get_geometry(hand.window).unwrap().reply().unwrap();
    assert_eq!((geometry.width, geometry.height, geometry.border_width), (1280, 720, 0));
}

#[test]
fn drags_and_the_wheel_move_the_camera() {
    let display = Display::open();
    let (_demo, mut client, hand) = loaded(&View::new(Layout::New), &display);
    let yaw = "local p = openspace.navigation.getNavigationState().Position; return math.atan(p[2], p[1])";
    let before = client.lua(yaw).as_f64().unwrap();
    hand.drag(1, (600, 300), (700, 300));
    client.until(yaw, |yaw| (yaw.as_f64().unwrap() - before).abs() > 0.4);

    let distance = "return openspace.navigation.distanceToFocus()";
    let far = client.lua(distance).as_f64().unwrap();
    hand.click(4);
    let near = client.until(distance, |d| d.as_f64().unwrap() < far * 0.95).as_f64().unwrap();
    hand.drag(3, (600, 300), (600, 400));
    client.until(distance, |d| d.as_f64().unwrap() > near * 1.2);

    let up = "return openspace.navigation.getNavigationState().Up[3]";
    let upright = client.lua(up).as_f64().unwrap();
    hand.drag(2, (600, 300), (800, 300));
    client.until(up, |up| up.as_f64().unwrap() < upright - 0.2);
}

#[test]
fn keys_do_what_their_actions_say() {
    let display = Display::open();
    let (_demo, mut client, hand) = loaded(&View::new(Layout::New), &display);
    hand.press(0x20);
    client.until("return openspace.time.isPaused()", |paused| *paused == true);
    hand.press(0x20);
    client.until("return openspace.time.isPaused()", |paused| *paused == false);
    hand.press(0xFF53);
    client.until("return openspace.time.deltaTime()", |delta| delta.as_f64() == Some(5.0));
    hand.press(u32::from(b't'));
    client.until("return openspace.propertyValue('Scene.SaturnTrail.Renderable.Enabled')", |on| *on == true);
    hand.press(u32::from(b'5'));
    client.until("return openspace.propertyValue('NavigationHandler.OrbitalNavigator.Anchor')", |node| {
        *node == "Mars"
    });
}

#[test]
fn a_key_changes_the_picture() {
    let display = Display::open();
    let (_demo, mut client, hand) = loaded(&View::new(Layout::New), &display);
    client.lua("openspace.time.setPause(true)");
    client.until("return openspace.time.isPaused()", |paused| *paused == true);
    let light = |hand: &Hand| hand.picture().iter().step_by(4).map(|byte| u64::from(*byte)).sum::<u64>();
    let before = light(&hand);
    hand.press(u32::from(b'n'));
    let until = std::time::Instant::now() + PATIENCE;
    while light(&hand) * 10 > before * 9 {
        assert!(std::time::Instant::now() < until, "the Milky Way is still there");
    }
}

#[test]
fn the_barcode_is_read_from_the_screen_and_counts_frames_and_presses() {
    let display = Display::open();
    let view = View::new(Layout::New).with("OPENSPACE_DEMO_BARCODE", "1").with("OPENSPACE_DEMO_FPS", "29.9");
    let (_demo, _client, hand) = loaded(&view, &display);
    let first = hand.barcode_when(|_| true);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let age = ((now.as_micros() / 100) as u32).wrapping_sub(first.t);
    assert!(age < 600_000, "drawn {} ms ago", age / 10);
    let second = hand.barcode_when(|fields| fields.frame > first.frame + 5);
    assert!(second.t > first.t);
    hand.click(1);
    hand.press(u32::from(b'g'));
    hand.barcode_when(|fields| fields.input == first.input + 2);
}

#[test]
fn the_reader_for_pages_reads_the_same_barcode() {
    let display = Display::open();
    let view = View::new(Layout::New).with("OPENSPACE_DEMO_BARCODE", "1");
    let (_demo, _client, hand) = loaded(&view, &display);
    hand.barcode_when(|_| true);
    let picture = hand.picture();
    let fields = read(&picture).unwrap();
    // X has blue first, a page's canvas red; for a barcode that is the same.
    let file = view.instance().join("picture.raw");
    std::fs::write(&file, picture).unwrap();
    let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/browser/barcode.js");
    let script = format!(
        "import {{ readBarcode, ageMs }} from {reader:?}; import {{ readFileSync }} from 'node:fs';
         const read = readBarcode(new Uint8ClampedArray(readFileSync({file:?})), 1280, 720);
         console.log(JSON.stringify([read, ageMs(read.t, Date.now()) >= 0, readBarcode(new Uint8ClampedArray(1280 * 720 * 4), 1280, 720)]));"
    );
    let output =
        std::process::Command::new("node").args(["--input-type=module", "-e", &script]).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told, json!([{ "t": fields.t, "frame": fields.frame, "input": fields.input }, true, null]));
}

#[test]
fn without_the_switch_there_is_no_barcode() {
    let display = Display::open();
    let (_demo, _client, hand) = loaded(&View::new(Layout::New), &display);
    assert_eq!(hand.barcode(), None);
}

#[test]
fn closing_the_window_ends_it_well() {
    let display = Display::open();
    let (mut demo, _client, hand) = loaded(&View::new(Layout::New), &display);
    let data = [hand.atom("WM_DELETE_WINDOW"), 0, 0, 0, 0];
    let message = ClientMessageEvent::new(32, hand.window, hand.atom("WM_PROTOCOLS"), data);
    hand.x.send_event(false, hand.window, EventMask::NO_EVENT, message).unwrap();
    hand.x.flush().unwrap();
    assert_eq!(demo.exit_code(), Some(0));
}

#[test]
fn escape_while_loading_ends_it() {
    let display = Display::open();
    let mut demo = View::new(Layout::New).with("OPENSPACE_DEMO_LOAD_SECONDS", "600").launch(&display);
    demo.lines.wait_for("Starting rendering loop");
    Hand::on(&display).press(0xFF1B);
    assert_eq!(demo.exit_code(), Some(0));
}

#[test]
fn the_window_follows_a_resize() {
    let display = Display::open();
    let view = View::new(Layout::New).with("OPENSPACE_DEMO_BARCODE", "1");
    let (mut demo, mut client, hand) = loaded(&view, &display);
    let aux = x11rb::protocol::xproto::ConfigureWindowAux::new().width(900).height(500);
    hand.x.configure_window(hand.window, &aux).unwrap();
    hand.x.flush().unwrap();
    // At 900 pixels the blocks are smaller: the old barcode is gone once the new size is drawn.
    let until = std::time::Instant::now() + PATIENCE;
    while hand.barcode().is_some() {
        assert!(std::time::Instant::now() < until);
    }
    state(&mut client);
    assert!(demo.is_running());
}
