//! Houses to visit: one that tests share which do not disturb each other, and one for a test that does.
//!
//! Both have a runtime of their own, so that a house outlives the test that opened it, and end with its gateway killed.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use anyhow::{Context, ensure};
use dialog_contract::problem::ProblemType;
use dialog_tests::{
    house::{
        House, Plan, authority,
        configuration::PUBLIC_URL,
        portal::{Call, Portal, Reply},
    },
    sim::world::Citizen,
};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

/// What a house has beside the providers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    /// Notifiers, and telephones.
    Notices,
    /// The national registers and the personal archive.
    National,
}

/// A house with the runtime that it lives on.
struct Opened {
    runtime: tokio::runtime::Runtime,
    house: House,
    _folder: tempfile::TempDir,
}

impl Opened {
    fn new(arrange: Option<fn(&mut Value)>, with: With) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let folder = tempfile::tempdir()?;
        let (notices, national) = (with == With::Notices, with == With::National);
        let free = Plan::free(folder.path(), Path::new(env!("CARGO_BIN_EXE_demo")));
        let plan = Plan { arrange, notices, national, ..free };
        let house = runtime.block_on(House::open(plan))?;
        Ok(Self { runtime, house, _folder: folder })
    }

    /// With the last that the gateway warned of, where the test failed.
    fn told(&self, result: anyhow::Result<()>) -> anyhow::Result<()> {
        result.map_err(|error| {
            let said = std::fs::read_to_string(self.house.log()).unwrap_or_default();
            let warned = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
            let tail: Vec<&str> = said.lines().rev().filter(warned).take(10).collect();
            error.context(tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
        })
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // Where the test has stopped the gateway itself, there is nothing left to kill.
        let _ = self.runtime.block_on(self.house.kill_gateway());
    }
}

/// Visits the house that all such tests share: opened by the first of them, closed with the last that is under way.
pub(crate) fn shared(test: impl AsyncFnOnce(&House) -> anyhow::Result<()>) -> anyhow::Result<()> {
    static SHARED: Mutex<Weak<Opened>> = Mutex::new(Weak::new());
    let opened = {
        let mut known = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        match known.upgrade() {
            Some(opened) => opened,
            None => {
                let opened = Arc::new(Opened::new(None, With::Nothing)?);
                *known = Arc::downgrade(&opened);
                opened
            }
        }
    };
    let result = opened.runtime.block_on(test(&opened.house));
    opened.told(result)
}

/// Visits a house of the test's own, which it may turn upside down.
pub(crate) fn alone(test: impl AsyncFnOnce(&mut House) -> anyhow::Result<()>) -> anyhow::Result<()> {
    visit(None, With::Nothing, test)
}

/// As [`alone`], in a house where citizens are told outside the portal.
pub(crate) fn telling(test: impl AsyncFnOnce(&mut House) -> anyhow::Result<()>) -> anyhow::Result<()> {
    visit(None, With::Notices, test)
}

/// As [`alone`], with the national registers and the personal archive.
pub(crate) fn national(test: impl AsyncFnOnce(&mut House) -> anyhow::Result<()>) -> anyhow::Result<()> {
    visit(None, With::National, test)
}

/// As [`alone`], with a directory that is changed first.
pub(crate) fn arranged(
    arrange: fn(&mut Value),
    test: impl AsyncFnOnce(&mut House) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    visit(Some(arrange), With::Nothing, test)
}

fn visit(
    arrange: Option<fn(&mut Value)>,
    with: With,
    test: impl AsyncFnOnce(&mut House) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut opened = Opened::new(arrange, with)?;
    let Opened { runtime, house, .. } = &mut opened;
    let result = runtime.block_on(test(house));
    opened.told(result)
}

/// The portal, for a citizen who has logged in.
pub(crate) fn citizen(house: &House, who: &Citizen) -> anyhow::Result<Portal> {
    Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.citizen(who)?))
}

/// The portal for itself: with the token for its feed.
pub(crate) fn portal(house: &House) -> anyhow::Result<Portal> {
    Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.portal()?))
}

/// The operator, at the operations listener.
pub(crate) fn operator(house: &House) -> anyhow::Result<Portal> {
    Portal::new(house.gateway()?.operations.clone(), Some(house.issuer.machine("operations", "dialog:operator")?))
}

/// The header lines that show a citizen's token in one request, for what no client library would send.
pub(crate) async fn shown(house: &House, who: &Citizen, method: &Method, path: &str) -> anyhow::Result<String> {
    // Where the gateway wants a nonce, it is known after this.
    citizen(house, who)?.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
    let fields = house.issuer.citizen(who)?.shown(method, &format!("{PUBLIC_URL}{path}"))?;
    Ok(fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect())
}

