//! How much room a folder's disk has left.

use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};

/// A profile's downloads take some gigabytes; less than one is next to nothing.
const LEAST_BYTES: u64 = 1 << 30;

/// How much is left on the disk that holds this folder, or will hold it.
pub fn free_bytes(dir: &Path) -> Option<u64> {
    let there = dir.ancestors().find(|folder| folder.exists())?;
    statvfs(there).ok().map(|disk| free(&disk))
}

fn free(disk: &StatVfs) -> u64 {
    disk.f_bavail.saturating_mul(disk.f_frsize)
}

/// A sentence where the disk is all but full. A read-only image is always full, and nobody minds.
pub(super) fn fullness(dir: &Path) -> Option<String> {
    let disk = statvfs(dir).ok()?;
    let free = free(&disk);
    let is_full = disk.f_blocks > 0 && free < LEAST_BYTES && !disk.f_flag.contains(StatVfsMountFlags::RDONLY);
    is_full.then(|| says(free))
}

fn says(free: u64) -> String {
    format!(
        "The disk of this folder has {} MB left. Nothing is written there while it runs, but an update of it, or assets that are \
         downloaded to that disk, will not fit: free some space.",
        free >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_that_will_hold_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let free = free_bytes(&dir.path().join("not/there/yet")).expect("a disk");
        assert!(free > 0 || fullness(dir.path()).is_some());
    }

    #[test]
    fn room_is_told_in_megabytes() {
        assert!(says(5 << 20).contains("has 5 MB left"));
        assert_eq!(fullness(Path::new("/no/such/folder")), None);
        assert_eq!(fullness(Path::new("/proc")), None, "it has no blocks");
    }
}
