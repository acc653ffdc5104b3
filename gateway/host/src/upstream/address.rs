//! Which addresses may be dialled. Pure.
//!
//! The threat: a name that the operator trusts, and that resolves to the gateway's own machine, its network, or the
//! cloud's metadata service (SSRF through DNS). Denied unless the operator allowed that kind of network for that one
//! upstream. An IPv4 address inside an IPv6 one is a way around all that: the mapped form is judged as the address inside,
//! because the system dials that one; the others are never dialled, but for NAT64 where the operator says that the
//! network translates, and then the address inside must be a public one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// A kind of network that the operator may allow beside the public one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The gateway's own machine: 127.0.0.0/8, ::1.
    Loopback,
    /// Private networks: RFC 1918, RFC 6598, and fc00::/7.
    Private,
    /// The public network behind a translator: 64:ff9b::/96 (RFC 6052), where the IPv4 address inside is public.
    Nat64,
}

/// Why an address may not be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// A network that the operator has not allowed for this upstream.
    #[error("it is a {0:?} address, which the operator has not allowed for this upstream")]
    NotAllowed(Network),
    /// A kind of address that is never dialled.
    #[error("it is a {0} address, which is never dialled")]
    Never(&'static str),
    /// On the public network, without TLS.
    #[error("it is a public address, which is not dialled without TLS")]
    Unprotected,
}

/// Which addresses one upstream may be dialled at.
#[derive(Debug, Clone)]
pub(crate) struct AddressPolicy {
    /// What the operator allowed beside the public network.
    pub(crate) allowed: Vec<Network>,
    /// Whether the public network may be dialled: not without TLS.
    pub(crate) public: bool,
}

/// Whether `address` may be dialled.
///
/// # Errors
/// Which rule denies it.
pub(crate) fn check(address: IpAddr, policy: &AddressPolicy) -> Result<(), Denied> {
    match kind(address) {
        Kind::Public if policy.public => Ok(()),
        Kind::Public => Err(Denied::Unprotected),
        Kind::Only(Network::Nat64) if policy.allowed.contains(&Network::Nat64) && !policy.public => {
            Err(Denied::Unprotected)
        }
        Kind::Only(network) if policy.allowed.contains(&network) => Ok(()),
        Kind::Only(network) => Err(Denied::NotAllowed(network)),
        Kind::Never(what) => Err(Denied::Never(what)),
    }
}

enum Kind {
    Public,
    Only(Network),
    Never(&'static str),
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => match address.segments() {
            [0, 0, 0, 0, 0, 0xffff, high, low] => kind_v4(joined(high, low)),
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => match kind_v4(joined(high, low)) {
                Kind::Public => Kind::Only(Network::Nat64),
                _ => Kind::Never("NAT64"),
            },
            _ => kind_v6(address),
        },
    }
}

