//! The whole story, as `cargo demo -- --check` plays it.

use std::path::Path;

use dialog_tests::{
    house::{House, Plan},
    story::{self, keepsakes, teller::Teller},
};

#[tokio::test(flavor = "multi_thread")]
async fn three_citizens_at_three_offices_are_served_whatever_goes_wrong() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut house = House::open(Plan::free(folder.path(), Path::new(env!("CARGO_BIN_EXE_demo")))).await?;
    let mut tell = Teller::new();
    let played = story::play(&mut tell, &mut house).await;
    if played.is_err() {
        let said = std::fs::read_to_string(house.log())?;
        eprintln!(
            "{}",
            said.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
        );
    }
    played?;
    let left = folder.path().join("left");
    keepsakes::leave(&left, &tell, &house)?;
    for kept in ["messages", "audit/checkpoint", "openapi.yaml", "story.json"] {
        assert!(left.join(kept).exists(), "{kept} is left");
    }
    Ok(())
}
