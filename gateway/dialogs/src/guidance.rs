//! What citizens are told before they send: `guidance.json`, in three languages. Content, not code; here is how it is read.

use std::{collections::BTreeMap, sync::LazyLock};

use dialog_contract::service::{Locale, Service};
use serde::Deserialize;

/// Everything, by service. A service that is not there has no guidance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    pub(crate) emergency: Vec<Number>,
    pub(crate) services: BTreeMap<Service, ServiceContent>,
}

/// A sentence in three languages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sentence {
    nb: String,
    nn: String,
    en: String,
}

/// Whom to call when it cannot wait.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Number {
    pub(crate) telephone: String,
    pub(crate) text: Sentence,
}

/// What is said of one service.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ServiceContent {
    pub(crate) about: Sentence,
    pub(crate) suits: Vec<Sentence>,
    pub(crate) does_not_suit: Vec<Sentence>,
    pub(crate) questions: Vec<Question>,
}

/// A question that decides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) text: Sentence,
    pub(crate) choices: Vec<Choice>,
}

/// An answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) text: Sentence,
    pub(crate) then: Then,
}

/// What follows from it.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Then {
    GoOn {},
    UseService { service: Service, text: Sentence },
    Call { telephone: String, text: Sentence },
    CallOffice { text: Sentence },
}

impl Sentence {
    pub(crate) fn say(&self, locale: Locale) -> String {
        match locale {
            Locale::Nb => &self.nb,
            Locale::Nn => &self.nn,
            Locale::En => &self.en,
        }
        .clone()
    }
}

// Part of the binary: what could fail here fails in the tests below, and not for an input.
static CONTENT: LazyLock<Content> =
    LazyLock::new(|| serde_json::from_str(include_str!("guidance.json")).expect("the guidance is as it is read"));

/// The content.
pub(crate) fn content() -> &'static Content {
    &CONTENT
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every sentence, with where it stands.
    fn sentences() -> Vec<(String, &'static Sentence)> {
        let mut all: Vec<(String, &Sentence)> =
            content().emergency.iter().map(|number| (number.telephone.clone(), &number.text)).collect();
        for (service, said) in &content().services {
            all.push((format!("{service} about"), &said.about));
            all.extend(said.suits.iter().chain(&said.does_not_suit).map(|line| (format!("{service} list"), line)));
            for question in &said.questions {
                all.push((format!("{service} {}", question.id), &question.text));
                for choice in &question.choices {
                    let at = format!("{service} {} {}", question.id, choice.id);
                    all.push((at.clone(), &choice.text));
                    match &choice.then {
                        Then::GoOn {} => {}
                        Then::UseService { text, .. } | Then::Call { text, .. } | Then::CallOffice { text } => {
                            all.push((at, text));
                        }
                    }
                }
            }
        }
        all
    }

    #[test]
    fn every_service_of_citizens_has_guidance_and_no_other() {
        // One is between clinicians, and of the other the office alone begins.
        let others = [Service::Collegial, Service::TestResults];
        let citizens: BTreeSet<Service> =
            Service::ALL.iter().copied().filter(|service| !others.contains(service)).collect();
        assert_eq!(content().services.keys().copied().collect::<BTreeSet<_>>(), citizens);
    }

    #[test]
    fn every_sentence_is_there_in_three_languages_on_one_line_and_within_its_limit() {
        let all = sentences();
        assert!(all.len() > 80, "{}", all.len());
        for (at, sentence) in all {
            let most = if at.ends_with("about") { 500 } else { 300 };
            for locale in Locale::ALL {
                let said = sentence.say(*locale);
                assert!(!said.trim().is_empty() && said.trim() == said, "{at} {locale}");
                assert!(said.chars().count() <= most && !said.chars().any(char::is_control), "{at} {locale}");
            }
            // Bokmål and Nynorsk may be the same words; English never is.
            assert_ne!(sentence.nb, sentence.en, "{at}");
        }
    }

    #[test]
    fn the_emergency_numbers_are_the_two_that_everybody_must_know() {
        let numbers: Vec<&str> = content().emergency.iter().map(|number| number.telephone.as_str()).collect();
        assert_eq!(numbers, ["113", "116117"]);
    }

    #[test]
    fn every_question_can_be_answered_and_lets_whoever_is_right_here_go_on() {
        for (service, said) in &content().services {
            assert!(!said.suits.is_empty() && !said.does_not_suit.is_empty(), "{service}");
            let ids: BTreeSet<&str> = said.questions.iter().map(|question| question.id.as_str()).collect();
            assert_eq!(ids.len(), said.questions.len(), "{service}");
            for Question { id, choices, .. } in &said.questions {
                let names: BTreeSet<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
                assert!(names.len() == choices.len() && choices.len() >= 2, "{service} {id}");
                assert!(choices.iter().any(|choice| matches!(choice.then, Then::GoOn {})), "{service} {id}");
                for Choice { then, .. } in choices {
                    if let Then::UseService { service: other, .. } = then {
                        assert!(other != service && *other != Service::Collegial, "{service} {id} leads nowhere");
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_consultation_suits_and_does_not_is_what_the_sources_say() {
        let said = &content().services[&Service::Consultation];
        assert_eq!((said.suits.len(), said.does_not_suit.len()), (6, 8));
    }
}
