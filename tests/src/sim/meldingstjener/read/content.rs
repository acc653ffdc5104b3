//! The documents inside a message: dialog, calendar, prescriptions, attachments, who acts for whom.

use super::{Findings, code, is_calendar, is_dialog, person};
use crate::sim::meldingstjener::codes::{
    DELIVERY, Kind, NOTE_ROLE, NS_BASE64, NS_PERSONS, NS_PRESCRIPTION, NS_RELATION, NS_SHARED, ORGANISATION_ID,
    PERSON_ID, Process, REPRESENTATION, ROLE, YES_NO,
};
use crate::sim::meldingstjener::message::{Attachment, Colleague, Event, Inbound, Prescription};
use crate::sim::meldingstjener::tree::Element;
use base64::Engine;

/// Slots may be asked about for four weeks at most (guide 3.4.2.1).
const LONGEST_PERIOD_DAYS: i32 = 28;

fn payload(document: &Element) -> Option<&Element> {
    document.child("RefDoc")?.child("Content")?.children().next()
}

/// The dialog, which stands in the first document.
pub(super) fn dialog<'a>(root: &'a Element, findings: &mut Findings) -> Option<&'a Element> {
    let first = root.child("Document").and_then(payload);
    if let Some(dialog) = first.filter(|element| is_dialog(element)) {
        return Some(dialog);
    }
    findings.note("Dialogmelding 1.1 stands in the first Document", "something else does");
    root.all("Document").filter_map(payload).find(|element| is_dialog(element))
}

/// The parts of a form that are not plain fields.
pub(super) fn form(form: &Element, inbound: &mut Inbound, findings: &mut Findings) {
    let date = |name: &str| form.text_of(name).and_then(|text| text.parse().ok());
    if let (Some(from), Some(to)) = (date("FraDato"), date("TilDato")) {
        inbound.period = Some((from, to));
    }
    for related in form.all("RollerRelatertNotat") {
        if related.child("RolleNotat").is_some() {
            inbound.author = author(related, findings);
            findings.expect(inbound.author.is_some(), "who wrote it has a name, a HPR number and an office", || {
                inbound.msg_id.clone()
            });
            continue;
        }
        let role = related.child("RoleToPatient").map(code);
        let wanted = role.is_some_and(|role| {
            (role.value.as_str(), role.system.as_str(), role.name.as_str()) == ("23", ROLE, "Ønsket behandler")
        });
        findings.expect(wanted, "RollerRelatertNotat names role 23, Ønsket behandler", || inbound.msg_id.clone());
        inbound.wanted_gp = related
            .child("HealthcareProfessional")
            .and_then(|professional| professional.child("Ident"))
            .and_then(|ident| {
                let part = |name: &str| ident.children().find(|child| child.ns == NS_SHARED && child.name == name);
                let typed = code(part("TypeId")?);
                (typed.value == "HPR" && typed.system == PERSON_ID && typed.name == "HPR-nummer")
                    .then(|| part("Id").map(Element::text))
                    .flatten()
            });
        findings
            .expect(inbound.wanted_gp.is_some(), "the wished clinician has a HPR number", || inbound.msg_id.clone());
    }
}

/// The clinician who wrote a message to a colleague, and of which office.
fn author(related: &Element, findings: &mut Findings) -> Option<Colleague> {
    let role = related.child("RolleNotat").map(code);
    let named = role.as_ref().is_some_and(|role| {
        (role.value.as_str(), role.system.as_str(), role.name.as_str()) == ("1", NOTE_ROLE, "Forfatter")
    });
    findings.expect(named, "RolleNotat is 1, Forfatter", || format!("{role:?}"));
    let shared = |element: &Element, name: &str| {
        element.children().find(|child| child.ns == NS_SHARED && child.name == name).cloned()
    };
    let unit = related.child("TilknyttetEnhet")?.child("Kontaktenhet")?.clone();
    let ident = shared(&unit, "Ident")?;
    let typed = code(&shared(&ident, "TypeId")?);
    let is_her = (typed.value.as_str(), typed.system.as_str()) == ("HER", ORGANISATION_ID);
    let office = shared(&ident, "Id")?.text().parse().ok().filter(|_| is_her)?;
    let person = related.child("HealthcareProfessional")?;
    let ident = person.child("Ident")?;
    let typed = code(&shared(ident, "TypeId")?);
    let is_hpr = (typed.value.as_str(), typed.system.as_str()) == ("HPR", PERSON_ID);
    let hpr = shared(ident, "Id").map(|id| id.text()).filter(|_| is_hpr)?;
    let name = format!("{} {}", person.text_of("GivenName")?, person.text_of("FamilyName")?);
    Some(Colleague { name, hpr, office })
}

