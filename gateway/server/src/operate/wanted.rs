//! What is granted or taken back, in the words in which it is shown.

use std::str::FromStr;

use dialog_contract::{plugin::Asks, provider::Capability};

/// The word for citizens' national identity numbers.
const NUMBER: &str = "national-identity-number";

/// One thing that a plugin can be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// What it may import.
    Capability(Capability),
    /// Citizens' national identity numbers.
    NationalIdentityNumber,
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == NUMBER {
            return Ok(Self::NationalIdentityNumber);
        }
        text.parse().map(Self::Capability).map_err(|_| {
            let known: Vec<&str> = Capability::ALL.iter().map(|capability| capability.as_str()).collect();
            format!("it is one of {}, {NUMBER}", known.join(", "))
        })
    }
}

/// All of these together, each once.
pub(super) fn asks(words: &[Word]) -> Asks {
    let capabilities = Capability::ALL.iter().filter(|one| words.contains(&Word::Capability(**one)));
    Asks {
        capabilities: capabilities.copied().collect(),
        national_identity_number: words.contains(&Word::NationalIdentityNumber),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn words_are_those_in_which_a_grant_is_shown() {
        let all = Asks { capabilities: Capability::ALL.to_vec(), national_identity_number: true };
        let shown = all.to_string();
        let words: Vec<Word> = shown.split(", ").map(|word| word.parse().unwrap()).collect();
        assert_eq!(asks(&words), all);
        assert_eq!(asks(&[words[1], words[0], words[1]]).capabilities, [Capability::Upstream, Capability::State]);
        let error = "everything".parse::<Word>().unwrap_err();
        assert_eq!(error, format!("it is one of {shown}"));
    }
}
