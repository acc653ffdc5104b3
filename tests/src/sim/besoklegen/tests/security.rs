//! Who the portal is, and for how long.

use super::{ask, code, fresh, message, post, rules, sim, token};
use crate::sim::besoklegen::BesoklegenSim;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use uuid::Uuid;

const CONTENT: &str = "<Practice>LILLETORGET</Practice><Language>nb</Language>";

async fn with(sim: &BesoklegenSim, security: &str) -> (StatusCode, String) {
    let (status, answer) = post(sim, "GetForms", message("GetForms", CONTENT, Uuid::now_v7(), security)).await;
    (status, code(&answer))
}

#[tokio::test]
async fn a_token_is_good_once() {
    let sim = sim().await;
    let token = fresh();
    assert_eq!(with(&sim, &token).await.0, StatusCode::OK);
    assert_eq!(with(&sim, &token).await, (StatusCode::BAD_REQUEST, "FailedAuthentication".into()));
    assert_eq!(rules(&sim), ["a nonce was used before"]);
}

#[tokio::test]
async fn a_token_is_good_for_five_minutes_by_the_vendors_clock() {
    let sim = sim().await;
    for minutes in [-10, 10] {
        let made = Timestamp::now() + SignedDuration::from_mins(minutes);
        let token = token("besoklegen-password", made, Uuid::now_v7().as_bytes());
        assert_eq!(with(&sim, &token).await.1, "MessageExpired", "{minutes}");
    }
    sim.set_clock_off(SignedDuration::from_mins(10));
    assert_eq!(with(&sim, &fresh()).await.1, "MessageExpired");
    sim.set_clock_off(SignedDuration::from_mins(4));
    assert_eq!(with(&sim, &fresh()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn another_password_and_a_token_of_another_form_are_refused() {
    let sim = sim().await;
    let other = token("another-password", Timestamp::now(), Uuid::now_v7().as_bytes());
    assert_eq!(with(&sim, &other).await.1, "FailedAuthentication");
    let good = fresh();
    for (security, rule) in [
        (String::new(), "no wsse:Security"),
        (good.replace("#PasswordDigest", "#PasswordText"), "no digest"),
        (good.replace("m:mustUnderstand=\"true\"", ""), "must be understood"),
        (good.replace("m:mustUnderstand", "w:mustUnderstand"), "must be understood"),
        (good.replace("#Base64Binary", "#HexBinary"), "no nonce"),
        (token("besoklegen-password", Timestamp::now(), b"short"), "no nonce"),
        (good.replace("u:Created", "w:Created"), "no wsu:Created"),
        (good.replace("Z</u:Created>", "+01:00</u:Created>"), "no wsu:Created"),
        (format!("{good}{good}"), "two wsse:Security"),
        (good.replace("<w:UsernameToken>", "<w:Other/><w:UsernameToken>"), "one wsse:UsernameToken"),
    ] {
        let before = sim.violations().len();
        assert_eq!(with(&sim, &security).await.0, StatusCode::BAD_REQUEST, "{rule}");
        let rules = rules(&sim);
        assert!(rules.len() == before + 1 && rules[before].contains(rule), "{rule}: {rules:?}");
    }
    sim.set_password("changed-password");
    assert_eq!(code(&ask(&sim, "GetForms", CONTENT).await.1), "FailedAuthentication");
    assert!(!format!("{:?}", sim.violations()).contains("password-"));
}
