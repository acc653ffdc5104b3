//! One remote system that a plugin names and the operator bound: where it is, how the gateway shows who it is, and
//! whether it is up.
//!
//! Floor plan
//! - [`config`]: the operator's binding.
//! - [`path`], [`headers`], [`address`]: policy, pure; [`resolver`]: the policy of addresses, enforced at dialling.
//! - [`credentials`], [`oauth2`], [`ws_security`]: what the plugin never sees.
//! - [`body`]: a request's body from segments; [`breaker`]: whether to try at all.
//! - [`remote`]: the same for systems that the gateway itself asks.
//! - here: the client that sends.

pub mod address;
pub(crate) mod body;
pub(crate) mod breaker;
pub mod config;
pub(crate) mod credentials;
pub(crate) mod headers;
mod oauth2;
pub(crate) mod path;
pub mod remote;
mod resolver;
pub(crate) mod ws_security;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_LENGTH};
use reqwest::{Certificate, Client, Identity, redirect::Policy};
use secrecy::ExposeSecret;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use url::Url;
use zeroize::Zeroizing;

pub use self::credentials::CredentialsError;
use self::{
    address::AddressPolicy,
    body::{Body, BodyStream},
    breaker::{Breaker, BreakerPolicy, Change},
    config::{CredentialsConfig, PasswordType, UpstreamBinding},
    credentials::Credentials,
    resolver::{PolicyResolver, ResolveError, System},
    ws_security::UsernameToken,
};
use crate::{
    file,
    limits::{CERTIFICATES_BYTES, Limits, UPSTREAM_IDLE, UPSTREAM_LONGEST_MILLISECONDS, length},
    observe::UpstreamStanding,
};

