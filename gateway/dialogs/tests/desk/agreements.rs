//! What offices agreed, changed while everything runs.

use dialog_contract::{
    agreement::{
        AgreedPrice, ClinicianAbsences, Fallback, Leave, NewAbsences, NewOfficeChoice, NewTerms, OfficeChoice,
        OfficeChoices, OfficeTerms, OverdueAnswers, ServiceTerms, Terms, TermsSource,
    },
    appointment::{Appointment, NewBooking, NewCancellation, SlotQuery},
    dialog::{ActivityKind, Dialog, Status},
    guidance::Guidance,
    handover::{ExportedDialog, HandedOver, NewHandover},
    ids::PluginId,
    opening::NewDialog,
    payment::Invoice,
    practice::{Booking, Practice, WhyNot},
    provider::{EventBody, Interface},
    service::{ConsultationMode, Sent, Service},
};
use dialog_core::{
    permit::{OFFICE_SCOPE, OfficeStaff, Permitted, Verified},
    ports::{directory::Agreement, providers::Installed},
    request::Request,
};
use jiff::{ToSpan as _, civil::date};
use serde_json::json;

use crate::support::*;

fn other() -> PluginId {
    "helserespons".parse().unwrap()
}

/// Another provider is installed beside the office's.
fn installed(world: &World) {
    let mut all = world.providers.installed.lock().unwrap();
    let settings_schema = json!({
        "type": "object", "properties": { "clinic": { "type": "string", "maxLength": 5 } }, "required": ["clinic"],
    });
    let another = Installed { id: other(), settings_schema, ..all[&plugin()].clone() };
    all.insert(other(), another);
}

fn terms(plugin: PluginId) -> Terms {
    Terms {
        plugin,
        enabled: true,
        booking: None,
        modes: Vec::new(),
        attachments: Vec::new(),
        own_notices: Vec::new(),
        settings: json!({ "clinic": "b" }),
        valid_from: None,
        offered_until: None,
        valid_until: None,
        fallback: None,
        prices: Vec::new(),
    }
}

fn because(terms: Vec<Terms>) -> NewTerms {
    NewTerms { terms, reason: "The office moves.".into() }
}

fn seen(revision: u64) -> Request {
    Request { if_match: Some(revision), ..get() }
}

async fn change(world: &World, service: Service, terms: Vec<Terms>) -> ServiceTerms {
    let answer = world.desk.change_terms(&world.operator(), &get(), office_id(), service, because(terms)).await;
    let answer = answer.unwrap();
    let held: ServiceTerms = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.etag, Some(held.revision));
    held
}

/// Nothing new with the first from now on, all of it with the second.
async fn switched(world: &World) {
    let (from, to) = (plugin(), other());
    let old = Terms { offered_until: Some(world.now()), settings: json!({ "clinic": "a" }), ..terms(from) };
    let new = Terms { valid_from: Some(world.now()), ..terms(to) };
    change(world, Service::Inquiry, vec![old, new]).await;
}

fn staff(world: &World, organisation: &str) -> Permitted<OfficeStaff> {
    let verified = Verified {
        issuer: "https://helseid.test".into(),
        client: "journal".into(),
        level: 4,
        scopes: vec![OFFICE_SCOPE.into()],
        expires: world.now().checked_add(1.hour()).unwrap(),
    };
    let staff = OfficeStaff { person: OLA.parse().unwrap(), organisation: organisation.parse().unwrap() };
    Permitted::<OfficeStaff>::grant(verified, staff, world.now()).unwrap()
}

fn own(world: &World) -> Permitted<OfficeStaff> {
    staff(world, "310001015")
}

const fn choice(enabled: bool) -> NewOfficeChoice {
    NewOfficeChoice { enabled, booking: None, modes: None }
}

async fn practice(world: &World) -> Practice {
    serde_json::from_slice(&world.desk.practice(&world.kari(), &get()).await.unwrap().body).unwrap()
}

#[tokio::test]
async fn a_change_holds_from_the_next_request_on_and_is_on_record_with_who_why_and_both_digests() {
    let world = World::new().await;
    installed(&world);
    let held = change(&world, Service::Inquiry, vec![terms(other())]).await;
    assert_eq!((held.source, held.revision, held.file_changed), (TermsSource::Store, 1, false));
    let opened = world.opened(inquiry("When do you open?")).await;
    assert_eq!(opened.provider.id, other());
    assert_eq!(world.providers.calls("open")[0].context.settings, json!({ "clinic": "b" }));
    let records = world.log.records.lock().unwrap();
    let record = records.iter().find(|record| record.action == "agreements.change").unwrap();
    assert_eq!(record.details["reason"], "The office moves.");
    assert!(record.details["before"].len() == 64 && record.details["before"] != record.details["after"]);
    assert_eq!((record.office, record.service), (Some(office_id()), Some(Service::Inquiry)));
}

