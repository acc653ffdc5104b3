//! Who is at the other end of a connection, as far as TLS tells.

use rustls::pki_types::CertificateDer;

/// What TLS told of a caller. The listener puts it into the extensions of every request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// Whether there is TLS.
    pub encrypted: bool,
    /// The caller's own certificate, in DER, once its chain was found to lead to one of the listener's authorities and
    /// its key was shown; none where TLS did not ask, the caller had none, or there is no TLS.
    pub certificate: Option<CertificateDer<'static>>,
}
