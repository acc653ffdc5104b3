//! A listener that can refuse connections and take them again, on the same port.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
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

/// A listener that serves one router.
#[derive(Debug)]
pub struct Listener {
    router: Router,
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
        let mut listener = Listener { router, address, mode: Mode::Refusing { socket } };
        listener.up()?;
        Ok(listener)
    }

    /// Takes connections.
    pub fn up(&mut self) -> io::Result<()> {
        self.mode = match std::mem::replace(&mut self.mode, Mode::Between) {
            Mode::Refusing { socket } => {
                let listener = socket.listen(BACKLOG)?;
                let stop = CancellationToken::new();
                let task = tokio::spawn(accept(listener, self.router.clone(), stop.clone()));
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

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let service = TowerToHyperService::new(router.clone());
        let stop = stop.clone();
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            tokio::select! {
                () = stop.cancelled() => {}
                // What a client does to its connection is the client's business.
                _ = builder.serve_connection(TokioIo::new(stream), service) => {}
            }
        });
    }
}
