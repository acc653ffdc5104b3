//! Ola, at an office that uses the public solution for consultations (on CGM Allmenn, an old record system) and the
//! commercial one for the rest.

use serde_json::json;

use super::{
    citizen::{Citizen, office_messages},
    teller::Teller,
    vendor::{Clinic, MEDICAL},
};
use crate::{
    house::House,
    sim::{
        meldingstjener::{self, Kind},
        world::{HAVNEGATA, OLA},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut ola = Citizen::log_in(house, &OLA).await?;
    ola.sees_offers(
        tell,
        &[
            ("appointment", "helserespons", "commercial"),
            ("prescription-renewal", "helserespons", "commercial"),
            ("consultation", "ddfl", "public"),
            ("inquiry", "helserespons", "commercial"),
            ("certificate", "helserespons", "commercial"),
        ],
    )
    .await?;
    let clinic = Clinic::of(house, &HAVNEGATA, &OLA)?;
    ola.books_changes_and_cancels(tell, &|| clinic.booked()).await?;
    consultation(tell, house, &mut ola).await?;
    clinic.renews_one_of_two(tell, &mut ola).await?;
    let again = clinic.redirects(tell, &mut ola).await?;
    answered_by_the_other(tell, house, &mut ola, &again).await?;
    clinic.sends_notice(tell, &mut ola).await?;
    clinic.issues_certificate(tell, &mut ola).await
}

async fn consultation(tell: &mut Teller, house: &House, ola: &mut Citizen) -> anyhow::Result<()> {
    let photo = ola.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "consultation", "mode": "image" },
        "message": { "subject": "Føflekk", "text": "Har den forandret seg? Åpne bildet.", "attachments": [photo] },
    });
    let dialog = ola.opens(tell, "sends an e-consultation with a picture", &opening).await?;
    let request = house
        .meldingstjener
        .wait_for_request(|request| {
            request.message.kind == Kind::Consultation && request.message.subject.as_deref() == Some("Føflekk")
        })
        .await?;
    tell.equal("the office has the picture", request.message.attachments.len(), 1)?;
    // The record system writes ISO-8859-1: the answer's letters show whether it was read.
    let said = "Den ser ufarlig ut. Følg med på størrelsen.";
    house.meldingstjener.answer(&request.message.msg_id, &meldingstjener::Answer::reply(said))?;
    let read = ola.is_answered(tell, "reads the answer of an old record system", &dialog).await?;
    tell.equal("every letter is right", office_messages(&read)[0]["text"].as_str(), Some(said))?;
    ola.writes(tell, "asks a follow-up", &dialog, "Hvor ofte bør jeg måle?").await?;
    let follow_up = house
        .meldingstjener
        .wait_for_request(|request| request.message.text.as_deref().is_some_and(|text| text.contains("måle")))
        .await?;
    house.meldingstjener.answer(&follow_up.message.msg_id, &meldingstjener::Answer::close("En gang i måneden."))?;
    ola.sees_closed(tell, "sees that the consultation is over", &dialog, "answered").await?;
    Ok(())
}

/// What was sent through the commercial solution is sent again through the public one: the citizen need not know.
async fn answered_by_the_other(
    tell: &mut Teller,
    house: &House,
    ola: &mut Citizen,
    dialog: &str,
) -> anyhow::Result<()> {
    let asked = |request: &meldingstjener::Request| request.message.text.as_deref() == Some(MEDICAL);
    let request = house.meldingstjener.wait_for_request(asked).await?;
    tell.equal("the doctor has it as an e-consultation", request.message.kind, Kind::Consultation)?;
    house.meldingstjener.answer(&request.message.msg_id, &meldingstjener::Answer::close("Drikk mye, og hvil."))?;
    ola.sees_closed(tell, "is answered through the other solution", dialog, "answered").await.map(drop)
}
