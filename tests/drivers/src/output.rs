//! What a plugin returns: every value that the contract's types can hold, on its way to being believed.
//!
//! What is promised: what is believed is within every bound, and what the portal is shown of it is as the published JSON
//! Schemas say; it names no file that was not the call's, and no citizen by a number that was not granted; it goes back
//! to the plugin as it came; what is refused is refused by place and rule, without the content.

use dialog_contract::{
    dialog::{Attachment, Clinician, MediaType},
    form,
    ids::{AttachmentId, NationalIdentityNumber},
    limits::returned,
    observation::Observation,
    practice::Office,
    provider::{
        Appointment, CitizenIdentity, Event, EventBody, Failure, OfficeMessage, PaymentState, PracticeProfile,
        ReceiptOutcome, RenewalDecision, VideoState,
    },
    schema::{Resource, validate},
    service::Locale,
};
use dialog_host::fuzzing::{
    Believed, Returned, appointments, believe, dialogs, feedback, inbound, known, payments, practice, prescriptions,
    types::{self, DialogStatus},
    video,
};
use serde_json::{Value, json};

use crate::{
    input::{Input, repeats},
    seeds::of_kind,
};

/// A citizen who does not exist.
const NUMBER: &str = "14838541241";

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    let (kind, numbers) = (input.byte(), input.flag());
    let files = files();
    let mut sent = None;
    let answer = believe(&files, numbers, |lent| {
        let returned = Told { input, repeats: false, lent }.returned(kind);
        sent = Some(format!("{returned:?}"));
        returned
    });
    match answer {
        Ok((believed, named)) => {
            assert!(named.iter().all(|id| files.iter().any(|file| file.id.uuid() == *id)), "a file of another call");
            held(believed, numbers);
        }
        Err(error) => {
            assert!(error.len() < 400 && !error.contains(char::is_control), "{error:?}");
            assert!(!repeats(&error, &sent.unwrap_or_default()), "{error}");
        }
    }
}

/// The files of the call.
fn files() -> Vec<Attachment> {
    (1..3)
        .map(|number: u128| Attachment {
            id: AttachmentId::from(uuid::Uuid::from_u128(number)),
            media_type: MediaType::Png,
            name: "bilde.png".to_owned(),
            size: 70,
            sha256: "00".repeat(32),
        })
        .collect()
}

/// Values, made of an input.
struct Told<'a> {
    input: Input<'a>,
    /// Whether an item is made over and over already. Once is enough to go over every bound, and what many calls of the
    /// guest's memory could not hold need not be made.
    repeats: bool,
    lent: &'a [types::Attachment],
}

