//! What happened at the provider.

use std::collections::HashSet;

use dialog_contract::{
    ids::HprNumber,
    limits::returned,
    provider::{
        AppointmentChangeKind, CitizenIdentity, DialogFee, DialogStatus, Event, EventBody, NoticeChannel,
        NoticeOutcome, OfficeMessage, PaymentReceipt, PaymentState, ReceiptOutcome, Refusal, RenewalDecision,
        RenewalOutcome,
    },
    service::{Closing, Service},
};

use super::{
    answer::{Answer, At, Violation, closing, service, violation},
    appointments::appointment,
    payments::{amount, tariff},
    results, video,
};
use crate::bindings::host::types;

/// A list of events.
pub(crate) fn events(at: &At<'_>, events: Vec<types::Event>, answer: &mut Answer<'_>) -> Result<Vec<Event>, Violation> {
    answer.list(at, &events, returned::EVENTS)?;
    events.into_iter().enumerate().map(|(index, item)| event(&at.item(index), item, answer)).collect()
}

fn event(at: &At<'_>, event: types::Event, answer: &mut Answer<'_>) -> Result<Event, Violation> {
    let at_body = at.field("body");
    let at = &at_body;
    let reference =
        |answer: &mut Answer<'_>, dialog| answer.id(&at.field("dialog"), dialog, returned::REFERENCE_CHARACTERS);
    let body = match event.body {
        types::EventBody::Message(body) => {
            let status = status(body.status);
            let redirect = body.redirect.map(|to| dialogs(&at.field("redirect"), to)).transpose()?;
            if redirect.is_some() && status != DialogStatus::Closed(Closing::Redirected) {
                return violation(&at.field("redirect"), "only where the status is closed as redirected");
            }
            EventBody::Message {
                dialog: reference(answer, body.dialog)?,
                message: message(&at.field("message"), body.message, answer)?,
                status,
                redirect,
            }
        }
        types::EventBody::Opened(body) => EventBody::Opened {
            dialog: reference(answer, body.dialog)?,
            office: answer.her_id(&at.field("office"), body.office)?,
            citizen: citizen(&at.field("citizen"), body.citizen, answer)?,
            service: dialogs(&at.field("service"), body.service)?,
            message: message(&at.field("message"), body.message, answer)?,
            reply_allowed: body.reply_allowed,
        },
        types::EventBody::Status(body) => EventBody::Status {
            dialog: reference(answer, body.dialog)?,
            status: status(body.status),
            reason: answer.optional_text(&at.field("reason"), body.reason, returned::REASON_CHARACTERS)?,
        },
        types::EventBody::Receipt(body) => EventBody::Receipt {
            dialog: reference(answer, body.dialog)?,
            message: body.message.parse().or_else(|_| violation(&at.field("message"), "not a UUID"))?,
            outcome: receipt(&at.field("outcome"), body.outcome, answer)?,
        },
        types::EventBody::Renewal(body) => EventBody::Renewal {
            dialog: reference(answer, body.dialog)?,
            decisions: decisions(&at.field("decisions"), body.decisions, answer)?,
            message: body.message.map(|said| message(&at.field("message"), said, answer)).transpose()?,
            status: status(body.status),
        },
        types::EventBody::Appointment(body) => EventBody::Appointment {
            dialog: body.dialog.map(|dialog| reference(answer, dialog)).transpose()?,
            office: answer.her_id(&at.field("office"), body.office)?,
            citizen: citizen(&at.field("citizen"), body.citizen, answer)?,
            kind: match body.kind {
                types::AppointmentChangeKind::Booked => AppointmentChangeKind::Booked,
                types::AppointmentChangeKind::Moved => AppointmentChangeKind::Moved,
                types::AppointmentChangeKind::Cancelled => AppointmentChangeKind::Cancelled,
                types::AppointmentChangeKind::Reminder => AppointmentChangeKind::Reminder,
            },
            appointment: appointment(&at.field("appointment"), body.appointment, answer)?,
            text: answer.optional_text(&at.field("text"), body.text, returned::REASON_CHARACTERS)?,
        },
        types::EventBody::Unreadable(body) => EventBody::Unreadable {
            office: body.office.map(|office| answer.her_id(&at.field("office"), office)).transpose()?,
            reason: unreadable(answer.line(&at.field("reason"), body.reason, returned::SHORT_TEXT_CHARACTERS)?),
            raw: answer.raw(&at.field("raw"), &body.raw)?,
        },
        types::EventBody::Payment(body) => EventBody::Payment {
            payment: answer.id(&at.field("payment"), body.payment, returned::PAYMENT_ID_CHARACTERS)?,
            state: payment(&at.field("state"), body.state, answer)?,
        },
        types::EventBody::Charged(body) => EventBody::Charged {
            dialog: reference(answer, body.dialog)?,
            fees: fees(&at.field("fees"), body.fees, answer)?,
        },
        types::EventBody::Video(body) => EventBody::Video {
            dialog: reference(answer, body.dialog)?,
            state: video::state(&at.field("state"), body.state, answer)?,
        },
        types::EventBody::Results(body) => EventBody::Results {
            dialog: reference(answer, body.dialog)?,
            office: answer.her_id(&at.field("office"), body.office)?,
            citizen: citizen(&at.field("citizen"), body.citizen, answer)?,
            message: message(&at.field("message"), body.message, answer)?,
            observations: results::observations(&at.field("observations"), body.observations, answer)?,
            reply_allowed: body.reply_allowed,
        },
        types::EventBody::Notified(body) => EventBody::Notified {
            dialog: body.dialog.map(|dialog| reference(answer, dialog)).transpose()?,
            appointment: body
                .appointment
                .map(|appointment| answer.id(&at.field("appointment"), appointment, returned::ID_CHARACTERS))
                .transpose()?,
            citizen: citizen(&at.field("citizen"), body.citizen, answer)?,
            channel: match body.channel {
                types::NoticeChannel::Sms => NoticeChannel::Sms,
                types::NoticeChannel::Email => NoticeChannel::Email,
            },
            at: answer.instant(&at.field("at"), body.at)?,
        },
        types::EventBody::Notice(body) => EventBody::Notice {
            notice: body.notice.parse().or_else(|_| violation(&at.field("notice"), "not a UUID"))?,
            outcome: match body.outcome {
                types::NoticeOutcome::Delivered => NoticeOutcome::Delivered,
                types::NoticeOutcome::Undeliverable => NoticeOutcome::Undeliverable,
            },
        },
        types::EventBody::AskedActive(body) => EventBody::AskedActive {
            office: answer.her_id(&at.field("office"), body.office)?,
            citizen: citizen(&at.field("citizen"), body.citizen, answer)?,
        },
        types::EventBody::Collegial(body) => EventBody::Collegial {
            dialog: reference(answer, body.dialog)?,
            office: answer.her_id(&at.field("office"), body.office)?,
            to: answer.her_id(&at.field("to"), body.to)?,
            to_hpr_number: match body.to_hpr_number {
                Some(number) => Some(
                    HprNumber::try_from(number)
                        .or_else(|_| violation(&at.field("to-hpr-number"), "not an HPR number"))?,
                ),
                None => None,
            },
            patient: body.patient.map(|patient| citizen(&at.field("patient"), patient, answer)).transpose()?,
            message: message(&at.field("message"), body.message, answer)?,
        },
    };
    let at = match at {
        At::Field(event, _) => *event,
        other => other,
    };
    Ok(Event {
        id: answer.id(&at.field("id"), event.id, returned::EVENT_ID_CHARACTERS)?,
        occurred: answer.instant(&at.field("occurred"), event.occurred)?,
        body,
    })
}

