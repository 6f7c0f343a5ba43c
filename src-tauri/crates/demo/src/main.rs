//! The program `openspace-webrtc-demo`, started as `bin/OpenSpace` of the demo's build folder.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    ExitCode::from(openspace_webrtc_demo::run(&arguments))
}
