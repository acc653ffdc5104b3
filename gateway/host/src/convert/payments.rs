//! Fees.

use std::collections::BTreeSet;

use dialog_contract::{
    limits::returned,
    provider::{Invoice, Payment},
};
use url::Url;

use super::answer::{Answer, At, Violation, violation};
use crate::bindings::payments::exports::dialog::provider::payments as wit;

/// What is owed, in the provider's order.
pub(crate) fn outstanding(invoices: Vec<wit::Invoice>, answer: &mut Answer<'_>) -> Result<Vec<Invoice>, Violation> {
    answer.list(&At::Answer, &invoices, returned::INVOICES)?;
    let mut seen = BTreeSet::new();
    invoices
        .into_iter()
        .enumerate()
        .map(|(index, told)| {
            let at = At::answer_item(index);
            let id = answer.id(&at.field("id"), told.id, returned::ID_CHARACTERS)?;
            // Paying one of two by the same name would be paying either.
            if !seen.insert(id.clone()) {
                return violation(&at.field("id"), "another has it");
            }
            Ok(Invoice {
                id,
                amount: amount(&at.field("amount"), told.amount)?,
                tariffs: tariffs(&at.field("tariffs"), told.tariffs, answer)?,
                text: answer.name(&at.field("text"), told.text, returned::INVOICE_TEXT_CHARACTERS)?,
                due: told.due.map(|due| answer.instant(&at.field("due"), due)).transpose()?,
                dialog: told
                    .dialog
                    .map(|dialog| answer.id(&at.field("dialog"), dialog, returned::REFERENCE_CHARACTERS))
                    .transpose()?,
            })
        })
        .collect()
}

/// A payment that was begun.
pub(crate) fn payment(told: wit::Payment, answer: &mut Answer<'_>) -> Result<Payment, Violation> {
    let at = At::Answer;
    Ok(Payment {
        redirect: redirect(&at.field("redirect"), told.redirect, answer)?,
        id: answer.id(&at.field("id"), told.id, returned::PAYMENT_ID_CHARACTERS)?,
        expires: answer.instant(&at.field("expires"), told.expires)?,
    })
}

/// An amount in øre.
pub(crate) fn amount(at: &At<'_>, amount: u64) -> Result<u64, Violation> {
    if returned::ORE.contains(&amount) {
        Ok(amount)
    } else {
        violation(at, format!("not {} to {} øre", returned::ORE.start(), returned::ORE.end()))
    }
}

/// A tariff code.
pub(crate) fn tariff(at: &At<'_>, code: String, answer: &mut Answer<'_>) -> Result<String, Violation> {
    let code = answer.id(at, code, returned::TARIFF_CHARACTERS)?;
    if code.bytes().all(|byte| byte.is_ascii_alphanumeric()) { Ok(code) } else { violation(at, "not a tariff code") }
}

fn tariffs(at: &At<'_>, codes: Vec<String>, answer: &mut Answer<'_>) -> Result<Vec<String>, Violation> {
    answer.list(at, &codes, returned::TARIFFS)?;
    codes.into_iter().enumerate().map(|(index, code)| tariff(&at.item(index), code, answer)).collect()
}

