//! Every route of the document, as somebody who may not. The routes come from the document: a new one is walked by
//! itself, and one that says of its caller what is not known here fails.

use anyhow::{Context, ensure};
use dialog_contract::{
    openapi::{self, Route},
    problem::ProblemType,
};
use dialog_tests::{
    house::{House, configuration::PUBLIC_URL, issuer::citizen_claims, portal::Portal, proof::Token},
    sim::{
        helserespons::{Answer, Case, Charge},
        world::{FJELLVEIEN, KARI, LEILA, OLA},
    },
    story::citizen::{PHOTO, booking},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::visit::{citizen, inquiry, opened, refusal, shared, upload};

/// What is Leila's: an id for each kind of thing that a path can name.
struct Leilas {
    dialog: String,
    attachment: String,
    appointment: String,
    receipt: String,
    invoice: String,
}

impl Leilas {
    /// `slot`: which of her appointments, counted from the last; each test has its own.
    async fn make(house: &House, slot: usize) -> anyhow::Result<Self> {
        let leila = citizen(house, &LEILA)?;
        let file = upload(&leila, "a.jpg", PHOTO).expect(StatusCode::CREATED).await?;
        let slots = leila.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let slot = slots.json["items"].as_array().and_then(|slots| slots.iter().nth_back(slot)).context("a slot")?;
        let booked = leila.post("/v1/me/appointments", &[], &booking(slot)).expect(StatusCode::CREATED).await?;
        let consultation = json!({ "request": { "type": "consultation", "mode": "text" }, "message": { "text": "Eksemet er verre." } });
        let consultation = opened(&leila, &consultation).await?;
        let of_hers = |case: &Case| case.portal_ref.as_ref() == Some(&consultation);
        let case = house.helserespons.wait_for_case(of_hers).await?.case_no;
        house.helserespons.answer(&case, &Answer::Finish { text: "Prøv en sterkere krem.".to_owned() })?;
        house.helserespons.charge(&case, &[Charge { tariff: "2ae".to_owned(), ore: 17_900, hpr: None }])?;
        let owed = leila.get("/v1/me/invoices", &[]).expect(StatusCode::OK).await?;
        Ok(Self {
            invoice: owed.text("/items/0/id")?.to_owned(),
            dialog: opened(&leila, &inquiry("Når åpner dere?")).await?,
            attachment: file.text("/id")?.to_owned(),
            appointment: booked.text("/id")?.to_owned(),
            receipt: file.record()?.to_string(),
        })
    }

    fn ids(&self, path: &str) -> anyhow::Result<Vec<&str>> {
        path.split('/')
            .filter(|part| part.starts_with('{'))
            .map(|part| match part {
                "{service}" => Ok("consultation"),
                "{dialog}" => Ok(self.dialog.as_str()),
                "{attachment}" => Ok(self.attachment.as_str()),
                "{appointment}" => Ok(self.appointment.as_str()),
                "{index}" => Ok(self.receipt.as_str()),
                "{invoice}" => Ok(self.invoice.as_str()),
                // Of nobody in particular: whoever gets past the door is told that it is not there.
                _ => Ok("001"),
            })
            .collect()
    }
}

fn base<'a>(house: &'a House, route: &Route) -> anyhow::Result<&'a Url> {
    let gateway = house.gateway()?;
    match route.listeners[0].as_str() {
        "portal" => Ok(&gateway.portal),
        "operations" => Ok(&gateway.operations),
        other => anyhow::bail!("no tokens are taken on {other}"),
    }
}

/// The good claims of a role.
fn claims(role: &str) -> anyhow::Result<Value> {
    let mut claims = citizen_claims(&KARI);
    let scope = match role {
        "citizen" => "dialog:citizen",
        "portal" => "dialog:events",
        "operator" => "dialog:operator",
        "auditor" => "dialog:auditor",
        "office" => "dialog:office",
        "clinician" => "dialog:clinician",
        other => anyhow::bail!("the role {other} is not known to the walk"),
    };
    claims["scope"] = json!(scope);
    if role == "office" || role == "clinician" {
        claims["helseid://claims/client/claims/orgnr_child"] = json!(FJELLVEIEN.organisation_number);
    }
    if role == "clinician" {
        claims["helseid://claims/hpr/hpr_number"] = json!(FJELLVEIEN.gps[0].hpr);
    }
    if role == "portal" {
        claims.as_object_mut().and_then(|claims| claims.remove("pid"));
    }
    Ok(claims)
}

/// The roles that the document lets in.
fn admitted(route: &Route) -> Vec<String> {
    let operation = &openapi::document()["paths"][&route.path][route.method.to_lowercase()];
    let schemes = operation["security"].as_array().cloned().unwrap_or_default();
    schemes.iter().filter_map(|scheme| scheme.as_object()?.keys().next().cloned()).collect()
}

