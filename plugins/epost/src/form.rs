//! A form, as browsers write it (WHATWG URL, `application/x-www-form-urlencoded`).

use std::fmt::Write as _;

/// The media type.
pub const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Names and values as a body.
#[must_use]
pub fn encode(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        escape(&mut body, name);
        body.push('=');
        escape(&mut body, value);
    }
    body
}

fn escape(body: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => body.push('+'),
            b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => body.push(char::from(byte)),
            // Writing to a string does not fail.
            other => drop(write!(body, "%{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_become_a_field() {
        let body = encode(&[("to", "a+b@c.no"), ("text", "å &to=x@y.no\n")]);
        assert_eq!(body, "to=a%2Bb%40c.no&text=%C3%A5+%26to%3Dx%40y.no%0A");
    }
}
