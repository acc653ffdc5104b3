//! The whole story, and then: nothing that is secret is found where it has no business. National identity numbers, what
//! people wrote, tokens, API keys and private keys are searched for in the data folder, the log, traces, metrics, error
//! replies, and in the linear memories of plugin calls that have ended.
//!
//! Each search is shown to be able to fail: what it does not find in one place it finds in another, where it must be.
//!
//! What is not searched: the rest of the process's memory. While it runs it holds what it works with: replies on their
//! way, remembered tokens' claims, keys in use. Keys and configured secrets are overwritten when they are let go of; other
//! freed memory is not. A core dump of the gateway is therefore as secret as its keys, and core dumps belong switched off.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead as _, BufReader},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use aho_corasick::AhoCorasick;
use anyhow::{Context, ensure};
use axum::{Router, body::Bytes, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use dialog_contract::problem::ProblemType;
use dialog_tests::{
    house::{House, Plan},
    sim::world::{CITIZENS, KARI},
    story::{self, citizen::PHOTO, teller::Teller},
};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::visit::{citizen, opened, operator, upload};

/// What the test itself writes; all in ASCII, so that it has one spelling in any encoding.
const WORDS: &str = "Kanarifuglen sang i natt";

/// What people write in the story, what a laboratory found, and the way into a video meeting.
const STORY: [&str; 7] = [
    "Utslettet er tilbake",
    "Jeg sover fortsatt",
    "Eksemet er verre",
    "kremen to ganger",
    "Langtidsblodsukkeret",
    "meet.kry.example",
    "rom.helserespons.example",
];

/// Things to search for, each by what it is.
struct Canaries {
    /// What the pattern of this number is a spelling of.
    what: Vec<String>,
    patterns: Vec<Vec<u8>>,
}

impl Canaries {
    const fn none() -> Self {
        Self { what: Vec::new(), patterns: Vec::new() }
    }

    fn add(&mut self, what: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.what.push(what.into());
        self.patterns.push(bytes.into());
    }

    /// A text as it is, and as base64 has it at each of the three places where it can begin.
    fn text(&mut self, what: impl Into<String>, text: &str) {
        let what = what.into();
        self.add(what.clone(), text);
        for before in 0..3 {
            let encoded = STANDARD_NO_PAD.encode([&vec![b'x'; before], text.as_bytes()].concat());
            // Without the letters that also depend on what stands before and after.
            let inner = &encoded.as_bytes()[if before == 0 { 0 } else { before + 1 }..encoded.len() - 2];
            self.add(what.clone(), inner);
        }
    }

    fn search(&self) -> anyhow::Result<Search<'_>> {
        Ok(Search { what: &self.what, automaton: AhoCorasick::new(&self.patterns)? })
    }
}

/// All of them at once, as there is much to look through.
struct Search<'a> {
    what: &'a [String],
    automaton: AhoCorasick,
}

impl Search<'_> {
    /// Which are there, each once.
    fn found(&self, bytes: &[u8]) -> BTreeSet<&str> {
        self.automaton
            .find_overlapping_iter(bytes)
            .map(|found| self.what[found.pattern().as_usize()].as_str())
            .collect()
    }
}

/// Which of them are in which files below a folder.
fn found_below(search: &Search<'_>, folder: &Path) -> anyhow::Result<Vec<String>> {
    let (mut all, mut folders, mut files) = (Vec::new(), vec![folder.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            all.extend(
                search.found(&std::fs::read(&path)?).into_iter().map(|what| format!("{what} in {}", path.display())),
            );
        }
    }
    ensure!(files > 0, "no files in {}", folder.display());
    Ok(all)
}

