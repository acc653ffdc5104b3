//! Custom sections of a WebAssembly file: found and added without reading anything else of it. A section is its kind (0
//! where it is a custom one), the length of what follows, the length of its name, the name, the content; lengths are
//! unsigned LEB128.

/// What every WebAssembly file begins with; four bytes of version and layer follow.
const MAGIC: &[u8] = b"\0asm";

/// The magic, version and layer, in bytes.
const HEADER_BYTES: usize = 8;

/// A custom section that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Where in the file it begins, its kind and lengths included.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What is in it.
    pub content: &'a [u8],
}

/// The first custom section of this name at the file's outermost level; none in what is not WebAssembly, or not whole.
#[must_use]
pub fn find<'a>(file: &'a [u8], name: &str) -> Option<Found<'a>> {
    let mut at = HEADER_BYTES;
    file.get(..at)?.strip_prefix(MAGIC)?;
    loop {
        let (kind, start) = (*file.get(at)?, at);
        let (length, body) = length(file, at + 1)?;
        at = body.checked_add(length)?;
        let section = file.get(body..at)?;
        if kind == 0 {
            let (size, from) = self::length(section, 0)?;
            let until = from.checked_add(size)?;
            if section.get(from..until)? == name.as_bytes() {
                return Some(Found { start, end: at, content: &section[until..] });
            }
        }
    }
}

/// Adds a custom section at the end.
pub fn append(file: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut section = Vec::with_capacity(name.len() + content.len() + 5);
    put_length(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    file.push(0);
    put_length(file, section.len());
    file.extend_from_slice(&section);
}

/// A length of at most 32 bits, and where it ends.
fn length(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut length = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *bytes.get(at)?;
        at += 1;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((usize::try_from(u32::try_from(length).ok()?).ok()?, at));
        }
    }
    None
}

fn put_length(bytes: &mut Vec<u8>, mut length: usize) {
    loop {
        // The lowest seven bits.
        let low = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn empty() -> Vec<u8> {
        [MAGIC, &[0x0d, 0, 1, 0]].concat()
    }

    #[test]
    fn a_section_of_any_length_is_found_as_it_was_added() {
        for length in [0, 1, 115, 116, 127, 128, 16_384, 2_100_000] {
            let mut file = empty();
            append(&mut file, "before", b"something");
            let start = file.len();
            append(&mut file, "wanted", &vec![b'x'; length]);
            let end = file.len();
            append(&mut file, "after", b"something");
            let found = find(&file, "wanted").unwrap();
            assert_eq!((found.start, found.end, found.content.len()), (start, end, length));
            assert!(find(&file, "want").is_none() && find(&file, "wanted ").is_none());
        }
    }

    #[test]
    fn what_is_cut_off_or_no_webassembly_has_no_sections() {
        let mut file = empty();
        append(&mut file, "wanted", b"content");
        for cut in 0..file.len() {
            assert_eq!(find(&file[..cut], "wanted"), None, "cut to {cut}");
        }
        assert_eq!(find(b"#!/bin/sh\n\0\x07\x06wanted", "wanted"), None);
    }

    #[test]
    fn lengths_that_no_file_has_are_no_lengths() {
        for (bytes, expected) in [
            (&[0x7f][..], Some((127, 1))),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], Some((u32::MAX as usize, 5))),
            (&[0xff, 0xff, 0xff, 0xff, 0x1f], None),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00], None),
            (&[0x80], None),
            (&[], None),
        ] {
            assert_eq!(length(bytes, 0), expected, "{bytes:x?}");
        }
    }
}
