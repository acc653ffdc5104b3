//! GraphQL as its specification has it: a request is read and validated by the schema, its variables are coerced, and
//! what is answered has the shape that was asked for.
//!
//! Beyond the specification the vendor asks for a name for every operation, one field of the root in it, and values in
//! variables alone: what is written into a document ends in logs.

use super::SimError;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::serde_json_bytes::{self, Map};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, executable, request};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The vendor's schema.
const SCHEMA: &str = include_str!("schema.graphql");
/// Where an object says what type it is.
const TYPE: &str = "__typename";
/// Where a value is missing, why: see [`missing`].
const ERROR: &str = "__error";

/// The schema, read and valid.
#[derive(Debug)]
pub struct Schema(Valid<apollo_compiler::Schema>);

/// The body of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    query: String,
    /// Which operation of the document.
    pub operation_name: String,
    variables: Map<serde_json_bytes::ByteString, JsonValue>,
}

/// A request that the schema allows.
pub struct Prepared {
    document: Valid<ExecutableDocument>,
    variables: Valid<JsonMap>,
    /// The one field of the root.
    pub field: String,
    /// Whether it may change something.
    pub mutation: bool,
}

/// A refusal in the vendor's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `extensions.code`.
    pub code: &'static str,
    /// `extensions.fields`: JSON Pointers into the input.
    pub fields: Vec<String>,
    /// `extensions.retryAfter`, in seconds.
    pub retry_after: Option<u32>,
}

impl Refused {
    /// A refusal with this code.
    pub fn new(code: &'static str) -> Refused {
        Refused { code, fields: Vec::new(), retry_after: None }
    }

    /// `INPUT_INVALID`, because of a field of the input.
    pub fn field(pointer: impl Into<String>) -> Refused {
        Refused::fields("INPUT_INVALID", vec![pointer.into()])
    }

    /// Because of fields of the input.
    pub fn fields(code: &'static str, fields: Vec<String>) -> Refused {
        Refused { fields, ..Refused::new(code) }
    }

    fn error(&self) -> Value {
        let mut error = json!({ "message": "See the documentation of the API", "extensions": { "code": self.code } });
        if !self.fields.is_empty() {
            error["extensions"]["fields"] = json!(self.fields);
        }
        if let Some(seconds) = self.retry_after {
            error["extensions"]["retryAfter"] = json!(seconds);
        }
        error
    }

    /// The whole body of an answer to a request that was not executed.
    pub fn body(&self) -> Value {
        json!({ "errors": [self.error()] })
    }
}

/// In place of a value that cannot be had: null in the answer, and an error with its path.
pub fn missing(code: &'static str) -> Value {
    json!({ ERROR: Refused::new(code).error() })
}

/// What was wrong with a request, without its content.
#[derive(Debug)]
pub struct Wrong {
    /// The rule.
    pub rule: String,
    /// What the vendor answers.
    pub refused: Refused,
}

impl Wrong {
    fn new(code: &'static str, rule: impl Into<String>) -> Wrong {
        Wrong { rule: rule.into(), refused: Refused::new(code) }
    }

    /// The status: by the draft of GraphQL over HTTP, a request that is not executed is a client's error.
    pub const STATUS: StatusCode = StatusCode::BAD_REQUEST;
}

impl Schema {
    /// Reads the schema.
    pub fn read() -> Result<Schema, SimError> {
        apollo_compiler::Schema::parse_and_validate(SCHEMA, "schema.graphql")
            .map(Schema)
            .map_err(|wrong| SimError::Schema(wrong.errors.to_string()))
    }

