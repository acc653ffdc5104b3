//! What an office offers and tells, guidance, forms and surveys, with the vendors that have them, up and down.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, problem::ProblemType};
use dialog_tests::{
    house::{House, watch::Screen},
    sim::{
        helserespons::Answer,
        trouble::{Availability, Call, Trouble},
        world::{
            BEKKEFARET, Citizen, EINAR, KARI, LEILA, MARTE, Office, SIGNE, SKOGBRYNET, SOLSIDEN, SOLVEIG, Solution,
        },
    },
    story::kry,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, fields, inquiry, invalid, opened, operator, refusal};

const GUIDANCE: &str = "/v1/me/services/{service}/guidance";

fn service<'p>(page: &'p Value, name: &str) -> anyhow::Result<&'p Value> {
    let services = page["services"].as_array().context("services")?;
    services.iter().find(|one| one["service"] == name).context("the service")
}

#[test]
fn while_a_vendor_is_down_or_slow_the_page_is_the_directorys_and_comes_in_time() -> anyhow::Result<()> {
    alone(async |house| {
        let (marte, signe) = (citizen(house, &MARTE)?, citizen(house, &SIGNE)?);
        house.besoklegen.trouble.set_availability(Availability::Refuse).await?;
        let page = marte.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.json;
        ensure!(page["information"]["told"].is_null(), "{page}");
        ensure!(page["information"]["accessibility"] == "Heis og trinnfri inngang. Teleslynge i resepsjonen.");
        ensure!(
            service(&page, "certificate")?["available"] == true && service(&page, "payment")?["whyNot"] == "not-agreed"
        );
        let guidance = marte.get(GUIDANCE, &["certificate"]).expect(StatusCode::OK).await?.json;
        ensure!(guidance["formUnknown"] == true && guidance["form"].is_null(), "{guidance}");

        let held = house.kry.trouble.hold_next(Call::Read);
        let begun = Instant::now();
        let page = signe.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.json;
        ensure!(page["information"]["told"].is_null() && begun.elapsed() < Duration::from_secs(10), "{page}");
        drop(held);
        Ok(())
    })
}

#[test]
fn what_an_office_tells_is_open_to_all_in_three_languages() -> anyhow::Result<()> {
    alone(async |house| {
        let anyone = citizen(house, &MARTE)?.with_token(None);
        let office = SOLSIDEN.service_her_id.to_string();
        for (language, directions) in [
            ("nb", "Inngang fra bakgården, andre etasje."),
            ("nn", "Inngang frå bakgarden, andre høgda."),
            ("en", "Entrance from the back yard, second floor."),
        ] {
            let call = anyone.get("/v1/offices/{herId}", &[&office]).header("accept-language", language);
            let told = call.expect(StatusCode::OK).await?.json;
            ensure!(told["directions"] == directions && told["told"]["stale"] == false, "{told}");
            ensure!(
                told["telephone"] == SOLSIDEN.phone && told["website"] == "https://legekontor.example.no/",
                "{told}"
            );
            ensure!(!told.to_string().contains(MARTE.national_id));
        }
        Ok(())
    })
}

#[test]
fn guidance_is_in_the_callers_language_and_says_what_the_office_offers_instead() -> anyhow::Result<()> {
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let mut abouts = Vec::new();
        for language in ["nb", "nn", "en"] {
            let call = kari.get(GUIDANCE, &["consultation"]).header("accept-language", language);
            let guidance = call.expect(StatusCode::OK).await?.json;
            ensure!(guidance["emergency"][0]["telephone"] == "113" && guidance["form"].is_null(), "{guidance}");
            abouts.push(guidance["about"].to_string());
            let urgent = &guidance["questions"][0]["choices"][1]["then"];
            ensure!(urgent["type"] == "call" && urgent["telephone"] == "+4755010101", "{urgent}");
            let all = guidance["questions"].to_string();
            // Kari's office does not renew sick notes here.
            ensure!(all.contains("\"sick-note-renewal\""), "{all}");
        }
        abouts.dedup();
        ensure!(abouts.len() == 3);
        refusal(kari.get(GUIDANCE, &["collegial"]), ProblemType::ServiceNotOffered).await?;
        refusal(kari.get(GUIDANCE, &["surgery"]), ProblemType::NotFound).await?;
        let none = kari.get(GUIDANCE, &["payment"]).expect(StatusCode::OK).await?.json;
        ensure!(none["offered"]["available"] == false && none["offered"]["whyNot"] == "not-agreed", "{none}");
        Ok(())
    })
}

