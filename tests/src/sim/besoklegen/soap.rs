//! Envelopes and faults: SOAP 1.2 with WS-Addressing 1.0.

use crate::sim::meldingstjener::tree::{Element, NotXml, Written, parse, write};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// SOAP 1.2.
pub const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
/// WS-Addressing 1.0.
pub const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
/// The vendor's own.
pub const VENDOR: &str = "urn:besoklegen:portal:v3";
/// What messages are sent as.
pub const MEDIA_TYPE: &str = "application/soap+xml";

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// What is asked for.
    pub content: Element,
    /// `wsse:Security`.
    pub security: Option<Element>,
    /// `wsa:MessageID`.
    pub id: String,
}

/// What is wrong with an envelope: a rule, never content.
pub type Wrong = &'static str;

/// The last part of `action` in a content type of SOAP.
pub fn action(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let mut parts = value.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(MEDIA_TYPE) {
        return None;
    }
    let action = parts.find_map(|part| part.strip_prefix("action=\"")?.strip_suffix('"'))?;
    action.strip_prefix(VENDOR)?.strip_prefix('/')
}

/// Reads a message that came with this action.
pub fn read(body: &[u8], action: &str) -> Result<Received, Wrong> {
    let root = parse(body).map_err(|error| match error {
        NotXml::DocumentType => "a document type in a SOAP message",
        _ => "the body is not XML",
    })?;
    if root.ns != SOAP || root.name != "Envelope" {
        return Err("the body is no envelope of SOAP 1.2");
    }
    let parts: Vec<&Element> = root.children().collect();
    let [head, body] = parts.as_slice() else { return Err("an envelope has a header and a body") };
    if (head.name.as_str(), body.name.as_str()) != ("Header", "Body") || head.ns != SOAP || body.ns != SOAP {
        return Err("an envelope has a header and a body");
    }
    let contents: Vec<&Element> = body.children().collect();
    let [content] = contents.as_slice() else { return Err("a body holds one element") };
    let one = |name: &str| {
        let mut all = head.children().filter(|block| block.ns == ADDRESSING && block.name == name);
        all.next().filter(|_| all.next().is_none()).map(Element::text)
    };
    if one("Action").as_deref() != Some(&format!("{VENDOR}/{action}")) || content.name != action {
        return Err("content type, wsa:Action and body name different operations");
    }
    let id = one("MessageID").ok_or("a message has one wsa:MessageID")?;
    let uuid = id.strip_prefix("urn:uuid:").filter(|uuid| uuid::Uuid::parse_str(uuid).is_ok());
    if uuid.is_none() {
        return Err("wsa:MessageID is not urn:uuid:");
    }
    let mut security = head.children().filter(|block| block.name == "Security");
    let (first, second) = (security.next().cloned(), security.next());
    if second.is_some() {
        return Err("two wsse:Security");
    }
    Ok(Received { content: (*content).clone(), security: first, id })
}

/// A message that answers another.
pub fn envelope(content: Element, relates_to: Option<&str>) -> Vec<u8> {
    let about = relates_to.map(|id| Element::new(ADDRESSING, "RelatesTo").with_text(id));
    let head = Element::new(SOAP, "Header").with_all(about);
    let body = Element::new(SOAP, "Body").with(content);
    write(&Element::new(SOAP, "Envelope").with(head).with(body), Written::Utf8)
}

/// An answer.
pub fn reply(status: StatusCode, message: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/soap+xml; charset=utf-8")], message).into_response()
}

/// A no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The vendor could not; else the sender was wrong.
    pub receiver: bool,
    /// The subcode.
    pub code: &'static str,
    /// What it is about.
    pub fields: Vec<&'static str>,
    /// Seconds.
    pub retry_after: Option<u32>,
}

impl Fault {
    /// The sender's.
    pub fn sender(code: &'static str) -> Fault {
        Fault { receiver: false, code, fields: Vec::new(), retry_after: None }
    }

    /// A field that the vendor does not take.
    pub fn field(field: &'static str) -> Fault {
        Fault { fields: vec![field], ..Fault::sender("FieldInvalid") }
    }

    /// The vendor's own.
    pub fn receiver(code: &'static str, retry_after: Option<u32>) -> Fault {
        Fault { receiver: true, retry_after, ..Fault::sender(code) }
    }

    /// As the vendor sends it. Codes are qualified names, so their prefixes are declared where they stand.
    pub fn response(&self, relates_to: Option<&str>) -> Response {
        let who = if self.receiver { "Receiver" } else { "Sender" };
        let status = if self.receiver { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
        let value = |text: String, prefix: &str, ns: &str| {
            Element::new(SOAP, "Value").attr(&format!("xmlns:{prefix}"), ns).with_text(text)
        };
        let subcode = Element::new(SOAP, "Subcode").with(value(format!("b:{}", self.code), "b", VENDOR));
        let code = Element::new(SOAP, "Code").with(value(format!("env:{who}"), "env", SOAP)).with(subcode);
        // For developers of the vendor's customers.
        let text = Element::new(SOAP, "Text").attr("xml:lang", "en").with_text("Request could not be processed");
        let mut fault = Element::new(SOAP, "Fault").with(code).with(Element::new(SOAP, "Reason").with(text));
        if !self.fields.is_empty() || self.retry_after.is_some() {
            let fields = self.fields.iter().map(|field| Element::new(VENDOR, "Field").with_text(*field));
            let mut problem = Element::new(VENDOR, "Problem").with_all(fields);
            if let Some(wait) = self.retry_after {
                problem = problem.field("RetryAfter", wait.to_string());
            }
            fault = fault.with(Element::new(SOAP, "Detail").with(problem));
        }
        reply(status, envelope(fault, relates_to))
    }
}
