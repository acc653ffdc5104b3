//! The same guests behind a whole gateway, in a process of its own: what the citizen is told, what the operator reads in
//! the gateway's log, what stands in the audit log, and that other citizens and their offices are served all the while.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, ensure};
use dialog_contract::{
    audit::{Record, RecordKind},
    problem::ProblemType,
    service::Sent,
};
use dialog_tests::{
    house::{
        House, Plan, plugins,
        portal::{Portal, Reply},
    },
    sim::world::{Citizen, HAVNEGATA, KARI, LEILA, LILLETORGET, OLA},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{server::Server, stage::HOSTILE};

/// In nothing that leaves the gateway but to the provider.
const CANARY: &str = "canary-7f3a";

/// What came of one guest: the record that it must have left.
struct Left {
    told: String,
    receipt: u64,
    problem: Option<ProblemType>,
    function: &'static str,
}

/// A house where two offices have all from the hostile plugin, and the others from honest ones.
async fn opened(folder: &Path) -> anyhow::Result<House> {
    let server = Server::start().await;
    let guests = tokio::task::spawn_blocking(plugins::guests).await??;
    let (_, file) = guests.into_iter().find(|(id, _)| id == HOSTILE).context("the hostile plugin")?;
    let bound = serde_json::to_value(server.bound().upstreams)?;
    let amend = move |configuration: &mut Value| {
        // Nobody stands for these.
        configuration["trust"]["unsigned-plugins"] = json!(true);
        let plugin = json!({
            "package": file,
            "grant": { "capabilities": ["upstream", "state", "clock", "log", "attachments"] },
            "upstreams": bound,
        });
        if let Some(plugins) = configuration["plugins"].as_array_mut() {
            plugins.push(plugin);
        }
        configuration["limits"]["call-milliseconds"] = json!(1_500);
    };
    let plan = Plan {
        arrange: Some(arrange),
        amend: Some(Arc::new(amend)),
        ..Plan::free(folder, Path::new(env!("CARGO_BIN_EXE_demo")))
    };
    House::open(plan).await
}

fn arrange(directory: &mut Value) {
    if let Some(providers) = directory["providers"].as_array_mut() {
        providers.push(json!({ "id": HOSTILE, "name": "Hostile AS", "kind": "commercial" }));
    }
    for agreement in directory["agreements"].as_array_mut().into_iter().flatten() {
        if [LILLETORGET.service_her_id, HAVNEGATA.service_her_id].map(Value::from).contains(&agreement["office"]) {
            agreement["plugin"] = json!(HOSTILE);
            agreement["settings"] = json!({});
        }
    }
}

fn citizen(house: &House, who: &Citizen) -> anyhow::Result<Portal> {
    Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.citizen(who)?))
}

fn asking(portal: &Portal, told: &str) -> dialog_tests::house::portal::Call {
    let body = json!({ "request": { "type": "inquiry" }, "message": { "text": told } });
    portal.post("/v1/me/dialogs", &[], &body)
}

/// Opens a dialog with what must fail, and gives what it left.
async fn fails(portal: &Portal, told: &str, problem: ProblemType, sent: Sent) -> anyhow::Result<(Left, Reply)> {
    let reply = asking(portal, told).refused(problem).await?;
    ensure!(reply.json["sent"] == json!(sent), "{told}: {}", reply.json);
    ensure!(!reply.json.to_string().contains(CANARY), "{told}: {}", reply.json);
    let left = Left { told: told.to_owned(), receipt: reply.record()?, problem: Some(problem), function: "open" };
    Ok((left, reply))
}

/// Opens a dialog with what must be taken in, and gives what it left.
async fn succeeds(portal: &Portal, told: &str) -> anyhow::Result<(Left, String)> {
    let reply = asking(portal, told).expect(StatusCode::CREATED).await?;
    let dialog = reply.text("/id")?.to_owned();
    Ok((Left { told: told.to_owned(), receipt: reply.record()?, problem: None, function: "open" }, dialog))
}

/// The gateway's log, line by line; every line is JSON.
fn log(house: &House) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(house.log())?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("a line that is no JSON: {line}")))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn citizens_are_told_the_truth_others_are_served_and_every_call_is_in_the_audit_log() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut house = opened(folder.path()).await?;
    let (leila, ola) = (citizen(&house, &LEILA)?, citizen(&house, &OLA)?);
    let over = Arc::new(AtomicBool::new(false));
    let beside = tokio::spawn(beside(citizen(&house, &KARI)?, Arc::clone(&over)));
    let mut left = Vec::new();
    left.extend(faults(&house, &leila).await.context("faults")?);
    left.extend(noes(&leila).await.context("noes")?);
    left.extend(questions(&leila).await.context("questions")?);
    left.extend(other_citizens(&house, &leila, &ola).await.context("other citizens")?);
    left.extend(scripts(&leila).await.context("scripts")?);
    over.store(true, Ordering::Relaxed);
    let calls = beside.await?.context("the citizen of another office")?;
    ensure!(calls > 10, "the citizen of another office was served {calls} times");
    house.stop_gateway().await?;
    audited(&house, &left)?;
    let kept = std::fs::read_to_string(house.log())?;
    ensure!(!kept.contains(CANARY), "the canary is in the log");
    for who in [&LEILA, &OLA, &KARI] {
        ensure!(!kept.contains(who.national_id), "a citizen's number is in the log");
    }
    Ok(())
}

