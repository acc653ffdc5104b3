//! What the tests of the command share: a log in a folder, the command itself, a web server that can be told to lie.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use dialog_audit::{Log, LogConfig, SigningKey, VerifierKeys};
use serde_json::Value;
use tempfile::TempDir;

/// A log that can be added to.
pub(crate) struct Case {
    pub(crate) folder: TempDir,
    pub(crate) vkey: String,
    key: String,
}

impl Case {
    pub(crate) fn new(entries: impl IntoIterator<Item = String>) -> Self {
        Self::named("example.test/log", entries)
    }

    pub(crate) fn named(origin: &str, entries: impl IntoIterator<Item = String>) -> Self {
        let folder = TempDir::new().unwrap();
        let pair = dialog_audit::generate_key(origin).unwrap();
        let case = Self { folder, vkey: pair.verifier.clone(), key: pair.private.to_string() };
        case.append(entries);
        case
    }

    /// Another log of the same name and key: a fork.
    pub(crate) fn fork(&self, entries: impl IntoIterator<Item = String>) -> Self {
        let case = Self { folder: TempDir::new().unwrap(), vkey: self.vkey.clone(), key: self.key.clone() };
        case.append(entries);
        case
    }

    /// The log, open for appending.
    pub(crate) fn open(&self) -> Log {
        Log::open(LogConfig::new(self.dir(), self.signer())).unwrap()
    }

    /// The key that signs it.
    pub(crate) fn signer(&self) -> SigningKey {
        SigningKey::parse(&self.key).unwrap()
    }

    pub(crate) fn append(&self, entries: impl IntoIterator<Item = String>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let log = self.open();
            // Many at once, in their order: they share flushes.
            let mut entries = entries.into_iter().peekable();
            while entries.peek().is_some() {
                let mut waiting: Vec<_> = entries.by_ref().take(512).map(|entry| Box::pin(log.append(entry))).collect();
                std::future::poll_fn(|context| {
                    waiting.retain_mut(|append| match append.as_mut().poll(context) {
                        Poll::Pending => true,
                        Poll::Ready(receipt) => receipt.map(|_| false).unwrap(),
                    });
                    if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            log.close().await.unwrap();
        });
    }

    pub(crate) fn keys(&self) -> VerifierKeys {
        VerifierKeys::parse(&self.vkey).unwrap()
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn log(&self) -> String {
        self.dir().to_str().unwrap().to_owned()
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Keeps today's checkpoint under a name.
    pub(crate) fn keep_checkpoint(&self, name: &str) -> String {
        std::fs::copy(self.dir().join("checkpoint"), self.file(name)).unwrap();
        self.file(name)
    }
}

pub(crate) fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dialog-audit")).args(arguments).output().unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {}{}", said(output), complained(output)))
}

/// A request as it arrived.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

/// What the server does in place of giving the file.
pub(crate) enum Instead {
    /// Status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// A body without an end.
    Endless,
    /// The file with one bit turned, at this place.
    Turned(usize),
}

/// A folder behind a URL. `twist` may answer something else.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

pub(crate) fn serve(dir: &Path, twist: impl Fn(&Asked, usize) -> Option<Instead> + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/some/log", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (dir, twist, list) = (dir.to_owned(), Arc::new(twist), Arc::clone(&asked));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (dir, twist, list) = (dir.clone(), Arc::clone(&twist), Arc::clone(&list));
            // A client that has gone is of no interest.
            std::thread::spawn(move || answer(stream, &dir, &*twist, &list).ok());
        }
    });
    Server { url, asked }
}

fn answer(
    mut stream: TcpStream,
    dir: &Path,
    twist: &(dyn Fn(&Asked, usize) -> Option<Instead> + Send + Sync),
    list: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap()?;
    let path = first.split(' ').nth(1).unwrap().strip_prefix("/some/log/").unwrap_or("outside").to_owned();
    let mut headers = HashMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let nth = {
        let mut list = list.lock().unwrap();
        list.push(path.clone());
        list.iter().filter(|other| **other == path).count()
    };
    let file = || std::fs::read(dir.join(&path)).ok();
    let mut reply = |status: u16, headers: &[(&str, String)], body: &[u8]| {
        write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len())?;
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        stream.write_all(b"\r\n")?;
        stream.write_all(body)
    };
    match twist(&Asked { path: path.clone(), headers }, nth) {
        None => match file() {
            Some(body) => reply(200, &[], &body),
            None => reply(404, &[], b""),
        },
        Some(Instead::Answer(status, headers, body)) => reply(status, &headers, &body),
        Some(Instead::Turned(at)) => {
            let mut body = file().unwrap();
            body[at] ^= 1;
            reply(200, &[], &body)
        }
        Some(Instead::Endless) => {
            stream.write_all(b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 65536])?;
            }
        }
    }
}
