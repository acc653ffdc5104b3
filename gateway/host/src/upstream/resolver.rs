//! From a name to addresses that may be dialled. The client dials exactly what stands here: there is no second look-up
//! in which the name could mean something else.

use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{self, AddressPolicy, Denied};

/// Resolves by the system and keeps what the policy allows.
#[derive(Debug)]
pub(crate) struct PolicyResolver {
    policy: AddressPolicy,
}

/// Why a name was not resolved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The system does not know it.
    #[error("the name cannot be resolved: {0}")]
    Unknown(std::io::Error),
    /// It has no addresses.
    #[error("the name has no address")]
    Empty,
    /// It has addresses, and none may be dialled.
    #[error("the name's address may not be dialled: {0}")]
    Denied(Denied),
}

impl PolicyResolver {
    pub(crate) fn new(policy: AddressPolicy) -> Self {
        Self { policy }
    }
}

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(ResolveError::Unknown)?;
            let addresses = dialable(found, &policy)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be dialled.
fn dialable(found: impl Iterator<Item = SocketAddr>, policy: &AddressPolicy) -> Result<Vec<SocketAddr>, ResolveError> {
    let mut denied = None;
    let mut addresses = Vec::new();
    for address in found {
        match address::check(address.ip(), policy) {
            Ok(()) => addresses.push(address),
            Err(reason) => denied = Some(reason),
        }
    }
    match denied {
        _ if !addresses.is_empty() => Ok(addresses),
        Some(reason) => Err(ResolveError::Denied(reason)),
        None => Err(ResolveError::Empty),
    }
}

/// The address of a URL that names one instead of a host: the client does not resolve it, so it is checked before.
pub(crate) fn literal(url: &url::Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Ipv4(address) => Some(address.into()),
        url::Host::Ipv6(address) => Some(address.into()),
        url::Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::address::Network, *};

    fn policy(allowed: &[Network]) -> AddressPolicy {
        AddressPolicy { allowed: allowed.to_vec(), public: true }
    }

    #[test]
    fn a_name_for_the_machine_itself_is_not_dialled() {
        let found = ["127.0.0.1:0", "[::1]:0"].map(|address| address.parse::<SocketAddr>().unwrap());
        let error = dialable(found.into_iter(), &policy(&[])).unwrap_err();
        assert!(matches!(error, ResolveError::Denied(Denied::NotAllowed(Network::Loopback))));
        assert_eq!(dialable(found.into_iter(), &policy(&[Network::Loopback])).unwrap(), found);
    }

    #[test]
    fn of_a_mixed_answer_only_the_public_addresses_are_dialled() {
        let found = ["10.0.0.1:0", "93.184.216.34:0"].map(|address| address.parse::<SocketAddr>().unwrap());
        assert_eq!(dialable(found.into_iter(), &policy(&[])).unwrap(), [found[1]]);
    }

    #[tokio::test]
    async fn the_resolver_keeps_the_policy() {
        let denied = PolicyResolver::new(policy(&[])).resolve("localhost".parse().unwrap()).await;
        assert!(denied.err().unwrap().to_string().contains("may not be dialled"));
        let found =
            PolicyResolver::new(policy(&[Network::Loopback])).resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.count() > 0);
    }

    #[test]
    fn an_address_in_a_url_is_found_in_every_notation() {
        for (url, literal_is) in [
            ("http://127.0.0.1/", Some("127.0.0.1")),
            ("http://2130706433/", Some("127.0.0.1")),
            ("http://0x7f.1/", Some("127.0.0.1")),
            ("http://[::ffff:127.0.0.1]/", Some("::ffff:127.0.0.1")),
            ("http://localhost/", None),
        ] {
            let expected = literal_is.map(|text| text.parse::<IpAddr>().unwrap());
            assert_eq!(literal(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
