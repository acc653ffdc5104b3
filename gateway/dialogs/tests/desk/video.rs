//! Video meetings: the way in, what is told of them, and what nobody else gets to see.

use dialog_contract::{
    audit::RecordKind,
    dialog::{ActivityKind, Dialog},
    ids::DialogId,
    opening::{NewDialog, Request as Asked},
    provider::{DialogStatus, Event, EventBody, Failure, Interface, VideoState},
    service::{Closing, ConsultationMode, Sent},
    video::{Room, RoomState, Video, VideoStatus},
};
use jiff::{Timestamp, ToSpan as _};

use crate::{inbound::settled, support::*};

pub(crate) fn by_video() -> NewDialog {
    let request = Asked::Consultation { mode: ConsultationMode::Video, form: None };
    NewDialog { request, message: Some(text("Jeg vil gjerne vise dere utslettet.")), continues: None, provider: None }
}

fn told(id: &str, minute: i64, dialog: &Dialog, state: VideoState) -> Event {
    let occurred = NOW.parse::<Timestamp>().unwrap().checked_add((minute - 60).minutes()).unwrap();
    Event { occurred, ..event(id, EventBody::Video { dialog: reference(dialog.id), state }) }
}

fn state(dialog: &Dialog) -> VideoStatus {
    dialog.video.as_ref().unwrap().state
}

