//! Paths, methods, queries, cursors, and other people's ids.

use anyhow::ensure;
use dialog_contract::problem::ProblemType;
use dialog_tests::sim::world::{KARI, LEILA, OLA};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::visit::{citizen, inquiry, marked, opened, portal, raw, refusal, shared, upload};

#[test]
fn a_bad_cursor_is_refused_and_so_is_anothers() -> anyhow::Result<()> {
    shared(async |house| {
        let (kari, ola) = (citizen(house, &KARI)?, citizen(house, &OLA)?);
        for text in ["Kan jeg betale med kort?", "Hvor kan jeg parkere?"] {
            opened(&ola, &inquiry(text)).await?;
        }
        let list = |of: &dialog_tests::house::portal::Portal, query: &str| of.get("/v1/me/dialogs", &[]).query(query);
        let page = list(&ola, "limit=1").expect(StatusCode::OK).await?;
        let cursor = page.text("/next")?.to_owned();
        list(&ola, &format!("limit=1&cursor={cursor}")).expect(StatusCode::OK).await?;

        let changed = format!("{}{}", &cursor[..cursor.len() - 4], "AAAA");
        for bad in ["x", "%20", &"A".repeat(2000), &changed] {
            let reply = refusal(list(&ola, &format!("cursor={bad}")), ProblemType::Malformed).await?;
            ensure!(reply.text("/detail")?.contains("cursor"), "{}", reply.json);
        }
        refusal(list(&kari, &format!("cursor={cursor}")), ProblemType::Malformed).await?;
        let feed = portal(house)?.get("/v1/events", &[]).query(&format!("cursor={cursor}"));
        refusal(feed, ProblemType::Malformed).await?;
        Ok(())
    })
}

#[test]
fn an_unknown_a_repeated_and_an_impossible_parameter_are_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        for (query, named) in [
            ("colour=red", "service, status, unopened, overdue, cursor, limit"),
            ("limit=5&limit=6", "limit"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=ten", "limit"),
            ("limit=-1", "limit"),
            ("service=spa", "service"),
            ("status=lost", "status"),
            ("unopened=perhaps", "unopened"),
            ("overdue=perhaps", "overdue"),
        ] {
            let reply = refusal(kari.get("/v1/me/dialogs", &[]).query(query), ProblemType::Malformed).await?;
            ensure!(reply.text("/detail")?.contains(named), "{query}: {}", reply.json);
        }
        refusal(kari.get("/v1/me/dialogs", &[]).query(&"a".repeat(5000)), ProblemType::Malformed).await?;
        for query in ["from=tomorrow", "clinician=0", "mode=telepathy", "when=now"] {
            refusal(kari.get("/v1/me/slots", &[]).query(query), ProblemType::Malformed).await?;
        }
        refusal(kari.get("/v1/me/appointments", &[]).query("all=true"), ProblemType::Malformed).await?;
        Ok(())
    })
}

#[test]
fn what_is_anothers_is_not_there() -> anyhow::Result<()> {
    shared(async |house| {
        let (kari, leila) = (citizen(house, &KARI)?, citizen(house, &LEILA)?);
        let dialog = opened(&leila, &inquiry("Kan jeg få kopi av journalen?")).await?;
        let file = upload(&leila, "bilde.jpg", dialog_tests::story::citizen::PHOTO).expect(StatusCode::CREATED).await?;
        let file = file.text("/id")?.to_owned();
        let slots = leila.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let slot = &slots.json["items"][3];
        let booking = dialog_tests::story::citizen::booking(slot);
        let booked = leila.post("/v1/me/appointments", &[], &booking).expect(StatusCode::CREATED).await?;
        let appointment = booked.text("/id")?.to_owned();
        let karis = kari.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let karis = dialog_tests::story::citizen::booking(&karis.json["items"][3]);

        let nobodys = uuid::Uuid::now_v7().to_string();
        for id in [&dialog, &nobodys, &"12345".to_owned()] {
            refusal(kari.get("/v1/me/dialogs/{dialog}", &[id]), ProblemType::NotFound).await?;
            for (template, body) in [
                ("/v1/me/dialogs/{dialog}/messages", json!({ "text": "Hei" })),
                ("/v1/me/dialogs/{dialog}/close", json!({})),
                ("/v1/me/dialogs/{dialog}/seen", json!({})),
            ] {
                refusal(kari.post(template, &[id], &body), ProblemType::NotFound).await?;
            }
        }
        for id in [&file, &nobodys, &"12345".to_owned()] {
            refusal(kari.get("/v1/me/attachments/{attachment}", &[id]), ProblemType::NotFound).await?;
        }
        for id in [&appointment, &nobodys, &"12345".to_owned()] {
            let change = kari.post("/v1/me/appointments/{appointment}/change", &[id], &karis);
            refusal(change, ProblemType::NotFound).await?;
            let cancel = kari.post("/v1/me/appointments/{appointment}/cancel", &[id], &json!({}));
            refusal(cancel, ProblemType::NotFound).await?;
        }
        // Nothing of it has happened to Leila.
        let read = crate::visit::read(&leila, &dialog).await?;
        ensure!(read["messages"].as_array().is_some_and(|all| all.len() == 1), "{read}");
        let coming = leila.get("/v1/me/appointments", &[]).expect(StatusCode::OK).await?;
        ensure!(
            coming.json["items"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == appointment.as_str()))
        );
        Ok(())
    })
}

#[test]
fn an_office_that_is_not_there_is_not_found() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?.with_token(None);
        for id in ["99999999", "0", "abc", "8150101x"] {
            refusal(kari.get("/v1/offices/{herId}", &[id]), ProblemType::NotFound).await?;
        }
        Ok(())
    })
}

#[test]
fn another_method_is_told_which_there_are() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        for (method, template, allowed) in [
            (Method::DELETE, "/v1/me/dialogs", "GET,HEAD,POST"),
            (Method::PUT, "/v1/me/practice", "GET,HEAD"),
            (Method::PATCH, "/v1/me/slots", "GET,HEAD"),
        ] {
            let reply = refusal(kari.call(method, template, &[]), ProblemType::MethodNotAllowed).await?;
            let allow = reply.headers.get("allow").and_then(|value| value.to_str().ok()).unwrap_or_default();
            ensure!(allow == allowed, "{template} allows {allow}");
        }
        Ok(())
    })
}

#[test]
fn a_path_that_is_not_there_is_not_found_on_any_listener() -> anyhow::Result<()> {
    shared(async |house| {
        let gateway = house.gateway()?;
        for (base, path) in [
            (&gateway.portal, "/"),
            (&gateway.portal, "/v1/me"),
            (&gateway.portal, "/v1/me/dialogs/"),
            (&gateway.portal, "/v2/me/dialogs"),
            (&gateway.portal, "/v1/me/dialogs/../../../etc/passwd"),
            (&gateway.portal, "/metrics"),
            (&gateway.portal, "/v1/deliveries/helserespons/changes"),
            (&gateway.provider, "/v1/me/dialogs"),
            (&gateway.provider, "/metrics"),
            (&gateway.operations, "/v1/me/practice"),
        ] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let (status, headers, problem) = raw(base, request.as_bytes()).await?;
            let expected: (u16, Value) = (404, json!("urn:dialog:problem:not-found"));
            ensure!((status, problem["type"].clone()) == expected, "{path}: {status} {problem}");
            marked(&headers)?;
        }
        Ok(())
    })
}