/// Why an upstream cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    /// The base URL or the token endpoint is not as the rules have it.
    #[error("its {field} {problem}")]
    Url {
        /// Which.
        field: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The credentials cannot be used.
    #[error("its credentials cannot be used: {0}")]
    Credentials(#[from] CredentialsError),
    /// A certificate cannot be used.
    #[error("its {what} cannot be used: {problem}")]
    Certificate {
        /// Which.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A time is out of bounds.
    #[error("its {0} must be from 1 to {UPSTREAM_LONGEST_MILLISECONDS}")]
    Time(&'static str),
    /// The client could not be made.
    #[error("its client could not be made: {0}")]
    Client(String),
}

/// A bound upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    base: Url,
    http: Client,
    credentials: Credentials,
    breaker: Arc<Breaker>,
    /// Requests under way, of as many as there may be.
    places: Semaphore,
    most_requests: usize,
    timeout: Duration,
    most_answer_bytes: usize,
    most_header_bytes: usize,
}

/// A request that was checked.
pub(crate) struct Request<A> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body<A>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    #[error("{0}")]
    Unreachable(&'static str),
    #[error("{0}")]
    Interrupted(&'static str),
    #[error("the answer is over the limit")]
    TooLarge,
    #[error("the credentials did not work: {0}")]
    Credentials(String),
}

impl Upstream {
    /// Checks a binding, reads its secrets and makes its client. Connects to nothing.
    pub(crate) fn bind(binding: &UpstreamBinding, limits: &Limits) -> Result<Arc<Self>, BindingError> {
        let timeout = milliseconds("timeout-milliseconds", binding.timeout_milliseconds)?;
        let base = &binding.base_url;
        check_url("base-url", base, binding)?;
        if base.query().is_some() {
            return Err(BindingError::Url { field: "base-url", problem: "must not have a query".to_owned() });
        }
        if let Some(CredentialsConfig::WsSecurity { password_type: PasswordType::Text, .. }) = &binding.credentials
            && base.scheme() != "https"
        {
            return Err(CredentialsError::Form("a password goes as text over https only".to_owned()).into());
        }
        let http = client(binding, base, limits)?;
        let tokens = match &binding.credentials {
            Some(CredentialsConfig::Oauth2 { token_url, .. }) => {
                check_url("token-url", token_url, binding)?;
                client(binding, token_url, limits)?
            }
            _ => http.clone(),
        };
        Ok(Arc::new(Self {
            base: base.clone(),
            credentials: Credentials::new(binding.credentials.as_ref(), &tokens, timeout)?,
            http,
            breaker: Breaker::new(BreakerPolicy {
                failures: limits.breaker_failures,
                wait: Duration::from_millis(limits.breaker_wait_milliseconds),
                longest_wait: Duration::from_millis(limits.breaker_longest_wait_milliseconds),
            }),
            places: Semaphore::new(length(limits.upstream_requests_at_once)),
            most_requests: length(limits.upstream_requests_at_once),
            timeout,
            most_answer_bytes: length(limits.upstream_answer_bytes),
            most_header_bytes: 8 * length(limits.upstream_header_bytes),
        }))
    }

    /// Where the operator's base URL is.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The header that carries the operator's key.
    pub(crate) fn reserved(&self) -> Option<&HeaderName> {
        self.credentials.reserved()
    }

    /// Checks that credentials stand in a body where, and only where, the operator's do.
    ///
    /// # Errors
    /// The rule that is broken.
    pub(crate) fn fits<A: Clone>(&self, body: &Body<A>) -> Result<(), &'static str> {
        match (self.credentials.in_bodies(), body.before_credentials()) {
            (None, None) => Ok(()),
            (Some(_), Some(before)) => ws_security::begins_a_header(&before),
            (None, Some(_)) => Err("the credentials of this upstream do not stand in bodies"),
            (Some(_), None) => {
                Err("the credentials of this upstream stand in bodies, and this one has no place for them")
            }
        }
    }

    /// How it stands at this moment; `name` is the plugin's.
    pub(crate) fn standing(&self, name: &str) -> UpstreamStanding {
        let requests = self.most_requests.saturating_sub(self.places.available_permits()) as u64;
        UpstreamStanding { name: name.to_owned(), requests, breaker_open: self.breaker.is_open() }
    }

    /// Sends a request and reads the whole answer, at most until `deadline`. `began` is told before the first byte may
    /// leave; `changed` when the breaker opens or closes.
    pub(crate) async fn send<A, O>(
        &self,
        request: &Request<A>,
        open: O,
        deadline: Instant,
        mut began: impl FnMut(),
        changed: impl Fn(Change),
    ) -> Result<Answer, SendError>
    where
        A: Clone + Send + 'static,
        O: Fn(A) -> BodyStream + Clone + Send + 'static,
    {
        // A request for each connection, so that what bounds the one bounds the other. Nobody closes the semaphore: an
        // error is time that has run out, as is a turn that comes at its very end.
        let wait_until = deadline.min(Instant::now() + self.timeout);
        let place = timeout_at(wait_until, self.places.acquire()).await;
        let Some(_place) = place.ok().and_then(Result::ok).filter(|_| Instant::now() < wait_until) else {
            return Err(SendError::Unreachable("as many requests to this upstream as there may be are under way"));
        };
        let mut again = true;
        loop {
            let mut headers = request.headers.clone();
            let token = self
                .credentials
                .apply(&mut headers)
                .await
                .map_err(|error| SendError::Credentials(error.to_string()))?;
            let written = match self.credentials.in_bodies().map(UsernameToken::write) {
                Some(None) => return Err(SendError::Credentials("the system has no random numbers".to_owned())),
                Some(written) => written,
                None => None,
            };
            let admitted = self
                .breaker
                .admit(Instant::now())
                .map_err(|_| SendError::Unreachable("the gateway waits before it tries this upstream again"))?;
            began();
            let outcome = match &written {
                Some(token) => {
                    let body = request.body.with_credentials(token.bytes());
                    self.attempt(request, &body, headers, open.clone(), deadline).await
                }
                None => self.attempt(request, &request.body, headers, open.clone(), deadline).await,
            };
            let healthy = match &outcome {
                Ok(answer) => !matches!(answer.status, 502..=504),
                Err(error) => *error == SendError::TooLarge,
            };
            let change = if healthy { admitted.answered() } else { admitted.failed(Instant::now()) };
            change.map(&changed);
            if let (Some(token), Ok(answer)) = (&written, &outcome)
                && token.is_in(&answer.body, &answer.headers)
            {
                return Err(SendError::Interrupted("the answer holds the gateway's credentials, and is withheld"));
            }
            match outcome {
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED.as_u16() => match token {
                    // Tokens can be revoked before they expire; once is chance, twice is the operator's to mend.
                    Some(token) if again => {
                        self.credentials.refused(&token).await;
                        again = false;
                    }
                    _ if matches!(self.credentials, Credentials::Connection) => return Ok(answer),
                    _ => return Err(SendError::Credentials("the upstream answered 401".to_owned())),
                },
                outcome => return outcome,
            }
        }
    }

    async fn attempt<A, O>(
        &self,
        request: &Request<A>,
        body: &Body<A>,
        headers: HeaderMap,
        open: O,
        deadline: Instant,
    ) -> Result<Answer, SendError>
    where
        A: Clone + Send + 'static,
        O: Fn(A) -> BodyStream + Clone + Send + 'static,
    {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut sending = self
            .http
            .request(request.method.clone(), request.url.clone())
            .headers(headers)
            .timeout(self.timeout.min(left));
        match body.plain() {
            Some(bytes) if bytes.is_empty() && matches!(request.method, Method::GET | Method::DELETE) => {}
            Some(bytes) => sending = sending.body(bytes),
            None => {
                // A stream's length is not known to the client; it is to us.
                sending = sending
                    .header(CONTENT_LENGTH, HeaderValue::from(body.length()))
                    .body(reqwest::Body::wrap_stream(body.stream(open)));
            }
        }
        let mut response = sending.send().await.map_err(|error| classify(&error))?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // RFC 9110, 15.2.2: an answer to a wish that nobody here has.
            return Err(SendError::Interrupted("the connection broke into another protocol"));
        }
        let status = response.status().as_u16();
        let headers = headers::visible(response.headers(), self.most_header_bytes);
        if response.content_length().is_some_and(|length| length > self.most_answer_bytes as u64) {
            return Err(SendError::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(part) = next(&mut response).await? {
            if body.len() + part.len() > self.most_answer_bytes {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer { status, headers, body })
    }
}

async fn next(response: &mut reqwest::Response) -> Result<Option<Bytes>, SendError> {
    response.chunk().await.map_err(|error| {
        if error.is_timeout() {
            SendError::Interrupted("the answer took too long")
        } else {
            SendError::Interrupted("the answer broke off")
        }
    })
}

/// What an error of the client's means for what was sent. The client's own words hold the URL, so they are not used.
fn classify(error: &reqwest::Error) -> SendError {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<ResolveError>() {
            return SendError::Unreachable(match cause {
                ResolveError::Denied(_) => "the upstream's address may not be dialled",
                ResolveError::Unknown(_) | ResolveError::Empty => "the upstream's name cannot be resolved",
            });
        }
        source = cause.source();
    }
    if error.is_connect() || error.is_dns() {
        SendError::Unreachable("no connection could be made")
    } else if error.is_builder() {
        SendError::Unreachable("the request could not be made")
    } else if error.is_timeout() {
        SendError::Interrupted("the upstream took too long")
    } else {
        SendError::Interrupted("the connection broke")
    }
}

fn milliseconds(name: &'static str, value: u64) -> Result<Duration, BindingError> {
    if (1..=UPSTREAM_LONGEST_MILLISECONDS).contains(&value) {
        Ok(Duration::from_millis(value))
    } else {
        Err(BindingError::Time(name))
    }
}

fn policy(binding: &UpstreamBinding, url: &Url) -> AddressPolicy {
    AddressPolicy { allowed: binding.allow_networks.clone(), public: url.scheme() == "https" }
}

/// Checks that an upstream can be bound: its URLs, times, certificates and credentials. Nobody is asked over the network.
///
/// # Errors
/// Names what is wrong, and no secret.
pub fn check(binding: &UpstreamBinding, limits: &Limits) -> Result<(), BindingError> {
    Upstream::bind(binding, limits).map(drop)
}

fn check_url(field: &'static str, url: &Url, binding: &UpstreamBinding) -> Result<(), BindingError> {
    let refused = |problem: String| Err(BindingError::Url { field, problem });
    match url.scheme() {
        "https" => {}
        "http" if binding.allow_networks.is_empty() => {
            return refused("must be https: plain http is only for networks in allow-networks".to_owned());
        }
        "http" => {}
        scheme => return refused(format!("must be https, not {scheme}")),
    }
    if url.host().is_none() {
        return refused("names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("must not hold credentials".to_owned());
    }
    if url.fragment().is_some() {
        return refused("must not have a fragment".to_owned());
    }
    if let Some(address) = resolver::literal(url)
        && let Err(denied) = address::check(address, &policy(binding, url))
    {
        return refused(format!("may not be dialled: {denied}"));
    }
    Ok(())
}

fn client(binding: &UpstreamBinding, url: &Url, limits: &Limits) -> Result<Client, BindingError> {
    let certificate = |what: &'static str, problem: String| BindingError::Certificate { what, problem };
    let mut builder = Client::builder()
        .user_agent(concat!("dialog-gateway/", env!("CARGO_PKG_VERSION")))
        // Proxies of the environment would dial addresses that were never checked.
        .no_proxy()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .https_only(url.scheme() == "https")
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .connect_timeout(milliseconds("connect-timeout-milliseconds", binding.connect_timeout_milliseconds)?)
        .pool_idle_timeout(UPSTREAM_IDLE)
        .pool_max_idle_per_host(length(limits.upstream_requests_at_once))
        .tcp_nodelay(true)
        .dns_resolver(Arc::new(PolicyResolver::new(Arc::new(System), policy(binding, url))));
    if let Some(path) = &binding.certificate_authorities {
        const WHAT: &str = "certificate-authorities";
        let pem = file::read(path, CERTIFICATES_BYTES).map_err(|error| certificate(WHAT, error.to_string()))?;
        let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| certificate(WHAT, error.to_string()))?;
        if authorities.is_empty() {
            return Err(certificate(WHAT, "the file holds no certificate".to_owned()));
        }
        builder = builder.tls_certs_only(authorities);
    } else if url.scheme() == "http" {
        // Needs no authorities, and must not fail where the system has none.
        builder = builder.tls_certs_only(Vec::new());
    }
    if let Some(CredentialsConfig::Mtls { certificate: chain, key }) = &binding.credentials {
        const WHAT: &str = "client certificate";
        let chain = file::read(chain, CERTIFICATES_BYTES).map_err(|error| certificate(WHAT, error.to_string()))?;
        let key = key.read().map_err(CredentialsError::from)?;
        // In one piece, and overwritten afterwards: a buffer that grows leaves copies of the key behind.
        let pem = Zeroizing::new([&chain, b"\n".as_slice(), key.expose_secret().as_bytes(), b"\n"].concat());
        let identity = Identity::from_pem(&pem)
            .map_err(|_| certificate(WHAT, "certificate and key are not PEM that fit each other".to_owned()))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| BindingError::Client(error.without_url().to_string()))
}
