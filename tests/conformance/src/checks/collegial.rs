//! Clinicians of several offices: one elsewhere asks the office, with or without a patient, and the office asks one.

use dialog_contract::{
    dialog::Clinician,
    ids::{DialogId, HerId, HprNumber},
    provider::{CitizenIdentity, Colleague, Context, DialogStatus, EventBody, Message, Office, Opening},
    service::Closing,
};

use super::written::{LETTERS, MARKUP, normal, reads, reply, stands};
use crate::{
    Answer, Topic,
    check::{Check, Checked, Ended, broken, holds, same},
    run::{Run, message},
};

/// Who asks, and from where: numbers that nobody has.
const ASKER: u32 = 9_999_901;
const ASKING_OFFICE: u32 = 9_999_902;

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::Collegial;
    vec![
        Check::new(topic, "opens", "a clinician elsewhere asks, and the provider has a reference for it", |run| {
            Box::pin(opens(run))
        }),
        Check::new(topic, "once", "a question that is repeated with its key is asked once", |run| Box::pin(once(run))),
        Check::new(topic, "arrives", "what the clinician wrote is what the office reads, to the letter", |run| {
            Box::pin(arrives(run))
        }),
        Check::new(topic, "signed", "the office reads which clinician wrote", |run| Box::pin(signed(run))),
        Check::new(topic, "about-nobody", "a question can be about no patient", |run| Box::pin(about_nobody(run))),
        Check::new(topic, "answered", "the office's answer comes into the dialog, to the letter", |run| {
            Box::pin(answered(run))
        }),
        Check::new(topic, "goes-on", "the clinician writes again, and the office reads it", |run| {
            Box::pin(goes_on(run))
        }),
        Check::new(topic, "patient-writes", "a patient who takes part writes, and the office reads it", |run| {
            Box::pin(patient_writes(run))
        }),
        Check::new(topic, "ends", "the clinician ends it", |run| Box::pin(ends(run))),
        Check::new(topic, "ended", "the office ends it, and it has ended as answered", |run| Box::pin(ended(run))),
        Check::new(topic, "asks", "a clinician of the office asks one elsewhere, about this citizen", |run| {
            Box::pin(asks(run))
        }),
    ]
}

fn number<T: TryFrom<u32>>(number: u32) -> Checked<T> {
    T::try_from(number).map_err(|_| Ended::Broken("the suite's number is none".to_owned()))
}

/// A request of a clinician elsewhere, about the citizen.
fn from_elsewhere(run: &Run, citizen_takes_part: bool) -> Checked<Context> {
    let clinician = Clinician {
        hpr_number: number::<HprNumber>(ASKER)?,
        her_id: None,
        given_name: "Ask".to_owned(),
        family_name: "Myrhaug".to_owned(),
    };
    let office = Office {
        her_id: number::<HerId>(ASKING_OFFICE)?,
        name: "Myrhaug legesenter".to_owned(),
        ..run.subject.office.clone()
    };
    Ok(Context { colleague: Some(Colleague { clinician, office, citizen_takes_part }), ..run.context() })
}

fn question(run: &Run, message: Message) -> Checked<Opening> {
    Ok(Opening::Collegial {
        message,
        from_hpr_number: number(ASKER)?,
        to: vec![run.subject.office.her_id],
        to_hpr_number: run.subject.clinician.as_ref().map(|clinician| clinician.hpr_number),
    })
}

/// Asks; gives the provider's reference.
async fn ask(run: &Run, text: &str) -> Checked<String> {
    let question = question(run, message(text))?;
    Ok(run.open(from_elsewhere(run, false)?, DialogId::new(), question).await?.reference)
}

async fn opens(run: &Run) -> Checked {
    let reference = ask(run, "Hva tenker du om dette?").await?;
    holds(!reference.trim().is_empty() && reference.chars().count() <= 256, || format!("reference {reference:?}"))
}