/// What the house's citizens, keys and tokens are known by.
fn canaries(house: &House, folder: &Path) -> anyhow::Result<Canaries> {
    let mut canaries = Canaries::none();
    for citizen in CITIZENS {
        canaries.text(format!("{}'s number", citizen.given_name), citizen.national_id);
    }
    canaries.text("what the test wrote", WORDS);
    for words in STORY {
        canaries.text(format!("{words:?}"), words);
    }
    canaries.add("a photo", &PHOTO[20..60]);
    // All tokens of the issuer begin alike, up to its key's id.
    let token = house.issuer.citizen(&KARI)?.text;
    canaries.text("a token", token.split('.').next().context("a token")?);
    for file in [
        "helserespons.key",
        "helserespons.secret",
        "besoklegen.password",
        "kry.secret",
        "pseudonyms.key",
        "encryption.key",
        "audit.key",
    ] {
        let text = std::fs::read_to_string(folder.join(file))?;
        // The line of the signing key names the key first, which is public; its secret is at the end.
        let secret = text.trim();
        canaries.text(file, &secret[secret.len().saturating_sub(40)..]);
    }
    let pem = std::fs::read_to_string(folder.join("meldingstjener.pem"))?;
    let key = pem.lines().find(|line| !line.starts_with("---")).context("a key")?;
    canaries.text("meldingstjener.pem", &key[key.len() / 2..]);
    Ok(canaries)
}

/// A collector of traces that keeps what it gets, as it came.
async fn collector() -> anyhow::Result<(String, Arc<Mutex<Vec<u8>>>)> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&kept);
    let take = move |headers: HeaderMap, body: Bytes| async move {
        // Compressed, nothing could be found in it.
        if headers.contains_key("content-encoding") {
            return StatusCode::UNSUPPORTED_MEDIA_TYPE;
        }
        keeps.lock().unwrap().extend_from_slice(&body);
        StatusCode::OK
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/v1/traces", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, kept))
}

/// Refusals of all kinds, for requests that hold what must not come back.
async fn error_replies(house: &House) -> anyhow::Result<Vec<u8>> {
    let (kari, number) = (citizen(house, &KARI)?, KARI.national_id);
    let token = house.issuer.citizen(&KARI)?.text;
    let body = |text: &str| json!({ "request": { "type": "inquiry" }, "message": { "text": text } });
    let mut unknown = body(WORDS);
    unknown[number] = json!(WORDS);
    let mut wrong = body(WORDS);
    wrong["request"]["type"] = json!(number);
    let kinds = [
        (kari.post("/v1/me/dialogs", &[], &unknown), ProblemType::Invalid),
        (kari.post("/v1/me/dialogs", &[], &wrong), ProblemType::Invalid),
        (kari.post("/v1/me/dialogs", &[], &json!(null)).body(format!("{{\"{WORDS}")), ProblemType::Malformed),
        (kari.get("/v1/me/dialogs", &[]).query(&format!("cursor={number}")), ProblemType::Malformed),
        (kari.get("/v1/me/dialogs/{dialog}", &[number]), ProblemType::NotFound),
        (kari.get("/v1/me/attachments/{attachment}", &[number]), ProblemType::NotFound),
        (
            kari.with_token(Some(house.issuer.by_portal(format!("{token}x")))).get("/v1/me/dialogs", &[]),
            ProblemType::Unauthenticated,
        ),
        (
            kari.with_token(Some(house.issuer.by_portal(number.into()))).get("/v1/me/dialogs", &[]),
            ProblemType::Unauthenticated,
        ),
        (upload(&kari, "x", WORDS), ProblemType::UnsupportedMediaType),
        (
            operator(house)?.post("/v1/erasures", &[], &json!({ "nationalIdentityNumber": "x", number: WORDS })),
            ProblemType::Invalid,
        ),
    ];
    let mut replies = Vec::new();
    for (call, problem) in kinds {
        let reply = call.refused(problem).await?;
        replies.extend_from_slice(&reply.bytes);
        replies.extend_from_slice(format!("{:?}", reply.headers).as_bytes());
    }
    Ok(replies)
}

