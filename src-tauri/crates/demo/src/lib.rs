//! The demo renderer: a stand-in for OpenSpace with a real window, for machines without OpenSpace and for tests.
//!
//! It is a program that is started, not a room: nothing imports it, and it imports no room. It takes OpenSpace's flags, runs its Lua
//! configuration, opens the window that the window file asks for, prints OpenSpace's log lines, stays silent while it loads, and
//! then speaks one of the two generations of the socket API. It draws a small sky of its own and says on every picture that it is
//! not OpenSpace.
//!
//! ```text
//!   sockets (a thread) ── messages ──►┐
//!   X events ─────────────────────────┤ once a frame
//!   Lua scripts (actions, clients) ───┤
//!                                     ▼
//!                      world: time, camera, properties ──► view ──► painter ──► X server
//! ```
//!
//! The library exists for its own tests; the program is `main.rs`.
//!
//! Stricter than OpenSpace, on purpose: sockets bind loopback only; scripts have no files, no `load` and no `dofile`; names of
//! recordings hold no folders; a client that leaves is cleaned up.

mod api;
mod args;
pub mod barcode;
mod clock;
mod config;
mod dialect;
mod engine;
mod faults;
mod folders;
mod install;
mod log;
mod lua;
mod paths;
mod picture;
mod profile;
mod screenshot;
mod switches;
mod sync;
mod tone;
mod window;
mod window_file;
mod world;

use args::{Command, Usage};
use switches::Switches;

/// Runs the program; answers its exit code: 0 well, 1 failed (the log says why), 2 wrong usage.
pub fn run(arguments: &[String]) -> u8 {
    let (program, rest) =
        arguments.split_first().map_or(("", arguments), |(program, rest)| (program.as_str(), rest));
    let command = match args::parse(rest) {
        Ok(command) => command,
        Err(Usage(sentence)) => {
            eprintln!("{sentence}");
            return 2;
        }
    };
    match command {
        Command::Help => {
            print!("{}", args::HELP);
            0
        }
        Command::Install { dir, dialect } => {
            let installed =
                std::env::current_exe().and_then(|program| install::install(&dir, dialect, &program));
            match installed {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("could not write the demo's build folder: {error}");
                    1
                }
            }
        }
        Command::Run(options) => {
            let switches = Switches::read(|name| std::env::var(name).ok());
            match switches.exit_at_once {
                Some(code) => code,
                None => engine::run(program, &options, &switches),
            }
        }
    }
}
