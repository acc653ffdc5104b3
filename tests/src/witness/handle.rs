//! The running witness, and how it can be made to misbehave.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use http::{StatusCode, header};
use tokio::sync::watch;

use super::{
    book::{Book, Submission, Verdict},
    note::LogKey,
    sign::{Key, Kind},
};
use crate::sim::listener::Listener;

/// Longest submission that is read, in bytes.
const LONGEST: usize = 1024 * 1024;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By the protocol.
    Honest,
    /// Not at all: the request is taken, and never answered.
    Silent,
    /// 200, and a body that is nothing.
    Garbage,
    /// 200, and a body without an end.
    Endless,
    /// 200, and a signature by a key of its name and id that is not its key.
    Forges,
    /// 200, and a good signature by a key that nobody knows.
    SignsAsAnother,
    /// 409, and this size, whatever it knows.
    Claims(u64),
    /// This status and nothing else.
    Says(u16),
    /// A redirect to itself.
    Redirects,
}

/// A submission that came, and the status that it got; none where it was never answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What the client thought that the witness knows.
    pub old: u64,
    /// Entries in the submitted tree.
    pub size: u64,
    /// The answer.
    pub status: Option<u16>,
}

struct Inner {
    book: Book,
    key: Key,
    other: Key,
    manner: Mutex<Manner>,
    asked: watch::Sender<Vec<Asked>>,
}

/// A witness.
pub struct Witness {
    inner: Arc<Inner>,
    listener: Listener,
    /// Its submission prefix, which is its monitoring prefix too.
    pub url: String,
    /// Its verifier key.
    pub vkey: String,
    folder: PathBuf,
}

impl Witness {
    /// Starts a witness that knows these logs' keys, on a free port, with its memory in a folder.
    pub async fn start(folder: &Path, name: &str, kind: Kind, logs: &[&str]) -> anyhow::Result<Self> {
        let logs = logs.iter().map(|vkey| LogKey::parse(vkey).context("a log's key")).collect::<Result<_, _>>()?;
        let key = Key::new(name, kind)?;
        let vkey = key.vkey();
        let inner = Arc::new(Inner {
            book: Book::open(folder, logs)?,
            key,
            other: Key::new(name, kind)?,
            manner: Mutex::new(Manner::Honest),
            asked: watch::Sender::default(),
        });
        let (socket, address) = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let router = Router::new()
            .route("/witness/add-checkpoint", post(add))
            .route("/witness/{origin}/checkpoint", get(note))
            .layer(DefaultBodyLimit::max(LONGEST))
            .with_state(Arc::clone(&inner));
        let listener = Listener::serve(socket, address, router)?;
        let url = format!("http://{address}/witness");
        Ok(Self { inner, listener, url, vkey, folder: folder.to_owned() })
    }

    /// From now on it answers so.
    pub fn behave(&self, manner: Manner) {
        *lock(&self.inner.manner) = manner;
    }

    /// It dies: connections are refused.
    pub async fn die(&mut self) -> io::Result<()> {
        self.listener.refuse().await
    }

    /// It lives again, with what it has on disk.
    pub fn live(&mut self) -> io::Result<()> {
        self.listener.up()
    }

    /// Forgets everything that it has signed.
    pub fn forget(&self) -> io::Result<()> {
        self.inner.book.forget()
    }

    /// The size of the newest tree that it has signed of a log.
    pub fn knows(&self, origin: &str) -> io::Result<Option<u64>> {
        self.inner.book.size(origin)
    }

    /// The submissions that came so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.borrow().clone()
    }

    /// Follows the submissions.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Vec<Asked>> {
        self.inner.asked.subscribe()
    }

    /// Where its memory is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970.
fn now() -> u64 {
    jiff::Timestamp::now().as_second().unsigned_abs()
}

async fn add(State(inner): State<Arc<Inner>>, body: Bytes) -> Response {
    let manner = *lock(&inner.manner);
    let seen = Submission::parse(&body);
    let (old, size) = seen.as_ref().map_or((0, 0), |seen| (seen.old, seen.checkpoint.size));
    let told = Arc::clone(&inner);
    let tell = move |status: Option<u16>| told.asked.send_modify(|asked| asked.push(Asked { old, size, status }));
    if manner == Manner::Silent {
        tell(None);
        return std::future::pending().await;
    }
    let response = match tokio::task::spawn_blocking(move || answer(&inner, manner, &body)).await {
        Ok(Ok(response)) => response,
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    tell(Some(response.status().as_u16()));
    response
}

fn answer(inner: &Inner, manner: Manner, body: &[u8]) -> io::Result<Response> {
    let sign = |as_other: bool, forged: bool| {
        let checkpoint = Submission::parse(body).ok_or(io::ErrorKind::InvalidData)?.checkpoint;
        let line = match (as_other, forged) {
            (true, _) => inner.other.line(&checkpoint, now()),
            (_, true) => inner.key.line_as(&inner.other, &checkpoint, now()),
            _ => inner.key.line(&checkpoint, now()),
        };
        line.map_err(io::Error::other)
    };
    Ok(match manner {
        Manner::Honest => {
            let (verdict, line) = inner.book.add(body, |_| sign(false, false))?;
            match verdict {
                Verdict::Sign => line.unwrap_or_default().into_response(),
                Verdict::Malformed => StatusCode::BAD_REQUEST.into_response(),
                Verdict::NotSigned => StatusCode::FORBIDDEN.into_response(),
                Verdict::UnknownLog => StatusCode::NOT_FOUND.into_response(),
                Verdict::Conflict(size) => conflict(size),
                Verdict::Inconsistent => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
            }
        }
        Manner::Silent => StatusCode::GATEWAY_TIMEOUT.into_response(),
        Manner::Garbage => "\u{2014} garbage".into_response(),
        Manner::Endless => {
            Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[b'x'; 4096]))))
                .into_response()
        }
        Manner::Forges => sign(false, true)?.into_response(),
        Manner::SignsAsAnother => sign(true, false)?.into_response(),
        Manner::Claims(size) => conflict(size),
        Manner::Says(status) => StatusCode::from_u16(status).map_err(io::Error::other)?.into_response(),
        Manner::Redirects => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/witness/add-checkpoint")]).into_response()
        }
    })
}

fn conflict(size: u64) -> Response {
    (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n")).into_response()
}

async fn note(State(inner): State<Arc<Inner>>, axum::extract::Path(origin): axum::extract::Path<String>) -> Response {
    match inner.book.note(&origin) {
        Ok(Some(note)) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