async fn join(world: &World, dialog: DialogId, key: &str) -> Room {
    let answer = world.desk.join_video(&world.kari(), &post_as("/join", key), dialog).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn a_consultation_by_video_has_a_meeting_and_others_have_not() {
    let world = World::new().await;
    let expected = Video { state: VideoStatus::Expected, participants: Vec::new(), changed: None };
    assert_eq!(world.opened(by_video()).await.video, Some(expected));
    let written = world.opened(consultation("x")).await;
    assert_eq!(written.video, None);
    assert_eq!(why(world.desk.join_video(&world.kari(), &post("/"), written.id).await), "conflict no");
    // Where nobody can be let in, nobody is asked to come.
    for installed in world.providers.installed.lock().unwrap().values_mut() {
        installed.exports.retain(|export| *export != Interface::Video);
    }
    assert_eq!(why(world.desk.open(&world.kari(), &post("/"), by_video()).await), "invalid no");
}

#[tokio::test]
async fn a_meeting_goes_from_the_waiting_room_to_its_end_and_shows_who_else_came() {
    let world = World::new().await;
    let dialog = world.opened(by_video()).await;
    let steps = [
        (VideoState::WaitingRoomOpen, VideoStatus::WaitingRoomOpen),
        (VideoState::ParticipantJoined("Tolk".into()), VideoStatus::WaitingRoomOpen),
        (VideoState::ClinicianJoined, VideoStatus::InProgress),
        (VideoState::ParticipantJoined("Datter".into()), VideoStatus::InProgress),
        (VideoState::Ended, VideoStatus::Ended),
    ];
    for (minute, (happened, then)) in (0_i64..).zip(steps) {
        let id = format!("v{minute}");
        assert_eq!(settled(&world, vec![told(&id, minute, &dialog, happened)]).await, [format!("{id} accepted")]);
        assert_eq!(state(&world.read(dialog.id).await), then);
    }
    let read = world.read(dialog.id).await;
    assert_eq!(read.video.as_ref().unwrap().participants, ["Tolk", "Datter"]);
    let videos = read.activities.iter().filter(|one| matches!(one.kind, ActivityKind::Video { .. }));
    assert_eq!(videos.clone().count(), 5);
    assert!(videos.clone().any(|one| one.text == "Tolk is in the video meeting."));
    let kinds = world.event_kinds().await;
    assert_eq!(kinds.iter().filter(|kind| **kind == "no.dialog.video.changed.v1").count(), 5);
    // They meet again: nobody else has come to that meeting.
    settled(&world, vec![told("v9", 30, &dialog, VideoState::WaitingRoomOpen)]).await;
    let again = world.read(dialog.id).await.video.unwrap();
    assert_eq!((again.state, again.participants.len()), (VideoStatus::WaitingRoomOpen, 0));
}

#[tokio::test]
async fn what_is_told_late_or_twice_changes_nothing_but_who_was_there() {
    let world = World::new().await;
    let dialog = world.opened(by_video()).await;
    settled(&world, vec![told("a", 5, &dialog, VideoState::ClinicianJoined)]).await;
    let late = [
        told("b", 1, &dialog, VideoState::WaitingRoomOpen),
        told("c", 6, &dialog, VideoState::ClinicianJoined),
        told("d", 2, &dialog, VideoState::ParticipantJoined("Tolk".into())),
        told("e", 7, &dialog, VideoState::ParticipantJoined("Tolk".into())),
    ];
    let all = settled(&world, late.into()).await;
    assert!(all.iter().all(|fate| fate.ends_with("accepted")), "{all:?}");
    let read = world.read(dialog.id).await;
    assert_eq!((state(&read), read.video.as_ref().unwrap().participants.len()), (VideoStatus::InProgress, 1));
    let videos = read.activities.iter().filter(|one| matches!(one.kind, ActivityKind::Video { .. }));
    assert_eq!(videos.count(), 2);
}

#[tokio::test]
async fn only_a_consultation_has_a_meeting_and_ten_others_fill_it() {
    let world = World::new().await;
    let other = world.opened(inquiry("x")).await;
    assert_eq!(settled(&world, vec![told("a", 1, &other, VideoState::WaitingRoomOpen)]).await, ["a invalid"]);
    let dialog = world.opened(by_video()).await;
    let come =
        (0..11).map(|one| told(&format!("p{one}"), one, &dialog, VideoState::ParticipantJoined(one.to_string())));
    let all = settled(&world, come.collect()).await;
    assert_eq!(all.iter().filter(|fate| fate.ends_with("accepted")).count(), 10);
    assert_eq!(all[10], "p10 invalid");
}

#[tokio::test]
async fn the_summary_may_close_the_dialog_before_the_meeting_is_said_to_be_over() {
    let world = World::new().await;
    let dialog = world.opened(by_video()).await;
    settled(&world, vec![told("a", 1, &dialog, VideoState::ClinicianJoined)]).await;
    let summary = EventBody::Message {
        dialog: reference(dialog.id),
        message: office_message("m1", "Vi snakket om utslettet."),
        status: DialogStatus::Closed(Closing::Answered),
        redirect: None,
    };
    let late = [event("s", summary), told("b", 20, &dialog, VideoState::Ended)];
    assert_eq!(settled(&world, late.into()).await, ["s accepted", "b accepted"]);
    assert_eq!(settled(&world, vec![told("c", 30, &dialog, VideoState::WaitingRoomOpen)]).await, ["c dialog-closed"]);
    assert_eq!(state(&world.read(dialog.id).await), VideoStatus::Ended);
    assert_eq!(why(world.desk.join_video(&world.kari(), &post("/"), dialog.id).await), "dialog-closed no");
}

#[tokio::test]
async fn the_way_in_is_the_same_under_its_key_as_long_as_it_is_good() {
    let world = World::new().await;
    let dialog = world.opened(by_video()).await;
    let room = join(&world, dialog.id, "one").await;
    assert_eq!((room.url.as_str(), room.state), ("https://meet.example/hemmelig", RoomState::Waiting));
    assert_eq!(join(&world, dialog.id, "one").await, room);
    assert_eq!(world.providers.calls("join").len(), 1);
    world.clock.forward(16 * 60);
    let later = world.now() + 15.minutes();
    world.providers.joins.lock().unwrap().push_back(Box::new(move || {
        Ok(Room { url: "https://meet.example/2".into(), expires: later, state: RoomState::Open })
    }));
    assert_eq!(join(&world, dialog.id, "one").await.url, "https://meet.example/2");
    world.desk.leave_video(&world.kari(), &post("/leave"), dialog.id).await.unwrap();
    assert_eq!(world.providers.calls("leave").len(), 1);
}

#[tokio::test]
async fn the_way_in_stands_in_the_reply_and_nowhere_else() {
    let world = World::new().await;
    let dialog = world.opened(by_video()).await;
    join(&world, dialog.id, "one").await;
    let shown = serde_json::to_string(&world.read(dialog.id).await).unwrap();
    let feed = serde_json::to_string(&world.feed().await).unwrap();
    let records = serde_json::to_string(&*world.log.records.lock().unwrap()).unwrap();
    for text in [&shown, &feed, &records] {
        assert!(!text.contains("meet.example"), "{text}");
    }
    assert_eq!(world.log.kinds("video.join"), [RecordKind::Intent, RecordKind::Outcome]);
}

#[tokio::test]
async fn a_way_in_that_is_over_or_good_for_days_is_the_providers_fault() {
    let world = World::new().await;
    let dialog = world.opened(by_video()).await;
    for expires in [world.now(), world.now() + 25.hours()] {
        world.providers.joins.lock().unwrap().push_back(Box::new(move || {
            Ok(Room { url: "https://meet.example/2".into(), expires, state: RoomState::Open })
        }));
        assert_eq!(why(world.desk.join_video(&world.kari(), &post("/"), dialog.id).await), "provider-faulty no");
    }
    for (failure, why_not) in [
        (Failure::Declined(reason("Venterommet er ikke åpnet.")), "declined no"),
        (unavailable(Sent::Unknown), "provider-unavailable no"),
    ] {
        world.providers.joins.lock().unwrap().push_back(Box::new(move || Err(failure)));
        assert_eq!(why(world.desk.join_video(&world.kari(), &post("/"), dialog.id).await), why_not);
    }
}

#[tokio::test]
async fn another_citizens_meeting_is_not_there() {
    let world = World::new().await;
    let dialog = world.opened(by_video()).await;
    let ola = world.citizen(OLA);
    assert_eq!(why(world.desk.join_video(&ola, &post("/"), dialog.id).await), "not-found no");
    assert_eq!(why(world.desk.leave_video(&ola, &post("/"), dialog.id).await), "not-found no");
    assert!(world.providers.calls("join").is_empty() && world.providers.calls("leave").is_empty());
}
