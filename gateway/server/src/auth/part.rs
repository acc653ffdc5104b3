//! A part of a signed token (JWS compact serialisation, RFC 7515): base64url of JSON.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a part; nothing where it is none. It is JSON throughout, also where nobody asks for it, as what another reader
/// refuses is nobody's token; and a member that is asked for is there once.
pub(super) fn read<T: DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Asked {
        a: u8,
    }

    #[test]
    fn a_part_is_json_throughout_and_has_what_is_asked_for_once() {
        let part = |text: &[u8]| read::<Asked>(&URL_SAFE_NO_PAD.encode(text));
        assert_eq!(part(br#"{"a": 1, "b": "x"}"#), Some(Asked { a: 1 }));
        for wrong in
            [&br#"{"a": 1, "a": 2}"#[..], br#"{"a": 1, "b": "\ud800"}"#, b"{\"a\": 1, \"b\": \"\xff\"}", b"{}", b""]
        {
            assert_eq!(part(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
        assert_eq!(read::<Asked>("no base64url"), None);
    }
}
