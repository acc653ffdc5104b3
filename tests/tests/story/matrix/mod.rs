//! Every provider in every kind of trouble, through the real gateway: what the citizen sees, that nothing is lost or
//! doubled, that other providers do not notice, that the operator is told.
//!
//! - [`fault`]: the kinds of trouble. [`vendor`]: a provider, as all of them are seen here.
//! - [`written`]: what citizens write. [`looked_up`]: what they look at. [`answered`]: what offices answer.
//!
//! What is one provider's own (signatures of webhooks, clocks, credentials, damaged news) stands in
//! [`providers`](crate::providers), and in the plugins' own tests.

mod answered;
mod fault;
mod looked_up;
mod vendor;
mod written;

use dialog_tests::sim::world::Solution;

macro_rules! vendors {
    ($($module:ident $solution:ident),* $(,)?) => {$(
        mod $module {
            use super::{Solution, answered, looked_up, written};

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
