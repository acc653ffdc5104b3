//! From the bytes of a request's body to a Rust type, in this order: size, JSON, depth, count, schema, type.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::{Resource, sentences::Sentence, validate};
use crate::{
    json::{self, Bounds, FailureKind},
    limits::Limits,
    problem::ProblemType,
    provider::FieldError,
    service::Locale,
};

/// Why a body is not what it should be. Contains nothing of the body but places in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Over [`Limits::body_bytes`].
    #[error("the body is over {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// Nested deeper than [`Limits::json_depth`].
    #[error("the body nests deeper than {limit}")]
    TooDeep {
        /// Levels of objects and lists.
        limit: u32,
    },
    /// More values than [`Limits::json_values`].
    #[error("the body has more than {limit} values")]
    TooManyValues {
        /// Values of any kind.
        limit: u32,
    },
    /// There is nothing in it.
    #[error("the body is empty")]
    Empty,
    /// Not JSON (RFC 8259, in UTF-8).
    #[error("the body is not JSON: line {line}, column {column}")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// An object has the same key twice.
    #[error("the body has the same key twice in an object: line {line}, column {column}")]
    DuplicateKey {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// JSON, but not what the schema says.
    #[error("{} field(s) of the body are not what the schema says", .0.len())]
    Invalid(Vec<FieldError>),
}

impl BodyError {
    /// The problem that it is for the portal.
    #[must_use]
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::TooLarge { .. } | Self::TooDeep { .. } | Self::TooManyValues { .. } => ProblemType::TooLarge,
            Self::Empty | Self::NotJson { .. } | Self::DuplicateKey { .. } => ProblemType::Malformed,
            Self::Invalid(_) => ProblemType::Invalid,
        }
    }

    /// What is wrong, for the problem's `detail`.
    #[must_use]
    pub fn detail(&self, locale: Locale) -> String {
        match (self, locale) {
            (Self::TooLarge { limit }, Locale::Nb) => format!("Innholdet er større enn {limit} byte."),
            (Self::TooLarge { limit }, Locale::Nn) => format!("Innhaldet er større enn {limit} byte."),
            (Self::TooLarge { limit }, Locale::En) => format!("The body is larger than {limit} bytes."),
            (Self::TooDeep { limit }, Locale::Nb) => format!("Innholdet er nøstet dypere enn {limit} nivåer."),
            (Self::TooDeep { limit }, Locale::Nn) => format!("Innhaldet er nøsta djupare enn {limit} nivå."),
            (Self::TooDeep { limit }, Locale::En) => format!("The body is nested deeper than {limit} levels."),
            (Self::TooManyValues { limit }, Locale::Nb) => format!("Innholdet har flere enn {limit} verdier."),
            (Self::TooManyValues { limit }, Locale::Nn) => format!("Innhaldet har fleire enn {limit} verdiar."),
            (Self::TooManyValues { limit }, Locale::En) => format!("The body has more than {limit} values."),
            (Self::Empty, Locale::Nb) => "Innholdet mangler.".to_owned(),
            (Self::Empty, Locale::Nn) => "Innhaldet manglar.".to_owned(),
            (Self::Empty, Locale::En) => "The body is empty.".to_owned(),
            (Self::NotJson { line, column }, Locale::Nb) => {
                format!("Innholdet er ikke gyldig JSON (linje {line}, kolonne {column}).")
            }
            (Self::NotJson { line, column }, Locale::Nn) => {
                format!("Innhaldet er ikkje gyldig JSON (linje {line}, kolonne {column}).")
            }
            (Self::NotJson { line, column }, Locale::En) => {
                format!("The body is not valid JSON (line {line}, column {column}).")
            }
            (Self::DuplicateKey { line, column }, Locale::Nb) => {
                format!("Et objekt har samme nøkkel to ganger (linje {line}, kolonne {column}).")
            }
            (Self::DuplicateKey { line, column }, Locale::Nn) => {
                format!("Eit objekt har same nøkkel to gonger (linje {line}, kolonne {column}).")
            }
            (Self::DuplicateKey { line, column }, Locale::En) => {
                format!("An object has the same key twice (line {line}, column {column}).")
            }
            (Self::Invalid(_), Locale::Nb) => "Rett feltene som er nevnt, og send på nytt.".to_owned(),
            (Self::Invalid(_), Locale::Nn) => "Rett felta som er nemnde, og send på nytt.".to_owned(),
            (Self::Invalid(_), Locale::En) => "Correct the fields that are named, and send again.".to_owned(),
        }
    }

    /// The fields that can be mended, where there are some.
    #[must_use]
    pub fn into_fields(self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields,
            _ => Vec::new(),
        }
    }
}

/// Reads a body of the kind `resource` into its Rust type.
///
/// # Errors
/// The first of: over a limit, not JSON, the same key twice, not what the schema says.
pub fn parse<T: DeserializeOwned>(resource: Resource, bytes: &[u8], locale: Locale) -> Result<T, BodyError> {
    let value = read(bytes)?;
    validate(resource, &value, locale).map_err(BodyError::Invalid)?;
    // The schema is stricter than the type, so that this fails only where a rule cannot be written as a schema: check
    // digits. serde's own words would repeat what was sent; where it stands does not.
    serde_path_to_error::deserialize(value).map_err(|error| {
        BodyError::Invalid(vec![FieldError { pointer: pointer(error.path()), detail: Sentence::NotValid.text(locale) }])
    })
}

/// Where something stands, as a JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            // Within a variant serde does not say where.
            Segment::Enum { .. } | Segment::Unknown => break,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}

