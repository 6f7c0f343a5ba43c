//! Physical keys: `KeyboardEvent.code` of the W3C → the key code of an X server with the evdev rules, which Xvfb has.
//!
//! An X key code is the kernel's (`KEY_…` of `linux/input-event-codes.h`) plus 8. The names are those of "UI Events KeyboardEvent code
//! Values", with the older ones that Firefox still sends. Keys that the kernel numbers above 247 do not fit X11 and are absent, and so
//! are those that it does not know (`NumpadHash`, `FnLock`, `Turbo`).

/// What X11 adds to the kernel's number.
const OFFSET: u8 = 8;

/// The X key code of a physical key.
pub(crate) fn keycode(code: &str) -> Option<u8> {
    TABLE.iter().find(|(name, _)| *name == code).map(|(_, evdev)| evdev + OFFSET)
}

#[rustfmt::skip]
const TABLE: &[(&str, u8)] = &[
    // writing system
    ("Backquote", 41), ("Backslash", 43), ("BracketLeft", 26), ("BracketRight", 27), ("Comma", 51), ("Equal", 13),
    ("IntlBackslash", 86), ("IntlRo", 89), ("IntlYen", 124), ("Minus", 12), ("Period", 52), ("Quote", 40), ("Semicolon", 39), ("Slash", 53),
    ("Digit1", 2), ("Digit2", 3), ("Digit3", 4), ("Digit4", 5), ("Digit5", 6),
    ("Digit6", 7), ("Digit7", 8), ("Digit8", 9), ("Digit9", 10), ("Digit0", 11),
    ("KeyA", 30), ("KeyB", 48), ("KeyC", 46), ("KeyD", 32), ("KeyE", 18), ("KeyF", 33), ("KeyG", 34), ("KeyH", 35), ("KeyI", 23),
    ("KeyJ", 36), ("KeyK", 37), ("KeyL", 38), ("KeyM", 50), ("KeyN", 49), ("KeyO", 24), ("KeyP", 25), ("KeyQ", 16), ("KeyR", 19),
    ("KeyS", 31), ("KeyT", 20), ("KeyU", 22), ("KeyV", 47), ("KeyW", 17), ("KeyX", 45), ("KeyY", 21), ("KeyZ", 44),
    // function
    ("AltLeft", 56), ("AltRight", 100), ("Backspace", 14), ("CapsLock", 58), ("ContextMenu", 127), ("ControlLeft", 29),
    ("ControlRight", 97), ("Enter", 28), ("MetaLeft", 125), ("MetaRight", 126), ("OSLeft", 125), ("OSRight", 126),
    ("ShiftLeft", 42), ("ShiftRight", 54), ("Space", 57), ("Tab", 15),
    ("Convert", 92), ("NonConvert", 94), ("KanaMode", 93), ("Katakana", 90), ("Hiragana", 91),
    ("Lang1", 122), ("Lang2", 123), ("Lang3", 90), ("Lang4", 91), ("Lang5", 85),
    // control pad and arrows
    ("Delete", 111), ("End", 107), ("Help", 138), ("Home", 102), ("Insert", 110), ("PageDown", 109), ("PageUp", 104),
    ("ArrowDown", 108), ("ArrowLeft", 105), ("ArrowRight", 106), ("ArrowUp", 103),
    // numeric pad
    ("NumLock", 69), ("Numpad0", 82), ("Numpad1", 79), ("Numpad2", 80), ("Numpad3", 81), ("Numpad4", 75), ("Numpad5", 76),
    ("Numpad6", 77), ("Numpad7", 71), ("Numpad8", 72), ("Numpad9", 73), ("NumpadAdd", 78), ("NumpadComma", 121),
    ("NumpadDecimal", 83), ("NumpadDivide", 98), ("NumpadEnter", 96), ("NumpadEqual", 117), ("NumpadMultiply", 55),
    ("NumpadStar", 55), ("NumpadParenLeft", 179), ("NumpadParenRight", 180), ("NumpadSubtract", 74),
    // function row
    ("Escape", 1), ("F1", 59), ("F2", 60), ("F3", 61), ("F4", 62), ("F5", 63), ("F6", 64), ("F7", 65), ("F8", 66), ("F9", 67),
    ("F10", 68), ("F11", 87), ("F12", 88), ("F13", 183), ("F14", 184), ("F15", 185), ("F16", 186), ("F17", 187), ("F18", 188),
    ("F19", 189), ("F20", 190), ("F21", 191), ("F22", 192), ("F23", 193), ("F24", 194),
    ("PrintScreen", 99), ("ScrollLock", 70), ("Pause", 119),
    // media and others
    ("BrowserBack", 158), ("BrowserFavorites", 156), ("BrowserForward", 159), ("BrowserHome", 172), ("BrowserRefresh", 173),
    ("BrowserSearch", 217), ("BrowserStop", 128), ("Eject", 161), ("LaunchApp1", 144), ("LaunchApp2", 140), ("LaunchMail", 155),
    ("MediaPlayPause", 164), ("MediaSelect", 171), ("MediaStop", 166), ("MediaTrackNext", 163), ("MediaTrackPrevious", 165),
    ("Power", 116), ("Sleep", 142), ("Suspend", 205), ("WakeUp", 143),
    ("AudioVolumeDown", 114), ("AudioVolumeMute", 113), ("AudioVolumeUp", 115),
    ("VolumeDown", 114), ("VolumeMute", 113), ("VolumeUp", 115),
    ("Again", 129), ("Copy", 133), ("Cut", 137), ("Find", 136), ("Open", 134), ("Paste", 135), ("Props", 130), ("Undo", 131),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_stands_once_and_fits_x11() {
        let names: BTreeSet<_> = TABLE.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), TABLE.len());
        for (name, evdev) in TABLE {
            assert!((1..=255 - OFFSET).contains(evdev), "{name}");
        }
    }

    #[test]
    fn two_keys_share_a_code_only_where_they_are_one_key_with_two_names() {
        let codes: BTreeSet<_> = TABLE.iter().map(|(_, evdev)| evdev).collect();
        let aliases = [
            "OSLeft",
            "OSRight",
            "Katakana",
            "Hiragana",
            "NumpadStar",
            "VolumeDown",
            "VolumeMute",
            "VolumeUp",
        ];
        assert_eq!(codes.len(), TABLE.len() - aliases.len());
    }

    #[test]
    fn a_key_of_a_full_keyboard_is_known() {
        let letters = ('A'..='Z').map(|c| format!("Key{c}"));
        let digits = (0..=9).flat_map(|d| [format!("Digit{d}"), format!("Numpad{d}")]);
        let functions = (1..=24).map(|f| format!("F{f}"));
        for code in letters.chain(digits).chain(functions) {
            assert!(keycode(&code).is_some(), "{code}");
        }
        assert_eq!(keycode("KeyA"), Some(38));
        assert_eq!(keycode("ArrowUp"), Some(111));
    }

    #[test]
    fn what_is_no_key_is_nothing() {
        for code in ["", "a", "keya", "Unidentified", "F25", "KeyÄ"] {
            assert_eq!(keycode(code), None, "{code}");
        }
    }
}
