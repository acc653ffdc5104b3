//! Whether a plugin does what the contract says: the same checks for every plugin, through the contract alone.
//!
//! A plugin runs in the gateway's own host, with limits, grants and every check of its answers, and the suite calls its
//! functions as the gateway does. What people at an office do is done for it by a [`Stage`], which whoever brings the
//! plugin writes for a back end to try things on.
//!
//! Floor plan
//! - [`Subject`] (`subject`): a plugin with all that it needs. [`Stage`] (`stage`): the vendor's side.
//! - [`Topic`] (`topic`): the lines of the report: services, as far as they are checked apart.
//! - `run`: the host with the subject in it; calls, news, and files.
//! - `checks`: every check, a room for each kind of thing that is checked. `check`: what one is, and how it ends.
//! - [`Report`] (`report`): what came of all of them, by service, as table and as JSON.

mod check;
mod checks;
mod report;
mod run;
mod stage;
mod subject;
mod topic;

pub use self::{
    check::Verdict,
    report::{Line, Report, Support, matrix},
    run::SetUpError,
    stage::{Answer, Done, File, Meeting, Moment, Received, Stage, Trouble, Unable},
    subject::Subject,
    topic::Topic,
};

/// Runs every check with a subject, one after the other, and says what came of each. `tell` hears of each as it begins: its
/// number from 1, how many there are, and its name.
///
/// # Errors
/// Where the plugin cannot be installed: then there is nothing to check.
pub async fn run(subject: Subject, tell: &mut (dyn FnMut(usize, usize, &str) + Send)) -> Result<Report, SetUpError> {
    let run = run::Run::of(subject).await?;
    let checks = checks::all();
    let mut lines = Vec::with_capacity(checks.len());
    for (at, check) in checks.iter().enumerate() {
        tell(at + 1, checks.len(), &check.id);
        lines.push(check.play(&run).await);
    }
    Ok(Report::of(run.plugin(), lines))
}

/// How many checks there are, the same for every plugin.
#[must_use]
pub fn count() -> usize {
    checks::all().len()
}
