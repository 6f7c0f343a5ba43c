//! Writes the demo's build folder: what a folder of OpenSpace has, as far as anybody looks.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::dialect::Dialect;

const COMMON: &[(&str, &str)] = &[
    ("DEMO.md", include_str!("../build/DEMO.md")),
    ("config/single.json", include_str!("../build/config/single.json")),
    ("data/profiles/default.profile", include_str!("../build/data/profiles/default.profile")),
    ("data/profiles/nightsky.profile", include_str!("../build/data/profiles/nightsky.profile")),
    ("data/profiles/solar-system.profile", include_str!("../build/data/profiles/solar-system.profile")),
];
const NEW: &[(&str, &str)] = &[
    ("openspace.cfg", include_str!("../build/openspace.cfg")),
    ("COMMIT.md", include_str!("../build/COMMIT.md")),
];
const LEGACY: &[(&str, &str)] = &[
    ("openspace.cfg", include_str!("../build/legacy/openspace.cfg")),
    ("COMMIT.md", include_str!("../build/legacy/COMMIT.md")),
    (HELPER, include_str!("../build/legacy/scripts/configuration_helper.lua")),
];
/// Its presence would make a folder look like 0.21.
const HELPER: &str = "scripts/configuration_helper.lua";

/// Writes what is missing or stale; what is right already is not touched. Safe to repeat, also while instances run from the folder.
///
/// # Errors
/// With the path that could not be written.
pub fn install(dir: &Path, dialect: Dialect, program: &Path) -> io::Result<()> {
    let special = match dialect {
        Dialect::New => NEW,
        Dialect::Legacy => LEGACY,
    };
    for (name, text) in COMMON.iter().chain(special) {
        let file = dir.join(name);
        write_if_stale(&file, text).map_err(|error| naming(&file, &error))?;
    }
    if dialect == Dialect::New {
        remove_if_there(&dir.join(HELPER))?;
    }
    let link = dir.join("bin/OpenSpace");
    link_if_stale(&link, program).map_err(|error| naming(&link, &error))
}

fn write_if_stale(file: &Path, text: &str) -> io::Result<()> {
    if fs::read(file).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    make_parent(file)?;
    let draft = beside(file);
    fs::File::create(&draft)?.write_all(text.as_bytes())?;
    fs::rename(draft, file)
}

fn link_if_stale(link: &Path, program: &Path) -> io::Result<()> {
    if fs::read_link(link).is_ok_and(|old| old == program) {
        return Ok(());
    }
    make_parent(link)?;
    let draft = beside(link);
    remove_if_there(&draft)?;
    symlink(program, &draft)?;
    fs::rename(draft, link)
}

fn make_parent(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}

fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(naming(file, &error)),
        _ => Ok(()),
    }
}

/// A name in the same folder, of this process only, so that a rename replaces the old file in one step.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    name.into()
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn installing_again_repairs_and_otherwise_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let program = Path::new("/usr/bin/true");
        install(dir.path(), Dialect::New, program).unwrap();
        let written = |name: &str| fs::metadata(dir.path().join(name)).unwrap().modified().unwrap();
        let before = written("openspace.cfg");
        fs::write(dir.path().join("COMMIT.md"), "stale").unwrap();
        install(dir.path(), Dialect::New, program).unwrap();
        assert_eq!(written("openspace.cfg"), before);
        assert_eq!(fs::read_to_string(dir.path().join("COMMIT.md")).unwrap(), NEW[1].1);
        assert_eq!(fs::read_link(dir.path().join("bin/OpenSpace")).unwrap(), program);
    }

    #[test]
    fn a_moved_program_is_linked_anew_and_a_layout_can_change() {
        let dir = tempfile::tempdir().unwrap();
        install(dir.path(), Dialect::Legacy, Path::new("/old")).unwrap();
        assert!(dir.path().join(HELPER).exists());
        install(dir.path(), Dialect::New, Path::new("/new")).unwrap();
        assert!(!dir.path().join(HELPER).exists());
        assert_eq!(fs::read_link(dir.path().join("bin/OpenSpace")).unwrap(), Path::new("/new"));
    }
}