/// A range of a process's memory that can be read and written.
struct Region {
    from: u64,
    until: u64,
    /// It is a linear memory.
    linear: bool,
}

/// Behind a linear memory lies what it may yet grow into, and a guard: nothing else has as much that cannot be touched.
const BEHIND: u64 = 1 << 30;

/// Which memory a process has. A linear memory is one piece, part of which shows the plugin's own data from its file, and
/// before a large room that cannot be touched.
fn regions(process: u32) -> anyhow::Result<Vec<Region>> {
    let (mut regions, mut run) = (Vec::<Region>::new(), Vec::<(u64, u64, bool)>::new());
    for line in BufReader::new(File::open(format!("/proc/{process}/maps"))?).lines() {
        let line = line?;
        let mut fields = line.split_ascii_whitespace();
        let (range, rights) = (fields.next().context("a range")?, fields.next().context("rights")?);
        let (from, until) = range.split_once('-').context("a range")?;
        let (from, until) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(until, 16)?);
        let follows = run.last().is_some_and(|(_, end, _)| *end == from);
        let shows_a_file = fields.nth(3).is_some_and(|name| name.starts_with('/'));
        if rights.starts_with("rw") && (run.is_empty() || follows) {
            run.push((from, until, shows_a_file));
            continue;
        }
        let room = follows && rights.starts_with("---") && until - from >= BEHIND;
        let linear = room && run.iter().any(|(.., shows_a_file)| *shows_a_file);
        regions.extend(run.drain(..).map(|(from, until, _)| Region { from, until, linear }));
        if rights.starts_with("rw") {
            run.push((from, until, shows_a_file));
        }
    }
    regions.extend(run.into_iter().map(|(from, until, _)| Region { from, until, linear: false }));
    Ok(regions)
}

/// What is found in linear memories, and in the rest of a process's memory.
#[derive(Default)]
struct Memory<'a> {
    linear: BTreeSet<&'a str>,
    rest: BTreeSet<&'a str>,
}

fn memory<'a>(process: u32, search: &'a Search<'_>) -> anyhow::Result<Memory<'a>> {
    let mut memory = Memory::default();
    let file = File::open(format!("/proc/{process}/mem"))?;
    // Pieces overlap, so that nothing is missed that lies across two.
    let (mut piece, overlap) = (vec![0; 1 << 20], 4096);
    for Region { from, until, linear } in regions(process)? {
        let into = if linear { &mut memory.linear } else { &mut memory.rest };
        let mut at = from;
        while at < until {
            let wanted = usize::try_from((until - at).min(piece.len() as u64))?;
            // What went while this was read is nobody's.
            let Ok(read @ 1..) = file.read_at(&mut piece[..wanted], at) else { break };
            into.extend(search.found(&piece[..read]));
            at += if at + read as u64 == until { read } else { read.saturating_sub(overlap).max(1) } as u64;
        }
    }
    Ok(memory)
}

#[test]
fn nothing_secret_is_found_after_the_whole_story_where_it_has_no_business() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(everywhere(folder.path())).unwrap();
}

