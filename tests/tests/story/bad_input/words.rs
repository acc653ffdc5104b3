//! In which language a refusal is said.

use anyhow::ensure;
use dialog_contract::{problem::ProblemType, service::Locale};
use dialog_tests::sim::world::KARI;
use serde_json::{Value, json};

use crate::visit::{citizen, fields, refusal, shared};

#[test]
fn a_refusal_is_in_the_citizens_language_down_to_the_field() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let empty = json!({ "request": { "type": "inquiry" } });
        for (wanted, locale, required, closed) in [
            (None, Locale::Nb, "Dette feltet må fylles ut.", "Vi finner ikke det du spør etter."),
            (Some("nn"), Locale::Nn, "Dette feltet må fyllast ut.", "Vi finn ikkje det du spør etter."),
            (Some("en-GB, nn;q=0.5"), Locale::En, "This field is required.", "We cannot find what you ask for."),
            (Some("de, fr"), Locale::Nb, "Dette feltet må fylles ut.", "Vi finner ikke det du spør etter."),
        ] {
            let said = |call: dialog_tests::house::portal::Call| match wanted {
                Some(wanted) => call.header("accept-language", wanted),
                None => call,
            };
            let reply = refusal(said(kari.post("/v1/me/dialogs", &[], &empty)), ProblemType::Invalid).await?;
            ensure!(reply.text("/title")? == ProblemType::Invalid.title(locale), "{}", reply.json);
            ensure!(fields(&reply) == [("/message".to_owned(), required.to_owned())], "{}", reply.json);
            let id = uuid::Uuid::now_v7().to_string();
            let reply = refusal(said(kari.get("/v1/me/dialogs/{dialog}", &[&id])), ProblemType::NotFound).await?;
            ensure!(reply.text("/title")? == ProblemType::NotFound.title(locale), "{}", reply.json);
            ensure!(reply.text("/detail")? == closed, "{}", reply.json);
            let nobody = kari.with_token(None);
            let reply = refusal(said(nobody.get("/v1/me/practice", &[])), ProblemType::Unauthenticated).await?;
            ensure!(reply.text("/title")? == ProblemType::Unauthenticated.title(locale), "{}", reply.json);
            let broken = kari.post("/v1/me/dialogs", &[], &Value::Null).body("{");
            let reply = refusal(said(broken), ProblemType::Malformed).await?;
            ensure!(reply.text("/title")? == ProblemType::Malformed.title(locale), "{}", reply.json);
        }
        Ok(())
    })
}
