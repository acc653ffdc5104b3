//! Guidance before sending.

use dialog_contract::{
    guidance::{Follows, Guidance, GuidanceQuestion},
    practice::WhyNot,
    provider::{Form, Interface},
    service::{Locale, Sent, Service},
};
use dialog_core::request::Request;
use serde_json::json;

use crate::support::*;

async fn guidance(world: &World, service: Service, locale: Locale) -> Guidance {
    let answer = world.desk.guidance(&world.kari(), &Request { locale, ..get() }, service, None).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

fn follows(questions: &[GuidanceQuestion], question: &str, choice: &str) -> Follows {
    let question = questions.iter().find(|one| one.id == question).unwrap();
    question.choices.iter().find(|one| one.id == choice).unwrap().then.clone()
}

#[tokio::test]
async fn emergency_numbers_come_first_and_every_text_is_in_the_callers_language() {
    let world = World::new().await;
    let mut said = Vec::new();
    for locale in Locale::ALL {
        let guidance = guidance(&world, Service::Consultation, *locale).await;
        let numbers: Vec<&str> = guidance.emergency.iter().map(|number| number.telephone.as_str()).collect();
        assert_eq!(numbers, ["113", "116117"]);
        assert_eq!((guidance.suits.len(), guidance.does_not_suit.len()), (6, 8));
        said.push(guidance.about);
    }
    said.dedup();
    assert_eq!(said.len(), 3);
}

#[tokio::test]
async fn each_choice_says_what_follows_for_this_office() {
    let world = World::new().await;
    world.directory.office.lock().unwrap().telephone = Some("+4755010101".into());
    world.agree(Service::SickNoteRenewal, |agreement| agreement.enabled = false);
    let Guidance { questions, offered, .. } = guidance(&world, Service::Consultation, Locale::En).await;
    assert!(offered.available && offered.answered_within_working_days == Some(5));
    let telephone = |then| match then {
        Follows::Call { telephone, .. } => telephone,
        other => panic!("{other:?}"),
    };
    assert_eq!(telephone(follows(&questions, "urgent", "life")).as_deref(), Some("113"));
    assert_eq!(telephone(follows(&questions, "urgent", "today")).as_deref(), Some("+4755010101"));
    assert_eq!(follows(&questions, "urgent", "no"), Follows::GoOn {});
    let offered = |then| match then {
        Follows::UseService { service, available, .. } => (service, available),
        other => panic!("{other:?}"),
    };
    assert_eq!(offered(follows(&questions, "known", "no")), (Service::Appointment, true));
    assert_eq!(offered(follows(&questions, "purpose", "sick-note")), (Service::SickNoteRenewal, false));
}

#[tokio::test]
async fn the_providers_form_is_shown_or_said_to_be_unknown() {
    let world = World::new().await;
    let none = guidance(&world, Service::Consultation, Locale::Nb).await;
    assert!(none.form.is_none() && !none.form_unknown);
    world.exports(Interface::Practice);
    world.providers.forms.lock().unwrap().push_back(Box::new(|| Err(unavailable(Sent::No))));
    let unknown = guidance(&world, Service::Consultation, Locale::Nb).await;
    assert!(unknown.form.is_none() && unknown.form_unknown);
    world.clock.forward(31);
    let schema = json!({ "type": "object", "required": ["days"] });
    let (of, other) =
        (schema.clone(), Form { service: Service::Certificate, title: "Attest".into(), schema: json!({}) });
    let form = Form { service: Service::Consultation, title: "Før konsultasjonen".into(), schema: of };
    world.providers.forms.lock().unwrap().push_back(Box::new(move || Ok(vec![other, form])));
    let shown = guidance(&world, Service::Consultation, Locale::Nb).await.form.unwrap();
    assert_eq!((shown.title.as_str(), shown.schema, shown.required), ("Før konsultasjonen", schema, true));
    assert_eq!((shown.as_of, shown.stale), (world.now(), false));
    assert!(world.providers.calls("forms")[0].context.citizen.is_none());
}

#[tokio::test]
async fn what_the_office_does_not_offer_has_guidance_and_what_is_for_clinicians_has_none() {
    let world = World::new().await;
    world.agree(Service::Certificate, |agreement| agreement.enabled = false);
    let guidance = guidance(&world, Service::Certificate, Locale::Nb).await;
    assert_eq!((guidance.offered.available, guidance.offered.why_not), (false, Some(WhyNot::SwitchedOff)));
    assert!(!guidance.suits.is_empty());
    let outcome = world.desk.guidance(&world.kari(), &get(), Service::Collegial, None).await;
    assert_eq!(why(outcome), "service-not-offered no");
    assert_eq!(world.log.last().action, "guidance.read");
}
