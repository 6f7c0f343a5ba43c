//! Keys by OpenSpace's names, from what the X server calls them.

/// The name of a key symbol; nothing for modifiers and for keys that nobody binds.
pub fn name(symbol: u32) -> Option<String> {
    let named = match symbol {
        0x20 => "SPACE",
        0x27 => "APOSTROPHE",
        0x2C => "COMMA",
        0x2D => "MINUS",
        0x2E => "PERIOD",
        0x2F => "SLASH",
        0x3B => "SEMICOLON",
        0x3D => "EQUAL",
        0x5B => "LEFTBRACKET",
        0x5C => "BACKSLASH",
        0x5D => "RIGHTBRACKET",
        0x60 => "GRAVEACCENT",
        0xFF08 => "BACKSPACE",
        0xFF09 | 0xFE20 => "TAB",
        0xFF0D => "ENTER",
        0xFF13 => "PAUSE",
        0xFF1B => "ESC",
        0xFF50 => "HOME",
        0xFF51 => "LEFT",
        0xFF52 => "UP",
        0xFF53 => "RIGHT",
        0xFF54 => "DOWN",
        0xFF55 => "PAGEUP",
        0xFF56 => "PAGEDOWN",
        0xFF57 => "END",
        0xFF61 => "PRINTSCREEN",
        0xFF63 => "INSERT",
        0xFF8D => "KEYPADENTER",
        0xFFFF => "DELETE",
        _ => "",
    };
    if !named.is_empty() {
        return Some(named.to_owned());
    }
    match symbol {
        0x30..=0x39 | 0x41..=0x5A => char::from_u32(symbol).map(String::from),
        0x61..=0x7A => char::from_u32(symbol - 0x20).map(String::from),
        0xFFBE..=0xFFD5 => Some(format!("F{}", symbol - 0xFFBE + 1)),
        0xFFB0..=0xFFB9 => Some(format!("KEYPAD{}", symbol - 0xFFB0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_openspace_s_names() {
        for (symbol, expected) in [
            (0x61, Some("A")),
            (0x20, Some("SPACE")),
            (0xFFBE, Some("F1")),
            (0xFFC9, Some("F12")),
            (0x35, Some("5")),
            (0xFFE1, None),
        ] {
            assert_eq!(name(symbol).as_deref(), expected);
        }
    }
}