/// Why something cannot be read, for the operator: without numbers of citizens, and no longer for what stands in their
/// place.
fn unreadable(reason: String) -> String {
    let clean = crate::scrub::without_numbers(&reason);
    match clean.char_indices().nth(returned::SHORT_TEXT_CHARACTERS) {
        Some((end, _)) => clean[..end].to_owned(),
        None => clean,
    }
}

fn message(at: &At<'_>, message: types::OfficeMessage, answer: &mut Answer<'_>) -> Result<OfficeMessage, Violation> {
    let at_attachments = at.field("attachments");
    answer.list(&at_attachments, &message.attachments, returned::ATTACHMENTS)?;
    Ok(OfficeMessage {
        id: answer.id(&at.field("id"), message.id, returned::EVENT_ID_CHARACTERS)?,
        subject: answer.optional_line(&at.field("subject"), message.subject, returned::SUBJECT_CHARACTERS)?,
        text: answer.text(&at.field("text"), message.text, returned::MESSAGE_CHARACTERS)?,
        attachments: message
            .attachments
            .iter()
            .enumerate()
            .map(|(index, attachment)| answer.attachment(&at_attachments.item(index), attachment))
            .collect::<Result<_, _>>()?,
        author: answer
            .optional_line(&at.field("author"), message.author, returned::AUTHOR_CHARACTERS)?
            // Nobody's name is no name.
            .filter(|author| !author.is_empty()),
        sent: answer.instant(&at.field("sent"), message.sent)?,
    })
}

