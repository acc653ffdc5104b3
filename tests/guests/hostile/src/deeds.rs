//! What the plugin does before it answers. Each deed gives a word or two that say what came of it.

use std::hint::black_box;

use dialog_plugin_sdk::{
    Failure, Message, attachments, clock, log,
    state::{self, Error},
    upstream::{self, Cause},
};

use crate::told::{KEY, Told};

/// Where a canary is looked for and hidden: memory that no allocator gave out.
#[cfg(target_arch = "wasm32")]
const PAGE: usize = 65_536;

/// Keys that climb out of the office, out of the plugin, or out of what a key may be.
const CLIMBING: [&str; 20] = [
    "a/..",
    "../a",
    "../../a",
    "/a",
    "a/b",
    "8150101/a",
    "8150301/a",
    "bystander/a",
    "a\0b",
    "\0",
    "A",
    "ø",
    "a b",
    "a\nb",
    "a\\b",
    "a%2fb",
    "a:b",
    "*",
    "",
    "\u{ff0e}\u{ff0e}",
];

/// Does what it was told.
pub fn act(told: &Told, message: Option<&Message>) -> Result<String, Failure> {
    Ok(match told.name.as_str() {
        // Time
        "loop" => loop {
            black_box(told);
        },
        "wait" => loop {
            clock::wait(60_000);
        },
        "wait-then-loop" => {
            clock::wait(100);
            loop {
                black_box(told);
            }
        }
        "ask-the-clock" => loop {
            black_box(clock::now());
        },
        "ask-the-state" => loop {
            black_box(state::get("a")).ok();
        },
        "list-the-state" => loop {
            black_box(state::keys("")).ok();
        },
        "recurse" => recurse(black_box(1)).to_string(),

        // Memory
        "trap" => trap(),
        "panic" => panic!("{}", told.rest),
        "panic-aloud" => {
            log::error!("panicked at {}", told.rest);
            trap()
        }
        "read-out-of-memory" => read_out_of_memory(),
        "write-out-of-memory" => write_out_of_memory(),
        "take-all-memory" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
                black_box(&all);
            }
        }
        "take-all-memory-and-go-on" => {
            let mut pages = 0;
            while grow(16) {
                pages += 16;
            }
            format!("got some: {}", pages > 100)
        }
        "hide" => hide(told.rest.as_bytes()),
        "seek" => seek(told.rest.as_bytes()),
        // Else nobody could tell a search that finds nothing from one that does not look.
        "seek-own" => seek_own(told.rest.as_bytes()),

        // Log
        "log-flood" => {
            for line in 0..told.number() {
                log::info!("line {line}");
            }
            "logged".to_owned()
        }
        "log-long" => {
            dialog_plugin_sdk::log::write(log::Level::Info, &"x".repeat(told.number()));
            "logged".to_owned()
        }
        "log" => {
            log::warn!("{}", told.rest.replace("\\n", "\n").replace("\\r", "\r").replace("\\e", "\u{1b}"));
            "logged".to_owned()
        }

        // State
        "climb" => {
            let refused = |key: &&&str| {
                matches!(state::get(key), Err(Error::InvalidKey))
                    && matches!(state::set(key, b"x"), Err(Error::InvalidKey))
                    && matches!(state::delete(key), Err(Error::InvalidKey))
            };
            format!("{} of {} refused", CLIMBING.iter().filter(refused).count(), CLIMBING.len())
        }
        "set" => {
            let (key, value) = told.pair();
            word(state::set(key, value.as_bytes()))
        }
        "get" => match state::get(&told.rest) {
            Ok(Some(value)) => format!("found {}", String::from_utf8_lossy(&value)),
            Ok(None) => "nothing".to_owned(),
            Err(error) => word(Err(error)),
        },
        "list" => match state::keys(&told.rest) {
            Ok(keys) => format!("{} keys", keys.len()),
            Err(error) => word(Err(error)),
        },
        "set-many" => counted((0..told.number()).map(|number| state::set(&format!("many.{number}"), b"x"))),
        "set-more" => {
            // Each call of its own numbers: so many keys that only several calls can write them.
            let (from, count) = told.pair();
            let (from, count): (usize, usize) = (from.parse().unwrap_or(0), count.parse().unwrap_or(0));
            counted((from..from + count).map(|number| state::set(&format!("more.{number}"), b"x")))
        }
        "set-large" => word(state::set("large", &vec![b'x'; told.number()])),
        "set-much" => counted((0..told.number()).map(|number| state::set(&format!("much.{number}"), &[b'x'; 65_536]))),
        "delete-many" => counted((0..told.number()).map(|number| state::delete(&format!("many.{number}")))),
        "set-then-trap" => {
            state::set("kept", b"x")?;
            trap()
        }
        "set-then-fail" => {
            state::set("kept", b"x")?;
            return Err(Failure::declined("no", "Nei."));
        }
        "then" => {
            state::set(KEY, format!("do: {}", told.rest).as_bytes())?;
            "noted".to_owned()
        }

        // Files
        "files-flood" => {
            let made = (0..told.number()).map(|_| attachments::create("a", "application/octet-stream", b""));
            let made: Vec<_> = made.collect();
            format!("{} of {} made", made.iter().filter(|made| made.is_ok()).count(), made.len())
        }
        "file-bytes" => {
            let large = vec![0_u8; 9 << 20];
            let made = (0..told.number()).map(|_| attachments::create("a", "application/octet-stream", &large));
            format!("{} made", made.filter(Result::is_ok).count())
        }
        "file-lie" => {
            let lies = ["image/jpeg", "application/pdf", "image/svg+xml", "text/html"];
            let refused = lies.map(|kind| attachments::create("a.pdf", kind, b"MZ<script>").is_err());
            format!("{} of {} refused", refused.iter().filter(|refused| **refused).count(), refused.len())
        }
        "file-of-others" => {
            let mut stray = message.and_then(|message| message.attachments.first().cloned()).unwrap_or_else(|| {
                dialog_plugin_sdk::Attachment {
                    id: String::new(),
                    media_type: "image/png".to_owned(),
                    name: "x.png".to_owned(),
                    size: 1,
                }
            });
            let handles = ["attachment-1", "attachment-2", "attachment-0", "../blobs", &told.rest];
            let refused = handles.iter().filter(|handle| {
                stray.id = (**handle).to_owned();
                attachments::read(&stray, 0, 10).is_err()
            });
            format!("{} of {} refused", refused.count(), handles.len())
        }

        // Upstreams
        "get-from" => said(upstream::get("api", &told.rest)),
        "post-to" => said(upstream::post("api", &told.rest).body("text/plain", "hello")),
        "ask" => said(upstream::get(&told.rest, "/x")),
        "path" => {
            // As it was told, without the SDK's encoding.
            let path: String = serde_json::from_str(&told.rest).unwrap_or_default();
            said(upstream::get("api", &path))
        }
        "header" => {
            let (name, value): (String, String) = serde_json::from_str(&told.rest).unwrap_or_default();
            said(upstream::get("api", "/plain").header(&name, value))
        }
        "query" => said(upstream::get("api", "/plain").query("q", told.rest.replace("\\n", "\r\n"))),
        "body-in-get" => said(upstream::get("api", "/plain").body("text/plain", "GET / HTTP/1.1\r\n\r\n")),
        "ask-often" => {
            let all: Vec<String> = (0..told.number()).map(|_| said(upstream::get("api", "/plain"))).collect();
            format!("{} answered, last {}", all.iter().filter(|one| one.starts_with("200")).count(), all[all.len() - 1])
        }
        "forge-trace" => {
            let forged = ["traceparent", "Traceparent", "tracestate", "baggage"];
            let refused = forged.iter().filter(|name| {
                let value = "00-11111111111111111111111111111111-1111111111111111-01";
                said(upstream::get("api", "/plain").header(name, value)) == "error forbidden"
            });
            format!("{} of {} refused", refused.count(), forged.len())
        }
        "post-then-trap" => {
            black_box(said(upstream::post("api", "/plain").body("text/plain", "hello")));
            trap()
        }
        "post-then-loop" => {
            black_box(said(upstream::post("api", "/plain").body("text/plain", "hello")));
            loop {
                black_box(told);
            }
        }
        _ => "ok".to_owned(),
    })
}

