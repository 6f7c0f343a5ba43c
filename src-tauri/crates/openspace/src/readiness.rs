//! What OpenSpace's log says about how far it has come. Pure: lines in, signs out.

use model::Phase;

#[derive(Clone, Debug, PartialEq)]
pub enum Sign {
    Phase(Phase),
    /// "Starting rendering loop": from now on the API may be connected; it answers once the scene is loaded.
    Rendering,
    /// It will end: the reason, for people.
    Fatal(String),
}

/// Reads one line of standard output or error; colour codes may be in it.
pub fn read_line(_line: &str) -> Option<Sign> {
    todo!()
}
