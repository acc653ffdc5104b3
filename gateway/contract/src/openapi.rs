//! The description of the portal's API, `schemas/openapi.yaml`: as it is written, and in one piece for whoever asks.
//!
//! It is written by hand and refers to the JSON Schemas; the gateway and its tests are held to it. What it says:
//! [`routes`] exist and no others, a reply is as [`validate_reply`] wants it, every one of [`examples`] is valid.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::schema::{self, Resource};

/// The document as it is written.
pub const SOURCE: &str = include_str!("../../../schemas/openapi.yaml");

// The document is part of the binary: what could fail here fails in the crate's tests, and not for an input.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_saphyr::from_str(SOURCE).expect("the document is YAML"));

static BUNDLE: LazyLock<Value> = LazyLock::new(|| {
    let mut document = document().clone();
    rewrite(&mut document, &|reference| reference.strip_prefix("json/").map(|target| component(target, "")));
    let mut schemas = Map::new();
    for resource in Resource::ALL {
        let mut schema = resource.schema().clone();
        rewrite(&mut schema, &|reference| Some(component(reference, resource.file())));
        let Value::Object(mut schema) = schema else { continue };
        schema.remove("$schema");
        schema.remove("$id");
        if let Some(Value::Object(parts)) = schema.remove("$defs") {
            schemas.extend(parts.into_iter().map(|(name, part)| (pascal(&name), part)));
        }
        if *resource != Resource::Types {
            schemas.insert(component_name(resource.file()), Value::Object(schema));
        }
    }
    document["components"]["schemas"] = Value::Object(schemas);
    document
});

static BUNDLE_YAML: LazyLock<String> = LazyLock::new(|| {
    // In the order that people read it; a JSON value has its keys in the order of the alphabet.
    ["openapi", "info", "jsonSchemaDialect", "servers", "tags", "paths", "components"]
        .iter()
        .map(|part| serde_saphyr::to_string(&json!({ *part: bundle()[*part] })).expect("JSON can be written as YAML"))
        .collect()
});

/// The document, as it is written: its schemas are references into `json/`.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// The document in one piece: the JSON Schemas are among its components, and no reference leads out of it.
#[must_use]
pub fn bundle() -> &'static Value {
    &BUNDLE
}

/// [`bundle`] as YAML, for `GET /v1/openapi.yaml`.
#[must_use]
pub fn bundle_yaml() -> &'static str {
    &BUNDLE_YAML
}

/// One operation of the API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// As the document writes it, such as `/v1/me/dialogs/{dialog}`. Only in `/v1/deliveries/{plugin}/{path}` and
    /// `/log/tile/{path}` does the last parameter stand for several segments.
    pub path: String,
    /// In capitals.
    pub method: String,
    /// The operation's name.
    pub operation: String,
    /// On which listeners it is: `portal`, `provider`, `operations`.
    pub listeners: Vec<String>,
    /// Who the caller must show to be: `citizen`, `portal`, `operator`, `auditor` or `vendor`, the first where there are
    /// several; none where it is open to all.
    pub security: Option<String>,
    /// The statuses that it can answer with, in order. A path may also answer 405 to other methods.
    pub statuses: Vec<u16>,
}

/// Every operation of the document, in order of path and method.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in fields(&document()["paths"]) {
        let listeners = strings(&item["x-listeners"]);
        for (method, operation) in operations(item) {
            let mut statuses: Vec<u16> =
                fields(&operation["responses"]).filter_map(|(status, _)| status.parse().ok()).collect();
            statuses.sort_unstable();
            routes.push(Route {
                path: path.clone(),
                method: method.to_uppercase(),
                operation: operation["operationId"].as_str().unwrap_or_default().to_owned(),
                listeners: listeners.clone(),
                security: operation["security"][0].as_object().and_then(|scheme| scheme.keys().next()).cloned(),
                statuses,
            });
        }
    }
    routes.sort();
    routes
}

