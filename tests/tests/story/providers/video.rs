//! Consultations by video, through every vendor that has them: the same for the citizen, whose rooms they are.

use std::sync::Arc;

use anyhow::{Context, ensure};
use dialog_conformance::{Answer, Meeting, Stage};
use dialog_contract::{
    event::{Event, EventType},
    problem::ProblemType,
};
use dialog_tests::{
    house::{
        House,
        portal::{Call, Portal},
        watch::Screen,
    },
    sim::world::{Citizen, KARI, LEILA, SIGNE, Solution},
    story, trial,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, consultation, opened, read, refusal};

const SUMMARY: &str = "Vi så på utslettet sammen. Bruk kremen i to uker.";

/// A vendor with rooms of its own, and the citizen who meets a doctor there.
struct Vendor<'h> {
    house: &'h House,
    solution: Solution,
    who: &'static Citizen,
    stage: Arc<dyn Stage>,
}

impl<'h> Vendor<'h> {
    fn all(house: &'h House) -> [Self; 2] {
        let (kry, helserespons) = (trial::kry::stage(&house.kry), trial::helserespons::stage(&house.helserespons));
        [
            Self { house, solution: Solution::Kry, who: &SIGNE, stage: kry },
            Self { house, solution: Solution::Helserespons, who: &LEILA, stage: helserespons },
        ]
    }

    fn consultation(&self, mode: &str) -> Value {
        let mut body = match self.solution {
            Solution::Kry => story::kry::opening("Det er ikke blitt bedre."),
            _ => consultation("Utslett"),
        };
        body["request"]["mode"] = json!(mode);
        body
    }

    /// The vendor's own name of the consultation by video that waits there.
    async fn reference(&self) -> anyhow::Result<String> {
        Ok(match self.solution {
            Solution::Kry => self.house.kry.wait_for_visit(|visit| visit.mode == "video").await?.id,
            _ => self.house.helserespons.wait_for_case(|case| case.mode.as_deref() == Some("VIDEO")).await?.case_no,
        })
    }

    /// How many ways in the vendor gave.
    fn ways_in(&self) -> usize {
        match self.solution {
            Solution::Kry => self
                .house
                .kry
                .visits()
                .iter()
                .filter_map(|one| one.meeting.as_ref())
                .map(|one| one.accesses.len())
                .sum(),
            _ => {
                let cases = self.house.helserespons.cases();
                cases.iter().filter_map(|one| one.room.as_ref()).map(|one| one.links.len()).sum()
            }
        }
    }
}

fn join(who: &Portal, dialog: &str) -> Call {
    who.post("/v1/me/dialogs/{dialog}/video/join", &[dialog], &json!({}))
}

#[test]
fn a_video_meeting_is_entered_by_its_citizen_alone_and_only_while_it_lasts() -> anyhow::Result<()> {
    alone(async |house| {
        let stranger = citizen(house, &KARI)?;
        for vendor in Vendor::all(house) {
            let who = citizen(house, vendor.who)?;
            let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(vendor.who)?, None).await?;
            let written = opened(&who, &vendor.consultation("text")).await?;
            refusal(join(&who, &written), ProblemType::Conflict).await?;

            let dialog = opened(&who, &vendor.consultation("video")).await?;
            ensure!(read(&who, &dialog).await?["video"]["state"] == "expected");
            refusal(join(&who, &dialog), ProblemType::Declined).await?;
            let reference = vendor.reference().await?;
            vendor.stage.meets(&reference, Meeting::Opens).await?;
            screen.wait(EventType::VideoChanged, &dialog).await?;
            refusal(join(&stranger, &dialog), ProblemType::NotFound).await?;

            vendor.stage.reachable(false).await?;
            let down = refusal(join(&who, &dialog), ProblemType::ProviderUnavailable).await?;
            ensure!(down.json["sent"] == "no", "{}", down.json);
            vendor.stage.reachable(true).await?;

            let first = join(&who, &dialog).expect(StatusCode::OK).await?;
            let second = join(&who, &dialog).expect(StatusCode::OK).await?;
            ensure!(first.text("/url")? != second.text("/url")?, "a way in that was given twice");
            ensure!(vendor.ways_in() == 2, "{} ways in", vendor.ways_in());
            vendor.stage.meets(&reference, Meeting::Ends).await?;
            // Whether the gateway has heard of the end or the vendor says it.
            let over = join(&who, &dialog).send().await?;
            ensure!(over.status.is_client_error() && over.json["sent"] == "no", "{}", over.json);
            ensure!(vendor.stage.violations().await.is_empty(), "{:?}", vendor.stage.violations().await);
        }
        Ok(())
    })
}