#[tokio::test]
async fn the_directory_holds_again_when_a_change_is_taken_back_and_an_old_revision_is_refused() {
    let world = World::new().await;
    installed(&world);
    change(&world, Service::Inquiry, vec![]).await;
    let outcome = world.desk.open(&world.kari(), &post("/"), inquiry("x")).await;
    assert_eq!(why(outcome), "service-not-offered no");
    let reset = async |request: Request| {
        world.desk.reset_terms(&world.operator(), &request, office_id(), Service::Inquiry).await
    };
    assert_eq!(why(reset(seen(7)).await), "precondition-failed no");
    let held: ServiceTerms = serde_json::from_slice(&reset(seen(1)).await.unwrap().body).unwrap();
    assert_eq!((held.source, held.revision, held.terms.len()), (TermsSource::File, 2, 1));
    world.opened(inquiry("x")).await;
    // The revision goes on: whoever saw the first change does not overwrite the next.
    let answer =
        world.desk.change_terms(&world.operator(), &seen(1), office_id(), Service::Inquiry, because(vec![])).await;
    assert_eq!(why(answer), "precondition-failed no");
}

#[tokio::test]
async fn what_the_directory_says_anew_of_a_changed_service_is_named_and_does_not_hold() {
    let world = World::new().await;
    installed(&world);
    change(&world, Service::Inquiry, vec![terms(other())]).await;
    assert!(world.desk.overtaken_agreements().await.unwrap().is_empty());
    world.agree(Service::Inquiry, |agreement| agreement.enabled = false);
    assert_eq!(world.desk.overtaken_agreements().await.unwrap(), [(office_id(), Service::Inquiry)]);
    let answer = world.desk.terms(&world.operator(), &get(), office_id()).await.unwrap();
    let all: OfficeTerms = serde_json::from_slice(&answer.body).unwrap();
    let named: Vec<Service> = all.items.iter().filter(|one| one.file_changed).map(|one| one.service).collect();
    assert_eq!(named, [Service::Inquiry]);
    assert_eq!(world.opened(inquiry("x")).await.provider.id, other());
}

#[tokio::test]
async fn what_a_service_costs_is_agreed_with_the_rest_and_shown_to_citizens() {
    let world = World::new().await;
    installed(&world);
    let line = |text: &str| text.to_owned();
    let price = AgreedPrice {
        amount: 17_900,
        tariff: Some(line("2ae")),
        nb: line("Egenandel"),
        nn: line("Eigendel"),
        en: line("Share to pay"),
    };
    let held = change(&world, Service::Inquiry, vec![Terms { prices: vec![price.clone()], ..terms(other()) }]).await;
    assert_eq!(held.terms[0].prices, [price]);
    let offered = practice(&world).await.services;
    let [shown] = &offered.iter().find(|one| one.service == Service::Inquiry).unwrap().prices[..] else {
        panic!("one price")
    };
    assert_eq!((shown.amount, shown.text.as_str()), (17_900, "Share to pay"));
}

#[tokio::test]
async fn a_service_by_which_nothing_new_is_begun_is_not_offered_now_and_was_not_switched_off() {
    let world = World::new().await;
    let ending = Terms { offered_until: Some(world.now()), settings: json!({ "clinic": "a" }), ..terms(plugin()) };
    change(&world, Service::Inquiry, vec![ending]).await;
    let offered = practice(&world).await.services;
    let shown = offered.iter().find(|one| one.service == Service::Inquiry).unwrap();
    assert_eq!((shown.available, shown.why_not), (false, Some(WhyNot::NotNow)));
}