fn citizen(
    at: &At<'_>,
    citizen: types::CitizenIdentity,
    answer: &mut Answer<'_>,
) -> Result<CitizenIdentity, Violation> {
    match citizen {
        types::CitizenIdentity::Reference(reference) => Ok(CitizenIdentity::Reference(answer.id(
            &at.field("reference"),
            reference,
            returned::CITIZEN_REFERENCE_CHARACTERS,
        )?)),
        types::CitizenIdentity::NationalIdentityNumber(number) => {
            let at = at.field("national-identity-number");
            if !answer.numbers {
                return violation(&at, "not granted to this plugin");
            }
            let number = number.parse().or_else(|_| violation(&at, "not a national identity number"))?;
            Ok(CitizenIdentity::NationalIdentityNumber(number))
        }
    }
}

const fn status(status: types::DialogStatus) -> DialogStatus {
    match status {
        types::DialogStatus::AwaitingOffice => DialogStatus::AwaitingOffice,
        types::DialogStatus::AwaitingCitizen => DialogStatus::AwaitingCitizen,
        types::DialogStatus::Closed(how) => DialogStatus::Closed(closing(how)),
    }
}

fn receipt(at: &At<'_>, outcome: types::ReceiptOutcome, answer: &mut Answer<'_>) -> Result<ReceiptOutcome, Violation> {
    match outcome {
        types::ReceiptOutcome::Delivered => Ok(ReceiptOutcome::Delivered),
        types::ReceiptOutcome::Refused(refusals) => {
            let at = at.field("refused");
            answer.list(&at, &refusals, returned::REFUSALS)?;
            let refusals = refusals.into_iter().enumerate().map(|(index, refusal)| {
                let at = at.item(index);
                Ok(Refusal {
                    code: answer.id(&at.field("code"), refusal.code, returned::REFUSAL_CODE_CHARACTERS)?,
                    text: answer.line(&at.field("text"), refusal.text, returned::SHORT_TEXT_CHARACTERS)?,
                    resendable: refusal.resendable,
                })
            });
            Ok(ReceiptOutcome::Refused(refusals.collect::<Result<_, _>>()?))
        }
    }
}

/// A service that dialogs belong to.
fn dialogs(at: &At<'_>, named: types::Service) -> Result<Service, Violation> {
    match service(named) {
        Service::Payment => violation(at, "no dialog is about payment"),
        // They come with what was found: nobody opens such a dialog without, or is sent to one.
        Service::TestResults => violation(at, "results of tests come as `results`"),
        service => Ok(service),
    }
}

