//! What vendors push: twice, in another order, forged, and stamped by a clock that is off.

use anyhow::{Context, bail, ensure};
use dialog_contract::event::EventType;
use dialog_tests::{
    house::{authority, rooms},
    sim::{helserespons, kry, pasientsky, world::Solution},
    story::citizen::office_messages,
};

use super::vendor::Vendor;
use crate::visit::{alone, opened, read};

/// A secret that is none of the vendor's, in the form that Standard Webhooks have.
const GUESSED: &str = "whsec_Z3Vlc3NlZC1zZWNyZXQtb2YtMzItYnl0ZXMtb3Itc28=";

/// What is written in each dialog by the office.
const SAID: [&str; 2] = ["Den første.", "Den andre."];

/// How a delivery is made.
#[derive(Clone, Copy, Debug)]
enum How {
    /// As it should.
    Good,
    /// Signed with a secret that somebody guessed.
    Forged,
    /// Signed well, by a clock that is off by so many seconds.
    Off(i64),
}

pub(super) fn play(solution: Solution) -> anyhow::Result<()> {
    alone(async |house| {
        let mut vendor = Vendor::visit(house, solution).await?;
        let text = "Har dere åpent i romjulen?";
        let dialog = opened(&vendor.citizen, &vendor.body(text)).await?;
        // Nothing is pushed by itself: what this test pushes comes when it says so.
        hushed(&vendor, true)?;
        let mut numbers = Vec::new();
        for words in SAID {
            numbers.push(said(&vendor, text, words)?);
        }
        let strangers = vendor.strangers().await?;
        let mut refused = vec![How::Forged];
        // A shared secret is all that one vendor sends: nothing of it has a time.
        if solution != Solution::Pasientsky {
            refused.extend([How::Off(-600), How::Off(600)]);
        }
        for how in &refused {
            let status = deliver(&vendor, numbers[0], *how).await?;
            ensure!(status == 401, "{status} to {how:?}");
        }
        let bare = authority::client()?.build()?.post(endpoint(&vendor)?).body("{}").send().await?;
        ensure!(bare.status() == 401, "{} without a signature", bare.status());
        let told = vendor.strangers().await? - strangers;
        ensure!(told == refused.len() as u64 + 1, "the operator is told of {told}");
        // The newer first, and each again.
        for number in [numbers[1], numbers[0], numbers[1], numbers[0]] {
            let status = deliver(&vendor, number, How::Good).await?;
            ensure!(status == 204, "{status}");
        }
        vendor.others_are_served().await?;
        hushed(&vendor, false)?;
        closed(&vendor, text)?;
        vendor.screen.wait(EventType::DialogClosed, &dialog).await?;
        let now = read(&vendor.citizen, &dialog).await?;
        let mut texts: Vec<_> =
            office_messages(&now).iter().filter_map(|one| one["text"].as_str().map(str::to_owned)).collect();
        texts.sort_unstable_by_key(|text| SAID.iter().position(|said| said == text));
        ensure!(texts == SAID, "{now}");
        ensure!(vendor.screen.count(EventType::MessageReceived, &dialog) == SAID.len(), "told again");
        vendor.is_content()
    })
}

fn endpoint(vendor: &Vendor<'_>) -> anyhow::Result<String> {
    let path = match vendor.solution {
        Solution::Helserespons => "/v1/deliveries/helserespons/changes",
        Solution::Kry => "/v1/deliveries/kry/events",
        Solution::Pasientsky => "/v1/deliveries/pasientsky/notifications",
        Solution::Besoklegen | Solution::CgmEportal | Solution::Ddfl => bail!("the vendor pushes nothing"),
    };
    Ok(vendor.house.gateway()?.provider.join(path)?.to_string())
}

/// Whether the vendor pushes nothing by itself.
fn hushed(vendor: &Vendor<'_>, hushed: bool) -> anyhow::Result<()> {
    let house = vendor.house;
    if !hushed {
        let room = house.rooms().iter().find(|room| room.solution() == vendor.solution).context("its room")?;
        return room.gateway_listens(&house.gateway()?.provider);
    }
    house.helserespons.set_webhook(None);
    house.kry.set_webhook(None);
    house.pasientsky.set_subscription(None);
    Ok(())
}

