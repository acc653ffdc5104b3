use std::collections::BTreeSet;

use dialog_contract::openapi;
use dialog_gateway::http::routes::{self, Routes};

#[test]
fn every_route_of_a_listener_is_in_the_document_and_the_reverse() {
    let listeners: [(&str, Routes); 3] =
        [("portal", routes::portal()), ("provider", routes::provider()), ("operations", routes::operations())];
    for (listener, routes) in listeners {
        let served: BTreeSet<String> =
            routes.table.iter().map(|(method, path)| format!("{method} {}", path.replace("{*", "{"))).collect();
        assert_eq!(served.len(), routes.table.len(), "a route of {listener} is there twice");
        let described: BTreeSet<String> = openapi::routes()
            .into_iter()
            .filter(|route| route.listeners.iter().any(|one| one == listener))
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        assert_eq!(served, described, "{listener}");
    }
}
