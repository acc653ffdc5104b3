//! What tests found.

use dialog_contract::{
    limits::returned,
    observation::{Interpretation, Observation},
};

use super::answer::{Answer, At, Violation, violation};
use crate::bindings::host::types;

/// One to as many findings as the contract allows, in the provider's order.
pub(crate) fn observations(
    at: &At<'_>,
    found: Vec<types::Observation>,
    answer: &mut Answer<'_>,
) -> Result<Vec<Observation>, Violation> {
    if found.is_empty() {
        return violation(at, "empty");
    }
    answer.list(at, &found, returned::OBSERVATIONS)?;
    found.into_iter().enumerate().map(|(index, one)| observation(&at.item(index), one, answer)).collect()
}

fn observation(at: &At<'_>, one: types::Observation, answer: &mut Answer<'_>) -> Result<Observation, Violation> {
    Ok(Observation {
        name: answer.name(&at.field("name"), one.name, returned::OBSERVATION_CHARACTERS)?,
        code: one
            .code
            .map(|code| answer.id(&at.field("code"), code, returned::OBSERVATION_CODE_CHARACTERS))
            .transpose()?,
        value: answer.name(&at.field("value"), one.value, returned::OBSERVATION_CHARACTERS)?,
        unit: answer.optional_line(&at.field("unit"), one.unit, returned::UNIT_CHARACTERS)?,
        reference_range: answer.optional_line(
            &at.field("reference-range"),
            one.reference_range,
            returned::RANGE_CHARACTERS,
        )?,
        interpretation: one.interpretation.map(|meant| match meant {
            types::Interpretation::Normal => Interpretation::Normal,
            types::Interpretation::Low => Interpretation::Low,
            types::Interpretation::High => Interpretation::High,
            types::Interpretation::Abnormal => Interpretation::Abnormal,
        }),
        taken: answer.instant(&at.field("taken"), one.taken)?,
        comment: answer.optional_text(&at.field("comment"), one.comment, returned::REASON_CHARACTERS)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::answer::tests::checked, *};

    fn ferritin() -> types::Observation {
        types::Observation {
            name: "Ferritin".to_owned(),
            code: Some("NPU19763".to_owned()),
            value: "12".to_owned(),
            unit: Some("µg/L".to_owned()),
            reference_range: Some("15–200".to_owned()),
            interpretation: Some(types::Interpretation::Low),
            taken: 0,
            comment: None,
        }
    }

    fn told(found: Vec<types::Observation>) -> Result<Vec<Observation>, Violation> {
        checked(|answer| observations(&At::Answer, found, answer))
    }

    #[test]
    fn findings_come_through_in_their_order() {
        let read = told(vec![ferritin(), types::Observation { name: "Hemoglobin".to_owned(), ..ferritin() }]).unwrap();
        assert_eq!(read.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Ferritin", "Hemoglobin"]);
        assert_eq!((read[0].interpretation, read[0].unit.as_deref()), (Some(Interpretation::Low), Some("µg/L")));
    }

    #[test]
    fn no_value_of_a_finding_gets_past_its_rule() {
        let wrong = |change: fn(&mut types::Observation)| {
            let mut one = ferritin();
            change(&mut one);
            told(vec![one]).unwrap_err().to_string()
        };
        for (error, rule) in [
            (wrong(|one| one.name.clear()), "answer[0].name: empty"),
            (wrong(|one| one.name = "x".repeat(201)), "answer[0].name: over 200 characters"),
            (wrong(|one| one.code = Some("x".repeat(65))), "answer[0].code: over 64 characters"),
            (wrong(|one| one.value.clear()), "answer[0].value: empty"),
            (wrong(|one| one.value = "x".repeat(201)), "answer[0].value: over 200 characters"),
            (wrong(|one| one.unit = Some("x".repeat(51))), "answer[0].unit: over 50 characters"),
            (
                wrong(|one| one.reference_range = Some("x".repeat(101))),
                "answer[0].reference-range: over 100 characters",
            ),
            (wrong(|one| one.taken = i64::MAX), "answer[0].taken: not between 1900 and 2200"),
            (wrong(|one| one.comment = Some("x".repeat(2_001))), "answer[0].comment: over 2000 characters"),
        ] {
            assert_eq!(error, rule);
        }
        assert_eq!(told(Vec::new()).unwrap_err().rule, "empty");
        assert_eq!(told(vec![ferritin(); 201]).unwrap_err().rule, "201 items, over 200");
    }
}
