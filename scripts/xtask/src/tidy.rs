//! The house rules of `src-tauri/ARCHITECTURE.md` as a check.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use toml::Table;

/// Which room may import which. Whatever is not here is a wall.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("protocol", &["model"]),
    ("cluster", &["model"]),
    ("openspace", &["model"]),
    ("display", &["model"]),
    ("media", &["model"]),
    ("telemetry", &["model"]),
    ("store", &["model", "cluster"]),
    ("registry", &["model", "cluster"]),
    ("relay", &["model"]),
    ("supervisor", &["model", "openspace", "display"]),
    ("streaming", &["model", "protocol", "media"]),
    ("gateway", &["model", "protocol"]),
    (
        "node",
        &[
            "model",
            "protocol",
            "cluster",
            "openspace",
            "display",
            "media",
            "telemetry",
            "store",
            "registry",
            "relay",
            "supervisor",
            "streaming",
            "gateway",
        ],
    ),
    ("demo", &[]),
];

/// Which rooms may know a foreign library. The demo renderer is a program of its own that is launched like OpenSpace, not a room.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("gstreamer", &["media"]),
    ("gstreamer-app", &["media"]),
    ("openh264", &["media"]),
    ("yuv", &["media"]),
    ("fast_image_resize", &["media"]),
    ("jpeg-encoder", &["media"]),
    ("webrtc", &["streaming"]),
    ("rtc", &["streaming"]),
    ("quinn-udp", &["streaming"]),
    ("axum", &["gateway"]),
    ("axum-server", &["gateway"]),
    ("rcgen", &["gateway", "relay"]),
    // Each speaks TLS to somebody else: browsers, Postgres, other machines.
    ("rustls", &["gateway", "registry", "relay"]),
    ("tokio-rustls", &["relay"]),
    ("rusqlite", &["store"]),
    // Each brings its own database up to date.
    ("refinery", &["store", "registry"]),
    ("tokio-postgres", &["registry"]),
    ("tokio-postgres-rustls", &["registry"]),
    ("nvml-wrapper", &["telemetry"]),
    ("sysinfo", &["telemetry"]),
    ("x11rb", &["display", "media", "demo"]),
    ("tokio-tungstenite", &["openspace", "demo"]),
    ("elf", &["openspace"]),
    ("mlua", &["demo"]),
    ("tiny-skia", &["demo"]),
    ("prometheus-client", &["node"]),
    ("tauri", &[]),
];

/// A file whose `//!` says that it is pure contains none of these outside its tests.
const IMPURE: &[&str] = &[
    "async ",
    "tokio::",
    "Instant::now",
    "SystemTime::now",
    "std::fs",
    "UdpSocket",
    "TcpStream",
    "std::process",
];

/// Longer than one sitting; the few exceptions say why.
const LINES_MAX: usize = 500;

pub fn run(root: &Path) -> Result<()> {
    let mut complaints = Vec::new();
    manifests(root, &mut complaints)?;
    sources(root, &mut complaints)?;
    migrations(root, &mut complaints)?;
    if complaints.is_empty() {
        println!("the house is tidy");
        return Ok(());
    }
    bail!("{} complaints:\n  {}", complaints.len(), complaints.join("\n  "))
}

fn manifests(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    let crates = root.join("src-tauri/crates");
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    for entry in fs::read_dir(&crates)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Some(allowed) = rooms.get(name.as_str()) else {
            complaints.push(format!("{name} is a room that tidy does not know: add it to the table"));
            continue;
        };
        let path = crates.join(&name).join("Cargo.toml");
        let manifest: Table =
            fs::read_to_string(&path)?.parse().with_context(|| format!("reading {}", path.display()))?;
        for dependency in dependencies(&manifest) {
            if rooms.contains_key(dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                complaints.push(format!("{name} imports {dependency}: arrows go down only"));
            }
            let library = LIBRARIES.iter().find(|(library, _)| *library == dependency);
            if library.is_some_and(|(_, rooms)| !rooms.contains(&name.as_str())) {
                complaints.push(format!("{name} knows {dependency}, which has a room of its own"));
            }
        }
    }
    Ok(())
}

/// What the room is built of; what only its tests use is its own affair.
fn dependencies(manifest: &Table) -> Vec<String> {
    let mut tables = vec![manifest.get("dependencies")];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().map(|target| target.get("dependencies")));
    }
    let tables = tables.into_iter().flatten().filter_map(toml::Value::as_table);
    tables.flat_map(|table| table.keys().cloned()).collect()
}

fn sources(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    let mut files = Vec::new();
    for place in ["src-tauri/src", "src-tauri/crates", "scripts/xtask", "tests"] {
        collect(&root.join(place), &mut files)?;
    }
    for file in files {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        if !text.starts_with("//!") {
            complaints.push(format!("{name} does not open with //!"));
        }
        let body = text.split("#[cfg(test)]").next().unwrap_or_default();
        if body.lines().count() > LINES_MAX {
            complaints.push(format!("{name} has over {LINES_MAX} lines without its tests: split it"));
        }
        if is_pure(&text) {
            let found = IMPURE.iter().filter(|word| {
                body.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(**word))
            });
            complaints
                .extend(found.map(|word| format!("{name} says that it is pure, and contains `{word}`")));
        }
    }
    Ok(())
}

fn is_pure(text: &str) -> bool {
    let head = text.lines().take_while(|line| line.starts_with("//!"));
    head.into_iter().any(|line| {
        line.split_inclusive(['.', ':'])
            .any(|sentence| matches!(sentence.trim_start_matches("//!").trim(), "Pure." | "Pure:"))
    })
}

fn collect(place: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        let skipped = path.ends_with("node_modules") || path.ends_with("venv") || path.ends_with("target");
        if path.is_dir() && !skipped {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// A migration that was released is never edited: databases out there have run it.
fn migrations(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    let released = fs::read_to_string(root.join("migrations/released.sha256"))
        .context("reading the released migrations")?;
    for line in released.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (hash, name) = line.split_once("  ").context("a line of released.sha256 is `hash  file`")?;
        let text = fs::read(root.join("migrations").join(name)).unwrap_or_default();
        let found: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        if found != hash {
            complaints
                .push(format!("migrations/{name} was released and is changed: write a new step instead"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        run(&crate::root().expect("the root is found")).expect("tidy");
    }

    #[test]
    fn purity_is_claimed_by_a_sentence_of_its_own() {
        assert!(is_pure("//! Decides. Pure.\n"));
        assert!(is_pure("//! What it says. Pure: lines in, signs out. Pure.\n"));
        assert!(!is_pure("//! Impure.\n//! Decisions are in [`machine`].\n"));
        assert!(!is_pure("fn a() {} // Pure.\n"));
    }

    #[test]
    fn a_wall_and_a_foreign_library_are_noticed() {
        let manifest: Table = "[dependencies]\nmodel = \"1\"\n[target.'cfg(unix)'.dependencies]\nx11rb = \"1\"\n[dev-dependencies]\nmlua = \"1\"\n"
            .parse()
            .expect("valid TOML");
        assert_eq!(dependencies(&manifest), ["model", "x11rb"]);
    }
}