async fn once(run: &Run) -> Checked {
    if !run.package.manifest.idempotent {
        return Err(Ended::NotOffered("the manifest does not promise it".to_owned()));
    }
    let (ctx, dialog) = (from_elsewhere(run, false)?, DialogId::new());
    let question = question(run, message("Bare ett spørsmål."))?;
    let first = run.open(ctx.clone(), dialog, question.clone()).await?.reference;
    let again = run.open(ctx, dialog, question).await?.reference;
    same("the reference of the repeated question", &again, &first)?;
    let texts = run.stage().received(&first).await?.texts;
    holds(texts.iter().filter(|text| text.contains("Bare ett")).count() == 1, || format!("the office has {texts:?}"))
}

async fn arrives(run: &Run) -> Checked {
    let text = format!("{LETTERS}\n{MARKUP}");
    reads(run, &ask(run, &text).await?, &text).await
}

async fn signed(run: &Run) -> Checked {
    let reference = ask(run, "Hvem er jeg?").await?;
    same("who wrote", &run.stage().signed(&reference).await?, &vec![ASKER])
}

async fn about_nobody(run: &Run) -> Checked {
    let ctx = Context { citizen: None, ..from_elsewhere(run, false)? };
    let question = question(run, message("Har dere plass til flere?"))?;
    let reference = run.open(ctx, DialogId::new(), question).await?.reference;
    reads(run, &reference, "Har dere plass til flere?").await
}

async fn answered(run: &Run) -> Checked {
    let reference = ask(run, "Kan jeg få et råd?").await?;
    let text = format!("{LETTERS}\n{MARKUP}");
    let message = reply(run, &reference, &text, None).await?;
    holds(normal(&message.text).contains(&normal(&text)), || format!("the clinician reads {:?}", message.text))
}

async fn goes_on(run: &Run) -> Checked {
    let reference = ask(run, "Første spørsmål.").await?;
    reply(run, &reference, "Fortell mer.", None).await?;
    run.send(from_elsewhere(run, false)?, &reference, message("Andre spørsmål.")).await?;
    reads(run, &reference, "Andre spørsmål.").await
}

async fn patient_writes(run: &Run) -> Checked {
    let reference = ask(run, "Vi tar snart med pasienten.").await?;
    reply(run, &reference, "Gjerne.", None).await?;
    run.send(from_elsewhere(run, true)?, &reference, message("Nå er vi tre.")).await?;
    run.send(run.context(), &reference, message("Hei, det er meg.")).await?;
    reads(run, &reference, "Hei, det er meg.").await?;
    same("who wrote as a clinician", &run.stage().signed(&reference).await?, &vec![ASKER, ASKER])
}

async fn ends(run: &Run) -> Checked {
    let reference = ask(run, "Jeg fant det ut.").await?;
    Ok(run.close(from_elsewhere(run, false)?, &reference).await?)
}

async fn ended(run: &Run) -> Checked {
    let reference = ask(run, "Ett kort spørsmål.").await?;
    run.stage().answer(&reference, Answer::Finish { text: "Ett kort svar.".to_owned() }).await?;
    let over = |body: &EventBody| matches!(stands(body, &reference), Some(DialogStatus::Closed(Closing::Answered)));
    run.news("the end", over).await.map(drop)
}

async fn asks(run: &Run) -> Checked {
    run.stage().asks_colleague("Kjenner dere til allergien?").await?;
    let ours = |body: &EventBody| matches!(body, EventBody::Collegial { message, .. } if message.text.contains("Kjenner dere til allergien?"));
    let event = run.news("the question of the office", ours).await?;
    let EventBody::Collegial { office, to, patient, .. } = event.body else { return broken("no question") };
    same("the office", &office, &run.subject.office.her_id)?;
    holds(to != office, || "the office asks itself".to_owned())?;
    let citizen = &run.subject.citizen;
    let is_ours = match patient {
        Some(CitizenIdentity::Reference(reference)) => reference == citizen.reference,
        Some(CitizenIdentity::NationalIdentityNumber(number)) => number == citizen.national_identity_number,
        None => false,
    };
    holds(is_ours, || "it is about somebody else".to_owned())
}
