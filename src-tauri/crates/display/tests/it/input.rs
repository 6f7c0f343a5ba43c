//! The hand: what it does arrives, on its own display only, and nothing stays pressed.

use std::time::{Duration, Instant};

use display::{Display, Injector};
use model::input::{Button, Input, Point};

use crate::{
    Home, SIZE,
    client::{
        Client,
        Is::{Down, Up},
        Stroke::{self, Button as Pointer, Key},
    },
    open,
};

const SOON: Duration = Duration::from_secs(20);
/// `KeyA`, `ShiftLeft` and `ArrowUp` by the evdev rules.
const A: u8 = 38;
const SHIFT: u8 = 50;
const UP: u8 = 111;

#[tokio::test]
async fn buttons_wheel_and_keys_arrive_in_their_order_and_place() {
    let (display, client, hand, _dir) = scene().await;
    hand.handle(Input::Move(Point { x: 0.1, y: 0.1 }));
    for (button, number) in [(Button::Left, 1), (Button::Middle, 2), (Button::Right, 3)] {
        hand.handle(press(button, true));
        hand.handle(press(button, false));
        assert_eq!(client.strokes(2), [Pointer(number, Down, (160, 90)), Pointer(number, Up, (160, 90))]);
    }
    hand.handle(Input::Wheel { dx: 0.0, dy: 1.0, at: Point { x: 1.0, y: 1.0 } });
    assert_eq!(client.strokes(2), [Pointer(4, Down, (639, 359)), Pointer(4, Up, (639, 359))]);
    for (code, pressed) in [("ShiftLeft", true), ("KeyA", true), ("KeyA", false), ("ShiftLeft", false)] {
        hand.handle(key(code, pressed));
    }
    assert_eq!(client.strokes(4), [Key(SHIFT, Down), Key(A, Down), Key(A, Up), Key(SHIFT, Up)]);
    drop(hand);
    display.close().await;
}

#[tokio::test]
async fn the_table_of_keys_is_the_one_of_this_x_server() {
    let (display, client, hand, _dir) = scene().await;
    // Letters, digits, cursor, keypad and function keys, by what a US layout has on them.
    for (code, keysym) in [
        ("KeyA", 0x61),
        ("KeyZ", 0x7a),
        ("Digit1", 0x31),
        ("Backquote", 0x60),
        ("Space", 0x20),
        ("Enter", 0xff0d),
        ("Escape", 0xff1b),
        ("ArrowUp", 0xff52),
        ("ArrowLeft", 0xff51),
        ("PageDown", 0xff56),
        ("Delete", 0xffff),
        ("F1", 0xffbe),
        ("F12", 0xffc9),
        ("NumpadEnter", 0xff8d),
        ("ControlRight", 0xffe4),
        ("MetaLeft", 0xffeb),
    ] {
        hand.handle(key(code, true));
        hand.handle(key(code, false));
        let [Key(down, Down), Key(up, Up)] = client.strokes(2)[..] else { panic!("{code} did not arrive") };
        assert_eq!(down, up);
        assert_eq!(client.keysym(down), keysym, "{code}");
    }
    drop(hand);
    display.close().await;
}

#[tokio::test]
async fn a_click_on_one_display_is_not_seen_by_the_other() {
    let (display_a, client_a, hand_a, _dir_a) = scene().await;
    let (display_b, client_b, hand_b, _dir_b) = scene().await;
    hand_a.handle(press(Button::Left, true));
    hand_a.handle(press(Button::Left, false));
    assert_eq!(client_a.strokes(2), [Pointer(1, Down, (160, 90)), Pointer(1, Up, (160, 90))]);
    hand_b.handle(key("ArrowUp", true));
    hand_b.handle(key("ArrowUp", false));
    // What b sees first is its own key: the click, which came before, has passed it by.
    assert_eq!(client_b.strokes(2), [Key(UP, Down), Key(UP, Up)]);
    assert_eq!(client_a.strokes_so_far(), []);
    drop((hand_a, hand_b));
    display_a.close().await;
    display_b.close().await;
}

#[tokio::test]
async fn everything_is_let_go_after_silence() {
    let (display, client, hand, _dir) = scene().await;
    hand.handle(press(Button::Right, true));
    hand.handle(key("ShiftLeft", true));
    assert_eq!(released(&client, 2), [Key(SHIFT, Up), Pointer(3, Up, (160, 90))]);
    drop(hand);
    display.close().await;
}

