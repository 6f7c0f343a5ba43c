//! Looks at the disk: what a folder is, and whether it is still what it was. Blocks.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use model::{Build, BuildId, BuildKind};
use openspace::build::Inspection;

use super::{AddError, Seen};

/// A folder as a build that can be registered.
pub fn register(dir: PathBuf, env: BTreeMap<String, String>, args: Vec<String>) -> Result<Build, AddError> {
    let inspection = openspace::build::inspect(&dir, &env)?;
    let name = name_of(&dir, inspection.version.as_deref(), inspection.demo);
    let id = if inspection.demo { BuildId::demo() } else { BuildId::from_name(&name)? };
    Ok(Build { id, name, kind: kind_of(dir, &inspection), env, args })
}

/// What there is now, and the build as it is now: a folder may have been updated in its place.
pub fn look(build: Build) -> (Build, Seen) {
    match &build.kind {
        BuildKind::Program { command, .. } => {
            let problems = locate(command).err().map(|error| sentence(&error.to_string()));
            (build.clone(), Seen { problems: problems.into_iter().collect(), ..Seen::default() })
        }
        BuildKind::OpenSpace { dir, .. } => look_at_folder(&build, dir),
    }
}

/// What a look would read, in short.
pub fn fingerprint(build: &Build) -> String {
    match &build.kind {
        BuildKind::OpenSpace { dir, .. } => openspace::build::fingerprint(dir, &build.env),
        BuildKind::Program { command, .. } => locate(command).is_ok().to_string(),
    }
}

fn look_at_folder(build: &Build, dir: &Path) -> (Build, Seen) {
    let program = openspace::build::program_mark(dir);
    match openspace::build::inspect(dir, &build.env) {
        Ok(inspection) => {
            let current = updated(build, dir, &inspection);
            let Inspection { profiles, problems, notes, .. } = inspection;
            (current, Seen { profiles, problems, notes, program, ..Seen::default() })
        }
        Err(error) => {
            let problems = vec![sentence(&error.to_string())];
            (build.clone(), Seen { problems, program, ..Seen::default() })
        }
    }
}

/// A name that was made from the version follows it; one that people gave stays.
fn updated(build: &Build, dir: &Path, inspection: &Inspection) -> Build {
    let kind = kind_of(dir.to_owned(), inspection);
    let former = match &build.kind {
        BuildKind::OpenSpace { version, demo, .. } => name_of(dir, version.as_deref(), *demo),
        BuildKind::Program { .. } => String::new(),
    };
    let name = match build.name == former {
        true => name_of(dir, inspection.version.as_deref(), inspection.demo),
        false => build.name.clone(),
    };
    Build { name, kind, ..build.clone() }
}

fn kind_of(dir: PathBuf, inspection: &Inspection) -> BuildKind {
    let Inspection { api, version, commit, demo, .. } = inspection;
    BuildKind::OpenSpace { dir, api: *api, version: version.clone(), commit: commit.clone(), demo: *demo }
}

fn name_of(dir: &Path, version: Option<&str>, demo: bool) -> String {
    match (version, demo) {
        (_, true) => "Demo sky".to_owned(),
        (Some(version), _) => format!("OpenSpace {version}"),
        (None, _) => {
            dir.file_name().map_or_else(|| "OpenSpace".to_owned(), |name| name.to_string_lossy().into_owned())
        }
    }
}

fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// The file of a command: as it stands, or found in `PATH`.
pub fn locate(command: &Path) -> Result<PathBuf, AddError> {
    let not = |why| AddError::NotAProgram(command.to_owned(), why);
    let found = if command.components().count() > 1 {
        std::path::absolute(command).ok().filter(|file| file.is_file())
    } else {
        crate::path::find(command)
    };
    let found = found.ok_or_else(|| not("there is no such file"))?;
    if is_executable(&found) { Ok(found) } else { Err(not("it is not executable")) }
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_file: &Path) -> bool {
    true
}
