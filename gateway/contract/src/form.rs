//! A provider's form: a JSON Schema that a plugin returned, by which citizens' answers will be checked. It comes anew with
//! every call, so it is held to less than a manifest's schemas are: its patterns are of a kind that is matched in linear
//! time, and compiling all of them is bounded.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::{
    json::{self, Bounds, FailureKind},
    limits::returned,
    manifest::{endless, foreign},
    provider::FieldError,
    schema::findings,
    service::Locale,
};

/// Characters of what is told of one field: as many as `fieldError` has.
const DETAIL_CHARACTERS: usize = 500;

/// Bytes of a pointer to a field: as many as `fieldError` has.
const POINTER_BYTES: usize = 512;

/// Why a text is no form. Nothing of the text is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Larger than [`returned::FORM_BYTES`].
    #[error("over {} bytes", returned::FORM_BYTES)]
    TooLarge,
    /// Not JSON (RFC 8259).
    #[error("not JSON")]
    Syntax,
    /// An object has the same key twice.
    #[error("has a key twice in an object")]
    Twice,
    /// Nested deeper than [`returned::FORM_DEPTH`].
    #[error("nested over {} deep", returned::FORM_DEPTH)]
    TooDeep,
    /// More values than [`returned::FORM_VALUES`].
    #[error("over {} values", returned::FORM_VALUES)]
    TooMany,
    /// A schema of anything, or of nothing.
    #[error("not an object")]
    NotAnObject,
    /// A reference to what is not in it.
    #[error("refers outside itself")]
    Foreign,
    /// A schema that has no end, or a far one, where its references are followed.
    #[error("has no near end where its references are followed")]
    Endless,
    /// More patterns than [`returned::FORM_PATTERNS`].
    #[error("over {} patterns", returned::FORM_PATTERNS)]
    TooManyPatterns,
    /// Not JSON Schema 2020-12, or with a pattern that does not compile within [`returned::FORM_PATTERN_BYTES`].
    #[error("not JSON Schema 2020-12 that compiles")]
    NotASchema,
}

/// Reads a form's schema, which compiles.
///
/// # Errors
/// The first rule that it breaks.
pub fn read(text: &str) -> Result<Value, FormError> {
    if text.len() > returned::FORM_BYTES {
        return Err(FormError::TooLarge);
    }
    let bounds = Bounds { levels: returned::FORM_DEPTH, values: returned::FORM_VALUES, whole_numbers: false };
    let schema = json::read(text.as_bytes(), bounds).map_err(|failure| match failure.kind {
        FailureKind::Syntax(_) => FormError::Syntax,
        FailureKind::Twice(_) => FormError::Twice,
        FailureKind::TooDeep => FormError::TooDeep,
        FailureKind::TooMany => FormError::TooMany,
    })?;
    if !schema.is_object() {
        return Err(FormError::NotAnObject);
    }
    if foreign(&schema) {
        return Err(FormError::Foreign);
    }
    // Before anything else follows them.
    if endless(&schema) {
        return Err(FormError::Endless);
    }
    if patterns(&schema) > returned::FORM_PATTERNS {
        return Err(FormError::TooManyPatterns);
    }
    if jsonschema::draft202012::meta::validate(&schema).is_err() {
        return Err(FormError::NotASchema);
    }
    compile(&schema)?;
    Ok(schema)
}

/// Holds a citizen's answers against a schema that [`read`] has read. `at` is the pointer to the answers in the request.
/// Takes as long as the schema makes it: run it where nobody else waits.
///
/// # Errors
/// The fields that can be mended, below `at`, in the language of `locale`. No sentence repeats what was answered; what the
/// form itself allows may be named, cleaned and cut.
pub fn check(schema: &Value, answers: &Value, at: &str, locale: Locale) -> Result<(), Vec<FieldError>> {
    // A schema that was read compiles. Were it another, nobody's answers would fit it.
    let Ok(validator) = compile(schema) else { return Err(findings::collect(std::iter::empty(), locale)) };
    if validator.is_valid(answers) {
        return Ok(());
    }
    let found = findings::collect(validator.iter_errors(answers), locale);
    let below = |error: FieldError| {
        let mut pointer = format!("{at}{}", error.pointer);
        while pointer.len() > POINTER_BYTES {
            // At least `at` is left, which is short.
            pointer.truncate(pointer.rfind('/').unwrap_or_default());
        }
        let plain = error.detail.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        FieldError { pointer, detail: plain.take(DETAIL_CHARACTERS).collect() }
    };
    Err(found.into_iter().map(below).collect())
}

fn compile(schema: &Value) -> Result<Validator, FormError> {
    let patterns =
        PatternOptions::regex().size_limit(returned::FORM_PATTERN_BYTES).dfa_size_limit(returned::FORM_PATTERN_BYTES);
    let options = jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns).offline();
    options.build(schema).map_err(|_| FormError::NotASchema)
}

