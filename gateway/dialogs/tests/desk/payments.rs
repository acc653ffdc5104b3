//! What is owed, paying it, what becomes of payments, and the fees of consultations.

use std::sync::{Arc, atomic::Ordering};

use dialog_contract::{
    dialog::Dialog,
    event::EventType,
    ids::{InvoiceId, PaymentId},
    payment::{Invoice, Payment, PaymentBegun, PaymentStatus},
    provider::{DialogFee, DialogStatus, Event, EventBody, PaymentReceipt, PaymentState},
    service::{Closing, Sent, Service},
};
use dialog_core::{Outcome, request::Request};

use crate::{
    inbound::{delivers, delivery, old, settled},
    support::*,
};

const BACK: &str = "https://portal.example/paid";

async fn world() -> World {
    let world = World::new().await;
    *world.providers.invoices.lock().unwrap() = vec![owed("i-2"), owed("i-1")];
    world
}

async fn invoices(world: &World) -> Vec<Invoice> {
    page(&world.desk.invoices(&world.kari(), &get(), None).await.unwrap()).0
}

async fn payments(world: &World) -> Vec<Payment> {
    page(&world.desk.payments(&world.kari(), &get()).await.unwrap()).0
}

async fn pay(world: &World, request: &Request, invoice: InvoiceId) -> Outcome {
    world.desk.pay(&world.kari(), request, invoice, BACK.into()).await
}

fn begun(outcome: Outcome) -> PaymentBegun {
    let answer = outcome.unwrap();
    assert_eq!(answer.status, 201);
    serde_json::from_slice(&answer.body).unwrap()
}

/// Kari's first invoice, with a payment open; the scripted provider calls it `pay-i-2`.
async fn paying(world: &World) -> (InvoiceId, PaymentBegun) {
    let invoice = invoices(world).await[0].id;
    (invoice, begun(pay(world, &post("/"), invoice).await))
}

fn became(id: &str, payment: &str, state: PaymentState) -> Event {
    old(id, EventBody::Payment { payment: payment.into(), state })
}

fn paid(number: &str) -> PaymentState {
    PaymentState::Paid(PaymentReceipt { number: number.into(), at: NOW.parse().unwrap() })
}

#[tokio::test]
async fn what_is_owed_keeps_its_order_and_its_ids_and_follows_the_provider() {
    let world = world().await;
    let dialog = world.opened(consultation("x")).await;
    world.providers.invoices.lock().unwrap()[0].dialog = Some(reference(dialog.id));
    world.providers.invoices.lock().unwrap()[1].dialog = Some("nobodys".into());
    let first = invoices(&world).await;
    assert_eq!(first.iter().map(|invoice| invoice.dialog).collect::<Vec<_>>(), [Some(dialog.id), None]);
    world.providers.invoices.lock().unwrap()[1].amount = 30_000;
    let second = invoices(&world).await;
    assert_eq!((second[0].id, second[1].id), (first[0].id, first[1].id));
    assert_eq!((first[1].amount, second[1].amount), (20_400, 30_000));
    assert!(
        !String::from_utf8_lossy(&world.desk.invoices(&world.kari(), &get(), None).await.unwrap().body).contains("i-2")
    );
}

#[tokio::test]
async fn an_invoice_does_not_point_a_citizen_to_anothers_dialog() {
    let world = world().await;
    let dialog = world.opened(consultation("x")).await;
    world.providers.invoices.lock().unwrap()[0].dialog = Some(reference(dialog.id));
    let answer = world.desk.invoices(&world.citizen(OLA), &get(), None).await.unwrap();
    assert_eq!(page::<Invoice>(&answer).0[0].dialog, None);
}

#[tokio::test]
async fn a_payment_that_is_begun_is_open_on_the_invoice_and_among_the_payments() {
    let world = world().await;
    let (invoice, begun) = paying(&world).await;
    assert_eq!(begun.redirect, "https://pay.example/pay-i-2");
    let shown = invoices(&world).await;
    assert_eq!((shown[0].id, shown[0].payment, shown[1].payment), (invoice, Some(begun.id), None));
    let [payment] = &payments(&world).await[..] else { panic!("one payment") };
    assert_eq!((payment.id, payment.invoice, payment.amount), (begun.id, invoice, 20_400));
    assert_eq!((payment.status, payment.redirect.as_deref()), (PaymentStatus::Open, Some(&*begun.redirect)));
    assert!(world.feed().await.is_empty(), "to begin is no news");
}

