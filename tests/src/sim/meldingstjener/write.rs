//! Writes the offices' messages: envelope, dialog, calendar, attachments, in the style of each record system.

use super::codes::{
    Code, NS_BASE64, NS_CALENDAR, NS_DIALOG, NS_HEAD, NS_PERSONNEL, NS_PERSONNEL_LIST, NS_PERSONS, NS_SHARED, NS_XHTML,
    ORGANISATION_ID, PERSON_ID, Process, ROLE,
};
use super::message::{Attachment, Event, Person, References};
use super::style::Style;
use super::tree::{Element, write};
use crate::sim::world::{Gp, Office, PORTAL_HER_ID, PORTAL_NAME, PORTAL_ORGANISATION_HER_ID, PORTAL_ORGANISATION_NAME};
use base64::Engine;

/// What a clinician writes: an answer, or the opening of a dialogue.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// Subject (`EmneSporsmal`, `Tema`).
    pub subject: Option<String>,
    /// Body.
    pub body: Option<String>,
}

/// Everything that a message from an office holds.
#[derive(Clone, Debug)]
pub struct Letter {
    /// `MsgId`.
    pub msg_id: String,
    /// When it was written.
    pub written: jiff::Timestamp,
    /// The process.
    pub process: Process,
    /// HER-id of the communication party that sends it.
    pub from: u32,
    /// Whether a receipt is asked for.
    pub ack: bool,
    /// The dialog that it belongs to.
    pub references: Option<References>,
    /// The citizen.
    pub patient: Option<Person>,
    /// Code of the answer (`TemaKodet`) or of the opening (`TypeForesp`).
    pub code: Code,
    /// Whether the office opens a dialog or gives a notice (`Foresporsel`) or answers (`Notat`).
    pub opens: bool,
    /// Text.
    pub text: Text,
    /// HPR number of the clinician who wrote it.
    pub author: Option<&'static str>,
    /// Calendar events.
    pub events: Vec<Event>,
    /// The clinician that the citizen gets instead of the wished one.
    pub other_clinician: Option<&'static str>,
    /// The clinicians of the office.
    pub clinicians: Vec<&'static str>,
    /// Prescriptions that were renewed (M1).
    pub prescriptions: Vec<Element>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Whom the office asks about.
    pub persons: Vec<Person>,
    /// The colleague whom it is for.
    pub addressee: Option<Addressee>,
}

/// A colleague at another office.
#[derive(Clone, Debug)]
pub struct Addressee {
    /// HER-id of the office (level 2).
    pub office: u32,
    /// Its name.
    pub name: String,
    /// HPR number of the clinician there.
    pub hpr: Option<String>,
}

/// Writes the whole message.
pub fn letter(letter: &Letter, office: &Office, style: &Style) -> Vec<u8> {
    let generated = style.gen_date(letter.written);
    let mut root = head("MsgHead").with(info(letter, office, style, &generated));
    root = root.with(document(
        Some(letter.process.name()),
        Some(&generated),
        ("XML", "XML-instans"),
        None,
        None,
        dialog(letter, office, style),
    ));
    if !letter.events.is_empty() {
        let calendar = calendar(&letter.events, style);
        root = root.with(document(None, None, ("XML", "XML-instans"), None, Some("iCalendar"), calendar));
    }
    if let Some(gp) = letter.other_clinician.and_then(|hpr| office.gp(hpr)) {
        let other = Element::new(NS_PERSONNEL, "Helsepersonell").with(professional(gp, NS_PERSONNEL));
        root = root.with(document(None, None, ("XML", "XML-instans"), None, Some("Annet helsepersonell"), other));
    }
    if !letter.clinicians.is_empty() {
        let mut list = Element::new(NS_PERSONNEL_LIST, "HelsepersonelListe");
        for gp in letter.clinicians.iter().filter_map(|hpr| office.gp(hpr)) {
            let entry = Element::new(NS_PERSONNEL_LIST, "Helsepersonell").with(professional(gp, NS_PERSONNEL_LIST));
            list = list.with(entry);
        }
        root = root.with(document(None, None, ("XML", "XML-instans"), None, Some("Behandlere"), list));
    }
    if !letter.persons.is_empty() {
        let list = Element::new(NS_PERSONS, "Personer").with_all(letter.persons.iter().map(asked_about));
        root = root.with(document(None, Some(&generated), ("XML", "XML-instans"), None, None, list));
    }
    for prescription in &letter.prescriptions {
        root = root.with(document(None, None, ("XML", "XML-instans"), None, Some("M1"), prescription.clone()));
    }
    for attachment in &letter.attachments {
        let encoded = base64::engine::general_purpose::STANDARD.encode(&attachment.content);
        let container = Element::new(NS_BASE64, "Base64Container").with_text(style.base64(&encoded));
        root = root.with(document(
            None,
            Some(&generated),
            ("A", "Vedlegg"),
            Some(style.mime_type(&attachment.mime_type)),
            Some(&attachment.description),
            container,
        ));
    }
    write(&root, style.encoding)
}