/// At least as many patterns as the schema has: what is named like one may also be a property.
fn patterns(part: &Value) -> usize {
    match part {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| {
                let own = match (name.as_str(), field) {
                    ("pattern", Value::String(_)) => 1,
                    ("patternProperties", Value::Object(by_pattern)) => by_pattern.len(),
                    _ => 0,
                };
                own + patterns(field)
            })
            .sum(),
        Value::Array(items) => items.iter().map(patterns).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Map, json};

    use super::*;

    fn refused(schema: &Value) -> FormError {
        read(&schema.to_string()).unwrap_err()
    }

    #[test]
    fn a_form_of_groups_with_patterns_is_taken_as_it_is() {
        let schema = json!({
            "type": "object",
            "$defs": { "name": { "type": "string", "pattern": "^[\\p{L} -]+$", "maxLength": 100 } },
            "properties": {
                "given": { "$ref": "#/$defs/name" },
                "licence": { "enum": ["B", "C1", "C"] },
                "sight": { "type": "object", "properties": { "glasses": { "type": "boolean" } } },
            },
            "required": ["licence"],
            "additionalProperties": false,
        });
        assert_eq!(read(&schema.to_string()), Ok(schema));
    }

    #[test]
    fn what_is_too_large_too_deep_or_too_much_is_refused_before_it_is_a_schema() {
        assert_eq!(read(&" ".repeat(returned::FORM_BYTES + 1)), Err(FormError::TooLarge));
        let deep = format!("{}{}", "{\"not\":".repeat(returned::FORM_DEPTH), "}".repeat(returned::FORM_DEPTH));
        assert_eq!(read(&deep.replace(":}", ":{}}")), Err(FormError::TooDeep));
        assert_eq!(refused(&json!({ "enum": vec![1; returned::FORM_VALUES] })), FormError::TooMany);
        assert_eq!(read("{\"type\":\"object\",\"type\":\"string\"}"), Err(FormError::Twice));
        assert_eq!(read("{} x"), Err(FormError::Syntax));
        assert_eq!(refused(&json!(true)), FormError::NotAnObject);
    }

    #[test]
    fn references_stay_within_and_come_to_an_end() {
        assert_eq!(refused(&json!({ "$ref": "https://example.com/form.json" })), FormError::Foreign);
        assert_eq!(refused(&json!({ "items": { "$dynamicRef": "form.json#x" } })), FormError::Foreign);
        assert_eq!(refused(&json!({ "properties": { "child": { "$ref": "#" } } })), FormError::Endless);
        assert_eq!(refused(&json!({ "$ref": "#/$defs/nowhere" })), FormError::NotASchema);
    }

    #[test]
    fn patterns_are_few_small_and_matched_in_linear_time() {
        for pattern in ["^(?=a)b", "(a)\\1", "(?:[\\p{L}]{1000}){1000}", "("] {
            assert_eq!(refused(&json!({ "pattern": pattern })), FormError::NotASchema, "{pattern}");
        }
        let many = |count: usize| -> Value {
            let fields: Map<String, Value> =
                (0..count).map(|at| (format!("f{at}"), json!({ "pattern": format!("^a{at}$") }))).collect();
            json!({ "properties": fields })
        };
        assert!(read(&many(returned::FORM_PATTERNS).to_string()).is_ok());
        assert_eq!(refused(&many(returned::FORM_PATTERNS + 1)), FormError::TooManyPatterns);
        let by_pattern: Map<String, Value> = (0..101).map(|at| (format!("^a{at}$"), json!(true))).collect();
        assert_eq!(refused(&json!({ "patternProperties": by_pattern })), FormError::TooManyPatterns);
    }

    #[test]
    fn answers_that_do_not_fit_are_named_below_the_form_in_the_citizens_language() {
        let schema = json!({
            "type": "object",
            "required": ["days", "known"],
            "properties": {
                "days": { "type": "integer", "minimum": 0 },
                "known": { "type": "boolean" },
                "parts": { "type": "array", "items": { "enum": ["arm", "leg"] } },
            },
            "additionalProperties": false,
        });
        let found = |answers: Value, locale| -> Vec<(String, String)> {
            let errors = check(&schema, &answers, "/request/form", locale).unwrap_err();
            errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
        };
        assert_eq!(check(&schema, &json!({ "days": 3, "known": true }), "/request/form", Locale::Nb), Ok(()));
        let missing = found(json!({ "days": -1 }), Locale::Nb);
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing.contains(&("/request/form/known".to_owned(), "Dette feltet må fylles ut.".to_owned())));
        assert!(missing.contains(&("/request/form/days".to_owned(), "Må være minst 0.".to_owned())));
        let parts = found(json!({ "days": 1, "known": true, "parts": ["arm", "hemmelig"] }), Locale::En);
        assert_eq!(parts, [("/request/form/parts/1".to_owned(), "Must be one of: arm, leg.".to_owned())]);
        assert_eq!(
            found(json!({ "days": 1, "known": true, "hemmelig": 1 }), Locale::En)[0].0,
            "/request/form/hemmelig"
        );
    }

    #[test]
    fn what_is_told_of_a_field_is_short_and_plain_whatever_the_form_says() {
        let long: Vec<String> = (0..100).map(|at| format!("{at}\u{7}{}", "x".repeat(100))).collect();
        let schema = json!({ "properties": { "a": { "enum": long } } });
        let errors = check(&schema, &json!({ "a": 1 }), "/request/form", Locale::En).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].detail.chars().count() <= DETAIL_CHARACTERS && !errors[0].detail.contains('\u{7}'));
        let name = "n".repeat(40);
        let (mut schema, mut answers) = (json!({ "type": "integer" }), json!("no"));
        for _ in 0..20 {
            schema = json!({ "properties": { name.clone(): schema } });
            answers = json!({ name.clone(): answers });
        }
        let errors = check(&schema, &answers, "/request/form", Locale::En).unwrap_err();
        assert!(errors[0].pointer.starts_with("/request/form/n") && errors[0].pointer.len() <= POINTER_BYTES);
    }

    #[test]
    fn what_is_no_schema_is_refused_and_not_repeated() {
        for schema in [json!({ "type": "hemmelig" }), json!({ "minLength": -1 }), json!({ "properties": 3 })] {
            let error = refused(&schema);
            assert_eq!(error, FormError::NotASchema, "{schema}");
            assert!(!error.to_string().contains("hemmelig"));
        }
    }
}
