//! Reads a message from the portal and notes where it departs from HITS 1217.
//!
//! Strict where record systems are not: whatever could be understood is returned, and each departure is a
//! [`Violation`] that a test sees.

mod content;

use super::codes::{Code, Kind, NS_CALENDAR, NS_DIALOG, NS_HEAD, ORGANISATION_ID, PERSON_ID, Process, RULES, Rule};
use super::message::{Inbound, NationalId, Person, References};
use super::tree::Element;
use crate::sim::world::{PORTAL_HER_ID, PORTAL_ORGANISATION_HER_ID};

/// A departure from the standards by the portal's side. It never holds a national identity number.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// The rule, in a few words; the same words every time.
    pub rule: &'static str,
    /// What was found.
    pub detail: String,
    /// The message, where it has an identifier.
    pub message: Option<String>,
}

/// Collects violations while a message is read.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Violation>);

impl Findings {
    /// Notes one departure.
    pub fn note(&mut self, rule: &'static str, detail: impl Into<String>) {
        self.0.push(Violation { rule, detail: detail.into(), message: None });
    }

    /// Notes one departure unless `holds`.
    pub fn expect(&mut self, holds: bool, rule: &'static str, detail: impl FnOnce() -> String) {
        if !holds {
            self.note(rule, detail());
        }
    }
}

/// Reads a whole message; `None` where it is too broken to act on.
pub fn read(root: &Element, findings: &mut Findings) -> Option<Inbound> {
    if root.ns != NS_HEAD || root.name != "MsgHead" {
        findings.note("the root is MsgHead of 2006-05-24", format!("{{{}}}{}", root.ns, root.name));
        return None;
    }
    let info = root.child("MsgInfo").or_else(|| {
        findings.note("MsgInfo is there", "it is missing");
        None
    })?;
    let msg_id = info.text_of("MsgId").unwrap_or_default();
    let before = findings.0.len();
    let inbound = read_with_id(root, info, &msg_id, findings);
    for violation in findings.0.iter_mut().skip(before) {
        violation.message = Some(msg_id.clone());
    }
    inbound
}

fn read_with_id(root: &Element, info: &Element, msg_id: &str, findings: &mut Findings) -> Option<Inbound> {
    findings.expect(uuid::Uuid::try_parse(msg_id).is_ok(), "MsgId is a UUID", || msg_id.to_owned());
    let mig = info.text_of("MIGversion").unwrap_or_default();
    findings.expect(mig == "v1.2 2006-05-24", "MIGversion is v1.2 2006-05-24", || mig.clone());
    let gen_date = info.text_of("GenDate").unwrap_or_default();
    findings
        .expect(gen_date.parse::<jiff::Timestamp>().is_ok(), "GenDate is a time with its offset", || gen_date.clone());
    let process = process(info, findings)?;
    let dialog = content::dialog(root, findings)?;
    let (rule, form) = kind(dialog, findings)?;
    findings.expect(rule.processes.contains(&process), "the code belongs to the process", || {
        format!("{} in {}", rule.code, process.code())
    });
    let wants_receipt = ack(info, rule, findings);
    let references = references(info, rule.kind, findings);
    sender(info, findings);
    let (receiver_organisation, receiver) = receiver(info, findings);
    let patient = match info.child("Patient") {
        Some(patient) => person(patient, NS_HEAD, findings),
        None => None,
    };
    findings.expect(
        // Colleagues may talk about nobody in particular.
        patient.is_some() != (matches!(rule.kind, Kind::Test | Kind::TestAnswer) || rule.kind.tells_who_is_digital())
            || (process == Process::Helsepersonell && info.child("Patient").is_none()),
        "Patient has names and a national identity number",
        || "it is missing or incomplete, or there where nobody is meant".to_owned(),
    );
    let mut inbound = Inbound {
        msg_id: msg_id.to_owned(),
        gen_date,
        process,
        kind: rule.kind,
        wants_receipt,
        references,
        receiver_organisation,
        receiver,
        patient,
        acting: None,
        subject: form.text_of(if form.name == "Notat" { "Tema" } else { "EmneSporsmal" }),
        text: form.text_of(if form.name == "Notat" { "TekstNotatInnhold" } else { "Sporsmal" }),
        coded: form.child("KodetOpplysning").map(code),
        period: None,
        wanted_gp: None,
        author: None,
        events: Vec::new(),
        prescriptions: Vec::new(),
        attachments: Vec::new(),
        persons: Vec::new(),
    };
    content::form(form, &mut inbound, findings);
    content::documents(root, &mut inbound, findings);
    content::required(&inbound, findings);
    Some(inbound)
}

