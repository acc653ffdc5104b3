//! The video meeting of a consultation: what the portal sees of it, and the way in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::service::closed_list;

/// A dialog's video meeting. The way in is not part of it: that is asked for when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Video {
    /// Where the meeting stands.
    pub state: VideoStatus,
    /// Who else has come to the meeting, beside the citizen and the clinician: by name or by role, in the order that they
    /// came.
    pub participants: Vec<String>,
    /// When the provider last said something of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
}

closed_list!(
    /// Where a video meeting stands.
    VideoStatus {
        /// The office has not opened the waiting room.
        Expected = "expected",
        /// The citizen can come into the waiting room.
        WaitingRoomOpen = "waiting-room-open",
        /// A clinician is in the meeting.
        InProgress = "in-progress",
        /// The meeting is over.
        Ended = "ended",
    }
);

/// The way into a meeting, for one person. It is a secret while it is good: it stands in no log and no feed, and it does not
/// print its address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Room {
    /// An absolute https URL, without user or password.
    pub url: String,
    /// Until when one can come in by it.
    pub expires: Timestamp,
    /// Whether somebody is there.
    pub state: RoomState,
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room").field("expires", &self.expires).field("state", &self.state).finish_non_exhaustive()
    }
}

closed_list!(
    /// Whether somebody is in the room.
    RoomState {
        /// The citizen waits until a clinician comes.
        Waiting = "waiting",
        /// A clinician is there.
        Open = "open",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_in_does_not_print_its_address() {
        let room = Room {
            url: "https://meet.example/hemmelig".into(),
            expires: Timestamp::UNIX_EPOCH,
            state: RoomState::Open,
        };
        assert!(!format!("{room:?} {room:#?}").contains("hemmelig"));
    }
}
