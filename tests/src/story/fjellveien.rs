//! Kari, at an office where everything goes through the public solution, on Infodoc Plenario.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use dialog_contract::problem::ProblemType;
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, decisions, office_messages},
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        meldingstjener::{Answer, Decision, Kind, Opening},
        world::{FJELLVEIEN, KARI},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut kari = Citizen::log_in(house, &KARI).await?;
    let practice = kari
        .sees_offers(
            tell,
            &[
                ("appointment", "ddfl", "public"),
                ("prescription-renewal", "ddfl", "public"),
                ("consultation", "ddfl", "public"),
                ("inquiry", "ddfl", "public"),
                ("certificate", "ddfl", "public"),
            ],
        )
        .await?;
    tell.equal("it is her GP's office", practice["office"]["name"].as_str(), Some(FJELLVEIEN.service_name))?;
    let booked = || Ok(house.meldingstjener.appointments(&FJELLVEIEN, KARI.national_id)?.len());
    kari.books_changes_and_cancels(tell, &booked).await?;
    consultation(tell, house, &mut kari).await?;
    renewal(tell, house, &mut kari).await?;
    redirected(tell, house, &mut kari).await?;
    one_way(tell, house, &mut kari).await?;
    two_way(tell, house, &mut kari).await?;
    certificate(tell, house, &mut kari).await
}

async fn consultation(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    let photo = kari.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "consultation", "mode": "image" },
        "message": { "subject": "Utslett", "text": "Utslettet er tilbake etter kuren.", "attachments": [photo] },
    });
    let dialog = kari.opens(tell, "sends an e-consultation with a picture", &opening).await?;
    let request = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Consultation).await?;
    tell.equal("the office has the picture", request.message.attachments.len(), 1)?;
    house.meldingstjener.answer(&request.message.msg_id, &Answer::reply("Smør med kremen to ganger daglig."))?;

    let read = kari.is_answered(tell, "reads the doctor's answer", &dialog).await?;
    let answers = office_messages(&read);
    tell.equal("there is one answer", answers.len(), 1)?;
    tell.equal("it is what the doctor wrote", answers[0]["text"].as_str(), Some("Smør med kremen to ganger daglig."))?;
    tell.equal("it is unopened", read["unopened"].as_u64(), Some(1))?;
    tell.check("it was to be answered within five working days", read["due"].is_string())?;

    let call = kari.portal.post("/v1/me/dialogs/{dialog}/seen", &[&dialog], &json!({}));
    let seen = tell.ask("Kari has seen it", call, StatusCode::OK).await?;
    tell.equal("nothing is unopened", seen.json["unopened"].as_u64(), Some(0))?;

    kari.writes(tell, "asks a follow-up in the same consultation", &dialog, "Hvor lenge?").await?;
    let follow_up = house
        .meldingstjener
        .wait_for_request(|request| {
            request.message.kind == Kind::Reply && request.message.text.as_deref() == Some("Hvor lenge?")
        })
        .await?;
    let references = follow_up.message.references.context("the follow-up refers to its conversation")?;
    tell.equal("it belongs to the same conversation", references.conversation, request.conversation)?;
    house
        .meldingstjener
        .answer(&follow_up.message.msg_id, &Answer::close("En uke. Ta kontakt om det ikke blir bedre."))?;
    kari.sees_closed(tell, "sees that the consultation is over", &dialog, "answered").await?;

    let again = kari.portal.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Takk!" }));
    let refusal = tell.refused("Kari cannot write in it any more", again, ProblemType::DialogClosed).await?;
    tell.equal("nothing was sent", refusal.text("/sent")?, "no")
}

