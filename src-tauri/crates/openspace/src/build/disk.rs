//! How much room a folder's disk has left.

use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// A profile's downloads take some gigabytes; less than one is next to nothing.
const LEAST_BYTES: u64 = 1 << 30;

/// A sentence where the disk is all but full. A read-only image is always full, and nobody minds.
pub(super) fn fullness(dir: &Path) -> Option<String> {
    let disk = statvfs(dir).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
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
    fn room_is_told_in_megabytes() {
        assert!(says(5 << 20).contains("has 5 MB left"));
        assert_eq!(fullness(Path::new("/no/such/folder")), None);
        assert_eq!(fullness(Path::new("/proc")), None, "it has no blocks");
    }
}
