//! What a plugin asks of an upstream: the path below the operator's base, and the address that is dialled.
//!
//! What is promised: a URL is where the operator bound it, however servers on the way read it; what is in a query stays
//! in it; an address that is dialled is of no network that the operator did not allow, wrapped in another or not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dialog_host::{
    fuzzing::{dialled, url},
    upstream::address::Network,
};
use url::Url;

use crate::{input::Input, seeds::of_kind};

/// Where the operator binds plugins' upstreams.
const BASES: [&str; 4] =
    ["https://example.no", "https://example.no/edi/", "https://example.no:8443/a/b%20c", "http://[::1]:8080/x"];

/// Most bytes of path and query.
const MOST: usize = 8192;

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => joined(input),
        1 => address(input, true),
        _ => address(input, false),
    }
}

fn joined(mut input: Input<'_>) {
    let base: Url = BASES[input.below(BASES.len())].parse().expect("a base is a URL");
    let path = input.text();
    let mut query = Vec::new();
    while !input.is_empty() {
        query.push((input.text(), input.text()));
    }
    let Ok(url) = url(&base, &path, &query, MOST) else { return };
    assert_eq!(url.origin(), base.origin(), "it leaves the server");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    let prefix = base.path().trim_end_matches('/');
    assert_eq!(url.path(), format!("{prefix}{path}"), "it is not what was checked");
    assert!(url.as_str().len() <= MOST + base.as_str().len());
    // Other readers on the way: the URL's own again, and the one that makes the request of it.
    assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(&url), "it is read again as something else");
    let uri: http::Uri = url.as_str().parse().expect("what is sent is a URI");
    assert_eq!((uri.path(), uri.query()), (url.path(), url.query()), "another place to the sender");
    let authority = uri.authority().expect("it has a server");
    assert_eq!(Some(authority.host()), base.host_str());
    assert!(!path.contains(['?', '#']));
    // Servers that decode once, twice, cut parameters off, or take blanks for nothing: none climbs out.
    let mut seen = path.clone().into_bytes();
    for _ in 0..3 {
        climbs(&seen);
        seen = decoded(&seen);
    }
    let back: Vec<(String, String)> = url.query_pairs().map(|(key, value)| (key.into(), value.into())).collect();
    assert_eq!(back, query, "the query says something else");
    assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{url}");
}

