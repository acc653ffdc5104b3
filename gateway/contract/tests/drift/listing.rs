//! What the compiler knows of a Rust type, as lists that a test can compare: a field or case that is not listed, or
//! listed with another type, does not compile.

/// A field's name and its Rust type, without blanks.
pub(crate) type Fields = Vec<(&'static str, String)>;

/// A case's name and what it holds.
pub(crate) type Cases = Vec<(&'static str, Payload)>;

/// What a case of an enum holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    /// Nothing, or named fields.
    Fields(Fields),
    /// One value of a type.
    One(String),
}

/// The fields of a struct: all of them, each with its type.
macro_rules! fields_of {
    ($type:ty { $($field:ident: $kind:ty),* $(,)? }) => {{
        type Listed = $type;
        #[allow(dead_code, reason = "compiling it is the check")]
        fn exhaustive(value: Listed) {
            let Listed { $($field),* } = value;
            $(let _: $kind = $field;)*
        }
        let listed: $crate::listing::Fields =
            vec![$((stringify!($field), stringify!($kind).replace(char::is_whitespace, ""))),*];
        listed
    }};
}

/// The cases of an enum: all of them, each with its fields or its one value.
macro_rules! cases_of {
    ($type:ty { $($case:ident $(($one:ident: $inner:ty))? $({ $($field:ident: $kind:ty),* $(,)? })?),* $(,)? }) => {{
        type Listed = $type;
        #[allow(dead_code, reason = "compiling it is the check")]
        fn exhaustive(value: Listed) {
            match value {
                $(Listed::$case $(($one))? $({ $($field),* })? => {
                    $(let _: $inner = $one;)?
                    $($(let _: $kind = $field;)*)?
                })*
            }
        }
        let mut listed: $crate::listing::Cases = Vec::new();
        $(
            #[allow(unused_mut, unused_assignments, reason = "assigned where the case holds something")]
            let mut payload = $crate::listing::Payload::Fields(Vec::new());
            $(payload = $crate::listing::Payload::One(stringify!($inner).replace(char::is_whitespace, ""));)?
            $(payload = $crate::listing::Payload::Fields(
                vec![$((stringify!($field), stringify!($kind).replace(char::is_whitespace, ""))),*]
            );)?
            listed.push((stringify!($case), payload));
        )*
        listed
    }};
}

pub(crate) use {cases_of, fields_of};

/// `SickNoteRenewal` and `sick_note_renewal` as `sick-note-renewal`.
pub(crate) fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text.replace('_', "-")
}

/// `sick_note_renewal` as `sickNoteRenewal`.
pub(crate) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        text.extend(letters);
    }
    text
}