/// Why a reply is not as the document says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// The document has no such path.
    #[error("the document has no path {0}")]
    UnknownPath(String),
    /// The document's path has no such method.
    #[error("the document has no {method} {path}")]
    UnknownMethod {
        /// In capitals.
        method: String,
        /// As the document writes it.
        path: String,
    },
    /// The operation does not answer with this status.
    #[error("{operation} is not said to answer {status}")]
    UnknownStatus {
        /// The operation's name.
        operation: String,
        /// The reply's.
        status: u16,
    },
    /// There is a JSON body where there should be none, or the reverse.
    #[error("{operation} {status}: a JSON body was {}expected", if *.expected { "" } else { "not " })]
    Body {
        /// The operation's name.
        operation: String,
        /// The reply's.
        status: u16,
        /// Whether there should have been one.
        expected: bool,
    },
    /// The operation does not answer this status with this problem.
    #[error("{operation} {status} is not said to be the problem {problem}")]
    UnknownProblem {
        /// The operation's name.
        operation: String,
        /// The reply's.
        status: u16,
        /// The problem's `type`.
        problem: String,
    },
    /// The body is not what its schema says.
    #[error("{operation} {status}: not as {schema} says: {errors}")]
    Invalid {
        /// The operation's name.
        operation: String,
        /// The reply's.
        status: u16,
        /// The schema's file.
        schema: String,
        /// Field by field.
        errors: String,
    },
}

/// Whether a reply is as the document says. `path` is the template; `{*path}` and `{path}` are the same. `body` is the
/// JSON body, or `Null` where the reply's body is empty or not JSON.
///
/// # Errors
/// What is not as the document says.
pub fn validate_reply(method: &str, path: &str, status: u16, body: &Value) -> Result<(), ReplyFault> {
    let template = path.replace("{*", "{");
    let Some(item) = document()["paths"].get(&template) else {
        return Err(ReplyFault::UnknownPath(template));
    };
    let (name, response) = match item.get(method.to_lowercase()) {
        Some(operation) => {
            let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
            let response = operation["responses"].get(status.to_string());
            let Some(response) = response.map(resolve) else {
                return Err(ReplyFault::UnknownStatus { operation: name, status });
            };
            (name, response)
        }
        None if status == 405 => {
            (format!("{method} {template}"), &document()["components"]["responses"]["MethodNotAllowed"])
        }
        None => return Err(ReplyFault::UnknownMethod { method: method.to_uppercase(), path: template }),
    };
    let json = ["application/json", "application/problem+json"];
    let media = json.iter().find_map(|media| response["content"].get(*media));
    let Some(media) = media else {
        return match body {
            Value::Null => Ok(()),
            _ => Err(ReplyFault::Body { operation: name, status, expected: false }),
        };
    };
    if body.is_null() {
        return Err(ReplyFault::Body { operation: name, status, expected: true });
    }
    let file = media["schema"]["$ref"].as_str().and_then(|reference| reference.strip_prefix("json/"));
    let resource = file.and_then(Resource::of_file).expect("a test holds JSON replies to references to resources");
    schema::validate(resource, body, crate::service::Locale::En).map_err(|errors| ReplyFault::Invalid {
        operation: name.clone(),
        status,
        schema: resource.file().to_owned(),
        errors: errors.iter().map(|error| format!("{} {}", error.pointer, error.detail)).collect::<Vec<_>>().join(" "),
    })?;
    if resource == Resource::Problem {
        let problem = body["type"].as_str().unwrap_or_default();
        let known = strings(&response["x-problem-types"]);
        if !known.iter().any(|known| problem.strip_prefix("urn:dialog:problem:") == Some(known)) {
            return Err(ReplyFault::UnknownProblem { operation: name, status, problem: problem.to_owned() });
        }
    }
    Ok(())
}

/// One example of the document, with the schema that it must satisfy.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Where it is used.
    pub at: String,
    /// Its schema, with references relative to [`schema::BASE`].
    pub schema: Value,
    /// The example.
    pub value: Value,
}

impl Example {
    /// Whether the example is what its schema says.
    ///
    /// # Errors
    /// Where it stands and what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let validator = schema::compile(&self.schema).map_err(|error| format!("{}: {error}", self.at))?;
        match validator.iter_errors(&self.value).next() {
            None => Ok(()),
            Some(error) => Err(format!("{}: {}: {error}", self.at, error.instance_path())),
        }
    }
}

