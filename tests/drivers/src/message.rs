//! What record systems send: the plugin's reader of messages and receipts, and what it makes of them.
//!
//! What is promised: a document is read whole, within every bound, or refused in words that repeat nothing of it; what is
//! read can be written and read again; what the plugin tells the gateway of a message, whatever stands in it, is within
//! the contract, because a page of messages with one answer that is not would be refused whole, again and again; what the
//! plugin writes, the plugin and the record systems' side read as it was meant.

use std::collections::BTreeSet;

use ddfl::{
    message::{HerId, MessageId, Process, Version},
    plugin::event::{Turned, turn},
    read::{ApplicationReceipt, DialogMessage, Incoming, limit, read},
    write::{
        Clinician, Conversation, Envelope, Patient, Receiver, Request, Segment, Unit, Written, party::ReceivingParty,
        request::limit::TEXT, write,
    },
    xml::tree::{self, Element, Node},
};
use dialog_contract::{ids::NationalIdentityNumber, limits::returned};
use dialog_plugin_sdk::{
    Appointment, CitizenIdentity, DialogStatus, Event, EventBody, OfficeMessage, RenewalDecision, testing,
};
use quick_xml::escape::escape;
use serde_json::json;

use crate::input::Input;

/// Two HER-ids of the portal, as the simulated record systems know it.
const PORTAL: (u32, u32) = (115_851, 8_093_248);

/// A citizen who does not exist.
pub(crate) const CITIZEN: &str = "01817010055";

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => document(input.rest()),
        1 => told(input.rest()),
        _ => written(input),
    }
}

/// A document as it comes.
fn document(bytes: &[u8]) {
    match tree::parse(bytes) {
        Ok(root) => {
            let mut elements = 0;
            bounded(&root, 1, &mut elements);
            assert!(elements <= tree::limit::ELEMENTS);
            let mut text = String::new();
            put(&root, &mut text);
            // Control characters that were left out, and blanks of attributes, are left out once.
            if text.len() <= tree::limit::BYTES {
                assert_eq!(tree::parse(text.as_bytes()).as_ref(), Ok(&root), "it is read back as something else");
            }
            #[cfg(feature = "gateway")]
            others(bytes, &root);
        }
        Err(error) => assert!(error.to_string().len() < 200, "{error}"),
    }
    match read(bytes) {
        Ok(Incoming::Message(message)) => message_within(&message, bytes.len()),
        Ok(Incoming::Receipt(receipt)) => receipt_within(&receipt),
        Err(error) => assert!(error.to_string().len() < 200, "{error}"),
    }
}

fn bounded(element: &Element, depth: usize, elements: &mut usize) {
    *elements += 1;
    assert!(depth <= tree::limit::DEPTH && element.attributes.len() <= tree::limit::ATTRIBUTES);
    let clean = |text: &str| !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\t' | '\n'));
    assert!(!element.name.contains(':') && element.attributes.iter().all(|(_, value)| clean(value)));
    for pair in element.nodes.windows(2) {
        assert!(!matches!(pair, [Node::Text(_), Node::Text(_)]), "two texts in a row");
    }
    for node in &element.nodes {
        match node {
            Node::Text(text) => assert!(clean(text)),
            Node::Element(child) => bounded(child, depth + 1, elements),
        }
    }
}

/// Writes a tree as plainly as XML allows.
fn put(element: &Element, into: &mut String) {
    into.push('<');
    into.push_str(&element.name);
    for (at, (key, value)) in element.attributes.iter().enumerate() {
        // Two with the same local name had prefixes.
        let value = escape(value.as_str()).replace('\n', "&#10;").replace('\t', "&#9;");
        into.push_str(&format!(" p{at}:{key}=\"{value}\""));
    }
    into.push('>');
    for node in &element.nodes {
        match node {
            Node::Text(text) => into.push_str(&escape(text.as_str())),
            Node::Element(child) => put(child, into),
        }
    }
    into.push_str("</");
    into.push_str(&element.name);
    into.push('>');
}

