//! Every check.
//!
//! - [`package`]: the file. [`written`]: what all written services have in common. [`renewal`], [`requests`],
//!   [`certificates`]: what is their own.
//! - [`booking`]: direct booking. [`practice`], [`payments`], [`surveys`]: what stands beside dialogs.
//! - [`video`], [`results`], [`read_marks`]: meetings, what tests found, what was read.
//! - [`collegial`]: clinicians of several offices. [`office`]: what the office begins. [`news`]: how news arrives, and what
//!   goes wrong then.

mod booking;
mod certificates;
mod collegial;
mod news;
mod office;
mod package;
mod payments;
mod practice;
mod read_marks;
mod renewal;
mod requests;
mod results;
mod surveys;
mod video;
mod written;

use crate::check::Check;

/// Every check, in the order that they are played. The last one asks whether anything before it broke the vendor's rules.
pub(crate) fn all() -> Vec<Check> {
    let mut all = package::checks();
    all.extend(booking::checks());
    all.extend(written::checks());
    all.extend(requests::checks());
    all.extend(renewal::checks());
    all.extend(certificates::checks());
    all.extend(practice::checks());
    all.extend(payments::checks());
    all.extend(video::checks());
    all.extend(results::checks());
    all.extend(read_marks::checks());
    all.extend(surveys::checks());
    all.extend(collegial::checks());
    all.extend(office::checks());
    all.extend(news::checks());
    all.push(package::last());
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn there_are_more_than_a_hundred_and_each_has_an_id_of_its_own() {
        let all = all();
        let ids: BTreeSet<_> = all.iter().map(|check| check.id.clone()).collect();
        assert!(all.len() > 100 && ids.len() == all.len(), "{} checks, {} ids", all.len(), ids.len());
        assert!(all.iter().all(|check| !check.title.is_empty() && check.id.contains('.')));
    }
}
