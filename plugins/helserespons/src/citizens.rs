//! Who is digitally active, told to the clinic: what it sends to one who is not is refused.

use dialog_plugin_sdk::citizens::Citizens;
use dialog_plugin_sdk::{Context, Failure};
use serde::Serialize;

use crate::settings::Settings;
use crate::{Helserespons, person, refusal};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Digital<'a> {
    request_id: &'a str,
    ssn: &'a str,
    digital: bool,
}

impl Citizens for Helserespons {
    fn active(ctx: Context, active: bool) -> Result<(), Failure> {
        let settings: Settings = ctx.settings()?;
        let told = Digital { request_id: &ctx.idempotency_key, ssn: person::ssn(&ctx)?, digital: active };
        let request = settings.post("patients").segment("digital").json(&told);
        refusal::sent(request.send(), ctx.locale, &[]).map(|_| ())
    }
}
