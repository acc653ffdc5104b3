//! What a plugin may ask for below the operator's base URL. Pure: text in, a rule or nothing out.
//!
//! The threat: a path that a server on the way reads as another one (dot segments, encoded slashes, double encoding,
//! path parameters), so that the request leaves what the operator bound.

use url::Url;

use crate::limits::{UPSTREAM_PARAMETERS, UPSTREAM_PATH_BYTES};

/// Checks a path by the contract's rules.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn check(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("the path must begin with '/'");
    }
    if path.len() > UPSTREAM_PATH_BYTES {
        return Err("the path is over 4096 bytes");
    }
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let decoded =
                    bytes.get(at + 1..at + 3).and_then(decode).ok_or("the path has a broken percent-encoding")?;
                match decoded {
                    b'/' | b'\\' => return Err("the path has an encoded slash"),
                    b'.' => return Err("the path has an encoded dot"),
                    b'%' => return Err("the path is encoded twice"),
                    0x00..=0x1f | 0x7f => return Err("the path has an encoded control character"),
                    _ => {}
                }
                at += 3;
            }
            // pchar and '/' of RFC 3986.
            b'/' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';'
            | b'=' | b':' | b'@' => at += 1,
            byte if byte.is_ascii_alphanumeric() => at += 1,
            b'?' | b'#' => return Err("the path must not hold a query or a fragment"),
            _ => return Err("the path has a character that must be percent-encoded"),
        }
    }
    let segments = path[1..].split('/');
    let last = path.matches('/').count() - 1;
    for (index, segment) in segments.enumerate() {
        if segment.is_empty() && index != last {
            return Err("the path has an empty segment");
        }
        // As servers see it. Overlong forms, which lenient ones take for dots and slashes, are no UTF-8.
        let seen = String::from_utf8(decoded(segment)).map_err(|_| "the path is not UTF-8 where it is decoded")?;
        // Some servers cut path parameters off, or blanks and dots at the end, before they resolve dot segments.
        let name = seen.split(';').next().unwrap_or_default().trim_matches(|letter: char| letter.is_whitespace());
        if !name.is_empty() && name.bytes().all(|byte| byte == b'.') {
            return Err("the path has a dot segment");
        }
        // Letters that some servers fold into those that steer a path: full-width dots and slashes, and their like.
        if seen
            .chars()
            .any(|letter| matches!(letter, '\u{ff0e}' | '\u{2024}' | '\u{ff0f}' | '\u{2215}' | '\u{2044}' | '\u{ff3c}'))
        {
            return Err("the path has a letter that looks like a dot or a slash");
        }
    }
    Ok(())
}

/// The bytes of a segment whose percent-encodings were checked.
fn decoded(segment: &str) -> Vec<u8> {
    let bytes = segment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match bytes.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(decode) {
            Some(decoded) => {
                plain.push(decoded);
                at += 3;
            }
            None => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    plain
}

fn decode(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?).ok()
}