fn word(result: Result<(), Error>) -> String {
    match result {
        Ok(()) => "done",
        Err(Error::InvalidKey) => "invalid key",
        Err(Error::TooLarge) => "too large",
        Err(Error::Full) => "full",
        Err(Error::Unavailable) => "unavailable",
    }
    .to_owned()
}

/// How many went well, and how the last of those that did not failed.
fn counted(results: impl Iterator<Item = Result<(), Error>>) -> String {
    let (mut done, mut last) = (0, Ok(()));
    for result in results {
        match result {
            Ok(()) => done += 1,
            failed => last = failed,
        }
    }
    format!("{done} done, then {}", word(last))
}

/// What an upstream answered, in a few words.
fn said(request: upstream::Request) -> String {
    match request.send() {
        Ok(answer) => {
            let encoding = answer.header("content-encoding").unwrap_or("plain");
            let body = if answer.body.len() <= 40 { &answer.body[..] } else { b"..." };
            let body = String::from_utf8_lossy(body).escape_default().to_string();
            format!("{} {encoding} {} {body}", answer.status, answer.body.len())
        }
        Err(error) => format!(
            "error {}",
            match error.cause {
                Cause::NotGranted => "not granted",
                Cause::Forbidden(_) => "forbidden",
                Cause::Unreachable(_) => "unreachable",
                Cause::Interrupted(_) => "interrupted",
                Cause::TooLarge => "too large",
                Cause::TooMany => "too many",
                Cause::Credentials => "credentials",
            }
        ),
    }
}

