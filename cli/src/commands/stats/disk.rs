//! What a database takes of the disk.

use std::fs;
use std::path::Path;

use crate::outcome::Failure;

/// Bytes on disk, by what they are.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) segments: u64,
    pub(super) wal: u64,
    pub(super) catalog: u64,
    pub(super) other: u64,
}

impl Disk {
    pub(super) fn of(directory: &Path) -> Result<Disk, Failure> {
        let mut disk = Disk::default();
        let mut waiting = vec![directory.to_path_buf()];
        while let Some(directory) = waiting.pop() {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                // The writer may have removed it meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Failure::io("list", &directory, error)),
            };
            for entry in entries.flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    waiting.push(entry.path());
                    continue;
                }
                let path = entry.path();
                *match path.extension().and_then(|ending| ending.to_str()) {
                    Some("seg") => &mut disk.segments,
                    Some("wal") => &mut disk.wal,
                    Some("redb") => &mut disk.catalog,
                    _ => &mut disk.other,
                } += metadata.len();
            }
        }
        Ok(disk)
    }

    pub(super) fn total(&self) -> u64 {
        self.segments + self.wal + self.catalog + self.other
    }
}
