//! What the office offers.

use dialog_contract::{
    agreement::AgreedPrice,
    dialog::Clinician,
    practice::{Absence, Booking, OfferedService, Office, OpeningHours, Practice, Practitioner, WhyNot},
    provider::{Delivery, DialogStatus, EventBody, Failure, Interface, PracticeProfile},
    service::{Closing, EncounterMode, Locale, ProviderKind, Sent, Service},
};
use jiff::civil::date;

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

fn service(practice: &Practice, service: Service) -> &OfferedService {
    practice.services.iter().find(|offered| offered.service == service).unwrap()
}

async fn read(world: &World) -> Practice {
    let answer = world.desk.practice(&world.kari(), &get()).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn a_service_that_is_not_offered_says_why() {
    let world = World::new().await;
    world.agree(Service::Inquiry, |agreement| agreement.enabled = false);
    world.agree(Service::Certificate, |agreement| agreement.valid_until = Some(NOW.parse().unwrap()));
    world.agree(Service::SickNoteRenewal, |agreement| agreement.plugin = "elsewhere".parse().unwrap());
    world.directory.agreements.lock().unwrap().retain(|agreement| agreement.service != Service::Payment);
    let practice = read(&world).await;
    for (of, why) in [
        (Service::Inquiry, WhyNot::SwitchedOff),
        (Service::Certificate, WhyNot::NotNow),
        (Service::SickNoteRenewal, WhyNot::ProviderMissing),
        (Service::Payment, WhyNot::NotAgreed),
        (Service::Collegial, WhyNot::NotForCitizens),
    ] {
        assert_eq!(service(&practice, of).why_not, Some(why), "{of}");
    }
    assert_eq!(service(&practice, Service::Consultation).why_not, None);
}

#[tokio::test]
async fn a_service_says_what_it_costs_in_the_callers_language() {
    let world = World::new().await;
    world.agree(Service::Consultation, |agreement| {
        let price = AgreedPrice {
            amount: 17_900,
            tariff: Some("2ae".into()),
            nb: "Egenandel".into(),
            nn: "Eigendel".into(),
            en: "Fee".into(),
        };
        agreement.prices = vec![price];
    });
    for (locale, text) in [(Locale::Nb, "Egenandel"), (Locale::Nn, "Eigendel"), (Locale::En, "Fee")] {
        let asked = dialog_core::request::Request { locale, ..get() };
        let answer = world.desk.practice(&world.kari(), &asked).await.unwrap();
        let practice: Practice = serde_json::from_slice(&answer.body).unwrap();
        let [price] = &service(&practice, Service::Consultation).prices[..] else { panic!("one price") };
        assert_eq!((price.amount, price.tariff.as_deref(), price.text.as_str()), (17_900, Some("2ae"), text));
        assert!(service(&practice, Service::Inquiry).prices.is_empty());
    }
}

/// A profile that says something of everything.
fn profile() -> PracticeProfile {
    let told = |number: u32| Practitioner {
        clinician: Clinician { hpr_number: number.try_into().unwrap(), ..gp() },
        weekdays: vec![4],
        languages: vec!["nb".into(), "se".into()],
        absences: vec![
            Absence { from: date(2025, 7, 1), until: date(2025, 7, 31), substitute: None },
            Absence { from: date(2026, 1, 12), until: date(2026, 1, 16), substitute: Some(substitute()) },
        ],
        specialist: true,
    };
    PracticeProfile {
        telephone: Some("+4711111111".into()),
        address: Some("Fjellveien 4".into()),
        directions: Some("Bakgården".into()),
        website: None,
        hours: vec![OpeningHours { weekday: 1, opens: "09:00".into(), closes: "14:00".into() }],
        practitioners: vec![told(gp().hpr_number.get()), told(9_999_999)],
        modes: Vec::new(),
        payment: Some("Kort".into()),
        accessibility: Some("Heis".into()),
    }
}

fn tells(world: &World, act: impl FnOnce() -> Result<PracticeProfile, Failure> + Send + 'static) {
    world.providers.profiles.lock().unwrap().push_back(Box::new(act));
}

async fn world_that_tells() -> World {
    let world = World::new().await;
    world.exports(Interface::Practice);
    world
}

#[tokio::test]
async fn the_directory_says_who_an_office_is_and_the_provider_what_changes_from_day_to_day() {
    let world = world_that_tells().await;
    {
        let mut office = world.directory.office.lock().unwrap();
        office.telephone = Some("+4755010101".into());
        office.directions = Some("Utdatert".into());
        office.website = Some("https://fjellveien.example/".into());
        office.modes = vec![EncounterMode::InPerson];
    }
    tells(&world, || Ok(profile()));
    let Practice { information, away, general_practitioner, .. } = read(&world).await;
    assert_eq!(information.telephone.as_deref(), Some("+4755010101"), "the directory has it");
    assert_eq!(information.address.as_deref(), Some("Fjellveien 4"), "the directory has none");
    assert_eq!(information.directions.as_deref(), Some("Bakgården"));
    assert_eq!(information.website.as_deref(), Some("https://fjellveien.example/"));
    assert_eq!((information.hours.len(), &information.modes[..]), (1, &[EncounterMode::InPerson][..]));
    assert_eq!(information.accessibility.as_deref(), Some("Heis"));
    let [doctor] = &information.practitioners[..] else { panic!("a provider adds no clinician") };
    assert_eq!((&doctor.weekdays[..], &doctor.languages[..]), (&[4][..], &["nb".to_owned(), "se".to_owned()][..]));
    assert!(!doctor.specialist, "that is for the directory to say");
    let absences: Vec<_> = doctor.absences.iter().map(|absence| absence.from).collect();
    assert_eq!(absences, [date(2026, 1, 12), date(2026, 2, 2)], "of both, without what is over");
    assert_eq!(&general_practitioner, doctor);
    assert_eq!(away.and_then(|away| away.substitute), Some(substitute()));
    let told = information.told.unwrap();
    assert_eq!((told.provider.id, told.as_of, told.stale), (plugin(), world.now(), false));
    let office = world.desk.office(office_id(), &get()).await.unwrap();
    let office: Office = serde_json::from_slice(&office.body).unwrap();
    assert_eq!(
        (office.payment.as_deref(), office.told.is_some()),
        (Some("Kort"), true),
        "open to all, and not asked again"
    );
    assert_eq!(world.providers.calls("profile").len(), 1);
}

#[tokio::test]
async fn the_question_is_about_nobody_and_on_record() {
    let world = world_that_tells().await;
    read(&world).await;
    let [asked] = &world.providers.calls("profile")[..] else { panic!("one call") };
    assert!(asked.context.citizen.is_none() && asked.context.representative.is_none());
    assert_eq!(asked.context.settings["clinic"], "a");
    let records = world.log.records.lock().unwrap();
    let record = records.iter().find(|record| record.action == "practice.fetch").unwrap();
    assert!(record.citizen.is_none() && record.office == Some(office_id()));
    assert_eq!(record.call.as_ref().unwrap().function, "profile");
}

#[tokio::test]
async fn a_provider_that_is_down_costs_nobody_the_page_and_what_it_told_is_shown_as_old() {
    let world = world_that_tells().await;
    tells(&world, || Err(unavailable(Sent::No)));
    let first = read(&world).await;
    assert!(first.information.told.is_none() && first.information.practitioners.len() == 1, "the directory's alone");
    world.clock.forward(31);
    tells(&world, || Ok(profile()));
    let as_of = world.now();
    assert_eq!(read(&world).await.information.payment.as_deref(), Some("Kort"));
    world.clock.forward(601);
    tells(&world, || Err(faulty(Sent::No)));
    let told = read(&world).await.information.told.unwrap();
    assert_eq!((told.as_of, told.stale), (as_of, true));
    assert_eq!(world.providers.calls("profile").len(), 3);
}

#[tokio::test]
async fn a_provider_that_is_slow_is_waited_for_a_third_of_the_time_at_most_and_then_left_in_peace() {
    let world = world_that_tells().await;
    *world.providers.gate.lock().unwrap() = Some(std::sync::Arc::new(tokio::sync::Semaphore::new(0)));
    let begun = std::time::Instant::now();
    let deadline = begun + std::time::Duration::from_millis(1_500);
    let asked = dialog_core::request::Request { deadline, ..get() };
    let answer = world.desk.practice(&world.kari(), &asked).await.unwrap();
    assert!(std::time::Instant::now() < deadline);
    let practice: Practice = serde_json::from_slice(&answer.body).unwrap();
    assert!(practice.information.told.is_none());
    read(&world).await;
    assert_eq!(world.providers.calls("profile").len(), 1);
}

#[tokio::test]
async fn how_soon_the_office_answers_is_told_from_five_answers_on() {
    let world = World::new().await;
    for nth in 0..5 {
        let dialog = world.opened(consultation("x")).await;
        let time = async || service(&read(&world).await, Service::Consultation).answer_time;
        assert_eq!(time().await, None, "after {nth} answers");
        world.clock.forward(60 * 60);
        for (place, status) in
            [DialogStatus::AwaitingCitizen, DialogStatus::Closed(Closing::Answered)].into_iter().enumerate()
        {
            let body = EventBody::Message {
                dialog: reference(dialog.id),
                message: office_message(&format!("m-{nth}-{place}"), "Svar"),
                status,
                redirect: None,
            };
            let event = event(&format!("e-{nth}-{place}"), body);
            world.providers.deliveries.lock().unwrap().push_back(Box::new(move || Ok(vec![event])));
            let delivery = Delivery { id: None, path: "/".into(), headers: Vec::new(), body: Vec::new() };
            world.desk.receive(&plugin(), &post("/"), delivery).await.unwrap();
        }
    }
    let told = service(&read(&world).await, Service::Consultation).answer_time.unwrap();
    assert_eq!(told.answers, 5, "the first answer of each, and no other");
    assert!((54..=66).contains(&told.median_minutes), "{told:?}");
    assert_eq!(service(&read(&world).await, Service::Inquiry).answer_time, None);
    // What the store does not take now it takes with the next run, once.
    world.store.befall(1, Trouble::Silence);
    for _ in 0..3 {
        world.desk.run_due_work(world.now()).await.unwrap();
    }
    let restarted = world.restarted().await;
    let answer = restarted.practice(&world.kari(), &get()).await.unwrap();
    let practice: Practice = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(service(&practice, Service::Consultation).answer_time, Some(told), "also after a restart");
}
