use dialog_contract::audit::{Actor, ActorRole};
use dialog_gateway::packages::By;
use serde_json::{Value, json};

use crate::{
    guest,
    support::{Folder, House, send},
};

fn operator() -> By {
    let actor = Actor { role: ActorRole::Operator, client: "ops".to_owned(), person: None, level: None };
    By { actor, request: None, trace_id: None }
}

async fn house(limits: Value) -> House {
    House::open_with(Folder::new(), |config| {
        config["limits"] = limits;
        config["plugins"] = json!([{ "id": "example", "grant": { "capabilities": ["upstream"] } }]);
    })
    .await
}

/// What is said of a package that must be refused; the gateway serves on, and takes a good one.
async fn refused(house: &House, file: Vec<u8>) -> (String, String) {
    let error = house.gateway.packages.install(file, &operator()).await.unwrap_err();
    let live = send(house.http.get(house.url("/health/ready")), "GET /health/ready").await;
    assert_eq!(live.body, json!({ "status": "ready" }));
    (error.error.reason().to_owned(), error.to_string())
}

#[tokio::test]
async fn a_compiler_in_a_process_of_its_own_takes_what_is_good_and_refuses_what_is_not() {
    let house = house(json!({})).await;
    let mut broken = guest::build();
    let inner = broken[8..].windows(8).position(|window| window == *b"\0asm\x01\0\0\0").unwrap() + 8;
    // The first section of the core module becomes one that does not exist.
    broken[inner + 8] = 0x7e;
    let (reason, said) = refused(&house, broken).await;
    assert!(reason == "not-a-plugin" || reason == "not-runnable", "{said}");
    let good = house.gateway.packages.install(guest::build(), &operator()).await.unwrap();
    assert_eq!(good.plugin.current.unwrap().version, "1.0.0");
    let records = house.records().await;
    let actions: Vec<&Value> = records.iter().map(|record| &record["action"]).collect();
    assert!(actions.contains(&&json!("plugin.refuse")) && actions.contains(&&json!("plugin.install")), "{actions:?}");
}

#[tokio::test]
async fn a_compiler_without_room_or_time_is_ended_and_the_gateway_serves_on() {
    let large = guest::build_with("1.0.0", 2_000);
    for (limits, told) in [
        (json!({ "compile-memory-bytes": 64 * 1024 * 1024 }), "over 67108864 bytes of memory"),
        (json!({ "compile-milliseconds": 100 }), "compiling it took over 100 ms"),
        (json!({ "component-functions": 1_000 }), "functions, over the limit of 1000"),
    ] {
        let house = house(limits).await;
        let (_, said) = refused(&house, large.clone()).await;
        assert!(said.contains(told), "{said}");
    }
}
