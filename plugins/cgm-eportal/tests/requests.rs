//! What is sent: every kind of request against its golden file. The simulated vendor's own tests take the same files in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use cgm_eportal::CgmEportal;
use dialog_plugin_sdk::dialogs::{
    AppointmentRequest, Certificate, Consultation, ConsultationMode, Dialogs, Inquiry, Opening, Renewal, RenewalItem,
    SickNoteRenewal,
};
use dialog_plugin_sdk::feedback::Feedback;
use dialog_plugin_sdk::inbound::Inbound;
use dialog_plugin_sdk::prescriptions::Prescriptions;
use dialog_plugin_sdk::testing::{Host, Request};
use dialog_plugin_sdk::{Failure, Message};
use serde_json::json;
use support::{
    DIALOG, NUMBER, PNG, answering, context, done, golden, host, inbound, keyed, message, only, reply, represented,
};

fn opening(name: &str, opening: impl FnOnce(&Host) -> Opening) {
    let host = answering(&done("openThread", "WITH_PRACTICE"));
    let opening = opening(&host);
    let opened = CgmEportal::open(keyed(&format!("key-{name}")), DIALOG.into(), opening).unwrap();
    assert_eq!((opened.reference.as_str(), opened.events.len()), ("T-100001", 0));
    golden(name, &only(&host));
}

fn item(id: &str, medicine: &str, note: Option<&str>) -> RenewalItem {
    let (id, medicine, note) = (id.into(), medicine.into(), note.map(Into::into));
    RenewalItem { id, medicine, atc: Some("C08CA01".into()), note, eprescription: None }
}

#[test]
fn an_inquiry_is_a_thread_and_carries_its_picture_as_base64() {
    opening("thread-inquiry", |host| {
        let picture = host.attachment("skjema \"to\".png", "image/png", PNG);
        let mut message = message("Har dere åpent i julen?", vec![picture]);
        message.subject = Some("Åpningstider".into());
        Opening::Inquiry(Inquiry { message })
    });
}

#[test]
fn a_renewal_has_an_item_for_each_medicine_and_needs_no_message() {
    opening("thread-renewal", |_| {
        let items = vec![
            item("RX-TORG-1", "Amlodipin 5 mg", Some("Ti igjen.")),
            item("019a0000-0000-7000-8000-0000000000f1", "Noe \"annet\"", None),
        ];
        Opening::PrescriptionRenewal(Renewal { items, message: None })
    });
    opening("thread-renewal-with-words", |_| {
        let items = vec![item("RX-TORG-2", "Simvastatin", None)];
        Opening::PrescriptionRenewal(Renewal { items, message: Some(message("Før helgen?", Vec::new())) })
    });
}

#[test]
fn a_certificate_says_what_it_is_for() {
    opening("thread-certificate", |_| {
        let message = message("Jeg trenger attest.", Vec::new());
        Opening::Certificate(Certificate { purpose: "Førerkort".into(), message, form: None })
    });
}

#[test]
fn a_sick_note_says_its_last_day_and_the_degree_and_not_what_it_is_for() {
    opening("thread-sick-note", |_| {
        let message = message("Ryggen er bedre, men ikke bra.", Vec::new());
        Opening::SickNoteRenewal(SickNoteRenewal { message, valid_until: "2026-11-25".into(), degree: 50 })
    });
    let host = answering(&json!({}));
    let message = message("Ryggen.", Vec::new());
    let opening = Opening::SickNoteRenewal(SickNoteRenewal { message, valid_until: "25. november".into(), degree: 50 });
    let failure = CgmEportal::open(context(), DIALOG.into(), opening).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)) && host.requests().is_empty(), "{failure:?}");
}

#[test]
fn who_acts_for_the_patient_is_named() {
    let host = answering(&done("openThread", "WITH_PRACTICE"));
    let opening = Opening::Inquiry(Inquiry { message: message("På vegne av Leila.", Vec::new()) });
    CgmEportal::open(represented(keyed("key-on-behalf")), DIALOG.into(), opening).unwrap();
    golden("thread-on-behalf", &only(&host));
}

#[test]
fn a_further_post_and_a_withdrawal_name_the_thread() {
    let host = answering(&done("addPost", "WITH_PRACTICE"));
    let file = host.attachment("svar.png", "image/png", PNG);
    let post = Message { subject: None, ..message("Takk.", vec![file]) };
    assert_eq!(CgmEportal::send(keyed("key-post"), "T-100001".into(), post).unwrap(), []);
    golden("post", &only(&host));
    drop(host);
    let host = answering(&done("withdrawThread", "WITHDRAWN"));
    assert_eq!(CgmEportal::close(keyed("key-withdraw"), "T-100001".into()).unwrap(), []);
    golden("withdraw", &only(&host));
}

