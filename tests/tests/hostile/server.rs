//! A server that does every bad thing that an upstream can do; the path says which. No HTTP library: none would.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use dialog_host::PluginConfig;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::stage::granted;

/// Answers that are no HTTP, by their place in the path `/malformed/N`.
pub(crate) const MALFORMED: [(&str, &[u8]); 22] = [
    ("nothing", b""),
    ("not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    ("HTTP/0.9", b"<html>hello</html>"),
    ("another version", b"HTTP/9.9 200 OK\r\n\r\n"),
    ("a status of letters", b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n"),
    ("a status of four digits", b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n"),
    ("a negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhello"),
    ("a signed length", b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello"),
    ("a length beyond numbers", b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nhello"),
    ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"),
    ("two lengths in one", b"HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\nhello!"),
    ("a length that is not kept", b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello"),
    ("a broken chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"),
    ("a chunk beyond numbers", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n"),
    ("a chunk that is not ended", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n"),
    ("no last chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ("a header without colon", b"HTTP/1.1 200 OK\r\nhello\r\ncontent-length: 0\r\n\r\n"),
    ("a header with NUL", b"HTTP/1.1 200 OK\r\nx-a: a\0b\r\ncontent-length: 0\r\n\r\n"),
    ("a name with a blank", b"HTTP/1.1 200 OK\r\nx a: b\r\ncontent-length: 0\r\n\r\n"),
    ("an end in the middle of the head", b"HTTP/1.1 200 OK\r\ncontent-le"),
    ("an upgrade", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n\0\x01\x02"),
    ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28"),
];

/// Bytes of a gzip bomb on the wire; decompressed it would be a thousand times as many.
pub(crate) const BOMB_BYTES: usize = 102_000;

/// The server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves until the process ends.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let heads = Arc::clone(&server.heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let heads = Arc::clone(&heads);
                // The other side may go at any time; that is its right.
                tokio::spawn(async move { drop(serve(stream, &heads).await) });
            }
        });
        server
    }

    /// The grant of the hostile plugin: this server, and a name for the machine itself that the operator did not allow.
    pub(crate) fn bound(&self) -> PluginConfig {
        let port = self.address.port();
        let upstreams = json!({
            "api": { "base-url": format!("http://127.0.0.1:{port}/base"), "allow-networks": ["loopback"],
                     "timeout-milliseconds": 1_000 },
            "inside": { "base-url": format!("https://localhost:{port}/") },
        });
        PluginConfig { upstreams: serde_json::from_value(upstreams).unwrap(), ..granted() }
    }

    /// Every head that came, as it came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut stream: TcpStream, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        heads.lock().unwrap_or_else(PoisonError::into_inner).push(head);
        match path.strip_prefix("/base").unwrap_or_default() {
            "/silent" => {
                // Until the other side goes.
                let _ = stream.read_u8().await;
                return Ok(());
            }
            "/drips-its-head" => drip(&mut stream, b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n").await?,
            "/drips-its-body" => drip(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", b"x").await?,
            "/continues" => drip(&mut stream, b"", b"HTTP/1.1 100 Continue\r\n\r\n").await?,
            "/endless" => {
                flood(&mut stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &chunk()).await?;
            }
            "/ten-gibibytes" => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 10_u64 << 30);
                flood(&mut stream, head.as_bytes(), &[b'x'; 65_536]).await?;
            }
            "/until-it-closes" => flood(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 65_536]).await?,
            "/headers-for-ever" => flood(&mut stream, b"HTTP/1.1 200 OK\r\n", b"x-filler: some words\r\n").await?,
            "/one-header-for-ever" => flood(&mut stream, b"HTTP/1.1 200 OK\r\nx-a: ", &[b'x'; 65_536]).await?,
            "/bomb" => {
                let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: application/json\r\n";
                stream.write_all(format!("{head}content-length: {BOMB_BYTES}\r\n\r\n").as_bytes()).await?;
                // The header of a gzip file, then what stands for 100 MiB of one letter.
                let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
                bomb.resize(BOMB_BYTES, 0);
                stream.write_all(&bomb).await?;
            }
            "/redirect" => {
                let to = "location: http://169.254.169.254/latest/meta-data/\r\n";
                stream
                    .write_all(format!("HTTP/1.1 302 Found\r\n{to}content-length: 5\r\n\r\nmoved").as_bytes())
                    .await?;
            }
            "/unauthorised" => {
                let ask = "www-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(format!("HTTP/1.1 401 Unauthorized\r\n{ask}").as_bytes()).await?;
            }
            "/two-answers" => {
                let one = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst";
                let other = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecond";
                stream.write_all(format!("{one}{other}").as_bytes()).await?;
            }
            malformed if malformed.starts_with("/malformed/") => {
                let place = malformed["/malformed/".len()..].parse().unwrap_or(0_usize);
                stream.write_all(MALFORMED[place].1).await?;
                return stream.shutdown().await;
            }
            _ => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await?,
        }
    }
}

fn chunk() -> Vec<u8> {
    let mut chunk = b"10000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x10000, b'x');
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// Begins, and then a little more every 20 ms: slower than any time-out of a read, faster than a second a byte.
async fn drip(stream: &mut TcpStream, begin: &[u8], more: &[u8]) -> std::io::Result<()> {
    stream.write_all(begin).await?;
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.write_all(more).await?;
    }
}

/// Begins, and then more for as long as somebody takes it.
async fn flood(stream: &mut TcpStream, begin: &[u8], more: &[u8]) -> std::io::Result<()> {
    stream.write_all(begin).await?;
    loop {
        stream.write_all(more).await?;
    }
}
