//! Each departure from the vendor's interface is a violation.

use super::*;
use crate::sim::world::OLA;

/// The status and the code that a request gets, which must be a violation.
async fn violation(vendor: &Vendor, request: reqwest::RequestBuilder) -> (u16, String) {
    let before = vendor.violations().len();
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let code = code(&answer.json().await.unwrap());
    assert_eq!(vendor.violations().len(), before + 1, "{status} {code}");
    (status, code)
}

#[tokio::test]
async fn a_request_that_is_not_graphql_over_http_is_a_violation() {
    let vendor = vendor().await;
    let medications = json!({ "practice": PRACTICE, "patient": LEILA.national_id, "first": 50, "after": null });
    let good = || vendor.request("Medications", MEDICATIONS, &medications);
    assert!(good().send().await.unwrap().status().is_success());
    assert_eq!(vendor.violations(), []);
    let url = format!("{}/graphql", vendor.base_url());
    let client = &vendor.client;
    let bare =
        || client.post(&url).header("accept", "application/graphql-response+json").header("x-operation-name", "X");
    for (request, status, code) in [
        (good().query(&[("operation", "Medications")]), 400, "QUERY"),
        (bare().header("content-type", "text/plain").body("{}"), 415, "MEDIA_TYPE"),
        (bare().header("content-type", "application/json").body("{"), 400, "BAD_REQUEST"),
        (bare().json(&json!({ "query": "query X { a }", "variables": {} })), 400, "BAD_REQUEST"),
        (client.post(&url).json(&json!({})), 406, "ACCEPT"),
        (client.get(&url), 404, "NO_SUCH_ROUTE"),
        (client.post(format!("{url}/v2")).json(&json!({})), 404, "NO_SUCH_ROUTE"),
        (vendor.request("Other", MEDICATIONS, &medications), 400, "OPERATION_NAME"),
    ] {
        assert_eq!(violation(&vendor, request).await, (status, code.to_owned()));
    }
    let mut headers = good().build().unwrap();
    headers.headers_mut().insert("x-operation-name", "Survey".parse().unwrap());
    let answer = client.execute(headers).await.unwrap();
    assert_eq!(code(&answer.json().await.unwrap()), "OPERATION_NAME");
}

#[tokio::test]
async fn a_document_that_the_schema_does_not_allow_is_a_violation() {
    let vendor = vendor().await;
    for (query, code) in [
        ("query X { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query X { document(id: 7) { id size } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query X { document }", "GRAPHQL_VALIDATION_FAILED"),
        ("query X { document(id: 7) { id }", "GRAPHQL_VALIDATION_FAILED"),
        ("query X { document(id: \"D-1\") { id } }", "LITERALS"),
        ("query X { document(id: 7) { id } again: document(id: 8) { id } }", "ONE_FIELD"),
        ("query X { mine: document(id: 7) { id } }", "ONE_FIELD"),
        ("query X { document(id: 7) { id } } query Y { document(id: 7) { id } }", "OPERATION_NAME"),
        ("query X($id: ID!) { document(id: $id) { id } }", "BAD_USER_INPUT"),
        ("query X { __schema { types { name } } }", "INTERNAL_SERVER_ERROR"),
    ] {
        let request = vendor.request("X", query, &json!({}));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(super::code(&answer), code, "{query}");
    }
    let request = vendor.request("X", "query X { document(id: 7) { id } }", &json!({ "id": "7" }));
    assert_eq!(violation(&vendor, request).await, (400, "BAD_USER_INPUT".to_owned()));
}