impl Told<'_> {
    fn returned(&mut self, kind: u8) -> Returned {
        match kind % 15 {
            0 => Returned::Opened(dialogs::Opened { reference: self.text(), events: self.list(Self::event) }),
            1 => Returned::Events(self.list(Self::event)),
            2 => Returned::Slots(self.list(Self::slot)),
            3 => Returned::Appointment(self.appointment()),
            4 => Returned::Upcoming(self.list(Self::appointment)),
            5 => Returned::Renewable(self.list(Self::prescription)),
            6 => Returned::Received(self.list(Self::event)),
            7 => Returned::Page(inbound::Page {
                cursor: self.optional(Self::text),
                more: self.input.flag(),
                events: self.list(Self::event),
            }),
            8 => Returned::Failure(self.failure()),
            9 => Returned::Profile(self.profile()),
            10 => Returned::Forms(self.list(Self::form)),
            11 => Returned::Outstanding(self.list(Self::invoice)),
            12 => {
                Returned::Payment(payments::Payment { redirect: self.url(), id: self.text(), expires: self.instant() })
            }
            13 => Returned::Survey(self.optional(Self::survey)),
            _ => Returned::Room(video::Room {
                url: self.url(),
                expires: self.instant(),
                state: if self.input.flag() { video::RoomState::Open } else { video::RoomState::Waiting },
            }),
        }
    }

    /// A line of the input; one in eight is as long as limits are.
    fn text(&mut self) -> String {
        let how = self.input.byte();
        if how % 8 != 7 {
            return self.input.text();
        }
        let length = 1 + self.input.below(if self.repeats { 100 } else { 40_000 });
        let letter = ["x", "æ", "\u{1f600}", "\u{0}", "\u{202e}", " ", "1", "\n"][usize::from(how / 32)];
        letter.repeat(length)
    }

    fn optional<T>(&mut self, make: fn(&mut Self) -> T) -> Option<T> {
        self.input.flag().then(|| make(self))
    }

    /// As many items as there is input for; sometimes one over and over.
    fn list<T: Clone>(&mut self, make: fn(&mut Self) -> T) -> Vec<T> {
        let count = self.input.byte();
        if count >= 250 && !self.repeats {
            self.repeats = true;
            let item = make(self);
            return vec![item; 1 + self.input.below(600)];
        }
        let mut items = Vec::new();
        while items.len() < usize::from(count % 16) && !self.input.is_empty() {
            items.push(make(self));
        }
        items
    }

    fn instant(&mut self) -> i64 {
        match self.input.byte() % 4 {
            0 => i64::from_le_bytes(self.input.number().to_le_bytes()),
            1 => returned::INSTANTS.start - 2 + i64::from(self.input.byte() % 5),
            2 => returned::INSTANTS.end - 2 + i64::from(self.input.byte() % 5),
            _ => 1_767_600_000_000 + i64::from(self.input.byte()) * 60_000,
        }
    }

    fn number(&mut self) -> u32 {
        match self.input.byte() % 4 {
            0 => 0,
            1 => 999_999_999,
            2 => u32::MAX,
            _ => 9_144_889,
        }
    }

    fn clinician(&mut self) -> types::Clinician {
        types::Clinician {
            hpr_number: self.number(),
            her_id: self.optional(Self::number),
            given_name: self.text(),
            family_name: self.text(),
        }
    }

    fn mode(&mut self) -> types::EncounterMode {
        use types::EncounterMode::{InPerson, Telephone, Video};
        [InPerson, Telephone, Video][usize::from(self.input.byte() % 3)]
    }

    fn slot(&mut self) -> appointments::Slot {
        appointments::Slot {
            id: self.text(),
            start: self.instant(),
            end: self.instant(),
            clinician: self.optional(Self::clinician),
            mode: self.mode(),
            title: self.text(),
        }
    }

    fn appointment(&mut self) -> types::Appointment {
        types::Appointment {
            id: self.text(),
            start: self.instant(),
            end: self.instant(),
            clinician: self.optional(Self::clinician),
            mode: self.mode(),
            title: self.text(),
            location: self.optional(Self::text),
            instructions: self.optional(Self::text),
            cancellable: self.input.flag(),
            changeable: self.input.flag(),
        }
    }

    fn prescription(&mut self) -> prescriptions::Prescription {
        use prescriptions::Renewability::{NeedsConsultation, NotRenewable, Renewable};
        prescriptions::Prescription {
            id: self.text(),
            medicine: self.text(),
            atc: self.optional(Self::text),
            dosage: self.optional(Self::text),
            issued: self.optional(Self::instant),
            valid_until: self.optional(Self::instant),
            renewability: [Renewable, NeedsConsultation, NotRenewable][usize::from(self.input.byte() % 3)],
            note: self.optional(Self::text),
        }
    }

    /// A text that begins like a URL, more often than not.
    fn url(&mut self) -> String {
        let begin = ["https://", "http://", "HTTPS://a@", "https:/\\", "", "https://pay.example/"];
        format!("{}{}", begin[usize::from(self.input.byte()) % begin.len()], self.text())
    }

    fn day(&mut self) -> String {
        let days = ["2026-03-30", "2200-01-01", "2026-02-30", "1900-01-01"];
        match days.get(usize::from(self.input.byte() % 5)) {
            Some(day) => (*day).to_owned(),
            None => self.text(),
        }
    }

    fn clock(&mut self) -> String {
        let times = ["08:00", "15:30", "24:00", "23:59"];
        match times.get(usize::from(self.input.byte() % 5)) {
            Some(time) => (*time).to_owned(),
            None => self.text(),
        }
    }

    fn profile(&mut self) -> practice::PracticeProfile {
        practice::PracticeProfile {
            telephone: self.optional(|told| format!("+{}", told.text())),
            address: self.optional(Self::text),
            directions: self.optional(Self::text),
            website: self.optional(Self::url),
            hours: self.list(|told| practice::OpeningHours {
                weekday: told.input.byte() % 9,
                opens: told.clock(),
                closes: told.clock(),
            }),
            practitioners: self.list(|told| practice::Practitioner {
                clinician: told.clinician(),
                weekdays: told.list(|told| told.input.byte() % 9),
                languages: told.list(Self::text),
                absences: told.list(|told| practice::Absence {
                    from: told.day(),
                    until: told.day(),
                    substitute: told.optional(Self::clinician),
                }),
            }),
            modes: self.list(Self::mode),
            payment: self.optional(Self::text),
            accessibility: self.optional(Self::text),
        }
    }

    fn form(&mut self) -> practice::Form {
        let schema = match self.input.byte() % 4 {
            0 => self.text(),
            1 => format!(r#"{{"type":"object","properties":{{"a":{{"pattern":{}}}}}}}"#, json!(self.text())),
            2 => format!(r#"{{"$defs":{{"a":{{"$ref":{}}}}},"$ref":"\u0023/$defs/a"}}"#, json!(self.text())),
            _ => r#"{"type":"object","required":["a"]}"#.to_owned(),
        };
        practice::Form { service: self.service(), title: self.text(), schema }
    }

    fn ore(&mut self) -> u64 {
        match self.input.byte() % 4 {
            0 => self.input.number(),
            1 => *returned::ORE.end() + u64::from(self.input.byte() % 2),
            2 => u64::from(self.input.byte() % 2),
            _ => 20_400,
        }
    }

    fn invoice(&mut self) -> payments::Invoice {
        payments::Invoice {
            id: self.text(),
            amount: self.ore(),
            tariffs: self.list(Self::text),
            text: self.text(),
            due: self.optional(Self::instant),
            dialog: self.optional(Self::text),
        }
    }

    fn survey(&mut self) -> feedback::Questionnaire {
        feedback::Questionnaire {
            id: self.text(),
            title: self.text(),
            questions: self.list(|told| feedback::Question {
                id: told.text(),
                text: told.text(),
                choices: told.list(|told| feedback::Choice { id: told.text(), text: told.text() }),
                required: told.input.flag(),
            }),
        }
    }

    fn attachment(&mut self) -> types::Attachment {
        match self.lent.get(usize::from(self.input.byte() % 4)) {
            Some(lent) => lent.clone(),
            None => types::Attachment { id: self.text(), media_type: self.text(), name: self.text(), size: 1 },
        }
    }

    fn message(&mut self) -> types::OfficeMessage {
        types::OfficeMessage {
            id: self.text(),
            subject: self.optional(Self::text),
            text: self.text(),
            attachments: self.list(Self::attachment),
            author: self.optional(Self::text),
            sent: self.instant(),
        }
    }

    fn status(&mut self) -> DialogStatus {
        use types::Closing::{Answered, Declined, Expired, Redirected, Withdrawn};
        match self.input.byte() % 8 {
            0 => DialogStatus::AwaitingOffice,
            1 => DialogStatus::AwaitingCitizen,
            how => DialogStatus::Closed(
                [Answered, Declined, Withdrawn, Redirected, Expired, Redirected][usize::from(how - 2)],
            ),
        }
    }

    fn service(&mut self) -> types::Service {
        use types::Service::{
            Appointment, Certificate, Collegial, Consultation, Inquiry, Payment, PrescriptionRenewal, SickNoteRenewal,
            TestResults,
        };
        let all = [
            Appointment,
            PrescriptionRenewal,
            Consultation,
            Inquiry,
            SickNoteRenewal,
            Certificate,
            Collegial,
            Payment,
            TestResults,
        ];
        all[usize::from(self.input.byte()) % all.len()]
    }

    fn citizen(&mut self) -> types::CitizenIdentity {
        match self.input.byte() % 3 {
            0 => types::CitizenIdentity::Reference(self.text()),
            1 => types::CitizenIdentity::NationalIdentityNumber(NUMBER.to_owned()),
            _ => types::CitizenIdentity::NationalIdentityNumber(self.text()),
        }
    }

    fn observation(&mut self) -> types::Observation {
        use types::Interpretation::{Abnormal, High, Low, Normal};
        types::Observation {
            name: self.text(),
            code: self.optional(Self::text),
            value: self.text(),
            unit: self.optional(Self::text),
            reference_range: self.optional(Self::text),
            interpretation: self.optional(|told| [Normal, Low, High, Abnormal][usize::from(told.input.byte() % 4)]),
            taken: self.instant(),
            comment: self.optional(Self::text),
        }
    }

    fn decision(&mut self) -> types::RenewalDecision {
        use types::RenewalOutcome::{NeedsConsultation, Refused, Renewed};
        types::RenewalDecision {
            item: self.optional(Self::text),
            outcome: [Renewed, Refused, NeedsConsultation][usize::from(self.input.byte() % 3)],
            reason: self.optional(Self::text),
        }
    }

    fn refusal(&mut self) -> types::Refusal {
        types::Refusal { code: self.text(), text: self.text(), resendable: self.input.flag() }
    }

    fn event(&mut self) -> types::Event {
        use types::AppointmentChangeKind::{Booked, Cancelled, Moved, Reminder};
        let body = match self.input.byte() % 15 {
            0 => types::EventBody::Message(types::DialogMessage {
                dialog: self.text(),
                message: self.message(),
                status: self.status(),
                redirect: self.optional(Self::service),
            }),
            1 => types::EventBody::Opened(types::OfficeOpening {
                dialog: self.text(),
                office: self.number(),
                citizen: self.citizen(),
                service: self.service(),
                message: self.message(),
                reply_allowed: self.input.flag(),
            }),
            2 => types::EventBody::Status(types::StatusChange {
                dialog: self.text(),
                status: self.status(),
                reason: self.optional(Self::text),
            }),
            3 => types::EventBody::Receipt(types::Receipt {
                dialog: self.text(),
                message: self.text(),
                outcome: match self.input.flag() {
                    true => types::ReceiptOutcome::Delivered,
                    false => types::ReceiptOutcome::Refused(self.list(Self::refusal)),
                },
            }),
            4 => types::EventBody::Renewal(types::RenewalAnswer {
                dialog: self.text(),
                decisions: self.list(Self::decision),
                message: self.optional(Self::message),
                status: self.status(),
            }),
            5 => types::EventBody::Appointment(types::AppointmentChange {
                dialog: self.optional(Self::text),
                office: self.number(),
                citizen: self.citizen(),
                kind: [Booked, Moved, Cancelled, Reminder][usize::from(self.input.byte() % 4)],
                appointment: self.appointment(),
                text: self.optional(Self::text),
            }),
            6 => types::EventBody::Unreadable(types::Unreadable {
                office: self.optional(Self::number),
                reason: self.text(),
                raw: self.attachment(),
            }),
            7 => types::EventBody::Payment(types::PaymentChange {
                payment: self.text(),
                state: match self.input.byte() % 4 {
                    0 => types::PaymentState::Paid(types::PaymentReceipt { number: self.text(), at: self.instant() }),
                    1 => types::PaymentState::Failed,
                    2 => types::PaymentState::Expired,
                    _ => types::PaymentState::Refunded,
                },
            }),
            10 => types::EventBody::Notified(types::OwnNotice {
                dialog: self.optional(Self::text),
                appointment: self.optional(Self::text),
                citizen: self.citizen(),
                channel: [types::NoticeChannel::Sms, types::NoticeChannel::Email][usize::from(self.input.byte() % 2)],
                at: self.instant(),
            }),
            11 => types::EventBody::Notice(types::NoticeReport {
                notice: self.text(),
                outcome: types::NoticeOutcome::Delivered,
            }),
            13 => {
                types::EventBody::AskedActive(types::ActiveQuestion { office: self.number(), citizen: self.citizen() })
            }
            12 => types::EventBody::Collegial(types::CollegialOpening {
                dialog: self.text(),
                office: self.number(),
                to: self.number(),
                to_hpr_number: self.optional(Self::number),
                patient: self.optional(Self::citizen),
                message: self.message(),
            }),
            8 => types::EventBody::Charged(types::DialogFees {
                dialog: self.text(),
                fees: self.list(|told| types::DialogFee {
                    tariff: told.text(),
                    amount: told.ore(),
                    clinician: told.optional(Self::number),
                }),
            }),
            9 => types::EventBody::Video(types::VideoChange {
                dialog: self.text(),
                state: match self.input.byte() % 4 {
                    0 => types::VideoState::WaitingRoomOpen,
                    1 => types::VideoState::ClinicianJoined,
                    2 => types::VideoState::ParticipantJoined(self.text()),
                    _ => types::VideoState::Ended,
                },
            }),
            _ => types::EventBody::Results(types::TestResults {
                dialog: self.text(),
                office: self.number(),
                citizen: self.citizen(),
                message: self.message(),
                observations: self.list(Self::observation),
                reply_allowed: self.input.flag(),
            }),
        };
        types::Event { id: self.text(), occurred: self.instant(), body }
    }

    fn failure(&mut self) -> types::Failure {
        use types::Sent::{No, Unknown, Yes};
        let sent = [No, Yes, Unknown][usize::from(self.input.byte() % 3)];
        let reason = |told: &mut Self| types::Reason { code: told.text(), text: told.text() };
        match self.input.byte() % 6 {
            0 => types::Failure::Invalid(
                self.list(|told| types::FieldError { pointer: told.text(), detail: told.text() }),
            ),
            1 => types::Failure::Declined(reason(self)),
            2 => types::Failure::Conflict(reason(self)),
            3 => types::Failure::NotFound(reason(self)),
            4 => types::Failure::Unavailable(types::Outage {
                retry_after: self.optional(Self::number),
                sent,
                detail: self.text(),
            }),
            _ => types::Failure::Faulty(types::Fault { sent, detail: self.text() }),
        }
    }
}

fn held(believed: Believed, numbers: bool) {
    match believed {
        Believed::Opened(opened) => {
            id(&opened.reference, returned::REFERENCE_CHARACTERS);
            happened(&opened.events, numbers);
        }
        Believed::Events(events) => happened(&events, numbers),
        Believed::Slots(slots) => {
            assert!(slots.len() <= returned::SLOTS && slots.is_sorted_by_key(|slot| slot.start));
            for slot in &slots {
                assert!(slot.start < slot.end);
                published(Resource::Slot, &json!(slot));
            }
        }
        Believed::Appointments(all) => {
            assert!(all.len() <= returned::APPOINTMENTS && all.is_sorted_by_key(|one| one.start));
            for one in all {
                appointment(&one);
                // What was cleaned once is clean: it goes to the plugin and comes back the same.
                let back = known(one.clone());
                let again = believe(&[], false, |_| Returned::Appointment(back));
                match again {
                    Ok((Believed::Appointments(again), _)) => assert_eq!(again, [one]),
                    other => panic!("what was believed is not believed again: {other:?}"),
                }
            }
        }
        Believed::Renewable(all) => {
            assert!(all.len() <= returned::PRESCRIPTIONS);
            for one in &all {
                published(Resource::Prescription, &json!(one));
            }
        }
        Believed::Profile(profile) => office(profile),
        Believed::Forms(forms) => {
            assert!(unique(forms.iter().map(|form| form.service)));
            for form in &forms {
                most(&form.title, returned::FORM_TITLE_CHARACTERS);
                assert_eq!(form::read(&form.schema.to_string()).as_ref(), Ok(&form.schema), "not believed again");
            }
        }
        Believed::Outstanding(invoices) => {
            assert!(invoices.len() <= returned::INVOICES && unique(invoices.iter().map(|invoice| &invoice.id)));
            for invoice in &invoices {
                id(&invoice.id, returned::ID_CHARACTERS);
                assert!(returned::ORE.contains(&invoice.amount) && invoice.tariffs.len() <= returned::TARIFFS);
                invoice.tariffs.iter().for_each(|tariff| id(tariff, returned::TARIFF_CHARACTERS));
                most(&invoice.text, returned::INVOICE_TEXT_CHARACTERS);
                invoice.dialog.iter().for_each(|dialog| id(dialog, returned::REFERENCE_CHARACTERS));
            }
        }
        Believed::Payment(payment) => {
            id(&payment.id, returned::PAYMENT_ID_CHARACTERS);
            let host = payment.redirect.strip_prefix("https://").expect("over TLS").split(['/', '?', '#']).next();
            assert!(host.is_some_and(|host| !host.is_empty() && !host.contains('@')), "{}", payment.redirect);
            assert!(payment.redirect.bytes().all(|byte| byte.is_ascii_graphic()), "{}", payment.redirect);
            assert!(payment.redirect.len() <= returned::URL_CHARACTERS);
        }
        Believed::Room(room) => published(Resource::Room, &json!(room)),
        Believed::Survey(None) => {}
        Believed::Survey(Some(survey)) => {
            id(&survey.id, returned::SURVEY_ID_CHARACTERS);
            most(&survey.title, returned::CHOICE_CHARACTERS);
            assert!((1..=returned::QUESTIONS).contains(&survey.questions.len()));
            assert!(unique(survey.questions.iter().map(|question| &question.id)));
            for question in &survey.questions {
                id(&question.id, returned::SURVEY_ID_CHARACTERS);
                most(&question.text, returned::QUESTION_CHARACTERS);
                assert!(returned::CHOICES.contains(&question.choices.len()));
                assert!(unique(question.choices.iter().map(|choice| &choice.id)));
                question.choices.iter().for_each(|choice| most(&choice.text, returned::CHOICE_CHARACTERS));
            }
        }
        Believed::Page(page) => {
            assert!(page.cursor.is_none_or(|cursor| cursor.len() <= returned::CURSOR_BYTES));
            happened(&page.events, numbers);
        }
        Believed::Failure(failure) => failed(&failure),
    }
}

/// What the portal is shown is as it is published.
fn published(resource: Resource, value: &Value) {
    if let Err(errors) = validate(resource, value, Locale::En) {
        panic!("the portal is shown what its schema does not allow: {errors:?}");
    }
}

/// As the portal is shown an office that tells this of itself.
fn office(profile: PracticeProfile) {
    let office = Office {
        her_id: 8_150_310.try_into().expect("a HER-id"),
        organisation_her_id: 8_150_300.try_into().expect("a HER-id"),
        organisation_number: "974760673".parse().expect("an organisation number"),
        name: "Lilletorget legegruppe".to_owned(),
        telephone: profile.telephone,
        address: profile.address,
        directions: profile.directions,
        website: profile.website,
        hours: profile.hours,
        practitioners: profile.practitioners,
        modes: profile.modes,
        payment: profile.payment,
        accessibility: profile.accessibility,
        services: Vec::new(),
        told: None,
    };
    published(Resource::Office, &json!(office));
}

fn unique<T: Ord>(items: impl Iterator<Item = T>) -> bool {
    let all: Vec<T> = items.collect();
    let count = all.len();
    all.into_iter().collect::<std::collections::BTreeSet<T>>().len() == count
}

fn id(text: &str, most: usize) {
    assert!(!text.is_empty() && text.chars().count() <= most && !text.contains(char::is_control), "{text:?}");
}

fn most(text: &str, most: usize) {
    let steers = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    assert!(text.chars().count() <= most && !text.contains(steers), "{text:?}");
}

fn happened(events: &[Event], numbers: bool) {
    assert!(events.len() <= returned::EVENTS);
    for event in events {
        id(&event.id, returned::EVENT_ID_CHARACTERS);
        match &event.body {
            EventBody::Message { dialog, message: said, .. } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                message(said);
            }
            EventBody::Opened { dialog, citizen: whom, message: said, .. } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                citizen(whom, numbers);
                message(said);
            }
            EventBody::Status { dialog, reason, .. } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                reason.iter().for_each(|reason| most(reason, returned::REASON_CHARACTERS));
            }
            EventBody::Receipt { dialog, outcome, .. } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                if let ReceiptOutcome::Refused(refusals) = outcome {
                    assert!(refusals.len() <= returned::REFUSALS);
                    for refusal in refusals {
                        id(&refusal.code, returned::REFUSAL_CODE_CHARACTERS);
                        most(&refusal.text, returned::SHORT_TEXT_CHARACTERS);
                    }
                }
            }
            EventBody::Renewal { dialog, decisions, message: said, .. } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                said.iter().for_each(message);
                assert!((1..=returned::DECISIONS).contains(&decisions.len()));
                decisions.iter().for_each(decision);
            }
            EventBody::Appointment { dialog, citizen: whom, appointment: one, text, .. } => {
                dialog.iter().for_each(|dialog| id(dialog, returned::REFERENCE_CHARACTERS));
                citizen(whom, numbers);
                appointment(one);
                text.iter().for_each(|text| most(text, returned::REASON_CHARACTERS));
            }
            EventBody::Unreadable { reason, .. } => {
                most(reason, returned::SHORT_TEXT_CHARACTERS);
                assert!(!reason.contains(NUMBER), "a number for the operator to read");
            }
            EventBody::Payment { payment, state } => {
                id(payment, returned::PAYMENT_ID_CHARACTERS);
                if let PaymentState::Paid(receipt) = state {
                    most(&receipt.number, returned::RECEIPT_CHARACTERS);
                    assert!(!receipt.number.is_empty());
                }
            }
            EventBody::Charged { dialog, fees } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                assert!((1..=returned::TARIFFS).contains(&fees.len()));
                assert!(unique(fees.iter().map(|fee| &fee.tariff)));
                for fee in fees {
                    id(&fee.tariff, returned::TARIFF_CHARACTERS);
                    assert!(returned::ORE.contains(&fee.amount));
                }
            }
            EventBody::Video { dialog, state } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                if let VideoState::ParticipantJoined(who) = state {
                    assert!(!who.is_empty());
                    most(who, returned::PARTICIPANT_CHARACTERS);
                }
            }
            EventBody::Results { dialog, citizen: whom, message: said, observations, .. } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                citizen(whom, numbers);
                message(said);
                assert!((1..=returned::OBSERVATIONS).contains(&observations.len()));
                for found in observations {
                    found_as_shown(found);
                }
            }
            EventBody::Notified { dialog, appointment, citizen: whom, .. } => {
                dialog.iter().for_each(|dialog| id(dialog, returned::REFERENCE_CHARACTERS));
                appointment.iter().for_each(|appointment| id(appointment, returned::ID_CHARACTERS));
                citizen(whom, numbers);
            }
            EventBody::Notice { .. } => {}
            EventBody::AskedActive { citizen: whom, .. } => citizen(whom, numbers),
            EventBody::Collegial { dialog, patient, message: said, .. } => {
                id(dialog, returned::REFERENCE_CHARACTERS);
                patient.iter().for_each(|patient| citizen(patient, numbers));
                message(said);
            }
        }
    }
}

