//! The files by which programs on this machine find the node that runs: `ports.json` for everybody, `admin.token` for its owner.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use model::Secret;
use protocol::admin::Ports;

fn ports_file(data_dir: &Path) -> PathBuf {
    data_dir.join("ports.json")
}

fn token_file(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.token")
}

/// Written last, once the node serves.
pub fn announce(data_dir: &Path, ports: Ports, token: &Secret) -> Result<()> {
    write_private(&token_file(data_dir), token.reveal().as_bytes())?;
    let json = serde_json::to_string(&ports).context("writing ports.json")?;
    write_private(&ports_file(data_dir), json.as_bytes())
}

/// Removed when the node ends, so that nobody looks for it in vain.
pub fn withdraw(data_dir: &Path) {
    for file in [ports_file(data_dir), token_file(data_dir)] {
        drop(fs::remove_file(file));
    }
}

/// The node that runs on this data folder, by the word of its files.
pub fn running(data_dir: &Path) -> Option<(Ports, Secret)> {
    let ports = serde_json::from_str(&fs::read_to_string(ports_file(data_dir)).ok()?).ok()?;
    let token = Secret::parse(fs::read_to_string(token_file(data_dir)).ok()?.trim()).ok()?;
    Some((ports, token))
}

/// Whole or not at all, and readable by its owner only.
pub(crate) fn write_private(file: &Path, bytes: &[u8]) -> Result<()> {
    let beside = file.with_extension("new");
    let write = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&beside)?.write_all(bytes)?;
        fs::rename(&beside, file)
    };
    write().with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_announced_is_found_until_it_is_withdrawn() {
        let dir = tempfile::tempdir().unwrap();
        let ports = Ports { http: 1, https: Some(2), media: 3, supervisor: None, relay: Some(4) };
        let token = Secret::from_random([1; 32]);
        announce(dir.path(), ports, &token).unwrap();
        assert_eq!(running(dir.path()), Some((ports, token)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(token_file(dir.path())).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        withdraw(dir.path());
        assert_eq!(running(dir.path()), None);
    }
}
