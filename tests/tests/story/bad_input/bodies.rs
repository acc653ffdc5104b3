//! Bodies: fields, types, sizes, JSON.

use anyhow::ensure;
use dialog_contract::{limits::Limits, problem::ProblemType};
use dialog_tests::sim::world::{KARI, LEILA};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::visit::{citizen, fields, inquiry, invalid, marked, raw, refusal, shared, shown};

#[test]
fn an_unknown_field_is_named_with_the_nearest_known_one() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let body = json!({ "request": { "type": "inquiry" }, "message": { "text": "Hei", "atachments": [] } });
        let reply = invalid(kari.post("/v1/me/dialogs", &[], &body), &["/message/atachments"]).await?;
        let said = "Det finnes ikke noe felt «atachments» her. Mente du «attachments»?";
        ensure!(fields(&reply)[0].1 == said, "{}", reply.json);

        let body = json!({ "request": { "type": "inquiry", "urgent": true }, "message": { "text": "Hei" } });
        invalid(kari.post("/v1/me/dialogs", &[], &body), &["/request/urgent"]).await?;
        let body =
            json!({ "slot": "a", "start": "2030-01-01T08:00:00Z", "end": "2030-01-01T09:00:00Z", "raeson": "x" });
        let reply = invalid(kari.post("/v1/me/appointments", &[], &body), &["/raeson"]).await?;
        ensure!(fields(&reply)[0].1.contains("«reason»"), "{}", reply.json);
        Ok(())
    })
}

#[test]
fn a_field_that_names_a_person_is_not_repeated() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let mut body = inquiry("Hei");
        body["message"][LEILA.national_id] = json!(1);
        let reply = refusal(kari.post("/v1/me/dialogs", &[], &body), ProblemType::Invalid).await?;
        ensure!(!reply.json.to_string().contains(LEILA.national_id), "the number came back");
        Ok(())
    })
}

#[test]
fn an_oversized_field_is_named() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let limits = Limits::V1;
        let mut long = inquiry(&"å".repeat(limits.message_characters as usize + 1));
        invalid(kari.post("/v1/me/dialogs", &[], &long), &["/message/text"]).await?;
        long = inquiry("Hei");
        long["message"]["subject"] = json!("x".repeat(limits.subject_characters as usize + 1));
        invalid(kari.post("/v1/me/dialogs", &[], &long), &["/message/subject"]).await?;
        let item = |at: usize| json!({ "id": format!("resept-{at}"), "medicine": "Paracet" });
        let items: Vec<Value> = (0..=limits.renewal_items as usize).map(item).collect();
        let renewal = json!({ "request": { "type": "prescription-renewal", "items": items } });
        invalid(kari.post("/v1/me/dialogs", &[], &renewal), &["/request/items"]).await?;
        let none = json!({ "request": { "type": "prescription-renewal", "items": [] } });
        invalid(kari.post("/v1/me/dialogs", &[], &none), &["/request/items"]).await?;
        let twice = json!({ "request": { "type": "prescription-renewal", "items": [item(1), item(1)] } });
        invalid(kari.post("/v1/me/dialogs", &[], &twice), &["/request/items/1/id"]).await?;
        Ok(())
    })
}

#[test]
fn a_wrong_type_a_missing_field_and_a_blank_text_are_named() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let inquiry = json!({ "type": "inquiry" });
        for (body, pointer) in [
            (json!({ "request": inquiry, "message": { "text": 7 } }), "/message/text"),
            (json!({ "request": inquiry, "message": "Hei" }), "/message"),
            (json!({ "request": inquiry }), "/message"),
            (json!({ "message": { "text": "Hei" } }), "/request"),
            (json!({ "request": { "type": "visit" }, "message": { "text": "Hei" } }), "/request/type"),
            (json!({ "request": inquiry, "message": { "text": "  \n" } }), "/message/text"),
            (json!({ "request": inquiry, "message": { "text": "a\u{0}b" } }), "/message/text"),
            (
                json!({ "request": inquiry, "message": { "text": "Hei", "attachments": ["x"] } }),
                "/message/attachments/0",
            ),
            (
                json!({ "request": { "type": "consultation", "mode": "hologram" }, "message": { "text": "Hei" } }),
                "/request/mode",
            ),
            (
                json!({ "request": { "type": "consultation", "mode": "image" }, "message": { "text": "Hei" } }),
                "/message/attachments",
            ),
            (
                json!({ "request": { "type": "consultation", "mode": "video" }, "message": { "text": "Hei" } }),
                "/request/mode",
            ),
        ] {
            invalid(kari.post("/v1/me/dialogs", &[], &body), &[pointer]).await?;
        }
        invalid(kari.post("/v1/me/dialogs", &[], &json!([])), &[""]).await?;
        Ok(())
    })
}

