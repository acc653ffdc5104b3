//! From the bytes of a message to text.

use std::borrow::Cow;

/// Why bytes could not be decoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes are not what the declaration says.
    #[error("the bytes are not {encoding}")]
    Malformed {
        /// The encoding that was declared or assumed.
        encoding: &'static str,
    },
    /// An encoding that nobody in the sector should use.
    #[error("the declared character encoding is not supported")]
    Unsupported,
}

/// Windows-1252 in the range where ISO-8859-1 has control characters: what is declared as ISO-8859-1 is
/// often this, and the control characters are never meant.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// How far into the document the XML declaration is looked for, in bytes.
const DECLARATION: usize = 200;

/// Decodes a document: by its byte order mark, else by its XML declaration, else as UTF-8.
///
/// # Errors
/// The bytes do not fit the encoding, or the encoding is none of UTF-8, UTF-16, US-ASCII, ISO-8859-1 and
/// Windows-1252.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16(rest, u16::from_be_bytes);
    }
    match declared(bytes).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => utf8(bytes),
        Some("iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252") => {
            Ok(Cow::Owned(bytes.iter().map(|&byte| latin1(byte)).collect()))
        }
        Some(_) => Err(DecodeError::Unsupported),
    }
}

fn latin1(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{fffd}'),
        _ => char::from(byte),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| DecodeError::Malformed { encoding: "UTF-8" })
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, DecodeError> {
    let malformed = DecodeError::Malformed { encoding: "UTF-16" };
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed);
    }
    char::decode_utf16(pairs.iter().map(|pair| read(*pair)))
        .collect::<Result<String, _>>()
        .map(Cow::Owned)
        .map_err(|_| malformed)
}

/// The encoding that the XML declaration names, in lower case.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(DECLARATION))?;
    let head = head.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(head.get(..end)?).ok()?;
    let (_, after) = declaration.split_once("encoding")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, _) = after.get(1..)?.split_once(quote)?;
    Some(name.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn iso_8859_1_and_its_windows_neighbour_are_read() {
        let mut bytes = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>".to_vec();
        bytes.extend([0xe6, 0xf8, 0xe5, 0x96]);
        assert!(decode(&bytes).unwrap().ends_with("<a>æøå–"));
    }

    #[test]
    fn utf_8_is_read_with_and_without_a_mark() {
        assert_eq!(decode("æ".as_bytes()).unwrap(), "æ");
        assert_eq!(decode(b"\xef\xbb\xbf<a/>").unwrap(), "<a/>");
        assert_eq!(decode(b"\xe6"), Err(DecodeError::Malformed { encoding: "UTF-8" }));
    }

    #[test]
    fn utf_16_is_read_in_both_orders() {
        assert_eq!(decode(b"\xff\xfe<\0a\0").unwrap(), "<a");
        assert_eq!(decode(b"\xfe\xff\0<\0a").unwrap(), "<a");
        assert!(decode(b"\xff\xfe<").is_err());
    }

    #[test]
    fn an_odd_encoding_is_refused() {
        assert_eq!(decode(b"<?xml version='1.0' encoding='EBCDIC'?>"), Err(DecodeError::Unsupported));
    }
}
