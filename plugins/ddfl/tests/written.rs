//! Written services, from the contract's call to the message and back to events.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support {
    pub(crate) mod inbox;
}

use ddfl::message::{Kind, Process};
use ddfl::plugin::Ddfl;
use dialog_plugin_sdk::dialogs::{
    AppointmentCancelRequest, AppointmentChangeRequest, AppointmentRequest, Certificate, Consultation,
    ConsultationMode, Dialogs, Inquiry, Opened, Opening, Period, Renewal, RenewalItem,
};
use dialog_plugin_sdk::inbound::{Disposition, Inbound, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::testing::{Reply, message};
use dialog_plugin_sdk::upstream::{Cause, Method};
use dialog_plugin_sdk::{
    AppointmentChangeKind, CitizenIdentity, Closing, Context, DialogStatus, EventBody, Failure, Message,
    ReceiptOutcome, RenewalOutcome, Representation, Representative, Sent, Service,
};
use support::inbox::{CITIZEN, GP, Inbox, Letter, OFFICE, app_rec, context, inbound_context, settings};

/// UUIDv7 of the test's first moment.
const DIALOG: &str = "019b8d2b-8c00-7000-8000-0000000000d1";
const FIRST: &str = "019b8d2b-8c00-7000-8000-0000000000a1";
const SECOND: &str = "019b8d2b-c698-7000-8000-0000000000a2";

fn said(id: &str, text: &str) -> Message {
    Message { id: id.into(), ..message(text) }
}

fn consultation(message: Message) -> Opening {
    Opening::Consultation(Consultation { mode: ConsultationMode::Text, message, form: None })
}

fn open(inbox: &Inbox, opening: Opening) -> Result<Opened, Failure> {
    inbox.host.call(|| Ddfl::open(context(), DIALOG.into(), opening.clone()))
}

fn poll(inbox: &Inbox, page: Option<&Page>, settled: &[(&str, Disposition)]) -> Page {
    let settled = settled
        .iter()
        .map(|(event, disposition)| Settlement { event: (*event).into(), disposition: *disposition })
        .collect();
    let cursor = page.and_then(|page| page.cursor.clone());
    inbox.host.call(|| Ddfl::poll(inbound_context(&inbox.host), cursor, settled)).unwrap()
}

/// Polls and has the gateway accept everything, until there is no more.
fn drain(inbox: &Inbox) -> Vec<EventBody> {
    let mut events = Vec::new();
    let mut page = poll(inbox, None, &[]);
    for _ in 0..20 {
        let settled: Vec<(String, Disposition)> =
            page.events.iter().map(|event| (event.id.clone(), Disposition::Accepted)).collect();
        let settled: Vec<(&str, Disposition)> =
            settled.iter().map(|(id, disposition)| (id.as_str(), *disposition)).collect();
        events.extend(page.events.iter().map(|event| event.body.clone()));
        if !page.more && settled.is_empty() {
            return events;
        }
        page = poll(inbox, Some(&page), &settled);
    }
    panic!("polling does not end");
}

fn later(inbox: &Inbox, milliseconds: i64) {
    let _ = inbox;
    dialog_plugin_sdk::clock::wait(u32::try_from(milliseconds).unwrap());
}

#[test]
fn an_e_consultation_is_sent_with_its_picture_and_the_contracts_id() {
    let inbox = Inbox::silent();
    let mut question = said(FIRST, "Hva er dette?");
    question.subject = Some("Utslett".into());
    question.attachments = vec![inbox.host.attachment("arm.png", "image/png", b"\x89PNG\r\n\x1a\nx")];
    let opened = open(&inbox, consultation(question)).unwrap();
    let [sent] = inbox.sent().try_into().unwrap();
    assert_eq!(opened.reference, FIRST);
    assert_eq!(sent.id, FIRST);
    assert_eq!((sent.process, sent.kind), (Some(Process::Consultation), Some(Kind::AskClinician)));
    assert_eq!((sent.subject.as_deref(), sent.text.as_deref()), (Some("Utslett"), Some("Hva er dette?")));
    assert_eq!(sent.attachments[0].bytes, b"\x89PNG\r\n\x1a\nx");
    assert_eq!(sent.receiver.her_id.unwrap().get(), GP);
    assert_eq!(sent.patient.unwrap().national_id.unwrap().reveal(), CITIZEN);
    assert_eq!(sent.conversation, None);
    assert_eq!(sent.ack, Some(true));
}

#[test]
fn a_repeated_call_sends_the_same_message_to_the_last_byte() {
    let inbox = Inbox::silent();
    let mut late = context();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    late.now += 3_600_000;
    inbox.host.call(|| Ddfl::open(late, DIALOG.into(), consultation(said(FIRST, "Hei")))).unwrap();
    let raw = inbox.store.borrow().raw.clone();
    assert_eq!(raw.len(), 2);
    assert_eq!(raw[0], raw[1]);
}

#[test]
fn a_follow_up_is_an_answer_in_the_same_conversation_after_the_offices_last_message() {
    let inbox = Inbox::silent();
    let opened = open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    let answer = Letter::to(&inbox.sent()[0], 1, "12").text("Smør på.");
    answer.deliver(&mut inbox.store.borrow_mut());
    drain(&inbox);
    later(&inbox, 20_000);
    let mut ctx = context();
    ctx.now += 20_000;
    inbox.host.call(|| Ddfl::send(ctx, opened.reference.clone(), said(SECOND, "Hvor lenge?"))).unwrap();
    let follow_up = inbox.sent().pop().unwrap();
    assert_eq!((follow_up.process, follow_up.kind), (Some(Process::Consultation), Some(Kind::CitizenReply)));
    assert_eq!(follow_up.conversation.as_deref(), Some(FIRST));
    assert_eq!(follow_up.parent.as_deref(), Some(&*answer.id));
    assert_eq!(follow_up.id, SECOND);
}

#[test]
fn an_answer_becomes_a_message_and_is_receipted_only_when_it_is_settled() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    Letter::to(&inbox.sent()[0], 1, "12").text("Smør på.").deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    let [event] = page.events.as_slice() else { panic!("{page:?}") };
    let EventBody::Message(told) = &event.body else { panic!("{event:?}") };
    assert_eq!(told.dialog, FIRST);
    assert_eq!(told.message.text, "Smør på.");
    assert_eq!(told.message.author.as_deref(), Some("Frida Fastlege"));
    assert_eq!(told.status, DialogStatus::AwaitingCitizen);
    let delivered = &inbox.inbox()[0];
    assert!(!delivered.read && delivered.app_recs.is_empty());
    assert!(page.more);
    let page = poll(&inbox, Some(&page), &[(&event.id, Disposition::Accepted)]);
    assert!(page.events.is_empty() && !page.more);
    let delivered = &inbox.inbox()[0];
    assert!(delivered.read);
    assert_eq!(delivered.app_recs, [(1, vec![])]);
}