#[test]
fn a_body_of_another_media_type_is_not_read() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        for kind in ["text/plain", "application/xml", "application/json-patch+json"] {
            let call = kari.post("/v1/me/dialogs", &[], &inquiry("Hei")).header("content-type", kind);
            refusal(call, ProblemType::UnsupportedMediaType).await?;
        }
        let call = kari.post("/v1/me/dialogs", &[], &inquiry("Hei")).without("content-type");
        refusal(call, ProblemType::UnsupportedMediaType).await?;
        let call =
            kari.post("/v1/me/dialogs", &[], &json!([])).header("content-type", "Application/JSON; charset=utf-8");
        refusal(call, ProblemType::Invalid).await?;
        Ok(())
    })
}

#[test]
fn what_is_not_json_is_told_where() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let send = |body: &str| kari.post("/v1/me/dialogs", &[], &Value::Null).body(body.to_owned());
        let reply = refusal(send("{\n  \"request\": oops}"), ProblemType::Malformed).await?;
        ensure!(reply.text("/detail")? == "Innholdet er ikke gyldig JSON (linje 2, kolonne 14).", "{}", reply.json);
        for broken in ["{\"request\":", "{} {}", "\u{feff}{}"] {
            refusal(send(broken), ProblemType::Malformed).await?;
        }
        let latin = &b"{\"request\":{\"type\":\"inquiry\"},\"message\":{\"text\":\"bl\xe5\"}}"[..];
        refusal(kari.post("/v1/me/dialogs", &[], &Value::Null).body(latin), ProblemType::Malformed).await?;
        let reply = refusal(send(""), ProblemType::Malformed).await?;
        ensure!(reply.text("/detail")? == "Innholdet mangler.", "{}", reply.json);
        let reply = refusal(
            send(r#"{"request":{"type":"inquiry"},"message":{"text":"a","text":"b"}}"#),
            ProblemType::Malformed,
        )
        .await?;
        ensure!(reply.text("/detail")?.contains("samme nøkkel to ganger"), "{}", reply.json);
        Ok(())
    })
}

#[test]
fn a_body_that_nests_too_deep_or_has_too_many_values_is_too_large() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let send = |body: String| kari.post("/v1/me/dialogs", &[], &Value::Null).body(body);
        let reply = refusal(send("[".repeat(100_000)), ProblemType::TooLarge).await?;
        ensure!(reply.text("/detail")?.contains("32"), "{}", reply.json);
        let reply = refusal(send(format!("[{}1]", "1,".repeat(10_000))), ProblemType::TooLarge).await?;
        ensure!(reply.text("/detail")?.contains("10000"), "{}", reply.json);
        Ok(())
    })
}

#[test]
fn a_body_over_the_limit_is_refused_as_announced_and_as_it_comes() -> anyhow::Result<()> {
    shared(async |house| {
        let base = &house.gateway()?.portal;
        let over = usize::try_from(Limits::V1.body_bytes)? + 1;
        let head = async |length: &str| {
            anyhow::Ok(format!(
                "POST /v1/me/dialogs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\
                 Idempotency-Key: {}\r\nContent-Type: application/json\r\n{length}\r\n\r\n",
                shown(house, &KARI, &Method::POST, "/v1/me/dialogs").await?,
                uuid::Uuid::new_v4()
            ))
        };
        // Nothing of the body is sent: the announcement is enough.
        let (status, headers, problem) = raw(base, head(&format!("Content-Length: {over}")).await?.as_bytes()).await?;
        ensure!((status, &problem["type"]) == (413, &json!("urn:dialog:problem:too-large")), "{status} {problem}");
        ensure!(problem["sent"] == "no");
        marked(&headers)?;

        // In one chunk, without saying that it is the last.
        let mut chunked = head("Transfer-Encoding: chunked").await?.into_bytes();
        chunked.extend_from_slice(format!("{over:x}\r\n").as_bytes());
        chunked.resize(chunked.len() + over, b' ');
        let (status, headers, problem) = raw(base, &chunked).await?;
        ensure!((status, &problem["type"]) == (413, &json!("urn:dialog:problem:too-large")), "{status} {problem}");
        marked(&headers)?;
        Ok(())
    })
}

#[test]
fn a_request_that_needs_no_body_takes_an_empty_object_and_nothing_else() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let dialog = crate::visit::opened(&kari, &inquiry("Har dere åpent i jula?")).await?;
        let seen = |body: &Value| kari.post("/v1/me/dialogs/{dialog}/seen", &[&dialog], body);
        let reply = invalid(seen(&json!({ "all": true })), &[""]).await?;
        ensure!(fields(&reply)[0].1 == "Her er et felt som ikke finnes i kontrakten.", "{}", reply.json);
        refusal(seen(&json!({})).header("content-type", "text/plain"), ProblemType::UnsupportedMediaType).await?;
        seen(&json!({})).expect(StatusCode::OK).await?;
        seen(&json!({})).body("").without("content-type").expect(StatusCode::OK).await?;
        Ok(())
    })
}