/// What a message holds, within the limits that its types name.
fn message_within(message: &DialogMessage, size: usize) {
    let line = |text: &str| {
        assert!(!text.is_empty() && text.chars().count() <= limit::IDENTIFIER && !text.contains(char::is_control));
    };
    let most = |text: &Option<String>, most: usize| {
        assert!(text.as_ref().is_none_or(|text| !text.is_empty() && text.chars().count() <= most));
    };
    line(&message.id);
    for id in [&message.parent, &message.conversation].into_iter().flatten() {
        line(id);
    }
    most(&message.subject, limit::LINE);
    most(&message.text, limit::TEXT);
    for date in [&message.from_date, &message.to_date] {
        most(date, limit::IDENTIFIER);
    }
    assert!(message.code.value.len() <= limit::IDENTIFIER);
    assert!(message.appointments.len() <= limit::APPOINTMENTS && message.attachments.len() <= limit::ATTACHMENTS);
    assert!(message.professionals.len() <= limit::APPOINTMENTS);
    assert!(message.prescriptions.len() <= limit::PRESCRIPTIONS);
    for appointment in &message.appointments {
        line(&appointment.uid);
        assert!(appointment.end.is_none_or(|end| appointment.start < end), "it ends before it starts");
        for (text, limit) in [
            (&appointment.summary, limit::LINE),
            (&appointment.description, limit::TEXT),
            (&appointment.location, limit::LINE),
            (&appointment.status, limit::IDENTIFIER),
            (&appointment.with, limit::LINE),
        ] {
            most(text, limit);
        }
    }
    assert!(message.attachments.iter().all(|file| !file.bytes.is_empty()));
    assert!(message.attachments.iter().map(|file| file.bytes.len()).sum::<usize>() <= size, "more than there was");
    let deviations: BTreeSet<_> = message.deviations.iter().collect();
    assert_eq!(deviations.len(), message.deviations.len());
    // Nobody prints whom it is about.
    for person in [&message.patient, &message.representative].into_iter().flatten() {
        if let Some(number) = &person.national_id {
            assert!(!format!("{number:?}").contains(number.reveal()));
        }
    }
}

fn receipt_within(receipt: &ApplicationReceipt) {
    for id in [&receipt.id, &receipt.about] {
        assert!(!id.is_empty() && id.chars().count() <= limit::IDENTIFIER && !id.contains(char::is_control));
    }
    assert!(receipt.reasons.len() <= limit::REASONS);
    assert!(receipt.reasons.iter().all(|reason| reason.text.chars().count() <= limit::LINE));
}

/// What the gateway is told of a message.
fn told(bytes: &[u8]) {
    let Ok(Incoming::Message(message)) = read(bytes) else { return };
    let host = testing::Host::install();
    let clinicians = [json!({ "hprNumber": 9_999_991, "herId": 8_000_102, "givenName": "F", "familyName": "L" })];
    let processes = [
        "DIALOG_INNBYGGER_EKONSULTASJON@1.2",
        "DIALOG_INNBYGGER_EKONTAKT@1.2",
        "DIALOG_INNBYGGER_RESEPTFORNYELSE@1.3",
        "DIALOG_INNBYGGER_TIMEONSKE@1.2",
        "DIALOG_INNBYGGER_TIMERESERVASJON@1.2",
    ];
    let mut ctx = testing::inbound_context();
    ctx.offices[0].settings = json!({ "processes": processes, "clinicians": clinicians }).to_string();
    match host.call(|| turn(&ctx, &message)) {
        Ok(Turned::Events(events)) => {
            assert!((1..=returned::EVENTS).contains(&events.len()));
            for event in &events {
                within(event);
            }
            let ids: BTreeSet<_> = events.iter().map(|event| &event.id).collect();
            assert_eq!(ids.len(), events.len(), "two events of one message have one id");
        }
        Ok(Turned::Refused(refused)) => assert!(refused.reason.chars().count() <= returned::SHORT_TEXT_CHARACTERS),
        Ok(Turned::Nothing) => {}
        Err(failure) => panic!("a message makes the plugin fail, and with it the page that it is on: {failure:?}"),
    }
    // Where the plugin writes for the operator, it writes nothing of the citizen's.
    if let Some(number) = message.patient.as_ref().and_then(|patient| patient.national_id.as_ref()) {
        assert!(host.lines().iter().all(|(_, line)| !line.contains(number.reveal())), "a number in the log");
    }
}