fn process(info: &Element, findings: &mut Findings) -> Option<Process> {
    let Some(kind) = info.child("Type") else {
        findings.note("Type names a process", "it is missing");
        return None;
    };
    let value = kind.get("V").unwrap_or_default();
    let Some(process) = Process::from_code(value) else {
        findings.note("Type names a process", value);
        return None;
    };
    let name = kind.get("DN").unwrap_or_default().replace('–', "-");
    findings.expect(name == process.name().replace('–', "-"), "Type has the name of its process", || name.clone());
    Some(process)
}

/// The kind of message, and the element that holds its form.
fn kind<'a>(dialog: &'a Element, findings: &mut Findings) -> Option<(&'static Rule, &'a Element)> {
    let forms: Vec<&Element> = dialog.all("Foresporsel").chain(dialog.all("Notat")).collect();
    let [form] = forms.as_slice() else {
        findings.note("one Foresporsel or one Notat", format!("{} of them", forms.len()));
        return None;
    };
    let (field, reply) = if form.name == "Notat" { ("TemaKodet", true) } else { ("TypeForesp", false) };
    let Some(coded) = form.child(field).map(code) else {
        findings.note("TypeForesp or TemaKodet is there", field);
        return None;
    };
    let Some(rule) = RULES.iter().find(|rule| rule.code == coded.value && rule.kind.is_answer() == reply) else {
        findings.note("the code is one that a citizen may send", coded.value.clone());
        return None;
    };
    findings.expect(coded.system == rule.system, "the code has the OID of its code system", || {
        format!("{} with {}", coded.value, coded.system)
    });
    findings.expect(rule.names.contains(&coded.name.as_str()), "the code has its name", || {
        format!("{} with {:?}", coded.value, coded.name)
    });
    findings.expect(form.child("Foresporsel").is_none(), "Notat does not repeat the request", || coded.value.clone());
    Some((rule, form))
}

fn ack(info: &Element, rule: &Rule, findings: &mut Findings) -> bool {
    let coded = info.child("Ack").map(code);
    let expected = if rule.synchronous { ("N", "Nei") } else { ("J", "Ja") };
    match &coded {
        None => findings.note("Ack is there", rule.code),
        Some(coded) => {
            findings.expect(
                (coded.value.as_str(), coded.name.as_str()) == expected,
                "Ack is J (Ja) for what is answered later, N (Nei) for what is answered at once",
                || format!("{} has {} ({})", rule.code, coded.value, coded.name),
            );
        }
    }
    coded.is_some_and(|coded| coded.value == "J")
}

fn references(info: &Element, kind: Kind, findings: &mut Findings) -> Option<References> {
    let references = info.child("ConversationRef").map(|element| References {
        parent: element.text_of("RefToParent").unwrap_or_default(),
        conversation: element.text_of("RefToConversation").unwrap_or_default(),
    });
    // Both parties may ask several times in one dialog (guide 2.4): a question may open one or go on with one.
    let holds = match kind {
        Kind::Consultation | Kind::Contact => true,
        _ => references.is_some() == kind.is_answer(),
    };
    findings.expect(holds, "ConversationRef is on every message of a dialog but the first", || {
        format!("{:?}: {}", kind, if references.is_some() { "there" } else { "missing" })
    });
    references
}

