//! A log behind a URL. What comes from there is bounded in size and time; nothing of it is believed.
//!
//! Whoever reads on tells which files it needs next, and these are asked for side by side: a log far away is read at the
//! speed of the line, not of its round trips.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::Source;
use super::proof::ProofKey;
use crate::damage::{Damage, Fault};

/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Longest wait for a whole answer: 16 MiB over a slow line.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Files that are asked for ahead at once.
const TOGETHER: usize = 32;
/// Longest file that is kept before it is asked for, in bytes; with [`TOGETHER`] of them memory stays within 64 MiB.
/// Bundles are a few hundred KiB; a longer one is fetched when its turn comes.
const MAX_AHEAD_BYTES: usize = 2 * 1024 * 1024;
/// How often a server that has a moment's trouble is asked again.
const RETRIES: u32 = 3;
/// Longest pause between two attempts, whatever the server asks for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What a server wants of whoever reads the log. The default is for a log that is open to all.
#[derive(Default)]
pub struct Access {
    /// Access token of an auditor or an operator.
    pub token: Option<Zeroizing<String>>,
    /// The P-256 key that the token is bound to, PKCS#8 in PEM.
    pub proof_key: Option<Zeroizing<Vec<u8>>>,
    /// The log's address as its gateway knows it, where it is reached at another: what proofs are made for.
    pub proof_url: Option<String>,
    /// Certificate authorities to believe in place of the system's, in PEM.
    pub authorities: Option<Vec<u8>>,
    /// Client certificate with its chain and its private key, in PEM.
    pub identity: Option<Zeroizing<Vec<u8>>>,
    /// What the log is read for: `verify`, `show` or `export`.
    pub purpose: &'static str,
}

/// Why a log behind a URL cannot be asked for. No variant carries what is secret.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Not an address of a log.
    #[error("{0}: not a URL of the form https://host/prefix, without user, query and fragment")]
    Url(String),
    /// A token would cross the network in clear.
    #[error("a token is sent over https only (or to this machine itself)")]
    Plain,
    /// The proof key is none.
    #[error("the proof key is no P-256 private key in PKCS#8 (PEM)")]
    ProofKey,
    /// A proof needs a token to be bound to.
    #[error("a proof key is of use with a token only")]
    ProofWithoutToken,
    /// The certificates are none.
    #[error("the {0} cannot be read as PEM")]
    Certificate(&'static str),
    /// The client could not be made.
    #[error("no connections can be made: {0}")]
    Client(String),
}

/// A log behind a URL. Must not be used from asynchronous code: calls block.
pub struct Web {
    session: Arc<Session>,
    ahead: Mutex<HashMap<String, Pending>>,
    /// Taken when it ends.
    runtime: Option<Runtime>,
}

type Pending = JoinHandle<Result<Option<Vec<u8>>, Fault>>;

struct Session {
    /// Without a slash at its end.
    prefix: String,
    /// The same, as the server itself knows it.
    known_as: String,
    http: Client,
    token: Option<Zeroizing<String>>,
    proof_key: Option<ProofKey>,
    purpose: &'static str,
}

/// How one request ended.
enum Answer {
    Body(Vec<u8>),
    NotThere,
    /// The server wants its nonce in the proof, which is remembered now.
    Nonce,
    /// Another attempt may succeed.
    Again {
        why: String,
        pause: Option<Duration>,
    },
    Refused(String),
}

