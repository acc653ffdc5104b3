//! Requests to the vendor: searches, creates, updates of one version; and what a call may spend on them.

use dialog_plugin_sdk::upstream::{self, Body, Request, Response};
use dialog_plugin_sdk::{Context, Failure, Instant, Locale, Sent, clock};
use serde_json::Value;

use crate::UPSTREAM;
use crate::fhir::bundle::{self, Included, Page};
use crate::fhir::element::is_id;
use crate::refusal::{self, Pointers};

/// The media type of everything but files.
pub const FHIR_JSON: &str = "application/fhir+json";
/// Requests of one call: the host allows as many.
const MAX_REQUESTS: u32 = 16;
/// Left at the end of a call, in milliseconds.
const MARGIN: Instant = 1_000;
/// Attempts to write the next version of what somebody else writes too.
const ATTEMPTS: u32 = 3;

/// Requests that a call may still make, and until when.
#[derive(Debug)]
pub struct Budget {
    requests: u32,
    until: Instant,
}

impl Budget {
    /// Of a call that began then and has so many milliseconds.
    #[must_use]
    pub fn new(now: Instant, time_left: u32) -> Self {
        Self { requests: MAX_REQUESTS, until: now + Instant::from(time_left) - MARGIN }
    }

    /// Of a citizen's call.
    #[must_use]
    pub fn of(ctx: &Context) -> Self {
        Self::new(ctx.now, ctx.time_left)
    }

    /// Whether so many requests are left, and time.
    #[must_use]
    pub fn has(&self, requests: usize) -> bool {
        requests <= self.requests as usize && clock::now() < self.until
    }

    /// Spends one.
    ///
    /// # Errors
    /// None is left, or no time: `unavailable`, nothing sent.
    pub fn spend(&mut self) -> Result<(), Failure> {
        if !self.has(1) {
            return Err(Failure::unavailable(Sent::No, "the call has no request or no time left"));
        }
        self.requests -= 1;
        Ok(())
    }
}

/// A search.
#[derive(Clone)]
pub struct Search {
    kind: &'static str,
    posted: bool,
    parameters: Vec<(&'static str, String)>,
}

impl Search {
    /// One that names nobody: its parameters stand in the URL.
    #[must_use]
    pub const fn of(kind: &'static str) -> Self {
        Self { kind, posted: false, parameters: Vec::new() }
    }

    /// One about somebody: its parameters stand in the body.
    #[must_use]
    pub const fn about(kind: &'static str) -> Self {
        Self { kind, posted: true, parameters: Vec::new() }
    }

    /// With a parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    fn request(&self) -> Request {
        if self.posted {
            let form: Vec<String> = self.parameters.iter().map(|(name, value)| pair(name, value)).collect();
            return upstream::post(UPSTREAM, &format!("/{}/_search", self.kind))
                .header("accept", FHIR_JSON)
                .body("application/x-www-form-urlencoded", form.join("&"));
        }
        let request = upstream::get(UPSTREAM, &format!("/{}", self.kind)).header("accept", FHIR_JSON);
        self.parameters.iter().fold(request, |request, (name, value)| request.query(name, value))
    }

    /// Its first page.
    ///
    /// # Errors
    /// As [`refusal::accepted`]; nothing was sent, whatever happened.
    pub fn page(&self, budget: &mut Budget, locale: Locale) -> Result<Page, Failure> {
        self.answered(self.request(), budget, locale)
    }

    /// A further page.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn next(&self, token: &str, budget: &mut Budget, locale: Locale) -> Result<Page, Failure> {
        let request = upstream::get(UPSTREAM, &format!("/{}", self.kind)).header("accept", FHIR_JSON);
        self.answered(request.query("_page", token), budget, locale)
    }

    fn answered(&self, request: Request, budget: &mut Budget, locale: Locale) -> Result<Page, Failure> {
        budget.spend()?;
        let answer = request.send().map_err(Failure::from).and_then(|answer| refusal::accepted(answer, locale, &[]));
        answer.and_then(|answer| bundle::read(&answer, self.kind)).map_err(refusal::of_a_search)
    }

    /// All pages, at most `most` of them.
    ///
    /// # Errors
    /// As [`Self::page`]; `faulty` where there are more, as pages that never end are.
    pub fn all(&self, most: u32, budget: &mut Budget, locale: Locale) -> Result<(Vec<Value>, Included), Failure> {
        let Page { mut matches, mut included, mut next } = self.page(budget, locale)?;
        for _ in 1..most {
            let Some(token) = next else { break };
            let page = self.next(&token, budget, locale)?;
            matches.extend(page.matches);
            included.extend(page.included);
            next = page.next;
        }
        match next {
            None => Ok((matches, included)),
            Some(_) => {
                Err(Failure::faulty(Sent::No, format!("a search has over {most} pages, or pages without an end")))
            }
        }
    }
}

