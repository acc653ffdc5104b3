//! What a validator finds, as fields and sentences: where the field is, and what is wrong with it, never what was sent.

use std::collections::BTreeSet;

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use super::{MAX_ERRORS, Resource, sentences::Sentence};
use crate::{provider::FieldError, service::Locale};

/// Longest name of an unknown property that is repeated.
const MAX_NAME: usize = 40;
/// Digits in an unknown property's name from which it is not repeated: it could be a number that names a person.
const MAX_NAME_DIGITS: usize = 5;

/// The first [`MAX_ERRORS`] of what was found, each place and sentence once.
pub(crate) fn collect<'a>(errors: impl Iterator<Item = ValidationError<'a>>, locale: Locale) -> Vec<FieldError> {
    let mut findings = Findings { locale, seen: BTreeSet::new(), found: Vec::new() };
    for error in errors {
        findings.add(&error);
        if findings.found.len() >= MAX_ERRORS {
            break;
        }
    }
    if findings.found.is_empty() {
        findings.push(String::new(), &Sentence::NotValid);
    }
    findings.found
}

struct Findings {
    locale: Locale,
    seen: BTreeSet<(String, String)>,
    found: Vec<FieldError>,
}

impl Findings {
    fn push(&mut self, pointer: String, sentence: &Sentence<'_>) {
        let detail = sentence.text(self.locale);
        if self.found.len() < MAX_ERRORS && self.seen.insert((pointer.clone(), detail.clone())) {
            self.found.push(FieldError { pointer: plain_pointer(pointer), detail });
        }
    }

    fn add(&mut self, error: &ValidationError<'_>) {
        let at = error.instance_path().as_str().to_owned();
        match error.kind() {
            ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
                self.add_choice(error, context);
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let known = known_properties(error);
                for name in unexpected {
                    match plain_name(name) {
                        true => self.push(
                            format!("{at}/{name}"),
                            &Sentence::UnknownProperty { name, nearest: nearest(name, &known) },
                        ),
                        false => self.push(at.clone(), &Sentence::UnknownUnnamed),
                    }
                }
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                self.push(format!("{at}/{name}"), &Sentence::Required);
            }
            // `additionalProperties: false` where no property is known; the validator does not say which was sent.
            ValidationErrorKind::FalseSchema => self.push(at, &Sentence::UnknownUnnamed),
            kind => self.push(at, &sentence(kind)),
        }
    }

    /// Of several variants the sender meant the one whose tag was given: its errors are the errors.
    fn add_choice(&mut self, error: &ValidationError<'_>, branches: &[Vec<ValidationError<'_>>]) {
        let Value::Object(instance) = error.instance().as_ref() else {
            // That it is no object is found by `type` beside the choice.
            return;
        };
        let tags: Vec<(&str, &Value)> = branches.iter().flatten().filter_map(tag).collect();
        let Some((tag_pointer, _)) = tags.first().copied() else {
            // No branch missed its tag: there is no tag, which `required` beside the choice finds.
            return;
        };
        let tag_name = tag_pointer.rsplit('/').next().unwrap_or_default();
        let meant = branches.iter().find(|branch| branch.iter().all(|error| tag(error).is_none()));
        match meant {
            Some(branch) => branch.iter().for_each(|error| self.add(error)),
            None if instance.contains_key(tag_name) => {
                let allowed: Vec<&str> = tags.iter().filter_map(|(_, value)| value.as_str()).collect();
                self.push(tag_pointer.to_owned(), &Sentence::OneOf(&allowed));
            }
            None => {}
        }
    }
}

/// Where a variant's tag is and what it should have been, if that is what the error says.
fn tag<'e>(error: &'e ValidationError<'_>) -> Option<(&'e str, &'e Value)> {
    match error.kind() {
        ValidationErrorKind::Constant { expected_value } => {
            Some((error.instance_path().as_str(), expected_value.as_ref()))
        }
        _ => None,
    }
}

fn sentence(kind: &ValidationErrorKind) -> Sentence<'_> {
    match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => match kind {
            JsonType::String => Sentence::Text,
            JsonType::Integer => Sentence::WholeNumber,
            JsonType::Number => Sentence::Number,
            JsonType::Boolean => Sentence::TrueOrFalse,
            JsonType::Array => Sentence::List,
            JsonType::Object => Sentence::Object,
            JsonType::Null => Sentence::NotValid,
        },
        ValidationErrorKind::Enum { options } => match options.as_array() {
            Some(options) => Sentence::OneOfOwned(options.iter().filter_map(Value::as_str).collect()),
            None => Sentence::NotValid,
        },
        ValidationErrorKind::Constant { expected_value } => match expected_value.as_str() {
            Some(text) => Sentence::OneOfOwned(vec![text]),
            None => Sentence::NotValid,
        },
        ValidationErrorKind::MinLength { limit: 1 } => Sentence::Empty,
        ValidationErrorKind::MinLength { limit } => Sentence::TooShort(*limit),
        ValidationErrorKind::MaxLength { limit } => Sentence::TooLong(*limit),
        ValidationErrorKind::MinItems { limit } => Sentence::TooFew(*limit),
        ValidationErrorKind::MaxItems { limit } => Sentence::TooMany(*limit),
        ValidationErrorKind::MaxProperties { limit } => Sentence::TooManyFields(*limit),
        ValidationErrorKind::Minimum { limit } => Sentence::TooSmall(limit.as_i64().unwrap_or_default()),
        ValidationErrorKind::Maximum { limit } => Sentence::TooGreat(limit.as_i64().unwrap_or_default()),
        ValidationErrorKind::UniqueItems => Sentence::Repeated,
        ValidationErrorKind::Format { format } => Sentence::of_format(format),
        ValidationErrorKind::Pattern { pattern } => Sentence::of_pattern(pattern),
        _ => Sentence::NotValid,
    }
}

/// The properties that the schema knows where it found an unknown one.
fn known_properties(error: &ValidationError<'_>) -> Vec<&'static str> {
    let known = || {
        let location = error.absolute_keyword_location()?;
        let (file, pointer) = location.as_str().strip_prefix(super::BASE)?.split_once('#')?;
        let schema = Resource::of_file(file)?.schema();
        let (parent, _keyword) = pointer.rsplit_once('/')?;
        schema.pointer(parent)?.get("properties")?.as_object()
    };
    known().map(|properties| properties.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

fn plain_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$'))
        && name.bytes().filter(u8::is_ascii_digit).count() <= MAX_NAME_DIGITS
}

/// A pointer is made of names, and a name that came with the request is not repeated unless it is plain.
fn plain_pointer(pointer: String) -> String {
    match pointer.split('/').skip(1).position(|name| !plain_name(name)) {
        None => pointer,
        Some(first) => pointer.split('/').take(first + 1).collect::<Vec<_>>().join("/"),
    }
}
