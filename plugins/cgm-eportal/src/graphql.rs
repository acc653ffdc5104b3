//! Asking, and judging an answer.
//!
//! An answer has `data`, `errors`, or both, and neither alone says how it went: where the field of the root is null, the
//! error says why; where it is there, what was asked for has happened, and errors are about parts of it. The status says
//! little: an operation that was executed is answered with 200, however it went.

use dialog_plugin_sdk::upstream::{self, Body, Request, Response};
use dialog_plugin_sdk::{Attachment, Failure, Locale, Sent, log};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::UPSTREAM;
use crate::document;
use crate::operation::Operation;
use crate::refusal::{self, Pointers};

/// Errors of one answer that are looked at.
const MAX_ERRORS: usize = 200;
/// Errors of parts that are told to the operator.
const MAX_TOLD: usize = 3;

/// One error of an answer. Its message is for developers, and is neither shown nor logged.
#[derive(Debug, Default, Deserialize)]
pub struct Error {
    /// To the field that is null because of it; empty where the whole request was refused.
    #[serde(default)]
    pub path: Vec<Value>,
    /// What the vendor says of it.
    #[serde(default)]
    pub extensions: Extensions,
}

/// What the vendor says of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Extensions {
    /// The vendor's code.
    pub code: String,
    /// JSON Pointers into the input.
    pub fields: Vec<String>,
    /// Seconds until it is worth trying again.
    pub retry_after: Option<u32>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    data: Option<serde_json::Map<String, Value>>,
    #[serde(default)]
    errors: Vec<Error>,
}

/// An answer to an operation.
#[derive(Debug)]
pub struct Answer {
    operation: Operation,
    response: Response,
    /// The field of the root; null where there is none.
    field: Value,
    errors: Vec<Error>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a, T> {
    operation_name: &'a str,
    query: &'a str,
    variables: T,
}

#[derive(Serialize)]
struct Input<T> {
    input: T,
}

/// Asks for something. A failure says that nothing was handed over.
///
/// # Errors
/// There is no answer, or none that is GraphQL.
pub fn query(operation: Operation, variables: &impl Serialize) -> Result<Answer, Failure> {
    heard(operation, ask(operation, variables))
}

/// As [`query`], for who must know why there is no answer.
///
/// # Errors
/// There is no answer at all.
pub fn ask(operation: Operation, variables: &impl Serialize) -> Result<Response, upstream::Error> {
    request(operation).json(&asked(operation, variables)).send()
}

/// Does something.
///
/// # Errors
/// As [`query`]; whether it was handed over is said as far as it is known.
pub fn mutate(operation: Operation, input: &impl Serialize) -> Result<Answer, Failure> {
    send(operation, request(operation).json(&asked(operation, Input { input })))
}

/// As [`mutate`], with files in the input's `documents`.
///
/// # Errors
/// As [`mutate`].
pub fn mutate_with(operation: Operation, input: &impl Serialize, files: &[Attachment]) -> Result<Answer, Failure> {
    let head = asked(operation, ());
    let unwritable = || Failure::faulty(Sent::No, "a request that has no form in JSON");
    let head = serde_json::to_string(&head).map_err(|_| unwritable())?;
    // `variables` is the last member, and null.
    let head = head.strip_suffix("null}").ok_or_else(unwritable)?;
    let body = Body::new().text(head).text(r#"{"input":"#);
    let body = document::with_documents(body, input, files)?.text("}}");
    send(operation, request(operation).body("application/json", body))
}

const fn asked<T>(operation: Operation, variables: T) -> Asked<'static, T> {
    Asked { operation_name: operation.name, query: operation.document, variables }
}

fn request(operation: Operation) -> Request {
    upstream::post(UPSTREAM, "/graphql")
        .header("accept", "application/graphql-response+json, application/json;q=0.9")
        .header("x-operation-name", operation.name)
}

fn send(operation: Operation, request: Request) -> Result<Answer, Failure> {
    heard(operation, request.send())
}

/// What came back.
///
/// # Errors
/// As [`query`].
pub fn heard(operation: Operation, response: Result<Response, upstream::Error>) -> Result<Answer, Failure> {
    let read = response.map_err(Failure::from).and_then(|response| read(operation, response));
    read.map_err(|failure| of(operation, failure))
}

fn read(operation: Operation, response: Response) -> Result<Answer, Failure> {
    let status = response.status;
    if !is_graphql(&response) {
        // A proxy's page: nobody knows what is behind it, whatever its status.
        response.success()?;
        return Err(Failure::faulty(Sent::Unknown, "upstream `api` answered with something that is not GraphQL"));
    }
    let envelope = response.json::<Envelope>();
    if !(200..300).contains(&status) {
        let first = envelope.ok().and_then(|envelope| envelope.errors.into_iter().next()).unwrap_or_default();
        return Err(refusal::of_status(response, &first));
    }
    let Envelope { data, errors } = envelope?;
    if errors.len() > MAX_ERRORS {
        return Err(response.unreadable("holds more errors than anybody looks at"));
    }
    let field = data.and_then(|mut data| data.remove(operation.field)).unwrap_or_default();
    Ok(Answer { operation, response, field, errors })
}

/// By the draft of GraphQL over HTTP; `application/json` is what servers of an earlier day say.
fn is_graphql(response: &Response) -> bool {
    let media_type = response.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default();
    ["application/graphql-response+json", "application/json"]
        .iter()
        .any(|known| media_type.trim().eq_ignore_ascii_case(known))
}

/// What a failure says of an operation that only reads: nothing was handed over.
fn of(operation: Operation, failure: Failure) -> Failure {
    if operation.reads { refusal::of_a_query(failure) } else { failure }
}

impl Answer {
    /// The vendor's code, where there is an error in place of what was asked for.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let error = self.errors.first().filter(|_| self.field.is_null())?;
        Some(&error.extensions.code)
    }