fn payment(at: &At<'_>, state: types::PaymentState, answer: &mut Answer<'_>) -> Result<PaymentState, Violation> {
    Ok(match state {
        types::PaymentState::Paid(receipt) => {
            let at = at.field("paid");
            PaymentState::Paid(PaymentReceipt {
                number: answer.name(&at.field("number"), receipt.number, returned::RECEIPT_CHARACTERS)?,
                at: answer.instant(&at.field("at"), receipt.at)?,
            })
        }
        types::PaymentState::Failed => PaymentState::Failed,
        types::PaymentState::Expired => PaymentState::Expired,
        types::PaymentState::Refunded => PaymentState::Refunded,
    })
}

fn fees(at: &At<'_>, fees: Vec<types::DialogFee>, answer: &mut Answer<'_>) -> Result<Vec<DialogFee>, Violation> {
    if fees.is_empty() {
        return violation(at, "empty");
    }
    answer.list(at, &fees, returned::TARIFFS)?;
    let mut tariffs = HashSet::new();
    fees.into_iter()
        .enumerate()
        .map(|(index, fee)| {
            let at = at.item(index);
            let code = tariff(&at.field("tariff"), fee.tariff, answer)?;
            // The same twice is the same money twice.
            if !tariffs.insert(code.to_ascii_lowercase()) {
                return violation(&at.field("tariff"), "another has it");
            }
            Ok(DialogFee {
                tariff: code,
                amount: amount(&at.field("amount"), fee.amount)?,
                clinician: fee
                    .clinician
                    .map(|number| {
                        HprNumber::try_from(number)
                            .or_else(|error| violation(&at.field("clinician"), error.to_string()))
                    })
                    .transpose()?,
            })
        })
        .collect()
}

