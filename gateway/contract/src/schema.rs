//! The JSON Schemas of `schemas/json`, compiled once, and the one way from bytes to a value of the contract.
//!
//! Floor plan
//! - [`Resource`]: which schemas there are; [`validate`]: a value against one of them.
//! - [`body`]: [`parse`](body::parse), from the bytes of a request's body to a Rust type.
//! - `findings`: what a validator finds, as fields and sentences; `sentences`: those sentences in three languages.
//!
//! Nothing is ever fetched: all schemas are in the binary, and a reference to anything else does not compile.

use std::sync::LazyLock;

use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;

use crate::{provider::FieldError, service::Locale};

pub mod body;
pub(crate) mod findings;
mod sentences;

/// Most errors that one validation reports: a form on a telephone shows no more.
pub const MAX_ERRORS: usize = 20;

/// Below this address stand the schemas' `$id`s.
pub const BASE: &str = "https://schemas.dialog-gateway.example/v1/";

macro_rules! resources {
    ($($(#[doc = $doc:literal])+ $variant:ident = $file:literal;)+) => {
        /// What has a schema.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Resource {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Resource {
            /// Every resource, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The file in `schemas/json`.
            #[must_use]
            pub const fn file(self) -> &'static str {
                match self {
                    $(Self::$variant => $file,)+
                }
            }

            /// The schema's text.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../../schemas/json/", $file)),)+
                }
            }
        }
    };
}

resources! {
    /// Identifiers, closed lists and small parts that the others share. As a schema of its own it accepts anything.
    Types = "types.json";
    /// [`crate::dialog::Dialog`].
    Dialog = "dialog.json";
    /// [`crate::opening::NewDialog`].
    NewDialog = "new-dialog.json";
    /// [`crate::opening::NewMessage`].
    NewMessage = "new-message.json";
    /// [`crate::dialog::Message`].
    Message = "message.json";
    /// [`crate::dialog::Attachment`].
    Attachment = "attachment.json";
    /// [`crate::appointment::Appointment`].
    Appointment = "appointment.json";
    /// [`crate::appointment::Slot`].
    Slot = "slot.json";
    /// [`crate::appointment::NewBooking`].
    NewBooking = "new-booking.json";
    /// [`crate::appointment::NewCancellation`].
    NewCancellation = "new-cancellation.json";
    /// The body of a request that says everything by its path.
    Empty = "empty.json";
    /// [`crate::prescription::Prescription`].
    Prescription = "prescription.json";
    /// [`crate::payment::Invoice`].
    Invoice = "invoice.json";
    /// [`crate::payment::NewPayment`].
    NewPayment = "new-payment.json";
    /// [`crate::payment::PaymentBegun`].
    PaymentBegun = "payment-begun.json";
    /// [`crate::payment::Payment`].
    Payment = "payment.json";
    /// [`crate::video::Room`].
    Room = "room.json";
    /// [`crate::inbox::Inbox`].
    Inbox = "inbox.json";
    /// [`crate::inbox::DialogSearch`].
    DialogSearch = "dialog-search.json";
    /// [`crate::notice::NoticePreferences`].
    NoticePreferences = "notice-preferences.json";
    /// [`crate::notice::NewNoticePreferences`].
    NewNoticePreferences = "new-notice-preferences.json";
    /// [`crate::practice::Practice`].
    Practice = "practice.json";
    /// [`crate::practice::Office`].
    Office = "office.json";
    /// [`crate::problem::Problem`].
    Problem = "problem.json";
    /// [`crate::event::Event`].
    Event = "event.json";
    /// [`crate::limits::Limits`].
    Limits = "limits.json";
    /// [`crate::health::Health`].
    Health = "health.json";
    /// [`crate::unreadable::UnreadableDeliveries`].
    UnreadableDeliveries = "unreadable-deliveries.json";
    /// [`crate::erasure::NewErasure`].
    NewErasure = "new-erasure.json";
    /// [`crate::plugin::Plugin`].
    Plugin = "plugin.json";
    /// [`crate::plugin::Asks`].
    PluginGrant = "plugin-grant.json";
    /// A [`crate::page::Page`] of plugins.
    PluginPage = "plugin-page.json";
    /// [`crate::choice::Choice`].
    Choice = "choice.json";
    /// [`crate::choice::NewChoice`].
    NewChoice = "new-choice.json";
    /// A [`crate::page::Page`] of dialogs.
    DialogPage = "dialog-page.json";
    /// A [`crate::page::Page`] of slots.
    SlotPage = "slot-page.json";
    /// A [`crate::page::Page`] of appointments.
    AppointmentPage = "appointment-page.json";
    /// A [`crate::page::Page`] of prescriptions.
    PrescriptionPage = "prescription-page.json";
    /// A [`crate::page::Page`] of invoices.
    InvoicePage = "invoice-page.json";
    /// A [`crate::page::Page`] of payments.
    PaymentPage = "payment-page.json";
    /// A [`crate::page::Page`] of events.
    EventPage = "event-page.json";
    /// [`crate::access_log::AccessLogPage`].
    AccessLogPage = "access-log-page.json";
    /// [`crate::audit::Record`].
    AuditRecord = "audit-record.json";
    /// [`crate::guidance::Guidance`].
    Guidance = "guidance.json";
    /// [`crate::survey::OpenSurvey`].
    Survey = "survey.json";
    /// [`crate::survey::NewSurveyAnswers`].
    NewSurveyAnswers = "new-survey-answers.json";
    /// [`crate::survey::SurveyResults`].
    SurveyResults = "survey-results.json";
    /// [`crate::agreement::NewTerms`].
    NewTerms = "new-terms.json";
    /// [`crate::agreement::ServiceTerms`].
    ServiceTerms = "service-terms.json";
    /// [`crate::agreement::OfficeTerms`].
    OfficeTerms = "office-terms.json";
    /// [`crate::agreement::NewOfficeChoice`].
    NewOfficeChoice = "new-office-choice.json";
    /// [`crate::agreement::OfficeChoice`].
    OfficeChoice = "office-choice.json";
    /// [`crate::agreement::OfficeChoices`].
    OfficeChoices = "office-choices.json";
    /// [`crate::agreement::NewAbsences`].
    NewAbsences = "new-absences.json";
    /// [`crate::agreement::ClinicianAbsences`].
    ClinicianAbsences = "clinician-absences.json";
    /// A [`crate::page::Page`] of [`crate::handover::ExportedDialog`].
    HandoverPage = "handover-page.json";
    /// [`crate::handover::NewHandover`].
    NewHandover = "new-handover.json";
    /// [`crate::handover::HandedOver`].
    HandedOver = "handed-over.json";
    /// [`crate::collegial::NewCollegialDialog`].
    NewCollegialDialog = "new-collegial-dialog.json";
    /// [`crate::collegial::NewCitizenParty`].
    NewCitizenParty = "new-citizen-party.json";
    /// A [`crate::page::Page`] of [`crate::collegial::CollegialSummary`].
    CollegialPage = "collegial-page.json";
}

