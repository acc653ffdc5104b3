//! Guests that abuse upstreams, and upstreams that abuse the gateway.

use dialog_contract::service::Sent;

use crate::{
    server::{BOMB_BYTES, MALFORMED},
    stage::{Ends, OFFICE, guest, stage},
};

const NOT_GRANTED: Ends = Ends::Refused("error not granted", "an upstream that is not granted");

fn forbidden(told: &str, rule: &'static str) -> crate::stage::Guest {
    guest(told, Ends::Refused("error forbidden", rule))
}

#[test]
fn an_upstream_that_is_not_granted_is_not_there() {
    stage().plays(
        ["unbound", "nobody", "API", "", "api/../inside", "bystander"]
            .map(|name| guest(&format!("do: ask {name}"), NOT_GRANTED))
            .into(),
    );
}

#[test]
fn a_name_that_leads_to_the_gateways_own_machine_is_not_dialled() {
    let ends = Ends::Told("error unreachable", "upstream did not answer", "may not be dialled");
    stage().plays(vec![guest("do: ask inside", ends)]);
}

#[test]
fn no_path_leaves_what_the_operator_bound() {
    let stage = stage();
    let paths = [
        ("http://169.254.169.254/evil", "begin with"),
        ("https://evil.example/evil", "begin with"),
        ("//evil.example/evil", "empty segment"),
        ("\\\\evil.example\\evil", "begin with"),
        ("/\\evil.example", "must be percent-encoded"),
        ("@evil.example/", "begin with"),
        ("/../evil", "dot segment"),
        ("/a/../../evil", "dot segment"),
        ("/./evil", "dot segment"),
        ("/..;/evil", "dot segment"),
        ("/%2e%2e/evil", "encoded dot"),
        ("/%2E%2e%2fevil", "encoded dot"),
        ("/..%2fevil", "encoded slash"),
        ("/..%5cevil", "encoded slash"),
        ("/%252e%252e/evil", "encoded twice"),
        ("/%c0%ae%c0%ae/evil", "not UTF-8"),
        ("/%EF%BC%8E%EF%BC%8E/evil", "looks like a dot"),
        ("/a?to=evil", "query or a fragment"),
        ("/a#evil", "query or a fragment"),
        ("/evil HTTP/1.1\r\nHost: evil", "must be percent-encoded"),
        ("/evil%20HTTP/1.1%0d%0aHost:%20evil", "encoded control"),
        ("/evil%00", "encoded control"),
        ("", "begin with"),
    ];
    let told = |path: &str| format!("do: path {}", serde_json::to_string(path).unwrap());
    stage.plays(paths.iter().map(|(path, rule)| forbidden(&told(path), rule)).collect());
    nothing_evil_left();
}

#[test]
fn no_header_speaks_for_the_gateway_or_begins_another_request() {
    let stage = stage();
    let gateways = "is the gateway's to set";
    let headers = [
        ("Host", "evil.example", gateways),
        ("host", "evil.example", gateways),
        ("Authorization", "Bearer evil", gateways),
        ("Proxy-Authorization", "Basic evil", gateways),
        ("Cookie", "evil=1", gateways),
        ("Content-Length", "0", gateways),
        ("content_length", "0", gateways),
        ("Transfer-Encoding", "chunked, evil", gateways),
        ("TE", "trailers, evil", gateways),
        ("Connection", "close, evil", gateways),
        ("Upgrade", "evil", gateways),
        ("Expect", "100-continue", gateways),
        ("X-Forwarded-For", "evil", gateways),
        ("x_forwarded_host", "evil", gateways),
        ("X-Original-URL", "/evil", gateways),
        ("X-HTTP-Method-Override", "DELETE", gateways),
        (":authority", "evil", "not a token"),
        ("x-a\r\nhost", "evil", "not a token"),
        ("x-a ", "evil", "not a token"),
        ("", "evil", "not a token"),
        ("x-a", "1\r\nhost: evil", "a character that is not allowed"),
        ("x-a", "1\r\n\r\nGET /evil HTTP/1.1\r\n", "a character that is not allowed"),
        ("x-a", "1\nevil", "a character that is not allowed"),
        ("x-a", "1\0evil", "a character that is not allowed"),
    ];
    let told = |name: &str, value: &str| format!("do: header {}", serde_json::to_string(&(name, value)).unwrap());
    stage.plays(headers.iter().map(|(name, value, rule)| forbidden(&told(name, value), rule)).collect());
    stage.plays(vec![
        guest("do: forge-trace", Ends::Refused("4 of 4 refused", gateways)),
        forbidden("do: body-in-get", "a GET has no body"),
        // A query is encoded, whatever stands in it.
        guest("do: query 1&c=2#x\\nhost: bad", Ends::Answered("200 plain 5 hello")),
    ]);
    nothing_evil_left();
    let heads = stage.server.heads();
    assert!(heads.iter().any(|head| head.starts_with("GET /base/plain?q=1%26c%3D2%23x%0D%0Ahost%3A+bad HTTP/1.1\r\n")));
}