#[expect(unconditional_recursion, reason = "that is the deed")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + depth)
}

#[cfg(target_arch = "wasm32")]
fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() -> ! {
    std::process::abort()
}

/// Asks for pages of memory; whether they were given.
#[cfg(target_arch = "wasm32")]
fn grow(pages: usize) -> bool {
    core::arch::wasm32::memory_grow::<0>(pages) != usize::MAX
}

#[cfg(not(target_arch = "wasm32"))]
fn grow(_: usize) -> bool {
    false
}

/// Bytes of memory in all.
#[cfg(target_arch = "wasm32")]
fn size() -> usize {
    core::arch::wasm32::memory_size::<0>() * PAGE
}

#[cfg(not(target_arch = "wasm32"))]
fn size() -> usize {
    0
}

fn read_out_of_memory() -> String {
    // SAFETY: there is none; a component may do this, and must be stopped.
    let byte = unsafe { std::ptr::read_volatile(black_box(0xffff_fff0_usize as *const u8)) };
    byte.to_string()
}

fn write_out_of_memory() -> String {
    // SAFETY: there is none; a component may do this, and must be stopped.
    unsafe { std::ptr::write_volatile(black_box(0xffff_fff0_usize as *mut u8), 1) };
    "written".to_owned()
}

/// Writes a canary all over memory: into every 4 KiB of 16 MiB that are asked for, and into the heap.
fn hide(canary: &[u8]) -> String {
    let begin = size();
    if grow(256) {
        for at in (begin..size() - canary.len()).step_by(4096) {
            // SAFETY: within memory that was just given to this instance, and that nothing else uses.
            unsafe { std::ptr::copy_nonoverlapping(canary.as_ptr(), at as *mut u8, canary.len()) };
        }
    }
    std::mem::forget(black_box(vec![canary.to_vec(); 1_000]));
    "hidden".to_owned()
}

/// Hides a canary once and then looks for it.
fn seek_own(canary: &[u8]) -> String {
    let begin = size();
    if grow(16) {
        // SAFETY: within memory that was just given to this instance, and that nothing else uses.
        unsafe { std::ptr::copy_nonoverlapping(canary.as_ptr(), (begin + 4096) as *mut u8, canary.len()) };
    }
    seek_from(begin, canary)
}

/// Looks for a canary in all memory that can be had. What the call itself was told holds it once or twice, and is found
/// below the end of memory at the beginning; what is above was never this call's.
fn seek(canary: &[u8]) -> String {
    seek_from(size(), canary)
}

fn seek_from(begin: usize, canary: &[u8]) -> String {
    while grow(16) {}
    let mut found = 0;
    for at in begin..size().saturating_sub(canary.len()) {
        // SAFETY: within this instance's memory, which only grows.
        let here = unsafe { std::slice::from_raw_parts(at as *const u8, canary.len()) };
        if here[0] == canary[0] && here == canary {
            found += 1;
        }
    }
    // Memory that was given fresh must be nothing but zeros, canary or not.
    let dirty = (begin..size())
        // SAFETY: as above.
        .filter(|at| unsafe { std::ptr::read_volatile(*at as *const u8) } != 0)
        .count();
    format!("looked, found {found}, dirty {dirty}")
}
