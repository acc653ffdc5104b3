//! The vendor, as a strict plugin and a careless one see it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing unwrap fails the test, which is what it is for")]

mod feed;
mod plugin;
mod strict;
mod surveys;
mod threads;
mod trouble;

use super::{CgmEportalSim, Config, Papers};
use crate::house::authority::{Authority, Pair};
use crate::sim::world::{LEILA, Office, office};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::ops::Deref;

/// The practice of [`LEILA`].
const PRACTICE: &str = "lilletorget";
/// A Friday.
const START: &str = "2026-11-20T09:00:00Z";

const OPEN: &str = "mutation OpenThread($input: OpenThreadInput!) { openThread(input: $input) { clientMutationId thread { id state } } }";
const ADD: &str = "mutation AddPost($input: AddPostInput!) { addPost(input: $input) { thread { id state } } }";
const WITHDRAW: &str =
    "mutation WithdrawThread($input: WithdrawThreadInput!) { withdrawThread(input: $input) { thread { id state } } }";
const SUBMIT: &str = "mutation SubmitSurvey($input: SubmitSurveyInput!) { submitSurvey(input: $input) { accepted } }";
const CONFIRM: &str =
    "mutation ConfirmChanges($input: ConfirmChangesInput!) { confirmChanges(input: $input) { through } }";
const CHANGES: &str = "query Changes($after: Long!, $wait: Int!, $first: Int!) {
    changes(after: $after, wait: $wait, first: $first) {
        edges { number node { __typename number at practice
            ... on PostAdded { thread { id state } post { text documents { id name size } } useInstead }
            ... on RenewalDecided { decisions { key verdict comment } }
        } }
        through more
    } }";
const MEDICATIONS: &str = "query Medications($practice: ID!, $patient: NationalId!, $first: Int!, $after: String) {
    medications(practice: $practice, patient: $patient, first: $first, after: $after) {
        edges { cursor node { id name renewal { rule note } } } pageInfo { hasNextPage endCursor }
    } }";
const SURVEY: &str = "query Survey($practice: ID!, $patient: NationalId!, $language: Language!) {
    survey(practice: $practice, patient: $patient, language: $language) {
        id title questions { id kind text required choices { id text } scale { from to fromText } }
    } }";
const DOCUMENT: &str = "query Document($id: ID!) { document(id: $id) { content } }";

/// A vendor, the authority that everybody trusts, and the portal's client.
struct Vendor {
    sim: CgmEportalSim,
    authority: Authority,
    client: reqwest::Client,
}

impl Deref for Vendor {
    type Target = CgmEportalSim;

    fn deref(&self) -> &CgmEportalSim {
        &self.sim
    }
}

fn here() -> &'static Office {
    office(LEILA.office_her_id).unwrap()
}

/// A vendor that knows who comes with the second certificate.
async fn vendor_of(authority: Authority, portal: &Pair) -> Vendor {
    let listener = authority.listener().unwrap();
    let papers = Papers {
        certificate: listener.certificate,
        key: listener.key,
        authority: authority.certificate().to_owned(),
        clients: vec![portal.certificate.clone()],
    };
    let config = Config { start: START.parse().unwrap(), ..Config::new(papers, vec![(PRACTICE, here())]) };
    let client = authority.client(Some(portal)).unwrap().build().unwrap();
    Vendor { sim: CgmEportalSim::start(config).await.unwrap(), authority, client }
}

async fn vendor() -> Vendor {
    let authority = Authority::new("Test").unwrap();
    let portal = authority.caller("portal").unwrap();
    vendor_of(authority, &portal).await
}

impl Vendor {
    fn request(&self, operation: &str, query: &str, variables: &Value) -> reqwest::RequestBuilder {
        self.client
            .post(format!("{}/graphql", self.base_url()))
            .header("accept", "application/graphql-response+json")
            .header("x-operation-name", operation)
            .json(&json!({ "query": query, "operationName": operation, "variables": variables }))
    }

    async fn ask(&self, query: &str, variables: &Value) -> (StatusCode, Value) {
        let name = query.split([' ', '(']).nth(1).unwrap();
        let answer = self.request(name, query, variables).send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// What a mutation gives.
    async fn done(&self, query: &str, input: &Value) -> Value {
        let (status, answer) = self.ask(query, &json!({ "input": input })).await;
        assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
        answer["data"].as_object().unwrap().values().next().unwrap().clone()
    }

    /// The code by which a mutation is refused; the field of the root is null.
    async fn refusal(&self, query: &str, input: &Value) -> String {
        code(&self.ask(query, &json!({ "input": input })).await.1)
    }

    /// Opens a thread; gives its id.
    async fn opened(&self, input: &Value) -> String {
        self.done(OPEN, input).await["thread"]["id"].as_str().unwrap().to_owned()
    }

    async fn changes(&self, after: u64, wait: u64, first: u64) -> Value {
        let (_, answer) = self.ask(CHANGES, &json!({ "after": after, "wait": wait, "first": first })).await;
        answer
    }
}

fn code(answer: &Value) -> String {
    let root = answer["data"].as_object().map(|data| data.values().all(Value::is_null));
    assert!(root != Some(false), "{answer}");
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
}

fn patient() -> Value {
    json!({ "nationalId": LEILA.national_id, "givenName": LEILA.given_name, "familyName": LEILA.family_name })
}

fn inquiry(id: &str) -> Value {
    json!({
        "clientMutationId": id,
        "practice": PRACTICE,
        "portalDialog": "019a0000-0000-7000-8000-0000000000d1",
        "kind": "INQUIRY",
        "patient": patient(),
        "post": { "portalMessage": "019a0000-0000-7000-8000-0000000000e1", "text": "Har dere åpent i julen?" },
        "documents": [],
    })
}

fn renewal(id: &str) -> Value {
    let mut thread = inquiry(id);
    thread["kind"] = json!("RENEWAL");
    thread["items"] = json!([
        { "key": "RX-TORG-1", "name": "Amlodipin 5 mg" },
        { "key": "RX-TORG-2", "name": "Simvastatin 40 mg", "note": "Ti igjen." },
    ]);
    thread
}

fn sick_note(id: &str) -> Value {
    let mut thread = inquiry(id);
    thread["kind"] = json!("SICK_NOTE");
    // Five days after the vendor's first day.
    thread["sickNote"] = json!({ "currentUntil": "2026-11-25", "degree": 50 });
    thread
}

fn certificate(id: &str) -> Value {
    let mut thread = inquiry(id);
    thread["kind"] = json!("CERTIFICATE");
    thread["purpose"] = json!("Forerkort");
    thread
}