fn id(text: &str, most: usize) {
    assert!(!text.is_empty() && text.chars().count() <= most && !text.contains(char::is_control), "{text:?}");
}

fn instant(at: i64) {
    assert!(returned::INSTANTS.contains(&at), "{at} is no moment of the contract");
}

fn most(text: Option<&String>, most: usize) {
    assert!(text.is_none_or(|text| text.chars().count() <= most));
}

/// The contract's bounds of an event, as the gateway checks them.
fn within(event: &Event) {
    id(&event.id, returned::EVENT_ID_CHARACTERS);
    instant(event.occurred);
    match &event.body {
        EventBody::Message(body) => {
            id(&body.dialog, returned::REFERENCE_CHARACTERS);
            office_message(&body.message);
            assert!(body.redirect.is_none() || matches!(body.status, DialogStatus::Closed(_)));
        }
        EventBody::Opened(body) => {
            id(&body.dialog, returned::REFERENCE_CHARACTERS);
            her_id(body.office);
            citizen(&body.citizen);
            office_message(&body.message);
        }
        EventBody::Status(body) => {
            id(&body.dialog, returned::REFERENCE_CHARACTERS);
            most(body.reason.as_ref(), returned::REASON_CHARACTERS);
        }
        EventBody::Renewal(body) => {
            id(&body.dialog, returned::REFERENCE_CHARACTERS);
            body.message.iter().for_each(office_message);
            assert!((1..=returned::DECISIONS).contains(&body.decisions.len()));
            body.decisions.iter().for_each(decision);
        }
        EventBody::Appointment(body) => {
            if let Some(dialog) = &body.dialog {
                id(dialog, returned::REFERENCE_CHARACTERS);
            }
            her_id(body.office);
            citizen(&body.citizen);
            appointment(&body.appointment);
            most(body.text.as_ref(), returned::REASON_CHARACTERS);
        }
        EventBody::Receipt(_)
        | EventBody::Unreadable(_)
        | EventBody::Payment(_)
        | EventBody::Charged(_)
        | EventBody::Video(_)
        | EventBody::Results(_)
        | EventBody::Notified(_)
        | EventBody::Notice(_)
        | EventBody::AskedActive(_)
        | EventBody::Collegial(_) => {
            panic!("a message is none of these")
        }
    }
}

fn her_id(number: u32) {
    assert!(dialog_contract::ids::HerId::try_from(number).is_ok(), "{number} is no HER-id");
}

fn citizen(identity: &CitizenIdentity) {
    match identity {
        CitizenIdentity::Reference(reference) => id(reference, returned::CITIZEN_REFERENCE_CHARACTERS),
        CitizenIdentity::NationalIdentityNumber(number) => {
            assert!(number.parse::<NationalIdentityNumber>().is_ok(), "the gateway takes no such number");
        }
    }
}

fn office_message(message: &OfficeMessage) {
    id(&message.id, returned::EVENT_ID_CHARACTERS);
    most(message.subject.as_ref(), returned::SUBJECT_CHARACTERS);
    most(Some(&message.text), returned::MESSAGE_CHARACTERS);
    most(message.author.as_ref(), returned::AUTHOR_CHARACTERS);
    assert!(message.attachments.len() <= returned::ATTACHMENTS);
    instant(message.sent);
}

fn decision(decision: &RenewalDecision) {
    if let Some(item) = &decision.item {
        id(item, returned::ID_CHARACTERS);
    }
    most(decision.reason.as_ref(), returned::REASON_CHARACTERS);
}