#[tokio::test]
async fn what_cannot_hold_is_refused_field_by_field() {
    let world = World::new().await;
    installed(&world);
    let refused = async |service, new: NewTerms| {
        pointers(world.desk.change_terms(&world.operator(), &get(), office_id(), service, new).await)
    };
    let (now, later) = (world.now(), world.now().checked_add(1.hour()).unwrap());
    let inquiry = async |terms: Vec<Terms>| refused(Service::Inquiry, because(terms)).await;
    assert_eq!(inquiry(vec![terms("nobody".parse().unwrap())]).await, ["/terms/0/plugin"]);
    let settings = Terms { settings: json!({ "clinic": "too long" }), ..terms(other()) };
    assert_eq!(inquiry(vec![settings]).await, ["/terms/0/settings/clinic"]);
    assert_eq!(inquiry(vec![terms(other()), terms(other())]).await, ["/terms/1/validFrom"]);
    let ends = Terms { valid_from: Some(later), valid_until: Some(now), ..terms(other()) };
    assert_eq!(inquiry(vec![ends]).await, ["/terms/0/validUntil"]);
    let booking = Terms { booking: Some(Booking::Direct), ..terms(other()) };
    assert_eq!(inquiry(vec![booking]).await, ["/terms/0/booking"]);
    let fallback = Some(Fallback { plugin: other(), settings: json!({}) });
    assert_eq!(inquiry(vec![Terms { fallback, ..terms(other()) }]).await, ["/terms/0/fallback/plugin"]);
    let fallback = Some(Fallback { plugin: other(), settings: json!({}) });
    assert_eq!(inquiry(vec![Terms { fallback, ..terms(plugin()) }]).await, ["/terms/0/fallback/settings/clinic"]);
    let named = NewTerms { terms: Vec::new(), reason: "Asked for by 148385 41241".into() };
    assert_eq!(refused(Service::Inquiry, named).await, ["/reason"]);
    assert_eq!(refused(Service::Appointment, because(vec![terms(other())])).await, ["/terms/0/booking"]);
    world.providers.installed.lock().unwrap().get_mut(&other()).unwrap().exports = vec![Interface::Dialogs];
    let booking = Terms { booking: Some(Booking::Direct), ..terms(other()) };
    assert_eq!(refused(Service::Appointment, because(vec![booking])).await, ["/terms/0/plugin"]);
    let outcome = world.desk.terms(&world.operator(), &get(), 5.try_into().unwrap()).await;
    assert_eq!(why(outcome), "not-found no");
}

#[tokio::test]
async fn an_office_switches_vendor_without_a_gap() {
    let world = World::new().await;
    installed(&world);
    let open = world.opened(inquiry("Before.")).await;
    switched(&world).await;
    let new = world.opened(inquiry("After.")).await;
    assert_eq!((&open.provider.id, &new.provider.id), (&plugin(), &other()));
    // What is open stays where it is, both ways.
    world.desk.send(&world.kari(), &post("/"), open.id, text("And more.")).await.unwrap();
    assert_eq!(world.providers.calls("send")[0].context.settings, json!({ "clinic": "a" }));
    let told = event(
        "e1",
        EventBody::Message {
            dialog: reference(open.id),
            message: office_message("m1", "Yes."),
            status: dialog_contract::provider::DialogStatus::AwaitingCitizen,
            redirect: None,
        },
    );
    assert_eq!(crate::inbound::settled(&world, vec![told]).await, ["e1 accepted"]);
    assert_eq!(world.providers.served.lock().unwrap().len(), 1, "the old provider is still asked for the office");
    *world.providers.feed.lock().unwrap() = None;
    world.desk.poll(&other()).await.unwrap();
    assert_eq!(world.providers.served.lock().unwrap().len(), 1, "and so is the new one");
    assert_eq!(world.read(open.id).await.messages.last().unwrap().text, "Yes.");
    let listed: Vec<PluginId> = world.listed().await.into_iter().map(|dialog| dialog.provider.id).collect();
    assert_eq!(listed, [plugin(), other()], "one list");
}

#[tokio::test]
async fn an_office_switches_a_service_off_and_on_and_no_other_office_does() {
    let world = World::new().await;
    let switch = async |who: &Permitted<OfficeStaff>, enabled| {
        world.desk.choose_for_office(who, &get(), office_id(), Service::Inquiry, choice(enabled)).await
    };
    assert_eq!(why(switch(&staff(&world, "310001023"), false).await), "not-found no");
    let off: OfficeChoice = serde_json::from_slice(&switch(&own(&world), false).await.unwrap().body).unwrap();
    assert_eq!((off.enabled, off.revision), (false, 1));
    let outcome = world.desk.open(&world.kari(), &post("/"), inquiry("x")).await;
    assert_eq!(why(outcome), "service-not-offered no");
    switch(&own(&world), true).await.unwrap();
    world.opened(inquiry("x")).await;
    assert_eq!(world.providers.calls("open")[0].context.settings, json!({ "clinic": "a" }), "the rest stays");
    let record = world.log.records.lock().unwrap();
    let record = record.iter().find(|record| record.action == "agreements.change").unwrap().clone();
    assert_eq!(record.actor.role.as_str(), "office");
    assert!(record.actor.person.is_some());
}

