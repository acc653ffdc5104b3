//! Listeners: HTTP/1.1 and HTTP/2 without TLS, one for each kind of caller. TLS stands in front of these until it takes
//! its place here.

use std::net::SocketAddr;

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A bound port, before anything is served.
pub struct Listener {
    listener: TcpListener,
    /// Where it is bound.
    pub address: SocketAddr,
}

impl Listener {
    /// Binds the port.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// Serves until `stop`, then lets requests under way come to their end.
    pub fn serve(self, router: Router, stop: CancellationToken) -> JoinHandle<std::io::Result<()>> {
        tokio::spawn(
            async move { axum::serve(self.listener, router).with_graceful_shutdown(stop.cancelled_owned()).await },
        )
    }
}
