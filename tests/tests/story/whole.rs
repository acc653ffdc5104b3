//! The whole story, as `cargo demo -- --check` plays it.

use std::path::Path;

use dialog_tests::{
    house::{House, Plan},
    sim::world::CITIZENS,
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
    no_secret_leaves(&house, &left)
}

/// Numbers, credentials and content of the story, each recognisable, stand in no log line, no audit record, no story.
fn no_secret_leaves(house: &House, left: &Path) -> anyhow::Result<()> {
    let mut secrets: Vec<&str> = CITIZENS.iter().map(|citizen| citizen.national_id).collect();
    secrets.extend(["helserespons-key", "helserespons-webhook-secret"]);
    secrets.extend(["Utslettet er tilbake", "Smør med kremen", "Jeg sover fortsatt", "Eksemet er verre"]);
    let mut files = vec![house.log(), left.join("story.json")];
    let mut folders = vec![left.join("audit")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    for file in files {
        let bytes = std::fs::read(&file)?;
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret of {} letters", file.display(), secret.len());
        }
    }
    // The check can fail: the messages themselves do hold the numbers.
    let message = std::fs::read(left.join("messages/001-to-office-HLT.xml"))?;
    let number = dialog_tests::sim::world::KARI.national_id.as_bytes();
    assert!(message.windows(number.len()).any(|window| window == number));
    Ok(())
}
