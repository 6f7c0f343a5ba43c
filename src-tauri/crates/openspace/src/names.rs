//! Names and paths that OpenSpace takes as they are. Pure.

use std::path::Path;

/// Is this the name of a profile, and nothing that leaves the profile folders or looks like a flag?
///
/// `default`, `missions/apollo`: the path below a profile folder, without `.profile`.
pub fn is_profile_name(name: &str) -> bool {
    let known = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-' | '+' | '(' | ')');
    let safe = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-', ' '])
            && !part.ends_with(' ')
            && part.chars().all(known)
    };
    name.len() <= PROFILE_BYTES && name.split('/').all(safe)
}

/// Longer than any path that a file system takes as one name.
const PROFILE_BYTES: usize = 255;

/// The path as text that OpenSpace and its Lua take as it is: its own launcher warns of quotes and brackets, which
/// also delimit the strings of our Lua; `${` begins one of its path tokens.
pub(crate) fn usable_text(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    let breaks = |c: char| c.is_control() || matches!(c, '\'' | '"' | '[' | ']');
    (!text.contains(breaks) && !text.contains("${")).then_some(text)
}