/// Where a citizen's browser is sent, as the browser will read it: over TLS, to a host, and with nobody's password.
pub(crate) fn redirect(at: &At<'_>, text: String, answer: &mut Answer<'_>) -> Result<String, Violation> {
    let text = answer.id(at, text, returned::URL_CHARACTERS)?;
    // What readers of URLs mend each in their own way is refused: blanks, backslashes, letters beyond ASCII.
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let absolute = text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let Some(url) = (plain && absolute).then(|| Url::parse(&text).ok()).flatten() else {
        return violation(at, "not an absolute https URL");
    };
    let authority = text.get(8..).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
        return violation(at, "has a user or a password");
    }
    let url = String::from(url);
    if url.len() <= returned::URL_CHARACTERS {
        Ok(url)
    } else {
        violation(at, format!("over {} characters", returned::URL_CHARACTERS))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::answer::tests::checked, *};

    fn invoice(id: &str) -> wit::Invoice {
        wit::Invoice {
            id: id.to_owned(),
            amount: 20_400,
            tariffs: vec!["2ae".to_owned()],
            text: "E-konsultasjon".to_owned(),
            due: Some(0),
            dialog: Some("d1".to_owned()),
        }
    }

    #[test]
    fn what_is_owed_comes_through_in_its_order() {
        let read = checked(|answer| outstanding(vec![invoice("b"), invoice("a")], answer)).unwrap();
        assert_eq!(read.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!((read[0].amount, read[0].tariffs.as_slice()), (20_400, ["2ae".to_owned()].as_slice()));
    }

    #[test]
    fn no_value_of_an_invoice_gets_past_its_rule() {
        let wrong = |change: fn(&mut wit::Invoice)| {
            let mut one = invoice("a");
            change(&mut one);
            checked(|answer| outstanding(vec![one], answer)).unwrap_err().to_string()
        };
        for (error, rule) in [
            (wrong(|one| one.amount = 0), "answer[0].amount: not 1 to 100000000 øre"),
            (wrong(|one| one.amount = 100_000_001), "answer[0].amount: not 1 to 100000000 øre"),
            (wrong(|one| one.amount = u64::MAX), "answer[0].amount: not 1 to 100000000 øre"),
            (wrong(|one| one.tariffs = vec!["2 ae".to_owned()]), "answer[0].tariffs[0]: not a tariff code"),
            (wrong(|one| one.tariffs = vec!["2ae".to_owned(); 21]), "answer[0].tariffs: 21 items, over 20"),
            (wrong(|one| one.text = "\u{7}".to_owned()), "answer[0].text: empty"),
            (wrong(|one| one.text = "x".repeat(201)), "answer[0].text: over 200 characters"),
            (wrong(|one| one.due = Some(i64::MAX)), "answer[0].due: not between 1900 and 2200"),
            (wrong(|one| one.dialog = Some(String::new())), "answer[0].dialog: empty"),
        ] {
            assert_eq!(error, rule);
        }
        let twice = checked(|answer| outstanding(vec![invoice("a"), invoice("a")], answer)).unwrap_err();
        assert_eq!(twice.to_string(), "answer[1].id: another has it");
        let many = (0..101).map(|number| invoice(&number.to_string())).collect();
        assert_eq!(checked(|answer| outstanding(many, answer)).unwrap_err().rule, "101 items, over 100");
    }

    fn sent_to(redirect: &str) -> Result<String, String> {
        let told = wit::Payment { redirect: redirect.to_owned(), id: "p1".to_owned(), expires: 0 };
        checked(|answer| payment(told, answer)).map(|read| read.redirect).map_err(|error| error.to_string())
    }

    #[test]
    fn a_citizen_is_sent_to_a_page_over_tls_and_nowhere_else() {
        assert_eq!(sent_to("https://pay.example/p/1?x=%20").unwrap(), "https://pay.example/p/1?x=%20");
        assert_eq!(sent_to("HTTPS://PAY.example").unwrap(), "https://pay.example/");
        for wrong in [
            "http://pay.example/",
            "javascript:alert(1)",
            "//pay.example/",
            "/p/1",
            "https:pay.example",
            "https:/\\pay.example",
            "https:\\\\pay.example",
            "https://",
            "https://pay.example/ 1",
            "https://pæy.example/",
            "https://[1::2/",
        ] {
            let error = sent_to(wrong).unwrap_err();
            assert_eq!(error, "answer.redirect: not an absolute https URL", "{wrong}");
        }
        for wrong in ["https://bank.example@pay.example/", "https://a:b@pay.example/", "https://@pay.example/"] {
            assert_eq!(sent_to(wrong).unwrap_err(), "answer.redirect: has a user or a password", "{wrong}");
        }
        assert!(sent_to(&format!("https://pay.example/{}", "x".repeat(2_040))).is_err());
    }
}
