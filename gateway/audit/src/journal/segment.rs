//! Making a segment, and appending groups to it.
//!
//! The first sector names the segment: magic, number, size, the log that it belongs to, and a
//! checksum over all of the sector. It gets its name when it is whole and durable, so a segment
//! that is shorter than it says was cut afterwards.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::group::SECTOR;
use crate::disk::{Disk, DiskFile};
use crate::layout;

const MAGIC: &[u8; 8] = b"AJOURNL1";
/// Zeros are written this many bytes at a time.
const FILL_BYTES: usize = 256 * 1024;

/// A segment that can be appended to.
pub(crate) struct Segment {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    size: u64,
    used: u64,
}

impl Segment {
    /// Makes a segment of `size` bytes, filled with zeros, durable under its name.
    pub(crate) fn create(disk: &dyn Disk, dir: &Path, origin: &str, number: u64, size: u64) -> io::Result<Self> {
        let path = dir.join(layout::segment(number));
        let unfinished = dir.join(format!("{}{}", layout::segment(number), layout::UNFINISHED));
        let made = Self::fill(disk, &unfinished, &header(origin, number, size), size)
            .and_then(|file| disk.rename(&unfinished, &path).map(|()| file))
            .and_then(|file| disk.sync_dir(&dir.join(layout::JOURNAL)).map(|()| file));
        match made {
            Ok(file) => Ok(Self { file, path, size, used: SECTOR as u64 }),
            Err(why) => {
                // What was filled so far is room that others may need, the log's tiles among them.
                let _ = disk.remove_file(&unfinished);
                let _ = disk.remove_file(&path);
                Err(why)
            }
        }
    }

    fn fill(disk: &dyn Disk, path: &Path, header: &[u8; SECTOR], size: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut file = disk.create(path)?;
        file.write_all_at(header, 0)?;
        let zeros = vec![0; FILL_BYTES];
        for (piece, at) in (SECTOR as u64..size).step_by(FILL_BYTES).enumerate() {
            let length = (size - at).min(FILL_BYTES as u64);
            file.write_all_at(&zeros[..length as usize], at)?;
            // Appends to the segment in use flush meanwhile; they must not queue behind all of it.
            if piece % 4 == 3 {
                file.sync_data()?;
            }
        }
        file.sync_data()?;
        Ok(file)
    }

    /// Whether a group of this many bytes still fits.
    pub(crate) fn fits(&self, length: usize) -> bool {
        self.used + length as u64 <= self.size
    }

    /// Whether more than half of it is used.
    pub(crate) fn is_half_used(&self) -> bool {
        self.used * 2 > self.size
    }

    /// Writes a group and makes it durable. After an error the segment must not be used again:
    /// what the disk holds of the group is not known.
    pub(crate) fn append(&mut self, group: &[u8]) -> io::Result<()> {
        self.file.write_all_at(group, self.used)?;
        self.file.sync_data()?;
        self.used += group.len() as u64;
        Ok(())
    }

    /// Closes it, and says where it is.
    pub(crate) fn into_path(self) -> PathBuf {
        self.path
    }
}

fn header(origin: &str, number: u64, size: u64) -> [u8; SECTOR] {
    let mut sector = [0; SECTOR];
    sector[0..8].copy_from_slice(MAGIC);
    sector[8..16].copy_from_slice(&number.to_le_bytes());
    sector[16..24].copy_from_slice(&size.to_le_bytes());
    sector[24..56].copy_from_slice(&Sha256::digest(origin.as_bytes()));
    let checksum = crc32fast::hash(&sector[..SECTOR - 4]);
    sector[SECTOR - 4..].copy_from_slice(&checksum.to_le_bytes());
    sector
}

/// Checks a segment's first sector and size.
pub(crate) fn check_header(bytes: &[u8], origin: &str, number: u64) -> Result<(), String> {
    let Some(sector) = bytes.first_chunk::<SECTOR>() else {
        return Err(format!("it has {} bytes, less than a segment's header", bytes.len()));
    };
    let size = u64::from_le_bytes(sector[16..24].try_into().unwrap_or_default());
    if *sector != header(origin, number, size) {
        return Err("its header is damaged, or it belongs to another log or place".to_owned());
    }
    if size != bytes.len() as u64 {
        return Err(format!("it was made with {size} bytes and now has {}", bytes.len()));
    }
    Ok(())
}
