//! Events that come at once, with the answer to a call.

use dialog_contract::{
    appointment::Appointment,
    dialog::{Attachment, Dialog, MediaType},
    ids::AttachmentId,
    provider::{AppointmentChangeKind, CitizenIdentity, DialogStatus, Event, EventBody},
};
use dialog_core::ports::blobs::{BlobError, Blobs};
use jiff::ToSpan;

use crate::support::*;

async fn stored(world: &World) -> Attachment {
    let id = AttachmentId::new();
    let bytes = futures_util::stream::once(async { Ok(bytes::Bytes::from_static(b"%PDF")) });
    world.blobs.put(id.uuid(), Box::pin(bytes), 100).await.unwrap();
    Attachment { id, media_type: MediaType::Pdf, name: "answer.pdf".into(), size: 4, sha256: "0".repeat(64) }
}

fn said(id: &str, dialog: &str, file: &Attachment) -> Event {
    let message = dialog_contract::provider::OfficeMessage {
        attachments: vec![file.clone()],
        ..office_message(&format!("m-{id}"), "Answer.")
    };
    event(
        id,
        EventBody::Message { dialog: dialog.into(), message, status: DialogStatus::AwaitingCitizen, redirect: None },
    )
}

async fn sent(world: &World, opened: &Dialog, events: Vec<Event>) -> Dialog {
    world.sends(move || Ok(events));
    dialog(&world.desk.send(&world.kari(), &post("/"), opened.id, text("More.")).await.unwrap())
}

#[tokio::test]
async fn a_new_appointment_that_one_answer_tells_of_twice_has_one_id() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let start = world.now() + 24.hours();
    let told = |id: &str, kind, start| {
        let citizen = CitizenIdentity::NationalIdentityNumber(KARI.parse().unwrap());
        let (dialog, appointment, text) = (Some(reference(opened.id)), appointment("a", start), None);
        event(id, EventBody::Appointment { dialog, office: office_id(), kind, appointment, text, citizen })
    };
    let (booked, moved) = (AppointmentChangeKind::Booked, AppointmentChangeKind::Moved);
    sent(&world, &opened, vec![told("e1", booked, start), told("e2", moved, start + 1.hour())]).await;
    let feed = world.feed().await;
    let ids: Vec<_> = feed.iter().filter_map(|event| event.data.appointment).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1], "the same appointment");
    *world.providers.upcoming.lock().unwrap() = vec![appointment("a", start + 1.hour())];
    let listed = page::<Appointment>(&world.desk.appointments(&world.kari(), &get()).await.unwrap()).0;
    assert_eq!((listed.len(), listed[0].id, listed[0].start), (1, ids[0], start + 1.hour()));
}

#[tokio::test]
async fn the_files_of_an_event_that_is_not_taken_in_are_removed_and_those_of_others_stay() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let (kept, stray, again) = (stored(&world).await, stored(&world).await, stored(&world).await);
    let own = reference(opened.id);
    let events = vec![said("e1", &own, &kept), said("e2", "another", &stray), said("e1", &own, &again)];
    let answered = sent(&world, &opened, events).await;
    assert_eq!(answered.messages.len(), 3);
    for file in [&stray, &again] {
        assert!(matches!(world.blobs.open(file.id.uuid(), 0).await, Err(BlobError::NotFound)));
    }
    world.desk.download(&world.kari(), &get(), kept.id).await.unwrap();
}

#[tokio::test]
async fn a_file_that_a_message_has_already_is_not_taken_for_another() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let (file, own) = (stored(&world).await, reference(opened.id));
    let answered = sent(&world, &opened, vec![said("e1", &own, &file), said("e2", &own, &file)]).await;
    assert_eq!(answered.messages.iter().filter(|message| !message.attachments.is_empty()).count(), 1);
    // Nor later: the message that was sent is settled all the same.
    let answered = sent(&world, &opened, vec![said("e3", &own, &file)]).await;
    assert_eq!(answered.messages.iter().filter(|message| !message.attachments.is_empty()).count(), 1);
    world.desk.download(&world.kari(), &get(), file.id).await.unwrap();
}
