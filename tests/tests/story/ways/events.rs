//! What the portal is told: a citizen's stream that resumes, and the portal's feed without gaps.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, ensure};
use dialog_contract::{
    event::{Event, EventType},
    problem::ProblemType,
};
use dialog_tests::{
    house::{portal::Portal, watch::Screen},
    sim::world::{ANTE, CITIZENS, KARI, LEILA, NORA, OLA},
};
use http::StatusCode;

use crate::visit::{alone, citizen, inquiry, marked, opened, portal, refusal, shared};

#[test]
fn a_stream_resumes_after_the_last_event_that_was_seen() -> anyhow::Result<()> {
    alone(async |house| {
        let (base, token) = (house.gateway()?.portal.clone(), house.issuer.citizen(&KARI)?);
        let kari = citizen(house, &KARI)?;
        let mut first = Screen::open(&base, &token, None).await?;
        let mut last = String::new();
        for at in 0..5 {
            last = opened(&kari, &inquiry(&format!("Spørsmål {at}"))).await?;
            // Nothing of anybody else's comes through.
            opened(&citizen(house, &LEILA)?, &inquiry(&format!("Spørsmål {at}"))).await?;
        }
        first.wait(EventType::DialogOpened, &last).await?;
        let seen = first.all();
        ensure!(seen.iter().filter(|event| event.kind == EventType::DialogOpened).count() == 5, "{seen:?}");
        ensure!(seen.windows(2).all(|pair| pair[0].id < pair[1].id), "ids increase");

        for at in [0, seen.len() / 2] {
            let mut again = Screen::open(&base, &token, Some(&seen[at].id.to_string())).await?;
            again.wait(EventType::DialogOpened, &last).await?;
            let (known, resumed): (Vec<_>, Vec<_>) = (
                seen[at + 1..].iter().map(|event| event.id).collect(),
                again.all().iter().map(|event| event.id).collect(),
            );
            ensure!(resumed.starts_with(&known), "after {at}: {resumed:?} and not {known:?}");
        }
        // Without a last event only what comes is told.
        let mut fresh = Screen::open(&base, &token, None).await?;
        let next = opened(&kari, &inquiry("Til slutt")).await?;
        fresh.wait(EventType::DialogOpened, &next).await?;
        ensure!(
            fresh.all().iter().all(|event| !event.subject.ends_with(&last) || event.kind != EventType::DialogOpened)
        );
        for bad in ["x", "0", "14838541241", "00000000-0000-0000-0000-00000000000g"] {
            let call = kari.get("/v1/me/events", &[]).header("last-event-id", bad);
            refusal(call, ProblemType::Malformed).await?;
        }
        refusal(kari.get("/v1/me/events", &[]).query("after=1"), ProblemType::Malformed).await?;
        Ok(())
    })
}

async fn page(of: &Portal, cursor: Option<&str>, limit: u32) -> anyhow::Result<(Vec<Event>, String)> {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let page = of.get("/v1/events", &[]).query(&format!("limit={limit}{cursor}")).expect(StatusCode::OK).await?;
    marked(&page.headers)?;
    let next = page.text("/next")?.to_owned();
    Ok((serde_json::from_value(page.json["items"].clone())?, next))
}

#[test]
fn the_portals_feed_has_no_gap_while_dialogs_are_opened_at_once() -> anyhow::Result<()> {
    alone(async |house| {
        let feed = portal(house)?;
        let (none, start) = page(&feed, None, 10).await?;
        ensure!(none.is_empty(), "something happened before anybody came: {none:?}");

        let mut opening = tokio::task::JoinSet::new();
        for who in [&KARI, &OLA, &LEILA, &ANTE, &NORA] {
            for at in 0..6 {
                let who = citizen(house, who)?;
                opening.spawn(async move { opened(&who, &inquiry(&format!("Spørsmål {at}"))).await });
            }
        }
        // Followed while they are opened, in pages of three.
        let follower = tokio::spawn({
            let feed = feed.clone();
            async move {
                let (mut all, mut cursor, mut dialogs) = (Vec::new(), start, HashSet::new());
                while dialogs.len() < 30 {
                    let (events, next) = page(&feed, Some(&cursor), 3).await?;
                    let opened = events.iter().filter(|event| event.kind == EventType::DialogOpened);
                    dialogs.extend(opened.filter_map(|event| event.data.dialog));
                    all.extend(events);
                    cursor = next;
                }
                anyhow::Ok((all, dialogs))
            }
        });
        let mut expected = HashSet::new();
        while let Some(done) = opening.join_next().await {
            expected.insert(done??.parse()?);
        }
        let followed = tokio::time::timeout(Duration::from_secs(30), follower).await.context("events are missing")?;
        let (all, dialogs) = followed??;
        ensure!(dialogs == expected, "other dialogs than those that were opened");
        ensure!(all.windows(2).all(|pair| pair[0].id < pair[1].id), "ids increase, none comes twice");

        let (mut whole, mut cursor) = (Vec::new(), None);
        loop {
            let (events, next) = page(&feed, cursor.as_deref(), 100).await?;
            if events.is_empty() {
                break;
            }
            whole.extend(events);
            cursor = Some(next);
        }
        let (followed, whole): (Vec<_>, Vec<_>) =
            (all.iter().map(|event| event.id).collect(), whole.iter().map(|event| event.id).collect());
        ensure!(whole.starts_with(&followed), "whoever follows misses what whoever reads later finds");
        let text = serde_json::to_string(&all)?;
        ensure!(CITIZENS.iter().all(|who| !text.contains(who.national_id)), "an event names somebody");
        ensure!(!text.contains("Spørsmål"), "an event tells content");
        Ok(())
    })
}

#[test]
fn the_feed_is_the_portals_and_me_is_the_citizens() -> anyhow::Result<()> {
    shared(async |house| {
        let (kari, portal) = (citizen(house, &KARI)?, portal(house)?);
        refusal(kari.get("/v1/events", &[]), ProblemType::NotPermitted).await?;
        refusal(kari.with_token(None).get("/v1/events", &[]), ProblemType::Unauthenticated).await?;
        for template in ["/v1/me/practice", "/v1/me/dialogs", "/v1/me/slots", "/v1/me/appointments", "/v1/me/events"] {
            refusal(portal.get(template, &[]), ProblemType::NotPermitted).await?;
        }
        for query in ["cursor=x", "limit=0", "limit=101", "since=now"] {
            refusal(portal.get("/v1/events", &[]).query(query), ProblemType::Malformed).await?;
        }
        Ok(())
    })
}