#[tokio::test]
async fn the_same_key_gives_the_same_address_and_asks_nobody_again() {
    let world = world().await;
    let invoice = invoices(&world).await[0].id;
    let first = begun(pay(&world, &post_as("/", "k"), invoice).await);
    let again = pay(&world, &post_as("/", "k"), invoice).await.unwrap();
    assert!(again.replayed);
    assert_eq!(serde_json::from_slice::<PaymentBegun>(&again.body).unwrap(), first);
    assert_eq!((world.providers.calls("pay").len(), payments(&world).await.len()), (1, 1));
}

#[tokio::test]
async fn an_invoice_has_one_payment_at_a_time() {
    let world = world().await;
    let (invoice, _) = paying(&world).await;
    let second = refused(pay(&world, &post("/"), invoice).await);
    assert_eq!((second.problem.name(), second.sent), ("conflict", Sent::No));
    assert!(second.detail.contains("already been begun"), "{}", second.detail);
    assert_eq!(world.providers.calls("pay").len(), 1);
}

#[tokio::test]
async fn of_two_who_pay_at_once_one_asks_the_provider_and_the_other_has_a_conflict() {
    let world = world().await;
    let invoice = invoices(&world).await[0].id;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let arrived = Arc::clone(&world.providers.arrived);
    let before = arrived.available_permits();
    let (desk, kari) = (world.desk.clone(), world.kari());
    let first = tokio::spawn(async move { desk.pay(&kari, &post("/"), invoice, BACK.into()).await });
    arrived.acquire_many(u32::try_from(before + 1).unwrap()).await.unwrap().forget();
    // The first is with the provider now, and nothing of its outcome is known.
    assert_eq!(why(pay(&world, &post("/"), invoice).await), "conflict no");
    gate.add_permits(1);
    begun(first.await.unwrap());
    assert_eq!(world.providers.calls("pay").len(), 1);
}

#[tokio::test]
async fn where_the_provider_is_down_nothing_is_begun_and_the_same_key_may_try_again() {
    let world = world().await;
    let invoice = invoices(&world).await[0].id;
    world.pays(|| Err(unavailable(Sent::No)));
    let down = refused(pay(&world, &post_as("/", "k"), invoice).await);
    assert_eq!((down.problem.name(), down.problem.status(), down.sent), ("provider-unavailable", 503, Sent::No));
    assert!(down.detail.contains("nothing was charged"), "{}", down.detail);
    assert!(payments(&world).await.is_empty());
    assert_eq!(invoices(&world).await[0].payment, None);
    begun(pay(&world, &post_as("/", "k"), invoice).await);
}

#[tokio::test]
async fn a_payment_that_may_have_been_set_up_charged_nothing_and_does_not_hold_the_invoice() {
    let world = world().await;
    let invoice = invoices(&world).await[0].id;
    world.pays(|| Err(faulty(Sent::Unknown)));
    let unknown = refused(pay(&world, &post("/"), invoice).await);
    assert_eq!((unknown.problem.name(), unknown.sent), ("provider-faulty", Sent::Unknown));
    assert!(unknown.detail.contains("Nothing was charged"), "{}", unknown.detail);
    begun(pay(&world, &post("/"), invoice).await);
}

#[tokio::test]
async fn others_invoices_are_not_there() {
    let world = world().await;
    let invoice = invoices(&world).await[0].id;
    let ola = world.desk.pay(&world.citizen(OLA), &post("/"), invoice, BACK.into()).await;
    assert_eq!(why(ola), "not-found no");
    assert_eq!(why(pay(&world, &post("/"), InvoiceId::new()).await), "not-found no");
    paying(&world).await;
    let theirs = world.desk.payments(&world.citizen(OLA), &get()).await.unwrap();
    assert!(page::<Payment>(&theirs).0.is_empty());
    assert!(world.providers.calls("pay").len() == 1);
}

#[tokio::test]
async fn where_the_office_takes_no_payments_here_nobody_is_asked() {
    let world = world().await;
    let invoice = invoices(&world).await[0].id;
    world.agree(Service::Payment, |agreement| agreement.enabled = false);
    assert_eq!(why(world.desk.invoices(&world.kari(), &get(), None).await), "service-not-offered no");
    assert_eq!(why(pay(&world, &post("/"), invoice).await), "service-not-offered no");
    assert_eq!(world.providers.calls("outstanding").len() + world.providers.calls("pay").len(), 1);
}

