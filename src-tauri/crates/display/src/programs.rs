//! Finds programs on this machine, as a shell would.

use std::{
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Where VirtualGL's own packages put it, which is on no `PATH`.
const VIRTUAL_GL: &str = "/opt/VirtualGL/bin/vglrun";

/// `vglrun`, if VirtualGL is installed.
pub fn find_vglrun() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    find("vglrun", &path).or_else(|| Some(PathBuf::from(VIRTUAL_GL)).filter(|path| is_executable(path)))
}

/// The first executable file of this name in the folders of `path`.
fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_first_executable_on_the_path_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let [plain, runs] = ["plain", "runs"].map(|name| dir.path().join(name));
        for folder in [&plain, &runs] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("vglrun"), "").unwrap();
        }
        std::fs::set_permissions(runs.join("vglrun"), std::fs::Permissions::from_mode(0o755)).unwrap();

        let path = std::env::join_paths([Path::new("/nowhere"), &plain, &runs]).unwrap();
        assert_eq!(find("vglrun", &path), Some(runs.join("vglrun")));
        assert_eq!(find("vglrun", OsStr::new("/nowhere")), None);
    }
}