/// A server's way through a path: segments, dots resolved. It must never stand above where it began.
fn climbs(path: &[u8]) {
    assert!(!path.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\'), "{path:?}");
    let path = String::from_utf8_lossy(path).into_owned();
    assert!(!path.trim_end_matches('/').contains("//"), "{path:?} has a server's name in it to some");
    for part in path.split('/') {
        let name = part.split(';').next().unwrap_or_default().trim();
        assert!(name.is_empty() || name.contains(|letter| letter != '.'), "{path:?} has a dot segment");
    }
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut plain, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                plain.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    plain
}

/// An address, as four or sixteen bytes or as text, under a policy of the input's.
fn address(mut input: Input<'_>, binary: bool) {
    let policy = input.byte();
    let address: IpAddr = if binary {
        let wide = input.flag();
        let bytes = input.take(if wide { 16 } else { 4 });
        match (<[u8; 16]>::try_from(bytes), <[u8; 4]>::try_from(bytes)) {
            (Ok(wide), _) => Ipv6Addr::from(wide).into(),
            (_, Ok(short)) => Ipv4Addr::from(short).into(),
            _ => return,
        }
    } else {
        let Ok(address) = input.text().parse() else { return };
        address
    };
    let known = [(1, Network::Loopback), (2, Network::Private), (4, Network::Nat64)];
    let allowed: Vec<Network> =
        known.into_iter().filter(|(bit, _)| policy & bit != 0).map(|(_, network)| network).collect();
    let public = policy & 8 != 0;
    let decided = dialled(address, allowed.clone(), public);
    // What the operator allows more, is dialled as well.
    if decided.is_ok() {
        assert!(dialled(address, vec![Network::Loopback, Network::Private, Network::Nat64], true).is_ok());
        dialling(address, &allowed, public);
    }
    // The system dials the address inside; so do the rules.
    if let IpAddr::V4(inner) = address {
        assert_eq!(dialled(inner.to_ipv6_mapped().into(), allowed.clone(), public), decided, "wrapped, it is another");
        let translated = Ipv6Addr::from(0x0064_ff9b_u128 << 96 | u128::from(u32::from(inner)));
        if dialled(translated.into(), allowed.clone(), public).is_ok() {
            assert!(dialled(inner.into(), Vec::new(), true).is_ok(), "{inner} is not public, and translated");
        }
    }
}

/// A second reading of the registers, with the standard library's.
fn dialling(address: IpAddr, allowed: &[Network], public: bool) {
    assert!(!address.is_unspecified() && !address.is_multicast(), "{address}");
    match address {
        IpAddr::V4(address) => dialling_v4(address, allowed, public),
        IpAddr::V6(address) => {
            if let Some(inner) = address.to_ipv4_mapped() {
                return dialling_v4(inner, allowed, public);
            }
            assert!(!address.is_unicast_link_local(), "{address}");
            assert!(!address.is_loopback() || allowed.contains(&Network::Loopback), "{address}");
            assert!(!address.is_unique_local() || allowed.contains(&Network::Private), "{address}");
            if !address.is_loopback() && !address.is_unique_local() {
                assert!(public, "{address} without TLS");
                let global = address.segments()[0] & 0xe000 == 0x2000;
                let translated = address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
                assert!(global || translated && allowed.contains(&Network::Nat64), "{address}");
            }
        }
    }
}

fn dialling_v4(address: Ipv4Addr, allowed: &[Network], public: bool) {
    let shared = matches!(address.octets(), [100, 64..=127, ..]);
    assert!(!address.is_link_local() && !address.is_broadcast() && !address.is_documentation(), "{address}");
    assert!(!address.is_multicast() && !address.is_unspecified() && address.octets()[0] < 240, "{address}");
    assert!(!address.is_loopback() || allowed.contains(&Network::Loopback), "{address}");
    assert!(!(address.is_private() || shared) || allowed.contains(&Network::Private), "{address}");
    if !address.is_loopback() && !address.is_private() && !shared {
        assert!(public, "{address} without TLS");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let paths = [
        "/",
        "/Messages/17",
        "/r%C3%B8d;v=1/x:y@z",
        "/@evil.example/",
        "/a...b/.hidden",
        "/a/..;/b",
        "/a/..%20/b",
        "/%2e%2e/b",
        "/a%252fb",
        "/a%c0%afb",
        "/%EF%BC%8E/b",
        "//evil.example/",
        "/a%0d%0aHost:x",
        "/a?x=1",
        "/\\e/",
        "/a%E2%80%A5/b",
        "/a%C2%85/..",
        "/:80/x",
        "/a/b//",
    ];
    let mut seeds = Vec::new();
    for (at, path) in paths.into_iter().enumerate() {
        let base = [0, u8::try_from(at % BASES.len()).unwrap_or(0)];
        seeds.push(of_kind(0, [&base, path.as_bytes(), b"\na b\n1&c=2#x\r".as_slice()].concat()));
    }
    for (policy, text) in [
        (8, "93.184.216.34"),
        (15, "127.0.0.1"),
        (1, "::ffff:127.0.0.1"),
        (8, "64:ff9b::5db8:d822"),
        (15, "169.254.169.254"),
        (15, "2002:7f00:1::"),
        (10, "fd00:ec2::254"),
        (8, "2606:4700::1111"),
        (15, "::1"),
        (15, "100.100.100.200"),
        (8, "2001:db8::1"),
        (15, "64:ff9b:1::a00:1"),
        (15, "3fff::1"),
        (15, "5f00::1"),
    ] {
        seeds.push(of_kind(2, [&[policy], text.as_bytes()].concat()));
    }
    seeds.push(of_kind(1, [8, 0, 1, 1, 1, 1]));
    seeds.push(of_kind(1, [15, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1]));
    seeds
}
