//! The program itself: version, pictures, recordings, the end.

use serde_json::{Value, json};

use super::{Args, functions::Function, nothing, one, version_json};
use crate::world::{Event, World};

type Outcome = Result<Vec<Value>, String>;
type Arguments = &'static [(&'static str, &'static str, Option<&'static str>)];

const fn top(
    name: &'static str,
    returns: &'static str,
    help: &'static str,
    call: fn(&mut World, &Args<'_>) -> Outcome,
) -> Function {
    Function { library: "", name, arguments: &[], returns, help, call }
}

const fn recording(
    name: &'static str,
    arguments: Arguments,
    help: &'static str,
    call: fn(&mut World, &Args<'_>) -> Outcome,
) -> Function {
    Function { library: "sessionRecording", name, arguments, returns: "", help, call }
}

const FILE: Arguments = &[("file", "Path", None)];

pub const FUNCTIONS: &[Function] = &[
    top("version", "Table", "The version of OpenSpace that the demo stands for.", |world, _| {
        one(version_json(world))
    }),
    top("isMaster", "Boolean", "The demo is never a cluster.", |_, _| one(true)),
    top("profileName", "String", "The name of the profile.", |world, _| {
        one(world
            .profile_file
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default())
    }),
    top("profilePath", "String", "The file of the profile.", |world, _| {
        one(world.profile_file.display().to_string())
    }),
    top("profileAddons", "String[]", "The addons that were asked for.", |world, _| one(world.addons.clone())),
    top("toggleShutdown", "", "Starts the countdown to the end, or stops it.", |world, _| {
        world.toggle_shutdown();
        nothing()
    }),
    top("resetCamera", "", "Puts the camera where it started.", |world, _| {
        world.go_home();
        nothing()
    }),
    top("takeScreenshot", "Number", "Saves the picture; the answer is its number.", |world, _| {
        // Many a frame, one file a frame: more wishes than that are one wish.
        world.screenshots_wanted = 1;
        one(world.screenshots_taken)
    }),
    top("resetScreenshotNumber", "", "Counts screenshots from 0 again.", |world, _| {
        world.screenshots_taken = 0;
        nothing()
    }),
    top("ramInUse", "Number", "Bytes of memory in use.", |_, _| one(resident_bytes())),
    top("vramInUse", "Number", "The demo uses none.", |_, _| one(0)),
    Function {
        library: "",
        name: "printInfo",
        arguments: &[("text", "String", None)],
        returns: "",
        help: "Writes into the log.",
        call: |world, args| {
            world.log.info("Script", args.text(0)?);
            nothing()
        },
    },
    recording(
        "startRecording",
        &[("file", "Path", Some("nil"))],
        "Starts to record the camera.",
        |world, args| {
            world.recorder.start()?;
            world.recorder.file = args.text(0).ok().map(str::to_owned);
            nothing()
        },
    ),
    recording(
        "stopRecording",
        &[
            ("file", "Path", Some("nil")),
            ("dataMode", "String", Some("Ascii")),
            ("overwrite", "Boolean", Some("false")),
        ],
        "Ends the recording and saves it.",
        |world, args| {
            let file = args.text(0).ok().map(str::to_owned).or_else(|| world.recorder.file.clone());
            let file = file.ok_or("argument 1 must be the recording's name")?;
            world.recorder.stop(&file, args.get(2).as_bool() == Some(true))?;
            nothing()
        },
    ),
    recording(
        "startPlayback",
        &[("file", "Path", None), ("loop", "Boolean", Some("false"))],
        "Plays a recording.",
        |world, args| {
            let file = args.text(0)?.to_owned();
            world.stop_flight();
            world.recorder.play(&file, args.get(1).as_bool() == Some(true))?;
            said(world, "Started")
        },
    ),
    recording("stopPlayback", &[], "Ends the playback.", |world, _| {
        if world.recorder.stop_playing() { said(world, "Finished") } else { nothing() }
    }),
    recording(
        "setPlaybackPause",
        &[("pause", "Boolean", None)],
        "Pauses the playback, or lets it go on.",
        |world, args| {
            let pause = args.flag(0)?;
            playback_pause(world, Some(pause))
        },
    ),
    recording("togglePlaybackPause", &[], "Pauses the playback, or lets it go on.", |world, _| {
        playback_pause(world, None)
    }),
    Function {
        returns: "Boolean",
        ..recording("isPlayingBack", &[], "Whether a recording is played.", |world, _| {
            one(world.recorder.is_playing())
        })
    },
    Function {
        returns: "Boolean",
        ..recording("isRecording", &[], "Whether the camera is recorded.", |world, _| {
            one(world.recorder.is_recording())
        })
    },
    Function {
        returns: "Boolean",
        ..recording("fileExists", FILE, "Whether there is such a recording.", |world, args| {
            let file = args.text(0)?;
            one(world
                .recorder
                .files()
                .iter()
                .any(|name| name == file || name.strip_suffix(".osrectxt") == Some(file)))
        })
    },
];

fn said(world: &mut World, state: &str) -> Outcome {
    world.events.push(Event::new("SessionRecordingPlayback", &[("State", json!(state))]));
    nothing()
}

fn playback_pause(world: &mut World, pause: Option<bool>) -> Outcome {
    if !world.recorder.pause(pause) {
        return Err("no recording is played".to_owned());
    }
    let paused = world.recorder.state_name() == "playing-paused";
    said(world, if paused { "Paused" } else { "Resumed" })
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok()).unwrap_or(0);
    pages * 4096
}
