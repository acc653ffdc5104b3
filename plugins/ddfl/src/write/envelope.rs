//! The whole message: MsgHead 1.2 around Dialogmelding 1.1 and what goes with it (2.3, 2.4).

use jiff::Timestamp;

use super::party::{self, Patient, Receiver, Representative, Unit};
use super::request::Request;
use super::{Segment, WriteError, calendar};
use crate::message::code::{self, Code};
use crate::message::{MessageId, Version, time};
use crate::xml::writer::XmlWriter;

const HEAD: &str = "http://www.kith.no/xmlstds/msghead/2006-05-24";
const DIALOG: &str = "http://www.kith.no/xmlstds/dialog/2013-01-23";
const CONTAINER: &str = "http://www.kith.no/xmlstds/base64container";

/// Where a message stands in a conversation. The first message has none (2.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The message that this one follows.
    pub parent: String,
    /// The first message.
    pub first: String,
}

/// Everything about a message but what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `MsgId`.
    pub id: MessageId,
    /// `GenDate`.
    pub generated: Timestamp,
    /// `ConversationRef`.
    pub conversation: Option<Conversation>,
    /// The portal as an organisation (level 1).
    pub organisation: Unit,
    /// The portal as a communication party (level 2).
    pub sender: Unit,
    /// Who receives.
    pub receiver: Receiver,
    /// Whom it is about; a communication test is about nobody.
    pub patient: Option<Patient>,
    /// Who acts for the patient.
    pub representative: Option<Representative>,
    /// The receiver's version of the process.
    pub version: Version,
    /// Characters that a text may have.
    pub text_limit: usize,
}

/// Writes a message.
///
/// # Errors
/// A rule of the process or of the request is broken; nothing was written.
pub fn write(envelope: &Envelope, request: &Request) -> Result<Vec<Segment>, WriteError> {
    request.check(envelope.version, envelope.text_limit)?;
    let process = request.process();
    if envelope.representative.is_some() && envelope.version < Version::V1_2 {
        return Err(WriteError::NoRepresentation { process, version: envelope.version });
    }
    // Colleagues may talk about nobody in particular.
    let about_nobody = request.is_about_nobody() || matches!(request, Request::Colleague { .. });
    if envelope.patient.is_none() && !about_nobody {
        return Err(WriteError::Missing { field: "patient" });
    }
    let mut xml = XmlWriter::default();
    xml.open("MsgHead", &[("xmlns", HEAD)]);
    head(&mut xml, envelope, request);
    dialog(&mut xml, envelope, request);
    if let Some(entry) = request.entry() {
        document(&mut xml, envelope, None, Some("iCalendar"), None, |xml| calendar::write(xml, entry));
    }
    if let Request::DigitalUsers { active } = request
        && !active.is_empty()
    {
        document(&mut xml, envelope, None, Some("Personer"), None, |xml| party::persons(xml, active));
    }
    for prescription in request.prescriptions() {
        document(&mut xml, envelope, None, Some("M1 Resept"), Some(&prescription.id), |xml| {
            xml.raw(&prescription.element);
        });
    }
    if let Some(person) = &envelope.representative {
        document(&mut xml, envelope, None, Some("Pasientrelasjon"), None, |xml| {
            party::representative(xml, person);
        });
    }
    attachments(&mut xml, envelope, request);
    Ok(xml.finish())
}

fn head(xml: &mut XmlWriter, envelope: &Envelope, request: &Request) {
    let process = request.process();
    let ack = if request.synchronous() { code::ACK_NO } else { code::ACK_YES };
    xml.open("MsgInfo", &[]);
    xml.code("Type", Code::simple(process.value(), process.name()));
    xml.leaf("MIGversion", "v1.2 2006-05-24");
    xml.leaf("GenDate", &time::xml(envelope.generated));
    xml.leaf("MsgId", &envelope.id.to_string());
    xml.code("Ack", ack);
    if let Some(conversation) = &envelope.conversation {
        xml.open("ConversationRef", &[]);
        xml.leaf("RefToParent", &conversation.parent);
        xml.leaf("RefToConversation", &conversation.first);
        xml.close();
    }
    party::sender(xml, &envelope.organisation, &envelope.sender);
    party::receiver(xml, &envelope.receiver);
    if let Some(patient) = &envelope.patient {
        party::patient(xml, patient);
    }
    xml.close();
}

fn dialog(xml: &mut XmlWriter, envelope: &Envelope, request: &Request) {
    document(xml, envelope, Some(request.description()), None, None, |xml| {
        let code = request.kind().code();
        xml.open("Dialogmelding", &[("xmlns", DIALOG)]);
        // An answer is a Notat, whoever answers; everything else is a Foresporsel (2.4).
        if request.is_answer() {
            xml.open("Notat", &[]);
            xml.code("TemaKodet", code);
            xml.optional("Tema", request.subject());
            xml.optional("TekstNotatInnhold", request.text());
            roles(xml, request);
            xml.close();
        } else {
            xml.open("Foresporsel", &[]);
            xml.code("TypeForesp", code);
            xml.optional("EmneSporsmal", request.subject());
            xml.optional("Sporsmal", request.text());
            if let Request::FindSlots { from, until } = request {
                xml.leaf("FraDato", &from.to_string());
                xml.leaf("TilDato", &until.to_string());
            }
            if let Some(coded) = request.coded() {
                xml.code("KodetOpplysning", coded);
            }
            roles(xml, request);
            xml.close();
        }
        xml.close();
    });
}

fn roles(xml: &mut XmlWriter, request: &Request) {
    if let Some(roles) = request.roles() {
        party::roles(xml, roles);
    }
}

fn document(
    xml: &mut XmlWriter,
    envelope: &Envelope,
    content: Option<&str>,
    description: Option<&str>,
    id: Option<&str>,
    write: impl FnOnce(&mut XmlWriter),
) {
    xml.open("Document", &[]);
    xml.optional("ContentDescription", content);
    xml.open("RefDoc", &[]);
    xml.empty("IssueDate", &[("V", &time::xml(envelope.generated))]);
    xml.code("MsgType", code::DOCUMENT_XML);
    xml.optional("Id", id);
    xml.optional("Description", description);
    xml.open("Content", &[]);
    write(xml);
    xml.close();
    xml.close();
    xml.close();
}

fn attachments(xml: &mut XmlWriter, envelope: &Envelope, request: &Request) {
    for attachment in request.attachments() {
        xml.open("Document", &[]);
        xml.open("RefDoc", &[]);
        xml.empty("IssueDate", &[("V", &time::xml(envelope.generated))]);
        xml.code("MsgType", code::DOCUMENT_ATTACHMENT);
        xml.leaf("MimeType", attachment.media_type.as_str());
        xml.leaf("Description", &attachment.name);
        xml.open("Content", &[]);
        xml.open("Base64Container", &[("xmlns", CONTAINER)]);
        xml.attachment(&attachment.id);
        xml.close();
        xml.close();
        xml.close();
        xml.close();
    }
}
