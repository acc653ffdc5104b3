//! Every plugin of this repository before the same checks, each with its simulated back end.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

use dialog_conformance::matrix;
use dialog_tests::trial;

/// Where it stands which provider has which service.
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

#[tokio::test(flavor = "multi_thread")]
async fn every_plugin_keeps_the_contract_and_the_readme_says_which_services_it_has() {
    let reports = trial::play(&[], |_, _, _, _| {}).await.unwrap();
    let broken: Vec<String> =
        reports.iter().filter(|report| report.broken().count() > 0).map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let table = matrix(&reports);
    let readme = std::fs::read_to_string(README).unwrap();
    assert!(readme.contains(&table), "README.md must have this table:\n\n{table}");
}
