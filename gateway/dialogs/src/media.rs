//! Which kind of file some bytes are, by their content: never by name, never by what the sender says.
//!
//! The check reads the two ends of a file, so that it works on a stream. It tells the three supported kinds from
//! everything else, and from files that were cut off; it does not promise that a viewer likes what lies between.

use dialog_contract::dialog::MediaType;

/// How many bytes of the beginning [`sniff`] looks at.
pub const HEAD_BYTES: usize = 64;

/// How many bytes of the end [`sniff`] looks at. Telephones append up to some tens of KiB of their own after a picture.
pub const TAIL_BYTES: usize = 64 * 1024;

/// The trailer of a PDF stands within its last 1024 bytes (Adobe's implementation note 18 to PDF 1.7, appendix H).
const PDF_TRAILER_WINDOW: usize = 1024;

/// Finds the kind of a file of `size` bytes from its first [`HEAD_BYTES`] and its last [`TAIL_BYTES`] (fewer where the
/// file is shorter; the two may overlap). None where it is not whole, or none of the supported kinds.
///
/// - JPEG (ITU-T T.81): start of image, then a marker segment; an end of image near the end.
/// - PNG (W3C PNG, third edition): signature, then an `IHDR` that describes a picture; `IEND` is the very end.
/// - PDF (ISO 32000): a header of version 1 or 2 at the very beginning; `%%EOF` near the end.
#[must_use]
pub fn sniff(head: &[u8], tail: &[u8], size: u64) -> Option<MediaType> {
    if (head.len() as u64) > size || (tail.len() as u64) > size {
        return None;
    }
    if is_jpeg(head, tail) {
        Some(MediaType::Jpeg)
    } else if is_png(head, tail, size) {
        Some(MediaType::Png)
    } else if is_pdf(head, tail) {
        Some(MediaType::Pdf)
    } else {
        None
    }
}

/// [`sniff`] for bytes that are all in memory.
#[must_use]
pub fn sniff_bytes(bytes: &[u8]) -> Option<MediaType> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let tail = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    sniff(head, tail, bytes.len() as u64)
}

fn is_jpeg(head: &[u8], tail: &[u8]) -> bool {
    // After the start of image comes a marker that can stand there: a table, a frame header, an application segment or
    // a comment; its length counts its own two bytes.
    let begins = match head {
        [0xff, 0xd8, 0xff, marker, high, low, ..] => {
            matches!(marker, 0xc0..=0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe) && u16::from_be_bytes([*high, *low]) > 2
        }
        _ => false,
    };
    begins && contains(tail, &[0xff, 0xd9])
}

