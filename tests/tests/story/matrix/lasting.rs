//! What lasts until somebody mends it: a clock that is ten minutes off, credentials that have run out, lists that never
//! end.

use anyhow::{Context, bail, ensure};
use dialog_contract::{event::EventType, problem::ProblemType};
use dialog_tests::{
    sim::{cgm_eportal::Disorder, world::Solution},
    story::citizen::office_messages,
};
use http::StatusCode;
use jiff::SignedDuration;

use super::vendor::{Seen, Vendor};
use crate::visit::{alone, opened, read};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// The vendor's clock is off, by so many seconds.
    Clock(i64),
    /// The vendor does not know the gateway's credentials any more.
    Credentials,
    /// There is always a next page.
    Endless,
}

/// Mends it.
type Mend<'h> = Box<dyn FnOnce() + 'h>;

/// Ten minutes, either way.
pub(super) const CLOCKS: [Lasting; 2] = [Lasting::Clock(600), Lasting::Clock(-600)];

/// What a vendor may note against a gateway that it does not know, or whose time it does not believe.
const WHO: [&str; 6] = [
    "five minutes off",
    "another user or password",
    "another key in x-api-key",
    "assertion",
    "no client is registered",
    "certificate is not registered",
];

impl Lasting {
    /// Begins.
    fn begin<'h>(self, vendor: &Vendor<'h>) -> anyhow::Result<Mend<'h>> {
        let house = vendor.house;
        Ok(match (self, vendor.solution) {
            (Lasting::Clock(seconds), Solution::Besoklegen) => {
                house.besoklegen.set_clock_off(SignedDuration::from_secs(seconds));
                Box::new(|| house.besoklegen.set_clock_off(SignedDuration::ZERO))
            }
            (Lasting::Clock(seconds), Solution::Ddfl) => {
                house.meldingstjener.set_clock_off(seconds);
                Box::new(|| house.meldingstjener.set_clock_off(0))
            }
            (Lasting::Clock(seconds), Solution::Helserespons) => {
                house.helserespons.set_clock_off(seconds);
                Box::new(|| house.helserespons.set_clock_off(0))
            }
            (Lasting::Clock(seconds), Solution::Kry) => {
                house.kry.set_clock_off(seconds);
                Box::new(|| house.kry.set_clock_off(0))
            }
            (Lasting::Clock(seconds), Solution::Pasientsky) => {
                house.pasientsky.set_clock_off(seconds);
                Box::new(|| house.pasientsky.set_clock_off(0))
            }
            (Lasting::Credentials, Solution::Besoklegen) => {
                let good = house.besoklegen.set_password("another-password");
                Box::new(move || drop(house.besoklegen.set_password(&good)))
            }
            (Lasting::Credentials, Solution::CgmEportal) => {
                let known = house.cgm_eportal.forget_clients();
                Box::new(|| house.cgm_eportal.register_clients(known))
            }
            (Lasting::Credentials, Solution::Ddfl) => {
                house.meldingstjener.set_key_known(false);
                Box::new(|| house.meldingstjener.set_key_known(true))
            }
            (Lasting::Credentials, Solution::Helserespons) => {
                house.helserespons.set_key_known(false);
                Box::new(|| house.helserespons.set_key_known(true))
            }
            (Lasting::Credentials, Solution::Kry) => {
                house.kry.set_key_known(false);
                Box::new(|| house.kry.set_key_known(true))
            }
            (Lasting::Credentials, Solution::Pasientsky) => {
                house.pasientsky.set_key_known(false);
                Box::new(|| house.pasientsky.set_key_known(true))
            }
            (Lasting::Endless, Solution::Besoklegen) => {
                house.besoklegen.set_endless(true);
                Box::new(|| house.besoklegen.set_endless(false))
            }
            (Lasting::Endless, Solution::CgmEportal) => {
                house.cgm_eportal.set_disorder(Disorder::Endless);
                Box::new(|| house.cgm_eportal.set_disorder(Disorder::None))
            }
            (Lasting::Endless, Solution::Helserespons) => {
                house.helserespons.set_endless(true);
                Box::new(|| house.helserespons.set_endless(false))
            }
            (Lasting::Endless, Solution::Kry) => {
                house.kry.switch(|on| on.endless = true);
                Box::new(|| house.kry.switch(|on| on.endless = false))
            }
            (Lasting::Endless, Solution::Pasientsky) => {
                house.pasientsky.set_endless_pages(true);
                Box::new(|| house.pasientsky.set_endless_pages(false))
            }
            (Lasting::Clock(_), Solution::CgmEportal) | (Lasting::Endless, Solution::Ddfl) => {
                bail!("{self:?} does not apply: see the floor plan")
            }
        })
    }

    /// Whether the vendor answers nothing meanwhile.
    fn stops_calls(self, solution: Solution) -> bool {
        match self {
            // An API key has no time: only what this vendor pushes is stamped.
            Lasting::Clock(_) => solution != Solution::Helserespons,
            Lasting::Credentials => true,
            Lasting::Endless => false,
        }
    }
}