/// IANA IPv4 Special-Purpose Address Registry.
fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0, ..] => Kind::Never("unspecified"),
        [127, ..] => Kind::Only(Network::Loopback),
        // Alibaba's and Oracle's metadata services are in otherwise shared ranges, Azure's wire server is in a public one.
        [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => Kind::Never("metadata"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Kind::Only(Network::Private),
        // AWS, Azure and Google keep their metadata services at 169.254.169.254.
        [169, 254, ..] => Kind::Never("link-local"),
        [192, 0, 0, _] => Kind::Never("protocol assignment"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Never("documentation"),
        [192, 88, 99, _] => Kind::Never("6to4 relay"),
        [198, 18..=19, ..] => Kind::Never("benchmarking"),
        [224..=239, ..] => Kind::Never("multicast"),
        [240..=255, ..] => Kind::Never("reserved"),
        _ => Kind::Public,
    }
}

/// IANA IPv6 Special-Purpose Address Registry; only global unicast (2000::/3) is public.
fn kind_v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Only(Network::Loopback),
        // AWS keeps its metadata service at fd00:ec2::254, Google at fd20:ce::254, Oracle at fd00:c1::a9fe:a9fe.
        [0xfd00, 0x0ec2 | 0x00c1, ..] | [0xfd20, 0x00ce, ..] => Kind::Never("metadata"),
        [0xfc00..=0xfdff, ..] => Kind::Only(Network::Private),
        [0xfe80..=0xfebf, ..] => Kind::Never("link-local"),
        [0xfec0..=0xfeff, ..] => Kind::Never("site-local"),
        [0xff00..=0xffff, ..] => Kind::Never("multicast"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => Kind::Never("documentation"),
        // Teredo holds an IPv4 address scrambled, and is out of use; so are the other protocols of 2001::/23.
        [0x2001, 0x0000..=0x01ff, ..] => Kind::Never("protocol assignment"),
        // IPv4 inside IPv6: 6to4 (RFC 3056), out of use; translation within a site (RFC 8215), at any place of the address;
        // stateless translation (RFC 2765); the compatible form (RFC 4291), out of use.
        [0x2002, ..] => Kind::Never("6to4"),
        [0x64, 0xff9b, ..] => Kind::Never("NAT64"),
        [0, 0, 0, 0, 0xffff, 0, ..] => Kind::Never("IPv4-translated"),
        [0, 0, 0, 0, 0, 0, ..] => Kind::Never("IPv4-compatible"),
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never("reserved"),
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn denied(address: &str, allowed: &[Network]) -> Option<Denied> {
        let policy = AddressPolicy { allowed: allowed.to_vec(), public: true };
        check(address.parse().unwrap(), &policy).err()
    }

    #[test]
    fn the_public_network_is_not_dialled_without_tls() {
        let policy = AddressPolicy { allowed: vec![Network::Loopback], public: false };
        assert_eq!(check("93.184.216.34".parse().unwrap(), &policy), Err(Denied::Unprotected));
        assert_eq!(check("127.0.0.1".parse().unwrap(), &policy), Ok(()));
    }

    #[test]
    fn the_default_denies_the_machine_and_its_networks() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "::1",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "fd12::1",
            "fc00::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "240.0.0.1",
            "ff02::1",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.9",
            "2001:db8::1",
            "198.18.0.1",
            "192.0.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fec0::1",
            "2001::1",
            "4000::1",
            "100::1",
        ] {
            assert!(denied(address, &[]).is_some(), "{address}");
        }
    }

    #[test]
    fn an_address_wrapped_in_another_gets_no_further_than_by_itself() {
        for address in [
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "2002:a00:1::1",
        ] {
            assert!(denied(address, &[]).is_some(), "{address}");
        }
        assert_eq!(denied("::ffff:127.0.0.1", &[Network::Loopback]), None);
        assert_eq!(denied("::ffff:93.184.216.34", &[]), None);
    }

    #[test]
    fn a_wrapping_that_nobody_dials_is_denied_even_around_a_public_address() {
        let all = [Network::Loopback, Network::Private, Network::Nat64];
        for (address, what) in [
            ("::93.184.216.34", "IPv4-compatible"),
            ("::ffff:0:93.184.216.34", "IPv4-translated"),
            ("2002:5db8:d822::1", "6to4"),
            // 127.0.0.1 by RFC 6052's rule for prefixes of 48 bits, and at the end.
            ("64:ff9b:1:7f00:0:100::", "NAT64"),
            ("64:ff9b:1::7f00:1", "NAT64"),
            ("64:ff9b::7f00:1", "NAT64"),
            ("64:ff9b::a00:1", "NAT64"),
            ("2001:0:4136:e378:8000:63bf:80ff:fffe", "protocol assignment"),
        ] {
            assert_eq!(denied(address, &all), Some(Denied::Never(what)), "{address}");
        }
    }

    #[test]
    fn a_public_address_behind_a_translator_is_dialled_where_the_operator_says_so() {
        assert_eq!(denied("64:ff9b::5db8:d822", &[]), Some(Denied::NotAllowed(Network::Nat64)));
        assert_eq!(denied("64:ff9b::5db8:d822", &[Network::Nat64]), None);
        let plain = AddressPolicy { allowed: vec![Network::Nat64], public: false };
        assert_eq!(check("64:ff9b::5db8:d822".parse().unwrap(), &plain), Err(Denied::Unprotected));
    }

    #[test]
    fn public_addresses_are_dialled() {
        for address in ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:400f::1", "172.32.0.1", "100.128.0.1"]
        {
            assert_eq!(denied(address, &[]), None, "{address}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_allowed_and_nothing_more() {
        assert_eq!(denied("127.0.0.1", &[Network::Loopback]), None);
        assert_eq!(denied("10.1.2.3", &[Network::Private]), None);
        assert_eq!(denied("10.1.2.3", &[Network::Loopback]), Some(Denied::NotAllowed(Network::Private)));
        assert_eq!(
            denied("169.254.169.254", &[Network::Loopback, Network::Private]),
            Some(Denied::Never("link-local"))
        );
    }
}