/// Reads JSON within the limits of [`Limits::V1`], each key of an object once.
///
/// # Errors
/// All of [`BodyError`] but `Invalid`.
pub fn read(bytes: &[u8]) -> Result<Value, BodyError> {
    let limits = Limits::V1;
    if bytes.len() as u64 > limits.body_bytes {
        return Err(BodyError::TooLarge { limit: limits.body_bytes });
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(BodyError::Empty);
    }
    let bounds =
        Bounds { levels: limits.json_depth as usize, values: limits.json_values as usize, whole_numbers: true };
    json::read(bytes, bounds).map_err(|failure| {
        let (line, column) = (failure.line, failure.column);
        match failure.kind {
            FailureKind::TooDeep => BodyError::TooDeep { limit: limits.json_depth },
            FailureKind::TooMany => BodyError::TooManyValues { limit: limits.json_values },
            FailureKind::Twice(_) => BodyError::DuplicateKey { line, column },
            FailureKind::Syntax(_) => BodyError::NotJson { line, column },
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::opening::{NewDialog, NewMessage, Request};

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn a_good_body_becomes_its_type() {
        let body = br#"{"request": {"type": "sick-note-renewal", "validUntil": "2026-03-31", "degree": 50.0},
            "message": {"text": "Ryggen er bedre."}}"#;
        let dialog: NewDialog = parse(Resource::NewDialog, body, Locale::Nb).unwrap();
        assert!(matches!(dialog.request, Request::SickNoteRenewal { degree: 50, .. }));
    }

    #[test]
    fn nesting_is_allowed_to_the_limit_and_no_deeper() {
        let limit = Limits::V1.json_depth;
        assert!(read(nested(limit as usize).as_bytes()).is_ok());
        assert_eq!(read(nested(limit as usize + 1).as_bytes()), Err(BodyError::TooDeep { limit }));
        assert_eq!(read("[".repeat(1_000_000).as_bytes()), Err(BodyError::TooDeep { limit }));
    }

    #[test]
    fn values_are_counted() {
        let limit = Limits::V1.json_values;
        let list = |count: u32| format!("[{}]", vec!["1"; count as usize].join(","));
        assert!(read(list(limit - 1).as_bytes()).is_ok());
        assert_eq!(read(list(limit).as_bytes()), Err(BodyError::TooManyValues { limit }));
    }

    #[test]
    fn a_body_over_the_limit_is_not_read() {
        let limit = Limits::V1.body_bytes;
        let body = format!("\"{}\"", "x".repeat(usize::try_from(limit).unwrap()));
        assert_eq!(read(body.as_bytes()), Err(BodyError::TooLarge { limit }));
    }

    #[test]
    fn malformed_json_is_told_by_line_and_column() {
        assert_eq!(read(b"{\n  \"text\": oops}"), Err(BodyError::NotJson { line: 2, column: 11 }));
        assert!(matches!(read(b"{\"text\": \"x\"} tail"), Err(BodyError::NotJson { line: 1, .. })));
        assert!(matches!(read(b"{\"text\": \"\xff\"}"), Err(BodyError::NotJson { line: 1, .. })));
        assert!(matches!(read(b"{\"n\": 1e999}"), Err(BodyError::NotJson { .. })));
        assert_eq!(read(b" \n"), Err(BodyError::Empty));
    }

    #[test]
    fn the_same_key_twice_is_refused_at_any_depth() {
        for body in ["{\"text\": \"a\", \"text\": \"b\"}", "[{\"a\": {\"b\": 1, \"\\u0062\": 2}}]"] {
            assert!(matches!(read(body.as_bytes()), Err(BodyError::DuplicateKey { line: 1, .. })), "{body}");
        }
    }

    #[test]
    fn errors_carry_nothing_of_the_body() {
        for body in ["{\"hemmelig\": 1, \"hemmelig\": 2}", "{\"hemmelig\" 1}", "{\"text\": [\"hemmelig\"]}"] {
            let error = parse::<NewMessage>(Resource::NewMessage, body.as_bytes(), Locale::En).unwrap_err();
            assert!(!format!("{error:?} {error} {}", error.detail(Locale::En)).contains("hemmelig"), "{error:?}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("\\PC{0,6}", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_json_is_read_as_it_is(value in any_json()) {
            prop_assert_eq!(read(value.to_string().as_bytes()), Ok(value));
        }

        #[test]
        fn any_bytes_are_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<NewDialog>(Resource::NewDialog, &bytes, Locale::Nb);
        }

        #[test]
        fn any_json_is_answered_with_at_least_one_field_or_accepted(value in any_json()) {
            for resource in [Resource::NewDialog, Resource::NewMessage, Resource::NewBooking] {
                match validate(resource, &value, Locale::En) {
                    Ok(()) => prop_assert!(resource.validator().is_valid(&value)),
                    Err(errors) => {
                        prop_assert!(!errors.is_empty() && errors.len() <= super::super::MAX_ERRORS);
                        for error in errors {
                            prop_assert!(error.pointer.is_empty() || error.pointer.starts_with('/'));
                        }
                    }
                }
            }
        }

        #[test]
        fn what_passes_the_schema_becomes_the_type(
            text in "[a-zæøå][ -~]{0,40}",
            year in 1900..2200i32, month in 1..=13u8, day in 1..=32u8, degree in 0..=110u32,
        ) {
            let body = json!({
                "request": {
                    "type": "sick-note-renewal",
                    "validUntil": format!("{year:04}-{month:02}-{day:02}"),
                    "degree": degree,
                },
                "message": {"text": text},
            });
            let expected = jiff::civil::Date::new(i16::try_from(year).unwrap(), i8::try_from(month).unwrap(), i8::try_from(day).unwrap()).is_ok()
                && (1..=100).contains(&degree);
            let parsed = parse::<NewDialog>(Resource::NewDialog, body.to_string().as_bytes(), Locale::Nb);
            prop_assert_eq!(parsed.is_ok(), expected);
        }
    }
}
