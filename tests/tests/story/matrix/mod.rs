//! Every provider in every kind of trouble, through the real gateway: what the citizen sees, that nothing is lost or
//! doubled, that other providers do not notice, that the operator is told.
//!
//! - [`fault`]: the kinds of trouble that pass. [`vendor`]: a provider, as all of them are seen here.
//! - [`written`]: what citizens write. [`looked_up`]: what they look at. [`answered`]: what offices answer.
//! - [`lasting`]: what lasts until somebody mends it: clocks, credentials, lists without an end.
//! - [`pushed`]: what comes twice, in another order, forged, or stamped by a clock that is off.
//!
//! | trouble | where it is shown | where it does not apply |
//! | --- | --- | --- |
//! | down, 503, 30 s, 500, 429 with and without `Retry-After`, cut off, a page, another shape, broken | [`written`], [`looked_up`], [`answered`]: all six | |
//! | clock ten minutes off, either way | [`lasting`]: the time of WS-Security (`besoklegen`), of assertions for tokens (`ddfl`, `kry`, `pasientsky`), of what is pushed (`helserespons`, `kry`) | `cgm-eportal`: a certificate is good for months, and nothing else has a time |
//! | credentials that have run out | [`lasting`]: all six (password, API key, key of an OAuth client, registered certificate); tokens that expire, which nobody notices: [`kry`](crate::providers::kry), [`pasientsky`](crate::providers::pasientsky), the host's own tests | |
//! | pages that never end | [`lasting`]: all but one | `ddfl`: Meldingstjener has no pages, it gives what is unread |
//! | pushed twice, out of order, forged, unsigned | [`pushed`]: `helserespons`, `kry`, `pasientsky` | the others push nothing |
//! | replayed late, or from a clock that is off | [`pushed`]: `helserespons`, `kry` | `pasientsky`: a shared secret has no time; what is replayed only has the news asked for |
//! | numbered news twice and out of order | `besoklegen`, `cgm-eportal` in [`providers`](crate::providers); `ddfl` (a message twice, an answer before its receipt) in [`arrivals`](crate::providers::arrivals) | `helserespons`, `kry`, `pasientsky`: as pushed |
//! | news that cannot be read | each provider's room in [`providers`](crate::providers) | |

mod answered;
mod fault;
mod lasting;
mod looked_up;
mod pushed;
mod vendor;
mod written;

use dialog_tests::sim::world::Solution;

macro_rules! vendors {
    ($($module:ident $solution:ident),* $(,)?) => {$(
        mod $module {
            use super::{Solution, answered, lasting, looked_up, written};

            #[test]
            fn what_is_written_in_trouble_arrives_once_or_is_said_to_be_uncertain() -> anyhow::Result<()> {
                written::play(Solution::$solution)
            }

            #[test]
            fn what_is_looked_up_in_trouble_says_so_and_that_nothing_was_sent() -> anyhow::Result<()> {
                looked_up::play(Solution::$solution)
            }

            #[test]
            fn what_the_office_answers_in_trouble_arrives_once() -> anyhow::Result<()> {
                answered::play(Solution::$solution)
            }

            #[test]
            fn credentials_that_have_run_out_are_an_outage_until_they_are_renewed() -> anyhow::Result<()> {
                lasting::play(Solution::$solution, &[lasting::Lasting::Credentials])
            }
        }
    )*};
}

vendors!(
    besoklegen Besoklegen,
    cgm_eportal CgmEportal,
    ddfl Ddfl,
    helserespons Helserespons,
    kry Kry,
    pasientsky Pasientsky,
);

macro_rules! rows {
    ($($name:ident: $play:expr, for $($module:ident $solution:ident),*;)*) => {$(
        mod $name {
            use super::Solution;

            $(
                #[test]
                fn $module() -> anyhow::Result<()> {
                    let play: fn(Solution) -> anyhow::Result<()> = $play;
                    play(Solution::$solution)
                }
            )*
        }
    )*};
}

rows!(
    a_clock_ten_minutes_off_loses_and_doubles_nothing: |one| super::lasting::play(one, &super::lasting::CLOCKS),
        for besoklegen Besoklegen, ddfl Ddfl, helserespons Helserespons, kry Kry, pasientsky Pasientsky;
    a_list_that_never_ends_is_left_and_news_come_all_the_same: |one| super::lasting::play(one, &[super::lasting::Lasting::Endless]),
        for besoklegen Besoklegen, cgm_eportal CgmEportal, helserespons Helserespons, kry Kry, pasientsky Pasientsky;
    what_is_pushed_twice_or_out_of_order_is_told_once_and_what_is_forged_never: super::pushed::play,
        for helserespons Helserespons, kry Kry, pasientsky Pasientsky;
);
