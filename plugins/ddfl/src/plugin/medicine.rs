//! What became of each medicine of a renewal.

use dialog_plugin_sdk::{RenewalDecision, RenewalOutcome};

use super::appointment::clip;
use crate::read::{DialogMessage, RenewedPrescription};

/// Characters of what is told of one medicine: twenty of them stand in one answer.
const REASON: usize = 500;

/// What became of each medicine that was asked for (id and name): renewed are those whose prescriptions came back (3.1.3);
/// for a renewal in free text, what the office wrote beside each name. Of what cannot be told for certain nothing is said:
/// a wrong *renewed* is worse than none.
#[must_use]
pub fn decided(items: &[(String, String)], message: &DialogMessage) -> Vec<RenewalDecision> {
    if message.prescriptions.is_empty() {
        let text = message.text.as_deref().unwrap_or_default();
        return items.iter().filter_map(|item| in_words(text, item, items)).collect();
    }
    let mut renewed = Vec::new();
    for prescription in &message.prescriptions {
        let Some(item) = asked_for(items, prescription) else { return Vec::new() };
        renewed.push(item);
    }
    let decide = |item: &(String, String)| {
        let outcome = if renewed.contains(&item) { RenewalOutcome::Renewed } else { RenewalOutcome::Refused };
        RenewalDecision { item: Some(item.0.clone()), outcome, reason: None }
    };
    items.iter().map(decide).collect()
}

/// The one item that a prescription is of: by its id, by its name, or by a name that holds the other.
fn asked_for<'a>(items: &'a [(String, String)], prescription: &RenewedPrescription) -> Option<&'a (String, String)> {
    if let Some(item) = items.iter().find(|(id, _)| prescription.id.as_deref() == Some(id)) {
        return Some(item);
    }
    let name = plain(prescription.name.as_deref()?);
    let only = |matches: &dyn Fn(&str) -> bool| {
        let mut found = items.iter().filter(|(_, medicine)| matches(&plain(medicine)));
        found.next().filter(|_| found.next().is_none())
    };
    only(&|medicine| medicine == name).or_else(|| only(&|medicine| name.contains(medicine) || medicine.contains(&name)))
}

/// A name without its case and its blanks.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a text says of a medicine: the line that names it, and no medicine with a longer name, says *fornyet*, or not.
fn in_words(text: &str, item: &(String, String), items: &[(String, String)]) -> Option<RenewalDecision> {
    let name = plain(&item.1);
    let longer: Vec<String> =
        items.iter().map(|(_, other)| plain(other)).filter(|other| *other != name && other.contains(&name)).collect();
    let names = |line: &&str| {
        let line = plain(line);
        line.contains(&name) && !longer.iter().any(|longer| line.contains(longer))
    };
    let line = text.lines().find(names)?;
    let said = plain(line);
    let outcome = if said.contains("konsultasjon") || said.contains("bestill time") {
        RenewalOutcome::NeedsConsultation
    } else if said.contains("ikke fornye") || said.contains("ikkje fornya") || said.contains("avslått") {
        RenewalOutcome::Refused
    } else if said.contains("fornye") || said.contains("fornya") {
        RenewalOutcome::Renewed
    } else {
        return None;
    };
    Some(RenewalDecision { item: Some(item.0.clone()), outcome, reason: Some(clip(line.trim(), REASON)) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    fn items(names: &[&str]) -> Vec<(String, String)> {
        names.iter().enumerate().map(|(id, name)| (id.to_string(), (*name).to_owned())).collect()
    }

    fn prescription(id: Option<&str>, name: &str) -> RenewedPrescription {
        RenewedPrescription { id: id.map(Into::into), name: Some(name.into()), atc: None }
    }

    #[test]
    fn a_line_beside_a_medicine_says_what_became_of_it() {
        let asked = items(&["Testozin 10 mg", "prøvolol  50 mg", "Sinnazin", "Annet"]);
        let text = "Testozin 10 mg: fornyet.\nPrøvolol 50 mg: ikke fornyet. Ring oss.\nSinnazin: bestill time først.";
        let outcome = |at: usize| in_words(text, &asked[at], &asked).map(|told| told.outcome);
        assert_eq!(outcome(0), Some(RenewalOutcome::Renewed));
        assert_eq!(outcome(1), Some(RenewalOutcome::Refused));
        assert_eq!(outcome(2), Some(RenewalOutcome::NeedsConsultation));
        assert_eq!(outcome(3), None);
    }

    #[test]
    fn a_medicine_is_not_taken_for_one_with_a_longer_name() {
        let asked = items(&["Testozin", "Testozin depot"]);
        let text = "Testozin depot: ikke fornyet\nTestozin: fornyet";
        let outcome = |at: usize| in_words(text, &asked[at], &asked).unwrap().outcome;
        assert_eq!((outcome(0), outcome(1)), (RenewalOutcome::Renewed, RenewalOutcome::Refused));
    }

    #[test]
    fn a_prescription_is_of_the_item_that_it_names_and_of_none_where_two_could_be_meant() {
        let asked = items(&["Testozin tablett 10 mg", "Testozin tablett 20 mg"]);
        let found = |one: &RenewedPrescription| asked_for(&asked, one).map(|item| item.0.clone());
        assert_eq!(found(&prescription(Some("1"), "Testozin tablett 10 mg")).as_deref(), Some("1"));
        assert_eq!(found(&prescription(None, "TESTOZIN tablett  10 mg")).as_deref(), Some("0"));
        assert_eq!(found(&prescription(None, "Testozin tablett 20 mg 100 stk")).as_deref(), Some("1"));
        assert_eq!(found(&prescription(None, "Testozin")), None);
        assert_eq!(found(&prescription(None, "Annet")), None);
    }
}
