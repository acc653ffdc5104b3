//! What people are told of the audit log about themselves, and the proofs of it.

use anyhow::{Context, ensure};
use dialog_audit::{Proof, VerifierKeys};
use dialog_contract::{
    access_log::{AccessActor, AccessLogEntry, AccessLogPage},
    audit::Record,
    problem::ProblemType,
};
use dialog_tests::{
    house::{
        House,
        portal::{Portal, Reply},
    },
    sim::world::{KARI, LEILA, NORA},
};
use http::StatusCode;

use crate::visit::{citizen, inquiry, operator, portal, refusal, shared};

const RECEIPT: &str = "/v1/me/receipts/{index}";

/// Fetches a proof, as often as the gateway says that it is not published yet.
async fn proof(portal: &Portal, index: &str) -> anyhow::Result<Reply> {
    for _ in 0..30 {
        let reply = portal.get(RECEIPT, &[index]).send().await?;
        if reply.status != StatusCode::SERVICE_UNAVAILABLE {
            ensure!(reply.status == StatusCode::OK, "{}", reply.json);
            return Ok(reply);
        }
    }
    anyhow::bail!("record {index} is not published")
}

/// What a receipt proves, held against the log's key.
fn proven(house: &House, reply: &Reply) -> anyhow::Result<(u64, Record)> {
    ensure!(reply.headers.get("content-type").is_some_and(|kind| kind == "text/plain; charset=utf-8"));
    let keys = VerifierKeys::parse(&house.audit_key()?)?;
    let proven = Proof::parse(std::str::from_utf8(&reply.bytes)?)?.verify(None, &keys)?;
    Ok((proven.index, serde_json::from_slice(&proven.entry)?))
}

/// All of a citizen's log, or of whom they act for, page by page.
async fn whole(portal: &Portal) -> anyhow::Result<Vec<AccessLogEntry>> {
    let (mut entries, mut query) = (Vec::new(), "limit=7".to_owned());
    loop {
        let call = portal.get("/v1/me/access-log", &[]).query(&query).header("accept-language", "en");
        let page: AccessLogPage = serde_json::from_value(call.expect(StatusCode::OK).await?.json)?;
        ensure!(page.items.len() <= 7);
        entries.extend(page.items);
        match page.next {
            Some(next) => query = format!("limit=7&cursor={next}"),
            None => return Ok(entries),
        }
    }
}

/// Reads the log until the entry of this record is in it: it is there within a moment.
async fn told(portal: &Portal, receipt: &str) -> anyhow::Result<Vec<AccessLogEntry>> {
    // The proof waits until the record is in the tree.
    proof(portal, receipt).await?;
    whole(portal).await
}

#[test]
fn a_record_a_moment_old_has_a_proof() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let read = kari.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
        let index = read.record()?.to_string();
        let reply = proof(&kari, &index).await?;
        let (at, record) = proven(house, &reply)?;
        ensure!((at.to_string(), record.action.as_str()) == (index.clone(), "practice.read"));
        let name = reply.headers.get("content-disposition").context("a name")?.to_str()?;
        ensure!(name == format!("attachment; filename=\"{index}.tlog-proof\""), "{name}");
        Ok(())
    })
}

#[test]
fn what_was_refused_has_a_receipt_too_and_its_proof_says_so() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let refused = kari.get("/v1/me/dialogs/{dialog}", &["001"]).refused(ProblemType::NotFound).await?;
        let reply = proof(&kari, &refused.record()?.to_string()).await?;
        let outcome = proven(house, &reply)?.1.outcome.context("an outcome")?;
        ensure!(outcome.problem.as_deref() == Some("not-found"), "{outcome:?}");
        Ok(())
    })
}