fn decision(decision: &RenewalDecision) {
    decision.item.iter().for_each(|item| id(item, returned::ID_CHARACTERS));
    decision.reason.iter().for_each(|reason| most(reason, returned::REASON_CHARACTERS));
}

fn citizen(identity: &CitizenIdentity, numbers: bool) {
    match identity {
        CitizenIdentity::Reference(reference) => id(reference, returned::CITIZEN_REFERENCE_CHARACTERS),
        CitizenIdentity::NationalIdentityNumber(number) => {
            assert!(numbers, "a number that was not granted");
            assert!(number.expose().parse::<NationalIdentityNumber>().is_ok());
        }
    }
}

/// As the domain shows an office's message.
fn message(message: &OfficeMessage) {
    id(&message.id, returned::EVENT_ID_CHARACTERS);
    let mut shown = json!({
        "id": "019a0000-0000-7000-8000-0000000000a1",
        "author": { "role": "office" },
        "text": message.text,
        "attachments": message.attachments,
        "sent": message.sent,
    });
    if let Some(subject) = &message.subject {
        shown["subject"] = json!(subject);
    }
    if let Some(author) = &message.author {
        shown["author"]["name"] = json!(author);
    }
    published(Resource::Message, &shown);
}

/// As the domain shows a finding: in a dialog, whose schema has it.
fn found_as_shown(found: &Observation) {
    let mut shown = Resource::Dialog.schema()["examples"][3].clone();
    shown["results"] = json!([found]);
    published(Resource::Dialog, &shown);
}

