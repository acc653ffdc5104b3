//! The last durable revision, in a file of 16 bytes beside sled: the number, then its complement.
//!
//! It is written after each group's fsync, without one of its own: what it says is always true of the disk, and after
//! a power cut it may only say too little. Opening compares it with what sled recovered.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

const NAME: &str = "watermark";

/// The open file.
#[derive(Debug)]
pub(super) struct Watermark {
    file: File,
}

impl Watermark {
    /// The recorded revision. None where there is no record, or where a power cut left half of one.
    pub(super) fn read(folder: &Path) -> io::Result<Option<u64>> {
        let raw = match std::fs::read(folder.join(NAME)) {
            Ok(raw) => raw,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let recorded = decode(&raw);
        if recorded.is_none() {
            tracing::warn!("the store's watermark is unreadable: lost commits would go unnoticed at this start");
        }
        Ok(recorded)
    }

    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(folder.join(NAME))?;
        Ok(Self { file })
    }

    /// Records a revision that is durable.
    pub(super) fn record(&self, revision: u64) -> io::Result<()> {
        self.file.write_all_at(&encode(revision), 0)
    }
}

fn encode(revision: u64) -> [u8; 16] {
    ((u128::from(revision) << 64) | u128::from(!revision)).to_be_bytes()
}

fn decode(raw: &[u8]) -> Option<u64> {
    let both = u128::from_be_bytes(raw.try_into().ok()?);
    let (revision, complement) = ((both >> 64) as u64, both as u64);
    (revision == !complement).then_some(revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_record_is_no_record() {
        assert_eq!(decode(&encode(77)), Some(77));
        assert_eq!(decode(&encode(77)[..15]), None);
        let mut torn = encode(0x0102);
        torn[7] = 0x03;
        assert_eq!(decode(&torn), None);
    }
}