/// Every example of the document that has a schema: of parameters, headers, requests and replies.
#[must_use]
pub fn examples() -> Vec<Example> {
    let mut found = Vec::new();
    gather("", document(), &mut found);
    found
}

fn gather(at: &str, node: &'static Value, found: &mut Vec<Example>) {
    if let Some(schema) = node.get("schema") {
        let mut schema = schema.clone();
        rewrite(&mut schema, &|reference| reference.strip_prefix("json/").map(str::to_owned));
        let one = node.get("example").map(|value| (at.to_owned(), value));
        let several = node.get("examples").into_iter().flat_map(fields);
        let several = several.map(|(name, example)| (format!("{at}/examples/{name}"), &resolve(example)["value"]));
        found.extend(one.into_iter().chain(several).map(|(at, value)| Example {
            at,
            schema: schema.clone(),
            value: value.clone(),
        }));
        return;
    }
    match node {
        Value::Object(children) => {
            for (name, child) in children {
                gather(&format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), child, found);
            }
        }
        Value::Array(children) => {
            for (index, child) in children.iter().enumerate() {
                gather(&format!("{at}/{index}"), child, found);
            }
        }
        _ => {}
    }
}

/// What a reference within the document stands for.
fn resolve(node: &'static Value) -> &'static Value {
    let target = node.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| document().pointer(pointer)).unwrap_or(node)
}

fn operations(item: &Value) -> impl Iterator<Item = (&String, &Value)> {
    fields(item).filter(|(name, _)| matches!(name.as_str(), "get" | "put" | "post" | "delete" | "patch" | "head"))
}

fn fields(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.as_object().into_iter().flatten()
}