/// Everything behind the first document.
pub(super) fn documents(root: &Element, inbound: &mut Inbound, findings: &mut Findings) {
    for document in root.all("Document") {
        let Some(payload) = payload(document) else {
            findings.note("every Document has a payload", "one has none");
            continue;
        };
        let Some(reference) = document.child("RefDoc") else { continue };
        let kind = reference.child("MsgType").map(code);
        let expected = if payload.ns == NS_BASE64 { ("A", "Vedlegg") } else { ("XML", "XML-instans") };
        let typed = kind.as_ref().is_some_and(|kind| (kind.value.as_str(), kind.name.as_str()) == expected);
        findings.expect(typed, "RefDoc/MsgType is XML (XML-instans) or A (Vedlegg)", || format!("{kind:?}"));
        if is_dialog(payload) {
            continue;
        } else if is_calendar(payload) {
            calendar(payload, inbound, findings);
        } else if NS_PRESCRIPTION.contains(&payload.ns.as_str()) {
            prescription(payload, inbound, findings);
        } else if payload.ns == NS_RELATION {
            relation(payload, inbound, findings);
        } else if payload.ns == NS_PERSONS {
            let read = payload.all("Person").filter_map(|element| person(element, NS_SHARED, findings));
            inbound.persons = read.collect();
            findings.expect(
                inbound.persons.len() == payload.all("Person").count(),
                "Personer has names and national identity numbers",
                || payload.name.clone(),
            );
        } else if payload.ns == NS_BASE64 {
            attachment(reference, payload, inbound, findings);
        } else {
            findings.note("a Document holds something that HITS 1217 names", payload.ns.clone());
        }
    }
}

fn calendar(payload: &Element, inbound: &mut Inbound, findings: &mut Findings) {
    for calendar in payload.all("vcalendar") {
        let text = |name: &str| {
            calendar
                .child("properties")
                .and_then(|properties| properties.child(name))
                .map(Element::text)
                .unwrap_or_default()
        };
        findings.expect(text("version") == "2.0", "a calendar has version 2.0", || text("version"));
        findings.expect(!text("prodid").is_empty(), "a calendar names its product", String::new);
        for event in calendar.child("components").into_iter().flat_map(|inner| inner.all("vevent")) {
            match self::event(event) {
                Some(event) => {
                    findings.expect(event.start < event.end, "dtstart is before dtend", || event.start.to_string());
                    inbound.events.push(event);
                }
                None => findings
                    .note("an event has dtstart, dtend, uid and a contact that is a HER-id", "one of them is missing"),
            }
        }
    }
}

fn event(element: &Element) -> Option<Event> {
    let properties = element.child("properties")?;
    let text = |name: &str| properties.text_of(name).filter(|text| !text.is_empty());
    Some(Event {
        uid: text("uid")?,
        start: text("dtstart")?.parse().ok()?,
        end: text("dtend")?.parse().ok()?,
        contact: text("contact")?.parse().ok()?,
        related_to: text("related-to"),
        summary: text("summary"),
        description: text("description"),
        location: text("location"),
        categories: properties.all("categories").map(Element::text).collect(),
    })
}

fn prescription(payload: &Element, inbound: &mut Inbound, findings: &mut Findings) {
    fn name(element: &Element) -> Option<String> {
        if ["NavnFormStyrke", "Varenavn", "Navn"].contains(&element.name.as_str()) {
            return Some(element.text());
        }
        element.children().find_map(name)
    }
    match name(payload).filter(|name| !name.is_empty()) {
        Some(name) => inbound.prescriptions.push(Prescription { name, element: payload.clone() }),
        None => findings.note("a prescription names its medicine", payload.name.clone()),
    }
}

fn relation(payload: &Element, inbound: &mut Inbound, findings: &mut Findings) {
    inbound.acting = payload.child("Person").and_then(|element| person(element, NS_SHARED, findings));
    findings.expect(inbound.acting.is_some(), "Pasientrelasjon says who acts", || payload.name.clone());
    let role = payload.child("Relasjon").map(code);
    let known = role.as_ref().is_some_and(|role| {
        role.system == REPRESENTATION
            && !role.value.is_empty()
            && ["Foreldreansvar", "Vergemål", "Fullmakt"].contains(&role.name.as_str())
    });
    findings.expect(known, "Relasjon is one of code system 7611", || format!("{role:?}"));
}