async fn renewal(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": {
            "type": "prescription-renewal",
            "items": [
                {
                    "id": "resept-1",
                    "medicine": "Metoprolol depottabletter 50 mg",
                    "eprescription": STANDARD.encode(prescription("Metoprolol depottabletter 50 mg")),
                },
                {
                    "id": "resept-2",
                    "medicine": "Zopiklon tabletter 7,5 mg",
                    "eprescription": STANDARD.encode(prescription("Zopiklon tabletter 7,5 mg")),
                },
            ],
        },
    });
    let dialog = kari.opens(tell, "asks to renew two prescriptions", &opening).await?;
    let request =
        house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::RenewalPrescriptions).await?;
    tell.equal("the office has both prescriptions (M1)", request.message.prescriptions.len(), 2)?;
    let answer = Answer::Renewal {
        decisions: vec![
            Decision { item: "Metoprolol".to_owned(), renewed: true, note: None },
            Decision { item: "Zopiklon".to_owned(), renewed: false, note: Some("Bestill time først.".to_owned()) },
        ],
        text: None,
    };
    house.meldingstjener.answer(&request.message.msg_id, &answer)?;
    let read = kari.sees_closed(tell, "sees what became of them", &dialog, "answered").await?;
    tell.equal(
        "one is renewed and one is not",
        decisions(&read),
        vec![("resept-1".to_owned(), "renewed".to_owned()), ("resept-2".to_owned(), "refused".to_owned())],
    )
}

async fn redirected(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "inquiry" },
        "message": { "subject": "Spørsmål", "text": "Jeg har vondt i kneet når jeg går i trapper." },
    });
    let dialog = kari.opens(tell, "asks a medical question as a contact", &opening).await?;
    let request = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Contact).await?;
    house.meldingstjener.answer(&request.message.msg_id, &Answer::AdviseConsultation { text: None })?;
    let read = kari.sees_closed(tell, "is told to send an e-consultation instead", &dialog, "redirected").await?;
    tell.equal("to which service", read["status"]["redirectTo"].as_str(), Some("consultation"))
}

async fn one_way(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The office sends Kari a one-way message (EKI)");
    let known = kari.known();
    house.meldingstjener.open(
        &FJELLVEIEN,
        KARI.national_id,
        &Opening {
            medical: false,
            one_way: true,
            subject: "Vaksinen er kommet".to_owned(),
            text: "Vaksinen du har bestilt, er kommet. Bestill time hos sykepleier.".to_owned(),
            attachments: Vec::new(),
        },
    )?;
    kari.cannot_reply(tell, &known).await
}

async fn two_way(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The office opens a dialogue with Kari");
    let known = kari.known();
    house.meldingstjener.open(
        &FJELLVEIEN,
        KARI.national_id,
        &Opening {
            medical: false,
            one_way: false,
            subject: "Timen din".to_owned(),
            text: "Kan du komme en time senere på torsdag?".to_owned(),
            attachments: Vec::new(),
        },
    )?;
    let dialog = kari.is_written_to(&known).await?;
    kari.writes(tell, "replies", &dialog, "Ja, det passer fint.").await?;
    let reply = house.meldingstjener.wait_for_message(|message| message.label == "22").await?;
    tell.check("the reply reached the office as the citizen's answer (22)", !reply.to_portal)
}

async fn certificate(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "certificate", "purpose": "Førerkort klasse B" },
        "message": { "text": "Jeg trenger helseattest til førerkortet." },
    });
    let dialog = kari.opens(tell, "asks for a health certificate", &opening).await?;
    let request = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Certificate).await?;
    let answer = Answer::CertificateIssued { text: None, certificate: None };
    house.meldingstjener.answer(&request.message.msg_id, &answer)?;
    let read = kari.is_answered(tell, "gets the certificate", &dialog).await?;
    kari.downloads_certificate(tell, &read).await
}

/// A prescription as the e-prescription service has it (eResept M1).
fn prescription(medicine: &str) -> String {
    format!(
        "<Resept xmlns=\"http://www.kith.no/xmlstds/eresept/m1/2013-10-08\" \
         xmlns:f=\"http://www.kith.no/xmlstds/eresept/forskrivning/2013-10-08\">\
         <Forskrivningsdato>2026-05-04</Forskrivningsdato><Utloper>2027-05-04</Utloper>\
         <ReseptDokLegemiddel><Varegruppekode V=\"L\"/><Antall>1</Antall><Reiterasjon>3</Reiterasjon>\
         <f:Forskrivning><f:LegemiddelMerkevare><f:NavnFormStyrke>{medicine}</f:NavnFormStyrke>\
         <f:Reseptgruppe V=\"C\"/><f:Varenavn>{medicine}</f:Varenavn></f:LegemiddelMerkevare></f:Forskrivning>\
         </ReseptDokLegemiddel><OppdatertFest>2026-05-04T00:00:00</OppdatertFest></Resept>"
    )
}
