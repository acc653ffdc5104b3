//! What an office decides by itself, and what the operator changes for it, while everything runs: a service switched off
//! and on, requests in place of bookings, a doctor away, another vendor, one that stands behind another; and a provider beside the GP.

use anyhow::Context;
use dialog_contract::{event::EventType, problem::ProblemType, service::Service};
use http::{Method, StatusCode};
use jiff::{ToSpan as _, Zoned};
use serde_json::{Value, json};

use super::{
    citizen::{Citizen, booking, office_messages},
    elvebredden, kry,
    teller::Teller,
    vendor::Clinic,
};
use crate::{
    house::{House, portal::Portal, rooms},
    sim::{
        helserespons::{self, Case, CaseType},
        kry::Answer as KryAnswer,
        meldingstjener,
        trouble::Availability,
        world::{HAVNEGATA, OLA, Solution},
    },
};

const TERMS: &str = "/v1/offices/{herId}/agreements/{service}";
const CHOICE: &str = "/v1/offices/{herId}/choices/{service}";
const ABSENCES: &str = "/v1/offices/{herId}/absences/{hprNumber}";

/// Ola's office, and who runs the gateway.
struct Deciding {
    office: Portal,
    operator: Portal,
    her_id: String,
}

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut ola = Citizen::log_in(house, &OLA).await?;
    let gateway = house.gateway()?;
    let deciding = Deciding {
        office: Portal::new(gateway.portal.clone(), Some(house.issuer.office(&HAVNEGATA)?))?,
        operator: Portal::new(
            gateway.operations.clone(),
            Some(house.issuer.machine("operations", "dialog:operator")?),
        )?,
        her_id: HAVNEGATA.service_her_id.to_string(),
    };
    deciding.switches_off_and_on(tell, &ola).await?;
    deciding.takes_requests(tell, house, &mut ola).await?;
    deciding.is_away(tell, house, &ola).await?;
    deciding.changes_vendor(tell, house, &mut ola).await?;
    deciding.falls_back(tell, house, &mut ola).await?;
    beside_the_gp(tell, house, &mut ola).await
}

fn inquiry(text: &str) -> Value {
    json!({ "request": { "type": "inquiry" }, "message": { "text": text } })
}

fn asks(text: &str) -> impl Fn(&Case) -> bool {
    move |case| case.entries.iter().any(|entry| entry.body == text)
}