    /// What was asked for.
    ///
    /// # Errors
    /// What the error of the root means, in the citizen's language; or the answer is of another shape.
    pub fn expect<T: DeserializeOwned>(self, locale: Locale, pointers: &Pointers) -> Result<(T, Vec<Error>), Failure> {
        let operation = self.operation;
        match self.judged(locale, pointers) {
            Ok((Some(found), errors)) => Ok((found, errors)),
            Ok((None, _)) => Err(of(operation, Failure::faulty(Sent::Unknown, nothing(operation)))),
            Err(failure) => Err(failure),
        }
    }

    /// As [`Answer::expect`], for what need not be there.
    ///
    /// # Errors
    /// As [`Answer::expect`].
    pub fn judged<T: DeserializeOwned>(
        self,
        locale: Locale,
        pointers: &Pointers,
    ) -> Result<(Option<T>, Vec<Error>), Failure> {
        let Self { operation, response, field, errors } = self;
        if field.is_null() {
            let of_root = |error: &&Error| error.path.len() <= 1;
            let why = errors.iter().find(of_root).or(errors.first());
            return match why {
                Some(error) => Err(of(operation, refusal::refused(operation, error, locale, pointers))),
                None => Ok((None, errors)),
            };
        }
        for error in errors.iter().take(MAX_TOLD) {
            let code = refusal::plain(&error.extensions.code);
            log::warn!("{}: a part of the answer is missing{code}", operation.name);
        }
        match serde_json::from_value(field) {
            Ok(found) => Ok((Some(found), errors)),
            Err(_) => Err(of(operation, response.unreadable("is of another shape than its schema"))),
        }
    }

    /// For an answer that makes no sense.
    #[must_use]
    pub fn senseless(operation: Operation, why: &str) -> Failure {
        let detail = format!("upstream `{UPSTREAM}`: the answer to {} {why}", operation.name);
        of(operation, Failure::faulty(Sent::Yes, detail))
    }
}

fn nothing(operation: Operation) -> String {
    format!("upstream `{UPSTREAM}`: the answer to {} has neither what was asked for nor an error", operation.name)
}
