//! A closed dialog as a FHIR R4 document: a Bundle whose first entry is a Composition with a section for each message
//! and one for what tests found, followed by a DocumentReference and a Binary for each file.
//!
//! The citizen is named by a logical reference, the national identity number under its OID, and stands nowhere else. Text
//! goes as escaped XHTML: what a citizen or an office wrote is never markup.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialog_contract::{
    dialog::{Activity, AuthorRole, Dialog, Message},
    ids::NationalIdentityNumber,
    observation::{Interpretation, Observation},
    service::Service,
};
use dialog_core::ports::archive::Document;
use serde_json::{Value, json};
use uuid::Uuid;

/// The system of identifiers that are URIs.
pub const URI: &str = "urn:ietf:rfc:3986";

/// National identity numbers, and D-numbers.
const FNR: &str = "urn:oid:2.16.578.1.12.4.1.4.1";
const DNR: &str = "urn:oid:2.16.578.1.12.4.1.4.2";

/// HER-ids and HPR numbers.
const HER: &str = "urn:oid:2.16.578.1.12.4.1.2";
const HPR: &str = "urn:oid:2.16.578.1.12.4.1.4.4";

/// The document's identifier: the dialog's id as a URI.
#[must_use]
pub fn identifier(document: &Document) -> String {
    urn(document.dialog.id.uuid())
}

fn urn(id: Uuid) -> String {
    format!("urn:uuid:{id}")
}

/// An id that follows from another: the same at every attempt.
fn derived(from: Uuid, what: &str) -> String {
    urn(Uuid::new_v5(&from, what.as_bytes()))
}

/// The Bundle.
#[must_use]
pub fn bundle(document: &Document) -> Value {
    let Document { citizen, dialog, files, left_out } = document;
    let subject = subject(citizen);
    let mut entries = vec![json!({
        "fullUrl": derived(dialog.id.uuid(), "composition"),
        "resource": composition(dialog, &subject, files.iter().map(|(file, _)| file.id.uuid()), left_out),
    })];
    for (file, bytes) in files {
        let binary = derived(file.id.uuid(), "binary");
        entries.push(json!({
            "fullUrl": urn(file.id.uuid()),
            "resource": {
                "resourceType": "DocumentReference",
                "status": "current",
                "subject": subject,
                "date": dialog.updated.to_string(),
                "content": [{ "attachment": {
                    "contentType": file.media_type.to_string(), "title": file.name, "size": file.size, "url": binary,
                } }],
            },
        }));
        entries.push(json!({
            "fullUrl": binary,
            "resource": {
                "resourceType": "Binary", "contentType": file.media_type.to_string(), "data": STANDARD.encode(bytes),
            },
        }));
    }
    json!({
        "resourceType": "Bundle",
        "identifier": { "system": URI, "value": identifier(document) },
        "type": "document",
        "timestamp": dialog.updated.to_string(),
        "entry": entries,
    })
}

fn subject(citizen: &NationalIdentityNumber) -> Value {
    // A D-number has 40 added to its day.
    let system = if citizen.expose().as_bytes().first().is_some_and(|first| *first >= b'4') { DNR } else { FNR };
    json!({ "type": "Patient", "identifier": { "system": system, "value": citizen.expose() } })
}

fn composition(dialog: &Dialog, subject: &Value, files: impl Iterator<Item = Uuid>, left_out: &[String]) -> Value {
    let office = json!({
        "type": "Organization",
        "identifier": { "system": HER, "value": dialog.office.her_id.to_string() },
        "display": dialog.office.name,
    });
    let mut authors = vec![office.clone()];
    authors.extend(dialog.clinician.iter().map(|clinician| {
        json!({
            "type": "Practitioner",
            "identifier": { "system": HPR, "value": clinician.hpr_number.to_string() },
            "display": format!("{} {}", clinician.given_name, clinician.family_name),
        })
    }));
    let mut sections: Vec<Value> = dialog.messages.iter().map(message).collect();
    sections.extend((!dialog.results.is_empty()).then(|| found(&dialog.results)));
    sections.extend((!dialog.activities.is_empty()).then(|| happened(&dialog.activities)));
    let files: Vec<Value> = files.map(|file| json!({ "reference": urn(file) })).collect();
    if !files.is_empty() {
        sections.push(json!({ "title": "Vedlegg", "entry": files }));
    }
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().map(String::as_str).collect();
        sections.push(section("Vedlegg som ikke er med her", &names));
    }
    json!({
        "resourceType": "Composition",
        "identifier": { "system": URI, "value": urn(dialog.id.uuid()) },
        "status": "final",
        "type": {
            "coding": [{ "system": "http://loinc.org", "code": "34109-9", "display": "Note" }],
            "text": kind(dialog),
        },
        "subject": subject,
        "date": dialog.updated.to_string(),
        "author": authors,
        "title": dialog.subject.clone().unwrap_or_else(|| kind(dialog).to_owned()),
        "custodian": office,
        "section": sections,
    })
}

fn message(message: &Message) -> Value {
    let who = match (&message.author.role, &message.author.name) {
        (_, Some(name)) => name.as_str(),
        (AuthorRole::Office, None) => "Legekontoret",
        (_, None) => "Innbyggeren",
    };
    let title = format!("{who}, {}", message.sent);
    let lines: Vec<&str> = message.subject.as_deref().into_iter().chain(message.text.lines()).collect();
    section(&title, &lines)
}

