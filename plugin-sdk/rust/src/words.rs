//! The table of what a plugin tells citizens.

/// Declares an enum `Words` of everything that the plugin tells citizens, in three languages: name, the code that the
/// operator sees beside it, then Bokmål, Nynorsk, English. A test that comes with it holds the table to its rules.
///
/// ```
/// dialog_plugin_sdk::words! {
///     /// The office has switched the service off.
///     ServiceOff "service-off"
///         "Legekontoret har slått av denne tjenesten. Ingenting er sendt."
///         "Legekontoret har slått av denne tenesta. Ingenting er sendt."
///         "The office has switched this service off. Nothing was sent.";
/// }
/// # use dialog_plugin_sdk::{Failure, Locale};
/// assert!(matches!(Words::ServiceOff.declined(Locale::Nn), Failure::Declined(_)));
/// ```
#[macro_export]
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident $code:literal $nb:literal $nn:literal $en:literal;)*) => {
        /// Something that the plugin tells a citizen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Words {
            $($(#[$doc])* $name,)*
        }

        #[allow(dead_code, reason = "a plugin says no in the ways that it needs")]
        impl Words {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// In a language.
            #[must_use]
            pub const fn text(self, locale: $crate::Locale) -> &'static str {
                match (self, locale) {
                    $((Self::$name, $crate::Locale::Nb) => $nb,
                    (Self::$name, $crate::Locale::Nn) => $nn,
                    (Self::$name, $crate::Locale::En) => $en,)*
                }
            }

            /// The code that the operator sees beside it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// A no.
            #[must_use]
            pub fn declined(self, locale: $crate::Locale) -> $crate::Failure {
                $crate::Failure::declined(self.code(), self.text(locale))
            }

            /// Not there.
            #[must_use]
            pub fn not_found(self, locale: $crate::Locale) -> $crate::Failure {
                $crate::Failure::not_found(self.code(), self.text(locale))
            }

            /// Gone or taken.
            #[must_use]
            pub fn conflict(self, locale: $crate::Locale) -> $crate::Failure {
                $crate::Failure::conflict(self.code(), self.text(locale))
            }

            /// A field that the citizen can mend.
            #[must_use]
            pub fn invalid(self, locale: $crate::Locale, pointer: &str) -> $crate::Failure {
                $crate::Failure::invalid(pointer, self.text(locale))
            }
        }

        #[cfg(test)]
        mod table {
            use super::Words;
            use $crate::Locale;

            #[test]
            fn every_text_stands_in_three_languages_and_every_code_once() {
                let mut codes: Vec<_> = Words::ALL.iter().map(|words| words.code()).collect();
                codes.sort_unstable();
                codes.dedup();
                assert_eq!(codes.len(), Words::ALL.len());
                for words in Words::ALL {
                    assert_ne!(words.text(Locale::Nb), words.text(Locale::En));
                    assert_ne!(words.text(Locale::Nn), words.text(Locale::En));
                }
            }
        }
    };
}