/// The URL of a checked path and query below a base.
///
/// # Errors
/// The rule that they break, or that the whole is over `most` bytes.
pub(crate) fn join(base: &Url, path: &str, query: &[(String, String)], most: usize) -> Result<Url, &'static str> {
    check(path)?;
    if query.len() > UPSTREAM_PARAMETERS {
        return Err("the query has over 64 parameters");
    }
    let mut url = base.clone();
    let below = format!("{}{path}", base.path().trim_end_matches('/'));
    url.set_path(&below);
    if url.path() != below {
        return Err("the path is not in its plain form");
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    if url.as_str().len() - url.origin().ascii_serialization().len() > most {
        return Err("path and query are over the limit");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_plain_path_goes_below_the_base() {
        for (base, path, whole) in [
            ("https://example.no", "/Messages", "https://example.no/Messages"),
            ("https://example.no/edi/", "/Messages/17", "https://example.no/edi/Messages/17"),
            ("https://example.no/edi", "/", "https://example.no/edi/"),
            ("https://example.no", "/a/", "https://example.no/a/"),
            ("https://example.no", "/r%C3%B8d;v=1/x:y@z", "https://example.no/r%C3%B8d;v=1/x:y@z"),
            ("https://example.no", "/@evil.example/", "https://example.no/@evil.example/"),
            ("https://example.no:8443/edi", "/:80/x", "https://example.no:8443/edi/:80/x"),
            ("https://example.no", "/a...b/.hidden", "https://example.no/a...b/.hidden"),
        ] {
            assert_eq!(join(&base.parse().unwrap(), path, &[], 8192).unwrap().as_str(), whole);
        }
    }

    #[test]
    fn nothing_leaves_the_base() {
        for (path, rule) in [
            ("", "begin with"),
            ("Messages", "begin with"),
            ("https://evil.example/", "begin with"),
            ("//evil.example/", "empty segment"),
            ("/a//b", "empty segment"),
            ("/a//", "empty segment"),
            ("/..", "dot segment"),
            ("/a/../b", "dot segment"),
            ("/a/./b", "dot segment"),
            ("/a/..;/b", "dot segment"),
            ("/a/..;x=1", "dot segment"),
            ("/...", "dot segment"),
            ("/a/..%20/b", "dot segment"),
            ("/a/%20../b", "dot segment"),
            ("/a/..%3bx/b", "dot segment"),
            ("/a/..%C2%A0/b", "dot segment"),
            ("/a/.;/b", "dot segment"),
            ("/%2e%2e/b", "encoded dot"),
            ("/.%2E/b", "encoded dot"),
            ("/%c0%ae%c0%ae/b", "not UTF-8"),
            ("/a%c0%afb", "not UTF-8"),
            ("/a%e0%80%afb", "not UTF-8"),
            ("/a%ff", "not UTF-8"),
            ("/%EF%BC%8E%EF%BC%8E/b", "looks like a dot"),
            ("/a%E2%88%95b", "looks like a dot or a slash"),
            ("http:/evil.example/", "begin with"),
            ("@evil.example/", "begin with"),
            (":80/evil", "begin with"),
            ("\\\\evil.example\\x", "begin with"),
            ("/\\evil.example/", "must be percent-encoded"),
            ("/a%2f..%2fb", "encoded slash"),
            ("/a%252e%252e", "encoded twice"),
            ("/a%25252fb", "encoded twice"),
            ("/a%u002e", "broken percent"),
            ("/a\u{2028}b", "must be percent-encoded"),
            ("/a%2Fb", "encoded slash"),
            ("/a%5cb", "encoded slash"),
            ("/a%252fb", "encoded twice"),
            ("/a%0d%0aHost:x", "encoded control"),
            ("/a%00", "encoded control"),
            ("/a%", "broken percent"),
            ("/a%zz", "broken percent"),
            ("/a%+1", "broken percent"),
            ("/a?x=1", "query or a fragment"),
            ("/a#x", "query or a fragment"),
            ("/a\\b", "must be percent-encoded"),
            ("/a b", "must be percent-encoded"),
            ("/a\r\nb", "must be percent-encoded"),
            ("/ø", "must be percent-encoded"),
            ("/a\t", "must be percent-encoded"),
        ] {
            let error = check(path).unwrap_err();
            assert!(error.contains(rule), "{path:?}: {error}");
        }
        assert!(check(&format!("/{}", "a".repeat(5000))).is_err());
    }

    #[test]
    fn a_query_is_encoded_and_cannot_break_out() {
        let query = [("a b".to_owned(), "1&c=2#x\r\n".to_owned())];
        let url = join(&"https://example.no".parse().unwrap(), "/p", &query, 8192).unwrap();
        assert_eq!(url.as_str(), "https://example.no/p?a+b=1%26c%3D2%23x%0D%0A");
    }

    #[test]
    fn a_long_query_is_refused() {
        let query = [("q".to_owned(), "x".repeat(9000))];
        assert!(join(&"https://example.no".parse().unwrap(), "/p", &query, 8192).is_err());
        let many = vec![("q".to_owned(), String::new()); 65];
        assert!(join(&"https://example.no".parse().unwrap(), "/p", &many, 8192).is_err());
    }
}
