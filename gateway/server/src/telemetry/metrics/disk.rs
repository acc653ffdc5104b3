//! How much room there is for what must not be forgotten. A full disk stops the gateway: the operator shall know before.

use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::count;

/// A folder of the gateway's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FolderLabels {
    /// What is kept there.
    folder: &'static str,
}

pub(super) struct Disks {
    free: Family<FolderLabels, Gauge>,
    size: Family<FolderLabels, Gauge>,
}

impl Disks {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let free = Family::default();
        let help = "Room that is left to the gateway where it keeps things";
        registry.register_with_unit("disk_free", help, Unit::Bytes, free.clone());
        let size = Family::default();
        let help = "Room that there is in all where the gateway keeps things";
        registry.register_with_unit("disk_size", help, Unit::Bytes, size.clone());
        Self { free, size }
    }

    pub(super) fn stand(&self, folders: &[(&'static str, PathBuf)]) {
        for (folder, path) in folders {
            // What cannot be asked has no number: an alert on absence tells it from a full disk.
            let labels = FolderLabels { folder };
            let Some((free, size)) = room(path) else {
                self.free.remove(&labels);
                self.size.remove(&labels);
                continue;
            };
            self.free.get_or_create(&labels).set(count(free));
            self.size.get_or_create(&labels).set(count(size));
        }
    }
}

/// Bytes that whoever runs this may still write, and bytes in all.
fn room(path: &Path) -> Option<(u64, u64)> {
    let room = statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(room.fragment_size());
    Some((bytes(room.blocks_available()), bytes(room.blocks())))
}
