//! A citizen who is erased: gone from the API, from the disk, from what plugins remember, and from a copy that somebody
//! kept.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use dialog_contract::problem::ProblemType;
use dialog_core::ports::store::{Range, Store, space};
use dialog_store::{KeyRing, MasterKeys, SealedStore, SledConfig, SledStore};
use dialog_tests::{
    house::{House, portal::Portal, proof::Token},
    sim::{
        meldingstjener::{Answer, Opening, ReceiptStatus},
        world::{ANTE, Citizen, ELVEBREDDEN, FJELLVEIEN, KARI, OLA, Office},
    },
    story::citizen::PHOTO,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, inquiry, opened, operator, refusal, upload};

/// A dialog with a photo; gives the photo's id.
async fn lives(portal: &Portal) -> anyhow::Result<String> {
    let photo = upload(portal, "utslett.jpg", PHOTO).expect(StatusCode::CREATED).await?.text("/id")?.to_owned();
    let body = json!({
        "request": { "type": "consultation", "mode": "text" },
        "message": { "text": "Det klør mest om natten.", "attachments": [photo] },
    });
    opened(portal, &body).await?;
    opened(portal, &inquiry("Har dere åpent i romjulen?")).await?;
    Ok(photo)
}

/// The citizen writes and is answered, and then the office writes by itself. Gives the names of the three messages, as
/// record systems know them: what the plugin remembers of the citizen. The first is written in a call for the citizen, the
/// others as they arrive.
async fn writes_and_is_written_to(house: &House, who: &Citizen, office: &Office) -> anyhow::Result<[String; 3]> {
    let (office_system, words) = (&house.meldingstjener, format!("Hilsen {}", who.given_name));
    let body = json!({ "request": { "type": "consultation", "mode": "text" }, "message": { "text": words } });
    opened(&citizen(house, who)?, &body).await?;
    let request =
        office_system.wait_for_request(|request| request.message.text.as_deref() == Some(words.as_str())).await?;
    let answer = office_system.answer(&request.message.msg_id, &Answer::reply("Kom i morgen."))?;
    let opening = Opening {
        medical: false,
        one_way: false,
        subject: "Adresse".to_owned(),
        text: "Har du flyttet?".to_owned(),
        attachments: Vec::new(),
    };
    let letter = office_system.open(office, who.national_id, &opening)?;
    for arrived in [&answer, &letter] {
        let (status, _) = office_system.wait_for_receipt(arrived).await?;
        ensure!(status == ReceiptStatus::Ok, "{status:?}");
    }
    Ok([request.message.msg_id, answer, letter])
}

/// What plugins remember, by a copy of the store and the keys that there are now: all that can be decrypted of it. The
/// gateway must not run.
async fn remembered(house: &House, store: &Path) -> anyhow::Result<Vec<Bytes>> {
    let master = MasterKeys::parse(&std::fs::read_to_string(house.folder().join("encryption.key"))?)?;
    let service = Arc::new(MasterKeys::new([("one".to_owned(), master)])?);
    let keys = KeyRing::open(house.folder().join("data/keys"), service).await?;
    let below = Arc::new(SledStore::open(store, SledConfig::default()).await?);
    let sealed = SealedStore::open(Arc::<SledStore>::clone(&below), keys).await?;
    let (from, until) = (vec![space::PLUGIN_STATE].into(), Some(vec![space::PLUGIN_STATE + 1].into()));
    let entries = sealed.scan(Range { from, until, limit: 100_000, reverse: false }).await?;
    below.close().await;
    Ok(entries.into_iter().map(|entry| entry.versioned.value).collect())
}

/// Which of these names some value holds.
fn found<'a>(values: &[Bytes], names: &'a [String; 3]) -> Vec<&'a str> {
    let holds = |name: &str| values.iter().any(|value| value.windows(name.len()).any(|part| part == name.as_bytes()));
    names.iter().map(String::as_str).filter(|name| holds(name)).collect()
}

async fn dialogs(portal: &Portal) -> anyhow::Result<usize> {
    let reply = portal.get("/v1/me/dialogs", &[]).expect(StatusCode::OK).await?;
    Ok(reply.json["items"].as_array().context("a list")?.len())
}