#[tokio::test]
async fn a_plugin_that_exports_no_payments_is_not_offered_for_them() {
    let world = world().await;
    for installed in world.providers.installed.lock().unwrap().values_mut() {
        installed.exports.retain(|interface| *interface != dialog_contract::provider::Interface::Payments);
    }
    assert_eq!(why(world.desk.invoices(&world.kari(), &get(), None).await), "service-not-offered no");
}

#[tokio::test]
async fn what_was_paid_has_a_receipt_is_news_once_and_is_owed_no_more() {
    let world = world().await;
    let (invoice, begun) = paying(&world).await;
    let events = vec![became("e1", "pay-i-2", paid("2026-1")), became("e2", "pay-i-2", paid("2026-1"))];
    assert_eq!(settled(&world, events).await, ["e1 accepted", "e2 accepted"]);
    let payment = &payments(&world).await[0];
    assert_eq!((payment.status, payment.redirect.as_ref()), (PaymentStatus::Paid, None));
    assert_eq!(payment.receipt.as_ref().unwrap().number, "2026-1");
    // The provider's accounts are slower than its word.
    assert!(invoices(&world).await.iter().all(|shown| shown.id != invoice));
    let again = refused(pay(&world, &post("/"), invoice).await);
    assert_eq!((again.problem.name(), again.detail.as_str()), ("conflict", "This invoice is paid."));
    let feed = world.feed().await;
    let [told] = &feed[..] else { panic!("told once: {feed:?}") };
    assert_eq!((told.kind, told.data.payment), (EventType::PaymentUpdated, Some(begun.id)));
    assert_eq!(told.subject, format!("/v1/me/payments/{}", begun.id));
}

#[tokio::test]
async fn a_payment_that_nobody_began_is_unknown() {
    let world = world().await;
    paying(&world).await;
    assert_eq!(settled(&world, vec![became("e1", "pay-i-9", paid("1"))]).await, ["e1 unknown-payment"]);
    assert_eq!(payments(&world).await[0].status, PaymentStatus::Open);
}

#[tokio::test]
async fn what_became_of_a_payment_waits_for_its_beginning_that_is_under_way() {
    let world = Arc::new(world().await);
    let invoice = invoices(&world).await[0].id;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let arrived = u32::try_from(world.providers.arrived.available_permits()).unwrap() + 1;
    let paying = tokio::spawn({
        let world = Arc::clone(&world);
        async move { begun(pay(&world, &post("/"), invoice).await) }
    });
    world.providers.arrived.acquire_many(arrived).await.unwrap().forget();
    // It has just happened: the citizen's card is known to the provider.
    delivers(&world, vec![event("e1", EventBody::Payment { payment: "pay-i-2".into(), state: paid("1") })]);
    let delivering = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.desk.receive(&plugin(), &post("/"), delivery()).await }
    });
    while world.providers.served.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    let begun = paying.await.unwrap();
    delivering.await.unwrap().unwrap();
    let all = payments(&world).await;
    assert_eq!((all[0].id, all[0].status), (begun.id, PaymentStatus::Paid));
}

#[tokio::test]
async fn a_payment_is_told_of_also_when_the_office_has_left() {
    let world = world().await;
    paying(&world).await;
    let over = world.now();
    world.agree(Service::Payment, |agreement| agreement.valid_until = Some(over));
    assert_eq!(settled(&world, vec![became("e1", "pay-i-2", paid("1"))]).await, ["e1 accepted"]);
    assert_eq!(payments(&world).await[0].status, PaymentStatus::Paid);
}

#[tokio::test]
async fn an_invoice_whose_payment_came_to_nothing_can_be_paid_again() {
    let world = world().await;
    let (invoice, first) = paying(&world).await;
    assert_eq!(settled(&world, vec![became("e1", "pay-i-2", PaymentState::Failed)]).await, ["e1 accepted"]);
    assert_eq!(invoices(&world).await[0].payment, None);
    world.pays(|| Ok(payment("second")));
    let second = begun(pay(&world, &post("/"), invoice).await);
    assert_ne!(second.id, first.id);
    // Nobody paid that one in time.
    world.clock.forward(3_600);
    let all: Vec<(PaymentId, PaymentStatus)> =
        payments(&world).await.iter().map(|payment| (payment.id, payment.status)).collect();
    assert_eq!(all, [(second.id, PaymentStatus::Expired), (first.id, PaymentStatus::Failed)]);
    world.pays(|| Ok(payment("third")));
    begun(pay(&world, &post("/"), invoice).await);
}

