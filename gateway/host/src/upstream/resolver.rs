//! From a name to addresses that may be dialled. The client dials exactly what stands here: there is no second look-up
//! in which the name could mean something else.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{self, AddressPolicy, Denied};

/// Looks names up. Asked once for each connection that is made, never for one that is kept.
#[async_trait]
pub(crate) trait Lookup: fmt::Debug + Send + Sync + 'static {
    /// Every address of the name, whatever its kind; the ports mean nothing.
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<SocketAddr>>;
}

/// As the system does it.
#[derive(Debug)]
pub(crate) struct System;

#[async_trait]
impl Lookup for System {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// Keeps of a name's addresses what the policy allows.
#[derive(Debug)]
pub(crate) struct PolicyResolver {
    lookup: Arc<dyn Lookup>,
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
    pub(crate) fn new(lookup: Arc<dyn Lookup>, policy: AddressPolicy) -> Self {
        Self { lookup, policy }
    }
}

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, policy) = (Arc::clone(&self.lookup), self.policy.clone());
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await.map_err(ResolveError::Unknown)?;
            let addresses = dialable(found.into_iter(), &policy)?;
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

    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

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
        let resolver = |allowed: &[Network]| PolicyResolver::new(Arc::new(System), policy(allowed));
        let denied = resolver(&[]).resolve("localhost".parse().unwrap()).await;
        assert!(denied.err().unwrap().to_string().contains("may not be dialled"));
        let found = resolver(&[Network::Loopback]).resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.count() > 0);
    }

    /// A name whose addresses change from question to question; the last answer stays.
    #[derive(Debug)]
    struct Rebinding {
        answers: Vec<&'static str>,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl Lookup for Rebinding {
        async fn addresses(&self, _: &str) -> std::io::Result<Vec<SocketAddr>> {
            let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
            Ok(self.answers[turn].split(' ').map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect())
        }
    }

    /// A server that counts its connections, answers one request on each and closes it; and a client for a name of its
    /// own that resolves as told.
    async fn rebinding(answers: Vec<&'static str>) -> (Arc<Rebinding>, Arc<AtomicUsize>, reqwest::Client, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://rebinding.example:{}/", listener.local_addr().unwrap().port());
        let dialled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&dialled);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
            }
        });
        let lookup = Arc::new(Rebinding { answers, asked: AtomicUsize::new(0) });
        let resolver = PolicyResolver::new(Arc::clone(&lookup) as _, policy(&[Network::Loopback]));
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only(Vec::new())
            .dns_resolver(Arc::new(resolver))
            .build()
            .unwrap();
        (lookup, dialled, client, url)
    }

    #[tokio::test]
    async fn a_name_that_means_something_else_after_the_first_answer_is_judged_anew_each_time_it_is_dialled() {
        let (lookup, dialled, client, url) = rebinding(vec!["127.0.0.1", "169.254.169.254", "10.0.0.1"]).await;
        assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "ok");
        for _ in 0..3 {
            let error = client.get(&url).send().await.unwrap_err();
            assert!(format!("{error:?}").contains("Denied"), "{error:?}");
        }
        assert_eq!((lookup.asked.load(Ordering::SeqCst), dialled.load(Ordering::SeqCst)), (4, 1));
    }

    #[tokio::test]
    async fn one_look_up_decides_and_the_address_that_was_checked_is_the_one_that_is_dialled() {
        // Were the name asked again between check and dial, the second answer would be dialled: nobody listens there.
        let (lookup, dialled, client, url) = rebinding(vec!["127.0.0.1", "127.0.0.2"]).await;
        assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "ok");
        assert_eq!((lookup.asked.load(Ordering::SeqCst), dialled.load(Ordering::SeqCst)), (1, 1));
    }

    #[tokio::test]
    async fn of_a_name_with_good_and_bad_addresses_the_bad_ones_are_never_dialled() {
        let (_, dialled, client, url) = rebinding(vec!["169.254.169.254 10.0.0.1 fd00:ec2::254 127.0.0.1"]).await;
        assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "ok");
        assert_eq!(dialled.load(Ordering::SeqCst), 1);
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