fn is_png(head: &[u8], tail: &[u8], size: u64) -> bool {
    const SIGNATURE_AND_IHDR: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    const IEND: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";
    let Some(ihdr) = head.strip_prefix(SIGNATURE_AND_IHDR) else {
        return false;
    };
    let [w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, compression, filter, interlace, ..] = *ihdr else {
        return false;
    };
    // Table 11.1 of the standard: which bit depths go with which colour type.
    let drawable = match colour {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    let width = u32::from_be_bytes([w0, w1, w2, w3]);
    let height = u32::from_be_bytes([h0, h1, h2, h3]);
    // Signature, IHDR, an empty IDAT and IEND.
    let smallest = 8 + 25 + 12 + 12;
    (1..=i32::MAX as u32).contains(&width)
        && (1..=i32::MAX as u32).contains(&height)
        && drawable
        && compression == 0
        && filter == 0
        && interlace <= 1
        && size >= smallest
        && tail.ends_with(IEND)
}

fn is_pdf(head: &[u8], tail: &[u8]) -> bool {
    let begins = match head {
        [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', minor, next, ..] => {
            minor.is_ascii_digit() && matches!(next, b'\r' | b'\n' | b' ' | b'\t')
        }
        _ => false,
    };
    let window = &tail[tail.len().saturating_sub(PDF_TRAILER_WINDOW)..];
    begins && contains(window, b"startxref") && contains(window, b"%%EOF")
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Watches a stream of bytes go by and says at the end which kind of file it was.
#[derive(Debug, Default)]
pub struct Sniffer {
    head: Vec<u8>,
    tail: Vec<u8>,
    size: u64,
}

impl Sniffer {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next bytes of the stream. Keeps at most twice [`TAIL_BYTES`] of them.
    pub fn push(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        let room = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let kept = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        if self.tail.len() + kept.len() > 2 * TAIL_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_BYTES);
        }
        self.tail.extend_from_slice(kept);
    }

    /// Bytes seen so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The kind, as [`sniff`] finds it.
    #[must_use]
    pub fn finish(&self) -> Option<MediaType> {
        sniff(&self.head, &self.tail[self.tail.len().saturating_sub(TAIL_BYTES)..], self.size)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0 picture \xff\xd9";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90\x77\x53\xde\
        \0\0\0\x0cIDAT\x08\xd7\x63\xf8\xcf\xc0\0\0\x03\x01\x01\0\x18\xdd\x8d\xb0\0\0\0\0IEND\xae\x42\x60\x82";
    const PDF: &[u8] = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n";

    #[test]
    fn each_supported_kind_is_found_in_its_content() {
        assert_eq!(sniff_bytes(JPEG), Some(MediaType::Jpeg));
        assert_eq!(sniff_bytes(PNG), Some(MediaType::Png));
        assert_eq!(sniff_bytes(PDF), Some(MediaType::Pdf));
    }

    #[test]
    fn a_file_that_was_cut_off_is_none_of_them() {
        for whole in [JPEG, PNG, PDF] {
            assert_eq!(sniff_bytes(&whole[..whole.len() - 8]), None);
        }
    }

    #[test]
    fn other_content_is_refused_whatever_it_claims() {
        let others: [&[u8]; 7] = [
            b"",
            b"MZ\x90\0 a program %%EOF",
            b"<html>%PDF-1.7 %%EOF startxref</html>",
            b"GIF89a....",
            b"\xff\xd8\xff\xd9",
            b"PK\x03\x04 a zip \xff\xd9",
            b"%PDF-9.1\nstartxref 0 %%EOF",
        ];
        for other in others {
            assert_eq!(sniff_bytes(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_png_with_something_appended_is_refused() {
        assert_eq!(sniff_bytes(&[PNG, b"<script>"].concat()), None);
    }

    #[test]
    fn a_picture_with_a_telephones_trailer_is_still_a_picture() {
        assert_eq!(sniff_bytes(&[JPEG, &[0x41; 20_000]].concat()), Some(MediaType::Jpeg));
    }

    #[test]
    fn a_png_of_no_width_is_refused() {
        let mut flat = PNG.to_vec();
        flat[19] = 0;
        assert_eq!(sniff_bytes(&flat), None);
    }

    proptest! {
        #[test]
        fn a_stream_in_pieces_is_judged_like_the_whole(
            kind in 0_usize..4,
            middle in 0_usize..200_000,
            piece in 1_usize..90_000,
        ) {
            let filling = vec![b'x'; middle];
            let bytes = match kind {
                0 => [&JPEG[..24], &filling, &JPEG[24..]].concat(),
                1 => [&PNG[..40], &filling, &PNG[40..]].concat(),
                2 => [&PDF[..10], &filling, &PDF[10..]].concat(),
                _ => filling,
            };
            let mut sniffer = Sniffer::new();
            for part in bytes.chunks(piece) {
                sniffer.push(part);
            }
            prop_assert_eq!(sniffer.finish(), sniff_bytes(&bytes));
            prop_assert_eq!(sniffer.size(), bytes.len() as u64);
            prop_assert_eq!(sniffer.finish().is_some(), kind < 3);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = sniff_bytes(&bytes);
        }
    }
}
