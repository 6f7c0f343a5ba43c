//! Looks at this machine and says what works, what does not, and what to do.

mod registry;

use std::path::Path;

use display::graphics;
use model::{Size, health::GpuState, video::EncoderChoice};
use protocol::admin::AdminBuild;
use serde::Serialize;

pub use self::registry::registry;
use crate::{
    config::{Config, set_path},
    path,
};

#[derive(Debug, Serialize)]
pub struct Finding {
    pub what: String,
    pub verdict: Verdict,
    pub says: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Good,
    /// Works, but not as well as it could.
    Fair,
    /// The product cannot do its job.
    Bad,
}

/// Blocking: opens encoders and asks drivers; a second or two.
pub fn examine(config: &Config, data_dir: &Path) -> Vec<Finding> {
    let telemetry = telemetry::Config {
        nvml_library: set_path(&config.telemetry.nvml_library),
        data_dir: data_dir.to_owned(),
        period: std::time::Duration::from_secs(1),
    };
    let gpus = telemetry::gpus(&telemetry);
    vec![
        gpu(&gpus),
        drawing(&gpus),
        encoder(config, &gpus),
        display_server(),
        sound_server(),
        data_folder(data_dir),
    ]
}

fn finding(what: &str, verdict: Verdict, says: impl Into<String>) -> Finding {
    Finding { what: what.to_owned(), verdict, says: says.into() }
}

/// What stands in the way of each build. One that cannot be launched leaves the machine able to stream the others.
pub fn builds(builds: &[AdminBuild]) -> Vec<Finding> {
    builds.iter().map(build).collect()
}

fn build(one: &AdminBuild) -> Finding {
    let faults: Vec<_> = one.problems.iter().chain(&one.last_failure).map(String::as_str).collect();
    let what = format!("Build {}", one.build.id);
    if !faults.is_empty() {
        return finding(&what, Verdict::Fair, faults.join(" "));
    }
    let version = one.build.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
    let how = match (&one.confirmed, one.build.kind.as_str()) {
        (Some(_), _) => "it has run here",
        (None, "openspace") => "it has not run here yet",
        _ => "a program",
    };
    finding(
        &what,
        Verdict::Good,
        format!("{}{version}: {how}. {}", one.build.kind, one.notes.join(" ")).trim_end(),
    )
}

fn gpu(gpus: &GpuState) -> Finding {
    match gpus {
        GpuState::Unavailable { reason } => finding("GPU", Verdict::Fair, reason),
        GpuState::Available { gpus, .. } => {
            let names: Vec<_> = gpus.iter().filter_map(|gpu| gpu.name.clone()).collect();
            finding("GPU", Verdict::Good, names.join(", "))
        }
    }
}

fn drawing(gpus: &GpuState) -> Finding {
    let drawn = graphics::choose(gpus, display::find_vglrun(), graphics::Wanted::Auto);
    let verdict = if drawn.is_mesa() { Verdict::Fair } else { Verdict::Good };
    finding("Graphics", verdict, drawn.describe())
}

fn encoder(config: &Config, gpus: &GpuState) -> Finding {
    match media::probe(Size::HD, &config.stream.encoders) {
        Ok(choice) => {
            let verdict = if choice.hardware { Verdict::Good } else { Verdict::Fair };
            finding("Encoder", verdict, format!("{}{}", choice.reason, why_not_on(gpus, &choice)))
        }
        Err(rejected) => {
            let why: Vec<_> = rejected.iter().map(|one| format!("{}: {}", one.name, one.why)).collect();
            finding("Encoder", Verdict::Bad, format!("none can be opened. {}", why.join("; ")))
        }
    }
}

/// Where a GPU is there and the processor encodes all the same: why. Cards that were made for computing have no encoder.
fn why_not_on(gpus: &GpuState, choice: &EncoderChoice) -> String {
    let there = matches!(gpus, GpuState::Available { gpus, .. } if !gpus.is_empty());
    match choice.rejected.first() {
        Some(first) if there && !choice.hardware => {
            format!(
                ". Not on the GPU: {}. Cards for computing, such as A100, H100 and H200, have none",
                first.why
            )
        }
        _ => String::new(),
    }
}

fn display_server() -> Finding {
    if path::find("Xvfb").is_some() {
        finding("Display server", Verdict::Good, "Xvfb is installed")
    } else {
        finding("Display server", Verdict::Bad, "Xvfb is not installed: `apt-get install xvfb`")
    }
}

fn sound_server() -> Finding {
    if path::find("pulseaudio").is_some() {
        finding("Sound", Verdict::Good, "PulseAudio is installed")
    } else {
        let how = "PulseAudio is not installed, so programs run without sound: `apt-get install pulseaudio`";
        finding("Sound", Verdict::Fair, how)
    }
}

fn data_folder(data_dir: &Path) -> Finding {
    let probe = data_dir.join(".doctor");
    let written = std::fs::create_dir_all(data_dir).and_then(|()| std::fs::write(&probe, "x"));
    drop(std::fs::remove_file(&probe));
    match written {
        Ok(()) => finding("Data folder", Verdict::Good, data_dir.display().to_string()),
        Err(error) => {
            finding("Data folder", Verdict::Bad, format!("{} cannot be written: {error}", data_dir.display()))
        }
    }
}
