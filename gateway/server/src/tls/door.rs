//! The door of one listener: whoever knocks is shown the papers of today.
//!
//! Papers are exchanged under way. A connection that stands keeps what it was shown; the next one gets the new ones.
//! Papers that are not in order are not taken: the old ones serve on, and the operator is told.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    config::Tls,
    handshakes::Handshakes,
    papers::{Papers, PapersError, Sources},
    peer::Peer,
};
use crate::telemetry::metrics::{
    Metrics,
    doors::{HandshakeOutcome, ReloadOutcome},
};

/// A listener's TLS.
pub struct Door {
    listener: &'static str,
    tls: Tls,
    current: RwLock<Arc<ServerConfig>>,
    tried: Mutex<Tried>,
    handshakes: Handshakes,
    metrics: Arc<Metrics>,
}

/// What was last tried, so that the same is not tried and told again.
#[derive(PartialEq, Eq)]
enum Tried {
    Read([u8; 32]),
    Unreadable(PapersError),
}

/// What looking at the files anew came to.
#[derive(Debug)]
pub enum Reloaded {
    /// They are as they were.
    Unchanged,
    /// New connections get these.
    Taken(Papers),
    /// They are not in order; the old ones serve on.
    Refused(PapersError),
}

impl Door {
    /// With papers that were read from `tls` and are in order.
    #[must_use]
    pub fn new(listener: &'static str, tls: Tls, papers: &Papers, metrics: Arc<Metrics>) -> Self {
        metrics.certificate_ends(listener, papers.ends);
        Self {
            listener,
            tls,
            current: RwLock::new(Arc::clone(&papers.config)),
            tried: Mutex::new(Tried::Read(papers.digest)),
            handshakes: Handshakes::default(),
            metrics,
        }
    }

    /// With other bounds than [`Handshakes::default`].
    #[must_use]
    pub fn with_handshakes(self, handshakes: Handshakes) -> Self {
        Self { handshakes, ..self }
    }

    /// Which listener's.
    #[must_use]
    pub const fn listener(&self) -> &'static str {
        self.listener
    }

    /// Looks at the files anew. Blocks while they are read. Where `again` is set, also files that have not changed are
    /// tried: a certificate may have begun to hold since.
    pub fn reload(&self, again: bool, now: Timestamp) -> Reloaded {
        let read = Sources::read(&self.tls);
        let found = match &read {
            Ok(sources) => Tried::Read(sources.digest()),
            Err(error) => Tried::Unreadable(error.clone()),
        };
        {
            let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
            if !again && *tried == found {
                return Reloaded::Unchanged;
            }
            *tried = found;
        }
        match read.and_then(|sources| Papers::of(&sources, &self.tls, now)) {
            Ok(papers) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&papers.config);
                self.metrics.certificate_ends(self.listener, papers.ends);
                self.metrics.reloaded(self.listener, ReloadOutcome::Taken);
                Reloaded::Taken(papers)
            }
            Err(error) => {
                self.metrics.reloaded(self.listener, ReloadOutcome::Refused);
                Reloaded::Refused(error)
            }
        }
    }

    /// Shakes hands with who has just connected; none where that did not come to its end in good time. What a caller
    /// does wrong is the caller's affair, and is counted.
    pub async fn shake<S>(&self, stream: S) -> Option<(TlsStream<S>, Peer)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let place = self.handshakes.enter();
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let shaking = tokio::time::timeout(self.handshakes.within, TlsAcceptor::from(current).accept(stream));
        let (outcome, stream) = tokio::select! {
            shaken = shaking => match shaken {
                Ok(Ok(stream)) => (HandshakeOutcome::Done, Some(stream)),
                Ok(Err(error)) => {
                    tracing::debug!(listener = self.listener, %error, "a handshake failed");
                    (HandshakeOutcome::Failed, None)
                }
                Err(_) => (HandshakeOutcome::Late, None),
            },
            () = place.taken() => (HandshakeOutcome::CrowdedOut, None),
        };
        self.metrics.handshake(self.listener, outcome);
        let stream = stream?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first().cloned());
        Some((stream, Peer { encrypted: true, certificate: certificate.map(|certificate| certificate.into_owned()) }))
    }
}