#[test]
fn anothers_receipt_is_not_there_and_looks_the_same_as_none() -> anyhow::Result<()> {
    shared(async |house| {
        let (kari, leila) = (citizen(house, &KARI)?, citizen(house, &LEILA)?);
        let leilas = leila.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.record()?.to_string();
        proof(&leila, &leilas).await?;
        let mut seen = Vec::new();
        for index in [leilas.as_str(), "0", "281474976710655", "18446744073709551615", "007", "-1", "1e3", "x"] {
            let reply = refusal(kari.get(RECEIPT, &[index]), ProblemType::NotFound).await?;
            let words = ["/title", "/detail"].map(|part| reply.text(part).map(str::to_owned));
            seen.push(words.into_iter().collect::<anyhow::Result<Vec<_>>>()?);
        }
        ensure!(seen.iter().all(|words| *words == seen[0]), "{seen:?}");
        Ok(())
    })
}

#[test]
fn the_portal_gets_proofs_for_its_own_calls_only() -> anyhow::Result<()> {
    shared(async |house| {
        let (own, kari) = (portal(house)?, citizen(house, &KARI)?);
        let feed = own.get("/v1/events", &[]).expect(StatusCode::OK).await?.record()?.to_string();
        let reply = proof(&own, &feed).await?;
        ensure!(proven(house, &reply)?.1.action == "events.read");
        let karis = kari.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.record()?.to_string();
        proof(&kari, &karis).await?;
        refusal(own.get(RECEIPT, &[&karis]), ProblemType::NotFound).await?;
        refusal(kari.get(RECEIPT, &[&feed]), ProblemType::NotFound).await?;
        // And nobody's access log is the portal's to read, or the operator's.
        refusal(own.get("/v1/me/access-log", &[]), ProblemType::NotPermitted).await?;
        let at_operations = operator(house)?.get("/v1/me/access-log", &[]).send_unchecked().await?;
        ensure!(at_operations == StatusCode::NOT_FOUND, "{at_operations}");
        Ok(())
    })
}

#[test]
fn a_child_sees_what_a_parent_did_and_the_parent_does_not_see_the_childs_own() -> anyhow::Result<()> {
    shared(async |house| {
        let nora = citizen(house, &NORA)?;
        let token = house.issuer.representing(&KARI, &NORA, "parent")?;
        let kari_for_nora = Portal::new(house.gateway()?.portal.clone(), Some(token))?;
        let noras = nora.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.record()?.to_string();
        let opened = kari_for_nora.post("/v1/me/dialogs", &[], &inquiry("Når åpner dere?"));
        let opened = opened.expect(StatusCode::CREATED).await?.record()?.to_string();

        let entry = |entries: &[AccessLogEntry], receipt: &str| {
            entries.iter().find(|entry| entry.receipt.to_string() == receipt).cloned()
        };
        let told_nora = told(&nora, &opened).await?;
        let of_parent = entry(&told_nora, &opened).context("Nora is told what Kari did")?;
        ensure!(of_parent.who == AccessActor::Representative, "{of_parent:?}");
        ensure!(of_parent.text == "A parent opened a conversation with the office on your behalf.", "{of_parent:?}");
        ensure!(entry(&told_nora, &noras).is_some_and(|own| own.text == "You saw what the office offers."));

        let told_kari = told(&citizen(house, &KARI)?, &opened).await?;
        let own = entry(&told_kari, &opened).context("Kari is told what she did")?;
        ensure!(own.text == "You opened a conversation with the office on behalf of another.", "{own:?}");
        ensure!(entry(&told_kari, &noras).is_none(), "what Nora did is Nora's");
        // Each index once, the newest first.
        ensure!(told_nora.is_sorted_by(|one, next| one.receipt > next.receipt), "{told_nora:?}");
        Ok(())
    })
}

#[test]
fn a_filter_or_cursor_that_is_none_is_refused_by_name() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        for query in ["what=all", "from=yesterday", "office=x", "limit=0", "limit=101", "cursor=b3BhcXVl"] {
            let name = query.split('=').next().unwrap_or_default();
            let reply = refusal(kari.get("/v1/me/access-log", &[]).query(query), ProblemType::Malformed).await?;
            ensure!(reply.text("/detail")?.contains(name), "{query}: {}", reply.json);
        }
        Ok(())
    })
}
