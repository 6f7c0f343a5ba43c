//! A short text that changes whenever a build folder does: times and lengths of what it is known by, its contents unread.

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{DEMO_MARK, disk, executable, helper, profile_folder, profiles, user_folder};

/// Beside the program itself.
const FILES: &[&str] =
    &["openspace.cfg", "openspace.cfg.override", "CMakeLists.txt", "COMMIT.md", DEMO_MARK, "sync"];

/// Of everything that [`super::inspect`] reads. Cheap: some dozens of looks at names, for a folder on this machine.
pub fn fingerprint(dir: &Path, env: &BTreeMap<String, String>) -> String {
    let program = executable(dir);
    let beside = program.as_deref().and_then(helper);
    let known = FILES.iter().map(|name| dir.join(name)).chain(program).chain(beside);
    let mut hasher = DefaultHasher::new();
    let profiles = profiles::files(&profile_folder(dir), &profile_folder(&user_folder(dir, env)));
    for file in known.chain(profiles) {
        (&file, mark(&file)).hash(&mut hasher);
    }
    disk::fullness(dir).is_some().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Of the program alone: what a running one said of itself holds as long as this stays the same.
pub fn program_mark(dir: &Path) -> Option<String> {
    let (time, length) = mark(&executable(dir)?)?;
    Some(format!("{time}-{length}"))
}

/// When it was written, and how long it is. A folder's length says nothing.
fn mark(path: &PathBuf) -> Option<(u128, u64)> {
    let found = fs::metadata(path).ok()?;
    let time = found.modified().ok()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Some(if found.is_dir() { (0, 0) } else { (time, found.len()) })
}