#[tokio::test]
async fn an_input_against_the_rules_is_a_violation() {
    let vendor = vendor().await;
    let changed = |path: &str, value: Value| {
        let mut input = inquiry("r1");
        *input.pointer_mut(path).unwrap() = value;
        input
    };
    let mut without_post = inquiry("r1");
    without_post.as_object_mut().unwrap().remove("post");
    let mut twice = renewal("r1");
    twice["items"][1]["key"] = json!("RX-TORG-1");
    let mut purposeless = certificate("r1");
    purposeless.as_object_mut().unwrap().remove("purpose");
    let mut with_items = inquiry("r1");
    with_items["items"] = json!([]);
    let mut himself = inquiry("r1");
    himself["onBehalf"] =
        json!({ "nationalId": LEILA.national_id, "givenName": "Leila", "familyName": "Torg", "role": "PROXY" });
    let mut renewal_with_file = renewal("r1");
    renewal_with_file["documents"] =
        json!([{ "name": "a.pdf", "mediaType": "application/pdf", "content": "JVBERi0x" }]);
    let disguised = json!([{ "name": "a.png", "mediaType": "image/png", "content": "JVBERi0x" }]);
    let unread = json!([{ "name": "a.png", "mediaType": "image/png", "content": "not base64" }]);
    for input in [
        changed("/clientMutationId", json!("")),
        changed("/portalDialog", json!("D-1")),
        changed("/patient/nationalId", json!("23869247252")),
        changed("/patient/familyName", json!("Brygge")),
        changed("/post/portalMessage", json!("1")),
        changed("/documents", disguised),
        changed("/documents", unread),
        without_post,
        twice,
        purposeless,
        with_items,
        himself,
        renewal_with_file,
    ] {
        let before = vendor.violations().len();
        assert_eq!(vendor.refusal(OPEN, &input).await, "BAD_USER_INPUT", "{input}");
        assert_eq!(vendor.violations().len(), before + 1, "{input}");
    }
    let (status, answer) = vendor.ask(OPEN, &json!({ "input": { "clientMutationId": "r1" } })).await;
    assert_eq!((status.as_u16(), code(&answer).as_str()), (400, "BAD_USER_INPUT"));
    assert!(vendor.threads().is_empty());
    let told = format!("{:?}", vendor.violations());
    assert!(!told.contains("23869247252") && !told.contains("Brygge"), "{told}");
}

#[tokio::test]
async fn a_client_mutation_id_is_used_for_one_input() {
    let vendor = vendor().await;
    let first = vendor.done(OPEN, &inquiry("r1")).await;
    assert_eq!(vendor.done(OPEN, &inquiry("r1")).await, first);
    assert_eq!(vendor.threads().len(), 1);
    assert_eq!(vendor.violations(), []);
    assert_eq!(vendor.refusal(OPEN, &certificate("r1")).await, "CLIENT_MUTATION_ID_REUSED");
    assert_eq!(vendor.violations().len(), 1);
}

#[tokio::test]
async fn a_patient_of_another_practice_is_not_known_and_one_who_is_barred_is_told_so() {
    let vendor = vendor().await;
    let mut other = inquiry("r1");
    other["patient"] =
        json!({ "nationalId": OLA.national_id, "givenName": OLA.given_name, "familyName": OLA.family_name });
    assert_eq!(vendor.refusal(OPEN, &other).await, "PATIENT_NOT_FOUND");
    let mut elsewhere = inquiry("r2");
    elsewhere["practice"] = json!("havnegata");
    assert_eq!(vendor.refusal(OPEN, &elsewhere).await, "PRACTICE_NOT_FOUND");
    vendor.set_blocked(PRACTICE, LEILA.national_id, true).unwrap();
    assert_eq!(vendor.refusal(OPEN, &inquiry("r3")).await, "PATIENT_BLOCKED");
    vendor.set_blocked(PRACTICE, LEILA.national_id, false).unwrap();
    vendor.opened(&inquiry("r3")).await;
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn who_shows_no_certificate_a_strange_one_or_one_that_has_run_out_is_not_served() {
    let vendor = vendor().await;
    let url = format!("{}/graphql", vendor.base_url());
    let (stranger, former) = (Authority::new("Stranger").unwrap(), vendor.authority.former_caller("portal").unwrap());
    for papers in [None, Some(stranger.caller("portal").unwrap()), Some(former)] {
        let client = vendor.authority.client(papers.as_ref()).unwrap().build().unwrap();
        assert!(client.post(&url).json(&json!({})).send().await.is_err());
    }
    assert_eq!(vendor.violations(), [], "nobody came as far");
    let other = vendor.authority.caller("another").unwrap();
    let client = vendor.authority.client(Some(&other)).unwrap().build().unwrap();
    let request = client.post(&url).header("accept", "application/graphql-response+json").json(&json!({}));
    assert_eq!(violation(&vendor, request).await, (403, "CLIENT_UNKNOWN".to_owned()));
    vendor.forget_clients();
    let (status, answer) = vendor.ask(OPEN, &json!({ "input": inquiry("r1") })).await;
    assert_eq!((status.as_u16(), code(&answer).as_str()), (403, "CLIENT_UNKNOWN"));
}