fn happened(activities: &[Activity]) -> Value {
    let lines: Vec<String> = activities.iter().map(|one| format!("{}: {}", one.occurred, one.text)).collect();
    section("Hva som har skjedd", &lines.iter().map(String::as_str).collect::<Vec<_>>())
}

fn found(results: &[Observation]) -> Value {
    let lines: Vec<String> = results
        .iter()
        .map(|one| {
            let unit = one.unit.iter().map(|unit| format!(" {unit}"));
            let code = one.code.iter().map(|code| format!("; kode {code}"));
            let range = one.reference_range.iter().map(|range| format!("; referanseområde {range}"));
            let meaning = one.interpretation.iter().map(|meaning| format!("; {}", meant(*meaning)));
            let comment = one.comment.iter().map(|comment| format!("; {comment}"));
            let rest: String = unit.chain(code).chain(range).chain(meaning).chain(comment).collect();
            format!("{}, {}: {}{rest}", one.taken, one.name, one.value)
        })
        .collect();
    section("Prøvesvar", &lines.iter().map(String::as_str).collect::<Vec<_>>())
}

const fn meant(meaning: Interpretation) -> &'static str {
    match meaning {
        Interpretation::Normal => "normalt",
        Interpretation::Low => "lavt",
        Interpretation::High => "høyt",
        Interpretation::Abnormal => "utenfor det normale",
    }
}

/// A section with a paragraph a line; what cannot stand in XML is left out.
fn section(title: &str, lines: &[&str]) -> Value {
    let mut div = "<div xmlns=\"http://www.w3.org/1999/xhtml\">".to_owned();
    for line in lines {
        div.push_str("<p>");
        for letter in line.chars() {
            match letter {
                '<' => div.push_str("&lt;"),
                '>' => div.push_str("&gt;"),
                '&' => div.push_str("&amp;"),
                '"' => div.push_str("&quot;"),
                '\t' => div.push(' '),
                letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
                letter => div.push(letter),
            }
        }
        div.push_str("</p>");
    }
    if lines.is_empty() {
        // A narrative must say something (txt-2).
        div.push_str("<p>–</p>");
    }
    div.push_str("</div>");
    json!({ "title": title, "text": { "status": "generated", "div": div } })
}

/// What it is, in a few words.
const fn kind(dialog: &Dialog) -> &'static str {
    match dialog.service {
        Service::Appointment => "Timeavtale",
        Service::PrescriptionRenewal => "Reseptfornyelse",
        Service::Consultation => "E-konsultasjon",
        Service::Inquiry => "Henvendelse til legekontoret",
        Service::SickNoteRenewal => "Sykemelding",
        Service::Certificate => "Helseattest",
        Service::Collegial => "Dialog mellom helsepersonell",
        Service::Payment => "Betaling",
        Service::TestResults => "Prøvesvar",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use bytes::Bytes;
    use dialog_contract::schema::Resource;
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Document {
        let mut dialog: Dialog = serde_json::from_value(Resource::Dialog.schema()["examples"][0].clone()).unwrap();
        dialog.messages[0].text = text.to_owned();
        let file = dialog.messages[0].attachments[0].clone();
        Document {
            citizen: "14838541241".parse().unwrap(),
            dialog,
            files: vec![(file, Bytes::from_static(b"\xff\xd8\xff"))],
            left_out: vec!["stor.pdf".to_owned()],
        }
    }

    #[test]
    fn a_document_names_the_citizen_once_for_each_subject_and_is_the_same_at_every_attempt() {
        let one = bundle(&document("Hei"));
        assert_eq!(one, bundle(&document("Hei")));
        assert_eq!(one["entry"].as_array().unwrap().len(), 3);
        assert_eq!(one.to_string().matches("14838541241").count(), 2, "composition and file");
        let composition = &one["entry"][0]["resource"];
        assert_eq!(one["identifier"]["value"], composition["identifier"]["value"]);
        let attached = &one["entry"][1]["resource"]["content"][0]["attachment"];
        assert_eq!(attached["url"], one["entry"][2]["fullUrl"]);
        let named =
            composition["section"].as_array().unwrap().iter().find_map(|one| one["entry"][0]["reference"].as_str());
        assert_eq!(named, one["entry"][1]["fullUrl"].as_str());
    }

    #[test]
    fn what_tests_found_goes_along() {
        let mut document = document("Hei");
        document.dialog.results = serde_json::from_value(json!([{
            "name": "Hemoglobin", "value": "10,1", "unit": "g/dL", "referenceRange": "11,7–15,3",
            "interpretation": "low", "taken": "2026-03-01T08:00:00Z",
        }]))
        .unwrap();
        let said = "Hemoglobin: 10,1 g/dL; referanseområde 11,7–15,3; lavt";
        assert!(bundle(&document).to_string().contains(said));
    }

    #[test]
    fn a_d_number_stands_under_its_own_system() {
        let whole = |number: &str| subject(&number.parse().unwrap())["identifier"]["system"].clone();
        assert_eq!(whole("14838541241"), FNR);
    }

    proptest! {
        #[test]
        fn what_somebody_wrote_is_never_markup(text in "(?s).{0,200}") {
            let bundle = bundle(&document(&text));
            let div = bundle["entry"][0]["resource"]["section"][0]["text"]["div"].as_str().unwrap();
            let inner = div.strip_prefix("<div xmlns=\"http://www.w3.org/1999/xhtml\">").unwrap();
            let inner = inner.strip_suffix("</div>").unwrap().replace("<p>", "").replace("</p>", "");
            prop_assert!(!inner.contains(['<', '>', '"']) && !inner.chars().any(char::is_control), "{}", inner);
        }
    }
}
