//! What does not change while the machine runs.

use std::path::Path;

use sysinfo::{DiskKind, Disks, MemoryRefreshKind, RefreshKind, System};

/// Cores that this process may use, and bytes of RAM: what the number of instances follows from.
pub fn capacity() -> (u32, u64) {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let refresh = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let memory = System::new_with_specifics(refresh).map_or(0, |system| system.total_memory());
    (cores, memory)
}

/// What the machine calls itself.
pub fn host_name() -> String {
    System::host_name().ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "this machine".to_owned())
}

/// Is the disk that holds this folder one without moving parts? `None` where nobody knows: on networks, in memory, in some clouds.
pub fn is_ssd(folder: &Path) -> Option<bool> {
    let disks = Disks::new_with_refreshed_list().ok()?;
    let holds = |disk: &&sysinfo::Disk| folder.starts_with(disk.mount_point());
    let disk = disks.iter().filter(holds).max_by_key(|disk| disk.mount_point().components().count())?;
    match disk.kind() {
        DiskKind::SSD => Some(true),
        DiskKind::HDD => Some(false),
        DiskKind::Unknown(_) => None,
    }
}
