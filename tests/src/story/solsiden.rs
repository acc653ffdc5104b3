//! Marte, at an office where everything goes through a vendor that speaks SOAP and is asked for news.

use anyhow::Context;
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, decisions, office_messages},
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        besoklegen::{Answer, Case, Decision, Opening, Outcome, Service, Subject},
        world::{MARTE, SOLSIDEN, Solution},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut marte = Citizen::log_in(house, &MARTE).await?;
    marte
        .sees_offers(
            tell,
            &[
                ("appointment", "besoklegen", "commercial"),
                ("prescription-renewal", "besoklegen", "commercial"),
                ("consultation", "besoklegen", "commercial"),
                ("inquiry", "besoklegen", "commercial"),
                ("sick-note-renewal", "besoklegen", "commercial"),
                ("certificate", "besoklegen", "commercial"),
            ],
        )
        .await?;
    information(tell, &marte).await?;
    let practice = SOLSIDEN.account(Solution::Besoklegen).context("the office uses the vendor")?;
    let booked = || {
        let bookings = house.besoklegen.bookings(practice, MARTE.national_id)?;
        Ok(bookings.iter().filter(|booking| !booking.cancelled).count())
    };
    marte.books_changes_and_cancels(tell, &booked).await?;
    sick_note(tell, house, &mut marte).await?;
    driving_licence(tell, house, &mut marte).await?;
    conversation(tell, house, &mut marte).await?;
    picture(tell, house, &mut marte).await?;
    question(tell, house, &mut marte).await?;
    renewal(tell, house, &mut marte).await?;
    notice(tell, house, &mut marte, practice).await
}

/// What the office tells everyone is the vendor's word where it changes from day to day, and open to all.
async fn information(tell: &mut Teller, marte: &Citizen) -> anyhow::Result<()> {
    let call = marte.portal.get("/v1/me/practice", &[]);
    let page = tell.ask("Marte reads what her office tells everyone", call, StatusCode::OK).await?.json;
    let told = &page["information"];
    let accessible = Some("Trinnfri inngang, heis, HC-toalett og teleslynge.");
    tell.equal("how to come in with a wheelchair", told["accessibility"].as_str(), accessible)?;
    tell.equal("who told it", told["told"]["provider"]["id"].as_str(), Some("besoklegen"))?;
    let away = &told["practitioners"][0]["absences"][0];
    tell.equal("who stands in next week", away["substitute"]["familyName"].as_str(), Some("Haddad"))?;
    let services = page["services"].as_array().context("services")?;
    let certificate = services.iter().find(|one| one["service"] == "certificate").context("certificates")?;
    tell.equal("what a certificate costs", certificate["prices"][0]["amount"].as_u64(), Some(65_000))?;
    let office = SOLSIDEN.service_her_id.to_string();
    let call = marte.portal.with_token(None).get("/v1/offices/{herId}", &[&office]);
    let open = tell.ask("Anybody reads the same without logging in", call, StatusCode::OK).await?.json;
    tell.equal("the accessibility too", open["accessibility"].as_str(), accessible)
}

/// The case of this service that waits for the practice.
async fn waiting(house: &House, service: Service) -> anyhow::Result<Case> {
    Ok(house.besoklegen.wait_for_case(|case| case.subject.service() == service).await?)
}

/// A sick note is renewed, and comes as a file.
async fn sick_note(tell: &mut Teller, house: &House, marte: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "sick-note-renewal", "validUntil": "2026-12-01", "degree": 50 },
        "message": { "text": "Ryggen er bedre, men ikke bra nok til full stilling." },
    });
    let dialog = marte.opens(tell, "asks to have a sick note renewed", &opening).await?;
    let case = waiting(house, Service::SickNote).await?;
    let Subject::SickNote { degree, .. } = case.subject else { anyhow::bail!("another case") };
    tell.equal("the office sees the degree", degree, 50)?;
    house.besoklegen.answer(&case.number, &Answer::Issue { text: "Forlenget i to uker.".to_owned() })?;
    let read = marte.sees_closed(tell, "has it renewed", &dialog, "answered").await?;
    marte.downloads_certificate(tell, &read).await
}

/// A driving licence needs the practice's form; without it nothing is sent on, and the citizen is told what is missing.
async fn driving_licence(tell: &mut Teller, house: &House, marte: &mut Citizen) -> anyhow::Result<()> {
    let opening = |form: Option<serde_json::Value>| {
        let mut request = json!({ "type": "certificate", "purpose": "Førerkort klasse B" });
        if let Some(form) = form {
            request["form"] = form;
        }
        json!({ "request": request, "message": { "text": "Jeg fyller 80 til sommeren." } })
    };
    let call = marte.portal.post("/v1/me/dialogs", &[], &opening(None));
    let what = "Marte asks for a health certificate for her driving licence, without the form";
    let refusal = tell.ask(what, call, StatusCode::UNPROCESSABLE_ENTITY).await?;
    tell.equal("she is told what is missing", refusal.json["errors"][0]["pointer"].as_str(), Some("/request/form"))?;
    let call = marte.portal.get("/v1/me/services/{service}/guidance", &["certificate"]);
    let guidance = tell.ask("Marte reads what to know before asking", call, StatusCode::OK).await?.json;
    tell.equal("the practice's form", guidance["form"]["title"].as_str(), Some("Helseattest for førerkort"))?;
    let wrong = json!({ "classes": ["X"], "glasses": true });
    let call = marte.portal.post("/v1/me/dialogs", &[], &opening(Some(wrong)));
    let refusal = tell.ask("Marte fills it in wrongly", call, StatusCode::UNPROCESSABLE_ENTITY).await?;
    let errors = refusal.json["errors"].as_array().context("errors")?;
    let pointers: Vec<_> = errors.iter().filter_map(|one| one["pointer"].as_str()).collect();
    tell.check("she is told where", pointers.contains(&"/request/form/classes/0"))?;
    tell.check("and what is missing", pointers.contains(&"/request/form/medicines"))?;
    let form = json!({
        "classes": ["B"], "glasses": true, "diabetes": false, "epilepsy": false, "heart": false,
        "consciousness": false, "medicines": "Ingen",
    });
    let dialog = marte.opens(tell, "fills in the form", &opening(Some(form))).await?;
    let case = waiting(house, Service::Certificate).await?;
    let Subject::Certificate { form: Some(answers), .. } = &case.subject else { anyhow::bail!("another case") };
    tell.equal("the office has her answers", answers["glasses"].as_bool(), Some(true))?;
    house.besoklegen.answer(&case.number, &Answer::Issue { text: "Her er attesten.".to_owned() })?;
    let read = marte.sees_closed(tell, "gets the certificate", &dialog, "answered").await?;
    marte.downloads_certificate(tell, &read).await
}