fn attachment(reference: &Element, payload: &Element, inbound: &mut Inbound, findings: &mut Findings) {
    let mime_type = reference.text_of("MimeType").unwrap_or_default();
    let compact: String = payload.text().split_ascii_whitespace().collect();
    let content = match base64::engine::general_purpose::STANDARD.decode(compact) {
        Ok(content) => content,
        Err(_) => {
            findings.note("an attachment is base64", mime_type);
            return;
        }
    };
    let magic: &[u8] = match mime_type.as_str() {
        "application/pdf" => b"%PDF-",
        "image/jpeg" => &[0xff, 0xd8, 0xff],
        "image/png" => b"\x89PNG\r\n\x1a\n",
        _ => &[],
    };
    findings.expect(
        !magic.is_empty() && content.starts_with(magic),
        "an attachment is a PDF, JPEG or PNG and says so",
        || mime_type.clone(),
    );
    inbound.attachments.push(Attachment {
        mime_type,
        description: reference.text_of("Description").unwrap_or_default(),
        content,
    });
}

/// What the guide demands of each kind beyond the envelope.
pub(super) fn required(inbound: &Inbound, findings: &mut Findings) {
    let kind = inbound.kind;
    let has_text = inbound.text.as_ref().is_some_and(|text| !text.is_empty());
    let has_subject = inbound.subject.as_ref().is_some_and(|subject| !subject.is_empty());
    match kind {
        Kind::FreeSlots => match inbound.period {
            Some((from, to)) => {
                let days = from.until(to).map_or(i32::MAX, |span| span.get_days());
                findings.expect(
                    (0..=LONGEST_PERIOD_DAYS).contains(&days),
                    "FraDato to TilDato is at most four weeks",
                    || format!("{from} to {to}"),
                );
            }
            None => findings.note("HLT has FraDato and TilDato", "one is missing"),
        },
        Kind::RenewalPrescriptions => {
            findings.expect(!inbound.prescriptions.is_empty(), "RFER carries a M1 for each medicine", || {
                kind.rule().code.to_owned()
            });
        }
        Kind::Consultation => {
            findings
                .expect(has_text && has_subject, "SB has EmneSporsmal and Sporsmal", || kind.rule().code.to_owned());
        }
        Kind::Reply | Kind::RenewalText | Kind::ColleagueAnswer => {
            findings.expect(has_text, "the citizen's text is there", || kind.rule().code.to_owned());
        }
        _ => {}
    }
    findings.expect(
        inbound.persons.is_empty() != (kind == Kind::DigitalUsers),
        "28 says who is digitally active, and nothing else names persons",
        || kind.rule().code.to_owned(),
    );
    // A clinician among colleagues signs; the patient, who may take part, is in the head.
    let signs = inbound.process == Process::Helsepersonell && kind != Kind::Reply;
    findings.expect(
        inbound.author.is_some() == signs,
        "a clinician signs what colleagues read, and nobody else does",
        || kind.rule().code.to_owned(),
    );
    coded(inbound, findings);
    events(inbound, findings);
}

fn coded(inbound: &Inbound, findings: &mut Findings) {
    let expected: Option<&[&str]> = match inbound.kind {
        Kind::Reserve
        | Kind::CancelReservation
        | Kind::Wish
        | Kind::ChangeWish
        | Kind::CancelWish
        | Kind::DigitalStatus => Some(&[YES_NO]),
        // The guide's examples write the number of the code system, the rest of the sector its OID.
        Kind::RenewalText | Kind::RenewalPrescriptions => Some(&[DELIVERY, "8324"]),
        _ => None,
    };
    let Some(systems) = expected else { return };
    let holds = inbound.coded.as_ref().is_some_and(|coded| {
        let named = match (coded.system == YES_NO, coded.value.as_str()) {
            (true, "1") => coded.name == "Ja",
            (true, "2") => coded.name == "Nei",
            (true, _) => false,
            (false, value) => !value.is_empty() && !coded.name.is_empty(),
        };
        systems.contains(&coded.system.as_str()) && named
    });
    findings.expect(holds, "KodetOpplysning is there, from its code system", || {
        format!("{}: {:?}", inbound.kind.rule().code, inbound.coded)
    });
}

fn events(inbound: &Inbound, findings: &mut Findings) {
    let code = inbound.kind.rule().code;
    let (wanted, related) = match inbound.kind {
        Kind::Reserve => (1, false),
        Kind::CancelReservation | Kind::ChangeWish | Kind::CancelWish => (1, true),
        _ => (0, false),
    };
    findings.expect(
        inbound.events.len() == wanted,
        "a calendar is sent where the guide asks for one, and nowhere else",
        || format!("{code} has {} events", inbound.events.len()),
    );
    if related {
        findings.expect(
            inbound.events.iter().all(|event| event.related_to.is_some()),
            "related-to names the appointment that is changed or cancelled",
            || code.to_owned(),
        );
    }
}