/// A citizen of an office with an honest provider, all the while.
async fn beside(kari: Portal, over: Arc<AtomicBool>) -> anyhow::Result<u32> {
    let mut calls = 0;
    while !over.load(Ordering::Relaxed) {
        kari.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        calls += 1;
    }
    Ok(calls)
}

/// What goes wrong in the plugin is the provider's fault; nothing was sent, or nobody knows.
async fn faults(house: &House, leila: &Portal) -> anyhow::Result<Vec<Left>> {
    let (timed, stopped, broke) =
        ("a plugin call ran out of time", "a plugin call was stopped", "a plugin's answer breaks the contract");
    let mut all = Vec::new();
    for (told, sent, message) in [
        ("loop", Sent::No, timed),
        ("wait", Sent::No, timed),
        ("trap", Sent::No, stopped),
        ("panic canary-7f3a", Sent::No, stopped),
        ("recurse", Sent::No, stopped),
        ("take-all-memory", Sent::No, stopped),
        ("read-out-of-memory", Sent::No, stopped),
        ("no-utf8", Sent::No, stopped),
        ("lone-surrogate", Sent::No, stopped),
        ("set-then-trap", Sent::No, stopped),
        ("break", Sent::No, broke),
        ("long-reference", Sent::No, broke),
        ("far-future", Sent::No, broke),
        ("too-many-events", Sent::No, broke),
        ("many-large-events", Sent::No, broke),
        ("strange-file", Sent::No, broke),
        ("failure-without-field", Sent::No, broke),
        ("faulty canary", Sent::No, "a plugin call failed"),
        ("post-then-trap", Sent::Unknown, stopped),
        ("post-then-loop", Sent::Unknown, timed),
    ] {
        let (left, reply) = fails(leila, &format!("do: {told}"), ProblemType::ProviderFaulty, sent).await?;
        let trace = reply.text("/traceId")?.to_owned();
        let lines = log(house)?;
        let line = lines.iter().find(|line| line["message"] == message && line["trace_id"] == trace.as_str());
        let line = line.with_context(|| format!("{told}: the operator does not read {message:?}"))?;
        ensure!(line["plugin"] == HOSTILE && line["call"].is_string(), "{told}: {line}");
        all.push(left);
        // The next call works.
        all.push(succeeds(leila, "Har dere åpent?").await?.0);
    }
    let uncertain = leila.get("/v1/me/dialogs", &[]).query("status=uncertain").expect(StatusCode::OK).await?;
    ensure!(uncertain.json["items"].as_array().is_some_and(|items| items.len() == 2), "{}", uncertain.json);
    Ok(all)
}

/// What the plugin says itself reaches the citizen within bounds.
async fn noes(leila: &Portal) -> anyhow::Result<Vec<Left>> {
    let (no, reply) = fails(leila, "do: long-no", ProblemType::Declined, Sent::No).await?;
    let detail = reply.text("/detail")?;
    ensure!(detail.chars().count() <= 2_000 && !detail.contains('\u{1b}'), "{detail}");
    let (invalid, reply) = fails(leila, "do: wordy-failure", ProblemType::Invalid, Sent::No).await?;
    ensure!(reply.json["errors"].as_array().is_some_and(|errors| errors.len() <= 20), "{}", reply.json);
    let (outage, reply) = fails(leila, "do: retry-never x", ProblemType::ProviderUnavailable, Sent::Yes).await?;
    let wait = reply.headers.get("retry-after").and_then(|value| value.to_str().ok());
    ensure!(wait.is_none_or(|wait| wait.parse::<u32>().is_ok_and(|seconds| seconds <= 86_400)), "{wait:?}");
    Ok(vec![no, invalid, outage])
}

/// The functions that no text reaches: told by what an earlier call left in the plugin's memory.
async fn questions(leila: &Portal) -> anyhow::Result<Vec<Left>> {
    let mut all = Vec::new();
    for told in ["trap", "break", "loop"] {
        all.push(succeeds(leila, &format!("do: then {told}")).await?.0);
        for (template, function) in
            [("/v1/me/slots", "slots"), ("/v1/me/prescriptions", "renewable"), ("/v1/me/appointments", "upcoming")]
        {
            // A call of `appointments` may take fifteen seconds: once is enough, and has been seen above.
            if told == "loop" && function != "renewable" {
                continue;
            }
            let reply = leila.get(template, &[]).refused(ProblemType::ProviderFaulty).await?;
            ensure!(reply.json["sent"] == "no", "{told} in {function}: {}", reply.json);
            let problem = Some(ProblemType::ProviderFaulty);
            all.push(Left { told: format!("{told} in {function}"), receipt: reply.record()?, problem, function });
        }
        all.push(succeeds(leila, "do: set do ").await?.0);
        leila.get("/v1/me/prescriptions", &[]).expect(StatusCode::OK).await?;
    }
    Ok(all)
}

