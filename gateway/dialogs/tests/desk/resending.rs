//! What was sent as the wrong service is sent again as the right one, in one step and once.

use dialog_contract::{
    dialog::Dialog,
    ids::DialogId,
    opening::{NewDialog, Request as Asked},
    provider::{DialogStatus, EventBody, Failure},
    service::{Closing, ConsultationMode, Sent, Service},
};

use crate::{
    attachments::{uploaded, with},
    support::*,
};

/// The office closes what is opened next, and names this service.
fn redirects(world: &World, to: Option<Service>) {
    let providers = std::sync::Arc::clone(&world.providers);
    let before = world.providers.calls("open").len();
    world.opens(move || {
        let dialog = format!("ref-{}", providers.calls("open")[before].key);
        let message = office_message("m1", "Please send an e-consultation instead.");
        let status = DialogStatus::Closed(Closing::Redirected);
        Ok(vec![event("e1", EventBody::Message { dialog, message, status, redirect: to })])
    });
}

fn again(earlier: DialogId) -> NewDialog {
    let request = Asked::Consultation { mode: ConsultationMode::Image, form: None };
    NewDialog { request, message: None, continues: Some(earlier), provider: None }
}

/// A question with a picture, sent as a contact.
async fn wrong(world: &World) -> Dialog {
    world.agree(Service::Inquiry, |agreement| agreement.attachments.clear());
    let picture = uploaded(world).await;
    redirects(world, Some(Service::Consultation));
    world.opened(NewDialog { message: Some(with(&[picture.id])), ..inquiry("x") }).await
}

#[tokio::test]
async fn it_is_sent_again_with_its_text_and_files_and_the_two_name_each_other() {
    let world = World::new().await;
    let wrong = wrong(&world).await;
    let right = world.opened(again(wrong.id)).await;
    assert_eq!((right.service, right.continues), (Service::Consultation, Some(wrong.id)));
    assert_eq!(right.messages[0].text, wrong.messages[0].text);
    assert_eq!(right.messages[0].attachments, wrong.messages[0].attachments);
    let wrong = world.read(wrong.id).await;
    assert_eq!(wrong.continued_as, Some(right.id));
    assert_eq!(wrong.messages[0].attachments.len(), 1, "what was written there stays");
    let file = right.messages[0].attachments[0].id;
    assert!(world.desk.download(&world.kari(), &get(), file).await.is_ok());
    assert_eq!(world.listed().await.len(), 2);
}

#[tokio::test]
async fn it_is_sent_again_once_whatever_key_it_is_asked_with() {
    let world = World::new().await;
    let wrong = wrong(&world).await;
    let right = world.opened(again(wrong.id)).await;
    let outcome = world.desk.open(&world.kari(), &post("/"), again(wrong.id)).await;
    assert_eq!(why(outcome), "conflict no");
    assert_eq!(world.providers.calls("open").len(), 2, "the office is asked once");
    assert_eq!(world.read(wrong.id).await.continued_as, Some(right.id));
}

#[tokio::test]
async fn the_citizen_may_write_something_else_and_keep_the_files() {
    let world = World::new().await;
    let wrong = wrong(&world).await;
    let file = wrong.messages[0].attachments[0].id;
    let message = dialog_contract::opening::NewMessage { text: "It has spread.".into(), ..with(&[file]) };
    let right = world.opened(NewDialog { message: Some(message), ..again(wrong.id) }).await;
    assert_eq!((&*right.messages[0].text, right.messages[0].attachments.len()), ("It has spread.", 1));
}

#[tokio::test]
async fn what_the_office_did_not_send_on_to_this_service_is_not_sent_again() {
    let world = World::new().await;
    let open = world.opened(inquiry("When do you open?")).await;
    let refused = async |new| why(world.desk.open(&world.kari(), &post("/"), new).await);
    assert_eq!(refused(again(open.id)).await, "conflict no");
    redirects(&world, Some(Service::Certificate));
    let elsewhere = world.opened(inquiry("I need a certificate.")).await;
    assert_eq!(refused(again(elsewhere.id)).await, "conflict no");
    assert_eq!(refused(again(DialogId::new())).await, "not-found no");
    let stranger = world.citizen("02917130593");
    let wrong = wrong(&world).await;
    assert_eq!(why(world.desk.open(&stranger, &post("/"), again(wrong.id)).await), "not-found no");
    assert_eq!(world.providers.calls("open").len(), 3, "nothing more reached the provider");
}

#[tokio::test]
async fn a_no_of_the_provider_leaves_it_to_be_sent_again_with_its_files() {
    let world = World::new().await;
    let wrong = wrong(&world).await;
    world.opens(|| Err(Failure::Declined(reason("Not today."))));
    assert_eq!(why(world.desk.open(&world.kari(), &post("/"), again(wrong.id)).await), "declined no");
    assert_eq!(world.read(wrong.id).await.continued_as, None);
    assert_eq!(world.listed().await.len(), 1);
    // Its file is still part of what was written there, and not free for anything else.
    let file = wrong.messages[0].attachments[0].id;
    let elsewhere = NewDialog { message: Some(with(&[file])), ..consultation("x") };
    assert_eq!(pointers(world.desk.open(&world.kari(), &post("/"), elsewhere).await), ["/message/attachments/0"]);
    let right = world.opened(again(wrong.id)).await;
    assert_eq!(right.messages[0].attachments, wrong.messages[0].attachments);
    assert_eq!(world.read(wrong.id).await.continued_as, Some(right.id));
}

#[tokio::test]
async fn while_the_provider_is_away_it_waits_and_is_not_sent_twice() {
    let world = World::new().await;
    let wrong = wrong(&world).await;
    world.opens(|| Err(unavailable(Sent::No)));
    let answer = world.desk.open(&world.kari(), &post("/"), again(wrong.id)).await.unwrap();
    assert_eq!(answer.status, 202);
    assert_eq!(world.read(wrong.id).await.continued_as, Some(dialog(&answer).id));
    assert_eq!(why(world.desk.open(&world.kari(), &post("/"), again(wrong.id)).await), "conflict no");
}

#[tokio::test]
async fn what_is_too_long_for_one_message_is_said_before_anything_is_sent() {
    let world = World::new().await;
    let long = "å".repeat(8_000);
    let first = world.opened(inquiry(&long)).await;
    world.desk.send(&world.kari(), &post("/"), first.id, text("And more.")).await.unwrap();
    let providers = std::sync::Arc::clone(&world.providers);
    world.sends(move || {
        let dialog = format!("ref-{}", providers.calls("open")[0].key);
        let (status, redirect) = (DialogStatus::Closed(Closing::Redirected), Some(Service::Consultation));
        let message = office_message("m1", "Please send an e-consultation instead.");
        Ok(vec![event("e1", EventBody::Message { dialog, message, status, redirect })])
    });
    world.desk.send(&world.kari(), &post("/"), first.id, text("And this.")).await.unwrap();
    let request = Asked::Consultation { mode: ConsultationMode::Text, form: None };
    let new = NewDialog { request, message: None, continues: Some(first.id), provider: None };
    assert_eq!(pointers(world.desk.open(&world.kari(), &post("/"), new).await), ["/message"]);
    assert_eq!(world.read(first.id).await.continued_as, None);
}
