use std::sync::Arc;

use axum::{Router, middleware, routing::get};
use dialog_gateway::{http::envelope, listener::Listener};

use crate::support::{House, TRACE, send, traceparent};

#[tokio::test]
async fn a_refusal_is_a_problem_in_the_callers_language_with_its_trace_and_its_record() {
    let house = House::open().await;
    for (language, title) in
        [("nb", "Du må logge inn"), ("nn-NO", "Du må logge inn"), ("en;q=0.9, nb;q=0.1", "You must log in")]
    {
        let request = house
            .http
            .get(house.url("/v1/me/dialogs"))
            .header("accept-language", language)
            .header("traceparent", traceparent());
        let reply = send(request, "GET /v1/me/dialogs").await;
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(reply.body["title"], title);
        assert_eq!(reply.body["traceId"], TRACE);
        assert_eq!(reply.body["sent"], "no");
        assert_eq!(reply.body["instance"], format!("urn:uuid:{}", reply.header("x-request-id")));
        let (origin, index) = reply.header("audit-receipt").split_once(' ').unwrap();
        assert_eq!(origin, "gateway.test/one");
        assert!(index.parse::<u64>().unwrap() > 1);
    }
    let records = house.records().await;
    let refused: Vec<_> = records.iter().filter(|record| record["action"] == "request.refused").collect();
    assert_eq!(refused.len(), 3);
    for record in refused {
        assert_eq!(record["traceId"], TRACE);
        assert_eq!(record["outcome"]["status"], 401);
        assert_eq!(record["details"]["route"], "GET /v1/me/dialogs");
    }
}

#[tokio::test]
async fn an_answer_names_its_record_and_its_request_and_is_not_to_be_stored() {
    let house = House::open().await;
    let reply = send(house.get("/v1/me/practice"), "GET /v1/me/practice").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let (_, index) = reply.header("audit-receipt").split_once(' ').unwrap();
    let record = house.records().await[index.parse::<usize>().unwrap()].clone();
    assert_eq!(record["request"], reply.header("x-request-id"));
    assert_eq!(record["outcome"]["status"], 200);
    assert_eq!(record["actor"]["level"], 4);
}

#[tokio::test]
async fn a_trace_that_the_caller_does_not_sample_keeps_its_id_and_a_broken_one_is_replaced() {
    let house = House::open().await;
    let unsampled = format!("00-{TRACE}-b7ad6b7169203331-00");
    for (parent, kept) in [(unsampled.as_str(), true), ("00-zz-1-01", false), ("", false)] {
        let request = house.http.get(house.url("/v1/me/dialogs")).header("traceparent", parent);
        let reply = send(request, "GET /v1/me/dialogs").await;
        let trace = reply.body["traceId"].as_str().unwrap();
        assert_eq!(trace == TRACE, kept, "{parent}");
        assert!(trace.bytes().any(|digit| digit != b'0'), "{trace}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_and_the_methods_that_there_are_are_named() {
    let house = House::open().await;
    let reply = send(house.http.put(house.url("/v1/me/dialogs")), "PUT /v1/me/dialogs").await;
    assert_eq!((reply.status, reply.problem()), (405, "method-not-allowed"));
    let allow = reply.header("allow");
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow:?}");
    let unknown = house.http.get(house.url("/v2/nothing")).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    assert_eq!(unknown.headers()["content-type"], "application/problem+json");
    // What is no id is the id of nothing.
    for path in ["/v1/me/dialogs/1", "/v1/me/dialogs/..%2F..%2Fetc"] {
        assert_eq!(send(house.get(path), "GET /v1/me/dialogs/{dialog}").await.problem(), "not-found");
    }
}

#[tokio::test]
async fn nothing_is_answered_that_could_not_be_recorded() {
    let house = House::open().await;
    house.gateway.evidence.log().close().await.unwrap();
    for request in [house.get("/v1/me/practice"), house.http.get(house.url("/v1/me/practice"))] {
        let reply = send(request, "GET /v1/me/practice").await;
        assert_eq!((reply.status, reply.problem()), (503, "unavailable"));
        assert!(!reply.headers.contains_key("audit-receipt"));
        assert_eq!(reply.header("retry-after"), "5");
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_of_its_request_and_of_no_other() {
    async fn broken() -> &'static str {
        panic!("with 14838541241 in its words")
    }
    let house = House::open().await;
    let router = Router::new()
        .route("/broken", get(broken))
        .route("/sound", get(|| async { "sound" }))
        .layer(middleware::from_fn_with_state(Arc::clone(&house.gateway), envelope::wrap));
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let base = format!("http://{}", listener.address);
    listener.serve(router, house.gateway.stop.clone());
    let broken = house.http.get(format!("{base}/broken")).send().await.unwrap();
    assert_eq!(broken.status(), 500);
    assert!(broken.headers().contains_key("audit-receipt") && broken.headers().contains_key("x-request-id"));
    let body = broken.text().await.unwrap();
    assert!(body.contains("urn:dialog:problem:internal") && !body.contains("14838541241"), "{body}");
    assert_eq!(house.http.get(format!("{base}/sound")).send().await.unwrap().text().await.unwrap(), "sound");
}