impl Resource {
    /// The schema's `$id`.
    #[must_use]
    pub fn id(self) -> String {
        format!("{BASE}{}", self.file())
    }

    /// The resource whose schema stands in that file of `schemas/json`.
    #[must_use]
    pub fn of_file(file: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|resource| resource.file() == file)
    }

    /// The schema.
    #[must_use]
    pub fn schema(self) -> &'static Value {
        &COMPILED.schemas[self as usize]
    }

    /// The schema, compiled.
    #[must_use]
    pub fn validator(self) -> &'static Validator {
        &COMPILED.validators[self as usize]
    }
}

struct Compiled {
    schemas: Vec<Value>,
    validators: Vec<Validator>,
}

// The schemas are part of the binary: what could fail here fails in the crate's tests, and not for an input.
static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let schemas: Vec<Value> = Resource::ALL
        .iter()
        .map(|resource| serde_json::from_str(resource.source()).expect("the schema is JSON"))
        .collect();
    let validators = {
        let registry = registry(&schemas);
        schemas
            .iter()
            .map(|schema| options(&registry).build(schema).expect("the schema compiles, its references are known"))
            .collect()
    };
    Compiled { schemas, validators }
});

fn registry(schemas: &[Value]) -> Registry<'_> {
    let mut builder = Registry::new();
    for (resource, schema) in Resource::ALL.iter().zip(schemas) {
        builder = builder.add(resource.id(), schema).expect("the schema's id is a URI");
    }
    builder.prepare().expect("the schemas' references are known")
}

fn options<'a>(registry: &'a Registry<'a>) -> jsonschema::ValidationOptions<'a> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_base_uri(BASE)
        .with_registry(registry)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .offline()
}