fn strings(node: &Value) -> Vec<String> {
    node.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Gives every `$ref` the value that `to` says, where it says one.
fn rewrite(node: &mut Value, to: &dyn Fn(&str) -> Option<String>) {
    match node {
        Value::Object(children) => {
            for (name, child) in children {
                match child {
                    Value::String(reference) if name == "$ref" => {
                        if let Some(target) = to(reference) {
                            *child = json!(target);
                        }
                    }
                    _ => rewrite(child, to),
                }
            }
        }
        Value::Array(children) => children.iter_mut().for_each(|child| rewrite(child, to)),
        _ => {}
    }
}

/// The component of the bundle that a reference from a schema stands for; `own` is the file that it stands in.
fn component(reference: &str, own: &str) -> String {
    let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
    let file = if file.is_empty() { own } else { file };
    let target = match pointer.strip_prefix("/$defs/") {
        Some(part) => {
            let (name, rest) = part.split_once('/').map_or((part, None), |(name, rest)| (name, Some(rest)));
            rest.map_or_else(|| pascal(name), |rest| format!("{}/{rest}", pascal(name)))
        }
        None => format!("{}{pointer}", component_name(file)),
    };
    format!("#/components/schemas/{target}")
}

fn component_name(file: &str) -> String {
    file.trim_end_matches(".json").split('-').map(pascal).collect()
}

fn pascal(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

    use std::collections::BTreeSet;

    use super::*;
    use crate::{limits::Limits, problem::ProblemType};

    fn references(node: &Value, found: &mut BTreeSet<String>) {
        match node {
            Value::Object(children) => {
                for (name, child) in children {
                    match child {
                        Value::String(reference) if name == "$ref" => {
                            found.insert(reference.clone());
                        }
                        _ => references(child, found),
                    }
                }
            }
            Value::Array(children) => children.iter().for_each(|child| references(child, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_of_the_bundle_leads_to_something_in_it() {
        let mut found = BTreeSet::new();
        references(bundle(), &mut found);
        assert!(found.len() > 100);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out"));
            assert!(bundle().pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }

    #[test]
    fn no_two_schemas_have_the_same_name_in_the_bundle() {
        let mut names = BTreeSet::new();
        for resource in Resource::ALL {
            let parts = fields(&resource.schema()["$defs"]).map(|(name, _)| pascal(name));
            let own = (*resource != Resource::Types).then(|| component_name(resource.file()));
            for name in parts.chain(own) {
                assert!(names.insert(name.clone()), "{name} twice");
            }
        }
        let bundled: BTreeSet<String> =
            fields(&bundle()["components"]["schemas"]).map(|(name, _)| name.clone()).collect();
        assert_eq!(names, bundled);
    }

    #[test]
    fn the_bundle_as_yaml_says_the_same() {
        let read: Value = serde_saphyr::from_str(bundle_yaml()).unwrap();
        assert_eq!(&read, bundle());
        assert!(bundle_yaml().starts_with("openapi: "));
    }

    #[test]
    fn a_schema_of_the_bundle_accepts_what_the_one_it_came_from_accepts() {
        // As a reader of the bundle has it: one document, references within.
        for resource in Resource::ALL.iter().filter(|resource| **resource != Resource::Types) {
            let name = component_name(resource.file());
            let mut whole = bundle().clone();
            whole["$ref"] = json!(format!("#/components/schemas/{name}"));
            whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
            let validator = jsonschema::options().offline().build(&whole).unwrap();
            for example in resource.schema()["examples"].as_array().unwrap() {
                assert!(validator.is_valid(example), "{name}");
                let mut closed = example.clone();
                closed["notInTheContract"] = json!(1);
                assert!(!validator.is_valid(&closed), "{name} is open");
            }
        }
    }

    #[test]
    fn every_example_of_the_document_is_valid() {
        let examples = examples();
        assert!(examples.len() >= 100, "{} examples found", examples.len());
        let wrong: Vec<String> = examples.iter().filter_map(|example| example.check().err()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_json_request_and_reply_has_an_example_and_a_schema_of_its_own() {
        fn check(at: &str, content: &'static Value) {
            for (media, body) in fields(content) {
                if media.contains("json") {
                    let file = body["schema"]["$ref"].as_str().and_then(|file| file.strip_prefix("json/"));
                    assert!(file.and_then(Resource::of_file).is_some(), "{at} {media}");
                    assert!(fields(&body["examples"]).next().is_some(), "{at} {media} has no example");
                }
            }
        }
        for (path, item) in fields(&document()["paths"]) {
            for (method, operation) in operations(item) {
                check(&format!("{method} {path}"), &operation["requestBody"]["content"]);
                for (status, response) in fields(&operation["responses"]) {
                    check(&format!("{method} {path} {status}"), &resolve(response)["content"]);
                }
            }
        }
    }

    #[test]
    fn the_problems_of_the_document_are_those_of_the_contract() {
        let mut told = BTreeSet::new();
        for (name, response) in fields(&document()["components"]["responses"]) {
            for problem in strings(&response["x-problem-types"]) {
                told.insert(problem);
            }
            assert!(response["x-problem-types"].is_array(), "{name}");
        }
        assert_eq!(told, ProblemType::ALL.iter().map(|problem| problem.name().to_owned()).collect());
        for (path, item) in fields(&document()["paths"]) {
            for (method, operation) in operations(item) {
                for (status, response) in fields(&operation["responses"]) {
                    for name in strings(&resolve(response)["x-problem-types"]) {
                        let problem = ProblemType::ALL.iter().find(|problem| problem.name() == name).unwrap();
                        assert_eq!(problem.status().to_string(), *status, "{method} {path}: {name}");
                    }
                }
            }
        }
    }

    #[test]
    fn problems_in_examples_have_the_contracts_titles() {
        for problem in ProblemType::ALL {
            let name = format!("Problem{}", problem.name().split('-').map(pascal).collect::<String>());
            let example = &document()["components"]["examples"][&name]["value"];
            assert_eq!(example["type"], json!(problem.uri()));
            assert_eq!(example["status"], json!(problem.status()));
            assert_eq!(example["title"], json!(problem.title(crate::service::Locale::Nb)));
        }
    }

    #[test]
    fn every_post_of_a_citizen_or_clinician_needs_an_idempotency_key_and_only_those() {
        for (path, item) in fields(&document()["paths"]) {
            for (method, operation) in operations(item) {
                let mut found = BTreeSet::new();
                references(&operation["parameters"], &mut found);
                // A search is a question, asked by POST so that its words stand in no address.
                let own = path.starts_with("/v1/me/") || path.contains("/collegial-");
                let needs = own && method == "post" && path != "/v1/me/dialogs/search";
                assert_eq!(found.contains("#/components/parameters/IdempotencyKey"), needs, "{method} {path}");
            }
        }
    }

    #[test]
    fn every_parameter_of_a_path_is_described() {
        for (path, item) in fields(&document()["paths"]) {
            for (method, operation) in operations(item) {
                let described: BTreeSet<&str> = operation["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(resolve)
                    .filter(|parameter| parameter["in"] == "path")
                    .filter_map(|parameter| parameter["name"].as_str())
                    .collect();
                let named: BTreeSet<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
                assert_eq!(described, named, "{method} {path}");
            }
        }
    }

    #[test]
    fn limits_of_parameters_are_the_published_ones() {
        let parameters = &document()["components"]["parameters"];
        assert_eq!(parameters["IdempotencyKey"]["schema"]["maxLength"], json!(Limits::V1.idempotency_key_characters));
        assert_eq!(parameters["Limit"]["schema"]["maximum"], json!(Limits::V1.page_items));
        assert_eq!(parameters["Limit"]["schema"]["default"], json!(Limits::V1.page_items_default));
    }

    #[test]
    fn a_reply_is_held_to_its_operation() {
        let limits = serde_json::to_value(Limits::V1).unwrap();
        assert_eq!(validate_reply("GET", "/v1/limits", 200, &limits), Ok(()));
        assert!(matches!(validate_reply("GET", "/v1/limits", 200, &json!({})), Err(ReplyFault::Invalid { .. })));
        assert!(matches!(validate_reply("GET", "/v1/limits", 201, &limits), Err(ReplyFault::UnknownStatus { .. })));
        assert!(matches!(validate_reply("PUT", "/v1/limits", 200, &limits), Err(ReplyFault::UnknownMethod { .. })));
        assert!(matches!(validate_reply("GET", "/v2/limits", 200, &limits), Err(ReplyFault::UnknownPath(_))));
        assert!(matches!(
            validate_reply("GET", "/v1/limits", 200, &Value::Null),
            Err(ReplyFault::Body { expected: true, .. })
        ));
        let delivery = "/v1/deliveries/{plugin}/{*path}";
        assert_eq!(validate_reply("POST", delivery, 204, &Value::Null), Ok(()));
        assert!(matches!(
            validate_reply("POST", delivery, 204, &json!({})),
            Err(ReplyFault::Body { expected: false, .. })
        ));
    }

    #[test]
    fn a_problem_that_an_operation_is_not_said_to_have_is_found() {
        let problem = |name: &str| document()["components"]["examples"][name]["value"].clone();
        let dialogs = "/v1/me/dialogs";
        assert_eq!(validate_reply("POST", dialogs, 409, &problem("ProblemConflict")), Ok(()));
        assert!(matches!(
            validate_reply("POST", dialogs, 409, &problem("ProblemDialogClosed")),
            Err(ReplyFault::UnknownProblem { .. })
        ));
        assert_eq!(validate_reply("DELETE", dialogs, 405, &problem("ProblemMethodNotAllowed")), Ok(()));
        let mut wrong = problem("ProblemConflict");
        wrong["type"] = json!("urn:dialog:problem:not-found");
        assert!(matches!(validate_reply("POST", dialogs, 409, &wrong), Err(ReplyFault::Invalid { .. })));
    }

    #[test]
    fn operations_and_their_statuses_are_as_published() {
        let listing: String = routes()
            .iter()
            .map(|route| {
                let statuses: Vec<String> = route.statuses.iter().map(u16::to_string).collect();
                format!(
                    "{} {} [{}] {} by {}: {}\n",
                    route.method,
                    route.path,
                    route.listeners.join(" "),
                    route.operation,
                    route.security.as_deref().unwrap_or("anyone"),
                    statuses.join(" ")
                )
            })
            .collect();
        insta::assert_snapshot!("operations", listing);
    }
}