fn head(name: &str) -> Element {
    Element::new(NS_HEAD, name)
}

fn info(letter: &Letter, office: &Office, style: &Style, generated: &str) -> Element {
    let ack = if letter.ack { ("J", "Ja") } else { ("N", "Nei") };
    let mut info = head("MsgInfo")
        .with(
            head("Type").attr("V", style.padded(letter.process.code())).attr("DN", style.padded(letter.process.name())),
        )
        .field("MIGversion", "v1.2 2006-05-24")
        .field("GenDate", generated)
        .field("MsgId", letter.msg_id.clone())
        .with(head("Ack").attr("V", ack.0).attr("DN", ack.1));
    if let Some(references) = &letter.references {
        info = info.with(
            head("ConversationRef")
                .field("RefToParent", references.parent.clone())
                .field("RefToConversation", references.conversation.clone()),
        );
    }
    info = info.with(head("Sender").with(sender(letter, office, style))).with(
        head("Receiver").with(
            organisation(PORTAL_ORGANISATION_NAME, &PORTAL_ORGANISATION_HER_ID.to_string())
                .with(organisation(PORTAL_NAME, &style.padded(&PORTAL_HER_ID.to_string()))),
        ),
    );
    match &letter.patient {
        Some(patient) => info.with(self::patient(patient)),
        None => info,
    }
}

fn sender(letter: &Letter, office: &Office, style: &Style) -> Element {
    let mut outer = head("Organisation").field("OrganisationName", office.name);
    if style.organisation_number {
        outer = outer.with(ident(
            NS_HEAD,
            NS_HEAD,
            office.organisation_number,
            ("ENH", "Organisasjonsnummeret i Enhetsregister", ORGANISATION_ID),
        ));
    }
    outer = outer.with(ident(NS_HEAD, NS_HEAD, &office.her_id.to_string(), ("HER", "HER-id", ORGANISATION_ID)));
    match office.gps.iter().find(|gp| gp.her_id == letter.from) {
        Some(gp) => outer.with(
            head("HealthcareProfessional")
                .with(head("RoleToPatient").attr("V", "6").attr("S", ROLE).attr("DN", "Fastlege"))
                .field("FamilyName", gp.family_name)
                .field("GivenName", gp.given_name)
                .with(ident(NS_HEAD, NS_HEAD, gp.hpr, ("HPR", "HPR-nummer", PERSON_ID)))
                .with(ident(NS_HEAD, NS_HEAD, &gp.her_id.to_string(), ("HER", "HER-id", PERSON_ID))),
        ),
        None => outer.with(organisation(office.service_name, &style.padded(&letter.from.to_string()))),
    }
}

fn organisation(name: &str, her_id: &str) -> Element {
    head("Organisation").field("OrganisationName", name).with(ident(
        NS_HEAD,
        NS_HEAD,
        her_id,
        ("HER", "HER-id", ORGANISATION_ID),
    ))
}

/// An identifier whose element lies in `outer` and its fields in `inner`.
fn ident(outer: &str, inner: &str, id: &str, typed: (&str, &str, &str)) -> Element {
    Element::new(outer, "Ident")
        .with(Element::new(inner, "Id").with_text(id))
        .with(Element::new(inner, "TypeId").attr("V", typed.0).attr("S", typed.2).attr("DN", typed.1))
}

fn patient(person: &Person) -> Element {
    let typed = if person.national_id.is_d_number() { ("DNR", "D-nummer") } else { ("FNR", "Fødselsnummer") };
    head("Patient")
        .field("FamilyName", person.family_name.clone())
        .field("GivenName", person.given_name.clone())
        .with(ident(NS_HEAD, NS_HEAD, person.national_id.reveal(), (typed.0, typed.1, PERSON_ID)))
}

fn asked_about(person: &Person) -> Element {
    let shared = |name: &str, text: &str| Element::new(NS_SHARED, name).with_text(text);
    let typed = if person.national_id.is_d_number() { ("DNR", "D-nummer") } else { ("FNR", "Fødselsnummer") };
    let number = person.national_id.reveal();
    Element::new(NS_PERSONS, "Person")
        .with(shared("FamilyName", &person.family_name))
        .with(shared("GivenName", &person.given_name))
        .with(ident(NS_SHARED, NS_SHARED, number, (typed.0, typed.1, PERSON_ID)))
}

fn document(
    description: Option<&str>,
    issued: Option<&str>,
    kind: (&str, &str),
    mime_type: Option<&str>,
    title: Option<&str>,
    payload: Element,
) -> Element {
    let mut outer = head("Document");
    if let Some(text) = description {
        outer = outer.field("ContentDescription", text);
    }
    let mut reference = head("RefDoc");
    if let Some(time) = issued {
        reference = reference.with(head("IssueDate").attr("V", time));
    }
    reference = reference.with(head("MsgType").attr("V", kind.0).attr("DN", kind.1));
    if let Some(mime_type) = mime_type {
        reference = reference.field("MimeType", mime_type);
    }
    if let Some(title) = title {
        reference = reference.field("Description", title);
    }
    outer.with(reference.with(head("Content").with(payload)))
}