#[test]
fn answers_are_held_against_the_form_before_the_vendor_has_anything() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        let mut without = kry::opening("Medisinen gir meg hodepine.");
        without["request"].as_object_mut().context("a request")?.remove("form");
        let refused = invalid(signe.post("/v1/me/dialogs", &[], &without), &["/request/form"]).await?;
        ensure!(fields(&refused)[0].1.contains("Før konsultasjonen"), "{}", refused.json);
        let mut many = kry::opening("Medisinen gir meg hodepine.");
        many["request"]["form"] = json!({ "form": "triage-consultation-4", "durationDays": "tre", "urgent": true });
        let refused = signe.post("/v1/me/dialogs", &[], &many).refused(ProblemType::Invalid).await?;
        let mut pointers: Vec<String> = fields(&refused).into_iter().map(|(pointer, _)| pointer).collect();
        pointers.sort();
        let expected = ["/request/form/durationDays", "/request/form/knownCondition", "/request/form/urgent"];
        ensure!(pointers == expected, "{pointers:?}");
        ensure!(house.kry.visits().is_empty(), "the vendor has something");
        // An office without forms takes none.
        let kari = citizen(house, &KARI)?;
        let none =
            json!({ "request": { "type": "consultation", "mode": "text", "form": {} }, "message": { "text": "x" } });
        invalid(kari.post("/v1/me/dialogs", &[], &none), &["/request/form"]).await?;
        Ok(())
    })
}

#[test]
fn how_soon_an_office_answers_is_told_when_it_has_answered_five_times() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&LEILA)?, None).await?;
        for nth in 0..5 {
            let page = leila.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.json;
            ensure!(service(&page, "inquiry")?["answerTime"].is_null(), "after {nth} answers");
            let dialog = opened(&leila, &inquiry(&format!("Spørsmål {nth}"))).await?;
            let case = house.helserespons.wait_for_case(|case| case.portal_ref.as_ref() == Some(&dialog)).await?;
            house.helserespons.answer(&case.case_no, &Answer::Reply { text: "Ja.".to_owned(), files: Vec::new() })?;
            screen.wait(EventType::MessageReceived, &dialog).await?;
        }
        let page = leila.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.json;
        let told = &service(&page, "inquiry")?["answerTime"];
        ensure!(told["answers"] == 5 && told["medianMinutes"] == 1, "{told}");
        Ok(())
    })
}

/// A vendor with a survey, and who is asked.
struct Asking<'h> {
    house: &'h House,
    solution: Solution,
    who: &'static Citizen,
    office: &'static Office,
    survey: &'static str,
    /// Answers that are all that is needed.
    good: [(&'static str, &'static str); 2],
}

impl<'h> Asking<'h> {
    fn all(house: &'h House) -> [Self; 2] {
        [
            Self {
                house,
                solution: Solution::CgmEportal,
                who: &SOLVEIG,
                office: &SKOGBRYNET,
                survey: "SV-2026",
                good: [("reached", "c.yes"), ("satisfied", "s.10")],
            },
            Self {
                house,
                solution: Solution::Pasientsky,
                who: &EINAR,
                office: &BEKKEFARET,
                survey: "survey-hs-8150601-1",
                good: [("reached", "c.yes"), ("satisfied", "i.5")],
            },
        ]
    }

    fn trouble(&self) -> &Trouble {
        match self.solution {
            Solution::Pasientsky => &self.house.pasientsky.trouble,
            _ => &self.house.cgm_eportal.trouble,
        }
    }