fn appointment(appointment: &Appointment) {
    id(&appointment.id, returned::ID_CHARACTERS);
    instant(appointment.start);
    instant(appointment.end);
    assert!(appointment.start < appointment.end, "it ends before it starts");
    most(Some(&appointment.title), returned::TITLE_CHARACTERS);
    most(appointment.location.as_ref(), returned::SHORT_TEXT_CHARACTERS);
    most(appointment.instructions.as_ref(), returned::INSTRUCTIONS_CHARACTERS);
    if let Some(clinician) = &appointment.clinician {
        assert!(dialog_contract::ids::HprNumber::try_from(clinician.hpr_number).is_ok());
        clinician.her_id.into_iter().for_each(her_id);
        for name in [&clinician.given_name, &clinician.family_name] {
            most(Some(name), returned::NAME_CHARACTERS);
        }
    }
}

fn unit(name: &str, her_id: u32) -> Unit {
    Unit { name: name.to_owned(), her_id: HerId::new(her_id).expect("a HER-id") }
}

pub(crate) fn envelope(patient: (&str, &str), conversation: Option<Conversation>) -> Envelope {
    Envelope {
        id: MessageId::of_dialog("fuzz"),
        generated: "2026-11-22T08:30:00Z".parse().expect("a time"),
        conversation,
        organisation: unit("Norsk Helsenett SF", PORTAL.0),
        sender: unit("Digitale innbyggertjenester", PORTAL.1),
        receiver: Receiver {
            organisation: unit("Åsveien legekontor & co", 8_000_100),
            organisation_number: None,
            party: ReceivingParty::Clinician(Clinician {
                given_name: "Tuva".to_owned(),
                family_name: "Bølgesen".to_owned(),
                her_id: HerId::new(8_000_111).expect("a HER-id"),
            }),
        },
        patient: Some(Patient {
            given_name: patient.0.to_owned(),
            family_name: patient.1.to_owned(),
            national_id: CITIZEN.parse().expect("eleven digits"),
        }),
        representative: None,
        version: Version::V1_3,
        text_limit: TEXT,
    }
}

/// Texts of a citizen's, written, and read by both sides.
fn written(mut input: Input<'_>) {
    let kind = input.byte();
    // As long as names from a token and from the register are at most.
    let mut name = || input.text().chars().take(200).collect::<String>();
    let (given, family) = (name(), name());
    let (subject, text) = (input.optional_text(), String::from_utf8_lossy(input.rest()).into_owned());
    let said = Written { subject: subject.clone(), text: text.clone(), attachments: Vec::new() };
    let request = match kind % 5 {
        0 => Request::AskClinician { written: said },
        1 => Request::RenewFreeText { written: said },
        2 => Request::OrderCertificate { written: said },
        3 => Request::Reply { process: Process::Contact, written: said },
        _ => Request::Enquire { written: said },
    };
    let parent = "0b0a7c4e-5a3f-4a53-9d3c-0f6f5c2d7e11".to_owned();
    let conversation = (kind % 5 == 3).then(|| Conversation { first: parent.clone(), parent });
    let Ok(segments) = write(&envelope((&given, &family), conversation), &request) else { return };
    let mut bytes = Vec::new();
    for segment in segments {
        match segment {
            Segment::Text(text) => bytes.extend(text),
            Segment::AttachmentBase64(_) => panic!("no file went along"),
        }
    }
    let message = match read(&bytes) {
        Ok(Incoming::Message(message)) => message,
        other => panic!("what is written is not read: {other:?}"),
    };
    assert_eq!(words(message.text.as_deref()), words(Some(&text)));
    assert_eq!(words(message.subject.as_deref()), words(subject.as_deref()));
    let patient = message.patient.as_ref().expect("whom it is about");
    assert_eq!(patient.national_id.as_ref().map(|number| number.reveal()), Some(CITIZEN));
    assert_eq!(words(patient.given_name.as_deref()), words(Some(&given)));
    assert_eq!(message.kind, Some(request.kind()));
    #[cfg(feature = "gateway")]
    received(&bytes, &text, &given, &family);
}

