//! Filters and pages of a citizen's dialogs.

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, service::Service};
use dialog_tests::{
    house::watch::Screen,
    sim::{
        helserespons::Answer,
        world::{FJELLVEIEN, HAVNEGATA, KARI, LEILA, OLA, Solution},
    },
};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, consultation, inquiry, opened, shared};

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

#[test]
fn slots_are_picked_by_clinician_mode_and_time() -> anyhow::Result<()> {
    shared(async |house| {
        for (who, office) in [(&KARI, &FJELLVEIEN), (&OLA, &HAVNEGATA)] {
            let portal = citizen(house, who)?;
            let slots = async |query: &str| {
                let page = portal.get("/v1/me/slots", &[]).query(query).expect(StatusCode::OK).await?;
                anyhow::Ok(page.json["items"].as_array().context("items")?.clone())
            };
            let all = slots("").await?;
            let start = |slot: &Value| slot["start"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
            ensure!(all.windows(2).all(|pair| start(&pair[0]) <= start(&pair[1])), "slots come in order of start");
            let mut found = 0;
            for gp in office.gps {
                let of_one = slots(&format!("clinician={}", gp.hpr)).await?;
                let hpr: u64 = gp.hpr.parse()?;
                ensure!(of_one.iter().all(|slot| slot["clinician"]["hprNumber"] == hpr), "{of_one:?}");
                found += of_one.len();
            }
            // DDFL asks one doctor's calendar: the citizen's own where nobody is named.
            let own: u64 = who.gp_hpr.parse()?;
            let owns = all.iter().filter(|slot| slot["clinician"]["hprNumber"] == own).count();
            let expected = if office.solution(Service::Appointment) == Some(Solution::Ddfl) { owns } else { found };
            ensure!(
                all.len() == expected && owns > 0 && found > owns,
                "{} slots, {owns} own, {found} of all",
                all.len()
            );
            for mode in ["in-person", "video"] {
                let held = slots(&format!("mode={mode}")).await?;
                ensure!(!held.is_empty() && held.iter().all(|slot| slot["mode"] == mode), "{mode}: {held:?}");
                ensure!(held.len() == all.iter().filter(|slot| slot["mode"] == mode).count(), "{mode}");
            }
            let middle = all.get(all.len() / 2).and_then(start).context("a slot in the middle")?;
            let early = slots(&format!("until={middle}")).await?;
            let late = slots(&format!("from={middle}")).await?;
            ensure!(early.iter().all(|slot| start(slot) < Some(middle)), "until is the first moment that is too late");
            ensure!(late.iter().all(|slot| start(slot) >= Some(middle)), "from is the first moment");
            ensure!(early.len() + late.len() == all.len(), "{} and {} of {}", early.len(), late.len(), all.len());
        }
        Ok(())
    })
}
