//! Who is digitally active: told to the office's record system (3.9.1, SDAB), where the address register says that it
//! takes the process DIGITALBRUKER. An office that does not has not asked.

use dialog_plugin_sdk::citizens::Citizens;
use dialog_plugin_sdk::{Context, Failure};

use super::Ddfl;
use super::address;
use super::settings::Settings;
use super::transport::{self, Budget};
use crate::message::{MessageId, Process};
use crate::write::{self, Request};

impl Citizens for Ddfl {
    fn active(ctx: Context, active: bool) -> Result<(), Failure> {
        let settings: Settings = ctx.settings()?;
        let Some(version) = settings.version(Process::DigitalUser) else { return Ok(()) };
        let id = MessageId::of_key(&ctx.idempotency_key, "digital");
        let written = address::written(&[&ctx.idempotency_key], ctx.now);
        let receiver = address::receiver(&ctx);
        let envelope = address::envelope(&ctx, &receiver, version, id, written, None)?;
        let segments = write::write(&envelope, &Request::DigitalStatus { active })
            .map_err(|error| address::refusal(&error, ctx.locale, ""))?;
        transport::send(&mut Budget::default(), &segments, &[])
    }
}