/// A consultation in writing, to and fro.
async fn conversation(tell: &mut Teller, house: &House, marte: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "consultation", "mode": "text" },
        "message": { "subject": "Blodtrykk", "text": "Medisinen gir meg hodepine." },
    });
    let dialog = marte.opens(tell, "sends an e-consultation", &opening).await?;
    let case = waiting(house, Service::Consultation).await?;
    let reply = Answer::Reply { text: "Ta den om kvelden. Hjelper det?".to_owned(), files: Vec::new() };
    house.besoklegen.answer(&case.number, &reply)?;
    let read = marte.is_answered(tell, "reads the doctor's answer", &dialog).await?;
    let said = office_messages(&read);
    tell.equal("it is what the doctor wrote", said[0]["text"].as_str(), Some("Ta den om kvelden. Hjelper det?"))?;
    marte.writes(tell, "answers", &dialog, "Ja, mye bedre.").await?;
    house.besoklegen.wait_for_case(|now| now.number == case.number && now.text() == "Ja, mye bedre.").await?;
    house.besoklegen.answer(&case.number, &Answer::Finish { text: "Så fint.".to_owned() })?;
    marte.sees_closed(tell, "sees that the consultation is over", &dialog, "answered").await?;
    Ok(())
}

/// A consultation with a picture.
async fn picture(tell: &mut Teller, house: &House, marte: &mut Citizen) -> anyhow::Result<()> {
    let photo = marte.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "consultation", "mode": "image" },
        "message": { "subject": "Sår", "text": "Gror såret som det skal?", "attachments": [photo] },
    });
    let dialog = marte.opens(tell, "sends an e-consultation with a picture", &opening).await?;
    let case = waiting(house, Service::Consultation).await?;
    tell.equal("the office has the picture", case.messages[0].files.len(), 1)?;
    house.besoklegen.answer(&case.number, &Answer::Finish { text: "Ja, det ser fint ut.".to_owned() })?;
    marte.sees_closed(tell, "reads that all is well", &dialog, "answered").await.map(drop)
}

/// A practical question.
async fn question(tell: &mut Teller, house: &House, marte: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({ "request": { "type": "inquiry" }, "message": { "text": "Kan jeg ta med hunden?" } });
    let dialog = marte.opens(tell, "asks the office something practical", &opening).await?;
    let case = waiting(house, Service::Question).await?;
    house.besoklegen.answer(&case.number, &Answer::Finish { text: "Ja, om den er snill.".to_owned() })?;
    marte.sees_closed(tell, "is answered", &dialog, "answered").await.map(drop)
}

/// Two prescriptions are asked for and one is renewed.
async fn renewal(tell: &mut Teller, house: &House, marte: &mut Citizen) -> anyhow::Result<()> {
    let items = json!([{ "id": "a", "medicine": "Metoprolol 50 mg" }, { "id": "b", "medicine": "Levotyroksin" }]);
    let opening = json!({ "request": { "type": "prescription-renewal", "items": items } });
    let dialog = marte.opens(tell, "asks to renew two prescriptions", &opening).await?;
    let case = waiting(house, Service::Renewal).await?;
    let blood = Some("Ta blodprøve først.".to_owned());
    let decision = Decision { line: "b".to_owned(), outcome: Outcome::SeeDoctor, reason: blood };
    house.besoklegen.answer(&case.number, &Answer::Renewal { decisions: vec![decision], text: None })?;
    let read = marte.sees_closed(tell, "sees what became of each", &dialog, "answered").await?;
    tell.equal(
        "one is renewed, the other needs a consultation first",
        decisions(&read),
        vec![("a".to_owned(), "renewed".to_owned()), ("b".to_owned(), "needs-consultation".to_owned())],
    )
}

/// A notice that cannot be replied to.
async fn notice(tell: &mut Teller, house: &House, marte: &mut Citizen, practice: &str) -> anyhow::Result<()> {
    tell.step("The office sends Marte a one-way message");
    let known = marte.known();
    let opening = Opening {
        one_way: true,
        subject: Some("Ny inngang".to_owned()),
        text: "Inngangen er nå fra bakgården.".to_owned(),
        files: Vec::new(),
    };
    house.besoklegen.open(practice, MARTE.national_id, &opening)?;
    marte.cannot_reply(tell, &known).await
}
