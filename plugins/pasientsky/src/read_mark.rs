//! Read marks: a message of the clinic's is received (*Communication.received*) when the citizen has opened it.

use dialog_plugin_sdk::read_marks::ReadMarks;
use dialog_plugin_sdk::{Context, Failure};

use crate::Pasientsky;
use crate::ask::{self, Budget, Next};
use crate::fhir::element::id_of;
use crate::fhir::time;
use crate::person;
use crate::words::Words;

impl ReadMarks for Pasientsky {
    fn seen(ctx: Context, _: String, message: String) -> Result<(), Failure> {
        let unknown = || Words::UnknownTask.not_found(ctx.locale);
        let id = id_of(&message, "Communication").ok_or_else(unknown)?;
        let now = time::written(ctx.now)?;
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        let marked = ask::update(("Communication", id), &mut budget, (ctx.locale, &[]), |communication| {
            if communication["subject"]["reference"] != patient.reference.as_str() {
                return Err(unknown());
            }
            if communication["received"].is_string() {
                return Ok(Next::Stands);
            }
            communication["received"] = now.as_str().into();
            Ok(Next::Write)
        });
        marked.map(drop)
    }
}
