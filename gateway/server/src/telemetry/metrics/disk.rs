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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::process::Command;

    use super::{
        super::{
            Metrics,
            exposition::{says, silent},
        },
        *,
    };

    /// What another program says of the file system that a folder is on, in bytes.
    fn asked(column: &str, folder: &Path) -> u64 {
        let output = Command::new("df").args(["--block-size=1", &format!("--output={column}")]).arg(folder).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }

    #[test]
    fn the_room_that_there_is_and_that_is_left_is_said_in_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Metrics::default();
        let folders = [("data", folder.path().to_owned())];
        // Others write meanwhile: what is left is between what it is before and after, give or take.
        let before = asked("avail", folder.path());
        metrics.disks.stand(&folders);
        let after = asked("avail", folder.path());
        let size = asked("size", folder.path());
        says(&metrics, &[&format!(r#"dialog_disk_size_bytes{{folder="data"}} {size}"#)]);
        let free = metrics.disks.free.get_or_create(&FolderLabels { folder: "data" }).get();
        says(&metrics, &[&format!(r#"dialog_disk_free_bytes{{folder="data"}} {free}"#)]);
        let (least, most) = (before.min(after), before.max(after));
        let slack = (size / 20).max(64 << 20);
        assert!(count(least.saturating_sub(slack)) <= free && free <= count(most + slack), "{least} {free} {most}");
    }

    #[test]
    fn what_cannot_be_asked_has_no_number_until_it_can_be_again() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("audit");
        let metrics = Metrics::default();
        let stand = || metrics.disks.stand(&[("audit", path.clone()), ("data", above.path().to_owned())]);
        let is_said = |there: bool| {
            let of_it = [r#"dialog_disk_free_bytes{folder="audit"}"#, r#"dialog_disk_size_bytes{folder="audit"}"#];
            if there {
                let size = asked("size", above.path());
                says(&metrics, &[&format!("{} {size}", of_it[1])]);
            } else {
                silent(&metrics, &of_it);
            }
        };
        for there in [false, true, false, true] {
            if there {
                std::fs::create_dir(&path).unwrap()
            } else {
                drop(std::fs::remove_dir(&path))
            }
            stand();
            is_said(there);
            // The other folder is none the worse for it.
            let size = asked("size", above.path());
            says(&metrics, &[&format!(r#"dialog_disk_size_bytes{{folder="data"}} {size}"#)]);
        }
    }
}