/// What a plugin says of one citizen in another's call is not believed.
async fn other_citizens(house: &House, leila: &Portal, ola: &Portal) -> anyhow::Result<Vec<Left>> {
    let mut all = Vec::new();
    all.push(succeeds(ola, "do: who-am-i").await?.0);
    let lines = log(house)?;
    let said = lines.iter().find_map(|line| line["message"].as_str()?.strip_prefix("known as ")?.strip_suffix('.'));
    let known_as = said.context("under which name the plugin knows Ola")?.to_owned();
    let (mine, dialog) = succeeds(ola, "do: same-reference one-for-all").await?;
    all.push(mine);
    let before = everything_of(ola, &dialog).await?;

    // An appointment, and a dialog, for somebody else.
    for told in ["frame", "open-for-another"] {
        all.push(succeeds(leila, &format!("do: {told} {known_as}")).await?.0);
    }
    // A message in somebody else's dialog.
    all.push(succeeds(leila, "do: about-another-dialog one-for-all").await?.0);
    // A dialog that is somebody else's.
    let taken = "do: same-reference one-for-all";
    all.push(fails(leila, taken, ProblemType::ProviderFaulty, Sent::Yes).await?.0);

    ensure!(everything_of(ola, &dialog).await? == before, "something has come to Ola");
    let refused = log(house)?.iter().filter(|line| line["message"] == "an event was not taken in").count();
    ensure!(refused >= 3, "the operator reads of {refused} events that were not taken in");
    // What is Ola's, Leila cannot see.
    leila.get("/v1/me/dialogs/{dialog}", &[&dialog]).refused(ProblemType::NotFound).await?;
    Ok(all)
}

/// A citizen's dialogs, and one of them whole.
async fn everything_of(who: &Portal, dialog: &str) -> anyhow::Result<(Value, Value)> {
    let list = who.get("/v1/me/dialogs", &[]).expect(StatusCode::OK).await?.json;
    let one = who.get("/v1/me/dialogs/{dialog}", &[dialog]).expect(StatusCode::OK).await?.json;
    Ok((list, one))
}

/// What a browser would run stays a text, of a kind that no browser runs.
async fn scripts(leila: &Portal) -> anyhow::Result<Vec<Left>> {
    let (script, dialog) = succeeds(leila, "do: script").await?;
    let reply = leila.get("/v1/me/dialogs/{dialog}", &[&dialog]).expect(StatusCode::OK).await?;
    let messages = reply.json["messages"].as_array().context("messages")?;
    let text = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"--";
    ensure!(messages.iter().any(|message| message["text"] == text), "{}", reply.json);
    let header = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(header("content-type").starts_with("application/json"), "{}", header("content-type"));
    ensure!(header("x-content-type-options") == "nosniff", "a browser may guess");
    let (turned, dialog) = succeeds(leila, "do: direction").await?;
    let reply = leila.get("/v1/me/dialogs/{dialog}", &[&dialog]).expect(StatusCode::OK).await?;
    let shown = reply.json["messages"].to_string();
    ensure!(shown.contains("LegegnilkeD x"), "{shown}");
    Ok(vec![script, turned])
}

/// Every call is in the audit log, with its plugin and its outcome, and without a word of what was said.
fn audited(house: &House, left: &[Left]) -> anyhow::Result<()> {
    let keys = dialog_audit::VerifierKeys::parse(&house.audit_key()?)?;
    let size = dialog_audit::verify(&house.audit(), &keys, |_| {})?.size;
    let mut records = Vec::new();
    for entry in dialog_audit::Reader::open(&house.audit(), &keys)?.entries(0..size) {
        let data = entry?.data;
        let text = String::from_utf8(data.to_vec())?;
        ensure!(!text.contains(CANARY) && !text.contains("alert("), "a record holds what a guest said: {text}");
        records.push(serde_json::from_str::<Record>(&text)?);
    }
    ensure!(left.len() > 60, "{} guests left a receipt", left.len());
    for Left { told, receipt, problem, function } in left {
        let record = records.get(usize::try_from(*receipt)?).with_context(|| format!("{told}: no record"))?;
        ensure!(record.kind == RecordKind::Outcome, "{told}: {record:?}");
        let outcome = record.outcome.as_ref().context("an outcome")?;
        ensure!(outcome.problem.as_deref() == problem.map(ProblemType::name), "{told}: {outcome:?}");
        let call = record.call.as_ref().with_context(|| format!("{told}: no call"))?;
        ensure!(call.plugin.as_str() == HOSTILE && call.function == *function, "{told}: {call:?}");
        ensure!(call.version == "0.1.0" && call.digest.len() == 64 && call.grant.len() == 64, "{told}: {call:?}");
        ensure!(call.memory_bytes.is_some_and(|bytes| bytes > 0), "{told}: {call:?}");
    }
    Ok(())
}