#[tokio::test]
async fn an_office_chooses_written_requests_and_forms_of_consultation_that_its_provider_serves() {
    let world = World::new().await;
    let choose =
        async |service, new| world.desk.choose_for_office(&own(&world), &get(), office_id(), service, new).await;
    let booking = |booking| NewOfficeChoice { booking: Some(booking), ..choice(true) };
    choose(Service::Appointment, booking(Booking::Request)).await.unwrap();
    let modes = NewOfficeChoice { modes: Some(vec![ConsultationMode::Text]), ..choice(true) };
    choose(Service::Consultation, modes.clone()).await.unwrap();
    let offered = practice(&world).await.services;
    let of = |service| offered.iter().find(|one| one.service == service).unwrap();
    assert_eq!(of(Service::Appointment).booking, Some(Booking::Request));
    assert_eq!(of(Service::Consultation).modes, [ConsultationMode::Text]);
    assert_eq!(pointers(choose(Service::Inquiry, modes).await), ["/modes"]);
    assert_eq!(pointers(choose(Service::Inquiry, booking(Booking::Request)).await), ["/booking"]);
    let video = NewOfficeChoice { modes: Some(vec![ConsultationMode::Video]), ..choice(true) };
    choose(Service::Consultation, video.clone()).await.unwrap();
    world.providers.installed.lock().unwrap().get_mut(&plugin()).unwrap().exports = vec![Interface::Dialogs];
    assert_eq!(pointers(choose(Service::Appointment, booking(Booking::Direct)).await), ["/booking"]);
    assert_eq!(pointers(choose(Service::Consultation, video).await), ["/modes"], "nobody would be let in");
    let answer = world.desk.office_choices(&own(&world), &get(), office_id()).await.unwrap();
    let all: OfficeChoices = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((all.services.len(), all.clinicians.len()), (Service::ALL.len(), 1));
}

fn leave(world: &World, days: i64) -> Leave {
    let today = world.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    Leave { from: today, until: today.checked_add(days.days()).unwrap(), substitute: Some(substitute()), office: None }
}

async fn away(world: &World, absences: Vec<Leave>) -> dialog_core::Outcome {
    let new = NewAbsences { absences };
    world.desk.set_absences(&own(world), &get(), office_id(), gp().hpr_number, new).await
}

#[tokio::test]
async fn during_an_absence_the_substitute_answers_new_dialogs_and_open_ones_and_it_ends_by_itself() {
    let world = World::new().await;
    let open = world.opened(inquiry("Before.")).await;
    let set: ClinicianAbsences =
        serde_json::from_slice(&away(&world, vec![leave(&world, 2)]).await.unwrap().body).unwrap();
    assert_eq!(set.revision, 1);
    let new = world.opened(inquiry("During.")).await;
    assert_eq!(new.clinician, Some(substitute()));
    world.desk.send(&world.kari(), &post("/"), open.id, text("And more.")).await.unwrap();
    assert_eq!(world.providers.calls("send")[0].context.clinician, Some(substitute()));
    let told = world.read(open.id).await;
    assert_eq!(told.clinician, Some(substitute()));
    let said = told.activities.iter().find(|one| matches!(one.kind, ActivityKind::StandsIn { .. })).unwrap();
    assert!(said.text.contains("Jonas Mørk"), "{}", said.text);
    let shown = practice(&world).await.away.unwrap();
    assert_eq!((shown.substitute, shown.office), (Some(substitute()), None));
    world.clock.forward(4 * 24 * 3600);
    assert!(practice(&world).await.away.is_none());
    assert_eq!(world.opened(inquiry("After.")).await.clinician, Some(gp()));
    world.desk.send(&world.kari(), &post("/"), new.id, text("And more.")).await.unwrap();
    assert_eq!(world.read(new.id).await.clinician, Some(gp()), "the GP is back, also for what the substitute began");
}

#[tokio::test]
async fn an_office_sees_by_service_how_many_answers_it_owes() {
    let world = World::new().await;
    let owed = async || {
        let answer = world.desk.office_choices(&own(&world), &get(), office_id()).await.unwrap();
        serde_json::from_slice::<OfficeChoices>(&answer.body).unwrap().overdue
    };
    let dialog = world.opened(consultation("I sleep badly.")).await;
    assert_eq!(owed().await, []);
    world.clock.forward(14 * 24 * 3600);
    assert_eq!(owed().await, [OverdueAnswers { service: Service::Consultation, dialogs: 1 }]);
    world.desk.close(&world.kari(), &post("/"), dialog.id).await.unwrap();
    assert_eq!(owed().await, []);
}

