//! What the office offers.

use dialog_contract::{
    practice::{Booking, Office, Practice},
    service::{ProviderKind, Service},
};

use crate::support::*;

#[tokio::test]
async fn every_service_is_listed_with_who_provides_it_or_that_nobody_does() {
    let world = World::new().await;
    world.agree(Service::Inquiry, |agreement| agreement.enabled = false);
    let answer = world.desk.practice(&world.kari(), &get()).await.unwrap();
    let practice: Practice = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(practice.services.iter().map(|offered| offered.service).collect::<Vec<_>>(), Service::ALL);
    let of = |service| practice.services.iter().find(|offered| offered.service == service).unwrap();
    let consultation = of(Service::Consultation);
    assert_eq!((consultation.answered_within_working_days, consultation.modes.len()), (Some(5), 3));
    assert_eq!(consultation.provider.as_ref().unwrap().kind, ProviderKind::Public);
    assert_eq!(of(Service::Appointment).booking, Some(Booking::Direct));
    assert!(!of(Service::Inquiry).available && of(Service::Inquiry).provider.is_none());
    assert!(!of(Service::Collegial).available, "citizens do not write as clinicians");
    assert_eq!(practice.general_practitioner.languages, ["nb"]);
    assert!(!practice.citizen.is_empty() && !practice.citizen.contains(KARI));
}

#[tokio::test]
async fn an_office_is_open_to_all_and_others_are_not_found() {
    let world = World::new().await;
    let answer = world.desk.office(office_id(), &get()).await.unwrap();
    let office: Office = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((office.name.as_str(), office.services.len()), ("Fjellveien legesenter", 9));
    assert_eq!(why(world.desk.office(1.try_into().unwrap(), &get()).await), "not-found no");
}

#[tokio::test]
async fn prescriptions_are_listed_where_the_solution_can() {
    let world = World::new().await;
    assert_eq!(world.desk.prescriptions(&world.kari(), &get()).await.unwrap().status, 200);
    world
        .providers
        .installed
        .lock()
        .unwrap()
        .get_mut(&plugin())
        .unwrap()
        .exports
        .retain(|interface| *interface != dialog_contract::provider::Interface::Prescriptions);
    let outcome = refused(world.desk.prescriptions(&world.kari(), &get()).await);
    assert_eq!(outcome.problem.name(), "service-not-offered");
    assert!(outcome.detail.contains("You can still ask"), "{}", outcome.detail);
}

#[tokio::test]
async fn texts_are_in_the_citizens_language() {
    use dialog_contract::service::Locale;
    let world = World::new().await;
    let stranger = world.citizen("23869247251");
    for (locale, words) in [(Locale::Nb, "Du står ikke"), (Locale::Nn, "Du står ikkje"), (Locale::En, "You are not")]
    {
        let mut asked = get();
        asked.locale = locale;
        let outcome = refused(world.desk.practice(&stranger, &asked).await);
        assert!(outcome.detail.starts_with(words), "{}", outcome.detail);
    }
}

#[tokio::test]
async fn an_office_that_did_not_choose_how_to_consult_writes() {
    use dialog_contract::service::ConsultationMode;
    let world = World::new().await;
    world.agree(Service::Consultation, |agreement| agreement.modes.clear());
    let answer = world.desk.practice(&world.kari(), &get()).await.unwrap();
    let practice: Practice = serde_json::from_slice(&answer.body).unwrap();
    let consultation = practice.services.iter().find(|offered| offered.service == Service::Consultation).unwrap();
    assert_eq!(consultation.modes, [ConsultationMode::Text]);
    world.opened(crate::support::consultation("x")).await;
}
