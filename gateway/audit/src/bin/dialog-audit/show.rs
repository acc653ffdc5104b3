//! `dialog-audit show`

use std::path::{Path, PathBuf};

use dialog_audit::{Entry, SignedCheckpoint};
use serde_json::{Map, Value, json};

use crate::output::{Failure, Output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The log's folder.
    log: PathBuf,
    /// First entry, by index.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Last entry, by index.
    #[arg(long)]
    to: Option<u64>,
    /// Only records of this trace (32 hexadecimal digits).
    #[arg(long)]
    trace: Option<String>,
    /// Only records of this kind.
    #[arg(long)]
    kind: Option<String>,
    /// Trust only a checkpoint signed by this verifier key (or one of a file of them). Without
    /// it entries are shown as the folder has them.
    #[arg(long)]
    vkey: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    if arguments.to.is_some_and(|to| to < arguments.from) {
        return Err(Failure::used_wrongly("--to is before --from"));
    }
    let reader = match &arguments.vkey {
        Some(vkey) => crate::reader(&arguments.log, &crate::keys(vkey)?)?,
        None => unverified(&arguments.log)?,
    };
    let range = arguments.from..arguments.to.map_or(u64::MAX, |to| to.saturating_add(1));
    for entry in reader.entries(range) {
        let Entry { index, data } = entry.map_err(|why| Failure::found_wrong(why.to_string()))?;
        let record = as_json(&data);
        if arguments.accept(&record) {
            let mut line = Map::new();
            line.insert("index".to_owned(), json!(index));
            line.insert("record".to_owned(), record);
            output.line(&Value::Object(line).to_string())?;
        }
        if output.is_gone() {
            break;
        }
    }
    Ok(())
}

impl Arguments {
    fn accept(&self, record: &Value) -> bool {
        let is = |names: &[&str], wanted: &Option<String>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| names.iter().any(|name| record.get(name).and_then(Value::as_str) == Some(wanted)))
        };
        is(&["trace", "traceId", "trace_id"], &self.trace) && is(&["kind"], &self.kind)
    }
}

/// A record; what is not JSON is shown as text all the same.
fn as_json(data: &[u8]) -> Value {
    serde_json::from_slice(data).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(data).into_owned()))
}

fn unverified(log: &Path) -> Result<dialog_audit::Reader, Failure> {
    let note = std::fs::read(log.join("checkpoint"))
        .map_err(|why| Failure::used_wrongly(format!("{} holds no log: checkpoint: {why}", log.display())))?;
    let checkpoint =
        SignedCheckpoint::unverified(&note).map_err(|why| Failure::found_wrong(format!("checkpoint: {why}")))?;
    Ok(dialog_audit::Reader::unverified(log, checkpoint))
}