#[test]
fn every_route_is_closed_to_all_but_those_whom_the_document_lets_in() -> anyhow::Result<()> {
    shared(async |house| {
        let leilas = Leilas::make(house, 0).await?;
        let mut walked = 0;
        for route in openapi::routes() {
            let roles = admitted(&route);
            // Vendors sign what they push, and have tests of their own.
            if roles.is_empty() || roles == ["vendor"] {
                continue;
            }
            let what = format!("{} {}", route.method, route.path);
            let (base, ids) = (base(house, &route)?.clone(), leilas.ids(&route.path)?);
            // The document is read once and for all.
            let template: &'static str = Box::leak(route.path.clone().into_boxed_str());
            let method: Method = route.method.parse()?;
            let call = |token: Option<Token>| {
                let call = Portal::new(base.clone(), token)?.call(method.clone(), template, &ids);
                anyhow::Ok(match method {
                    Method::GET => call,
                    _ => call
                        .header("idempotency-key", &uuid::Uuid::new_v4().to_string())
                        .header("content-type", "application/json")
                        .body("{}"),
                })
            };
            let refused = async |token: Option<Token>, problem: ProblemType, who: &str| {
                refusal(call(token)?, problem).await.with_context(|| format!("{what} as {who}"))
            };
            let good = claims(&roles[0])?;
            let spoilt = |claim: &str, value: Value| {
                let mut claims = good.clone();
                claims[claim] = value;
                house.issuer.bound(claims)
            };
            refused(None, ProblemType::Unauthenticated, "nobody").await?;
            let unbound = Token::bare(house.issuer.sign(&good)?);
            refused(Some(unbound), ProblemType::Unauthenticated, "somebody whose token is bound to nothing").await?;
            let audience = spoilt("aud", json!("https://another.example.test"))?;
            refused(Some(audience), ProblemType::Unauthenticated, "somebody with a token for another audience").await?;
            let expired = spoilt("exp", json!(jiff::Timestamp::now().as_second() - 60))?;
            refused(Some(expired), ProblemType::Unauthenticated, "somebody whose token has expired").await?;
            for role in ["citizen", "portal", "operator", "auditor", "office", "clinician"] {
                if !roles.iter().any(|one| one == role) {
                    let token = house.issuer.bound(claims(role)?)?;
                    refused(Some(token), ProblemType::NotPermitted, role).await?;
                }
            }
            if roles[0] != "portal" {
                let low = spoilt("acr", json!("idporten-loa-substantial"))?;
                refused(Some(low), ProblemType::LevelTooLow, "somebody at level 3").await?;
            }
            // Another citizen: what is Leila's is not there for Kari.
            let own = ["{dialog}", "{attachment}", "{appointment}", "{index}", "{invoice}"];
            if own.iter().any(|part| route.path.contains(part)) {
                let reply = call(Some(house.issuer.bound(good)?))?.send().await.with_context(|| what.clone())?;
                // A body is held to its schema before anything is looked for.
                let (not_there, invalid) = (ProblemType::NotFound.uri(), ProblemType::Invalid.uri());
                let kind = reply.text("/type")?;
                ensure!(kind == not_there || (method != Method::GET && kind == invalid), "{what}: {}", reply.json);
            }
            walked += 1;
        }
        ensure!(walked >= 20, "only {walked} routes were walked");
        Ok(())
    })
}

#[test]
fn what_is_anothers_is_not_there_also_for_requests_that_are_whole() -> anyhow::Result<()> {
    shared(async |house| {
        let (kari, leilas) = (citizen(house, &KARI)?, Leilas::make(house, 1).await?);
        let message = json!({ "text": "Hei" });
        let dialog = "/v1/me/dialogs/{dialog}";
        refusal(kari.get(dialog, &[&leilas.dialog]), ProblemType::NotFound).await?;
        for (template, body) in [
            ("/v1/me/dialogs/{dialog}/messages", &message),
            ("/v1/me/dialogs/{dialog}/close", &json!({})),
            ("/v1/me/dialogs/{dialog}/seen", &json!({})),
        ] {
            refusal(kari.post(template, &[&leilas.dialog], body), ProblemType::NotFound).await?;
        }
        refusal(kari.get("/v1/me/attachments/{attachment}", &[&leilas.attachment]), ProblemType::NotFound).await?;
        let cancel = kari.post("/v1/me/appointments/{appointment}/cancel", &[&leilas.appointment], &json!({}));
        refusal(cancel, ProblemType::NotFound).await?;
        // Whether one's own office takes payments or not.
        let back = json!({ "returnUrl": format!("{PUBLIC_URL}/ferdig") });
        let pay = kari.post("/v1/me/invoices/{invoice}/pay", &[&leilas.invoice], &back);
        refusal(pay, ProblemType::NotFound).await?;
        let pay = citizen(house, &OLA)?.post("/v1/me/invoices/{invoice}/pay", &[&leilas.invoice], &back);
        refusal(pay, ProblemType::NotFound).await?;
        let mut with_file = inquiry("Se bildet.");
        with_file["message"]["attachments"] = json!([leilas.attachment]);
        let reply = kari.post("/v1/me/dialogs", &[], &with_file).send().await?;
        ensure!(reply.status.is_client_error() && reply.json["sent"] == "no", "{}", reply.json);
        Ok(())
    })
}
