//! How many bytes a log's files have, counted as they are written: whoever asks for it every few seconds must not have a
//! folder of a hundred thousand tiles looked through.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::{Disk, DiskFile};
use crate::layout;

/// A disk that counts the bytes of one log's files. Each file is changed by one thread at a time, as the log does it.
#[derive(Debug)]
pub(crate) struct Weighed {
    disk: Arc<dyn Disk>,
    bytes: Arc<Bytes>,
}

#[derive(Debug)]
struct Bytes(AtomicU64);

impl Bytes {
    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Somebody else may have made files smaller meanwhile: less than nothing is nothing.
    fn take(&self, bytes: u64) {
        let less = |weight: u64| Some(weight.saturating_sub(bytes));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl Weighed {
    /// Of the log in a folder, whose files are looked at this once. Reads folders; blocks.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path) -> io::Result<Self> {
        let mut bytes = length(&dir.join(layout::CHECKPOINT)) + length(&dir.join(layout::REMOVED));
        for folder in [layout::JOURNAL, layout::TILES] {
            bytes += weight(&dir.join(folder))?;
        }
        Ok(Self { disk, bytes: Arc::new(Bytes(AtomicU64::new(bytes))) })
    }

    /// Bytes of the log's files.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.0.load(Ordering::Relaxed)
    }
}

/// Bytes of a file; none where there is none.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Bytes of all files in a folder and below it.
fn weight(folder: &Path) -> io::Result<u64> {
    let (mut bytes, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let listed = match fs::read_dir(&folder) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            listed => listed?,
        };
        for item in listed {
            let item = item?;
            if item.file_type()?.is_dir() {
                folders.push(item.path());
            } else {
                bytes += length(&item.path());
            }
        }
    }
    Ok(bytes)
}

impl Disk for Weighed {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let before = length(path);
        let file = self.disk.create(path)?;
        self.bytes.take(before);
        Ok(Box::new(WeighedFile { file, path: path.to_owned(), length: 0, bytes: Arc::clone(&self.bytes) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let before = length(to);
        self.disk.rename(from, to)?;
        self.bytes.take(before);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let before = length(path);
        self.disk.remove_file(path)?;
        self.bytes.take(before);
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        // What cannot be looked at has not been counted either.
        let before = weight(path).unwrap_or(0);
        let removed = self.disk.remove_dir(path);
        // Some of it may have gone before it failed.
        let left = if removed.is_ok() { 0 } else { weight(path).unwrap_or(0) };
        self.bytes.take(before.saturating_sub(left));
        removed
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }
}

/// A file that is being written, whose bytes are counted.
struct WeighedFile {
    file: Box<dyn DiskFile>,
    /// Where it was made; it may have another name since.
    path: PathBuf,
    length: u64,
    bytes: Arc<Bytes>,
}

impl WeighedFile {
    fn has_at_least(&mut self, length: u64) {
        self.bytes.add(length.saturating_sub(self.length));
        self.length = self.length.max(length);
    }
}

impl DiskFile for WeighedFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let written = self.file.write_all_at(bytes, offset);
        // Some of it may have been written before it failed. What has its name already has its length too.
        self.has_at_least(if written.is_ok() { offset + bytes.len() as u64 } else { length(&self.path) });
        written
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::disk::RealDisk;
    use crate::simulated::SimulatedDisk;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::TempDir::new().unwrap();
        for name in [layout::JOURNAL, layout::TILES, "tile/0"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        folder
    }

    fn write(disk: &dyn Disk, path: &Path, length: usize) -> io::Result<()> {
        disk.create(path)?.write_all_at(&vec![7; length], 0)
    }

    #[test]
    fn what_is_there_already_counts_and_what_is_none_of_the_logs_does_not() {
        let folder = folder();
        for (name, length) in
            [("checkpoint", 10), ("removed", 20), ("journal/lock", 0), ("tile/0/000", 300), ("mine", 4000)]
        {
            fs::write(folder.path().join(name), vec![0; length]).unwrap();
        }
        assert_eq!(Weighed::new(Arc::new(RealDisk), folder.path()).unwrap().bytes(), 330);
        let none = Weighed::new(Arc::new(RealDisk), &folder.path().join("none")).unwrap();
        assert_eq!(none.bytes(), 0);
    }

    #[test]
    fn each_byte_counts_once_however_files_are_written_replaced_and_removed() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let disk = Weighed::new(Arc::new(RealDisk), folder.path()).unwrap();
        write(&disk, &at("journal/a.tmp"), 1000).unwrap();
        assert_eq!(disk.bytes(), 1000);
        // Written anew, and shorter.
        write(&disk, &at("journal/a.tmp"), 600).unwrap();
        assert_eq!(disk.bytes(), 600);
        disk.rename(&at("journal/a.tmp"), &at("checkpoint")).unwrap();
        assert_eq!(disk.bytes(), 600);
        // In place of another.
        write(&disk, &at("journal/a.tmp"), 70).unwrap();
        assert_eq!(disk.bytes(), 670);
        disk.rename(&at("journal/a.tmp"), &at("checkpoint")).unwrap();
        assert_eq!(disk.bytes(), 70);
        // What is written over is there already; what goes beyond the end is not.
        let mut file = disk.create(&at("journal/b.tmp")).unwrap();
        for (offset, bytes) in [(0, 70 + 100), (50, 70 + 100), (90, 70 + 140)] {
            file.write_all_at(&[1; 50], offset).unwrap();
            file.write_all_at(&[1; 50], 50).unwrap();
            assert_eq!(disk.bytes(), bytes);
        }
        disk.remove_file(&at("journal/b.tmp")).unwrap();
        assert_eq!(disk.bytes(), 70);
        assert!(disk.remove_file(&at("journal/b.tmp")).is_err());
        // A folder with what is in it.
        disk.create_dir(&at("tile/0/000.p")).unwrap();
        for (name, length) in [("1", 32), ("2", 64)] {
            write(&disk, &at("tile/0/000.p").join(name), length).unwrap();
        }
        assert_eq!(disk.bytes(), 166);
        disk.remove_dir(&at("tile/0/000.p")).unwrap();
        disk.remove_dir(&at("tile/0/000.p")).unwrap();
        assert_eq!(disk.bytes(), 70);
    }