/// As the domain shows an appointment.
fn appointment(appointment: &Appointment) {
    id(&appointment.id, returned::ID_CHARACTERS);
    assert!(appointment.start < appointment.end);
    let clinician: Option<&Clinician> = appointment.clinician.as_ref();
    let mut shown = json!(appointment);
    shown["id"] = json!("019a0000-0000-7000-8000-0000000000c1");
    shown["office"] = json!({ "herId": 8_150_310, "name": "Lilletorget legegruppe" });
    shown["provider"] = json!({ "id": "helserespons", "name": "Helserespons", "kind": "commercial" });
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    if let Some(clinician) = clinician {
        shown["clinician"] = json!(clinician);
    }
    published(Resource::Appointment, &shown);
}

fn failed(failure: &Failure) {
    match failure {
        Failure::Invalid(fields) => {
            assert!((1..=returned::FIELDS).contains(&fields.len()));
            for field in fields {
                most(&field.pointer, returned::POINTER_CHARACTERS);
                most(&field.detail, returned::SHORT_TEXT_CHARACTERS);
            }
        }
        Failure::Declined(reason) | Failure::Conflict(reason) | Failure::NotFound(reason) => {
            most(&reason.code, returned::REASON_CODE_CHARACTERS);
            most(&reason.text, returned::REASON_CHARACTERS);
        }
        Failure::Unavailable(outage) => {
            assert!(outage.detail.len() <= returned::DETAIL_BYTES && !outage.detail.contains(char::is_control));
            assert!(outage.retry_after.is_none_or(|seconds| seconds <= 86_400));
        }
        Failure::Faulty(fault) => {
            assert!(fault.detail.len() <= returned::DETAIL_BYTES && !fault.detail.contains(char::is_control));
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    // Plain bytes give every choice its first way; the lines are the texts in it.
    for kind in 0..15 {
        for choice in 0..11 {
            let mut rest = vec![1, 3, choice];
            for _ in 0..12 {
                rest.extend(b"\x01text 1\n\x03\x05\x03\x09\x01");
            }
            seeds.push(of_kind(kind, &rest));
            rest[1] = 255;
            seeds.push(of_kind(kind, rest));
        }
        seeds.push(of_kind(kind, [1, 2, 7, 0x9c, 0x40, 7, 1, 0, 7, 0xff, 0xff]));
    }
    seeds
}
