//! Which keys a viewer may press in OpenSpace. The grave accent opens the Lua console, which is as good as a root shell.
//!
//! Pure. The keys of both generations are denied together: a key that only one of them binds does nothing in the
//! other, so nobody misses it, and a wrongly recognised build opens no door.

use std::collections::BTreeSet;

/// Never pressed, whatever else is held.
const DENIED: &[&str] = &[
    // Opens the Lua console. The launch configuration disables it as well.
    "Backquote",
    // Ends a program that is still loading, and toggles the shutdown up to 0.20 and in the streaming fork. Input is
    // blocked while an instance loads, but a press that is under way when a crash restarts it must not end it again.
    "Escape",
    // The GUI (F1, or Tab up to 0.20) and the native developer GUI (F2, or F1 up to 0.20): both change any property,
    // which is as good as Lua; F5 reloads the GUI.
    "Tab",
    "F1",
    "F2",
    "F5",
    // Screenshots are files on the machine's disk; held down, they fill it.
    "F12",
    "PrintScreen",
];

/// Never held together, in whatever order they were pressed: the keyboard repeats a held key with the new modifier.
const DENIED_TOGETHER: &[(&[&str], &str)] = &[
    // Ends OpenSpace.
    (&["ControlLeft", "ControlRight"], "KeyQ"),
    // Up to 0.20 and in the streaming fork: switches the picture off.
    (&["AltLeft", "AltRight"], "KeyR"),
];

/// `code` is `KeyboardEvent.code`; `held` are the codes that are down already.
pub fn is_allowed(code: &str, held: &BTreeSet<String>) -> bool {
    let is_held = |code: &&str| held.contains(*code);
    let completes = |(modifiers, key): &(&[&str], &str)| {
        (code == *key && modifiers.iter().any(is_held)) || (modifiers.contains(&code) && is_held(key))
    };
    !DENIED.contains(&code) && !DENIED_TOGETHER.iter().any(completes)
}

/// Does a binding of OpenSpace, such as `Ctrl+Shift+T` by OpenSpace's names of keys, ever get there?
pub(crate) fn is_binding_allowed(binding: &str) -> bool {
    let mut held = BTreeSet::new();
    binding.split('+').all(|name| {
        let code = code_of(name);
        is_allowed(&code, &held) && {
            held.insert(code);
            true
        }
    })
}

/// Only of keys that are denied; the others are as good as any.
fn code_of(name: &str) -> String {
    let code = match name.to_ascii_uppercase().as_str() {
        "CTRL" | "CONTROL" => "ControlLeft",
        "ALT" => "AltLeft",
        "GRAVE_ACCENT" => "Backquote",
        "ESCAPE" => "Escape",
        "TAB" => "Tab",
        "PRINT_SCREEN" => "PrintScreen",
        letter if letter.len() == 1 => return format!("Key{letter}"),
        other => return other.to_owned(),
    };
    code.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn held(codes: &[&str]) -> BTreeSet<String> {
        codes.iter().map(|code| (*code).to_owned()).collect()
    }

    #[test]
    fn keys_that_navigate_are_allowed() {
        for code in
            ["KeyZ", "KeyX", "KeyF", "Space", "ArrowDown", "ShiftLeft", "ControlLeft", "KeyQ", "Digit1"]
        {
            assert!(is_allowed(code, &held(&[])), "{code}");
        }
        assert!(is_allowed("KeyF", &held(&["ControlLeft"])), "roll friction");
        assert!(is_allowed("KeyQ", &held(&["ShiftLeft", "KeyW"])));
    }

    #[test]
    fn bindings_that_never_get_there_are_known_by_openspaces_names() {
        for binding in
            ["F1", "GRAVE_ACCENT", "Shift+F12", "PRINT_SCREEN", "Ctrl+Q", "Ctrl+Shift+q", "Alt+R", "Tab"]
        {
            assert!(!is_binding_allowed(binding), "{binding}");
        }
        for binding in ["SPACE", "T", "Ctrl+T", "Shift+Q", "R", "F3", "Alt+Shift+LEFT", "5", ""] {
            assert!(is_binding_allowed(binding), "{binding}");
        }
    }

    #[test]
    fn the_console_and_the_guis_never_open() {
        for code in ["Backquote", "F1", "F2", "F5", "Escape", "Tab", "F12", "PrintScreen"] {
            for others in [&[][..], &["ShiftLeft"], &["ControlLeft", "AltLeft"]] {
                assert!(!is_allowed(code, &held(others)), "{code} with {others:?}");
            }
        }
    }

    #[test]
    fn quitting_is_denied_from_either_end() {
        assert!(!is_allowed("KeyQ", &held(&["ControlRight"])));
        assert!(!is_allowed("ControlLeft", &held(&["KeyQ"])));
        assert!(!is_allowed("AltRight", &held(&["KeyR", "KeyA"])));
    }

    const PRESSED: &[&str] = &[
        "Backquote",
        "Escape",
        "F1",
        "F2",
        "F5",
        "Tab",
        "KeyQ",
        "KeyR",
        "KeyA",
        "ControlLeft",
        "ControlRight",
        "AltLeft",
        "AltRight",
        "ShiftLeft",
        "Space",
    ];

    proptest! {
        /// Whatever is pressed and released, what is down at the instance is never a thing that was denied.
        #[test]
        fn no_order_of_presses_gets_a_denied_chord_through(
            deeds in prop::collection::vec((select(PRESSED), any::<bool>()), 0..60)
        ) {
            let mut down = BTreeSet::new();
            for (code, pressed) in deeds {
                if !pressed {
                    down.remove(code);
                } else if is_allowed(code, &down) {
                    down.insert(code.to_owned());
                }
                let any = |codes: &[&str]| codes.iter().any(|code| down.contains(*code));
                prop_assert!(!any(&["Backquote", "Escape", "F1", "F2", "F5", "Tab"]), "{down:?}");
                prop_assert!(!(any(&["ControlLeft", "ControlRight"]) && any(&["KeyQ"])), "{down:?}");
                prop_assert!(!(any(&["AltLeft", "AltRight"]) && any(&["KeyR"])), "{down:?}");
            }
        }
    }
}
