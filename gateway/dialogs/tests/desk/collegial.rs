//! Clinicians who talk with each other, with a patient or none, who can take part.

use bytes::Bytes;
use dialog_contract::{
    collegial::{Addressee, CollegialSummary, NewCitizenParty, NewCollegialDialog},
    dialog::{AuthorRole, Dialog, Status},
    ids::{DialogId, HerId},
};
use dialog_core::{
    CollegialFilter,
    permit::{self, Permitted},
    ports::store::{Range, Store},
};

use crate::support::*;

/// The office that asks; here it is in the place of the provider beside the GPs.
fn own() -> HerId {
    national_id()
}

/// A clinician there.
fn asker(world: &World) -> Permitted<permit::Clinician> {
    world.clinician(substitute().hpr_number)
}

fn question(about: Option<&str>, words: &str) -> NewCollegialDialog {
    NewCollegialDialog {
        to: Addressee { office: office_id(), clinician: None },
        patient: about.map(|number| number.parse().unwrap()),
        message: text(words),
    }
}

async fn asked(world: &World, about: Option<&str>, words: &str) -> Dialog {
    let answer = world.desk.ask_colleague(&asker(world), &post("/"), own(), question(about, words)).await.unwrap();
    assert_eq!(answer.status, 201);
    dialog(&answer)
}

async fn read(world: &World, id: DialogId) -> dialog_core::Outcome {
    world.desk.collegial_dialog(&asker(world), &get(), (own(), id)).await
}

/// How many values of the store hold some text.
async fn holding(world: &World, text: &str) -> usize {
    let range = Range { from: Bytes::new(), until: None, limit: 10_000, reverse: false };
    let entries = world.store.scan(range).await.unwrap();
    let found = |value: &Bytes| value.windows(text.len()).any(|window| window == text.as_bytes());
    entries.iter().filter(|entry| found(&entry.versioned.value)).count()
}

#[tokio::test]
async fn what_colleagues_say_of_a_patient_is_not_shown_to_them_and_goes_with_them() {
    let world = World::new().await;
    let dialog = asked(&world, Some(KARI), "Tåler hun Testozin?").await;
    assert_eq!((dialog.status, dialog.messages[0].author.role), (Status::AwaitingOffice, AuthorRole::Clinician));
    let told = &world.providers.calls("open")[0].context;
    let colleague = told.colleague.as_ref().unwrap();
    assert_eq!(colleague.clinician.hpr_number, substitute().hpr_number);
    assert!(!colleague.citizen_takes_part && told.citizen.is_some());

    assert!(world.listed().await.is_empty() && world.feed().await.is_empty());
    let not_hers = world.desk.dialog(&world.kari(), &get(), dialog.id).await;
    assert_eq!(why(not_hers), "not-found no");
    assert!(read(&world, dialog.id).await.is_ok() && holding(&world, "Testozin").await > 0);

    world.desk.erase(&world.operator(), &post("/v1/erasures"), &KARI.parse().unwrap()).await.unwrap();
    assert_eq!(why(read(&world, dialog.id).await), "not-found no");
    assert_eq!((holding(&world, "Testozin").await, holding(&world, KARI).await), (0, 0));
}

#[tokio::test]
async fn a_question_about_nobody_tells_of_nobody_and_is_the_offices_alone() {
    let world = World::new().await;
    let dialog = asked(&world, None, "Hvordan gjør dere dette?").await;
    assert!(world.providers.calls("open")[0].context.citizen.is_none());
    assert!(dialog.between.unwrap().patient.is_none());

    let answer = world.desk.collegial_dialogs(&asker(&world), &get(), own(), CollegialFilter::default()).await;
    let listed = page::<CollegialSummary>(&answer.unwrap()).0;
    assert_eq!((listed.len(), listed[0].id, listed[0].about_patient), (1, dialog.id, false));

    // The office that is asked has it in its own solution, and a clinician of it is none of the asking office.
    let gp = world.clinician(gp().hpr_number);
    let of_other = world.desk.collegial_dialog(&gp, &get(), (office_id(), dialog.id)).await;
    assert_eq!(why(of_other), "not-found no");
    let at_other = world.desk.collegial_dialog(&gp, &get(), (own(), dialog.id)).await;
    assert_eq!(why(at_other), "not-permitted no");
    // Nobody can be brought into it.
    let party = NewCitizenParty { message: text("Hei"), history: false };
    let joined = world.desk.bring_citizen_in(&asker(&world), &post("/"), (own(), dialog.id), party).await;
    assert_eq!(why(joined), "conflict no");
}

#[tokio::test]
async fn a_patient_who_is_brought_in_reads_what_is_written_from_then_on_and_writes() {
    let world = World::new().await;
    let asked = asked(&world, Some(KARI), "Mellom oss to").await;
    let party = NewCitizenParty { message: text("Hei alle tre"), history: false };
    let answer = world.desk.bring_citizen_in(&asker(&world), &post("/"), (own(), asked.id), party).await.unwrap();
    assert_eq!(answer.status, 202);
    world.clock.forward(1);
    world.desk.run_due_work(world.now()).await.unwrap();
    assert!(world.providers.calls("send")[0].context.colleague.as_ref().unwrap().citizen_takes_part);

    let hers = world.read(asked.id).await;
    let said: Vec<_> = hers.messages.iter().map(|message| &*message.text).collect();
    assert_eq!(said, ["Hei alle tre"]);
    assert!(hers.between.is_none_or(|between| between.patient.is_none()));
    // That a clinician's message is sent is no news of a message of hers.
    assert_eq!(world.event_kinds().await, ["no.dialog.dialog.opened.v1", "no.dialog.dialog.updated.v1"]);

    let sent = world.desk.send(&world.kari(), &post("/"), asked.id, text("Takk")).await.unwrap();
    assert_eq!(sent.status, 201);
    assert!(world.providers.calls("send")[1].context.colleague.is_none());
    let whole = dialog(&read(&world, asked.id).await.unwrap());
    assert_eq!(whole.messages.len(), 3);
    assert_eq!(why(world.desk.close(&world.kari(), &post("/"), asked.id).await), "reply-not-allowed no");

    let closed = world.desk.close_with_colleague(&asker(&world), &post("/"), (own(), asked.id)).await.unwrap();
    assert!(matches!(dialog(&closed).status, Status::Closed { .. }));
}
