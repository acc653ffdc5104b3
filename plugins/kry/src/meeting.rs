//! Video meetings: the vendor lets a patient in by an address that is made for the occasion.

use dialog_plugin_sdk::video::{Room, RoomState, Video};
use dialog_plugin_sdk::{Context, Failure, time};
use serde::{Deserialize, Serialize};

use crate::Kry;
use crate::document::{self, Draft, Odd};
use crate::person::{self, Representative};

/// Characters of a URL, by the contract.
const MAX_URL: usize = 2_048;

/// Who comes, where that is not the patient.
#[derive(Serialize)]
struct Coming<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    representative: Option<Representative<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Access {
    join_url: String,
    expires_at: String,
    state: State,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Waiting,
    Open,
}

impl Video for Kry {
    fn join(ctx: Context, reference: String) -> Result<Room, Failure> {
        let patient = person::patient(&ctx)?;
        let related = [("visit", "visits", reference.as_str()), ("patient", "patients", patient.as_str())];
        let attributes = Coming { representative: person::representative(&ctx)? };
        let draft = Draft { kind: "meeting-accesses", id: None, attributes, related: &related };
        let request = document::post("/v1/meeting-accesses", &ctx.idempotency_key);
        let (answer, _, access) = document::sent(&ctx, request, &draft, &[])?;
        let odd = |why: Odd| answer.unreadable(format_args!("holds a way into a meeting that {why}"));
        if access.related_id("visit", "visits") != Some(&reference) {
            return Err(odd("is of another visit"));
        }
        let Access { join_url, expires_at, state } = access.attributes().map_err(odd)?;
        if !join_url.starts_with("https://") || join_url.len() > MAX_URL {
            return Err(odd("has an address that is not https, or over 2,048 characters"));
        }
        let expires = time::instant(&expires_at).ok_or_else(|| odd("ends at no time"))?;
        let state = match state {
            State::Waiting => RoomState::Waiting,
            State::Open => RoomState::Open,
        };
        Ok(Room { url: join_url, expires, state })
    }

    fn leave(ctx: Context, reference: String) -> Result<(), Failure> {
        let patient = person::patient(&ctx)?;
        let related = [("visit", "visits", reference.as_str()), ("patient", "patients", patient.as_str())];
        let attributes = Coming { representative: person::representative(&ctx)? };
        let draft = Draft { kind: "meeting-exits", id: None, attributes, related: &related };
        let request = document::post("/v1/meeting-exits", &ctx.idempotency_key);
        document::sent(&ctx, request, &draft, &[]).map(drop)
    }
}