/// Every request that came is one that the gateway made: one host, one trace, and nothing that a guest smuggled.
fn nothing_evil_left() {
    for head in stage().server.heads() {
        let count = |name: &str| head.lines().filter(|line| line.to_ascii_lowercase().starts_with(name)).count();
        assert!(!head.contains("evil"), "{head}");
        assert!(head.contains(" /base/"), "{head}");
        assert_eq!((count("host: 127.0.0.1:"), count("host:"), count("traceparent: 00-")), (1, 1, 1), "{head}");
        assert_eq!(count("authorization"), 0, "{head}");
    }
}

#[test]
fn a_call_makes_no_more_requests_than_it_may() {
    let ends = Ends::Refused("16 answered, last error too many", "over the requests of one call");
    stage().plays(vec![guest("do: ask-often 40", ends)]);
}

#[test]
fn an_upstream_that_does_not_come_to_an_end_is_given_up_at_its_time() {
    let told = ("upstream did not answer", "too long");
    let given_up = |path: &str| guest(&format!("do: get-from {path}"), Ends::Told("error interrupted", told.0, told.1));
    stage().plays(vec![
        given_up("/silent"),
        given_up("/drips-its-head"),
        given_up("/drips-its-body"),
        given_up("/continues"),
    ]);
}

#[test]
fn an_upstream_that_sends_without_end_is_not_listened_to_beyond_the_limit() {
    let too_large = |path: &str| {
        guest(
            &format!("do: get-from {path}"),
            Ends::Told("error too large", "upstream did not answer", "over the limit"),
        )
    };
    let broken = |path: &str| {
        guest(
            &format!("do: get-from {path}"),
            Ends::Told("error interrupted", "upstream did not answer", "the connection broke"),
        )
    };
    stage().plays(vec![
        too_large("/ten-gibibytes"),
        too_large("/endless"),
        too_large("/until-it-closes"),
        broken("/headers-for-ever"),
        broken("/one-header-for-ever"),
    ]);
}

#[test]
fn what_an_upstream_compressed_is_handed_on_as_it_came() {
    // Whoever unpacks a bomb unpacks it in the guest, where memory is bounded.
    let answer = Box::leak(format!("200 gzip {BOMB_BYTES} ...").into_boxed_str());
    stage().plays(vec![guest("do: get-from /bomb", Ends::Answered(answer))]);
}

#[test]
fn a_redirect_and_a_question_for_credentials_are_answers() {
    stage().plays(vec![
        guest("do: get-from /redirect", Ends::Answered("302 plain 5 moved")),
        guest("do: get-from /unauthorised", Ends::Answered("401 plain 0 ")),
    ]);
}

#[test]
fn an_answer_that_nobody_asked_for_is_not_given_to_whoever_asks_next() {
    let stage = stage();
    for _ in 0..5 {
        stage.plays(vec![guest("do: get-from /two-answers", Ends::Answered("200 plain 5 first"))]);
        stage.plays(vec![guest("do: get-from /plain", Ends::Answered("200 plain 5 hello"))]);
    }
}

#[test]
fn an_answer_that_is_no_http_is_no_answer() {
    // What a lenient reader makes of some of them, and this one does.
    let lenient: &[(&str, &str)] = &[];
    let guests = MALFORMED.iter().enumerate().map(|(place, (what, _))| {
        let told = format!("do: get-from /malformed/{place}");
        match lenient.iter().find(|(known, _)| known == what) {
            Some((_, answer)) => guest(&told, Ends::Answered(answer)),
            None => guest(&told, Ends::Told("error interrupted", "upstream did not answer", "broke")),
        }
    });
    stage().plays(guests.collect());
}

#[test]
fn a_guest_that_handed_something_over_and_then_traps_leaves_it_unknown_whether_it_was_sent() {
    let stage = stage();
    stage.plays(vec![guest("do: post-then-trap", Ends::Trapped("unreachable"))]);
    let failure = stage.runtime.block_on(stage.says("do: post-then-trap", OFFICE)).unwrap_err();
    assert_eq!(failure.sent(), Sent::Unknown);
    let failure = stage.runtime.block_on(stage.says("do: trap", OFFICE)).unwrap_err();
    assert_eq!(failure.sent(), Sent::No);
}