#[tokio::test]
async fn consultations_by_video_are_agreed_and_shown_only_where_the_provider_lets_citizens_in() {
    let world = World::new().await;
    installed(&world);
    let agree = async |modes| {
        let one = Terms { modes, ..terms(other()) };
        let operator = world.operator();
        world.desk.change_terms(&operator, &get(), office_id(), Service::Consultation, because(vec![one])).await
    };
    let both = vec![ConsultationMode::Text, ConsultationMode::Video];
    agree(both.clone()).await.unwrap();
    let offered = async || {
        let page = practice(&world).await;
        page.services.into_iter().find(|one| one.service == Service::Consultation).unwrap()
    };
    assert_eq!(offered().await.modes, both.clone());
    // An upgrade does without it.
    let exports = |exports| world.providers.installed.lock().unwrap().get_mut(&other()).unwrap().exports = exports;
    exports(vec![Interface::Dialogs]);
    assert_eq!(offered().await.modes, [ConsultationMode::Text]);
    assert_eq!(pointers(agree(both).await), ["/terms/0/modes"]);
    exports(vec![Interface::Dialogs, Interface::Video]);
    agree(vec![ConsultationMode::Video]).await.unwrap();
    exports(vec![Interface::Dialogs]);
    assert_eq!((offered().await.available, offered().await.why_not), (false, Some(WhyNot::ProviderMissing)));
}

#[tokio::test]
async fn an_absence_that_cannot_be_is_refused_field_by_field() {
    let world = World::new().await;
    let refused = async |absences| pointers(away(&world, absences).await);
    let good = leave(&world, 2);
    let backwards = Leave { from: date(2026, 2, 3), until: date(2026, 2, 2), ..good.clone() };
    assert_eq!(refused(vec![backwards]).await, ["/absences/0/until"]);
    assert_eq!(refused(vec![good.clone(), good.clone()]).await, ["/absences/1/from"]);
    let oneself = Leave { substitute: Some(gp()), ..good.clone() };
    assert_eq!(refused(vec![oneself]).await, ["/absences/0/substitute/hprNumber"]);
    let nowhere = Leave { office: Some(5.try_into().unwrap()), ..good.clone() };
    assert_eq!(refused(vec![nowhere]).await, ["/absences/0/office"]);
    let new = NewAbsences { absences: Vec::new() };
    let stranger = world.desk.set_absences(&own(&world), &get(), office_id(), 9_999_999.try_into().unwrap(), new).await;
    assert_eq!(why(stranger), "not-found no");
    away(&world, vec![good]).await.unwrap();
    let new = NewAbsences { absences: Vec::new() };
    let stale = world.desk.set_absences(&own(&world), &seen(0), office_id(), gp().hpr_number, new).await;
    assert_eq!(why(stale), "precondition-failed no");
}

/// The office's provider, with another behind it.
async fn behind(world: &World) {
    installed(world);
    let fallback = Some(Fallback { plugin: other(), settings: json!({ "clinic": "f" }) });
    change(world, Service::Inquiry, vec![Terms { fallback, ..terms(plugin()) }]).await;
}

async fn due(world: &World) {
    world.desk.run_due_work(world.now()).await.unwrap();
}

#[tokio::test]
async fn what_the_provider_cannot_take_goes_to_who_stands_behind_and_the_citizen_is_told() {
    let world = World::new().await;
    behind(&world).await;
    world.opens(|| Err(unavailable(Sent::No)));
    let answer = world.desk.open(&world.kari(), &post("/"), inquiry("x")).await.unwrap();
    assert_eq!(answer.status, 202);
    due(&world).await;
    let taken = world.read(dialog(&answer).id).await;
    assert_eq!((taken.status.clone(), &taken.provider.id), (Status::AwaitingOffice, &other()));
    let calls = world.providers.calls("open");
    assert_eq!((calls.len(), &calls[1].context.settings), (2, &json!({ "clinic": "f" })));
    let said = taken.activities.iter().find(|one| matches!(one.kind, ActivityKind::FellBack { .. })).unwrap();
    assert!(matches!(&said.kind, ActivityKind::FellBack { from } if from.id == plugin()));
    // Its answers come from there.
    world.desk.poll(&other()).await.unwrap();
    assert_eq!(world.providers.served.lock().unwrap().len(), 1);
    world.desk.send(&world.kari(), &post("/"), taken.id, text("And more.")).await.unwrap();
    assert_eq!(world.providers.calls("send")[0].context.settings, json!({ "clinic": "f" }));
}

