//! Filters and pages of a citizen's dialogs.

use anyhow::{Context, ensure};
use dialog_contract::event::EventType;
use dialog_tests::{
    house::watch::Screen,
    sim::{helserespons::Answer, world::LEILA},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, consultation, inquiry, opened};

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn filters_pick_and_pages_lead_to_each_dialog_once_newest_first() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&LEILA)?, None).await?;
        let mut dialogs = Vec::new();
        for at in 0..4 {
            dialogs.push(opened(&leila, &inquiry(&format!("Spørsmål {at}"))).await?);
        }
        dialogs.push(opened(&leila, &consultation("Allergi")).await?);
        leila.post("/v1/me/dialogs/{dialog}/close", &[&dialogs[1]], &json!({})).expect(StatusCode::OK).await?;
        let case = house.helserespons.wait_for_case(|case| case.text() == "Spørsmål 0").await?;
        house.helserespons.answer(&case.case_no, &Answer::Reply { text: "Ja.".to_owned(), files: Vec::new() })?;
        screen.wait(EventType::MessageReceived, &dialogs[0]).await?;

        let list = async |query: &str| {
            let page = leila.get("/v1/me/dialogs", &[]).query(query).expect(StatusCode::OK).await?;
            anyhow::Ok(page.json)
        };
        let newest_first = [0, 1, 4, 3, 2].map(|at: usize| dialogs[at].clone());
        let all = list("").await?;
        ensure!(ids(&all) == newest_first && all.get("next").is_none(), "{:?} and not {newest_first:?}", ids(&all));
        for (query, expected) in [
            ("service=inquiry", &[0, 1, 3, 2][..]),
            ("service=consultation", &[4]),
            ("service=certificate", &[]),
            ("status=closed", &[1]),
            ("status=awaiting-office", &[4, 3, 2]),
            ("status=awaiting-citizen", &[0]),
            ("unopened=true", &[0]),
            ("unopened=false", &[0, 1, 4, 3, 2]),
            ("service=inquiry&status=awaiting-office", &[3, 2]),
            ("service=consultation&unopened=true", &[]),
        ] {
            let expected: Vec<String> = expected.iter().map(|at| dialogs[*at].clone()).collect();
            let found = list(query).await?;
            ensure!(ids(&found) == expected, "{query}: {:?} and not {expected:?}", ids(&found));
        }
        for filter in ["", "&service=inquiry"] {
            let whole = ids(&list(&format!("limit=100{filter}")).await?);
            for limit in 1..=3 {
                let (mut found, mut cursor) = (Vec::new(), String::new());
                loop {
                    let page = list(&format!("limit={limit}{filter}{cursor}")).await?;
                    ensure!(ids(&page).len() <= limit, "a page of {} with limit {limit}", ids(&page).len());
                    found.extend(ids(&page));
                    ensure!(found.len() <= whole.len(), "pages without end");
                    match page.get("next") {
                        Some(next) => cursor = format!("&cursor={}", next.as_str().context("a cursor is a text")?),
                        None => break,
                    }
                }
                ensure!(found == whole, "limit {limit}: {found:?} and not {whole:?}");
            }
        }
        Ok(())
    })
}