async fn everywhere(folder: &Path) -> anyhow::Result<()> {
    let (otlp, traces) = collector().await?;
    let plan = Plan {
        otlp: Some(otlp),
        notices: true,
        national: true,
        ..Plan::free(folder, Path::new(env!("CARGO_BIN_EXE_demo")))
    };
    let mut house = House::open(plan).await?;
    story::play(&mut Teller::new(), &mut house).await?;
    house.start_gateway().await?;
    let kari = citizen(&house, &KARI)?;
    let photo = upload(&kari, "utslett.jpg", PHOTO).expect(StatusCode::CREATED).await?.text("/id")?.to_owned();
    let body = json!({
        "request": { "type": "consultation", "mode": "text" },
        "message": { "text": WORDS, "attachments": [photo] },
    });
    let dialog = opened(&kari, &body).await?;

    let canaries = canaries(&house, folder)?;
    let search = canaries.search()?;
    let replies = error_replies(&house).await?;
    let metrics = operator(&house)?.get("/metrics", &[]).expect(StatusCode::OK).await?.bytes;
    let process = house.gateway()?.process().context("the gateway runs")?;
    finished_calls(process, canaries_and_the_plugins_own(&canaries))?;

    // It is all there, for whom it is for: so it is in the data folder, if encrypted.
    let read = kari.get("/v1/me/dialogs/{dialog}", &[&dialog]).expect(StatusCode::OK).await?;
    ensure!(search.found(&read.bytes) == ["what the test wrote"].into());
    house.stop_gateway().await?;

    let data = house.audit().parent().context("the data folder")?.to_owned();
    assert_eq!(found_below(&search, &data)?, Vec::<String>::new());
    assert_eq!(search.found(&std::fs::read(house.log())?), BTreeSet::new(), "in the log");
    assert_eq!(search.found(&replies), BTreeSet::new(), "in error replies");
    assert_eq!(search.found(&metrics), BTreeSet::new(), "in metrics");
    let traces = traces.lock().unwrap().clone();
    ensure!(traces.windows(11).any(|window| window == b"plugin.call"), "no traces have come");
    assert_eq!(search.found(&traces), BTreeSet::new(), "in traces");
    the_search_can_fail(&house, &search, folder)
}

/// What the code of the DDFL plugin holds: where it is, there are linear memories.
const OWN: &str = "the plugin's own";

fn canaries_and_the_plugins_own(canaries: &Canaries) -> Canaries {
    let mut all = Canaries { what: canaries.what.clone(), patterns: canaries.patterns.clone() };
    all.add(OWN, "DIALOG_INNBYGGER");
    all
}

/// Linear memories of calls that have ended: nothing of what the calls were about is in them.
fn finished_calls(process: u32, canaries: Canaries) -> anyhow::Result<()> {
    let search = canaries.search()?;
    let Memory { linear, rest } = match memory(process, &search) {
        Ok(memory) => memory,
        Err(error) => {
            println!("skipped: finished_calls: the memory of a child cannot be read here: {error:#}");
            return Ok(());
        }
    };
    // Elsewhere in the process there is what it works with: the search finds it.
    ensure!(rest.contains("Kari's number"), "the search finds nothing in all of the process: {rest:?}");
    ensure!(linear == [OWN].into(), "linear memories of finished calls hold {linear:?}");
    Ok(())
}

/// Each kind of canary is found where it must be.
fn the_search_can_fail(house: &House, search: &Search<'_>, folder: &Path) -> anyhow::Result<()> {
    let sent: Vec<u8> = house.meldingstjener.messages().iter().flat_map(|message| message.raw.to_vec()).collect();
    let in_messages = search.found(&sent);
    for what in ["Kari's number", "what the test wrote", "\"Utslettet er tilbake\""] {
        ensure!(in_messages.contains(what), "{what} is not in what was sent: {in_messages:?}");
    }
    // Encoded as the messages are on their way.
    for before in ["", "a", "ab"] {
        let encoded = STANDARD_NO_PAD.encode(format!("{before}<Text>{WORDS}</Text>"));
        ensure!(search.found(encoded.as_bytes()) == ["what the test wrote"].into(), "not in {encoded}");
    }
    let configured = found_below(search, folder)?;
    for what in [
        "helserespons.key",
        "helserespons.secret",
        "besoklegen.password",
        "kry.secret",
        "pseudonyms.key",
        "encryption.key",
        "audit.key",
    ] {
        let here = format!("{what} in {}", folder.join(what).display());
        ensure!(configured.contains(&here), "{here}: {configured:?}");
    }
    ensure!(search.found(house.issuer.portal()?.text.as_bytes()) == ["a token"].into(), "a token is not known again");
    ensure!(search.found(PHOTO) == ["a photo"].into(), "a photo is not known again");
    Ok(())
}
