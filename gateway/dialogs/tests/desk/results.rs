//! Results of tests: a dialog that the office opens, with what was found as data.

use dialog_contract::{
    dialog::{Dialog, Status},
    observation::{Interpretation, Observation},
    provider::{CitizenIdentity, Event, EventBody},
    schema::{Resource, validate},
    service::{Closing, Locale, Service},
};

use crate::{
    inbound::{old, settled},
    support::*,
};

fn ferritin() -> Observation {
    Observation {
        name: "Ferritin".into(),
        code: Some("NPU19763".into()),
        value: "12".into(),
        unit: Some("µg/L".into()),
        reference_range: Some("15–200".into()),
        interpretation: Some(Interpretation::Low),
        taken: NOW.parse().unwrap(),
        comment: Some("Tas på nytt om tre måneder.".into()),
    }
}

pub(crate) fn results(id: &str, number: &str, reply_allowed: bool) -> Event {
    let (dialog, citizen) = (format!("lab-{id}"), CitizenIdentity::NationalIdentityNumber(number.parse().unwrap()));
    let (office, message) = (office_id(), office_message(&format!("m-{id}"), "Jernlageret er lavt."));
    let observations = vec![ferritin()];
    old(id, EventBody::Results { dialog, office, citizen, message, observations, reply_allowed })
}

async fn only(world: &World) -> Dialog {
    let listed = world.listed().await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed.into_iter().next().unwrap()
}

#[tokio::test]
async fn results_become_a_dialog_with_the_words_and_the_findings_once() {
    let world = World::new().await;
    assert_eq!(settled(&world, vec![results("r1", KARI, false)]).await, ["r1 accepted"]);
    assert_eq!(settled(&world, vec![results("r1", KARI, false)]).await, ["r1 duplicate"]);
    let told = only(&world).await;
    assert_eq!((told.service, told.unopened, told.reply_allowed), (Service::TestResults, 1, false));
    assert_eq!(told.status, Status::Closed { outcome: Closing::Answered, redirect_to: None });
    assert_eq!(told.results, [ferritin()]);
    assert_eq!(told.messages[0].text, "Jernlageret er lavt.");
    validate(Resource::Dialog, &serde_json::to_value(&told).unwrap(), Locale::En).unwrap();
}

#[tokio::test]
async fn what_the_portal_is_told_of_results_holds_nothing_of_them() {
    let world = World::new().await;
    settled(&world, vec![results("r1", KARI, false)]).await;
    let feed = serde_json::to_string(&world.feed().await).unwrap();
    assert!(feed.contains("\"test-results\"") && feed.contains("no.dialog.dialog.opened.v1"), "{feed}");
    let records = serde_json::to_string(&*world.log.records.lock().unwrap()).unwrap();
    for content in ["Ferritin", "NPU19763", "Jernlageret", "15–200"] {
        assert!(!feed.contains(content) && !records.contains(content), "{content}");
    }
}

#[tokio::test]
async fn results_are_one_way_unless_the_citizens_own_office_says_otherwise() {
    let world = World::new().await;
    assert_eq!(settled(&world, vec![results("r1", KARI, true)]).await, ["r1 accepted"]);
    let told = only(&world).await;
    assert!(told.reply_allowed && told.status == Status::AwaitingCitizen);
    world.desk.send(&world.kari(), &post("/"), told.id, text("Hva betyr det?")).await.unwrap();
    world.directory.agreements.lock().unwrap().retain(|agreement| agreement.service != Service::TestResults);
    assert_eq!(settled(&world, vec![results("r2", KARI, true)]).await, ["r2 no-agreement"]);
    assert_eq!(settled(&world, vec![results("r3", KARI, false)]).await, ["r3 accepted"]);
}

#[tokio::test]
async fn results_of_an_erased_citizen_are_gone() {
    let world = World::new().await;
    settled(&world, vec![results("r1", KARI, false)]).await;
    world.desk.erase(&world.operator(), &post("/"), &KARI.parse().unwrap()).await.unwrap();
    assert!(world.listed().await.is_empty());
}