#[tokio::test]
async fn a_payment_by_the_name_of_anothers_is_a_fault_and_changes_nothing() {
    let world = world().await;
    let (_, first) = paying(&world).await;
    let other = invoices(&world).await[1].id;
    world.pays(|| Ok(payment("pay-i-2")));
    assert_eq!(why(pay(&world, &post("/"), other).await), "provider-faulty yes");
    let all = payments(&world).await;
    assert_eq!(all.iter().map(|payment| payment.id).collect::<Vec<_>>(), [first.id]);
    begun(pay(&world, &post("/"), other).await);
}

#[tokio::test]
async fn a_payment_that_is_paid_is_not_begun_again() {
    let world = world().await;
    let (invoice, _) = paying(&world).await;
    let events = vec![became("e1", "pay-i-2", paid("1")), became("e2", "pay-i-2", PaymentState::Refunded)];
    assert_eq!(settled(&world, events).await, ["e1 accepted", "e2 accepted"]);
    world.pays(|| Ok(payment("pay-i-2")));
    assert_eq!(why(pay(&world, &post("/"), invoice).await), "provider-faulty yes");
    assert_eq!(payments(&world).await[0].status, PaymentStatus::Refunded);
}

#[tokio::test]
async fn a_payment_that_the_provider_gives_again_is_the_same_payment() {
    let world = world().await;
    let (invoice, first) = paying(&world).await;
    settled(&world, vec![became("e1", "pay-i-2", PaymentState::Expired)]).await;
    world.pays(|| Ok(payment("pay-i-2")));
    let again = begun(pay(&world, &post("/"), invoice).await);
    assert_eq!((again.id, payments(&world).await.len()), (first.id, 1));
    assert_eq!(payments(&world).await[0].status, PaymentStatus::Open, "it can be paid again");
}

fn crash_in_pay(world: &World) {
    let store = Arc::clone(&world.store);
    world.pays(move || {
        store.down.store(true, Ordering::SeqCst);
        Ok(payment("pay-i-2"))
    });
}

async fn crashed(world: &World) -> InvoiceId {
    let invoice = invoices(world).await[0].id;
    crash_in_pay(world);
    let outcome = refused(pay(world, &post_as("/", "k"), invoice).await);
    assert_eq!((outcome.problem.name(), outcome.sent), ("unavailable", Sent::Yes));
    world.store.down.store(false, Ordering::SeqCst);
    assert_eq!(why(pay(world, &post("/"), invoice).await), "conflict no", "it is held until that is settled");
    invoice
}

#[tokio::test]
async fn after_a_crash_a_provider_that_recognises_it_gives_the_payment_under_the_same_key() {
    let mut world = world().await;
    world.idempotent();
    let invoice = crashed(&world).await;
    world.desk = world.restarted().await;
    world.desk.recover().await.unwrap();
    let calls = world.providers.calls("pay");
    assert_eq!((calls.len(), &calls[0].key), (2, &calls[1].key));
    let again = pay(&world, &post_as("/", "k"), invoice).await.unwrap();
    assert!(again.replayed);
    let begun: PaymentBegun = serde_json::from_slice(&again.body).unwrap();
    assert_eq!(payments(&world).await.iter().map(|payment| payment.id).collect::<Vec<_>>(), [begun.id]);
}

#[tokio::test]
async fn after_a_crash_one_that_does_not_is_not_asked_and_the_invoice_is_free() {
    let mut world = world().await;
    let invoice = crashed(&world).await;
    world.desk = world.restarted().await;
    world.desk.recover().await.unwrap();
    assert_eq!(world.providers.calls("pay").len(), 1);
    assert!(payments(&world).await.is_empty());
    assert_eq!(why(pay(&world, &post_as("/", "k"), invoice).await), "provider-faulty unknown");
    begun(pay(&world, &post("/"), invoice).await);
}

async fn closed(world: &World, outcome: Closing) -> Dialog {
    let dialog = world.opened(consultation("x")).await;
    let (status, reason) = (DialogStatus::Closed(outcome), None);
    let body = EventBody::Status { dialog: reference(dialog.id), status, reason };
    assert_eq!(settled(world, vec![old(&format!("closed {}", dialog.id), body)]).await.len(), 1);
    world.read(dialog.id).await
}