impl Deciding {
    async fn put(
        &self,
        tell: &mut Teller,
        what: &str,
        call: (&Portal, &'static str, &str),
        body: &Value,
    ) -> anyhow::Result<Value> {
        let (who, template, id) = call;
        let call = who.call(Method::PUT, template, &[&self.her_id, id]);
        let call = call.header("content-type", "application/json").body(body.to_string());
        Ok(tell.ask(what, call, StatusCode::OK).await?.json)
    }

    async fn switches_off_and_on(&self, tell: &mut Teller, ola: &Citizen) -> anyhow::Result<()> {
        let choice = (&self.office, CHOICE, "inquiry");
        self.put(tell, "Ola's office switches its inbox off", choice, &json!({ "enabled": false })).await?;
        let call = ola.portal.post("/v1/me/dialogs", &[], &inquiry("Er dere der?"));
        tell.refused("Ola is told so at once", call, ProblemType::ServiceNotOffered).await?;
        self.put(tell, "Ola's office switches it on again", choice, &json!({ "enabled": true })).await?;
        let practice = tell.ask("Ola sees it", ola.portal.get("/v1/me/practice", &[]), StatusCode::OK).await?;
        let services = practice.json["services"].as_array().context("services")?;
        let inquiry = services.iter().find(|one| one["service"] == "inquiry").context("inquiry")?;
        tell.equal("it is offered", inquiry["available"].as_bool(), Some(true))
    }

    /// No slots to pick from for a while: citizens write, and the office finds a time.
    async fn takes_requests(&self, tell: &mut Teller, house: &House, ola: &mut Citizen) -> anyhow::Result<()> {
        let choice = (&self.office, CHOICE, "appointment");
        let written = json!({ "enabled": true, "booking": "request" });
        self.put(tell, "Ola's office takes requests in place of bookings", choice, &written).await?;
        let wish = elvebredden::wish("Jeg trenger en time for kontroll.")?;
        let dialog = ola.opens(tell, "writes when a time would suit him", &wish).await?;
        let case = Clinic::of(house, &HAVNEGATA, &OLA)?.case(CaseType::BookingWish).await?;
        let begins = Zoned::now().date().checked_add(6.days())?.at(10, 0, 0, 0);
        house.helserespons.answer(&case.case_no, &helserespons::Answer::Arrange { begins, text: None })?;
        elvebredden::has_a_time(tell, ola, &dialog, begins).await?;
        let direct = json!({ "enabled": true, "booking": "direct" });
        self.put(tell, "Ola's office lets him pick a slot again", choice, &direct).await?;
        let slots = tell.ask("Ola looks at free slots", ola.portal.get("/v1/me/slots", &[]), StatusCode::OK).await?;
        tell.check("there are some", slots.json["items"].as_array().is_some_and(|all| !all.is_empty()))
    }

    async fn is_away(&self, tell: &mut Teller, house: &House, ola: &Citizen) -> anyhow::Result<()> {
        let [gp, substitute] = HAVNEGATA.gps else { anyhow::bail!("two doctors") };
        let today = Zoned::now().date();
        let leave = json!({ "absences": [{
            "from": today.yesterday()?, "until": today.tomorrow()?,
            "substitute": {
                "hprNumber": substitute.hpr.parse::<u32>()?,
                "givenName": substitute.given_name, "familyName": substitute.family_name,
            },
        }] });
        self.put(tell, "Ola's doctor goes away, and another takes over", (&self.office, ABSENCES, gp.hpr), &leave)
            .await?;
        let practice = tell.ask("Ola sees who answers", ola.portal.get("/v1/me/practice", &[]), StatusCode::OK).await?;
        let named = practice.text("/away/substitute/familyName")?;
        tell.equal("it is the substitute", named, substitute.family_name)?;
        let dialog = ola.opens(tell, "writes to the office", &inquiry("Hvem er der i dag?")).await?;
        let read = ola.reads(tell, "reads whom it is with", &dialog).await?;
        let with = read["clinician"]["familyName"].as_str();
        tell.equal("it is with the substitute", with, Some(substitute.family_name))?;
        house.helserespons.wait_for_case(asks("Hvem er der i dag?")).await?;
        let back = json!({ "absences": [] });
        self.put(tell, "Ola's doctor is back", (&self.office, ABSENCES, gp.hpr), &back).await?;
        ola.writes(tell, "writes on", &dialog, "Er du tilbake?").await?;
        let read = ola.reads(tell, "reads whom it is with now", &dialog).await?;
        tell.equal("it is with the doctor", read["clinician"]["familyName"].as_str(), Some(gp.family_name))?;
        let said = read["activities"].as_array().into_iter().flatten().any(|one| one["kind"]["type"] == "stands-in");
        tell.check("the dialog says so", said)
    }

    async fn changes_vendor(&self, tell: &mut Teller, house: &House, ola: &mut Citizen) -> anyhow::Result<()> {
        let old = ola.opens(tell, "writes before the office changes vendor", &inquiry("Før byttet?")).await?;
        let now = jiff::Timestamp::now();
        let terms = |solution: Solution| json!({ "plugin": solution.plugin(), "enabled": true, "settings": rooms::settings(&HAVNEGATA, solution) });
        let (mut before, mut after) = (terms(Solution::Helserespons), terms(Solution::Ddfl));
        before["offeredUntil"] = json!(now);
        after["validFrom"] = json!(now);
        let body = json!({ "terms": [before, after], "reason": "The office moves its inbox to the public solution." });
        let inbox = Service::Inquiry.as_str();
        self.put(tell, "The office changes vendor for its inbox", (&self.operator, TERMS, inbox), &body).await?;
        let new = ola.opens(tell, "writes after it", &inquiry("Etter byttet?")).await?;

        let asked = |request: &meldingstjener::Request| request.message.text.as_deref() == Some("Etter byttet?");
        let request = house.meldingstjener.wait_for_request(asked).await?;
        house.meldingstjener.answer(&request.message.msg_id, &meldingstjener::Answer::reply("Fra den nye."))?;
        let read = ola.is_answered(tell, "is answered through the new vendor", &new).await?;
        tell.equal("by name", read["provider"]["id"].as_str(), Some("ddfl"))?;

        let case = house.helserespons.wait_for_case(asks("Før byttet?")).await?;
        let files = Vec::new();
        let answer = helserespons::Answer::Reply { text: "Fra den gamle.".to_owned(), files };
        house.helserespons.answer(&case.case_no, &answer)?;
        let read = ola.is_answered(tell, "is answered through the old one where that has begun", &old).await?;
        tell.equal("by name", read["provider"]["id"].as_str(), Some("helserespons"))?;
        ola.writes(tell, "goes on there", &old, "Takk.").await?;
        let all = tell.ask("Ola sees one list", ola.portal.get("/v1/me/dialogs", &[]), StatusCode::OK).await?;
        let listed = |id: &str| all.json["items"].as_array().into_iter().flatten().any(|one| one["id"] == id);
        tell.check("with the old and the new", listed(&old) && listed(&new))?;
        self.back_to_the_file(tell, "The office goes back").await
    }

    async fn back_to_the_file(&self, tell: &mut Teller, what: &str) -> anyhow::Result<()> {
        let call = self.operator.call(Method::DELETE, TERMS, &[&self.her_id, Service::Inquiry.as_str()]);
        let held = tell.ask(what, call, StatusCode::OK).await?;
        tell.equal("the directory file holds", held.text("/source")?, "file")
    }

    async fn falls_back(&self, tell: &mut Teller, house: &House, ola: &mut Citizen) -> anyhow::Result<()> {
        let [settings, behind] =
            [Solution::Helserespons, Solution::Ddfl].map(|solution| rooms::settings(&HAVNEGATA, solution));
        let terms = json!([{
            "plugin": "helserespons", "enabled": true, "settings": settings,
            "fallback": { "plugin": "ddfl", "settings": behind },
        }]);
        let body = json!({ "terms": terms, "reason": "The public solution stands behind the vendor's." });
        let inbox = (&self.operator, TERMS, Service::Inquiry.as_str());
        self.put(tell, "The office names who stands behind its vendor", inbox, &body).await?;
        house.helserespons.trouble.set_availability(Availability::Refuse).await?;
        let call = ola.portal.post("/v1/me/dialogs", &[], &inquiry("Når leverandøren er nede?"));
        let taken = tell.ask("Ola writes while the vendor is down", call, StatusCode::ACCEPTED).await?;
        house.helserespons.trouble.set_availability(Availability::Up).await?;
        let dialog = taken.text("/id")?.to_owned();
        tell.equal("the other takes it", taken.text("/provider/id")?, "ddfl")?;
        let said = |one: &Value| one["kind"]["type"] == "fell-back" && one["kind"]["from"]["id"] == "helserespons";
        tell.check("and Ola is told", taken.json["activities"].as_array().into_iter().flatten().any(said))?;
        ola.hears(EventType::MessageSent, &dialog).await?;
        let asked =
            |request: &meldingstjener::Request| request.message.text.as_deref() == Some("Når leverandøren er nede?");
        let request = house.meldingstjener.wait_for_request(asked).await?;
        house.meldingstjener.answer(&request.message.msg_id, &meldingstjener::Answer::close("Vi er her."))?;
        let read = ola.sees_closed(tell, "is answered", &dialog, "answered").await?;
        tell.equal("by the office", office_messages(&read)[0]["text"].as_str(), Some("Vi er her."))?;
        let twice = house.helserespons.cases().iter().any(|case| asks("Når leverandøren er nede?")(case));
        tell.check("the vendor that was down never gets it", !twice)?;
        self.back_to_the_file(tell, "The office names nobody any more").await
    }
}

/// A vendor's own doctors, beside the GP and never in place of one.
async fn beside_the_gp(tell: &mut Teller, house: &House, ola: &mut Citizen) -> anyhow::Result<()> {
    let practice = tell.ask("Ola looks beside his GP", ola.portal.get("/v1/me/practice", &[]), StatusCode::OK).await?;
    let offer = &practice.json["besideYourGp"][0];
    tell.equal("there is a national provider", offer["provider"]["id"].as_str(), Some("kry"))?;
    tell.check(
        "which is said not to be his GP",
        offer["consent"].as_str().is_some_and(|said| said.contains("ikke fastlegen")),
    )?;
    let read = ola.portal.get("/v1/me/services/{service}/guidance", &["consultation"]).query("provider=kry");
    let read = tell.ask("Ola reads what a doctor there needs to know", read, StatusCode::OK).await?;
    tell.equal("it is the vendor's form", read.json["form"]["title"].as_str(), Some("Før konsultasjonen"))?;
    let mut opening = kry::opening("Jeg er på reise.");
    opening["provider"] = json!("kry");
    let dialog = ola.opens(tell, "asks a doctor there", &opening).await?;
    let visit = house.kry.wait_for_visit(|visit| visit.text() == "Jeg er på reise.").await?;
    let text = "Ta kontakt med en legevakt der du er.".to_owned();
    house.kry.answer(&visit.id, &KryAnswer::Finish { text, specialist: false })?;
    let read = ola.sees_closed(tell, "is answered there", &dialog, "answered").await?;
    tell.equal("it is not with his GP", read["ownGp"].as_bool(), Some(false))?;
    tell.check("nor with his office", read["office"]["herId"] != HAVNEGATA.service_her_id)?;
    let free = ola.portal.get("/v1/me/slots", &[]).query("provider=kry");
    let free = tell.ask("Ola looks for a time there", free, StatusCode::OK).await?;
    let mut wanted = booking(&free.json["items"][0]);
    wanted["provider"] = json!("kry");
    let call = ola.portal.post("/v1/me/appointments", &[], &wanted);
    let booked = tell.ask("Ola books it", call, StatusCode::CREATED).await?;
    tell.equal("it is with the vendor", booked.text("/provider/id")?, "kry")?;
    let call = ola.portal.post("/v1/me/appointments/{appointment}/cancel", &[booked.text("/id")?], &json!({}));
    tell.ask("Ola cancels it where it was booked", call, StatusCode::OK).await?;
    let left = house.kry.bookings(OLA.national_id).iter().filter(|booking| !booking.cancelled).count();
    tell.equal("nothing is left of it", left, 0)
}
