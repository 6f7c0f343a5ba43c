//! What two instances of one install may share: the folder of what was downloaded, and what neither writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::instance::Instance;

/// Every file and link below a folder, with what it holds.
pub(super) fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut content = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            content.extend(self::content(&path));
        } else if kind.is_symlink() {
            content.insert(path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else {
            content.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    content
}

/// No file that one of them has open for writing is open in the other, or lies in the other's folder.
pub(super) fn assert_apart(one: &Instance, two: &Instance, root: &Path) {
    for (writer, other) in [(one, two), (two, one)] {
        let written = open_files(writer.pid(), |flags| flags & 0o3 != 0);
        assert!(written.iter().any(|file| file.starts_with(&writer.dir)), "its own log is open: {written:?}");
        let in_other = open_files(other.pid(), |_| true);
        let shared = written.iter().filter(|file| !file.starts_with(root.join("sync")));
        let shared: Vec<_> =
            shared.filter(|file| in_other.contains(*file) || file.starts_with(&other.dir)).collect();
        assert_eq!(shared, Vec::<&PathBuf>::new(), "written by one, open in the other");
    }
}

/// Regular files that a process has opened, by the flags that it did so with. The standard streams are the tests'.
fn open_files(pid: u32, wanted: impl Fn(u32) -> bool) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let files = files.filter(|entry| {
        let own =
            entry.file_name().to_str().is_some_and(|number| number.parse::<u32>().is_ok_and(|fd| fd > 2));
        let info = Path::new("/proc").join(pid.to_string()).join("fdinfo").join(entry.file_name());
        let info = fs::read_to_string(info).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        flags
            .and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok())
            .is_some_and(|flags| own && wanted(flags))
    });
    files.filter_map(|entry| fs::read_link(entry.path()).ok()).filter(|file| file.is_file()).collect()
}

/// Whatever was written below `root` is in one of these folders.
pub(super) fn assert_nothing_beside(root: &Path, folders: &[&Path]) {
    let beside: Vec<_> = content(root)
        .into_keys()
        .filter(|file| !folders.iter().any(|folder| file.starts_with(folder)))
        .collect();
    assert_eq!(beside, Vec::<PathBuf>::new());
}