/// What every reply of the API says of itself: where its audit record stands, and which request it answers.
pub(crate) fn marked(headers: &HeaderMap) -> anyhow::Result<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("x-request-id").and_then(|id| id.parse::<uuid::Uuid>().ok()).context("no X-Request-Id that is a UUID")?;
    let receipt = text("audit-receipt").context("no Audit-Receipt")?;
    let (origin, index) = receipt.split_once(' ').context("an Audit-Receipt of another form")?;
    ensure!(origin == "dialog.example.test/node-1", "the receipt is of the log {origin}");
    index.parse::<u64>().context("an Audit-Receipt without index")?;
    Ok(())
}

/// Sends what must be refused before anything is sent to a provider, and checks the whole form of the refusal.
pub(crate) async fn refusal(call: Call, problem: ProblemType) -> anyhow::Result<Reply> {
    let what = call.describe();
    let reply = call.refused(problem).await?;
    whole_problem(&reply).with_context(|| what.clone())?;
    ensure!(reply.json["sent"] == "no", "{what}: sent is {}", reply.json["sent"]);
    Ok(reply)
}

fn whole_problem(reply: &Reply) -> anyhow::Result<()> {
    marked(&reply.headers)?;
    let header = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(header("content-type") == "application/problem+json", "a problem of the kind {}", header("content-type"));
    ensure!(reply.json["status"] == reply.status.as_u16(), "two statuses");
    ensure!(reply.text("/instance")? == format!("urn:uuid:{}", header("x-request-id")), "another instance");
    ensure!(reply.text("/traceId")?.len() == 32, "no trace id");
    ensure!(!reply.text("/title")?.is_empty() && !reply.text("/detail")?.is_empty(), "no words");
    Ok(())
}

/// The fields that a problem names.
pub(crate) fn fields(reply: &Reply) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = reply.json["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["detail"]))).collect()
}

/// Sends what is invalid in exactly these fields.
pub(crate) async fn invalid(call: Call, expected: &[&str]) -> anyhow::Result<Reply> {
    let what = call.describe();
    let reply = refusal(call, ProblemType::Invalid).await?;
    let found: Vec<String> = fields(&reply).into_iter().map(|(pointer, _)| pointer).collect();
    ensure!(found == expected, "{what} names {found:?} and not {expected:?}: {}", reply.json);
    Ok(reply)
}

/// A practical question.
pub(crate) fn inquiry(text: &str) -> Value {
    json!({ "request": { "type": "inquiry" }, "message": { "text": text } })
}

/// A written e-consultation.
pub(crate) fn consultation(subject: &str) -> Value {
    json!({
        "request": { "type": "consultation", "mode": "text" },
        "message": { "subject": subject, "text": "Det er ikke blitt bedre." },
    })
}

/// Opens a dialog that the provider takes in at once, and gives its id.
pub(crate) async fn opened(portal: &Portal, body: &Value) -> anyhow::Result<String> {
    let reply = portal.post("/v1/me/dialogs", &[], body).expect(StatusCode::CREATED).await?;
    Ok(reply.text("/id")?.to_owned())
}

/// Reads a dialog.
pub(crate) async fn read(portal: &Portal, dialog: &str) -> anyhow::Result<Value> {
    Ok(portal.get("/v1/me/dialogs/{dialog}", &[dialog]).expect(StatusCode::OK).await?.json)
}

/// Uploads bytes under a name.
pub(crate) fn upload(portal: &Portal, name: &str, bytes: impl Into<bytes::Bytes>) -> Call {
    portal
        .post("/v1/me/attachments", &[], &Value::Null)
        .query(&format!("name={name}"))
        .header("content-type", "application/octet-stream")
        .body(bytes)
}

/// Sends bytes as they are and gives the status and the body: for what no client library would send. Reads until the
/// other side closes.
pub(crate) async fn raw(base: &Url, request: &[u8]) -> anyhow::Result<(u16, HeaderMap, Value)> {
    let address = base.socket_addrs(|| None)?.into_iter().next().context("an address")?;
    let mut stream = authority::development()?.connect(address, &[&rustls::version::TLS13]).await?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    let mut piece = [0; 8192];
    // A reset after the answer is how a server says that it does not read on.
    while let Ok(count @ 1..) = stream.read(&mut piece).await {
        answer.extend_from_slice(&piece[..count]);
    }
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").context("no answer")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).context("no status")?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').context("a header line")?;
        headers.append(http::HeaderName::try_from(name)?, value.trim().parse()?);
    }
    Ok((status, headers, serde_json::from_str(body).unwrap_or_default()))
}
