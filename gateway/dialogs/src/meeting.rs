//! What a provider tells of a video meeting, and what that does to the dialog.

use dialog_contract::{
    dialog::ActivityKind,
    event::EventType,
    provider::{RefusalReason, VideoState},
    service::Service,
    video::{Video, VideoStatus},
};
use jiff::Timestamp;

use crate::{draft::Draft, texts};

/// People in a meeting beside the citizen and the clinician: a family with an interpreter and two colleagues is seven.
const PARTICIPANTS: usize = 10;

/// A meeting that nobody has said anything of.
pub(crate) const fn expected() -> Video {
    Video { state: VideoStatus::Expected, participants: Vec::new(), changed: None }
}

/// Changes the dialog by what happened in its meeting. Providers push and are asked: a state that is told late changes
/// nothing, and who was told late was there all the same. Refused where the dialog can have no meeting; then nothing was
/// changed.
pub(crate) fn happened(draft: &mut Draft, told: &VideoState, occurred: Timestamp) -> Result<(), RefusalReason> {
    if draft.record.dialog.service != Service::Consultation {
        return Err(RefusalReason::Invalid);
    }
    // The summary may close the dialog before the meeting is said to be over.
    if draft.record.closed() && *told != VideoState::Ended {
        return Err(RefusalReason::DialogClosed);
    }
    let mut video = draft.record.dialog.video.clone().unwrap_or_else(expected);
    let late = video.changed.is_some_and(|last| last > occurred);
    let (state, participant) = match told {
        VideoState::ParticipantJoined(who) => (video.state, Some(who)),
        VideoState::WaitingRoomOpen => (VideoStatus::WaitingRoomOpen, None),
        VideoState::ClinicianJoined => (VideoStatus::InProgress, None),
        VideoState::Ended => (VideoStatus::Ended, None),
    };
    match participant {
        Some(who) if video.participants.contains(who) => return Ok(()),
        Some(_) if video.participants.len() >= PARTICIPANTS => return Err(RefusalReason::Invalid),
        Some(who) => video.participants.push(who.clone()),
        None if late => return Ok(()),
        None if state == video.state => {
            video.changed = Some(occurred);
            draft.record.dialog.video = Some(video);
            return Ok(());
        }
        None => {
            if video.state == VideoStatus::Ended {
                // They meet again, and nobody else has come yet.
                video.participants.clear();
            }
            video.state = state;
        }
    }
    video.changed = video.changed.max(Some(occurred));
    draft.activity(occurred, ActivityKind::Video { state, participant: participant.cloned() }, |locale| match told {
        VideoState::ParticipantJoined(who) => texts::in_meeting(who, locale),
        VideoState::WaitingRoomOpen => texts::waiting_room_open(locale).into(),
        VideoState::ClinicianJoined => texts::clinician_in_meeting(locale).into(),
        VideoState::Ended => texts::meeting_ended(locale).into(),
    });
    draft.news(EventType::VideoChanged);
    draft.record.dialog.video = Some(video);
    Ok(())
}