    /// Reads a request by the schema.
    pub fn prepare(&self, request: Request) -> Result<Prepared, Wrong> {
        if request.query.contains('"') {
            return Err(Wrong::new("LITERALS", "a text stands in the document and not in its variables"));
        }
        let document =
            ExecutableDocument::parse_and_validate(&self.0, request.query, "request.graphql").map_err(|wrong| {
                // Names of the schema and positions; no values, as none stand in a document.
                let first = wrong.errors.iter().next().map(|one| one.error.to_string()).unwrap_or_default();
                Wrong::new("GRAPHQL_VALIDATION_FAILED", format!("not a document by the schema: {first}"))
            })?;
        let unnamed = || Wrong::new("OPERATION_NAME", "operationName is not the name of the one operation");
        let [name] = document.operations.named.keys().collect::<Vec<_>>()[..] else { return Err(unnamed()) };
        if name.as_str() != request.operation_name || document.operations.anonymous.is_some() {
            return Err(unnamed());
        }
        let operation = document.operations.get(Some(&request.operation_name)).map_err(|_| unnamed())?;
        let [executable::Selection::Field(field)] = &operation.selection_set.selections[..] else {
            return Err(Wrong::new("ONE_FIELD", "an operation has more than one field of the root"));
        };
        if field.alias.is_some() {
            return Err(Wrong::new("ONE_FIELD", "the field of the root has another name"));
        }
        let declared = |name: &str| operation.variables.iter().any(|variable| variable.name == name);
        if request.variables.keys().any(|name| !declared(name.as_str())) {
            return Err(Wrong::new("BAD_USER_INPUT", "a variable that the operation does not declare"));
        }
        let variables = request::coerce_variable_values(&self.0, operation, &request.variables)
            // Its words hold values.
            .map_err(|_| Wrong::new("BAD_USER_INPUT", "the variables are not of the schema's types"))?;
        let (field, mutation) = (field.name.to_string(), operation.is_mutation());
        Ok(Prepared { field, mutation, variables, document })
    }

    /// Executes a request; `resolve` gives the field of the root, by its arguments.
    pub fn execute(&self, prepared: &Prepared, resolve: impl FnMut(Value) -> Result<Value, Refused>) -> Value {
        let root = Root {
            kind: if prepared.mutation { "Mutation" } else { "Query" },
            resolve: std::cell::RefCell::new(resolve),
        };
        let executed = Execution::new(&self.0, &prepared.document)
            .coerced_variable_values(&prepared.variables)
            .execute_sync(&root);
        let mut response = match executed {
            Ok(response) => json!(response),
            Err(_) => return Refused::new("INTERNAL_SERVER_ERROR").body(),
        };
        for error in response.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
            tell(error);
        }
        response
    }

    /// The arguments of the field of the root.
    pub fn arguments(&self, prepared: &Prepared) -> Value {
        let mut arguments = Value::Null;
        self.execute(prepared, |given| {
            arguments = given;
            Err(Refused::new("NOT_EXECUTED"))
        });
        arguments
    }
}

/// What a resolver threw is a whole error of the vendor's; what the executor found is the simulator's own fault.
fn tell(error: &mut Value) {
    // The executor writes words of its own before it.
    let thrown = error["message"].as_str().and_then(|message| message.get(message.find('{')?..));
    let thrown = thrown.and_then(|thrown| serde_json::from_str::<Value>(thrown).ok());
    let thrown = thrown.unwrap_or_else(|| Refused::new("INTERNAL_SERVER_ERROR").error());
    error["message"] = thrown["message"].clone();
    error["extensions"] = thrown["extensions"].clone();
}

struct Root<F> {
    kind: &'static str,
    resolve: std::cell::RefCell<F>,
}

impl<F: FnMut(Value) -> Result<Value, Refused>> ObjectValue for Root<F> {
    fn type_name(&self) -> &str {
        self.kind
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let resolved = (self.resolve.borrow_mut())(json!(info.arguments()));
        resolved.map_or_else(|refused| Err(thrown(&refused.error())), |value| given(Cow::Owned(value), of(info)))
    }
}

/// An object that is known whole, by its members, and its type where it does not say itself.
struct Known<'a>(Cow<'a, Value>, &'a str);

impl ObjectValue for Known<'_> {
    fn type_name(&self) -> &str {
        self.0[TYPE].as_str().unwrap_or(self.1)
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        given(Cow::Borrowed(&self.0[info.field_name()]), of(info))
    }
}

/// The type of a field by the schema, without lists.
fn of<'a>(info: &'a ResolveInfo<'a>) -> &'a str {
    info.field_definition().ty.inner_named_type()
}

fn thrown(error: &Value) -> FieldError {
    FieldError { message: error.to_string() }
}

fn given<'a>(value: Cow<'a, Value>, kind: &'a str) -> Result<ResolvedValue<'a>, FieldError> {
    if let Some(error) = value.get(ERROR) {
        return Err(thrown(error));
    }
    Ok(match value {
        Cow::Borrowed(Value::Array(items)) => {
            ResolvedValue::List(Box::new(items.iter().map(move |item| given(Cow::Borrowed(item), kind))))
        }
        Cow::Owned(Value::Array(items)) => {
            ResolvedValue::List(Box::new(items.into_iter().map(move |item| given(Cow::Owned(item), kind))))
        }
        object if object.is_object() => ResolvedValue::object(Known(object, kind)),
        leaf => ResolvedValue::leaf(leaf.into_owned()),
    })
}
