//! Reads a build folder without running or writing anything in it.

mod disk;
mod fingerprint;
mod libraries;
mod lua;
mod profiles;
mod version;

pub use self::{
    disk::free_bytes,
    fingerprint::{fingerprint, program_mark},
};

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use model::{ApiGeneration, Profile};

#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    pub api: ApiGeneration,
    /// What its sources or its folder's name say; a running OpenSpace knows better.
    pub version: Option<String>,
    /// The hash of the commit it was built from.
    pub commit: Option<String>,
    pub profiles: Vec<Profile>,
    /// It says of itself that it is our demo renderer.
    pub demo: bool,
    /// Sentences: what is missing or wrong, and what to do.
    pub problems: Vec<String>,
    /// Sentences that are good to know and need no deed.
    pub notes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum NotABuild {
    #[error("{0} does not exist, or cannot be read")]
    Missing(PathBuf),
    #[error("{0} is not an OpenSpace folder: {1}")]
    NotOpenSpace(PathBuf, String),
    /// Quotes and brackets in the path break OpenSpace's own scripts.
    #[error(
        "the path {0} holds one of ' \" [ ] ${{ or a control character, which breaks OpenSpace's scripts: move the folder"
    )]
    UnusablePath(PathBuf),
}

const CONFIGURATION: &str = "openspace.cfg";

/// The stock file has 20 KB.
const CONFIGURATION_BYTES_MAX: u64 = 1 << 20;

/// `CMakeLists.txt` and `COMMIT.md`.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// In the order in which they are looked for: a release, then the builds of a developer.
const BIN_FOLDERS: &[&str] = &["bin", "bin/RelWithDebInfo", "bin/Release", "bin/MinSizeRel", "bin/Debug"];

const PROGRAM: &str = if cfg!(windows) { "OpenSpace.exe" } else { "OpenSpace" };
const HELPER: &str = if cfg!(windows) { "OpenSpace_Helper.exe" } else { "OpenSpace_Helper" };

/// Read by the stock `openspace.cfg`.
const USER_VARIABLE: &str = "OPENSPACE_USER";
const SYNC_VARIABLE: &str = "OPENSPACE_SYNC";

/// The file that the demo renderer's build folder carries.
const DEMO_MARK: &str = "DEMO.md";

/// `env` is what the build sets for its program: where its libraries are looked for, and where the user's profiles lie.
pub fn inspect(dir: &Path, env: &BTreeMap<String, String>) -> Result<Inspection, NotABuild> {
    if fs::read_dir(dir).is_err() {
        return Err(NotABuild::Missing(dir.to_owned()));
    }
    if crate::names::usable_text(dir).is_none() {
        return Err(NotABuild::UnusablePath(dir.to_owned()));
    }
    let program = checked_program(dir)?;

    let mut problems = Vec::new();
    let version = version_of(dir);
    let api = api_of(dir, version.as_deref(), &mut problems);
    if !is_executable(&program) {
        problems.push(format!("{0} may not be executed: run `chmod +x '{0}'`.", program.display()));
    }
    problems.extend(lacks(&libraries::missing(&program, env)));
    let profiles = profiles(dir, env);
    if profiles.is_empty() {
        problems.push(format!(
            "There is no profile below {}: nothing can be launched until the data folder of OpenSpace is there.",
            profile_folder(dir).display()
        ));
    }
    let notes = notes(dir, env, &profiles);
    Ok(Inspection {
        api,
        version,
        commit: read_bounded(&dir.join("COMMIT.md"), TEXT_BYTES_MAX)
            .ok()
            .and_then(|t| version::of_commit_file(&t)),
        profiles,
        demo: dir.join(DEMO_MARK).is_file(),
        problems,
        notes,
    })
}

/// The profiles of an install folder (`data/profiles/**`) and of its user's, sorted; `default` first. A broken file is listed with
/// what is wrong with it.
pub fn profiles(dir: &Path, env: &BTreeMap<String, String>) -> Vec<Profile> {
    profiles::below(&profile_folder(dir), &profile_folder(&user_folder(dir, env)))
}

/// Where the person who uses this install keeps profiles and assets of their own: OpenSpace's own rule.
pub fn user_folder(dir: &Path, env: &BTreeMap<String, String>) -> PathBuf {
    env.get(USER_VARIABLE).filter(|told| !told.is_empty()).map_or_else(|| dir.join("user"), PathBuf::from)
}

/// What of the user's folder an instance reads too. Each only where it is there already: OpenSpace makes what is missing, and an
/// install is never written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserFolders {
    pub profiles: Option<PathBuf>,
    pub assets: Option<PathBuf>,
}

impl UserFolders {
    pub fn find(dir: &Path, env: &BTreeMap<String, String>) -> Self {
        let data = user_folder(dir, env).join("data");
        let there = |name: &str| Some(data.join(name)).filter(|folder| folder.is_dir());
        Self { profiles: there("profiles"), assets: there("assets") }
    }
}

/// The folder of downloaded assets that the build names itself, instead of the one that all builds share.
pub fn own_sync_folder(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    env.get(SYNC_VARIABLE).filter(|told| !told.is_empty()).map(PathBuf::from)
}