#[tokio::test]
async fn nothing_falls_back_that_may_have_been_sent_or_that_names_nobody() {
    let world = World::new().await;
    behind(&world).await;
    for failure in [unavailable(Sent::Unknown), unavailable(Sent::Yes), faulty(Sent::No), faulty(Sent::Unknown)] {
        world.opens(move || Err(failure));
        let _ = world.desk.open(&world.kari(), &post("/"), inquiry("x")).await;
    }
    world.opens(|| Err(unavailable(Sent::No)));
    let queued = dialog(&world.desk.open(&world.kari(), &post("/"), consultation("x")).await.unwrap());
    assert_eq!((queued.status, queued.provider.id), (Status::Queued, plugin()));
    let providers: Vec<PluginId> = world.listed().await.into_iter().map(|dialog| dialog.provider.id).collect();
    assert!(providers.iter().all(|one| *one == plugin()), "{providers:?}");
}

#[tokio::test]
async fn who_stands_behind_keeps_it_also_when_it_cannot_take_it_now_either() {
    let world = World::new().await;
    behind(&world).await;
    world.opens(|| Err(unavailable(Sent::No)));
    let opened = dialog(&world.desk.open(&world.kari(), &post("/"), inquiry("x")).await.unwrap());
    world.opens(|| Err(unavailable(Sent::No)));
    due(&world).await;
    world.clock.forward(60);
    due(&world).await;
    let taken: Dialog = world.read(opened.id).await;
    assert_eq!((taken.status, taken.provider.id), (Status::AwaitingOffice, other()));
    assert_eq!(world.providers.calls("open").len(), 3);
}

fn to_kry(words: &str) -> NewDialog {
    NewDialog { provider: Some(other()), ..inquiry(words) }
}

#[tokio::test]
async fn a_national_provider_is_offered_beside_the_gp_and_is_never_the_gp() {
    let world = World::new().await;
    installed(&world);
    assert!(practice(&world).await.beside_your_gp.is_empty());
    let outcome = world.desk.open(&world.kari(), &post("/"), to_kry("x")).await;
    assert_eq!(pointers(outcome), ["/provider"]);
    world.nationally(other());
    let [offer] = &practice(&world).await.beside_your_gp[..] else { panic!("one national provider") };
    assert_eq!((&offer.provider.id, offer.office.her_id), (&other(), national_id()));
    assert!(offer.consent.contains("is not your GP"), "{}", offer.consent);
    assert_eq!(offer.services.iter().map(|one| one.service).collect::<Vec<_>>(), [Service::Inquiry]);
    let opened = world.opened(to_kry("Is this a tick?")).await;
    assert_eq!((opened.own_gp, opened.clinician.clone(), opened.office.her_id), (false, None, national_id()));
    let context = world.providers.calls("open")[0].context.clone();
    assert_eq!((context.office.her_id, context.clinician), (national_id(), None));
    world.desk.send(&world.kari(), &post("/"), opened.id, text("And more.")).await.unwrap();
    assert_eq!(world.read(opened.id).await.clinician, None);
    assert!(world.opened(inquiry("To my GP.")).await.own_gp);
    // What it does not offer goes nowhere, least of all to one's own GP.
    let elsewhere = NewDialog { provider: Some(other()), ..consultation("x") };
    let outcome = world.desk.open(&world.kari(), &post("/"), elsewhere).await;
    assert_eq!(why(outcome), "service-not-offered no");
    assert_eq!(world.providers.calls("open").len(), 2);
}