fn decisions(
    at: &At<'_>,
    decisions: Vec<types::RenewalDecision>,
    answer: &mut Answer<'_>,
) -> Result<Vec<RenewalDecision>, Violation> {
    if decisions.is_empty() {
        return violation(at, "empty");
    }
    answer.list(at, &decisions, returned::DECISIONS)?;
    decisions
        .into_iter()
        .enumerate()
        .map(|(index, decision)| {
            let at = at.item(index);
            Ok(RenewalDecision {
                item: decision
                    .item
                    .map(|item| answer.id(&at.field("item"), item, returned::ID_CHARACTERS))
                    .transpose()?,
                outcome: match decision.outcome {
                    types::RenewalOutcome::Renewed => RenewalOutcome::Renewed,
                    types::RenewalOutcome::Refused => RenewalOutcome::Refused,
                    types::RenewalOutcome::NeedsConsultation => RenewalOutcome::NeedsConsultation,
                },
                reason: answer.optional_text(&at.field("reason"), decision.reason, returned::REASON_CHARACTERS)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::answer::tests::checked, *};

    fn office_message() -> types::OfficeMessage {
        types::OfficeMessage {
            id: "m1".to_owned(),
            subject: None,
            text: "Hei".to_owned(),
            attachments: Vec::new(),
            author: None,
            sent: 0,
        }
    }

    fn said(change: impl FnOnce(&mut types::DialogMessage)) -> Result<Vec<Event>, Violation> {
        let mut body = types::DialogMessage {
            dialog: "d1".to_owned(),
            message: office_message(),
            status: types::DialogStatus::AwaitingCitizen,
            redirect: None,
        };
        change(&mut body);
        let event = types::Event { id: "e1".to_owned(), occurred: 0, body: types::EventBody::Message(body) };
        checked(|answer| events(&At::Answer, vec![event], answer))
    }

    #[test]
    fn an_event_within_the_contract_comes_through() {
        assert_eq!(said(|_| {}).unwrap().len(), 1);
    }

    #[test]
    fn each_violation_names_its_place_and_rule_and_not_the_content() {
        let raw = types::Attachment { id: "a".to_owned(), media_type: String::new(), name: String::new(), size: 0 };
        for (error, message) in [
            (said(|body| body.dialog.clear()), "answer[0].body.dialog: empty"),
            (said(|body| body.message.id = "hemmelig\n".to_owned()), "answer[0].body.message.id: has a control"),
            (said(|body| body.message.sent = i64::MAX), "answer[0].body.message.sent: not between"),
            (said(|body| body.message.text = "x".repeat(32_001)), "answer[0].body.message.text: over 32000"),
            (said(|body| body.redirect = Some(types::Service::Inquiry)), "answer[0].body.redirect: only where"),
            (
                said(|body| body.message.attachments = vec![raw]),
                "answer[0].body.message.attachments[0]: no such handle in this call",
            ),
        ] {
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with(message) && !error.contains("hemmelig"), "{error}");
        }
    }

    #[test]
    fn a_number_from_a_plugin_without_the_grant_is_refused() {
        let body = types::OfficeOpening {
            dialog: "d".to_owned(),
            office: 1,
            citizen: types::CitizenIdentity::NationalIdentityNumber("x".to_owned()),
            service: types::Service::Inquiry,
            message: office_message(),
            reply_allowed: true,
        };
        let event = types::Event { id: "e".to_owned(), occurred: 0, body: types::EventBody::Opened(body) };
        let error = checked(|answer| events(&At::Answer, vec![event], answer)).unwrap_err();
        assert_eq!(error.rule, "not granted to this plugin");
    }

    #[test]
    fn a_reason_full_of_numbers_has_none_and_is_no_longer_for_it() {
        let number = crate::tests::citizen_context().citizen.unwrap().national_identity_number.expose().to_owned();
        let said = unreadable(format!("{number} ").repeat(41));
        assert!(!said.contains(&number) && said.chars().count() == returned::SHORT_TEXT_CHARACTERS, "{said}");
    }

    fn refused(body: types::EventBody) -> String {
        let event = types::Event { id: "e".to_owned(), occurred: 0, body };
        checked(|answer| events(&At::Answer, vec![event], answer)).unwrap_err().to_string()
    }

    #[test]
    fn what_became_of_a_payment_has_a_receipt_that_can_be_shown() {
        let paid = |number: &str, at: i64| {
            let receipt = types::PaymentReceipt { number: number.to_owned(), at };
            let (payment, state) = ("p1".to_owned(), types::PaymentState::Paid(receipt));
            types::EventBody::Payment(types::PaymentChange { payment, state })
        };
        let event = types::Event { id: "e".to_owned(), occurred: 0, body: paid("2026-1", 5) };
        let read = checked(|answer| events(&At::Answer, vec![event], answer)).unwrap();
        assert!(
            matches!(&read[0].body, EventBody::Payment { state: PaymentState::Paid(one), .. } if one.number == "2026-1")
        );
        assert_eq!(refused(paid("", 0)), "answer[0].body.state.paid.number: empty");
        assert_eq!(refused(paid(&"1".repeat(65), 0)), "answer[0].body.state.paid.number: over 64 characters");
        assert_eq!(refused(paid("1", i64::MAX)), "answer[0].body.state.paid.at: not between 1900 and 2200");
    }

    #[test]
    fn fees_are_a_few_each_once_and_of_amounts_that_somebody_could_owe() {
        let fee = |tariff: &str, amount| types::DialogFee { tariff: tariff.to_owned(), amount, clinician: Some(7) };
        let charged = |fees| types::EventBody::Charged(types::DialogFees { dialog: "d".to_owned(), fees });
        for (fees, rule) in [
            (vec![], "answer[0].body.fees: empty"),
            (vec![fee("2ae", 1), fee("2ae", 1)], "answer[0].body.fees[1].tariff: another has it"),
            (vec![fee("2ae", 0)], "answer[0].body.fees[0].amount: not 1 to 100000000 øre"),
            (vec![fee("2 ae", 1)], "answer[0].body.fees[0].tariff: not a tariff code"),
            ((0..21).map(|code| fee(&format!("t{code}"), 1)).collect(), "answer[0].body.fees: 21 items, over 20"),
        ] {
            assert_eq!(refused(charged(fees)), rule);
        }
        let nobody = types::DialogFee { clinician: Some(0), ..fee("2ae", 1) };
        assert!(refused(charged(vec![nobody])).starts_with("answer[0].body.fees[0].clinician: "));
    }

    #[test]
    fn what_is_told_of_notices_names_whom_and_which() {
        let own = types::OwnNotice {
            dialog: None,
            appointment: Some("a1".to_owned()),
            citizen: types::CitizenIdentity::Reference("c1".to_owned()),
            channel: types::NoticeChannel::Sms,
            at: 5,
        };
        let event = |body| types::Event { id: "e".to_owned(), occurred: 0, body };
        let told = types::EventBody::Notified(own.clone());
        let read = checked(|answer| events(&At::Answer, vec![event(told)], answer)).unwrap();
        assert!(
            matches!(&read[0].body, EventBody::Notified { channel: NoticeChannel::Sms, appointment: Some(id), .. } if id == "a1")
        );
        for (own, rule) in [
            (types::OwnNotice { dialog: Some(String::new()), ..own.clone() }, "answer[0].body.dialog: empty"),
            (
                types::OwnNotice { appointment: Some("x".repeat(257)), ..own.clone() },
                "answer[0].body.appointment: over 256 characters",
            ),
            (types::OwnNotice { at: i64::MAX, ..own }, "answer[0].body.at: not between 1900 and 2200"),
        ] {
            assert_eq!(refused(types::EventBody::Notified(own)), rule);
        }
        let report = |notice: &str| {
            let outcome = types::NoticeOutcome::Undeliverable;
            types::EventBody::Notice(types::NoticeReport { notice: notice.to_owned(), outcome })
        };
        let id = "0198c0de-0000-7000-8000-000000000001";
        let read = checked(|answer| events(&At::Answer, vec![event(report(id))], answer)).unwrap();
        let outcome = NoticeOutcome::Undeliverable;
        assert_eq!(read[0].body, EventBody::Notice { notice: id.parse().unwrap(), outcome });
        assert_eq!(refused(report("1")), "answer[0].body.notice: not a UUID");
    }

    #[test]
    fn a_question_names_an_office_and_a_citizen() {
        let asked = |office, citizen| types::EventBody::AskedActive(types::ActiveQuestion { office, citizen });
        let reference = || types::CitizenIdentity::Reference("c1".to_owned());
        let event = |body| types::Event { id: "e".to_owned(), occurred: 0, body };
        let read = checked(|answer| events(&At::Answer, vec![event(asked(8_150_101, reference()))], answer)).unwrap();
        assert!(matches!(&read[0].body, EventBody::AskedActive { office, .. } if office.get() == 8_150_101));
        assert!(refused(asked(0, reference())).starts_with("answer[0].body.office: "));
        let nobody = types::CitizenIdentity::Reference(String::new());
        assert!(refused(asked(8_150_101, nobody)).starts_with("answer[0].body.citizen"));
    }

    #[test]
    fn no_dialog_is_about_payment() {
        let change = |body: &mut types::DialogMessage| {
            body.status = types::DialogStatus::Closed(types::Closing::Redirected);
            body.redirect = Some(types::Service::Payment);
        };
        assert_eq!(said(change).unwrap_err().to_string(), "answer[0].body.redirect: no dialog is about payment");
    }

    #[test]
    fn more_events_than_a_page_holds_are_refused() {
        let event = |_| types::Event {
            id: "e".to_owned(),
            occurred: 0,
            body: types::EventBody::Status(types::StatusChange {
                dialog: "d".to_owned(),
                status: types::DialogStatus::AwaitingOffice,
                reason: None,
            }),
        };
        let error = checked(|answer| events(&At::Answer, (0..101).map(event).collect(), answer)).unwrap_err();
        assert_eq!(error.rule, "101 items, over 100");
    }
}
