//! A listener that can refuse connections and take them again, on the same port; in plain HTTP, or in TLS.

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 256;

#[derive(Debug)]
enum Mode {
    Up {
        stop: CancellationToken,
        task: JoinHandle<()>,
    },
    /// Bound and not listening: the port stays ours, and the kernel refuses who connects.
    Refusing {
        socket: TcpSocket,
    },
    Between,
}

/// The certificate that a client has shown: an extension of its requests, where the listener speaks TLS.
#[derive(Clone, Debug)]
pub struct Peer(Option<CertificateDer<'static>>);

impl Peer {
    /// Whether it is this one (DER).
    pub fn shows(&self, certificate: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|shown| shown.as_ref() == certificate)
    }
}

/// How connections are served.
#[derive(Clone)]
struct Service {
    router: Router,
    tls: Option<TlsAcceptor>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

/// A listener that serves one router.
#[derive(Debug)]
pub struct Listener {
    service: Service,
    address: SocketAddr,
    mode: Mode,
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Listener {
    /// Takes a port without listening on it yet, so that the router can know its own address.
    pub fn bind(address: SocketAddr) -> io::Result<(TcpSocket, SocketAddr)> {
        let socket = socket(address)?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    /// Serves a router on a bound socket.
    pub fn serve(socket: TcpSocket, address: SocketAddr, router: Router) -> io::Result<Listener> {
        Listener::new(socket, address, Service { router, tls: None })
    }

    /// As [`Listener::serve`], in TLS; every request has a [`Peer`].
    pub fn serve_tls(
        socket: TcpSocket,
        address: SocketAddr,
        router: Router,
        tls: Arc<ServerConfig>,
    ) -> io::Result<Listener> {
        Listener::new(socket, address, Service { router, tls: Some(tls.into()) })
    }

    fn new(socket: TcpSocket, address: SocketAddr, service: Service) -> io::Result<Listener> {
        let mut listener = Listener { service, address, mode: Mode::Refusing { socket } };
        listener.up()?;
        Ok(listener)
    }

    /// Takes connections.
    pub fn up(&mut self) -> io::Result<()> {
        self.mode = match std::mem::replace(&mut self.mode, Mode::Between) {
            Mode::Refusing { socket } => {
                let listener = socket.listen(BACKLOG)?;
                let stop = CancellationToken::new();
                let task = tokio::spawn(accept(listener, self.service.clone(), stop.clone()));
                Mode::Up { stop, task }
            }
            other => other,
        };
        Ok(())
    }

    /// Refuses connections and cuts the open ones. When it returns, the next connection is refused.
    pub async fn refuse(&mut self) -> io::Result<()> {
        self.mode = match std::mem::replace(&mut self.mode, Mode::Between) {
            Mode::Up { stop, task } => {
                stop.cancel();
                // The task ends when it sees the token; it cannot fail.
                let _ = task.await;
                Mode::Refusing { socket: socket(self.address)? }
            }
            other => other,
        };
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Mode::Up { stop, .. } = &self.mode {
            stop.cancel();
        }
    }
}

async fn accept(listener: TcpListener, service: Service, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (service, stop) = (service.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = async {
                    match service.tls {
                        None => connection(stream, service.router).await,
                        Some(tls) => {
                            // Who does not shake hands is not served.
                            let Ok(stream) = tls.accept(stream).await else { return };
                            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                            let peer = Peer(shown.map(|certificate| certificate.clone().into_owned()));
                            connection(stream, service.router.layer(Extension(peer))).await;
                        }
                    }
                } => {}
            }
        });
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, router: Router) {
    let builder = auto::Builder::new(TokioExecutor::new());
    // What a client does to its connection is the client's business.
    let _ = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}