#[tokio::test]
async fn a_hand_that_says_it_is_still_there_keeps_hold() {
    let (display, client, hand, _dir) = scene().await;
    // On a machine that stands still for a quarter of a second the hand is rightly let go: such a try proves nothing.
    for attempt in 1.. {
        hand.handle(press(Button::Left, true));
        let mut longest = Duration::ZERO;
        for _ in 0..40 {
            let before = Instant::now();
            tokio::time::sleep(Duration::from_millis(10)).await;
            hand.handle(Input::StillHere);
            longest = longest.max(before.elapsed());
        }
        hand.handle(press(Button::Right, true));
        hand.handle(Input::ReleaseAll);
        // Had the button been let go by the watchdog, its release would stand before the second press.
        let strokes = client.strokes(4);
        let at = (160, 90);
        if strokes == [Pointer(1, Down, at), Pointer(3, Down, at), Pointer(3, Up, at), Pointer(1, Up, at)] {
            break;
        }
        assert!(
            longest > Duration::from_millis(100) && attempt < 20,
            "{strokes:?} with {longest:?} between two words"
        );
    }
    drop(hand);
    display.close().await;
}

#[tokio::test]
async fn a_dropped_hand_lets_go_of_everything() {
    let (display, client, hand, _dir) = scene().await;
    hand.handle(press(Button::Left, true));
    hand.handle(key("KeyA", true));
    drop(hand);
    assert_eq!(
        client.strokes(4),
        [Pointer(1, Down, (160, 90)), Key(A, Down), Key(A, Up), Pointer(1, Up, (160, 90))]
    );
    display.close().await;
}

#[tokio::test]
async fn a_new_hand_lets_go_of_what_a_killed_one_held() {
    let (display, client, _hand, _dir) = scene().await;
    let held = tokio::process::Command::new("xdotool")
        .args(["keydown", "a", "mousedown", "1"])
        .envs(display.env())
        .status()
        .await
        .unwrap();
    assert!(held.success());
    let pressed = client.strokes(2);
    assert!(matches!(pressed[..], [Key(A, Down), Pointer(1, Down, _)]), "{pressed:?}");
    let next = Injector::open(display.address(), SIZE).unwrap();
    let let_go = released(&client, 2);
    assert!(matches!(let_go[..], [Key(A, Up), Pointer(1, Up, _)]), "{let_go:?}");
    drop(next);
    display.close().await;
}

#[tokio::test]
async fn what_is_no_key_is_counted_and_does_no_harm() {
    let (display, client, hand, _dir) = scene().await;
    hand.handle(key("Unidentified", true));
    hand.handle(key(&"x".repeat(1000), true));
    hand.handle(key("KeyA", true));
    hand.handle(key("KeyA", false));
    assert_eq!(client.strokes(2), [Key(A, Down), Key(A, Up)]);
    assert_eq!(hand.unknown_keys(), 2);
    drop(hand);
    display.close().await;
}

#[tokio::test]
async fn a_display_that_is_gone_is_named() {
    let (display, _dir) = open().await;
    let address = display.address().clone();
    let kept = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(&address.auth_file, kept.path()).unwrap();
    display.close().await;
    let address = model::DisplayAddress { auth_file: kept.path().to_owned(), number: 60_000 };
    let error = format!("{:#}", Injector::open(&address, SIZE).unwrap_err());
    assert!(error.contains("display :60000 does not answer"), "{error}");
}

/// A program's window that fills its display, and a hand on it.
async fn scene() -> (Display, Client, Injector, Home) {
    let (display, dir) = open().await;
    let client = Client::open(display.address(), 600, 300);
    display.window(SOON).await.unwrap();
    client.until_focused();
    let hand = Injector::open(display.address(), SIZE).unwrap();
    (display, client, hand, dir)
}

/// The next releases, whatever is pressed meanwhile.
fn released(client: &Client, count: usize) -> Vec<Stroke> {
    let next = || client.strokes(1)[0];
    std::iter::repeat_with(next)
        .filter(|stroke| matches!(stroke, Key(_, Up) | Pointer(_, Up, _)))
        .take(count)
        .collect()
}

/// At (160, 90) of 640x360.
fn press(button: Button, pressed: bool) -> Input {
    Input::Button { button, pressed, at: Point { x: 0.25, y: 0.25 } }
}

fn key(code: &str, pressed: bool) -> Input {
    Input::Key { code: code.to_owned(), pressed }
}