#[test]
fn what_is_looked_up_about_a_patient_names_the_practice_and_the_patient() {
    let host = answering(&json!({ "data": {} }));
    CgmEportal::renewable(context()).unwrap_err();
    golden("medications", &only(&host));
    drop(host);
    let host = answering(&json!({ "data": { "survey": null } }));
    assert_eq!(CgmEportal::survey(context()).unwrap(), None);
    golden("survey", &only(&host));
}

#[test]
fn the_feed_is_confirmed_and_asked_and_documents_one_by_one() {
    let host = host();
    let document = json!({ "id": "D-1", "name": "a.pdf", "mediaType": "application/pdf", "size": 4 });
    let at = "2026-11-20T09:00:00Z";
    let post = json!({ "id": "P-1", "at": at, "text": "Hei", "documents": [document] });
    let thread = json!({ "id": "T-1", "kind": "INQUIRY", "state": "WITH_PATIENT" });
    let node =
        json!({ "__typename": "PostAdded", "at": at, "practice": "lilletorget", "thread": thread, "post": post });
    host.upstream("api", move |request: &Request| {
        let data = match request.header("x-operation-name") {
            Some("Changes") => {
                json!({ "changes": { "edges": [{ "number": 4, "node": node }], "through": 4, "more": false } })
            }
            Some("ConfirmChanges") => json!({ "confirmChanges": { "through": 3 } }),
            _ => json!({ "document": { "content": "JVBERg==" } }),
        };
        reply(200, &json!({ "data": data }))
    });
    let cursor = r#"{"after":3,"confirmed":0,"refused":{"2":"THREAD_UNKNOWN"},"stuck":null}"#;
    let page = CgmEportal::poll(inbound(), Some(cursor.to_owned()), Vec::new()).unwrap();
    assert_eq!(page.events.len(), 1);
    let requests = host.requests();
    assert_eq!(requests.len(), 3);
    for (name, request) in ["confirm", "changes-after", "document"].iter().zip(&requests) {
        golden(name, request);
    }
    CgmEportal::poll(inbound(), None, Vec::new()).unwrap();
    golden("changes", &host.requests()[3]);
}

#[test]
fn a_service_that_the_vendor_does_not_have_is_declined_and_nothing_is_sent() {
    let host = answering(&json!({}));
    let text = || message("Ryggen.", Vec::new());
    for opening in [
        Opening::AppointmentRequest(AppointmentRequest { message: text(), preferred: Vec::new() }),
        Opening::Consultation(Consultation { mode: ConsultationMode::Text, message: text(), form: None }),
    ] {
        let failure = CgmEportal::open(context(), DIALOG.into(), opening).unwrap_err();
        assert!(matches!(failure, Failure::Declined(_)), "{failure:?}");
    }
    assert!(host.requests().is_empty());
}

#[test]
fn a_form_and_files_with_a_renewal_are_refused_where_they_stand() {
    let host = answering(&json!({}));
    let form = Some("{}".to_owned());
    let certificate = Certificate { purpose: "Førerkort".into(), message: message("Attest.", Vec::new()), form };
    let file = host.attachment("a.png", "image/png", PNG);
    let renewal = Renewal { items: vec![item("RX-1", "A", None)], message: Some(message("Se her.", vec![file])) };
    for (opening, pointer) in [
        (Opening::Certificate(certificate), "/request/form"),
        (Opening::PrescriptionRenewal(renewal), "/message/attachments"),
    ] {
        let Failure::Invalid(errors) = CgmEportal::open(context(), DIALOG.into(), opening).unwrap_err() else {
            panic!("{pointer}")
        };
        assert_eq!(errors[0].pointer, pointer);
    }
    assert!(host.requests().is_empty());
}

#[test]
fn without_the_number_nothing_is_sent() {
    let host = answering(&done("openThread", "WITH_PRACTICE"));
    let mut ctx = context();
    ctx.citizen.as_mut().unwrap().national_identity_number = None;
    let opening = Opening::Inquiry(Inquiry { message: message("Hei", Vec::new()) });
    let failure = CgmEportal::open(ctx, DIALOG.into(), opening).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)) && host.requests().is_empty());
    assert!(!format!("{failure:?}").contains(NUMBER));
}
