//! Which addresses may be dialled. Pure.
//!
//! The threat: a name that the operator trusts, and that resolves to the gateway's own machine, its network, or the
//! cloud's metadata service (SSRF through DNS). Denied unless the operator allowed that kind of network for that one
//! upstream; every way of writing an IPv4 address inside an IPv6 one is judged as the address inside.

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
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inside) => kind_v4(inside),
            None => kind_v6(address),
        },
    }
}

/// IANA IPv4 Special-Purpose Address Registry.
fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0, ..] => Kind::Never("unspecified"),
        [127, ..] => Kind::Only(Network::Loopback),
        // Alibaba's and Oracle's metadata services are in otherwise shared ranges.
        [100, 100, 100, 200] | [192, 0, 0, 192] => Kind::Never("metadata"),
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
        // AWS keeps its metadata service at fd00:ec2::254.
        [0xfd00, 0x0ec2, ..] => Kind::Never("metadata"),
        [0xfc00..=0xfdff, ..] => Kind::Only(Network::Private),
        [0xfe80..=0xfebf, ..] => Kind::Never("link-local"),
        [0xfec0..=0xfeff, ..] => Kind::Never("site-local"),
        [0xff00..=0xffff, ..] => Kind::Never("multicast"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => Kind::Never("documentation"),
        // Teredo holds an IPv4 address scrambled, and is out of use; so are the other protocols of 2001::/23.
        [0x2001, 0x0000..=0x01ff, ..] => Kind::Never("protocol assignment"),
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never("reserved"),
    }
}

/// The IPv4 address inside an IPv6 one: mapped, compatible, translated (RFC 6052, RFC 8215) or 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // The unspecified address and loopback are themselves.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
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
            "fd00:ec2::254",
            "fec0::1",
            "2001::1",
            "4000::1",
            "100::1",
        ] {
            assert!(denied(address, &[]).is_some(), "{address}");
        }
    }

    #[test]
    fn an_address_wrapped_in_another_is_judged_as_itself() {
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