async fn read_photo(portal: &Portal, photo: &str) -> anyhow::Result<()> {
    let reply = portal.get("/v1/me/attachments/{attachment}", &[photo]).expect(StatusCode::OK).await?;
    ensure!(reply.bytes == PHOTO, "other bytes");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// What is encrypted; its keys lie in `keys`.
const ENCRYPTED: [&str; 2] = ["store", "attachments"];

#[test]
fn an_erased_citizen_is_gone_also_from_a_copy_of_the_data_and_the_audit_log_still_verifies() -> anyhow::Result<()> {
    alone(async |house| {
        let (kari, ola) = (citizen(house, &KARI)?, citizen(house, &OLA)?);
        let (photo, olas_photo) = (lives(&kari).await?, lives(&ola).await?);
        let karis = writes_and_is_written_to(house, &KARI, &FJELLVEIEN).await?;
        let antes = writes_and_is_written_to(house, &ANTE, &ELVEBREDDEN).await?;
        // A copy as an operator makes one every night.
        house.stop_gateway().await?;
        let data: PathBuf = house.audit().parent().context("the data folder")?.to_owned();
        let kept = tempfile::tempdir()?;
        for part in ENCRYPTED {
            copy(&data.join(part), &kept.path().join(part))?;
        }
        let state = remembered(house, &data.join("store")).await?;
        ensure!(found(&state, &karis) == karis, "the plugin remembers Kari, or the search below could not fail");
        house.start_gateway().await?;
        let (kari, ola) = (citizen(house, &KARI)?, citizen(house, &OLA)?);
        ensure!(dialogs(&kari).await? == 4, "the data outlives a restart");
        read_photo(&kari, &photo).await?;

        let order = json!({ "nationalIdentityNumber": KARI.national_id });
        operator(house)?.post("/v1/erasures", &[], &order).expect(StatusCode::NO_CONTENT).await?;
        gone(&kari, &photo).await?;
        ensure!(dialogs(&ola).await? == 2, "Ola's are there");
        read_photo(&ola, &olas_photo).await?;
        house.stop_gateway().await?;
        for store in [data.join("store"), kept.path().join("store")] {
            let state = remembered(house, &store).await?;
            ensure!(found(&state, &karis).is_empty(), "a plugin remembers Kari in {}", store.display());
            ensure!(found(&state, &antes) == antes, "what it remembers of others stays");
        }

        // The copy is put back, with the keys as they are now.
        for part in ENCRYPTED {
            std::fs::remove_dir_all(data.join(part))?;
            copy(&kept.path().join(part), &data.join(part))?;
        }
        house.start_gateway().await?;
        let (kari, ola) = (citizen(house, &KARI)?, citizen(house, &OLA)?);
        gone(&kari, &photo).await?;
        ensure!(dialogs(&ola).await? == 2, "Ola's are there again");
        read_photo(&ola, &olas_photo).await?;
        // Kari is free to begin anew.
        opened(&kari, &inquiry("Hei igjen")).await?;
        ensure!(dialogs(&kari).await? == 1, "the new one alone");
        house.stop_gateway().await?;

        let keys = dialog_audit::VerifierKeys::parse(&house.audit_key()?)?;
        dialog_audit::verify(&house.audit(), &keys, |_| {})?;
        Ok(())
    })
}

async fn gone(portal: &Portal, photo: &str) -> anyhow::Result<()> {
    ensure!(dialogs(portal).await? == 0, "dialogs are left");
    refusal(portal.get("/v1/me/attachments/{attachment}", &[photo]), ProblemType::NotFound).await?;
    let coming = portal.get("/v1/me/appointments", &[]).expect(StatusCode::OK).await?;
    ensure!(coming.json["items"] == json!([]), "appointments are left");
    Ok(())
}

#[test]
fn only_an_operator_can_erase_and_what_names_nobody_is_refused_without_being_repeated() -> anyhow::Result<()> {
    crate::visit::shared(async |house| {
        let order = json!({ "nationalIdentityNumber": KARI.national_id });
        let at_operations = |token: Option<Token>| Portal::new(house.gateway()?.operations.clone(), token);
        let nobody = at_operations(None)?;
        nobody.post("/v1/erasures", &[], &order).refused(ProblemType::Unauthenticated).await?;
        for token in [house.issuer.citizen(&KARI)?, house.issuer.portal()?] {
            let caller = at_operations(Some(token))?;
            caller.post("/v1/erasures", &[], &order).refused(ProblemType::NotPermitted).await?;
        }
        let operator = operator(house)?;
        // Two digits that stand in each other's place.
        let mistyped = "41838541241";
        for wrong in
            [json!({ "nationalIdentityNumber": mistyped }), json!({ "nationalIdentityNumber": "x" }), json!({})]
        {
            let reply = operator.post("/v1/erasures", &[], &wrong).refused(ProblemType::Invalid).await?;
            ensure!(!reply.json.to_string().contains(mistyped), "{}", reply.json);
            ensure!(reply.text("/errors/0/pointer")? == "/nationalIdentityNumber", "{}", reply.json);
        }
        // The number in the path would stand in logs of proxies: there is no such path.
        let path = operator.call(http::Method::POST, "/v1/erasures", &[]).query(&format!("n={mistyped}"));
        let reply = path.header("content-type", "application/json").body(Value::Null.to_string()).send().await?;
        ensure!(reply.status == StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.status);
        Ok(())
    })
}