    #[test]
    fn what_a_full_disk_took_before_it_was_full_counts_until_it_is_removed() {
        let folder = folder();
        let full = SimulatedDisk::default();
        let disk = Weighed::new(Arc::new(full.clone()), folder.path()).unwrap();
        let path = folder.path().join("journal/a.tmp");
        let mut file = disk.create(&path).unwrap();
        full.set_room(Some(100));
        file.write_all_at(&[1; 80], 0).unwrap();
        assert!(file.write_all_at(&[1; 80], 80).is_err());
        assert_eq!(disk.bytes(), 80);
        assert!(disk.rename(&path, &folder.path().join("checkpoint")).is_ok());
        disk.remove_file(&folder.path().join("checkpoint")).unwrap();
        assert_eq!(disk.bytes(), 0);
    }

    /// Writes half of what it is given, and fails.
    #[derive(Debug)]
    struct HalfDisk;

    struct HalfFile(Box<dyn DiskFile>);

    impl Disk for HalfDisk {
        fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
            Ok(Box::new(HalfFile(RealDisk.create(path)?)))
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            RealDisk.rename(from, to)
        }

        fn remove_file(&self, path: &Path) -> io::Result<()> {
            RealDisk.remove_file(path)
        }

        fn create_dir(&self, path: &Path) -> io::Result<()> {
            RealDisk.create_dir(path)
        }

        fn remove_dir(&self, path: &Path) -> io::Result<()> {
            // One file of it.
            if let Some(item) = fs::read_dir(path)?.next() {
                fs::remove_file(item?.path())?;
            }
            Err(io::ErrorKind::PermissionDenied.into())
        }

        fn sync_dir(&self, path: &Path) -> io::Result<()> {
            RealDisk.sync_dir(path)
        }
    }

    impl DiskFile for HalfFile {
        fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
            self.0.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            Err(io::ErrorKind::StorageFull.into())
        }

        fn sync_data(&mut self) -> io::Result<()> {
            self.0.sync_data()
        }
    }

    #[test]
    fn what_is_done_by_half_counts_by_half() {
        let folder = folder();
        let disk = Weighed::new(Arc::new(HalfDisk), folder.path()).unwrap();
        for name in ["tile/0/000", "tile/0/001"] {
            assert!(write(&disk, &folder.path().join(name), 100).is_err());
        }
        assert_eq!(disk.bytes(), 100);
        assert!(disk.remove_dir(&folder.path().join("tile/0")).is_err());
        assert_eq!(disk.bytes(), 50);
    }
}
