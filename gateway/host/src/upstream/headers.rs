//! Which headers a plugin may send and see. Pure.
//!
//! The threat: a plugin that speaks for the gateway (credentials, host), that changes how the request is framed
//! (smuggling), that turns a GET into something else, or that lies about whom it comes from.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::limits::UPSTREAM_HEADERS;

/// Headers that are the gateway's or the connection's, that say where a request comes from, or that some servers take for
/// its method, host or path.
const FORBIDDEN: &[&str] = &[
    "authorization",
    "baggage",
    "cf-connecting-ip",
    "client-ip",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "dpop",
    "expect",
    "fastly-client-ip",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-url",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-rewrite-url",
];

/// Beginnings of names that are forbidden whole: what proxies say of whom they speak for.
const FORBIDDEN_FAMILIES: &[&str] = &["proxy-", "x-forwarded", "x-envoy-"];

/// Headers of an answer that hold credentials, or are the connection's.
const WITHHELD: &[&str] = &[
    "authentication-info",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-connection",
    "set-cookie",
    "set-cookie2",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Checks a plugin's headers and makes them ready to send. `reserved` is the header that carries the operator's key.
///
/// # Errors
/// The rule that they break, with the header's name.
pub(crate) fn check(
    headers: &[(String, String)],
    reserved: Option<&HeaderName>,
    most_bytes: usize,
) -> Result<HeaderMap, String> {
    if headers.len() > UPSTREAM_HEADERS {
        return Err(format!("over {UPSTREAM_HEADERS} headers"));
    }
    if headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > most_bytes {
        return Err(format!("headers over {most_bytes} bytes"));
    }
    let mut checked = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header's name is not a token".to_owned())?;
        if gateways(&name, reserved) {
            return Err(format!("the header {name} is the gateway's to set"));
        }
        // `from_str` refuses line ends and other control characters, and takes more than ASCII.
        match HeaderValue::from_str(value) {
            Ok(plain) if value.is_ascii() => checked.append(name, plain),
            _ => return Err(format!("the value of {name} has a character that is not allowed")),
        };
    }
    Ok(checked)
}

/// Whether only the gateway may set this header.
fn gateways(name: &HeaderName, reserved: Option<&HeaderName>) -> bool {
    // Servers that hand headers on as variables (CGI, WSGI) read `_` and `-` as the same.
    let plain = name.as_str().replace('_', "-");
    FORBIDDEN.contains(&plain.as_str())
        || FORBIDDEN_FAMILIES.iter().any(|family| plain.starts_with(family))
        || reserved.is_some_and(|reserved| reserved.as_str().replace('_', "-") == plain)
}

/// The headers of an answer that a plugin may see, at most `most_bytes` of them.
pub(crate) fn visible(headers: &HeaderMap, most_bytes: usize) -> Vec<(String, String)> {
    let mut left = most_bytes;
    headers
        .iter()
        .filter(|(name, _)| !WITHHELD.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .take_while(|(name, value)| match left.checked_sub(name.len() + value.len()) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn one(name: &str, value: &str) -> Result<HeaderMap, String> {
        check(&[(name.to_owned(), value.to_owned())], Some(&HeaderName::from_static("x-api-key")), 8192)
    }

    #[test]
    fn a_plugins_own_headers_are_sent() {
        let headers = one("Content-Type", "application/json; charset=utf-8").unwrap();
        assert_eq!(headers["content-type"], "application/json; charset=utf-8");
        assert!(one("X-Request-Id", "a\tb").is_ok());
    }

    #[test]
    fn the_gateways_headers_are_refused_in_any_case() {
        for name in [
            "Host",
            "AUTHORIZATION",
            "Cookie",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "traceparent",
            "TraceState",
            "baggage",
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Anything",
            "Via",
            "TE",
            "Trailer",
            "Upgrade",
            "Keep-Alive",
            "Proxy-Authorization",
            "Expect",
            "X-HTTP-Method-Override",
            "X-Api-Key",
            "DPoP",
            "Proxy-Anything",
            "X-Forwarded",
            "X-Original-URL",
            "X-Rewrite-Url",
            "X-Original-Host",
            "X-HTTP-Host-Override",
            "True-Client-IP",
            "X-Envoy-Original-Path",
            // As a server behind CGI reads them.
            "Content_Length",
            "transfer_encoding",
            "X_Forwarded_For",
            "x_api_key",
            "x-api_key",
        ] {
            let error = one(name, "x").unwrap_err();
            assert!(error.contains("is the gateway's to set"), "{name}: {error}");
        }
    }

    #[test]
    fn a_header_cannot_begin_another() {
        for (name, value) in [
            ("x-a", "1\r\nhost: evil"),
            ("x-a", "1\nb"),
            ("x-a", "\0"),
            ("x-a", "ø"),
            ("x a", "1"),
            ("x-a:", "1"),
            (":authority", "evil"),
            (":path", "/evil"),
            ("x-a\r\nhost", "evil"),
            ("x-a\0", "1"),
            ("host ", "evil"),
            (" host", "evil"),
            ("x-a", "1\r\n\r\nGET /evil HTTP/1.1"),
            ("x-a", "1\u{85}b"),
            ("x-a", "\u{7f}"),
            ("", "1"),
        ] {
            assert!(one(name, value).is_err(), "{name:?}: {value:?}");
        }
    }

    #[test]
    fn too_many_or_too_large_are_refused() {
        let many = vec![("x-a".to_owned(), "1".to_owned()); 65];
        assert!(check(&many, None, 8192).unwrap_err().contains("over 64 headers"));
        assert!(check(&[("x-a".to_owned(), "1".repeat(9000))], None, 8192).unwrap_err().contains("over 8192 bytes"));
    }

    #[test]
    fn credentials_of_an_answer_are_withheld() {
        let mut answer = HeaderMap::new();
        for (name, value) in
            [("content-type", "text/plain"), ("set-cookie", "s=1"), ("www-authenticate", "Bearer"), ("etag", "\"1\"")]
        {
            answer.append(name, HeaderValue::from_static(value));
        }
        let names: Vec<String> = visible(&answer, 8192).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["content-type", "etag"]);
        assert_eq!(visible(&answer, 25).len(), 1);
    }
}
