//! `dialog-audit index`

use dialog_audit::index::Index;
use serde_json::json;

use crate::access::Place;
use crate::output::{Failure, Output};
use crate::search::{IndexPlace, catch_up};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    index: IndexPlace,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let (reader, _) = arguments.place.reader("show")?;
    let dir = arguments
        .index
        .dir(&arguments.place, &reader.checkpoint().origin)
        .ok_or_else(|| Failure::used_wrongly("there is no place for an index: give one with --index"))?;
    let failed = |why: dialog_audit::index::IndexError| Failure::not_read(why.to_string());
    let mut index = Index::open(&dir, &reader).map_err(failed)?;
    let made = index.missing();
    catch_up(&mut index, &reader).map_err(failed)?;
    let shown = dir.display();
    output.answer(
        &format!("The index in {shown} is complete; {made} segments were made."),
        &json!({ "ok": true, "index": dir, "made": made }),
    )
}