#[test]
fn what_is_not_settled_is_told_again() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    Letter::to(&inbox.sent()[0], 1, "12").text("Ja").deliver(&mut inbox.store.borrow_mut());
    let first = poll(&inbox, None, &[]);
    let again = poll(&inbox, Some(&first), &[]);
    assert_eq!(first.events, again.events);
    assert!(inbox.inbox()[0].app_recs.is_empty());
}

#[test]
fn a_duplicate_is_told_once_and_receipted_once() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    let letter = Letter::to(&inbox.sent()[0], 1, "12").text("Ja");
    letter.deliver(&mut inbox.store.borrow_mut());
    letter.deliver(&mut inbox.store.borrow_mut());
    assert_eq!(drain(&inbox).len(), 1);
    // And once more, after everything is settled.
    letter.deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    let id = page.events[0].id.clone();
    poll(&inbox, Some(&page), &[(&id, Disposition::Duplicate)]);
    let inbox = inbox.inbox();
    assert!(inbox.iter().all(|one| one.read));
    assert_eq!(inbox.iter().map(|one| one.app_recs.len()).sum::<usize>(), 1);
}

#[test]
fn a_citizen_who_is_not_digitally_active_is_receipted_with_e35() {
    let inbox = Inbox::silent();
    let mut letter = Letter::new(1, "DIALOG_INNBYGGER_EKONTAKT", "EKI").text("Vaksinen er kommet.");
    letter.request = true;
    letter.deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    let id = page.events[0].id.clone();
    poll(&inbox, Some(&page), &[(&id, Disposition::Refused(RefusalReason::NotDigitallyActive))]);
    assert_eq!(inbox.inbox()[0].app_recs, [(2, vec!["E35".to_owned()])]);
    assert!(inbox.inbox()[0].read);
}

#[test]
fn a_receipt_that_meldingstjener_does_not_take_now_is_given_later() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    Letter::to(&inbox.sent()[0], 1, "12").text("Ja").deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    let id = page.events[0].id.clone();
    inbox.store.borrow_mut().failures.push((Method::Post, Reply::status(503)));
    let page = poll(&inbox, Some(&page), &[(&id, Disposition::Accepted)]);
    assert!(page.events.is_empty() && !page.more, "{page:?}");
    assert!(inbox.inbox()[0].app_recs.is_empty() && !inbox.inbox()[0].read);
    let page = poll(&inbox, Some(&page), &[]);
    assert!(page.events.is_empty());
    assert_eq!(inbox.inbox()[0].app_recs.len(), 1);
    assert!(inbox.inbox()[0].read);
}

#[test]
fn what_cannot_be_read_is_kept_shown_and_receipted_negatively() {
    let inbox = Inbox::silent();
    inbox.store.borrow_mut().deliver(GP, "d1", b"<MsgHead><MsgInfo>".to_vec(), false);
    inbox.store.borrow_mut().deliver(GP, "d2", b"<Kvittering/>".to_vec(), false);
    inbox.store.borrow_mut().deliver(
        GP,
        "d3",
        b"<MsgHead><MsgInfo><MsgId>1</MsgId></MsgInfo></MsgHead>".to_vec(),
        false,
    );
    let page = poll(&inbox, None, &[]);
    assert_eq!(page.events.len(), 3);
    for (event, delivered) in page.events.iter().zip(inbox.inbox()) {
        let EventBody::Unreadable(unreadable) = &event.body else { panic!("{event:?}") };
        assert_eq!(unreadable.office, Some(OFFICE));
        assert_eq!(unreadable.raw.media_type, "application/octet-stream");
        assert_eq!(inbox.host.bytes(&unreadable.raw).unwrap(), delivered.bytes);
    }
    let settled: Vec<_> = page.events.iter().map(|event| (event.id.as_str(), Disposition::Accepted)).collect();
    poll(&inbox, Some(&page), &settled);
    let receipts: Vec<_> = inbox.inbox().into_iter().flat_map(|one| one.app_recs).collect();
    assert_eq!(receipts, [(2, vec!["T01".to_owned()]), (2, vec!["T10".to_owned()]), (2, vec!["T02".to_owned()])]);
    assert!(inbox.inbox().iter().all(|one| one.read));
}

