//! Where a program is, as a shell would find it.

use std::{env, path::PathBuf};

/// The first file of this name in the folders of `PATH`.
pub fn find(program: impl AsRef<std::path::Path>) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(program.as_ref())).find(|file| file.is_file())
}
