//! Triage: what the vendor needs to know before a consultation, as a JSON Schema. Answers carry the form's version.

use super::document::{Refused, Source, resource};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// The versions that answers are taken to; the last is the one that is shown.
pub const VERSIONS: [&str; 2] = ["triage-consultation-3", "triage-consultation-4"];

/// The form, in a language.
pub fn form(language: &str) -> Value {
    let version = VERSIONS[VERSIONS.len() - 1];
    let title = match language {
        "nb" => "Før konsultasjonen",
        "nn" => "Før konsultasjonen",
        _ => "Before the consultation",
    };
    let attributes = json!({ "service": "consultation", "title": title, "schema": schema(version, language) });
    resource("triage-forms", version, attributes, &[])
}

fn schema(version: &str, language: &str) -> Value {
    let say = |nb: &str, nn: &str, en: &str| match language {
        "nb" => nb.to_owned(),
        "nn" => nn.to_owned(),
        _ => en.to_owned(),
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["form", "knownCondition", "durationDays", "urgent"],
        "properties": {
            "form": { "const": version },
            "knownCondition": {
                "title": say(
                    "Har du hatt dette før, eller er det kjent for en lege?",
                    "Har du hatt dette før, eller er det kjent for ein lege?",
                    "Have you had this before, or does a doctor know of it?",
                ),
                "type": "boolean",
            },
            "durationDays": {
                "title": say("Hvor mange dager har det vart?", "Kor mange dagar har det vart?", "How many days has it lasted?"),
                "type": "integer", "minimum": 0, "maximum": 3650,
            },
            "urgent": {
                "title": say(
                    "Har du brystsmerter, pustevansker eller lammelser? Ring 113.",
                    "Har du brystsmerter, pustevanskar eller lammingar? Ring 113.",
                    "Do you have chest pain, trouble breathing or paralysis? Call 113.",
                ),
                "const": false,
            },
            "medicines": {
                "title": say("Hvilke medisiner bruker du?", "Kva medisinar bruker du?", "Which medicines do you take?"),
                "type": "string", "maxLength": 500,
            },
        },
        "additionalProperties": false,
    })
}

/// Holds answers against the version that they name.
pub fn check(answers: Option<&Value>) -> Result<(), Refused> {
    let at = |pointer: String| vec![Source::Pointer(format!("/data/attributes/triage{pointer}"))];
    let refused = |code, sources| Refused::about(StatusCode::UNPROCESSABLE_ENTITY, code, sources);
    let Some(answers) = answers else { return Err(refused("triage-required", at(String::new()))) };
    let Some(version) = VERSIONS.into_iter().find(|version| answers["form"] == **version) else {
        return Err(refused("triage-outdated", at("/form".to_owned())));
    };
    let Ok(validator) = jsonschema::validator_for(&schema(version, "nb")) else {
        return Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "triage"));
    };
    let wrong: Vec<Source> =
        validator.iter_errors(answers).flat_map(|error| at(error.instance_path().to_string())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(refused("invalid-attribute", wrong)) }
}