fn dialog(letter: &Letter, office: &Office, style: &Style) -> Element {
    let el = |name: &str| Element::new(NS_DIALOG, name);
    let (form, code, subject, text) = if letter.opens {
        ("Foresporsel", "TypeForesp", "EmneSporsmal", "Sporsmal")
    } else {
        ("Notat", "TemaKodet", "Tema", "TekstNotatInnhold")
    };
    let coded = el(code)
        .attr("V", letter.code.value.clone())
        .attr("S", letter.code.system.clone())
        .attr("DN", style.padded(&letter.code.name));
    let mut form = el(form).with(coded);
    if let Some(words) = &letter.text.subject {
        form = form.field(subject, words.clone());
    }
    if let Some(words) = &letter.text.body {
        form = form.with(body(el(text), words, style));
    }
    if let Some(gp) = letter.author.filter(|_| style.signs).and_then(|hpr| office.gp(hpr)) {
        form = form.with(
            el("RollerRelatertNotat")
                .with(el("RoleToPatient").attr("V", "6").attr("S", ROLE).attr("DN", "Fastlege"))
                .with(
                    el("HealthcareProfessional")
                        .field("FamilyName", gp.family_name)
                        .field("GivenName", gp.given_name)
                        .with(ident(NS_DIALOG, NS_SHARED, gp.hpr, ("HPR", "HPR-nummer", PERSON_ID))),
                ),
        );
    }
    if let Some(addressee) = &letter.addressee {
        let unit = el("Kontaktenhet")
            .with(Element::new(NS_SHARED, "OrganisationName").with_text(addressee.name.clone()))
            .with(ident(NS_SHARED, NS_SHARED, &addressee.office.to_string(), ("HER", "HER-id", ORGANISATION_ID)));
        let mut role = el("RollerRelatertNotat")
            .with(el("RoleToPatient").attr("V", "23").attr("S", ROLE).attr("DN", "Ønsket behandler"))
            .with(el("TilknyttetEnhet").with(unit));
        if let Some(hpr) = &addressee.hpr {
            let person = ident(NS_DIALOG, NS_SHARED, hpr, ("HPR", "HPR-nummer", PERSON_ID));
            role = role.with(el("HealthcareProfessional").with(person));
        }
        form = form.with(role);
    }
    el("Dialogmelding").with(form)
}

/// Text as it stands, or as XHTML with a paragraph for each line.
fn body(field: Element, words: &str, style: &Style) -> Element {
    if !style.xhtml {
        return field.with_text(words);
    }
    let paragraphs = words
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| Element::new(NS_XHTML, "p").with_text(line).with(Element::new(NS_XHTML, "br")));
    field.with(Element::new(NS_XHTML, "div").with_all(paragraphs))
}

fn professional(gp: &Gp, outer: &str) -> Element {
    let shared = |name: &str| Element::new(NS_SHARED, name);
    Element::new(outer, "Helsepersonell")
        .with(shared("RoleToPatient").attr("V", "6").attr("S", ROLE).attr("DN", "Fastlege"))
        .with(shared("FamilyName").with_text(gp.family_name))
        .with(shared("GivenName").with_text(gp.given_name))
        .with(ident(NS_SHARED, NS_SHARED, gp.hpr, ("HPR", "HPR-nummer", PERSON_ID)))
        .with(ident(NS_SHARED, NS_SHARED, &gp.her_id.to_string(), ("HER", "HER-id", PERSON_ID)))
}

fn calendar(events: &[Event], style: &Style) -> Element {
    let el = |name: &str| Element::new(NS_CALENDAR, name);
    let valued = |name: &str, kind: &str, value: &str| el(name).with(el(kind).with_text(value));
    let mut components = el("components");
    for event in events {
        let start = valued("dtstart", "date-time", &event.start.to_string());
        let end = valued("dtend", "date-time", &event.end.to_string());
        let mut properties = el("properties");
        properties = if style.end_first { properties.with(end).with(start) } else { properties.with(start).with(end) };
        properties = properties.with(valued("uid", "text", &event.uid)).with(valued(
            "contact",
            "text",
            &style.padded(&event.contact.to_string()),
        ));
        if let Some(id) = &event.related_to {
            properties = properties.with(valued("related-to", "uri", id));
        }
        for (name, value) in
            [("summary", &event.summary), ("description", &event.description), ("location", &event.location)]
        {
            if let Some(value) = value {
                properties = properties.with(valued(name, "text", value));
            }
        }
        if !event.categories.is_empty() {
            let texts = event.categories.iter().map(|text| el("text").with_text(text.clone()));
            properties = properties.with(el("categories").with_all(texts));
        }
        components = components.with(el("vevent").with(properties).with(el("components")));
    }
    el("icalendar").with(
        el("vcalendar")
            .with(el("properties").with(valued("version", "text", "2.0")).with(valued("prodid", "text", style.product)))
            .with(components),
    )
}