impl Web {
    /// The log behind a URL, such as `https://gateway.example.no/log`: `<url>/checkpoint` and `<url>/tile/…` are read.
    ///
    /// # Errors
    /// When the URL or what gives access cannot be used. Nothing is asked of the server yet.
    pub fn new(url: &str, access: Access) -> Result<Self, AccessError> {
        let refused = || AccessError::Url(url.to_owned());
        let parsed = Url::parse(url).map_err(|_| refused())?;
        let bare = parsed.username().is_empty()
            && parsed.password().is_none()
            && parsed.query().is_none()
            && parsed.fragment().is_none();
        let host = parsed.host().filter(|_| bare && matches!(parsed.scheme(), "http" | "https")).ok_or_else(refused)?;
        let known_as = match &access.proof_url {
            None => parsed.clone(),
            Some(known_as) => Url::parse(known_as).map_err(|_| AccessError::Url(known_as.clone()))?,
        };
        let this_machine = match host {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
        };
        if access.token.is_some() && parsed.scheme() != "https" && !this_machine {
            return Err(AccessError::Plain);
        }
        let proof_key = match (&access.proof_key, &access.token) {
            (None, _) => None,
            (Some(_), None) => return Err(AccessError::ProofWithoutToken),
            (Some(pem), Some(_)) => Some(ProofKey::parse(pem).ok_or(AccessError::ProofKey)?),
        };
        let mut client = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            // A token is for whom it was given to; a log does not move while it is read.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("dialog-audit/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &access.authorities {
            let roots = reqwest::Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or(AccessError::Certificate("certificate authorities"))?;
            client = client.tls_certs_only(roots);
        }
        if let Some(pem) = &access.identity {
            let identity =
                reqwest::Identity::from_pem(pem).map_err(|_| AccessError::Certificate("client certificate and key"))?;
            client = client.identity(identity);
        }
        // Such as a machine that keeps no certificate authorities.
        let http = client.build().map_err(|why| AccessError::Client(deepest(&why).to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("log-reader")
            .enable_all()
            .build()
            .map_err(|why| AccessError::Client(why.to_string()))?;
        let session = Arc::new(Session {
            prefix: parsed.as_str().trim_end_matches('/').to_owned(),
            known_as: known_as.as_str().trim_end_matches('/').to_owned(),
            http,
            token: access.token,
            proof_key,
            purpose: access.purpose,
        });
        Ok(Self { session, ahead: Mutex::default(), runtime: Some(runtime) })
    }

    fn ahead(&self) -> MutexGuard<'_, HashMap<String, Pending>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Web {
    fn place(&self) -> String {
        self.session.prefix.clone()
    }

    fn read(&self, file: &str, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
        let Some(runtime) = &self.runtime else {
            return Err(Fault::io(file)(io::Error::other("the connection is closed")));
        };
        let pending = self.ahead().remove(file);
        if let Some(pending) = pending
            && let Ok(Ok(found)) = runtime.block_on(pending)
            && found.as_ref().is_none_or(|bytes| bytes.len() <= limit)
        {
            return Ok(found);
        }
        runtime.block_on(self.session.get(file, limit))
    }

    fn prefetch(&self, files: &[String]) {
        let Some(runtime) = &self.runtime else { return };
        let mut ahead = self.ahead();
        ahead.retain(|file, pending| {
            let wanted = files.contains(file);
            if !wanted {
                pending.abort();
            }
            wanted
        });
        for file in files {
            if ahead.len() >= TOGETHER {
                break;
            }
            ahead.entry(file.clone()).or_insert_with(|| {
                let (session, file) = (Arc::clone(&self.session), file.clone());
                runtime.spawn(async move { session.get(&file, MAX_AHEAD_BYTES).await })
            });
        }
    }
}

impl Session {
    async fn get(&self, file: &str, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
        let address = format!("{}/{file}", self.prefix);
        let failed = |why: String| Fault::io(address.as_str())(io::Error::other(why));
        let (mut attempt, mut nonce_taken) = (0, false);
        loop {
            let (why, pause) = match self.once(&address, file, limit).await? {
                Answer::Body(bytes) => return Ok(Some(bytes)),
                Answer::NotThere => return Ok(None),
                Answer::Nonce if !nonce_taken => {
                    nonce_taken = true;
                    continue;
                }
                Answer::Nonce => return Err(failed("the server wants ever new nonces".to_owned())),
                Answer::Again { why, pause } => (why, pause),
                Answer::Refused(why) => return Err(failed(why)),
            };
            if attempt == RETRIES {
                return Err(failed(why));
            }
            let pause = pause.unwrap_or(Duration::from_millis(250 << attempt));
            tokio::time::sleep(pause.min(MAX_PAUSE)).await;
            attempt += 1;
        }
    }

