//! The house rules of `src-tauri/ARCHITECTURE.md` as a check.

use std::{
    collections::{BTreeMap, BTreeSet},
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
    ("png", &["demo"]),
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
    circles(root, &mut complaints)?;
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
        if file.ends_with("mod.rs") && name.starts_with("src-tauri") && !name.contains("/tests/") {
            complaints.push(format!("{name}: a module with children stands beside its folder"));
        }
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

/// Within a room the modules import each other downwards only.
fn circles(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    for (room, _) in ROOMS {
        let src = root.join("src-tauri/crates").join(room).join("src");
        let mut files = Vec::new();
        collect(&src, &mut files)?;
        let mut imports = BTreeMap::<String, BTreeSet<String>>::new();
        for file in files {
            let below = file.strip_prefix(&src)?.with_extension("");
            let Some(module) = below.iter().next().map(|name| name.to_string_lossy().into_owned()) else {
                continue;
            };
            if !matches!(module.as_str(), "lib" | "main" | "tests") {
                let names = imported(&fs::read_to_string(&file)?);
                imports.entry(module).or_default().extend(names);
            }
        }
        if let Some(circle) = circle(&imports) {
            complaints.push(format!("{room}: its modules import each other in a circle: {circle}"));
        }
    }
    Ok(())
}

/// The modules of the room that this file names: `crate::a::b`, `use crate::{a, b::c}`. Its tests may look anywhere.
fn imported(text: &str) -> BTreeSet<String> {
    let body = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> = body.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut names = BTreeSet::new();
    for after in code.join("\n").split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => names.extend(heads(list)),
            None => names.extend(head(after)),
        }
    }
    names
}

/// The first name of each entry of a list of imports that has been opened.
fn heads(list: &str) -> Vec<String> {
    let (mut depth, mut entry, mut found) = (0_u32, String::new(), Vec::new());
    for letter in list.chars() {
        match letter {
            '}' if depth == 0 => break,
            ',' if depth == 0 => found.extend(head(&std::mem::take(&mut entry))),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => entry.push(letter),
        }
    }
    found.extend(head(&entry));
    found
}

fn head(path: &str) -> Option<String> {
    let name: String =
        path.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Modules are taken away while one of those that are left imports none of them, or is imported by none: what stays runs in circles.
fn circle(imports: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut left: BTreeSet<&String> = imports.keys().collect();
    loop {
        let stays: BTreeSet<&String> = left
            .iter()
            .copied()
            .filter(|module| {
                let others = || left.iter().filter(|other| *other != module);
                others().any(|other| imports[*module].contains(*other))
                    && others().any(|other| imports[*other].contains(*module))
            })
            .collect();
        if stays.len() == left.len() {
            break;
        }
        left = stays;
    }
    let names: Vec<&str> = left.into_iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
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
    fn a_circle_of_modules_is_noticed() {
        let imports = |files: &[(&str, &str)]| {
            files.iter().map(|(name, text)| ((*name).to_owned(), imported(text))).collect::<BTreeMap<_, _>>()
        };
        let down = [("a", "use crate::{b::{self, C}, c};"), ("b", "fn f() { crate::c::g() }"), ("c", "")];
        assert_eq!(circle(&imports(&down)), None);
        let around = [
            ("a", "use crate::{c, b::{self, C}};"),
            ("b", "use crate::a;"),
            ("c", "// crate::a"),
            ("d", "use crate::a;"),
        ];
        assert_eq!(circle(&imports(&around)).as_deref(), Some("a, b"));
        assert_eq!(circle(&imports(&[("a", ""), ("b", "#[cfg(test)]\nuse crate::b;")])), None);
    }

    #[test]
    fn a_wall_and_a_foreign_library_are_noticed() {
        let manifest: Table = "[dependencies]\nmodel = \"1\"\n[target.'cfg(unix)'.dependencies]\nx11rb = \"1\"\n[dev-dependencies]\nmlua = \"1\"\n"
            .parse()
            .expect("valid TOML");
        assert_eq!(dependencies(&manifest), ["model", "x11rb"]);
    }
}
