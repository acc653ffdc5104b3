//! The story: citizens at offices with different providers, then what goes wrong and is made good.
//!
//! - [`teller`]: tells it step by step; [`citizen`]: what a person does at the portal.
//! - [`fjellveien`]: Kari, all through the public solution. [`havnegata`]: Ola, consultations through the public and the
//!   rest through the commercial one. [`lilletorget`]: Leila, all through the commercial one.
//! - [`solsiden`]: Marte, all through a vendor that speaks SOAP and is asked for news. [`bekkefaret`]: Einar, all through
//!   one that speaks FHIR.
//! - [`skogbrynet`]: Solveig, what is not a consultation through a vendor that speaks GraphQL and is long polled. [`kry`]: Signe,
//!   whose doctor is a vendor's.
//! - [`national`]: Leila has copies in her personal archive, stops being digitally active, and gets another GP.
//! - [`evidence`]: Ola reads who did what with what is his, and proves it.
//! - [`vendor`]: what the commercial one serves at any office. [`payment`]: what a consultation costs, and paying it.
//!   [`results`]: what tests found. [`survey`]: what the office asks, by choices alone. [`video`]: meeting a doctor.
//! - [`notices`]: what Leila is told by text message, once.
//! - [`collegial`]: Leila's doctor asks a colleague about her, and takes her along.
//! - [`routing`]: an office decides what it offers, who answers and through whom; a provider beside the GP.
//! - [`trouble`]: a vendor is down, a slot is gone. [`crash`]: the gateway is killed in the middle.
//! - [`elvebredden`]: Ánte, who writes when it would suit him. [`shown`]: what all of them show, by service and provider.
//! - [`keepsakes`]: what `--out DIR` leaves.

pub mod bekkefaret;
pub mod citizen;
pub mod collegial;
pub mod crash;
pub mod elvebredden;
pub mod evidence;
pub mod fjellveien;
pub mod havnegata;
pub mod keepsakes;
pub mod kry;
pub mod lilletorget;
pub mod national;
pub mod notices;
pub mod payment;
pub mod results;
pub mod routing;
pub mod shown;
pub mod skogbrynet;
pub mod solsiden;
pub mod survey;
pub mod teller;
pub mod trouble;
pub mod vendor;
pub mod video;

use self::teller::Teller;
use crate::house::House;

/// Plays everything once, in order, and ends with the gateway stopped. The first surprise is the error.
pub async fn play(tell: &mut Teller, house: &mut House) -> anyhow::Result<()> {
    fjellveien::play(tell, house).await?;
    havnegata::play(tell, house).await?;
    lilletorget::play(tell, house).await?;
    elvebredden::play(tell, house).await?;
    solsiden::play(tell, house).await?;
    bekkefaret::play(tell, house).await?;
    collegial::play(tell, house).await?;
    skogbrynet::play(tell, house).await?;
    kry::play(tell, house).await?;
    national::play(tell, house).await?;
    evidence::play(tell, house).await?;
    notices::play(tell, house).await?;
    trouble::play(tell, house).await?;
    routing::play(tell, house).await?;
    crash::play(tell, house).await?;
    nothing_wrong(tell, house)?;
    shown::everything(tell)
}

/// What the back ends noted against the gateway, and what the offices still wait for.
fn nothing_wrong(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    tell.step("The back ends have nothing against what they were sent");
    for room in house.rooms() {
        let name = room.solution().name();
        tell.equal(&format!("nothing broke the rules of the interface of {name}"), room.violations(), Vec::new())?;
    }
    tell.equal("nor those of the registers and the archive", house.national.violations(), Vec::new())
}