#[test]
fn who_else_is_there_is_seen_who_leaves_comes_back_and_what_was_agreed_is_a_message() -> anyhow::Result<()> {
    alone(async |house| {
        for vendor in Vendor::all(house) {
            let who = citizen(house, vendor.who)?;
            let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(vendor.who)?, None).await?;
            let dialog = opened(&who, &vendor.consultation("video")).await?;
            let reference = vendor.reference().await?;
            vendor.stage.meets(&reference, Meeting::Opens).await?;
            screen.wait(EventType::VideoChanged, &dialog).await?;
            let waiting = join(&who, &dialog).expect(StatusCode::OK).await?;
            ensure!(waiting.text("/state")? == "waiting", "{}", waiting.json);
            let leave = || who.post("/v1/me/dialogs/{dialog}/video/leave", &[&dialog], &json!({}));
            leave().expect(StatusCode::NO_CONTENT).await?;

            vendor.stage.meets(&reference, Meeting::Comes("Tolk".to_owned())).await?;
            vendor.stage.meets(&reference, Meeting::ClinicianComes).await?;
            let there = loop {
                let known: Vec<_> = screen.all().into_iter().map(|event| event.id).collect();
                let now = read(&who, &dialog).await?;
                if now["video"]["state"] == "in-progress" {
                    break now;
                }
                let more = |event: &Event| event.kind == EventType::VideoChanged && !known.contains(&event.id);
                screen.wait_for("the doctor", more).await?;
            };
            ensure!(there["video"]["participants"] == json!(["Tolk"]), "{there}");
            let back = join(&who, &dialog).expect(StatusCode::OK).await?;
            ensure!(back.text("/state")? == "open", "{}", back.json);

            vendor.stage.meets(&reference, Meeting::Ends).await?;
            vendor.stage.answer(&reference, Answer::Finish { text: SUMMARY.to_owned() }).await?;
            screen.wait(EventType::DialogClosed, &dialog).await?;
            let over = read(&who, &dialog).await?;
            let messages = over["messages"].as_array().context("messages")?;
            ensure!(messages.iter().any(|message| message["text"] == SUMMARY), "{over}");
            ensure!(over["video"]["state"] == "ended" && over["status"]["outcome"] == "answered", "{over}");
            refusal(join(&who, &dialog), ProblemType::DialogClosed).await?;
            // The way in stands in the replies that gave it, and nowhere else.
            let told = format!("{over} {}", serde_json::to_string(&screen.all())?);
            for reply in [&waiting, &back] {
                let url = url::Url::parse(reply.text("/url")?)?;
                ensure!(!told.contains(url.host_str().context("a host")?), "{told}");
            }
            ensure!(vendor.stage.violations().await.is_empty(), "{:?}", vendor.stage.violations().await);
        }
        Ok(())
    })
}

#[test]
fn a_link_into_a_clinics_room_leads_in_once_and_not_after_its_time() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&LEILA)?, None).await?;
        let [_, vendor] = Vendor::all(house);
        let dialog = opened(&leila, &vendor.consultation("video")).await?;
        let reference = vendor.reference().await?;
        vendor.stage.meets(&reference, Meeting::Opens).await?;
        screen.wait(EventType::VideoChanged, &dialog).await?;
        // A browser that asks twice has one link: the second time it is the same.
        let once = uuid::Uuid::new_v4().to_string();
        let way = || join(&leila, &dialog).header("idempotency-key", &once);
        let first = way().expect(StatusCode::OK).await?;
        ensure!(way().expect(StatusCode::OK).await?.text("/url")? == first.text("/url")?);
        let good: jiff::Timestamp = first.text("/expires")?.parse()?;
        ensure!(good.duration_since(jiff::Timestamp::now()).as_mins() <= 10, "good until {good}");
        house.helserespons.follow(first.text("/url")?)?;
        ensure!(house.helserespons.follow(first.text("/url")?).is_err(), "it led in twice");
        let second = join(&leila, &dialog).expect(StatusCode::OK).await?;
        house.helserespons.expire_links();
        ensure!(house.helserespons.follow(second.text("/url")?).is_err(), "it led in after its time");
        let third = join(&leila, &dialog).expect(StatusCode::OK).await?;
        house.helserespons.follow(third.text("/url")?)?;
        Ok(())
    })
}