/// Compiles a schema that may refer to the resources' schemas, relative to [`BASE`].
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    let registry = registry(&COMPILED.schemas);
    options(&registry).build(schema).map_err(|error| error.to_string())
}

/// Whether `value` is what the schema of `resource` says.
///
/// # Errors
/// At most [`MAX_ERRORS`] fields, each with a sentence in the language of `locale`. No sentence contains a value that
/// was sent; the name of an unknown property is given when it is short and plain.
pub fn validate(resource: Resource, value: &Value, locale: Locale) -> Result<(), Vec<FieldError>> {
    let validator = resource.validator();
    if validator.is_valid(value) {
        return Ok(());
    }
    Err(findings::collect(validator.iter_errors(value), locale))
}

/// What of `value` is not as a schema of a plugin's manifest has it; that one compiled when the plugin was installed, and
/// one that does not holds nothing. At most [`MAX_ERRORS`] fields, as [`validate`] tells them.
#[must_use]
pub fn held_to(schema: &Value, value: &Value, locale: Locale) -> Vec<FieldError> {
    match jsonschema::options().with_draft(Draft::Draft202012).offline().build(schema) {
        Ok(validator) if validator.is_valid(value) => Vec::new(),
        Ok(validator) => findings::collect(validator.iter_errors(value), locale),
        Err(_) => vec![FieldError { pointer: String::new(), detail: sentences::Sentence::NotValid.text(locale) }],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

    use serde_json::json;

    use super::*;

    fn pointers(resource: Resource, value: &Value) -> Vec<String> {
        match validate(resource, value, Locale::En) {
            Ok(()) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| error.pointer).collect(),
        }
    }

    fn only(resource: Resource, value: &Value, locale: Locale) -> FieldError {
        let mut errors = validate(resource, value, locale).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.remove(0)
    }

    #[test]
    fn every_schema_compiles_and_stands_under_its_id() {
        for resource in Resource::ALL {
            assert_eq!(resource.schema()["$id"], json!(resource.id()));
            assert_eq!(resource.schema()["$schema"], json!("https://json-schema.org/draft/2020-12/schema"));
            assert_eq!(Resource::of_file(resource.file()), Some(*resource));
            let _ = resource.validator();
        }
    }

    #[test]
    fn a_reference_outside_the_contract_does_not_compile_and_is_not_fetched() {
        let error = compile(&json!({"$ref": "https://example.com/elsewhere.json"})).unwrap_err();
        assert!(error.contains("elsewhere"), "{error}");
    }

    #[test]
    fn a_missing_message_is_named_where_the_request_needs_one() {
        let error = only(Resource::NewDialog, &json!({"request": {"type": "inquiry"}}), Locale::En);
        assert_eq!(error.pointer, "/message");
        assert_eq!(error.detail, "This field is required.");
        assert_eq!(
            pointers(
                Resource::NewDialog,
                &json!({"request": {"type": "appointment-cancel", "appointment": "019a0000-0000-7000-8000-0000000000c1"}})
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_consultation_with_images_needs_an_attachment() {
        let request = json!({"type": "consultation", "mode": "image"});
        let without = json!({"request": request, "message": {"text": "x"}});
        assert_eq!(pointers(Resource::NewDialog, &without), ["/message/attachments"]);
        let empty = json!({"request": request, "message": {"text": "x", "attachments": []}});
        assert_eq!(pointers(Resource::NewDialog, &empty), ["/message/attachments"]);
    }

    #[test]
    fn an_error_inside_a_variant_is_found_there_and_not_at_the_choice() {
        let degree = json!({
            "request": {"type": "sick-note-renewal", "validUntil": "2026-03-31", "degree": 101},
            "message": {"text": "x"}
        });
        let error = only(Resource::NewDialog, &degree, Locale::En);
        assert_eq!((error.pointer.as_str(), error.detail.as_str()), ("/request/degree", "Must be at most 100."));
    }

    #[test]
    fn an_unknown_variant_is_told_which_there_are() {
        let error =
            only(Resource::NewDialog, &json!({"request": {"type": "visit"}, "message": {"text": "x"}}), Locale::En);
        assert_eq!(error.pointer, "/request/type");
        assert!(error.detail.contains("consultation, inquiry, prescription-renewal"), "{}", error.detail);
        assert!(!error.detail.contains("visit"));
    }

    #[test]
    fn a_request_without_type_is_one_missing_field() {
        assert_eq!(pointers(Resource::NewDialog, &json!({"request": {}})), ["/request/type"]);
        assert_eq!(pointers(Resource::NewDialog, &json!({"request": 1})), ["/request"]);
    }

    #[test]
    fn an_unknown_property_is_named_with_the_nearest_known_one() {
        let error = only(Resource::NewMessage, &json!({"text": "x", "atachments": []}), Locale::Nb);
        assert_eq!(error.pointer, "/atachments");
        assert_eq!(error.detail, "Det finnes ikke noe felt «atachments» her. Mente du «attachments»?");
        let error = only(Resource::NewMessage, &json!({"text": "x", "weather": 1}), Locale::En);
        assert_eq!(error.detail, "There is no field \"weather\" here.");
    }

    #[test]
    fn a_property_where_none_is_known_is_told_to_be_unknown() {
        let error = only(Resource::Empty, &json!({"all": true}), Locale::En);
        assert_eq!(
            (error.pointer.as_str(), error.detail.as_str()),
            ("", "There is a field here that is not in the contract.")
        );
    }

    #[test]
    fn an_unknown_property_that_could_name_a_person_is_not_repeated() {
        let number = "14838541241";
        for name in [number.to_owned(), format!("fnr-{number}"), "x".repeat(300), "a b\u{0}".to_owned()] {
            let error = only(Resource::NewMessage, &json!({"text": "x", name.clone(): 1}), Locale::En);
            assert_eq!(error.pointer, "");
            assert!(!error.detail.contains(&name), "{}", error.detail);
        }
    }

    #[test]
    fn no_sentence_repeats_a_value() {
        let secret = "hemmelig-14838541241";
        for value in [
            json!({"text": [secret]}),
            json!({"text": "x", "subject": secret.repeat(20)}),
            json!({"text": "x", "attachments": [secret]}),
            json!({"text": "x", "attachments": secret}),
            json!({"text": format!("{secret}\u{7}")}),
        ] {
            for locale in Locale::ALL {
                for error in validate(Resource::NewMessage, &value, *locale).unwrap_err() {
                    assert!(!error.detail.contains("hemmelig"), "{error:?}");
                }
            }
        }
    }

    #[test]
    fn a_missing_field_is_told_in_the_citizens_language() {
        let sentence = |locale| only(Resource::NewMessage, &json!({}), locale).detail;
        assert_eq!(sentence(Locale::Nb), "Dette feltet må fylles ut.");
        assert_eq!(sentence(Locale::Nn), "Dette feltet må fyllast ut.");
        assert_eq!(sentence(Locale::En), "This field is required.");
    }

    #[test]
    fn limits_of_texts_count_characters_and_not_bytes() {
        let text = |count: usize| json!({"text": "å".repeat(count)});
        assert_eq!(validate(Resource::NewMessage, &text(8_000), Locale::Nb), Ok(()));
        let error = only(Resource::NewMessage, &text(8_001), Locale::Nb);
        assert_eq!(error.detail, "Kan ikke være lengre enn 8000 tegn.");
    }

    #[test]
    fn blank_texts_and_control_characters_are_told_apart() {
        let detail = |text: &str| only(Resource::NewMessage, &json!({"text": text}), Locale::En).detail;
        assert_eq!(detail(" \n\t "), "Must not be blank.");
        assert_eq!(detail("a\u{0}b"), "Must not contain control characters.");
    }

    #[test]
    fn times_must_exist_and_have_an_offset() {
        for wrong in ["2026-02-30T10:00:00Z", "2026-03-02T08:00:00", "2026-03-02", "1899-12-31T23:59:59Z", "tomorrow"] {
            let period = json!({"start": wrong, "end": "2026-03-09T11:00:00Z"});
            let value =
                json!({"request": {"type": "appointment-request", "preferred": [period]}, "message": {"text": "x"}});
            let error = only(Resource::NewDialog, &value, Locale::En);
            assert_eq!(error.pointer, "/request/preferred/0/start");
            assert!(error.detail.starts_with("Must be a date and time"), "{wrong}: {}", error.detail);
        }
    }

    #[test]
    fn the_number_of_errors_is_bounded() {
        let items: Vec<Value> = (0..500).map(|_| json!({})).collect();
        let value = json!({"request": {"type": "prescription-renewal", "items": items}});
        assert_eq!(validate(Resource::NewDialog, &value, Locale::Nn).unwrap_err().len(), MAX_ERRORS);
    }
}