pub(super) fn play(solution: Solution, all: &[Lasting]) -> anyhow::Result<()> {
    alone(async |house| {
        let mut vendor = Vendor::visit(house, solution).await?;
        for (at, lasting) in all.iter().enumerate() {
            lasts(&mut vendor, *lasting, at).await.with_context(|| format!("{lasting:?}"))?;
        }
        vendor.is_content_but_for(&WHO)
    })
}

/// Something is asked before and something meanwhile, and the office answers both: one meanwhile, one afterwards.
async fn lasts(vendor: &mut Vendor<'_>, lasting: Lasting, at: usize) -> anyhow::Result<()> {
    let (before, meanwhile) =
        (format!("Før nummer {at}: har dere åpent?"), format!("Under nummer {at}: har dere åpent?"));
    let first = opened(&vendor.citizen, &vendor.body(&before)).await?;
    let seen = vendor.seen().await?;
    let mend = lasting.begin(vendor)?;
    let looked = vendor.citizen.get(vendor.looks_at().0, &[]).send().await?;
    let written = vendor.citizen.post("/v1/me/dialogs", &[], &vendor.body(&meanwhile)).send().await?;
    vendor.others_are_served().await?;
    vendor.answer(&before, "Ja, hver dag.").await?;
    let second = written.text("/id").context("what was written is taken in")?.to_owned();
    if lasting.stops_calls(vendor.solution) {
        let unavailable = ProblemType::ProviderUnavailable.uri();
        ensure!(looked.json["type"] == unavailable.as_str(), "{} {}", looked.status, looked.json);
        ensure!(looked.json["sent"] == "no" && !looked.text("/detail")?.is_empty(), "{}", looked.json);
        ensure!(written.status == StatusCode::ACCEPTED, "{} {}", written.status, written.json);
        ensure!(written.json["status"]["state"] == "queued", "{}", written.json);
        ensure!(vendor.failures().await? > seen.failures, "the operator is not told");
    } else {
        let faulty = looked.json["type"] == ProblemType::ProviderFaulty.uri().as_str() && looked.json["sent"] == "no";
        ensure!(looked.status == StatusCode::OK || faulty, "{} {}", looked.status, looked.json);
        ensure!(written.status == StatusCode::CREATED, "{} {}", written.status, written.json);
        // News come all the same.
        vendor.screen.wait(EventType::MessageReceived, &first).await?;
        let told: fn(&Seen, &Seen) -> bool = match lasting {
            // A list that is of use as far as it was read is no failure.
            Lasting::Endless => |before, now| now.failures > before.failures || now.warnings > before.warnings,
            _ => |before, now| now.strangers > before.strangers,
        };
        vendor.tells(&seen, told).await?;
    }
    mend();
    if written.status == StatusCode::ACCEPTED {
        vendor.screen.wait(EventType::MessageSent, &second).await?;
    }
    vendor.citizen.get(vendor.looks_at().0, &[]).expect(StatusCode::OK).await?;
    vendor.answer(&meanwhile, "Ja, hver dag.").await?;
    for (dialog, text) in [(&first, &before), (&second, &meanwhile)] {
        vendor.screen.wait(EventType::MessageReceived, dialog).await?;
        let now = read(&vendor.citizen, dialog).await?;
        let answers = office_messages(&now);
        ensure!(answers.len() == 1 && answers[0]["text"] == "Ja, hver dag.", "{now}");
        ensure!(vendor.screen.count(EventType::MessageReceived, dialog) == 1, "told again");
        ensure!(vendor.having(text) == 1, "the vendor has it {} times", vendor.having(text));
    }
    Ok(())
}
