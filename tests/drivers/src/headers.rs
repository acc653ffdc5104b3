//! Headers that a plugin sends and sees, and lines that it writes for the operator.
//!
//! What is promised: what is sent is what the plugin wrote, header for header, to whoever reads the wire; none of it is
//! the gateway's to say, in any spelling that a server takes for it; nothing of an answer that is withheld is seen; a
//! line of a log is one line, without anybody's number.

use dialog_contract::ids::NationalIdentityNumber;
use dialog_host::fuzzing::{log_line, seen_headers, sent_headers};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{input::Input, seeds::of_kind};

/// The header that carries the operator's key.
const RESERVED: &str = "x-api-key";

/// A citizen who does not exist.
const NUMBER: &str = "01817010055";

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => sent(input),
        1 => seen(input),
        _ => line(input),
    }
}

fn pairs(mut input: Input<'_>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    while !input.is_empty() && pairs.len() < 100 {
        // A line end within a value is what matters most: values end at a zero byte.
        let name = input.text();
        let value = input.rest().iter().position(|byte| *byte == 0).unwrap_or(input.rest().len());
        let value = String::from_utf8_lossy(input.take(value)).into_owned();
        input.take(1);
        pairs.push((name, value));
    }
    pairs
}

fn sent(mut input: Input<'_>) {
    let most = input.below(9000);
    let pairs = pairs(input);
    let reserved = HeaderName::from_static(RESERVED);
    let Ok(headers) = sent_headers(&pairs, Some(&reserved), most) else { return };
    assert!(pairs.len() <= 64 && pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= most);
    let listed: Vec<(String, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes())).collect();
    assert_eq!(listed.len(), pairs.len());
    for (name, value) in &pairs {
        let plain = name.to_ascii_lowercase();
        assert!(listed.contains(&(plain.clone(), value.as_bytes())), "{name:?} became something else");
        theirs(&plain);
    }
    wire(&listed);
}

/// Names that are the gateway's or the connection's: some, by the standards and in the spellings of lenient servers.
fn theirs(name: &str) {
    let plain: String = name.chars().map(|letter| if letter == '_' { '-' } else { letter }).collect();
    for forbidden in [
        "authorization",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "cookie",
        "dpop",
        "traceparent",
        "tracestate",
        "baggage",
        "expect",
        "forwarded",
        "via",
        "keep-alive",
        RESERVED,
    ] {
        assert_ne!(plain, forbidden);
    }
    for family in ["proxy-", "x-forwarded", "x-envoy-"] {
        assert!(!plain.starts_with(family), "{plain}");
    }
}

/// The headers as they go over HTTP/1.1, read by another reader.
fn wire(listed: &[(String, &[u8])]) {
    let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
    for (name, value) in listed {
        bytes.extend(name.as_bytes());
        bytes.extend(b": ");
        bytes.extend(*value);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"\r\nbody");
    let mut found = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut found);
    let read = request.parse(&bytes).expect("what is sent is HTTP");
    assert_eq!(read, httparse::Status::Complete(bytes.len() - 4), "the request ends elsewhere");
    assert_eq!(request.headers.len(), listed.len(), "more or fewer headers to others");
    for (theirs, (name, value)) in request.headers.iter().zip(listed) {
        let value = value.trim_ascii();
        assert_eq!((theirs.name, theirs.value.trim_ascii()), (name.as_str(), value), "another header to others");
    }
}

fn seen(mut input: Input<'_>) {
    let most = input.below(9000);
    let mut headers = HeaderMap::new();
    for (name, value) in pairs(input) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    let seen = seen_headers(&headers, most);
    assert!(seen.len() <= headers.len());
    assert!(seen.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= most);
    for (name, value) in &seen {
        assert!(!["set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate"].contains(&name.as_str()));
        let known = headers.get_all(name).iter().any(|is| String::from_utf8_lossy(is.as_bytes()) == *value);
        assert!(known, "a header that the answer did not have");
        assert!(!value.contains(['\r', '\n', '\0']));
    }
}

fn line(mut input: Input<'_>) {
    let most = input.below(5000);
    let split = input.byte();
    // A number somewhere in a text, in one of the ways in which people write it.
    let mut text = String::from_utf8_lossy(input.rest()).into_owned();
    let at = text.char_indices().nth(usize::from(split)).map_or(text.len(), |(at, _)| at);
    let number = match split % 3 {
        0 => NUMBER.to_owned(),
        1 => format!("{} {}", &NUMBER[..6], &NUMBER[6..]),
        _ => format!("{}-{}", &NUMBER[..6], &NUMBER[6..]),
    };
    text.insert_str(at, &number);
    let line = log_line(&text, most);
    assert!(line.len() <= most);
    assert!(!line.contains(char::is_control) && !line.contains(['\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}']));
    for start in 0..line.len() {
        for length in 11..=12 {
            let Some(piece) = line.get(start..start + length) else { continue };
            // As it is, or with one blank or dash where people put it.
            let apart = length == 12 && matches!(piece.as_bytes()[6], b' ' | b'-');
            let plain = if apart { format!("{}{}", &piece[..6], &piece[7..]) } else { piece.to_owned() };
            assert!(plain.parse::<NationalIdentityNumber>().is_err(), "somebody's number in a log");
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let lists = [
        "Content-Type\napplication/json; charset=utf-8\0X-Request-Id\na\tb\0",
        "X-Api-Key\nstolen\0",
        "x_forwarded_for\n1\0",
        "Transfer_Encoding\nchunked\0",
        "x-a\n1\r\nHost: evil\0",
        "x-a\n1\r\n\r\nGET /evil HTTP/1.1\0",
        "x-a\n 1 \0X-A\n2\0",
        "x a\n1\0",
        "x-a\n\u{85}\0",
        "\n\0",
        "x-å\n1\0",
        "set-cookie\ns=1\0etag\n\"1\"\0www-authenticate\nBearer\0",
    ];
    let mut seeds = Vec::new();
    for list in lists {
        for kind in 0..2 {
            seeds.push(of_kind(kind, [b"\x20\0", list.as_bytes()].concat()));
        }
    }
    for (most, split, text) in
        [(4096_u16, 0, "for at the office"), (66, 60, ""), (30, 10, "ok\nERROR forged\u{1b}[2J æøå")]
    {
        let text = if text.is_empty() { "x".repeat(90) } else { text.to_owned() };
        seeds.push(of_kind(2, [most.to_be_bytes().as_slice(), &[split], text.as_bytes()].concat()));
    }
    seeds
}