/// The words of a text: what an XML document keeps of it.
fn words(text: Option<&str>) -> String {
    let plain: String =
        text.unwrap_or_default().chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    let plain: String =
        plain.chars().filter(|letter| !letter.is_control() && !matches!(letter, '\u{fffe}' | '\u{ffff}')).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The simulated record systems' reader, on the same bytes.
#[cfg(feature = "gateway")]
fn others(bytes: &[u8], ours: &Element) {
    use dialog_tests::sim::meldingstjener::tree::parse;
    // Both are liberal about encodings, each in its way; what is one in any of them must be one to both.
    if !bytes.is_ascii() {
        return;
    }
    if let Ok(theirs) = parse(bytes) {
        alike(&theirs, ours);
    }
}

#[cfg(feature = "gateway")]
fn alike(theirs: &dialog_tests::sim::meldingstjener::tree::Element, ours: &Element) {
    use dialog_tests::sim::meldingstjener::tree::Node as Their;
    let clean = |text: &str| -> String {
        let lines = text.replace('\u{85}', "\n");
        lines.chars().filter(|letter| !letter.is_control() || matches!(letter, '\t' | '\n')).collect()
    };
    assert_eq!(theirs.name, ours.name, "another element to others");
    let mut attributes = ours.attributes.iter();
    for (key, value) in &theirs.attrs {
        assert!(attributes.any(|(known, is)| known == key && *is == clean(value)), "another attribute to others");
    }
    let nodes = theirs.nodes.iter().filter(|node| !matches!(node, Their::Text(text) if clean(text).is_empty()));
    let known = ours.nodes.iter().filter(|node| !matches!(node, Node::Text(text) if text.is_empty()));
    assert_eq!(nodes.clone().count(), known.clone().count(), "more or less to others");
    for (their, our) in nodes.zip(known) {
        match (their, our) {
            (Their::Text(their), Node::Text(our)) => assert_eq!(&clean(their), our, "another text to others"),
            (Their::Element(their), Node::Element(our)) => alike(their, our),
            _ => panic!("text to one, an element to the other"),
        }
    }
}

/// What the plugin writes is what the record systems' side expects, and says to them what it was meant to.
#[cfg(feature = "gateway")]
fn received(bytes: &[u8], text: &str, given: &str, family: &str) {
    use dialog_tests::sim::meldingstjener::{
        read::{Findings, read},
        tree::parse,
    };
    let root = parse(bytes).expect("what the plugin writes is XML to others");
    let mut findings = Findings::default();
    let inbound = read(&root, &mut findings);
    // Names and texts of blanks are nobody's and say nothing: the record systems' side misses them, rightly.
    if words(Some(text)).is_empty() || words(Some(given)).is_empty() || words(Some(family)).is_empty() {
        return;
    }
    let inbound = inbound.unwrap_or_else(|| panic!("the record systems cannot read it: {:?}", findings.0));
    assert_eq!(words(inbound.text.as_deref()), words(Some(text)));
    assert!(findings.0.iter().all(|found| !found.detail.contains(CITIZEN)));
}

/// Messages and receipts of an office's, with everything in them that the reader knows.
pub(crate) fn letters() -> Vec<Vec<u8>> {
    let text = "Hei <b>Kari</b>,<br/>ta <i>en</i> om dagen &amp; ring &#229; si fra.";
    let event = |end: &str| {
        format!(
            "<icalendar xmlns='urn:ietf:params:xml:ns:icalendar-2.0'><vcalendar><components><vevent><properties>\
             <dtstart><date-time>2026-12-01T09:15:00</date-time></dtstart>{end}<uid><text>slot-1</text></uid>\
             <contact><text>8000102</text></contact><related-to><uri>6f3f7a52-90a5</uri></related-to>\
             <summary><text>Kontroll</text></summary><description><text>Møt fastende</text></description>\
             <location><text>2. etg.</text></location><categories><text>Video</text><text>Must-call</text></categories>\
             <status><text>CONFIRMED</text></status><x-available-at><date-time>2026-11-01T00:00:00</date-time>\
             </x-available-at><attendee><parameters><cn><text>Kari</text></cn></parameters></attendee>\
             </properties></vevent></components></vcalendar></icalendar>"
        )
    };
    let until = "<dtend><date-time>2026-12-01T09:30:00</date-time></dtend>";
    let during = "<duration><duration>PT20M</duration></duration>";
    let listed = "<HelsepersonelListe><Helsepersonell><Helsepersonell><FamilyName>Lege</FamilyName>\
                  <GivenName>Liv</GivenName><Ident><Id>8000103</Id><TypeId V='HER'/></Ident><Ident><Id>9999992</Id>\
                  <TypeId V='HPR'/></Ident><RoleToPatient V='6' DN='Fastlege'/></Helsepersonell><Merknad>Vikar</Merknad>\
                  </Helsepersonell></HelsepersonelListe>";
    let medicine = "<Resept><ReseptDokLegemiddel><Forskrivning><Legemiddel><Atc V='N02BE01' DN='Paracetamol'/>\
                    <NavnFormStyrke>Testozin tablett 10 mg</NavnFormStyrke></Legemiddel></Forskrivning>\
                    </ReseptDokLegemiddel></Resept>";
    let relation = "<Pasientrelasjon><Person><FamilyName>Mor</FamilyName><GivenName>Mari</GivenName><Ident>\
                    <Id>41817012345</Id><TypeId V='FNR'/></Ident></Person></Pasientrelasjon>";
    let files = "<Document><RefDoc><MsgType V='A'/><MimeType>image/jpg</MimeType><Description>bilde.png</Description>\
                 <Content><Base64Container>iVBORw0KGgo AAAA</Base64Container></Content></RefDoc></Document>\
                 <Document><RefDoc><MsgType V='A'/><FileReference>x</FileReference></RefDoc></Document>";
    let letter = |process: &str, code: &str, documents: &str, conversation: bool| {
        let reference = if conversation {
            "<ConversationRef><RefToParent>{0B0A7C4E-5A3F-4A53-9D3C-0F6F5C2D7E11}</RefToParent><RefToConversation>\
             0b0a7c4e-5a3f-4a53-9d3c-0f6f5c2d7e11</RefToConversation></ConversationRef>"
        } else {
            ""
        };
        format!(
            "<?xml version=\"1.0\"?><MsgHead xmlns='http://www.kith.no/xmlstds/msghead/2006-05-24'><MsgInfo>\
             <Type V='{process}'/><GenDate>2026-01-05T08:00:00Z</GenDate><MsgId>0ff1ce00-0000-4000-8000-000000000001\
             </MsgId><Ack V='J'/>{reference}<Sender><Organisation><OrganisationName>Fjelltoppen</OrganisationName><Ident>\
             <Id>8000100</Id><TypeId V='HER'/></Ident><HealthcareProfessional><FamilyName>Fastlege</FamilyName>\
             <GivenName>Frida</GivenName><Ident><Id>8000102</Id><TypeId V='HER'/></Ident></HealthcareProfessional>\
             </Organisation></Sender><Receiver><Organisation><OrganisationName>NHN</OrganisationName><Ident><Id>115851</Id>\
             <TypeId V='HER'/></Ident></Organisation></Receiver><Patient><FamilyName>Nordmann</FamilyName><GivenName>Kari\
             </GivenName><Ident><Id>{CITIZEN}</Id><TypeId V='FNR'/></Ident></Patient></MsgInfo><Document><RefDoc>\
             <MsgType V='XML'/><Content><Dialogmelding xmlns='http://www.kith.no/xmlstds/dialog/2013-01-23'><Notat>\
             <TemaKodet V='{code}' S='2.16.578.1.12.4.1.1.7602' DN='Svar'/><Tema>Svar</Tema><TekstNotatInnhold>\
             <div xmlns='http://www.w3.org/1999/xhtml'><p>{text}</p><ul><li>en</li></ul><script>x</script></div>\
             </TekstNotatInnhold><FraDato>2026-12-01</FraDato><RollerRelatertNotat><RoleToPatient V='6' DN='Fastlege'/>\
             <HealthcareProfessional><FamilyName>Fastlege</FamilyName><GivenName>Frida</GivenName>\
             </HealthcareProfessional></RollerRelatertNotat></Notat></Dialogmelding></Content></RefDoc></Document>\
             {documents}</MsgHead>"
        )
    };
    let document = |content: &str| {
        format!("<Document><RefDoc><MsgType V='XML'/><Id>item-1</Id><Content>{content}</Content></RefDoc></Document>")
    };
    let everything = [document(&event(during)), document(listed), document(medicine), document(relation)].concat();
    let whole = format!("{everything}{files}");
    let mut letters: Vec<Vec<u8>> = [
        letter("DIALOG_INNBYGGER_TIMERESERVASJON", "05", &document(&event(until)), true),
        letter("DIALOG_INNBYGGER_TIMEONSKE", "05", &whole, true),
        letter("DIALOG_INNBYGGER_TIMEONSKE", "07", &document(&event(during)), true),
        letter("DIALOG_INNBYGGER_TIMERESERVASJON", "08", &document(&event("")), false),
        letter("DIALOG_INNBYGGER_TIMERESERVASJON", "11", &document(&event(until)), false),
        letter("DIALOG_INNBYGGER_EKONSULTASJON", "12", files, true),
        letter("DIALOG_INNBYGGER_EKONTAKT", "13", "", true),
        letter("DIALOG_INNBYGGER_EKONTAKT", "DI", files, false),
        letter("DIALOG_INNBYGGER_EKONTAKT", "EKI", "", false),
        letter("DIALOG_INNBYGGER_EKONTAKT", "26", "", true),
        letter("DIALOG_INNBYGGER_RESEPTFORNYELSE", "14", &document(medicine), true),
        letter("DIALOG_INNBYGGER_RESEPTFORNYELSE", "15", "", true),
        letter("DIALOG_INNBYGGER_RESEPTFORNYELSE", "32", &document(medicine), true),
        letter("DIALOG_INNBYGGER_BEHANDLEROVERSIKT", "20", &document(listed), true),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect();
    letters.push(
        "<AppRec xmlns='http://www.kith.no/xmlstds/apprec/2012-02-15'><GenDate>2026-01-05T08:00:00Z</GenDate><Id>\
         acced000-0000-4000-8000-000000000001</Id><Sender><HCP><Inst><Id>8000100</Id><TypeId V='HER'/></Inst></HCP></Sender>\
         <Status V='2'/><Error V='E10' S='2.16.578.1.12.4.1.1.8221' DN='Ugyldig' OT='mer'/><OriginalMsgId><Id>\
         0b0a7c4e-5a3f-4a53-9d3c-0f6f5c2d7e11</Id></OriginalMsgId></AppRec>"
            .as_bytes()
            .to_vec(),
    );
    letters
}

/// Small documents of each odd kind.
pub(crate) fn documents() -> Vec<Vec<u8>> {
    let mut latin = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a b='\xe6'>".to_vec();
    latin.extend(b"\xf8\xe5\x96</a>");
    let wide: Vec<u8> = "<a>æ</a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        latin,
        [b"\xff\xfe".as_slice(), &wide].concat(),
        b"\xef\xbb\xbf<a/>".to_vec(),
        b"<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>".to_vec(),
        b"<x:a xmlns:x='u'><x:b V=' 1 ' x:S='2'>&lt;&#230;&amp;<![CDATA[<c>]]></x:b><!-- c --><?p i?></x:a>".to_vec(),
        b"<a b='&#10;&quot;'>x\x07y\r\nz&#xD;</a>".to_vec(),
    ]
}