#[tokio::test]
async fn times_and_invoices_of_a_national_provider_are_asked_for_by_its_name_and_stay_with_it() {
    let world = World::new().await;
    installed(&world);
    let stranger = Some("kry".parse().unwrap());
    assert_eq!(pointers(world.desk.invoices(&world.kari(), &get(), stranger.clone()).await), ["/provider"]);
    assert_eq!(pointers(world.desk.guidance(&world.kari(), &get(), Service::Inquiry, stranger).await), ["/provider"]);
    world.nationally(other());
    for service in [Service::Appointment, Service::Payment] {
        let settings = json!({ "clinic": "n" });
        let agreed = Agreement { office: national_id(), plugin: other(), settings, ..agreement(service) };
        world.directory.agreements.lock().unwrap().push(agreed);
    }
    let [offer] = &practice(&world).await.beside_your_gp[..] else { panic!("one national provider") };
    let offered: Vec<_> = offer.services.iter().map(|one| (one.service, one.booking)).collect();
    let direct = (Service::Appointment, Some(Booking::Direct));
    assert_eq!(offered, [direct, (Service::Inquiry, None), (Service::Payment, None)]);

    let query = SlotQuery { from: None, until: None, clinician: None, mode: None, provider: Some(other()) };
    world.desk.slots(&world.kari(), &get(), query).await.unwrap();
    let start = world.now() + 2.hours();
    let booking = NewBooking {
        slot: "s1".into(),
        start,
        end: start + 20.minutes(),
        clinician: None,
        reason: None,
        provider: Some(other()),
    };
    let booked = world.desk.book(&world.kari(), &post("/"), booking.clone()).await.unwrap();
    let booked: Appointment = serde_json::from_slice(&booked.body).unwrap();
    assert_eq!((booked.provider.id.clone(), booked.office.her_id), (other(), national_id()));
    let elsewhere = NewBooking { provider: Some(plugin()), ..booking.clone() };
    assert_eq!(pointers(world.desk.change(&world.kari(), &post("/"), booked.id, elsewhere).await), ["/provider"]);
    let moved = NewBooking { provider: None, ..booking };
    world.desk.change(&world.kari(), &post("/"), booked.id, moved).await.unwrap();
    // It stands among the citizen's own, whoever their office has.
    let coming = page::<Appointment>(&world.desk.appointments(&world.kari(), &get()).await.unwrap()).0;
    assert_eq!(coming.iter().map(|one| one.id).collect::<Vec<_>>(), [booked.id]);
    let reason = NewCancellation { reason: None };
    world.desk.cancel(&world.kari(), &post("/"), booked.id, reason).await.unwrap();

    *world.providers.invoices.lock().unwrap() = vec![owed("i-1")];
    let owed = world.desk.invoices(&world.kari(), &get(), Some(other())).await.unwrap();
    let owed = page::<Invoice>(&owed).0.remove(0);
    assert_eq!(owed.provider.id, other());
    let back = "https://portal.example/paid".to_owned();
    assert_eq!(world.desk.pay(&world.kari(), &post("/"), owed.id, back).await.unwrap().status, 201);
    for call in ["slots", "book", "change", "cancel", "outstanding", "pay"] {
        let calls = world.providers.calls(call);
        let [seen] = &calls[..] else { panic!("{call}: {calls:?}") };
        assert_eq!((seen.context.office.her_id, seen.context.clinician.as_ref()), (national_id(), None), "{call}");
    }
    let guided = world.desk.guidance(&world.kari(), &get(), Service::Inquiry, Some(other())).await.unwrap();
    let guided: Guidance = serde_json::from_slice(&guided.body).unwrap();
    assert_eq!(guided.offered.provider.unwrap().id, other());
}

#[tokio::test]
async fn a_substitute_at_another_office_gets_new_dialogs_where_that_one_offers_the_service() {
    let world = World::new().await;
    installed(&world);
    world.nationally(other());
    let elsewhere = Leave { office: Some(national_id()), ..leave(&world, 2) };
    away(&world, vec![elsewhere]).await.unwrap();
    let opened = world.opened(inquiry("x")).await;
    assert_eq!((opened.office.her_id, opened.clinician, opened.own_gp), (national_id(), Some(substitute()), true));
    let own = world.opened(consultation("x")).await;
    assert_eq!((own.office.her_id, own.clinician), (office_id(), Some(substitute())));
    let shown = practice(&world).await.away.unwrap();
    assert_eq!(shown.office.unwrap().her_id, national_id());
    // What is said before sending is of who gets it.
    let answer = world.desk.guidance(&world.kari(), &get(), Service::Inquiry, None).await.unwrap();
    let guided: Guidance = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(guided.offered.provider.unwrap().id, other());
}

/// The office has left its provider, and has another.
async fn left(world: &World) {
    let ended = Terms { valid_until: Some(world.now()), settings: json!({ "clinic": "a" }), ..terms(plugin()) };
    let new = Terms { valid_from: Some(world.now()), ..terms(other()) };
    change(world, Service::Inquiry, vec![ended, new]).await;
}

async fn handed_over(world: &World) -> HandedOver {
    let new = NewHandover { reason: "The vendor ends.".into() };
    let answer = world.desk.hand_over(&world.operator(), &get(), (office_id(), plugin()), new).await;
    serde_json::from_slice(&answer.unwrap().body).unwrap()
}