    /// What the vendor counted, by question and answer.
    fn counted(&self) -> anyhow::Result<BTreeMap<(String, String), u64>> {
        let account = self.office.account(self.solution).context("the office uses the vendor")?;
        Ok(match self.solution {
            Solution::Pasientsky => self.house.pasientsky.survey_answers(account),
            _ => self.house.cgm_eportal.survey_answers(account)?,
        })
    }

    fn body(&self, answers: &[(&str, &str)]) -> Value {
        let answers = answers.iter().map(|(question, choice)| json!({ "question": question, "choice": choice }));
        json!({ "provider": self.solution.plugin(), "survey": self.survey, "answers": answers.collect::<Value>() })
    }
}

#[test]
fn a_survey_is_answered_once_by_choices_alone_and_the_operator_learns_of_nobody() -> anyhow::Result<()> {
    alone(async |house| {
        const SURVEY: &str = "/v1/me/survey";
        for asking in Asking::all(house) {
            let who = citizen(house, asking.who)?;
            for (language, title) in [
                ("nb", "Hva synes du om legekontoret?"),
                ("nn", "Kva synest du om legekontoret?"),
                ("en", "What do you think of the office?"),
            ] {
                let open = who.get(SURVEY, &[]).header("accept-language", language).expect(StatusCode::OK).await?.json;
                ensure!(open["survey"]["title"] == title, "{open}");
                ensure!(open["provider"]["id"] == asking.solution.plugin(), "{open}");
                ensure!(open["survey"]["id"] == asking.survey, "{open}");
            }
            let good = asking.body(&asking.good);
            let written = asking.body(&[("reached", "Jeg fikk ikke svar på prøven min")]);
            invalid(who.post(SURVEY, &[], &written), &["/answers/0/choice"]).await?;
            let asked_in_its_own_portal = asking.body(&[asking.good[0], asking.good[1], ("comment", "c.yes")]);
            invalid(who.post(SURVEY, &[], &asked_in_its_own_portal), &["/answers/2/question"]).await?;
            let mut more = good.clone();
            more["comment"] = json!("Takk!");
            invalid(who.post(SURVEY, &[], &more), &["/comment"]).await?;
            let missing = asking.body(&asking.good[1..]);
            invalid(who.post(SURVEY, &[], &missing), &["/answers"]).await?;
            ensure!(asking.counted()?.is_empty(), "the vendor has something");

            asking.trouble().set_availability(Availability::Refuse).await?;
            refusal(who.post(SURVEY, &[], &good), ProblemType::ProviderUnavailable).await?;
            refusal(who.get(SURVEY, &[]), ProblemType::ProviderUnavailable).await?;
            asking.trouble().set_availability(Availability::Up).await?;
            who.post(SURVEY, &[], &good).expect(StatusCode::NO_CONTENT).await?;
            refusal(who.post(SURVEY, &[], &good), ProblemType::Conflict).await?;
            who.get(SURVEY, &[]).expect(StatusCode::NO_CONTENT).await?;
            let counted = asking.counted()?;
            ensure!(counted.len() == 2 && counted.values().all(|count| *count == 1), "{counted:?}");
        }
        let results = operator(house)?.get("/v1/survey-results", &[]).expect(StatusCode::OK).await?.json;
        for asking in Asking::all(house) {
            let items = results["items"].as_array().context("results")?;
            let one = items.iter().find(|one| one["office"] == asking.office.service_her_id).context("the office")?;
            ensure!(one["provider"] == asking.solution.plugin() && one["atLeast"] == 0, "{results}");
        }
        ensure!(!results.to_string().contains("\"count\""), "{results}");
        // Who is at an office without surveys is asked nothing.
        citizen(house, &KARI)?.get(SURVEY, &[]).expect(StatusCode::NO_CONTENT).await?;
        ensure!(house.pasientsky.violations().is_empty(), "{:?}", house.pasientsky.violations());
        Ok(())
    })
}
