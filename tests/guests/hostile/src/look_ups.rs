//! What the plugin answers to questions about the office, fees, surveys and video meetings, by the rules of [`crate::answers`].

use dialog_plugin_sdk::{
    Failure, Service,
    feedback::{Choice, Question, Questionnaire},
    payments::{Invoice, Payment},
    practice::{Form, OpeningHours, PracticeProfile},
    video::{Room, RoomState},
};

use crate::told::Told;

/// An hour, in milliseconds.
const HOUR: i64 = 3_600_000;

/// What `profile` answers.
pub fn profile(told: &Told) -> Result<PracticeProfile, Failure> {
    let closes = if told.name == "break" { "07:00" } else { "15:30" };
    Ok(PracticeProfile {
        telephone: None,
        address: None,
        directions: None,
        website: None,
        hours: vec![OpeningHours { weekday: 1, opens: "08:00".to_owned(), closes: closes.to_owned() }],
        practitioners: Vec::new(),
        modes: Vec::new(),
        payment: None,
        accessibility: None,
    })
}

/// What `forms` answers.
pub fn forms(told: &Told) -> Result<Vec<Form>, Failure> {
    let schema = match told.name.as_str() {
        "break" => r#"{"$ref":"http://169.254.169.254/latest/meta-data"}"#.to_owned(),
        "endless-form" => r##"{"properties":{"a":{"$ref":"#"}}}"##.to_owned(),
        // Doubles forty times where it is followed.
        "doubling-form" => {
            let parts: Vec<String> = (0..40)
                .map(|at| {
                    format!(r##""d{at}":{{"allOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##, at + 1)
                })
                .collect();
            format!(r##"{{"$defs":{{{},"d40":{{}}}},"$ref":"#/$defs/d0"}}"##, parts.join(","))
        }
        "deep-form" => format!("{}{{}}{}", r#"{"not":"#.repeat(1_000), "}".repeat(1_000)),
        "large-form" => format!(r#"{{"title":"{}"}}"#, "x".repeat(65_536)),
        // Takes for ever where patterns are matched by trying.
        "slow-pattern" => r#"{"pattern":"^(?=(a+)+$)(a|aa)+$"}"#.to_owned(),
        "huge-pattern" => r#"{"pattern":"(?:\\p{L}{1000}){1000}"}"#.to_owned(),
        _ => r#"{"type":"object"}"#.to_owned(),
    };
    Ok(vec![Form { service: Service::Certificate, title: "Helseattest".to_owned(), schema }])
}

/// What `outstanding` answers.
pub fn outstanding(told: &Told) -> Result<Vec<Invoice>, Failure> {
    let invoice = |id: &str, amount: u64| Invoice {
        id: id.to_owned(),
        amount,
        tariffs: vec!["2ae".to_owned()],
        text: "E-konsultasjon".to_owned(),
        due: None,
        dialog: None,
    };
    Ok(match told.name.as_str() {
        "break" => vec![invoice("i1", 0)],
        "all-the-money" => vec![invoice("i1", u64::MAX)],
        "one-invoice-twice" => vec![invoice("i1", 100), invoice("i1", 10_000)],
        _ => vec![invoice("i1", 20_400)],
    })
}

/// What `pay` answers.
pub fn payment(told: &Told, now: i64) -> Result<Payment, Failure> {
    let redirect = match told.name.as_str() {
        "break" => "javascript:alert(1)",
        "pay-in-the-clear" => "http://pay.example/",
        "pay-somebody-else" => "https://bank.example@pay.example/",
        _ => "https://pay.example/1",
    };
    Ok(Payment { redirect: redirect.to_owned(), id: "p1".to_owned(), expires: now + HOUR })
}

/// What `join` answers.
pub fn room(told: &Told, now: i64) -> Result<Room, Failure> {
    let url = match told.name.as_str() {
        "break" => "javascript:alert(1)",
        "meet-in-the-clear" => "http://meet.example/",
        _ => "https://meet.example/1",
    };
    Ok(Room { url: url.to_owned(), expires: now + HOUR, state: RoomState::Waiting })
}

/// What `survey` answers.
pub fn survey(told: &Told) -> Result<Option<Questionnaire>, Failure> {
    let choice = |id: &str| Choice { id: id.to_owned(), text: "Ja".to_owned() };
    let choices = match told.name.as_str() {
        // A question with one choice asks nothing.
        "break" => vec![choice("yes")],
        "one-choice-twice" => vec![choice("yes"), choice("yes")],
        _ => vec![choice("yes"), choice("no")],
    };
    let question = Question { id: "q1".to_owned(), text: "Ble du hørt?".to_owned(), choices, required: true };
    Ok(Some(Questionnaire { id: "s1".to_owned(), title: "Hvordan var det?".to_owned(), questions: vec![question] }))
}