/// A parameter of a form (`application/x-www-form-urlencoded`).
fn pair(name: &str, value: &str) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'-' | b'.' | b'_' | b'*' => char::from(byte).to_string(),
                byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    format!("{}={}", encoded(name), encoded(value))
}

/// What a create is to be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Its status.
    Nothing,
    /// The resource, as the vendor furnished it.
    Resource,
}

impl Want {
    const fn preference(self) -> &'static str {
        match self {
            Self::Nothing => "return=minimal",
            Self::Resource => "return=representation",
        }
    }
}

/// Creates a resource, unless there is one with this identifier (`system|value`).
///
/// # Errors
/// As [`refusal::accepted`].
pub fn create(
    kind: &str,
    identifier: &str,
    body: Body,
    want: Want,
    budget: &mut Budget,
    (locale, pointers): (Locale, &Pointers),
) -> Result<Response, Failure> {
    budget.spend()?;
    let answer = upstream::post(UPSTREAM, &format!("/{kind}"))
        .header("accept", FHIR_JSON)
        .header("if-none-exist", format!("identifier={identifier}"))
        .header("prefer", want.preference())
        .body(FHIR_JSON, body)
        .send()?;
    refusal::accepted(answer, locale, pointers)
}

/// Hands in a transaction.
///
/// # Errors
/// As [`refusal::accepted`].
pub fn transaction(
    body: Body,
    budget: &mut Budget,
    (locale, pointers): (Locale, &Pointers),
) -> Result<Response, Failure> {
    budget.spend()?;
    let request = upstream::post(UPSTREAM, "/").header("accept", FHIR_JSON).body(FHIR_JSON, body);
    refusal::accepted(request.send()?, locale, pointers)
}

/// What is to become of a resource that was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// It is changed, and is to be written.
    Write,
    /// It is already as it should be: an earlier attempt was taken in.
    Stands,
}

/// Reads a resource.
///
/// # Errors
/// As [`refusal::accepted`]; `faulty` where it is another one.
pub fn read((kind, id): (&str, &str), budget: &mut Budget, locale: Locale) -> Result<(Value, Response), Failure> {
    budget.spend()?;
    let request = upstream::get(UPSTREAM, &format!("/{kind}")).segment(id).header("accept", FHIR_JSON);
    let answer = refusal::accepted(request.send()?, locale, &[])?;
    let resource: Value = answer.json()?;
    if is_it(&resource, kind, id) { Ok((resource, answer)) } else { Err(answer.unreadable("is another resource")) }
}

/// Reads a resource, changes it, and writes it as the next version of what was read. Where somebody else was quicker it is
/// read again.
///
/// # Errors
/// As [`refusal::accepted`], and as `change` says; `unavailable` where somebody else is quicker again and again.
pub fn update(
    (kind, id): (&str, &str),
    budget: &mut Budget,
    (locale, pointers): (Locale, &Pointers),
    change: impl Fn(&mut Value) -> Result<Next, Failure>,
) -> Result<(Value, Response), Failure> {
    for _ in 0..ATTEMPTS {
        let (mut resource, read) = read((kind, id), budget, locale)?;
        let etag = read.header("etag").map(str::to_owned).ok_or_else(|| read.unreadable("has no ETag"))?;
        if change(&mut resource)? == Next::Stands {
            return Ok((resource, read));
        }
        budget.spend()?;
        let body = serde_json::to_vec(&resource).map_err(|_| unwritable())?;
        let request = upstream::put(UPSTREAM, &format!("/{kind}")).segment(id).header("accept", FHIR_JSON);
        let answer = request.header("if-match", etag).body(FHIR_JSON, body).send()?;
        if answer.status == 412 {
            continue;
        }
        let answer = refusal::accepted(answer, locale, pointers)?;
        let written: Value = answer.json()?;
        if !is_it(&written, kind, id) {
            return Err(answer.unreadable("is another resource than was written"));
        }
        return Ok((written, answer));
    }
    Err(Failure::unavailable(Sent::No, format!("a {kind} was changed by somebody else again and again")))
}

fn is_it(resource: &Value, kind: &str, id: &str) -> bool {
    is_id(id) && resource["resourceType"] == kind && resource["id"] == id
}

/// Something of the plugin's own that has no form in JSON.
#[must_use]
pub fn unwritable() -> Failure {
    Failure::faulty(Sent::No, "a request that has no form in JSON")
}

#[cfg(test)]
mod tests {
    use super::pair;

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(pair("identifier", "urn:oid:2.16|0"), "identifier=urn%3Aoid%3A2.16%7C0");
        assert_eq!(pair("_include:iterate", "æ &="), "_include%3Aiterate=%C3%A6%20%26%3D");
    }
}