    async fn once(&self, address: &str, file: &str, limit: usize) -> Result<Answer, Fault> {
        let mut request = self.http.get(address).header(header::ACCEPT_ENCODING, "gzip, identity");
        if !self.purpose.is_empty() {
            request = request.header("Audit-Purpose", self.purpose);
        }
        if let Some(token) = &self.token {
            let Some(key) = &self.proof_key else {
                return self.answer(request.bearer_auth(token.as_str()), file, limit).await;
            };
            let Some(proof) = key.prove(&format!("{}/{file}", self.known_as), token) else {
                return Ok(Answer::Refused("no proof of possession can be signed".to_owned()));
            };
            let authorization = Zeroizing::new(format!("DPoP {}", token.as_str()));
            request = request.header(header::AUTHORIZATION, authorization.as_str()).header("DPoP", proof);
        }
        self.answer(request, file, limit).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder, file: &str, limit: usize) -> Result<Answer, Fault> {
        let response = match request.send().await {
            Err(why) => return Ok(failed(&why)),
            Ok(response) => response,
        };
        let status = response.status();
        if let (Some(key), Some(nonce)) = (&self.proof_key, text(&response, "dpop-nonce")) {
            key.take_nonce(nonce);
            if status == StatusCode::UNAUTHORIZED {
                return Ok(Answer::Nonce);
            }
        }
        match status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Answer::NotThere),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let pause = text(&response, "retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
                return Ok(Answer::Again { why: format!("the server answers {status}"), pause });
            }
            status => return Ok(Answer::Refused(format!("the server answers {status}"))),
        }
        let zipped = match text(&response, "content-encoding") {
            None | Some("identity") => false,
            Some("gzip") => true,
            Some(_) => return Ok(Answer::Refused("the answer is encoded in a way that nobody asked for".to_owned())),
        };
        match body(response, file, limit).await? {
            Ok(bytes) if zipped => Ok(unzipped(&bytes, file, limit)?),
            Ok(bytes) => Ok(Answer::Body(bytes)),
            Err(answer) => Ok(answer),
        }
    }
}

/// The body, cut off where it gets longer than it may.
async fn body(mut response: Response, file: &str, limit: usize) -> Result<Result<Vec<u8>, Answer>, Fault> {
    let too_long = || Fault::from(Damage::new(file, format!("it is longer than {limit} bytes")));
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(too_long());
    }
    let mut bytes = Vec::with_capacity(announced as usize);
    loop {
        match response.chunk().await {
            Err(why) => return Ok(Err(failed(&why))),
            Ok(None) => return Ok(Ok(bytes)),
            Ok(Some(chunk)) if bytes.len() + chunk.len() > limit => return Err(too_long()),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
        }
    }
}

/// What was packed, cut off where it gets longer than it may: a few bytes can stand for very many.
fn unzipped(bytes: &[u8], file: &str, limit: usize) -> Result<Answer, Fault> {
    let mut plain = Vec::new();
    match flate2::read::GzDecoder::new(bytes).take(limit as u64 + 1).read_to_end(&mut plain) {
        Err(_) => Ok(Answer::Refused("what the server packed cannot be unpacked".to_owned())),
        Ok(_) if plain.len() > limit => Err(Damage::new(file, format!("it is longer than {limit} bytes")).into()),
        Ok(_) => Ok(Answer::Body(plain)),
    }
}

/// A failure below HTTP. What can be tried again is.
fn failed(error: &reqwest::Error) -> Answer {
    // The outer words only name the address; what went wrong is at the bottom.
    Answer::Again { why: deepest(error).to_string(), pause: None }
}

/// What is at the bottom of an error.
fn deepest(error: &reqwest::Error) -> &dyn std::error::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

fn text<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

impl Drop for Web {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Web").field(&self.session.prefix).finish()
    }
}
