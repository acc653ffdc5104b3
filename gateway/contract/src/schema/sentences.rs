//! What can be wrong with a field, in three languages. Sentences name rules, never what was sent.

use crate::service::Locale;

/// One thing that can be wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sentence<'a> {
    Required,
    UnknownProperty { name: &'a str, nearest: Option<&'a str> },
    UnknownUnnamed,
    Text,
    WholeNumber,
    Number,
    TrueOrFalse,
    List,
    Object,
    OneOf(&'a [&'a str]),
    OneOfOwned(Vec<&'a str>),
    Empty,
    Blank,
    ControlCharacters,
    TooShort(u64),
    TooLong(u64),
    TooFew(u64),
    TooMany(u64),
    TooManyFields(u64),
    TooSmall(i64),
    TooGreat(i64),
    Repeated,
    DateTime,
    Date,
    Time,
    Uuid,
    Url,
    Base64,
    Atc,
    OrganisationNumber,
    Telephone,
    Digest,
    Cursor,
    FileName,
    Code,
    NotValid,
}

/// Every pattern of the schemas with what it asks for. A test finds a pattern that is not here.
pub(super) const PATTERNS: &[(&str, Sentence<'static>)] = &[
    ("\\S", Sentence::Blank),
    ("^[^\\u0000-\\u001f\\u007f-\\u009f]*$", Sentence::ControlCharacters),
    ("^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$", Sentence::ControlCharacters),
    ("^[^/\\\\\\u0000-\\u001f\\u007f-\\u009f]+$", Sentence::FileName),
    (
        "^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
        Sentence::DateTime,
    ),
    ("^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$", Sentence::Date),
    ("^([01][0-9]|2[0-3]):[0-5][0-9]$", Sentence::Time),
    ("^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", Sentence::Base64),
    ("^[A-Z][0-9A-Z]{0,7}$", Sentence::Atc),
    ("^[0-9]{9}$", Sentence::OrganisationNumber),
    ("^[0-9]{11}$", Sentence::Code),
    ("^[+][0-9][0-9 ]{3,30}$", Sentence::Telephone),
    ("^[+]?[0-9][0-9 ]{1,30}$", Sentence::Telephone),
    ("^[0-9a-f]{64}$", Sentence::Digest),
    ("^[0-9a-f]{32}$", Sentence::Code),
    ("^[!-~]+$", Sentence::Cursor),
    ("^https?://", Sentence::Url),
    ("^https?://[!-~]+$", Sentence::Url),
    ("^https://[!-~]+$", Sentence::Url),
    ("^[A-Za-z0-9]+$", Sentence::Code),
    ("^[a-z][a-z0-9-]{1,39}$", Sentence::Code),
    ("^(?![0-9]{11}$)[A-Za-z0-9._~=-]+$", Sentence::Code),
    ("^(/([^/~]|~[01])*)*$", Sentence::Code),
    ("^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", Sentence::Code),
    (
        "^/v1/me/(dialogs|appointments|payments)/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        Sentence::Code,
    ),
    ("^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", Sentence::Code),
    ("^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", Sentence::Code),
    ("^[a-z][a-z0-9.-]*$", Sentence::Code),
    ("^[a-z][a-z0-9-]*$", Sentence::Code),
    ("^[a-z][a-z-]*$", Sentence::Code),
    ("^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*@[0-9]+[.][0-9]+[.][0-9]+$", Sentence::Code),
    ("^[A-Z]{1,16}$", Sentence::Code),
];

impl Sentence<'static> {
    pub(super) fn of_pattern(pattern: &str) -> Self {
        let known = PATTERNS.iter().find(|(known, _)| *known == pattern);
        known.map_or(Self::NotValid, |(_, sentence)| sentence.clone())
    }

    pub(super) fn of_format(format: &str) -> Self {
        match format {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "uuid" => Self::Uuid,
            "uri" => Self::Url,
            _ => Self::NotValid,
        }
    }
}