fn fee(tariff: &str) -> DialogFee {
    DialogFee { tariff: tariff.into(), amount: 20_400, clinician: None }
}

fn charged(id: &str, dialog: &Dialog, fees: Vec<DialogFee>) -> Event {
    old(id, EventBody::Charged { dialog: reference(dialog.id), fees })
}

#[tokio::test]
async fn fees_of_an_answered_consultation_stand_in_the_dialog_once() {
    let world = world().await;
    let before = closed(&world, Closing::Answered).await;
    let events = vec![charged("f1", &before, vec![fee("2ae")]), charged("f2", &before, vec![fee("2ae")])];
    assert_eq!(settled(&world, events).await, ["f1 accepted", "f2 accepted"]);
    let after = world.read(before.id).await;
    assert_eq!((after.fees.len(), after.fees[0].amount), (1, 20_400));
    assert_eq!(after.revision, before.revision + 1, "the second delivery changed nothing");
    assert_eq!(*world.event_kinds().await.last().unwrap(), "no.dialog.dialog.updated.v1");
    assert_eq!(
        settled(&world, vec![charged("f3", &before, vec![fee("2ae"), fee("1ad")])]).await,
        ["f3 fee-not-allowed"]
    );
    assert_eq!(world.read(before.id).await.fees, after.fees);
}

#[tokio::test]
async fn fees_that_break_a_rule_are_refused_and_nothing_of_them_is_shown() {
    let world = world().await;
    let open = world.opened(consultation("y")).await;
    let declined = closed(&world, Closing::Declined).await;
    let answered = closed(&world, Closing::Answered).await;
    let events = vec![
        charged("f1", &open, vec![fee("2ae")]),
        charged("f2", &declined, vec![fee("2ae")]),
        charged("f3", &answered, vec![fee("2ae"), fee("2dd")]),
    ];
    let told = settled(&world, events).await;
    assert_eq!(told, ["f1 fee-not-allowed", "f2 fee-not-allowed", "f3 fee-not-allowed"]);
    for dialog in [&open, &declined, &answered] {
        assert_eq!(world.read(dialog.id).await.fees, []);
    }
}

#[tokio::test]
async fn a_specialist_by_the_directory_adds_2dd() {
    let world = world().await;
    world.directory.office.lock().unwrap().practitioners[0].specialist = true;
    let dialog = closed(&world, Closing::Answered).await;
    assert_eq!(settled(&world, vec![charged("f1", &dialog, vec![fee("2dd"), fee("2ae")])]).await, ["f1 accepted"]);
    let tariffs: Vec<String> = world.read(dialog.id).await.fees.into_iter().map(|fee| fee.tariff).collect();
    assert_eq!(tariffs, ["2ae", "2dd"]);
}

#[tokio::test]
async fn a_citizen_who_is_erased_has_no_invoices_and_no_payments() {
    let world = world().await;
    let (invoice, _) = paying(&world).await;
    let number = KARI.parse().unwrap();
    world.desk.erase(&world.operator(), &post("/"), &number).await.unwrap();
    assert!(payments(&world).await.is_empty());
    assert_eq!(why(pay(&world, &post("/"), invoice).await), "not-found no");
    assert_eq!(settled(&world, vec![became("e1", "pay-i-2", paid("1"))]).await, ["e1 unknown-payment"]);
}

#[tokio::test]
async fn every_step_of_a_payment_is_on_record_as_what_it_was() {
    let world = world().await;
    let (invoice, _) = paying(&world).await;
    refused(pay(&world, &post("/"), invoice).await);
    payments(&world).await;
    settled(&world, vec![became("e1", "pay-i-2", paid("1"))]).await;
    let records: Vec<String> = (world.log.records.lock().unwrap().iter())
        .map(|record| format!("{} {} {}", record.kind, record.action, record.service.map_or("", |of| of.as_str())))
        .collect();
    for wanted in [
        "outcome payments.outstanding payment",
        "intent payments.pay payment",
        "outcome payments.pay payment",
        "outcome payments.list payment",
        "delivery inbound.poll payment",
    ] {
        assert!(records.iter().any(|record| record == wanted), "{wanted}: {records:?}");
    }
}
