//! Providers' forms, and answers to them.

use dialog_contract::{
    opening::{NewDialog, Request as Asked},
    provider::{Failure, Form, Interface},
    service::{ConsultationMode, Sent, Service},
};
use serde_json::{Value, json};

use crate::support::*;

fn form(version: &str) -> Form {
    let schema = json!({
        "type": "object",
        "required": ["form", "days"],
        "properties": { "form": { "const": version }, "days": { "type": "integer", "minimum": 0 } },
        "additionalProperties": false,
    });
    Form { service: Service::Consultation, title: "Før konsultasjonen".into(), schema }
}

fn tells(world: &World, act: impl FnOnce() -> Result<Vec<Form>, Failure> + Send + 'static) {
    world.providers.forms.lock().unwrap().push_back(Box::new(act));
}

fn asks(world: &World, version: &'static str) {
    tells(world, move || Ok(vec![form(version)]));
}

fn down(world: &World) {
    tells(world, || Err(unavailable(Sent::No)));
}

async fn world() -> World {
    let world = World::new().await;
    world.exports(Interface::Practice);
    world
}

fn consulting(form: Option<Value>) -> NewDialog {
    NewDialog { request: Asked::Consultation { mode: ConsultationMode::Text, form }, ..consultation("Det klør") }
}

fn answers(version: &str) -> Option<Value> {
    Some(json!({ "form": version, "days": 3 }))
}

fn certificate(form: Option<Value>) -> NewDialog {
    NewDialog {
        request: Asked::Certificate { purpose: "Førerkort".into(), form },
        ..consultation("Jeg trenger attest")
    }
}

async fn opens(world: &World, new: NewDialog) -> dialog_core::Outcome {
    world.desk.open(&world.kari(), &post("/v1/me/dialogs"), new).await
}

#[tokio::test]
async fn answers_that_fit_the_form_reach_the_provider_and_the_form_is_asked_for_once() {
    let world = world().await;
    asks(&world, "v4");
    for _ in 0..3 {
        world.opened(consulting(answers("v4"))).await;
    }
    assert_eq!((world.providers.calls("forms").len(), world.providers.calls("open").len()), (1, 3));
}

#[tokio::test]
async fn answers_that_do_not_fit_are_named_and_nothing_is_sent() {
    let world = world().await;
    asks(&world, "v4");
    let wrong = json!({ "form": "v4", "days": -1, "extra": true });
    let mut named = pointers(opens(&world, consulting(Some(wrong))).await);
    named.sort();
    assert_eq!(named, ["/request/form/days", "/request/form/extra"]);
    let missing = refused(opens(&world, consulting(None)).await);
    assert_eq!((missing.errors[0].pointer.as_str(), missing.sent), ("/request/form", Sent::No));
    assert!(missing.errors[0].detail.contains("Før konsultasjonen"), "{}", missing.errors[0].detail);
    assert!(world.providers.calls("open").is_empty() && world.listed().await.is_empty());
    let long = json!({ "form": "v4", "days": 3, "extra": "x".repeat(70_000) });
    assert_eq!(pointers(opens(&world, consulting(Some(long))).await), ["/request/form"]);
}

#[tokio::test]
async fn answers_to_a_form_that_nobody_has_are_refused() {
    let world = World::new().await;
    assert_eq!(pointers(opens(&world, consulting(answers("v4"))).await), ["/request/form"]);
    assert_eq!(pointers(opens(&world, certificate(answers("v4"))).await), ["/request/form"]);
    world.exports(Interface::Practice);
    assert_eq!(pointers(opens(&world, consulting(answers("v4"))).await), ["/request/form"]);
    world.opened(consulting(None)).await;
    assert_eq!(world.providers.calls("open").len(), 1);
}

#[tokio::test]
async fn a_certificate_without_answers_is_the_providers_to_judge() {
    let world = world().await;
    tells(&world, || Ok(vec![Form { service: Service::Certificate, ..form("v1") }]));
    world.opened(certificate(None)).await;
    assert_eq!(pointers(opens(&world, certificate(Some(json!({ "form": "v1" })))).await), ["/request/form/days"]);
}

#[tokio::test]
async fn a_form_that_has_changed_is_asked_for_before_answers_are_refused() {
    let world = world().await;
    asks(&world, "v4");
    world.opened(consulting(answers("v4"))).await;
    world.clock.forward(31);
    asks(&world, "v5");
    world.opened(consulting(answers("v5"))).await;
    assert_eq!(pointers(opens(&world, consulting(answers("v4"))).await), ["/request/form/form"]);
    assert_eq!(world.providers.calls("forms").len(), 2);
}

#[tokio::test]
async fn while_the_provider_is_down_the_form_that_it_last_told_counts() {
    let world = world().await;
    asks(&world, "v4");
    world.opened(consulting(answers("v4"))).await;
    world.clock.forward(3_600);
    down(&world);
    world.opens(|| Err(unavailable(Sent::No)));
    let queued = opens(&world, consulting(answers("v4"))).await.unwrap();
    assert_eq!(queued.status, 202);
    assert_eq!(pointers(opens(&world, consulting(answers("v3"))).await), ["/request/form/form"]);
    assert_eq!(pointers(opens(&world, consulting(None)).await), ["/request/form"]);
}

#[tokio::test]
async fn where_no_form_is_known_and_the_provider_is_down_the_request_waits_and_is_the_providers_to_refuse() {
    let world = world().await;
    down(&world);
    world.opens(|| Err(unavailable(Sent::No)));
    let queued = opens(&world, consulting(None)).await.unwrap();
    assert_eq!(queued.status, 202);
    let dialog = dialog(&queued);
    world.clock.forward(60);
    world.opens(|| Err(Failure::Declined(reason("Skjemaet mangler."))));
    world.desk.run_due_work(world.now()).await.unwrap();
    let read = world.read(dialog.id).await;
    assert_eq!(read.status.name().as_str(), "closed");
    assert!(activities(&read).contains(&"not-sent".to_owned()), "{:?}", activities(&read));
}