impl Sentence<'_> {
    /// The sentence in the language of `locale`.
    pub(super) fn text(&self, locale: Locale) -> String {
        let say = |nb: &str, nn: &str, en: &str| {
            match locale {
                Locale::Nb => nb,
                Locale::Nn => nn,
                Locale::En => en,
            }
            .to_owned()
        };
        let count = |nb: &str, nn: &str, en: &str, limit: &dyn std::fmt::Display| {
            say(nb, nn, en).replace("{}", &limit.to_string())
        };
        match self {
            Self::Required => {
                say("Dette feltet må fylles ut.", "Dette feltet må fyllast ut.", "This field is required.")
            }
            Self::UnknownProperty { name, nearest } => {
                let unknown = say(
                    "Det finnes ikke noe felt «{}» her.",
                    "Det finst ikkje noko felt «{}» her.",
                    "There is no field \"{}\" here.",
                )
                .replace("{}", name);
                match nearest {
                    None => unknown,
                    Some(nearest) => {
                        let meant = say(" Mente du «{}»?", " Meinte du «{}»?", " Did you mean \"{}\"?");
                        unknown + &meant.replace("{}", nearest)
                    }
                }
            }
            Self::UnknownUnnamed => say(
                "Her er et felt som ikke finnes i kontrakten.",
                "Her er eit felt som ikkje finst i kontrakten.",
                "There is a field here that is not in the contract.",
            ),
            Self::Text => say("Må være en tekst.", "Må vere ein tekst.", "Must be a text."),
            Self::WholeNumber => say("Må være et helt tall.", "Må vere eit heilt tal.", "Must be a whole number."),
            Self::Number => say("Må være et tall.", "Må vere eit tal.", "Must be a number."),
            Self::TrueOrFalse => {
                say("Må være true eller false.", "Må vere true eller false.", "Must be true or false.")
            }
            Self::List => say("Må være en liste.", "Må vere ei liste.", "Must be a list."),
            Self::Object => say("Må være et objekt.", "Må vere eit objekt.", "Must be an object."),
            Self::OneOf(allowed) => {
                count("Må være en av: {}.", "Må vere ein av: {}.", "Must be one of: {}.", &allowed.join(", "))
            }
            Self::OneOfOwned(allowed) => Sentence::OneOf(allowed).text(locale),
            Self::Empty => say("Kan ikke være tomt.", "Kan ikkje vere tomt.", "Must not be empty."),
            Self::Blank => say("Kan ikke være blankt.", "Kan ikkje vere blankt.", "Must not be blank."),
            Self::ControlCharacters => say(
                "Kan ikke inneholde kontrolltegn.",
                "Kan ikkje innehalde kontrollteikn.",
                "Must not contain control characters.",
            ),
            Self::TooShort(limit) => {
                count("Må ha minst {} tegn.", "Må ha minst {} teikn.", "Must be at least {} characters long.", limit)
            }
            Self::TooLong(limit) => count(
                "Kan ikke være lengre enn {} tegn.",
                "Kan ikkje vere lengre enn {} teikn.",
                "Must be at most {} characters long.",
                limit,
            ),
            Self::TooFew(limit) => {
                count("Må ha minst {} av dem.", "Må ha minst {} av dei.", "Must have at least {} of them.", limit)
            }
            Self::TooMany(limit) => count(
                "Kan ikke ha flere enn {} av dem.",
                "Kan ikkje ha fleire enn {} av dei.",
                "Must have at most {} of them.",
                limit,
            ),
            Self::TooManyFields(limit) => count(
                "Kan ikke ha flere enn {} felt.",
                "Kan ikkje ha fleire enn {} felt.",
                "Must have at most {} fields.",
                limit,
            ),
            Self::TooSmall(limit) => count("Må være minst {}.", "Må vere minst {}.", "Must be at least {}.", limit),
            Self::TooGreat(limit) => {
                count("Kan ikke være over {}.", "Kan ikkje vere over {}.", "Must be at most {}.", limit)
            }
            Self::Repeated => say(
                "Kan ikke inneholde det samme to ganger.",
                "Kan ikkje innehalde det same to gonger.",
                "Must not contain the same thing twice.",
            ),
            Self::DateTime => say(
                "Må være en dato og et klokkeslett som finnes, fra 1900 til 2199, på formen 2026-03-02T08:00:00Z.",
                "Må vere ein dato og eit klokkeslett som finst, frå 1900 til 2199, på forma 2026-03-02T08:00:00Z.",
                "Must be a date and time that exist, from 1900 through 2199, in the form 2026-03-02T08:00:00Z.",
            ),
            Self::Date => say(
                "Må være en dato som finnes, fra 1900 til 2199, på formen 2026-03-31.",
                "Må vere ein dato som finst, frå 1900 til 2199, på forma 2026-03-31.",
                "Must be a date that exists, from 1900 through 2199, in the form 2026-03-31.",
            ),
            Self::Time => say(
                "Må være et klokkeslett på formen 08:00.",
                "Må vere eit klokkeslett på forma 08:00.",
                "Must be a time of day in the form 08:00.",
            ),
            Self::Uuid => say(
                "Må være en UUID på formen 019a0000-0000-7000-8000-000000000001.",
                "Må vere ein UUID på forma 019a0000-0000-7000-8000-000000000001.",
                "Must be a UUID in the form 019a0000-0000-7000-8000-000000000001.",
            ),
            Self::Url => say("Må være en fullstendig URL.", "Må vere ein fullstendig URL.", "Must be an absolute URL."),
            Self::Base64 => say(
                "Må være base64 med utfylling (RFC 4648).",
                "Må vere base64 med utfylling (RFC 4648).",
                "Must be base64 with padding (RFC 4648).",
            ),
            Self::Atc => say(
                "Må være en ATC-kode som C09AA02.",
                "Må vere ein ATC-kode som C09AA02.",
                "Must be an ATC code such as C09AA02.",
            ),
            Self::OrganisationNumber => say(
                "Må være et organisasjonsnummer, ni siffer.",
                "Må vere eit organisasjonsnummer, ni siffer.",
                "Must be an organisation number, nine digits.",
            ),
            Self::Telephone => say(
                "Må være et telefonnummer med landkode, som +47 55 01 01 01.",
                "Må vere eit telefonnummer med landkode, som +47 55 01 01 01.",
                "Must be a telephone number with country code, such as +47 55 01 01 01.",
            ),
            Self::Digest => say(
                "Må være en SHA-256 med små heksadesimale siffer.",
                "Må vere ein SHA-256 med små heksadesimale siffer.",
                "Must be a SHA-256 in lower-case hexadecimal.",
            ),
            Self::Cursor => say(
                "Må være en peker som et tidligere svar ga.",
                "Må vere ein peikar som eit tidlegare svar gav.",
                "Must be a cursor that an earlier reply gave.",
            ),
            Self::FileName => say(
                "Må være et filnavn uten mappe og kontrolltegn.",
                "Må vere eit filnamn utan mappe og kontrollteikn.",
                "Must be a file name without folder and control characters.",
            ),
            Self::Code => say(
                "Har ikke formen som kontrakten krever.",
                "Har ikkje forma som kontrakten krev.",
                "Does not have the form that the contract asks for.",
            ),
            Self::NotValid => say(
                "Er ikke slik kontrakten krever.",
                "Er ikkje slik kontrakten krev.",
                "Is not what the contract asks for.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{super::Resource, *};

    fn gather(schema: &Value, keyword: &str, found: &mut BTreeSet<String>) {
        match schema {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if name == keyword => {
                            found.insert(text.clone());
                        }
                        _ if name == "examples" => {}
                        _ => gather(value, keyword, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| gather(item, keyword, found)),
            _ => {}
        }
    }

    fn all(keyword: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        Resource::ALL.iter().for_each(|resource| gather(resource.schema(), keyword, &mut found));
        found
    }

    #[test]
    fn every_pattern_of_the_schemas_has_a_sentence_and_the_reverse() {
        let told: BTreeSet<String> = PATTERNS.iter().map(|(pattern, _)| (*pattern).to_owned()).collect();
        assert_eq!(told, all("pattern"));
    }

    #[test]
    fn every_format_of_the_schemas_has_a_sentence() {
        for format in all("format") {
            assert_ne!(Sentence::of_format(&format), Sentence::NotValid, "{format}");
        }
    }

    #[test]
    fn the_three_languages_are_three() {
        let sentence = Sentence::TooLong(120);
        let texts: BTreeSet<String> = Locale::ALL.iter().map(|locale| sentence.text(*locale)).collect();
        assert_eq!(texts.len(), 3);
        assert!(texts.iter().all(|text| text.contains("120")));
    }
}
