//! One exchange with the vendor: a SOAP 1.2 message out, one back.
//!
//! Everything goes to one address. What is asked for stands in the content type's `action`, in `wsa:Action`, and in the
//! name of the body's element. `wsa:MessageID` is the same at every attempt at a request, and the vendor does the work of
//! one that it knows once. The gateway writes the credentials.

use dialog_plugin_sdk::ids::{self, Uuid};
use dialog_plugin_sdk::upstream::{self, Body, Response};
use dialog_plugin_sdk::{Context, Failure, Locale, Sent};

use crate::UPSTREAM;
use crate::fault::{Fault, Pointers};
use crate::xml::tree::{Element, Space, namespace, parse};
use crate::xml::writer::Writer;

/// Where the vendor listens, below the operator's base URL.
pub const PATH: &str = "/portal";

/// Whether a request changes something at the vendor. One that does not hands nothing over, though it is a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Reads,
    Changes,
}

/// A request that is being written.
#[derive(Debug)]
pub struct Call {
    operation: &'static str,
    id: Uuid,
    effect: Effect,
    writer: Writer,
}

/// The vendor's answer to a request that it has taken.
#[derive(Debug)]
pub struct Answer {
    /// The element in the body.
    pub content: Element,
    effect: Effect,
    response: Response,
}

impl Call {
    /// A request that only asks; `part` tells it from others of the same call.
    #[must_use]
    pub fn reading(operation: &'static str, call: &str, part: &str) -> Self {
        Self::new(operation, ids::derived(operation, &[call, part]), Effect::Reads)
    }

    /// A request that changes something, for a citizen.
    #[must_use]
    pub fn changing(operation: &'static str, ctx: &Context) -> Self {
        Self::new(operation, ids::derived(operation, &[&ctx.idempotency_key]), Effect::Changes)
    }

    /// A request that changes something and whose repetition is told by `part`.
    #[must_use]
    pub fn changing_by(operation: &'static str, part: &str) -> Self {
        Self::new(operation, ids::derived(operation, &[part]), Effect::Changes)
    }

    fn new(operation: &'static str, id: Uuid, effect: Effect) -> Self {
        let (soap, addressing, vendor) = (namespace::SOAP, namespace::ADDRESSING, namespace::VENDOR);
        let head = format!(
            "<a:Action>{vendor}/{operation}</a:Action><a:MessageID>urn:uuid:{id}</a:MessageID></s:Header><s:Body>\
             <{operation} xmlns=\"{vendor}\">"
        );
        let body = Body::new()
            .text(format!("<s:Envelope xmlns:s=\"{soap}\" xmlns:a=\"{addressing}\"><s:Header>"))
            .credentials()
            .text(head);
        Self { operation, id, effect, writer: Writer::after(body) }
    }

    /// Writes what the request holds.
    #[must_use]
    pub fn with(mut self, part: impl FnOnce(Writer) -> Writer) -> Self {
        self.writer = part(self.writer);
        self
    }

    /// Sends it, and reads the answer.
    ///
    /// # Errors
    /// A fault becomes what [`Fault::failure`] says; no answer, or one that is none, what the SDK says.
    pub fn send(self, locale: Locale, pointers: &Pointers) -> Result<Answer, Failure> {
        let Self { operation, id, effect, writer } = self;
        let body = writer.finish().text(format!("</{operation}></s:Body></s:Envelope>"));
        let content_type = format!("application/soap+xml; charset=utf-8; action=\"{}/{operation}\"", namespace::VENDOR);
        let response = upstream::post(UPSTREAM, PATH)
            .body(&content_type, body)
            .send()
            .map_err(|error| effect.known(error.into()))?;
        answered(response, operation, id, effect, locale, pointers).map_err(|failure| effect.known(failure))
    }
}

impl Effect {
    /// A request that only asks has handed nothing over, whatever happened.
    fn known(self, mut failure: Failure) -> Failure {
        if self == Self::Reads {
            match &mut failure {
                Failure::Unavailable(outage) => outage.sent = Sent::No,
                Failure::Faulty(fault) => fault.sent = Sent::No,
                _ => {}
            }
        }
        failure
    }
}

fn answered(
    response: Response,
    operation: &str,
    id: Uuid,
    effect: Effect,
    locale: Locale,
    pointers: &Pointers,
) -> Result<Answer, Failure> {
    // A fault comes with 400 or 500 (SOAP 1.2, part 2, 7.5.2.2); what stands before the vendor answers without SOAP.
    let success = (200..300).contains(&response.status);
    let message = match (is_soap(&response), parse(&response.body)) {
        (true, Ok(root)) => root,
        _ if !success => return Err(refused(response)),
        (false, _) => return Err(response.unreadable("is not application/soap+xml")),
        (true, Err(error)) => return Err(response.unreadable(error)),
    };
    let body = Some(&message).filter(|root| root.space == Space::Soap && root.name == "Envelope");
    let Some(content) = body.and_then(|root| root.child("Body")).and_then(|body| body.elements.first()) else {
        return Err(if success { response.unreadable("is no SOAP envelope with a body") } else { refused(response) });
    };
    if let Some(fault) = Fault::read(content) {
        return Err(fault.failure(&response, locale, pointers));
    }
    if !success {
        return Err(refused(response));
    }
    let related = message.child("Header").and_then(|header| header.within(Space::Addressing, "RelatesTo"));
    if related.is_none_or(|related| related.text() != format!("urn:uuid:{id}")) {
        return Err(response.unreadable("is not about the request"));
    }
    if content.space != Space::Vendor || content.name.strip_suffix("Response") != Some(operation) {
        return Err(response.unreadable("answers something else"));
    }
    Ok(Answer { content: content.clone(), effect, response })
}

/// What a status means that comes without a fault.
fn refused(response: Response) -> Failure {
    match response.success() {
        Err(failure) => failure,
        // Not reached: only what is not 2xx comes here.
        Ok(response) => response.unreadable("is neither a success nor a refusal"),
    }
}

fn is_soap(response: &Response) -> bool {
    let essence = response.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/soap+xml")
}

impl Answer {
    /// `faulty`, for an answer that cannot be made sense of. `why` completes "the answer of upstream x".
    #[must_use]
    pub fn unreadable(&self, why: impl std::fmt::Display) -> Failure {
        self.effect.known(self.response.unreadable(why))
    }

    /// The text of a child of the content.
    ///
    /// # Errors
    /// It is absent or blank: `faulty`.
    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.content.optional(name).ok_or_else(|| self.unreadable(format_args!("has no {name}")))
    }

    /// What stood at an element, as it came.
    #[must_use]
    pub fn raw(&self, element: &Element) -> &[u8] {
        self.response.body.get(element.span.clone()).unwrap_or_default()
    }
}
