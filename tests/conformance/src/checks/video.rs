//! Consultations by video: into the meeting and out of it, and what is told of it.

use dialog_contract::{
    ids::DialogId,
    provider::{EventBody, Failure, Opening, VideoState},
    service::ConsultationMode,
    video::RoomState,
};
use jiff::{Timestamp, ToSpan as _};

use crate::{
    Meeting, Topic,
    check::{Check, Checked, broken, holds, same, told},
    run::{Run, message},
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::ConsultationVideo;
    vec![
        Check::new(topic, "early", "nobody comes in before the waiting room is open", |run| Box::pin(early(run))),
        Check::new(topic, "join", "the citizen comes in by an address that is good for a while", |run| {
            Box::pin(join(run))
        }),
        Check::new(topic, "open", "once a clinician is there, the room says so", |run| Box::pin(open(run))),
        Check::new(topic, "again", "who has left comes in again", |run| Box::pin(again(run))),
        Check::new(topic, "told", "what happens in the meeting is told, and who else came", |run| {
            Box::pin(happens(run))
        }),
        Check::new(topic, "over", "nobody comes in when it is over", |run| Box::pin(over(run))),
        Check::new(topic, "unknown", "a dialog that is not there has no meeting", |run| Box::pin(unknown(run))),
    ]
}

/// A consultation by video, open at the office.
async fn opened(run: &Run) -> Checked<String> {
    let message = message("Jeg vil gjerne vise dere utslettet.");
    let opening = Opening::Consultation { mode: ConsultationMode::Video, message, form: None };
    Ok(run.open(run.context(), DialogId::new(), opening).await?.reference)
}

async fn no_way_in(run: &Run, reference: &str) -> Checked {
    match run.join(reference).await {
        Err(Failure::Declined(_) | Failure::Conflict(_) | Failure::NotFound(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(_) => broken("the citizen was let in"),
    }
}

async fn early(run: &Run) -> Checked {
    no_way_in(run, &opened(run).await?).await
}

async fn join(run: &Run) -> Checked {
    let dialog = opened(run).await?;
    run.stage().meets(&dialog, Meeting::Opens).await?;
    let room = run.join(&dialog).await?;
    let now = Timestamp::now();
    let day = now.checked_add(24.hours()).unwrap_or(Timestamp::MAX);
    holds(now < room.expires && room.expires <= day, || format!("it is good until {}", room.expires))?;
    holds(room.url.starts_with("https://"), || "the address is not https".to_owned())?;
    same("who is there", &room.state, &RoomState::Waiting)
}

async fn open(run: &Run) -> Checked {
    let dialog = opened(run).await?;
    run.stage().meets(&dialog, Meeting::Opens).await?;
    run.stage().meets(&dialog, Meeting::ClinicianComes).await?;
    same("who is there", &run.join(&dialog).await?.state, &RoomState::Open)
}

async fn again(run: &Run) -> Checked {
    let dialog = opened(run).await?;
    run.stage().meets(&dialog, Meeting::Opens).await?;
    run.join(&dialog).await?;
    run.leave(&dialog).await?;
    run.join(&dialog).await.map(drop).map_err(Into::into)
}

async fn happens(run: &Run) -> Checked {
    let dialog = opened(run).await?;
    for (happens, expected) in [
        (Meeting::Opens, VideoState::WaitingRoomOpen),
        (Meeting::Comes("Tolk".to_owned()), VideoState::ParticipantJoined("Tolk".to_owned())),
        (Meeting::ClinicianComes, VideoState::ClinicianJoined),
        (Meeting::Ends, VideoState::Ended),
    ] {
        run.stage().meets(&dialog, happens).await?;
        let ours = |body: &EventBody| matches!(body, EventBody::Video { dialog: about, state } if *about == dialog && *state == expected);
        run.news("the meeting", ours).await?;
    }
    Ok(())
}

async fn over(run: &Run) -> Checked {
    let dialog = opened(run).await?;
    run.stage().meets(&dialog, Meeting::Opens).await?;
    run.stage().meets(&dialog, Meeting::Ends).await?;
    no_way_in(run, &dialog).await
}

async fn unknown(run: &Run) -> Checked {
    no_way_in(run, "no-such-dialog").await
}