#[tokio::test]
async fn a_citizen_is_told_once_that_nobody_can_answer_any_more() {
    let world = World::new().await;
    installed(&world);
    let (open, still) = (world.opened(inquiry("x")).await, world.opened(consultation("y")).await);
    assert_eq!(world.desk.mark_ended().await.unwrap(), 0);
    left(&world).await;
    assert_eq!(world.desk.mark_ended().await.unwrap(), 1);
    assert_eq!(world.desk.mark_ended().await.unwrap(), 0, "once");
    let told = world.read(open.id).await;
    let said: Vec<&str> = told
        .activities
        .iter()
        .filter(|one| one.kind == ActivityKind::ProviderEnded {})
        .map(|one| one.text.as_str())
        .collect();
    assert!(matches!(said[..], [said] if said.contains("no longer uses")), "{said:?}");
    assert!(!told.reply_allowed && world.read(still.id).await.reply_allowed);
    let outcome = world.desk.send(&world.kari(), &post("/"), open.id, text("And more.")).await;
    assert_eq!(why(outcome), "reply-not-allowed no");
    assert_eq!(world.log.kinds("dialog.mark").len(), 1);
}

#[tokio::test]
async fn what_is_open_goes_on_with_the_new_provider_with_text_and_files_once() {
    use crate::attachments::{uploaded, with};
    let world = World::new().await;
    installed(&world);
    world.agree(Service::Inquiry, |agreement| agreement.attachments.clear());
    let picture = uploaded(&world).await;
    let open = world.opened(NewDialog { message: Some(with(&[picture.id])), ..inquiry("x") }).await;
    world.desk.send(&world.kari(), &post("/"), open.id, text("And more.")).await.unwrap();
    assert_eq!(handed_over(&world).await, HandedOver { handed_over: 0, left: 1, more: false }, "it has not ended");
    left(&world).await;
    world.desk.mark_ended().await.unwrap();
    assert_eq!(handed_over(&world).await, HandedOver { handed_over: 1, left: 0, more: false });
    assert_eq!(handed_over(&world).await, HandedOver { handed_over: 0, left: 0, more: false }, "once");
    let old = world.read(open.id).await;
    let id = old.continued_as.unwrap();
    assert!(old.activities.iter().any(|one| one.kind == ActivityKind::HandedOver { dialog: id }));
    for _ in 0..3 {
        due(&world).await;
    }
    let new = world.read(id).await;
    assert_eq!(
        (new.status.clone(), &new.provider.id, new.continues),
        (Status::AwaitingOffice, &other(), Some(open.id))
    );
    let texts = |dialog: &Dialog| dialog.messages.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&new), texts(&old));
    assert_eq!(new.messages[0].attachments, old.messages[0].attachments);
    assert!(world.desk.download(&world.kari(), &get(), picture.id).await.is_ok());
    assert_eq!((world.providers.calls("open").len(), world.providers.calls("send").len()), (2, 2));
    assert!(new.reply_allowed);
    let record = world.log.records.lock().unwrap();
    let record = record.iter().find(|record| record.action == "dialog.hand-over").unwrap();
    assert!(record.citizen.is_some() && record.details["continuedAs"] == id.to_string());
}

#[tokio::test]
async fn what_is_open_can_be_exported_each_dialog_on_record() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..23 {
        ids.push(world.opened(inquiry(&format!("Question {number}"))).await.id);
    }
    let page = async |cursor: Option<String>| {
        let of = (office_id(), plugin());
        let answer = world.desk.export(&world.operator(), &get(), of, cursor).await.unwrap();
        page::<ExportedDialog>(&answer)
    };
    let (mut items, next) = page(None).await;
    assert_eq!(items.len(), 20);
    let (rest, end) = page(next).await;
    assert!(end.is_none());
    items.extend(rest);
    assert_eq!(items.iter().map(|one| one.dialog.id).collect::<Vec<_>>(), ids);
    assert_eq!(items[0].citizen.national_identity_number.expose(), KARI);
    assert_eq!(items[0].dialog.messages[0].text, "Question 0");
    assert_eq!(world.log.kinds("dialog.export").len(), 23);
    let strange = world.desk.export(&world.operator(), &get(), (office_id(), plugin()), Some("x".into())).await;
    assert_eq!(why(strange), "malformed no");
}

#[tokio::test]
async fn who_is_erased_is_open_with_nobody() {
    let world = World::new().await;
    world.opened(inquiry("x")).await;
    world.desk.erase(&world.operator(), &get(), &KARI.parse().unwrap()).await.unwrap();
    let left = world.desk.export(&world.operator(), &get(), (office_id(), plugin()), None).await.unwrap();
    assert!(page::<ExportedDialog>(&left).0.is_empty());
    let held = dialog_core::ports::store::Range { from: vec![0].into(), until: None, limit: 10_000, reverse: false };
    let keys = dialog_core::ports::store::Store::scan(world.store.as_ref(), held).await.unwrap();
    assert!(!keys.iter().any(|entry| entry.key.get(1) == Some(&b'J')), "the index has nothing of it");
}