/// The office writes in the dialog that begins with `text`; gives the number of what there is to push.
fn said(vendor: &Vendor<'_>, text: &str, words: &str) -> anyhow::Result<u64> {
    let (house, words) = (vendor.house, words.to_owned());
    match vendor.solution {
        Solution::Helserespons => {
            let begins = |case: &helserespons::Case| case.entries.first().is_some_and(|entry| entry.body == text);
            let cases = house.helserespons.cases();
            let case = cases.iter().find(|case| begins(case)).context("the case")?;
            let numbers = house
                .helserespons
                .answer(&case.case_no, &helserespons::Answer::Reply { text: words, files: Vec::new() })?;
            numbers.first().copied().context("a change")
        }
        Solution::Kry => {
            let visits = house.kry.visits();
            let begins = |visit: &kry::Visit| visit.messages.first().is_some_and(|first| first.text == text);
            let visit = visits.iter().find(|visit| begins(visit)).context("the visit")?;
            let numbers = house.kry.answer(&visit.id, &kry::Answer::Reply { text: words, files: Vec::new() })?;
            numbers.first().copied().context("an event")
        }
        Solution::Pasientsky => {
            let begins = |one: &pasientsky::Dialog| one.messages.first().is_some_and(|(_, first)| first == text);
            let dialogs = house.pasientsky.dialogs();
            let dialog = dialogs.iter().find(|one| begins(one)).context("the dialog")?;
            let known = house.pasientsky.notices().len();
            house.pasientsky.answer(&dialog.id, &pasientsky::Answer::Reply { text: words, files: Vec::new() })?;
            house.pasientsky.notices().get(known).map(|notice| notice.number).context("a notice")
        }
        Solution::Besoklegen | Solution::CgmEportal | Solution::Ddfl => bail!("the vendor pushes nothing"),
    }
}

/// The office closes the dialog, without a word.
fn closed(vendor: &Vendor<'_>, text: &str) -> anyhow::Result<()> {
    let house = vendor.house;
    match vendor.solution {
        Solution::Helserespons => {
            let cases = house.helserespons.cases();
            let begins = |case: &&helserespons::Case| case.entries.first().is_some_and(|entry| entry.body == text);
            let case = cases.iter().find(begins).context("the case")?;
            house.helserespons.answer(&case.case_no, &helserespons::Answer::Close)?;
        }
        Solution::Kry => {
            let visits = house.kry.visits();
            let begins = |visit: &&kry::Visit| visit.messages.first().is_some_and(|first| first.text == text);
            let visit = visits.iter().find(begins).context("the visit")?;
            house.kry.answer(&visit.id, &kry::Answer::Close)?;
        }
        Solution::Pasientsky => {
            let dialogs = house.pasientsky.dialogs();
            let begins = |one: &&pasientsky::Dialog| one.messages.first().is_some_and(|(_, first)| first == text);
            let dialog = dialogs.iter().find(begins).context("the dialog")?;
            house.pasientsky.answer(&dialog.id, &pasientsky::Answer::Close)?;
        }
        Solution::Besoklegen | Solution::CgmEportal | Solution::Ddfl => bail!("the vendor pushes nothing"),
    }
    Ok(())
}

/// Pushes one now; gives the status of the answer.
async fn deliver(vendor: &Vendor<'_>, number: u64, how: How) -> anyhow::Result<u16> {
    let (house, url) = (vendor.house, endpoint(vendor)?);
    let secret = |good: &str| if matches!(how, How::Forged) { GUESSED.to_owned() } else { good.to_owned() };
    let clock_off = if let How::Off(seconds) = how { seconds } else { 0 };
    Ok(match vendor.solution {
        Solution::Helserespons => {
            let webhook = helserespons::Webhook { url, secret: secret(rooms::helserespons::SECRET) };
            house.helserespons.set_clock_off(clock_off);
            let status = house.helserespons.deliver(number, &webhook).await;
            house.helserespons.set_clock_off(0);
            status?
        }
        Solution::Kry => {
            let secrets = vec![secret(rooms::kry::SECRET)];
            house.kry.deliver(number, &kry::Webhook { url, secrets, clock_off }).await?
        }
        Solution::Pasientsky => {
            let subscription = pasientsky::Subscription { endpoint: url, secret: secret(rooms::pasientsky::SECRET) };
            house.pasientsky.notify_as(&[number], &subscription).await?
        }
        Solution::Besoklegen | Solution::CgmEportal | Solution::Ddfl => bail!("the vendor pushes nothing"),
    })
}
