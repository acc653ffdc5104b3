//! Listeners: HTTP/1.1 and HTTP/2 without TLS, one for each kind of caller, each bounded by [`limits`]. TLS stands in
//! front of these until it takes its place here.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{limits, tls::peer::Peer};

/// A bound port, before anything is served.
pub struct Listener {
    listener: TcpListener,
    /// Where it is bound.
    pub address: SocketAddr,
    head: Duration,
    standstill: Duration,
}

impl Listener {
    /// Binds the port.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: listener.local_addr()?, listener, head: limits::HEAD, standstill: limits::STANDSTILL })
    }

    /// With another time than [`limits::HEAD`].
    #[must_use]
    pub fn with_head_within(self, head: Duration) -> Self {
        Self { head, ..self }
    }

    /// With another time than [`limits::STANDSTILL`].
    #[must_use]
    pub fn with_standstill_of(self, standstill: Duration) -> Self {
        Self { standstill, ..self }
    }

    /// Serves until `stop`, then lets requests under way come to their end.
    pub fn serve(self, router: Router, stop: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(accept(self, router, stop))
    }
}

async fn accept(listener: Listener, router: Router, stop: CancellationToken) {
    let Listener { listener, head, standstill, .. } = listener;
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let builder = builder(head);
    let next = || async {
        let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
        Ok::<_, io::Error>((listener.accept().await?.0, place))
    };
    while let Some(accepted) = stop.run_until_cancelled(next()).await {
        match accepted {
            Ok((stream, place)) => {
                // A reader that takes nothing lets no write come to its end.
                let mut stream = TimeoutStream::new(stream);
                stream.set_write_timeout(Some(standstill));
                connections.spawn(connection(stream, place, builder.clone(), head, router.clone(), stop.clone()));
            }
            // The caller went away before it was its turn.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {
            }
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                tokio::time::sleep(limits::ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

fn builder(head: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_headers(limits::HEADER_FIELDS)
        .max_buf_size(limits::HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS)
        .max_header_list_size(u32::try_from(limits::HEAD_BYTES).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits::PENDING_RESETS)
        .max_local_error_reset_streams(limits::ERROR_RESETS)
        .keep_alive_interval(limits::KEEP_ALIVE)
        .keep_alive_timeout(limits::KEEP_ALIVE);
    builder
}

/// One connection, to its end. What a caller does wrong on it is the caller's affair.
async fn connection(
    stream: TimeoutStream<TcpStream>,
    _place: OwnedSemaphorePermit,
    builder: Builder<TokioExecutor>,
    head: Duration,
    router: Router,
    stop: CancellationToken,
) {
    // Small replies must not wait for the acknowledgement of earlier ones; without it they are only slower.
    let _ = stream.get_ref().set_nodelay(true);
    let begun = CancellationToken::new();
    let peer = Peer::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        begun.cancel();
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request)
    });
    let mut serving = pin!(builder.serve_connection(TokioIo::new(Box::pin(stream)), service));
    // Until the version of HTTP is known no other timeout runs.
    let silent = async {
        tokio::time::sleep(head).await;
        if begun.is_cancelled() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        _ = serving.as_mut() => return,
        () = silent => return,
        () = stop.cancelled() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}