/// The HER-id among an element's identifiers, in the code system `system`.
fn her_id(element: &Element, system: &str, findings: &mut Findings) -> Option<u32> {
    for ident in element.all("Ident") {
        let coded = ident.child("TypeId").map(code)?;
        let expected = match coded.value.as_str() {
            "HER" => "HER-id",
            "HPR" => "HPR-nummer",
            // Organisation numbers go by several names; nothing here depends on them.
            _ => continue,
        };
        findings.expect(coded.system == system, "an identifier has the OID of its code system", || {
            format!("{} with {}", coded.value, coded.system)
        });
        findings.expect(coded.name == expected, "an identifier's type has its name", || {
            format!("{} with {:?}", coded.value, coded.name)
        });
        if coded.value == "HER" {
            let id = ident.text_of("Id").unwrap_or_default();
            let parsed = id.parse().ok();
            findings.expect(parsed.is_some(), "a HER-id is a number", || id.clone());
            return parsed;
        }
    }
    None
}

/// The HER-ids of an organisation and of the communication party inside it.
fn two_levels(side: &Element, findings: &mut Findings) -> (Option<u32>, Option<u32>) {
    let Some(organisation) = side.child("Organisation") else {
        return (None, None);
    };
    let named = organisation.text_of("OrganisationName").is_some_and(|name| !name.is_empty());
    findings.expect(named, "an organisation has a name", || side.name.clone());
    let first = her_id(organisation, ORGANISATION_ID, findings);
    let second = match (organisation.child("Organisation"), organisation.child("HealthcareProfessional")) {
        (Some(inner), _) => her_id(inner, ORGANISATION_ID, findings),
        (None, Some(professional)) => {
            let role = professional.child("RoleToPatient").map(code);
            if let Some(role) = role {
                findings
                    .expect(role.system == super::codes::ROLE, "RoleToPatient has OID 9034", || role.system.clone());
            }
            her_id(professional, PERSON_ID, findings)
        }
        (None, None) => None,
    };
    (first, second)
}

fn sender(info: &Element, findings: &mut Findings) {
    let levels = info.child("Sender").map_or((None, None), |side| two_levels(side, findings));
    findings.expect(
        levels == (Some(PORTAL_ORGANISATION_HER_ID), Some(PORTAL_HER_ID)),
        "Sender has the portal's HER-ids on two levels",
        || format!("{levels:?}"),
    );
}

fn receiver(info: &Element, findings: &mut Findings) -> (u32, u32) {
    let levels = info.child("Receiver").map_or((None, None), |side| two_levels(side, findings));
    findings.expect(levels.0.is_some() && levels.1.is_some(), "Receiver has HER-ids on two levels", || {
        format!("{levels:?}")
    });
    (levels.0.unwrap_or_default(), levels.1.unwrap_or_default())
}

/// A coded element.
pub fn code(element: &Element) -> Code {
    let get = |name| element.get(name).unwrap_or_default().to_owned();
    Code { value: get("V"), system: get("S"), name: get("DN") }
}

/// A person whose fields lie in the namespace `ns`.
fn person(element: &Element, ns: &str, findings: &mut Findings) -> Option<Person> {
    let field =
        |parent: &Element, name: &str| parent.children().find(|child| child.ns == ns && child.name == name).cloned();
    let ident = field(element, "Ident")?;
    let coded = field(&ident, "TypeId").as_ref().map(code)?;
    let national_id = NationalId::new(field(&ident, "Id")?.text());
    findings.expect(national_id.is_valid(), "a national identity number has its check digits", || element.name.clone());
    let expected = if national_id.is_d_number() { ("DNR", "D-nummer") } else { ("FNR", "Fødselsnummer") };
    findings.expect(
        (coded.value.as_str(), coded.name.as_str(), coded.system.as_str()) == (expected.0, expected.1, PERSON_ID),
        "a person's identifier is typed FNR or DNR with OID 8116",
        || format!("{coded:?}"),
    );
    Some(Person {
        given_name: field(element, "GivenName")?.text(),
        family_name: field(element, "FamilyName")?.text(),
        national_id,
    })
}

/// The namespace of a document's payload, to tell a calendar from a dialog.
fn is_calendar(element: &Element) -> bool {
    element.ns == NS_CALENDAR && element.name == "icalendar"
}

fn is_dialog(element: &Element) -> bool {
    element.ns == NS_DIALOG && element.name == "Dialogmelding"
}
