//! Video meetings: the way in, and what happens in them.

use dialog_contract::{
    limits::returned,
    provider::VideoState,
    video::{Room, RoomState},
};

use super::{
    answer::{Answer, At, Violation},
    payments::redirect,
};
use crate::bindings::{host::types, video::exports::dialog::provider::video as wit};

/// The way in.
pub(crate) fn room(told: wit::Room, answer: &mut Answer<'_>) -> Result<Room, Violation> {
    let at = At::Answer;
    Ok(Room {
        url: redirect(&at.field("url"), told.url, answer)?,
        expires: answer.instant(&at.field("expires"), told.expires)?,
        state: match told.state {
            wit::RoomState::Waiting => RoomState::Waiting,
            wit::RoomState::Open => RoomState::Open,
        },
    })
}

/// What happened in a meeting.
pub(crate) fn state(at: &At<'_>, state: types::VideoState, answer: &mut Answer<'_>) -> Result<VideoState, Violation> {
    Ok(match state {
        types::VideoState::WaitingRoomOpen => VideoState::WaitingRoomOpen,
        types::VideoState::ClinicianJoined => VideoState::ClinicianJoined,
        types::VideoState::ParticipantJoined(who) => {
            let at = at.field("participant-joined");
            VideoState::ParticipantJoined(answer.name(&at, who, returned::PARTICIPANT_CHARACTERS)?)
        }
        types::VideoState::Ended => VideoState::Ended,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::answer::tests::checked, *};

    fn at(url: &str) -> Result<Room, Violation> {
        let told = wit::Room { url: url.to_owned(), expires: 0, state: wit::RoomState::Open };
        checked(|answer| room(told, answer))
    }

    #[test]
    fn a_meeting_is_entered_over_tls_and_without_a_password_in_the_address() {
        assert_eq!(at("https://meet.example/r/1?t=abc").unwrap().url, "https://meet.example/r/1?t=abc");
        for wrong in ["http://meet.example/", "javascript:alert(1)", "https://a:b@meet.example/", ""] {
            let error = at(wrong).unwrap_err().to_string();
            assert!(error.starts_with("answer.url: "), "{error}");
        }
        assert!(at(&format!("https://meet.example/{}", "x".repeat(2_040))).is_err());
    }

    #[test]
    fn whoever_else_comes_has_a_name_or_a_role_of_one_line() {
        let come = |who: &str| {
            let told = types::VideoState::ParticipantJoined(who.to_owned());
            checked(|answer| state(&At::Answer, told, answer))
        };
        assert_eq!(come("Tolk").unwrap(), VideoState::ParticipantJoined("Tolk".to_owned()));
        assert_eq!(come("").unwrap_err().rule, "empty");
        assert_eq!(come(&"x".repeat(121)).unwrap_err().rule, "over 120 characters");
    }
}