/// The file of the executable: `bin/OpenSpace`, or a developer build's `bin/RelWithDebInfo/OpenSpace`, ….
pub fn executable(dir: &Path) -> Option<PathBuf> {
    BIN_FOLDERS.iter().map(|bin| dir.join(bin).join(PROGRAM)).find(|file| file.is_file())
}

/// Chromium's helper program beside the executable, where the build has one.
pub fn helper(executable: &Path) -> Option<PathBuf> {
    Some(executable.with_file_name(HELPER)).filter(|file| file.is_file())
}

/// Below an install, or below a user's folder.
fn profile_folder(dir: &Path) -> PathBuf {
    dir.join("data").join("profiles")
}

/// Names that a sentence lists.
const NAMED_MAX: usize = 6;

fn lacks(libraries: &[String]) -> Option<String> {
    let first = libraries.first()?;
    let named = libraries.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match libraries.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "OpenSpace cannot start: this machine lacks {named}{more}. Install the packages that hold them (`apt-file search {first}` \
         names one), or set LD_LIBRARY_PATH for this build to where they lie."
    ))
}

fn notes(dir: &Path, env: &BTreeMap<String, String>, profiles: &[Profile]) -> Vec<String> {
    let mut notes = Vec::new();
    match (own_sync_folder(env), dir.join("sync").is_dir()) {
        (Some(own), _) if own.is_dir() => {}
        (Some(own), _) => notes.push(format!(
            "Its {SYNC_VARIABLE} is {}, which does not exist yet: assets are downloaded into it at the first start.",
            own.display()
        )),
        (None, true) => notes.push(format!(
            "Its own folder of downloaded assets (sync) is not used, since all builds share one. To use it, set \
             {SYNC_VARIABLE}={} for this build; OpenSpace then writes there.",
            dir.join("sync").display()
        )),
        (None, false) => notes.push(
            "The folder holds no downloaded assets (sync): what a profile needs is downloaded at its first start, or before it, when an \
             administrator has its data fetched."
                .to_owned(),
        ),
    }
    let broken: Vec<_> = profiles
        .iter()
        .filter(|profile| profile.problem.is_some())
        .map(|profile| profile.id.as_str())
        .collect();
    if !broken.is_empty() {
        let named = broken.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
        notes.push(format!(
            "{} of its profiles cannot be used, since their files are broken: {named}.",
            broken.len()
        ));
    }
    notes.extend(disk::fullness(dir));
    notes
}

/// The executable of a folder that has what makes it an OpenSpace, or the reason why it is none.
fn checked_program(dir: &Path) -> Result<PathBuf, NotABuild> {
    let not = |why: &str| NotABuild::NotOpenSpace(dir.to_owned(), why.to_owned());
    let has_configuration = dir.join(CONFIGURATION).exists();
    match executable(dir) {
        Some(program) if has_configuration => Ok(program),
        Some(_) => Err(not("it holds the program, but no openspace.cfg beside its bin folder")),
        None if !has_configuration => {
            Err(not("it holds neither openspace.cfg nor bin/OpenSpace. Choose the folder that holds both"))
        }
        None if cfg!(not(windows)) && dir.join("bin").join("OpenSpace.exe").is_file() => {
            Err(not("its program is made for Windows (bin/OpenSpace.exe). Choose a build for this system"))
        }
        None if dir.join("CMakeLists.txt").is_file() => {
            Err(not("it holds the sources, but bin/OpenSpace has not been built yet. Build it first"))
        }
        None => Err(not("it holds openspace.cfg, but no bin/OpenSpace. Unpack or build it again")),
    }
}

fn version_of(dir: &Path) -> Option<String> {
    let of_sources =
        read_bounded(&dir.join("CMakeLists.txt"), TEXT_BYTES_MAX).ok().and_then(|t| version::of_cmake(&t));
    of_sources.or_else(|| version::of_folder(dir.file_name()?.to_str()?))
}

/// The dialect of a version, where it is one.
pub fn api_of_version(version: &str) -> Option<ApiGeneration> {
    let is_new = version::speaks_new_api(version)?;
    Some(if is_new { ApiGeneration::New } else { ApiGeneration::Legacy })
}

/// By its configuration; where that does not show it, by its version; else the newer one, which is said.
fn api_of(dir: &Path, version: Option<&str>, problems: &mut Vec<String>) -> ApiGeneration {
    let by_version = version.and_then(api_of_version).unwrap_or(ApiGeneration::New);
    match read_bounded(&dir.join(CONFIGURATION), CONFIGURATION_BYTES_MAX) {
        Ok(text) => lua::api_generation(&text).unwrap_or_else(|| {
            problems.push(format!(
                "openspace.cfg has no Server table, so it does not show which API this OpenSpace speaks: {} is assumed. \
                 If it starts but never gets ready, restore the stock openspace.cfg.",
                said(by_version)
            ));
            by_version
        }),
        Err(error) => {
            problems.push(format!(
                "openspace.cfg cannot be read ({error}), and OpenSpace will not start without it. Restore it, or its rights."
            ));
            by_version
        }
    }
}

const fn said(api: ApiGeneration) -> &'static str {
    match api {
        ApiGeneration::New => "the API from 0.22 on",
        ApiGeneration::Legacy => "the API up to 0.21",
    }
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// The text of a regular file of at most `bytes_max`. A pipe or a device is refused before it is opened: it might never end.
fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::other(format!("it is larger than {bytes_max} bytes")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