#[test]
fn a_message_that_names_another_sender_or_another_patient_is_not_let_in() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    let answer = Letter::to(&inbox.sent()[0], 1, "12").text("Ja");
    inbox.store.borrow_mut().deliver(9_999_999, &answer.id, answer.bytes(), false);
    let mut other = Letter::to(&inbox.sent()[0], 2, "12").text("Til en annen");
    other.patient = "01817010136";
    other.deliver(&mut inbox.store.borrow_mut());
    let mut stranger = Letter::to(&inbox.sent()[0], 3, "12").text("Fra et annet kontor");
    (stranger.organisation, stranger.party) = (7_000_000, 7_000_001);
    stranger.deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    assert!(page.events.iter().all(|event| matches!(event.body, EventBody::Unreadable(_))), "{page:?}");
    let settled: Vec<_> = page.events.iter().map(|event| (event.id.as_str(), Disposition::Accepted)).collect();
    poll(&inbox, Some(&page), &settled);
    for one in inbox.inbox() {
        assert_eq!(one.app_recs, [(2, vec!["E10".to_owned()])]);
    }
    assert!(!format!("{page:?}").contains("01817010136"));
}

#[test]
fn codes_become_states() {
    let closed = |closing| DialogStatus::Closed(closing);
    let cases: [(&'static str, Option<&str>, DialogStatus); 7] = [
        ("12", Some("Svar"), DialogStatus::AwaitingCitizen),
        ("19", Some("Svar"), DialogStatus::AwaitingCitizen),
        ("13", Some("Ha det"), closed(Closing::Answered)),
        ("13", None, closed(Closing::Answered)),
        ("26", Some("Nei"), closed(Closing::Declined)),
        ("30", None, closed(Closing::Declined)),
        ("31", None, closed(Closing::Declined)),
    ];
    for (code, text, expected) in cases {
        let inbox = Inbox::silent();
        open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
        let mut letter = Letter::to(&inbox.sent()[0], 1, code);
        letter.text = text.map(Into::into);
        letter.deliver(&mut inbox.store.borrow_mut());
        let events = drain(&inbox);
        match (events.as_slice(), text) {
            ([EventBody::Message(told)], Some(_)) => {
                assert_eq!(told.status, expected, "{code}");
                assert_eq!(told.redirect, None);
            }
            ([EventBody::Status(told)], None) => assert_eq!(told.status, expected, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn an_office_that_asks_for_an_e_consultation_redirects() {
    let inbox = Inbox::silent();
    open(&inbox, Opening::Inquiry(Inquiry { message: said(FIRST, "Jeg har vondt") })).unwrap();
    Letter::to(&inbox.sent()[0], 1, "13")
        .text("Dette må du sende som e-konsultasjon.")
        .deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    let [EventBody::Message(told)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(told.status, DialogStatus::Closed(Closing::Redirected));
    assert_eq!(told.redirect, Some(Service::Consultation));
}

#[test]
fn the_office_opens_a_dialogue_and_the_citizen_answers_in_it() {
    let inbox = Inbox::silent();
    let mut letter = Letter::new(1, "DIALOG_INNBYGGER_EKONTAKT", "DI").text("Har du flyttet?");
    letter.request = true;
    letter.deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    let [EventBody::Opened(opened)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(opened.dialog, letter.id);
    assert_eq!(opened.office, OFFICE);
    assert_eq!(opened.service, Service::Inquiry);
    assert!(opened.reply_allowed);
    assert_eq!(opened.citizen, CitizenIdentity::NationalIdentityNumber(CITIZEN.into()));
    let mut ctx = context();
    ctx.now += 20_000;
    inbox.host.call(|| Ddfl::send(ctx, letter.id.clone(), said(SECOND, "Ja"))).unwrap();
    let [reply] = inbox.sent().try_into().unwrap();
    assert_eq!((reply.process, reply.kind), (Some(Process::Contact), Some(Kind::CitizenReply)));
    assert_eq!(reply.conversation.as_deref(), Some(&*letter.id));
    assert_eq!(reply.parent.as_deref(), Some(&*letter.id));
    assert_eq!(reply.receiver.her_id.unwrap().get(), GP);
}

#[test]
fn what_an_office_wrote_to_a_citizen_is_forgotten_with_the_citizen_and_the_ledger_stays() {
    let inbox = Inbox::silent();
    let mut letter = Letter::new(1, "DIALOG_INNBYGGER_EKONTAKT", "DI").text("Har du flyttet?");
    letter.request = true;
    letter.deliver(&mut inbox.store.borrow_mut());
    drain(&inbox);
    let remembers = |inbox: &Inbox| {
        inbox.host.state().values().any(|value| String::from_utf8_lossy(value).contains(letter.id.as_str()))
    };
    assert!(remembers(&inbox));
    inbox.host.erase(&CitizenIdentity::NationalIdentityNumber(CITIZEN.into()));
    assert!(!remembers(&inbox));
    let left: Vec<String> = inbox.host.state().into_keys().collect();
    assert!(!left.is_empty() && left.iter().all(|key| key.starts_with("r.")), "{left:?}");
}

#[test]
fn a_one_way_message_allows_no_reply() {
    let inbox = Inbox::silent();
    let mut letter = Letter::new(1, "DIALOG_INNBYGGER_EKONSULTASJON", "EKI").text("Prøvene er fine.");
    letter.request = true;
    letter.deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    let [EventBody::Opened(opened)] = events.as_slice() else { panic!("{events:?}") };
    assert!(!opened.reply_allowed);
    assert_eq!(opened.service, Service::Consultation);
}

#[test]
fn receipts_are_told_with_their_reasons() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    app_rec(&mut inbox.store.borrow_mut(), 1, FIRST, 1, &[]);
    let events = drain(&inbox);
    let [EventBody::Receipt(receipt)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((receipt.dialog.as_str(), receipt.message.as_str()), (FIRST, FIRST));
    assert_eq!(receipt.outcome, ReceiptOutcome::Delivered);
    assert!(inbox.inbox()[0].read && inbox.inbox()[0].app_recs.is_empty());

    let mut ctx = context();
    ctx.now += 20_000;
    inbox.host.call(|| Ddfl::send(ctx, FIRST.into(), said(SECOND, "Mer"))).unwrap();
    app_rec(&mut inbox.store.borrow_mut(), 2, SECOND, 2, &["E35", "X99"]);
    let events = drain(&inbox);
    let [EventBody::Receipt(receipt)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((receipt.dialog.as_str(), receipt.message.as_str()), (FIRST, SECOND));
    let ReceiptOutcome::Refused(refusals) = &receipt.outcome else { panic!("{receipt:?}") };
    let told: Vec<_> = refusals.iter().map(|one| (one.code.as_str(), one.resendable)).collect();
    assert_eq!(told, [("E35", false), ("X99", true)]);
}

#[test]
fn no_receipt_in_96_hours_is_a_no_and_told_once() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    assert!(drain(&inbox).is_empty());
    later(&inbox, 95 * 3_600_000);
    assert!(drain(&inbox).is_empty());
    later(&inbox, 2 * 3_600_000);
    let events = drain(&inbox);
    let [EventBody::Receipt(receipt)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((receipt.dialog.as_str(), receipt.message.as_str()), (FIRST, FIRST));
    assert!(matches!(&receipt.outcome, ReceiptOutcome::Refused(refusals) if refusals[0].code == "no-receipt"));
    assert!(drain(&inbox).is_empty());
}

#[test]
fn a_communication_test_is_answered() {
    let inbox = Inbox::silent();
    let mut letter = Letter::new(1, "DIALOG_INNBYGGER_TEST", "KT");
    letter.request = true;
    letter.ack = "N";
    letter.deliver(&mut inbox.store.borrow_mut());
    assert!(drain(&inbox).is_empty());
    let [answer] = inbox.sent().try_into().unwrap();
    assert_eq!(answer.kind, Some(Kind::TestAnswer));
    assert_eq!(answer.parent.as_deref(), Some(&*letter.id));
    assert_eq!(answer.receiver.her_id.unwrap().get(), GP);
    assert!(inbox.inbox()[0].read && inbox.inbox()[0].app_recs.is_empty());
}

fn item(id: &str, medicine: &str, eprescription: Option<Vec<u8>>) -> RenewalItem {
    RenewalItem { id: id.into(), medicine: medicine.into(), atc: None, note: None, eprescription }
}

fn m1(id: &str, name: &str) -> Vec<u8> {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/m1.xml"))
        .unwrap()
        .replace("{NAME}", name)
        .replace("{ID}", id)
        .into_bytes()
}

#[test]
fn a_renewal_goes_with_prescriptions_where_the_version_has_them_and_as_text_elsewhere() {
    let items =
        vec![item("1", "Testozin", Some(m1("1", "Testozin"))), item("2", "Prøvolol", Some(m1("2", "Prøvolol")))];
    let renewal = Opening::PrescriptionRenewal(Renewal { items: items.clone(), message: None });
    let inbox = Inbox::silent();
    open(&inbox, renewal.clone()).unwrap();
    let sent = inbox.sent().pop().unwrap();
    assert_eq!(sent.kind, Some(Kind::RenewPrescriptions));
    assert_eq!(sent.prescriptions.len(), 2);
    drop(inbox);

    let inbox = Inbox::silent();
    let mut ctx = context();
    ctx.settings = settings(&["DIALOG_INNBYGGER_RESEPTFORNYELSE@1.2"]);
    inbox.host.call(|| Ddfl::open(ctx, DIALOG.into(), renewal)).unwrap();
    let sent = inbox.sent().pop().unwrap();
    assert_eq!(sent.kind, Some(Kind::RenewFreeText));
    assert_eq!(sent.text.as_deref(), Some("Testozin\nPrøvolol"));
    drop(inbox);

    let inbox = Inbox::silent();
    let broken = vec![items[0].clone(), item("2", "Prøvolol", Some(b"<a/>".to_vec()))];
    let failure = open(&inbox, Opening::PrescriptionRenewal(Renewal { items: broken, message: None })).unwrap_err();
    let Failure::Invalid(fields) = failure else { panic!("{failure:?}") };
    assert_eq!(fields[0].pointer, "/request/items/1/eprescription");
    assert!(inbox.sent().is_empty());
}

#[test]
fn each_medicine_of_a_partial_renewal_is_decided() {
    for structured in [true, false] {
        let inbox = Inbox::silent();
        let file = |id, name| structured.then(|| m1(id, name));
        let items = vec![item("1", "Testozin", file("1", "Testozin")), item("2", "Prøvolol", file("2", "Prøvolol"))];
        let opened = open(&inbox, Opening::PrescriptionRenewal(Renewal { items, message: None })).unwrap();
        let mut letter = Letter::to(&inbox.sent()[0], 1, "32");
        letter = if structured {
            letter.document(std::str::from_utf8(&m1("1", "Testozin")).unwrap().split_once("?>").unwrap().1)
        } else {
            letter.text("Testozin: fornyet.\nPrøvolol: ikke fornyet.")
        };
        letter.deliver(&mut inbox.store.borrow_mut());
        let events = drain(&inbox);
        let [EventBody::Renewal(answer)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(answer.dialog, opened.reference);
        assert_eq!(answer.status, DialogStatus::Closed(Closing::Answered));
        let decided: Vec<_> = answer.decisions.iter().map(|one| (one.item.as_deref().unwrap(), one.outcome)).collect();
        assert_eq!(decided, [("1", RenewalOutcome::Renewed), ("2", RenewalOutcome::Refused)]);
    }
}

#[test]
fn a_certificate_comes_back_as_a_file() {
    let inbox = Inbox::silent();
    let certificate = Certificate { purpose: "Førerkort".into(), message: said(FIRST, "Takk."), form: None };
    open(&inbox, Opening::Certificate(certificate)).unwrap();
    let sent = inbox.sent().pop().unwrap();
    assert_eq!(sent.kind, Some(Kind::OrderCertificate));
    assert_eq!(sent.text.as_deref(), Some("Formål: Førerkort\n\nTakk."));
    let mut letter = Letter::to(&sent, 1, "17");
    letter.documents = "<Document><RefDoc><MsgType V='A'/><MimeType>application/pdf</MimeType><Description>Attest</Description><Content><Base64Container>JVBERi0x</Base64Container></Content></RefDoc></Document>".into();
    letter.deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    let [EventBody::Message(told)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(told.status, DialogStatus::Closed(Closing::Answered));
    assert_eq!(told.message.text, "Se vedlegg.");
    let [file] = told.message.attachments.as_slice() else { panic!("{told:?}") };
    assert_eq!((file.name.as_str(), file.media_type.as_str()), ("Attest", "application/pdf"));
    assert_eq!(inbox.host.bytes(file).unwrap(), b"%PDF-1");
}

#[test]
fn a_file_that_the_gateway_does_not_take_is_named_in_the_text() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    let mut letter = Letter::to(&inbox.sent()[0], 1, "12").text("Se her");
    letter.documents = "<Document><RefDoc><MsgType V='A'/><MimeType>text/html</MimeType><Description>side.html</Description><Content><Base64Container>aGVp</Base64Container></Content></RefDoc></Document>".into();
    letter.deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    let [EventBody::Message(told)] = events.as_slice() else { panic!("{events:?}") };
    assert!(told.message.text.contains("«side.html» kan ikke vises"), "{}", told.message.text);
}

#[test]
fn a_wish_is_granted_moved_and_cancelled() {
    let inbox = Inbox::silent();
    let preferred = vec![Period { start: 1_767_686_400_000, end: 1_767_693_600_000 }];
    let wish = AppointmentRequest { message: said(FIRST, "Kontroll"), preferred };
    let opened = open(&inbox, Opening::AppointmentRequest(wish)).unwrap();
    let sent = inbox.sent().pop().unwrap();
    assert_eq!(sent.kind, Some(Kind::WishAppointment));
    assert_eq!(sent.text.as_deref(), Some("Kontroll\n\nØnsket tid:\n- 06.01.2026 kl. 09.00 til 11.00"));
    Letter::to(&sent, 1, "05")
        .text("Velkommen")
        .appointment("2026-01-06T09:00:00", "2026-01-06T09:15:00", "u1", "r1")
        .deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    let [EventBody::Message(told), EventBody::Appointment(booked)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(told.status, DialogStatus::Closed(Closing::Answered));
    assert_eq!(booked.kind, AppointmentChangeKind::Booked);
    assert_eq!(booked.dialog.as_deref(), Some(&*opened.reference));
    assert_eq!(booked.appointment.id, "r1");
    assert_eq!(booked.appointment.start, 1_767_686_400_000);
    assert!(booked.appointment.cancellable);

    let change = AppointmentChangeRequest {
        appointment: "r1".into(),
        message: said(SECOND, "Kan den flyttes?"),
        preferred: Vec::new(),
    };
    inbox.host.call(|| Ddfl::open(context(), "d2".into(), Opening::AppointmentChange(change))).unwrap();
    let sent = inbox.sent().pop().unwrap();
    assert_eq!(sent.kind, Some(Kind::WishChange));
    assert_eq!(sent.appointments[0].uid, "u1");
    assert_eq!(sent.appointments[0].related_to.as_deref(), Some("r1"));
    Letter::to(&sent, 2, "07")
        .appointment("2026-01-07T09:00:00", "2026-01-07T09:15:00", "u2", "r1")
        .deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    assert!(
        events.iter().any(|event| matches!(event, EventBody::Appointment(moved)
            if moved.kind == AppointmentChangeKind::Moved && moved.appointment.id == "r1")),
        "{events:?}"
    );

    let cancel = AppointmentCancelRequest { appointment: "r1".into(), message: None };
    inbox.host.call(|| Ddfl::open(context(), "d3".into(), Opening::AppointmentCancel(cancel))).unwrap();
    let sent = inbox.sent().pop().unwrap();
    assert_eq!(sent.kind, Some(Kind::WishCancel));
    assert_eq!(sent.appointments[0].uid, "u2");

    let unknown = AppointmentCancelRequest { appointment: "other".into(), message: None };
    let failure = inbox.host.call(|| Ddfl::open(context(), "d4".into(), Opening::AppointmentCancel(unknown)));
    assert!(matches!(failure, Err(Failure::NotFound(_))));
}

#[test]
fn a_wish_that_is_not_granted_closes_the_dialog() {
    let inbox = Inbox::silent();
    let wish = AppointmentRequest { message: said(FIRST, "Time?"), preferred: Vec::new() };
    open(&inbox, Opening::AppointmentRequest(wish)).unwrap();
    Letter::to(&inbox.sent()[0], 1, "06").deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    let [EventBody::Status(told)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(told.status, DialogStatus::Closed(Closing::Declined));
    assert_eq!(told.reason.as_deref(), Some("Legekontoret har ingen ledig time."));
}

#[test]
fn what_the_office_does_not_support_is_declined_and_never_sent() {
    let inbox = Inbox::silent();
    let mut ctx = context();
    ctx.settings = settings(&["DIALOG_INNBYGGER_EKONSULTASJON@1.1"]);
    let inquiry = Opening::Inquiry(Inquiry { message: said(FIRST, "Hei") });
    let failure = inbox.host.call(|| Ddfl::open(ctx.clone(), DIALOG.into(), inquiry)).unwrap_err();
    assert!(matches!(failure, Failure::Declined(reason) if reason.code == "process-not-supported"));

    ctx.representative = Some(Representative {
        reference: "r".into(),
        national_identity_number: Some("01817010136".into()),
        given_name: "Mor".into(),
        family_name: "Nordmann".into(),
        role: Representation::Parent,
    });
    let failure = inbox.host.call(|| Ddfl::open(ctx, DIALOG.into(), consultation(said(FIRST, "Hei")))).unwrap_err();
    assert!(matches!(failure, Failure::Declined(reason) if reason.code == "representation-not-supported"));

    let video =
        Opening::Consultation(Consultation { mode: ConsultationMode::Video, message: said(FIRST, "Hei"), form: None });
    assert!(matches!(open(&inbox, video), Err(Failure::Declined(_))));
    assert!(inbox.sent().is_empty());
}

#[test]
fn a_text_that_is_too_long_is_the_citizens_to_mend_and_a_long_subject_is_not() {
    let inbox = Inbox::silent();
    let failure = open(&inbox, consultation(said(FIRST, &"x".repeat(1001)))).unwrap_err();
    let Failure::Invalid(fields) = failure else { panic!("{failure:?}") };
    assert_eq!(fields[0].pointer, "/message/text");
    let mut long = said(FIRST, "Tekst");
    long.subject = Some("æ".repeat(120));
    open(&inbox, consultation(long)).unwrap();
    let sent = inbox.sent().pop().unwrap();
    assert_eq!(sent.subject.unwrap().chars().count(), 50);
    assert_eq!(sent.text.unwrap(), format!("{}\n\nTekst", "æ".repeat(120)));
}

#[test]
fn an_outage_says_what_was_sent() {
    let cases: [(Reply, bool, Sent); 5] = [
        (Reply::status(503), true, Sent::No),
        (Reply::status(500), true, Sent::Unknown),
        (Reply::error(Cause::Unreachable("x".into())), true, Sent::No),
        (Reply::error(Cause::Interrupted("x".into())), true, Sent::Unknown),
        (Reply::json(400, &serde_json::json!({"Error": "hemmelig", "ErrorCode": 4000})), false, Sent::No),
    ];
    for (reply, available, expected) in cases {
        let inbox = Inbox::silent();
        inbox.store.borrow_mut().failures.push((Method::Post, reply));
        let failure = open(&inbox, consultation(said(FIRST, "Hei"))).unwrap_err();
        let sent = match &failure {
            Failure::Unavailable(outage) if available => outage.sent,
            Failure::Faulty(fault) if !available => {
                assert!(fault.detail.contains("error code 4000") && !fault.detail.contains("hemmelig"));
                fault.sent
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(sent, expected);
        assert!(inbox.host.state().is_empty(), "nothing is kept of what failed");
    }
}

#[test]
fn ending_a_dialog_tells_the_office_where_a_message_can() {
    let inbox = Inbox::silent();
    let opened = open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    let mut ctx: Context = context();
    ctx.now += 20_000;
    inbox.host.call(|| Ddfl::close(ctx.clone(), opened.reference)).unwrap();
    let last = inbox.sent().pop().unwrap();
    assert_eq!(last.kind, Some(Kind::CitizenReply));
    assert_eq!(last.conversation.as_deref(), Some(FIRST));
    let items = vec![item("1", "Testozin", None)];
    ctx.idempotency_key = "k2".into();
    let renewal = Opening::PrescriptionRenewal(Renewal { items, message: None });
    let opened = inbox.host.call(|| Ddfl::open(ctx.clone(), "d2".into(), renewal)).unwrap();
    let count = inbox.sent().len();
    inbox.host.call(|| Ddfl::close(ctx.clone(), opened.reference.clone())).unwrap();
    assert_eq!(inbox.sent().len(), count);
    let failure = inbox.host.call(|| Ddfl::send(ctx, opened.reference, said(SECOND, "Mer"))).unwrap_err();
    assert!(matches!(failure, Failure::Declined(reason) if reason.code == "no-reply"));
}

#[test]
fn a_full_inbox_is_worked_off_within_the_requests_of_a_call() {
    let inbox = Inbox::silent();
    for id in 0..23 {
        let mut letter = Letter::new(id, "DIALOG_INNBYGGER_EKONTAKT", "EKI").text("Hei");
        letter.request = true;
        letter.deliver(&mut inbox.store.borrow_mut());
    }
    let before = inbox.host.requests().len();
    let page = poll(&inbox, None, &[]);
    assert!(inbox.host.requests().len() - before <= 16);
    let settled: Vec<_> = page.events.iter().map(|event| (event.id.as_str(), Disposition::Accepted)).collect();
    let before = inbox.host.requests().len();
    let next = poll(&inbox, Some(&page), &settled);
    assert!(inbox.host.requests().len() - before <= 16);
    assert_eq!(page.events.len() + next.events.len(), 10);
    let settled: Vec<_> = next.events.iter().map(|event| (event.id.as_str(), Disposition::Accepted)).collect();
    poll(&inbox, Some(&next), &settled);
    assert_eq!(drain(&inbox).len() + 10, 23);
    assert!(inbox.inbox().iter().all(|one| one.read && one.app_recs.len() == 1));
}

#[test]
fn a_request_without_a_message_is_closed_when_it_is_refused() {
    for refused in [true, false] {
        let inbox = Inbox::silent();
        let items = vec![item("1", "Testozin", None)];
        let opened = open(&inbox, Opening::PrescriptionRenewal(Renewal { items, message: None })).unwrap();
        let (status, errors): (u8, &[&str]) = if refused { (2, &["T10"]) } else { (1, &[]) };
        app_rec(&mut inbox.store.borrow_mut(), 1, &opened.reference, status, errors);
        let events = drain(&inbox);
        match events.as_slice() {
            [] if !refused => {}
            [EventBody::Status(told)] if refused => {
                assert_eq!(told.dialog, opened.reference);
                assert_eq!(told.status, DialogStatus::Closed(Closing::Declined));
            }
            other => panic!("{other:?}"),
        }
        assert!(inbox.inbox()[0].read);
    }
}

#[test]
fn nothing_new_leaves_the_cursor_as_it_is() {
    let inbox = Inbox::silent();
    let first = poll(&inbox, None, &[]);
    later(&inbox, 120_000);
    let second = poll(&inbox, Some(&first), &[]);
    assert_eq!(first.cursor, second.cursor);
    assert!(second.events.is_empty() && !second.more);
}

#[test]
fn a_receipt_that_is_quicker_than_its_call_waits_for_it() {
    let inbox = Inbox::silent();
    app_rec(&mut inbox.store.borrow_mut(), 1, FIRST, 1, &[]);
    let page = poll(&inbox, None, &[]);
    assert!(page.events.is_empty() && !inbox.inbox()[0].read);
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    later(&inbox, 4_000);
    let page = poll(&inbox, Some(&page), &[]);
    assert!(matches!(page.events[0].body, EventBody::Receipt(_)), "{page:?}");
}

#[test]
fn a_receipt_that_nobody_waits_for_is_read_and_forgotten() {
    let inbox = Inbox::silent();
    app_rec(&mut inbox.store.borrow_mut(), 1, FIRST, 1, &[]);
    let mut page = poll(&inbox, None, &[]);
    for _ in 0..5 {
        later(&inbox, 4_000);
        page = poll(&inbox, Some(&page), &[]);
        assert!(page.events.is_empty());
    }
    assert!(inbox.inbox()[0].read && inbox.inbox()[0].app_recs.is_empty());
}

#[test]
fn a_message_that_cannot_be_fetched_stands_in_nobodys_way() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    inbox.store.borrow_mut().deliver(GP, "huge", b"x".to_vec(), false);
    Letter::to(&inbox.sent()[0], 1, "12").text("Ja").deliver(&mut inbox.store.borrow_mut());
    // The list is fetched first; the second answer is of the first document.
    inbox.store.borrow_mut().document_failures.push(Reply::error(Cause::TooLarge));
    let page = poll(&inbox, None, &[]);
    let [first, second] = page.events.as_slice() else { panic!("{page:?}") };
    assert!(matches!(first.body, EventBody::Unreadable(_)));
    assert!(matches!(second.body, EventBody::Message(_)));
    let settled = [(first.id.as_str(), Disposition::Accepted), (second.id.as_str(), Disposition::Accepted)];
    poll(&inbox, Some(&page), &settled);
    assert_eq!(inbox.inbox()[0].app_recs, [(2, vec!["X99".to_owned()])]);
    assert!(inbox.inbox().iter().all(|one| one.read));
}

#[test]
fn a_fetch_that_breaks_off_keeps_what_the_call_has_confirmed() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    Letter::to(&inbox.sent()[0], 1, "12").text("Ja").deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    let id = page.events[0].id.clone();
    inbox.store.borrow_mut().failures.push((Method::Get, Reply::status(503)));
    let page = poll(&inbox, Some(&page), &[(&id, Disposition::Accepted)]);
    assert!(page.events.is_empty());
    poll(&inbox, Some(&page), &[]);
    assert_eq!(inbox.inbox()[0].app_recs.len(), 1);
}

#[test]
fn a_conversation_that_has_ended_is_forgotten_when_that_is_settled() {
    let inbox = Inbox::silent();
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    app_rec(&mut inbox.store.borrow_mut(), 1, FIRST, 1, &[]);
    drain(&inbox);
    Letter::to(&inbox.sent()[0], 1, "13").text("Ha det").deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    assert!(inbox.host.state().keys().any(|key| key.starts_with("c.")));
    let id = page.events[0].id.clone();
    poll(&inbox, Some(&page), &[(&id, Disposition::Accepted)]);
    let left: Vec<String> = inbox.host.state().into_keys().filter(|key| !key.starts_with("r.")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_full_memory_makes_room_for_what_is_new() {
    let inbox = Inbox::silent();
    for number in 0..10_000 {
        let key = format!("c.01000000-0000-7000-8000-{number:012}");
        dialog_plugin_sdk::state::set(&key, b"{}").unwrap();
    }
    open(&inbox, consultation(said(FIRST, "Hei"))).unwrap();
    let state = inbox.host.state();
    assert!(state.contains_key(&format!("c.{FIRST}")));
    assert!(!state.contains_key("c.01000000-0000-7000-8000-000000000000"));
}

#[test]
fn what_the_contract_would_refuse_is_told_as_unreadable_and_not_handed_over() {
    let inbox = Inbox::silent();
    let mut impossible = Letter::new(1, "DIALOG_INNBYGGER_EKONTAKT", "EKI").text("Hei");
    impossible.request = true;
    impossible.patient = "01817000000";
    impossible.deliver(&mut inbox.store.borrow_mut());
    let mut broken = Letter::new(2, "DIALOG_INNBYGGER_EKONTAKT", "EKI").text("Hei");
    broken.request = true;
    broken.id = "a\nb".into();
    broken.deliver(&mut inbox.store.borrow_mut());
    let mut many = Letter::new(3, "DIALOG_INNBYGGER_TIMERESERVASJON", "05");
    many.request = true;
    for _ in 0..16 {
        many = many.appointment("2026-01-06T09:00:00", "2026-01-06T09:15:00", "s1", "r1");
    }
    many.deliver(&mut inbox.store.borrow_mut());
    let mut ancient = Letter::new(4, "DIALOG_INNBYGGER_EKONTAKT", "EKI").text("Hei");
    ancient.request = true;
    ancient.generated = "0001-01-01T00:00:00Z".into();
    ancient.deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    let kinds: Vec<bool> = page.events.iter().map(|event| matches!(event.body, EventBody::Unreadable(_))).collect();
    assert_eq!(kinds, [true, true, true, false]);
    assert!(page.events.iter().all(|event| event.occurred > 0));
}

#[test]
fn a_partial_renewal_that_does_not_say_which_promises_nothing() {
    let inbox = Inbox::silent();
    let items = vec![item("1", "Testozin", None), item("2", "Prøvolol", None)];
    open(&inbox, Opening::PrescriptionRenewal(Renewal { items, message: None })).unwrap();
    Letter::to(&inbox.sent()[0], 1, "32").deliver(&mut inbox.store.borrow_mut());
    let events = drain(&inbox);
    let [EventBody::Status(told)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(told.status, DialogStatus::Closed(Closing::Answered));
    assert!(told.reason.as_deref().unwrap().contains("Spør legekontoret hvilke"));
}
