//! Files that the operator names: regular ones, read no further than their limit, whatever their length says.
//!
//! A length that was asked for before is no bound: a pipe and a file of `/proc` have none, and a file may grow while it
//! is read.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

/// An open file that fails once more than its limit was read from it.
#[derive(Debug)]
pub struct Bounded {
    file: File,
    left: u64,
    limit: u64,
}

/// Opens a file to read at most `limit` bytes of it.
///
/// # Errors
/// When it cannot be opened, or is not a regular file.
pub fn open(path: &Path, limit: u64) -> io::Result<Bounded> {
    let regular = |found: &fs::Metadata| {
        if found.is_file() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")) }
    };
    // Asked before, as opening a pipe waits for whoever writes to it; and of what was opened, as that is what is read.
    regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    regular(&file.metadata()?)?;
    Ok(Bounded { file, left: limit, limit })
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, is not a regular file, or is longer ([`io::ErrorKind::FileTooLarge`]).
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = open(path, limit)?;
    // Room for the whole, so that a secret leaves no copies behind where the buffer would grow.
    let expected = usize::try_from(file.file.metadata()?.len().min(limit)).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 32));
    // What is not given to the caller is overwritten: it may be the beginning of a secret.
    file.read_to_end(&mut bytes)?;
    Ok(std::mem::take(&mut *bytes))
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // One byte over the limit shows that there is more.
        let most = usize::try_from(self.left + 1).unwrap_or(usize::MAX).min(into.len());
        let read = self.file.read(&mut into[..most])?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let what = format!("over the limit of {} bytes", self.limit);
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_read_to_its_limit_and_not_a_byte_further() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"12345").unwrap();
        assert_eq!(read(file.path(), 5).unwrap(), b"12345");
        let error = read(file.path(), 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "over the limit of 4 bytes");
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_is_stopped_at_its_limit() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"123").unwrap();
        let mut opened = open(file.path(), 4).unwrap();
        let mut some = [0; 3];
        opened.read_exact(&mut some).unwrap();
        file.write_all(b"456").unwrap();
        assert_eq!(opened.read_to_end(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_pipe_and_a_device_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert_eq!(read(path, 10).unwrap_err().to_string(), "not a regular file", "{}", path.display());
        }
    }
}
