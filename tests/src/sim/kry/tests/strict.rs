//! Each departure from the vendor's interface is a violation.

use super::{BOOKINGS, MEDIA_TYPE, TOKEN, answered, client, draft, get, open, patient, person, post, sim, visit};
use crate::sim::kry::KrySim;
use crate::sim::world::LEILA;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// The status of a visit whose draft is spoilt, and whether that was a violation.
async fn spoilt(sim: &KrySim, key: &str, spoil: impl FnOnce(&mut Value)) -> (StatusCode, bool) {
    let before = sim.violations().len();
    let mut draft = visit("pat-100001");
    spoil(&mut draft);
    let (status, _) = post(sim, "/v1/visits", key, &draft).await;
    (status, sim.violations().len() > before)
}

#[tokio::test]
async fn a_document_of_another_shape_is_a_violation() {
    let sim = sim().await;
    patient(&sim).await;
    let spoils: [fn(&mut Value); 10] = [
        |draft| draft["data"]["type"] = json!("visit"),
        |draft| draft["data"]["id"] = json!("vis-1"),
        |draft| draft["data"]["attributes"]["more"] = json!(1),
        |draft| draft["more"] = json!(1),
        |draft| draft["data"]["relationships"]["more"] = json!({ "data": { "type": "x", "id": "1" } }),
        |draft| draft["data"]["relationships"]["unit"]["data"]["type"] = json!("clinics"),
        |draft| draft["data"]["relationships"]["patient"]["data"]["id"] = json!("pat-9"),
        |draft| draft["data"]["attributes"]["mode"] = json!("image"),
        |draft| {
            draft["data"]["attributes"]["attachments"] =
                json!([{ "name": "a.png", "mediaType": "image/png", "content": "AAAA" }])
        },
        |draft| {
            draft["data"]["attributes"]["representative"] = json!({
                "nationalIdentityNumber": LEILA.national_id, "givenName": "L", "familyName": "T", "role": "parent",
            })
        },
    ];
    for (at, spoil) in spoils.into_iter().enumerate() {
        let (status, violation) = spoilt(&sim, &format!("k{at}"), spoil).await;
        assert!(violation, "{at}: {status}");
    }
    let long = |draft: &mut Value| draft["data"]["attributes"]["text"] = json!("x".repeat(8_001));
    assert_eq!(spoilt(&sim, "long", long).await, (StatusCode::UNPROCESSABLE_ENTITY, false), "a citizen can mend it");
}

#[tokio::test]
async fn media_types_keys_tokens_and_routes_are_as_documented_or_a_violation() {
    let sim = sim().await;
    let url = |path: &str| format!("{}{path}", sim.base_url());
    let body = draft("patients", &person(), &[]).to_string();
    let post = || client().post(url("/v1/patients")).body(body.clone());
    let typed = |request: reqwest::RequestBuilder, of: &str| request.header("content-type", of);
    let accepting = |request: reqwest::RequestBuilder| request.header("accept", MEDIA_TYPE);
    for (request, expected) in [
        (accepting(typed(post(), MEDIA_TYPE)), StatusCode::UNAUTHORIZED),
        (accepting(typed(post().bearer_auth(TOKEN), "application/json")), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            accepting(typed(post().bearer_auth(TOKEN), "application/vnd.api+json; charset=utf-8")),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (typed(post().bearer_auth(TOKEN), MEDIA_TYPE), StatusCode::NOT_ACCEPTABLE),
        (accepting(client().get(url("/v1/nothing")).bearer_auth(TOKEN)), StatusCode::NOT_FOUND),
        (accepting(client().get(url("/v1/patients")).bearer_auth(TOKEN)), StatusCode::NOT_FOUND),
        (
            accepting(client().get(url(&format!("/v1/units/{}", LEILA.national_id))).bearer_auth(TOKEN)),
            StatusCode::BAD_REQUEST,
        ),
        (
            accepting(client().get(url("/v1/units/kry-norge?include=practitioners")).bearer_auth(TOKEN)),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let before = sim.violations().len();
        let (status, body) = answered(request).await;
        assert_eq!(status, expected, "{body}");
        assert!(body["errors"].is_array(), "{body}");
        assert_eq!(sim.violations().len(), before + 1, "{status}");
    }
    assert!(!format!("{:?}", sim.violations()).contains(LEILA.national_id));
    // A token that has expired is nobody's fault.
    let before = sim.violations().len();
    let expired = accepting(client().get(url(BOOKINGS)).bearer_auth("another"));
    assert_eq!((answered(expired).await.0, sim.violations().len()), (StatusCode::UNAUTHORIZED, before));
}

#[tokio::test]
async fn a_key_that_is_missing_or_used_for_something_else_is_a_violation() {
    let sim = sim().await;
    open(&sim, "k1").await;
    assert_eq!(post(&sim, "/v1/visits", "k1", &visit("pat-100001")).await.0, StatusCode::CREATED, "the same again");
    assert_eq!((sim.visits().len(), sim.violations()), (1, Vec::new()));
    let (status, violation) =
        spoilt(&sim, "k1", |draft| draft["data"]["attributes"]["text"] = json!("Noe annet.")).await;
    assert_eq!((status, violation), (StatusCode::UNPROCESSABLE_ENTITY, true));
    let (status, violation) = spoilt(&sim, &"k".repeat(65), |_| {}).await;
    assert_eq!((status, violation), (StatusCode::BAD_REQUEST, true));
}

#[tokio::test]
async fn a_patient_has_a_number_a_name_and_one_id() {
    let sim = sim().await;
    let first = patient(&sim).await;
    assert_eq!((first.as_str(), patient(&sim).await), ("pat-100001", first.clone()));
    assert_eq!(sim.violations(), []);
    for (name, value) in [
        ("nationalIdentityNumber", json!("23869247252")),
        ("givenName", json!("Lise")),
        ("phone", json!("90000000")),
        ("age", json!(7)),
    ] {
        let before = sim.violations().len();
        let mut person = person();
        person[name] = value;
        post(&sim, "/v1/patients", "none", &draft("patients", &person, &[])).await;
        assert_eq!(sim.violations().len(), before + 1, "{name}");
    }
}

#[tokio::test]
async fn a_query_is_as_documented_or_a_violation() {
    let sim = sim().await;
    patient(&sim).await;
    assert_eq!(get(&sim, BOOKINGS).await.0, StatusCode::OK);
    assert_eq!(sim.violations(), []);
    for wrong in [
        BOOKINGS.replace("page[size]=100", "page[size]=101"),
        BOOKINGS.replace("page[size]", "page[limit]"),
        BOOKINGS.replace("2026-11-20T09:00:00Z", "today"),
        BOOKINGS.replace("pat-100001", "pat-1"),
        format!("{BOOKINGS}&page[cursor]=x"),
        format!("{BOOKINGS}&include=practitioner"),
        "/v1/events?page[after]=7&page[size]=10".to_owned(),
        "/v1/events?page[size]=10".to_owned(),
    ] {
        let before = sim.violations().len();
        let (status, body) = get(&sim, &wrong).await;
        assert!(status.is_client_error() && body["errors"].is_array(), "{wrong}");
        assert_eq!(sim.violations().len(), before + 1, "{wrong}");
    }
}
