//! Meldingstjener (EDI 2.0): Norsk Helsenett's message service, reached as the upstream `meldingstjener`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dialog_plugin_sdk::upstream::{self, Body, Request, Response};
use dialog_plugin_sdk::{Attachment, Failure, Sent};
use serde::{Deserialize, Serialize};

use crate::message::HerId;
use crate::message::code::ReceiptError;
use crate::read::{ReceiptReason, ReceiptStatus};
use crate::write::Segment;

/// The upstream's name in the manifest.
pub const UPSTREAM: &str = "meldingstjener";
/// Requests that the host lets one call make.
pub const REQUESTS: u32 = 16;

/// Counts the requests of a call, so that it ends in order and not in the middle.
#[derive(Debug)]
pub struct Budget(u32);

impl Default for Budget {
    fn default() -> Self {
        Self(REQUESTS)
    }
}

impl Budget {
    /// Requests that are left.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.0
    }

    fn spend(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }
}

/// A message in a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its id in Meldingstjener.
    pub id: String,
    /// Who sent it.
    #[serde(default)]
    pub sender_her_id: Option<u32>,
    /// `MsgId`, or the id of a receipt.
    #[serde(default)]
    pub business_document_id: Option<String>,
    /// `GenDate`.
    #[serde(default)]
    pub business_document_gen_date: Option<String>,
    /// Whether it is an application receipt.
    #[serde(default)]
    pub is_app_rec: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    business_document: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Problem {
    #[serde(default)]
    error_code: Option<serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Receipt<'a> {
    app_rec_status: u8,
    app_rec_error_list: Vec<ReceiptProblem<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptProblem<'a> {
    error_code: &'a str,
    details: &'a str,
}

/// Sends a message. The whole of it stands in base64, and in it the attachments in base64 of their own, which the
/// host fills in.
///
/// # Errors
/// As the SDK says; what was sent is told.
pub fn send(budget: &mut Budget, segments: &[Segment], files: &[Attachment]) -> Result<(), Failure> {
    let mut document = Body::new();
    for segment in segments {
        document = match segment {
            Segment::Text(text) => document.bytes(text),
            Segment::AttachmentBase64(id) => {
                let file = files
                    .iter()
                    .find(|file| file.id == *id)
                    .ok_or_else(|| Failure::faulty(Sent::No, "a message names a file that does not go along"))?;
                document.base64(Body::new().attachment(file))
            }
        };
    }
    let body = Body::new()
        .text(r#"{"businessDocument":""#)
        .base64(document)
        .text(r#"","contentType":"application/xml","contentTransferEncoding":"base64"}"#);
    budget.spend();
    let answer = upstream::post(UPSTREAM, "/Messages").body("application/json", body).send()?;
    match succeed(answer)?.json::<Taken>() {
        Ok(Taken { id }) if !id.is_empty() => Ok(()),
        // A page of somebody's in between has a good status too. Sending again does no harm: a message that is there
        // already has the same id and is discarded.
        _ => {
            Err(Failure::unavailable(Sent::Unknown, "the transport's answer to a message does not say that it has it"))
        }
    }
}

/// What the transport says of a message that it has taken.
#[derive(Deserialize)]
struct Taken {
    id: String,
}

/// What is asked of a list.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// The portal's communication party.
    pub receiver: HerId,
    /// Only from this party.
    pub sender: Option<HerId>,
    /// The newest first.
    pub newest_first: bool,
    /// At most so many, 1 to 100.
    pub count: u32,
}

/// Lists unread messages.
///
/// # Errors
/// As the SDK says.
pub fn list(budget: &mut Budget, query: Query) -> Result<Vec<Listed>, Failure> {
    budget.spend();
    let mut request = upstream::get(UPSTREAM, "/Messages")
        .query("receiverHerIds", query.receiver)
        .query("includeMetadata", true)
        .query("messagesToFetch", query.count)
        .query("orderBy", if query.newest_first { 2 } else { 1 });
    if let Some(sender) = query.sender {
        request = request.query("senderHerId", sender);
    }
    succeed(request.send()?)?.json()
}

/// The bytes of a message.
///
/// # Errors
/// As the SDK says; also where they are not base64.
pub fn fetch(budget: &mut Budget, id: &str) -> Result<Vec<u8>, Failure> {
    budget.spend();
    let answer = succeed(message(upstream::get, id).segment("business-document").send()?)?;
    let document: Document = answer.json()?;
    let compact: String = document.business_document.split_ascii_whitespace().collect();
    STANDARD.decode(compact).map_err(|_| answer.unreadable("holds a document that is not base64"))
}

/// Receipts a message: positively, or with the reason why not.
///
/// # Errors
/// As the SDK says.
pub fn receipt(
    budget: &mut Budget,
    id: &str,
    party: HerId,
    refusal: Option<(ReceiptError, &str)>,
) -> Result<(), Failure> {
    budget.spend();
    let (status, errors) = match refusal {
        None => (1, Vec::new()),
        Some((error, details)) => (2, vec![ReceiptProblem { error_code: error.code().value, details }]),
    };
    let receipt = Receipt { app_rec_status: status, app_rec_error_list: errors };
    let request = message(upstream::post, id).segment("apprec").segment(party.to_string());
    succeed(request.json(&receipt).send()?).map(|_| ())
}

/// Marks a message as read: it is not listed again.
///
/// # Errors
/// As the SDK says.
pub fn mark_read(budget: &mut Budget, id: &str, party: HerId) -> Result<(), Failure> {
    budget.spend();
    let request = message(upstream::put, id).segment("read").segment(party.to_string());
    succeed(request.send()?).map(|_| ())
}

fn message(method: fn(&str, &str) -> Request, id: &str) -> Request {
    method(UPSTREAM, "/Messages").segment(id)
}

/// The answer, or what its status means; with the service's own error code, which is a number and no content.
fn succeed(answer: Response) -> Result<Response, Failure> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let code = serde_json::from_slice::<Problem>(&answer.body)
        .ok()
        .and_then(|problem| problem.error_code)
        .and_then(|code| code.as_i64().or_else(|| code.as_str()?.parse().ok()));
    let failure = match answer.success() {
        Ok(answer) => return Ok(answer),
        Err(failure) => failure,
    };
    Err(match (failure, code) {
        (Failure::Unavailable(mut outage), Some(code)) => {
            outage.detail.push_str(&format!(", error code {code}"));
            Failure::Unavailable(outage)
        }
        (Failure::Faulty(mut fault), Some(code)) => {
            fault.detail.push_str(&format!(", error code {code}"));
            Failure::Faulty(fault)
        }
        (failure, _) => failure,
    })
}

/// What a receipt says, in a line for the operator.
#[must_use]
pub fn told(status: ReceiptStatus, reasons: &[ReceiptReason]) -> String {
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    format!("{status:?} {}", codes.join(", "))
}
