//! Listeners: HTTP/1.1 and HTTP/2, one for each kind of caller, each behind its [`Door`] of TLS and bounded by [`limits`].
//!
//! The path of one connection: a place; the handshake; a meter on what comes that asks for nothing; requests, each with
//! the [`Peer`] that TLS told of and with a body that must come at a pace; and an end: the caller's, that of a limit, or
//! in good order when the gateway is to stop.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{
    abuse::{
        flood::{Allowance, Metered},
        slow_body::{Pace, Paced},
    },
    limits,
    telemetry::metrics::{Metrics, doors::Cut},
    tls::{door::Door, peer::Peer},
};

/// A bound port, before anything is served.
pub struct Listener {
    listener: TcpListener,
    /// Where it is bound.
    pub address: SocketAddr,
    manner: Manner,
}

/// How one listener treats its connections.
#[derive(Clone)]
struct Manner {
    name: &'static str,
    metrics: Arc<Metrics>,
    door: Option<Arc<Door>>,
    head: Duration,
    standstill: Duration,
    pace: Pace,
}

impl Listener {
    /// Binds the port, without TLS.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let manner = Manner {
            name: "unnamed",
            metrics: Arc::default(),
            door: None,
            head: limits::HEAD,
            standstill: limits::STANDSTILL,
            pace: Pace::default(),
        };
        Ok(Self { address: listener.local_addr()?, listener, manner })
    }

    /// With the name under which it is counted.
    #[must_use]
    pub fn named(mut self, name: &'static str, metrics: Arc<Metrics>) -> Self {
        (self.manner.name, self.manner.metrics) = (name, metrics);
        self
    }

    /// With TLS, where there is a door.
    #[must_use]
    pub fn behind(mut self, door: Option<Arc<Door>>) -> Self {
        self.manner.door = door;
        self
    }

    /// With another time than [`limits::HEAD`].
    #[must_use]
    pub fn with_head_within(mut self, head: Duration) -> Self {
        self.manner.head = head;
        self
    }

    /// With another time than [`limits::STANDSTILL`].
    #[must_use]
    pub fn with_standstill_of(mut self, standstill: Duration) -> Self {
        self.manner.standstill = standstill;
        self
    }

    /// With another pace of bodies than that of [`limits`].
    #[must_use]
    pub fn with_bodies_at(mut self, pace: Pace) -> Self {
        self.manner.pace = pace;
        self
    }

    /// Serves until `stop`, then lets requests under way come to their end.
    pub fn serve(self, router: Router, stop: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(accept(self, router, stop))
    }
}

async fn accept(listener: Listener, router: Router, stop: CancellationToken) {
    let Listener { listener, manner, .. } = listener;
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let builder = builder(manner.head);
    let next = || async {
        let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
        Ok::<_, io::Error>((listener.accept().await?.0, place))
    };
    while let Some(accepted) = stop.run_until_cancelled(next()).await {
        match accepted {
            Ok((stream, place)) => {
                let connection = connection(stream, manner.clone(), builder.clone(), router.clone(), stop.clone());
                connections.spawn(async move {
                    let _place = place;
                    connection.await;
                });
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
    stream: TcpStream,
    manner: Manner,
    builder: Builder<TokioExecutor>,
    router: Router,
    stop: CancellationToken,
) {
    // Small replies must not wait for the acknowledgement of earlier ones; without it they are only slower.
    let _ = stream.set_nodelay(true);
    // A reader that takes nothing lets no write come to its end.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(manner.standstill));
    let stream = Box::pin(stream);
    match manner.door.clone() {
        None => requests(stream, Peer::default(), manner, builder, router, stop).await,
        Some(door) => {
            // A connection that does not stand yet has nothing to come to its end.
            if let Some(Some((stream, peer))) = stop.run_until_cancelled(door.shake(stream)).await {
                requests(stream, peer, manner, builder, router, stop).await;
            }
        }
    }
}

/// The requests of one connection.
async fn requests<S>(
    stream: S,
    peer: Peer,
    manner: Manner,
    builder: Builder<TokioExecutor>,
    router: Router,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let begun = CancellationToken::new();
    let allowance = Arc::<Allowance>::default();
    let is_secure = manner.door.is_some();
    let service = service_fn(|request: Request<Incoming>| {
        begun.cancel();
        allowance.request();
        let mut request = request.map(|body| Paced::new(body, manner.pace, Arc::clone(&allowance)));
        request.extensions_mut().insert(peer.clone());
        let router = router.clone();
        async move {
            // HTTP/1.1 is held to this by its parser; HTTP/2 counts bytes alone.
            if request.headers().len() > limits::HEADER_FIELDS {
                return Ok(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response());
            }
            let answered: Result<Response, _> = router.oneshot(request).await;
            answered.map(|response| if is_secure { with_strict_transport(response) } else { response })
        }
    });
    let stream = Metered::new(stream, Arc::clone(&allowance));
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // Until the version of HTTP is known no other timeout runs.
    let silent = async {
        tokio::time::sleep(manner.head).await;
        if begun.is_cancelled() {
            std::future::pending::<()>().await;
        }
    };
    let cut = tokio::select! {
        _ = serving.as_mut() => allowance.cut(),
        () = silent => Some(Cut::Silent),
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
            allowance.cut()
        }
    };
    if let Some(why) = cut {
        manner.metrics.cut(manner.name, why);
    }
}

/// Whoever came with TLS once comes with nothing else (RFC 6797).
fn with_strict_transport(mut response: Response) -> Response {
    let value = format!("max-age={}", limits::STRICT_TRANSPORT_SECONDS);
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
