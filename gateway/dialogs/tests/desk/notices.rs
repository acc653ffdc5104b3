//! Telling citizens outside the portal: what becomes a notice, when it is sent, and when it is not.

use std::sync::atomic::Ordering;

use dialog_contract::{
    appointment::NewBooking,
    audit::{ActorRole, RecordKind},
    dialog::Dialog,
    ids::{NoticeId, PluginId},
    notice::{NewNoticePreferences, NoticeChannel, NoticeKind, NoticePreferences},
    provider::{
        AppointmentChangeKind, CitizenIdentity, DialogFee, DialogStatus, Event, EventBody, Failure, Notice,
        NoticeOutcome, VideoState,
    },
    service::{Closing, Locale, Sent, Service},
};
use dialog_core::{
    NoticeFate, NoticeRules, NoticeTold, NoticesWaiting, Template, ports::clock::Clock, ports::store::Store,
};
use jiff::{SignedDuration, ToSpan};

use crate::{
    inbound::{booked, from_office, old, said, settled},
    support::*,
};

const MOBILE: &str = "+4799999901";
const EMAIL: &str = "kari@example.test";
const LINK: &str = "https://portal.example/";

fn notifier(id: &str) -> PluginId {
    id.parse().unwrap()
}

fn rules() -> NoticeRules {
    NoticeRules {
        sms: Some(notifier("sms")),
        email: Some(notifier("epost")),
        link: LINK.into(),
        fold: SignedDuration::from_secs(120),
        at_night: false,
    }
}

/// A gateway with two notifiers, and Kari, who can be reached by both.
async fn world() -> World {
    let mut world = World::new().await;
    world.desk = world.desk.clone().noticing(rules());
    reached(&world, KARI, Some("+47 99 99 99 01"), Some(EMAIL));
    // Where overdue answers begin to be told of.
    assert_eq!(run(&world).await, []);
    world
}

fn reached(world: &World, number: &str, mobile: Option<&str>, email: Option<&str>) {
    let reached = (mobile.map(str::to_owned), email.map(str::to_owned));
    world.directory.reached.lock().unwrap().insert(number.into(), reached);
}

/// What a run comes to now: fate, way and text of each.
async fn run(world: &World) -> Vec<(NoticeFate, Option<NoticeChannel>, &'static str)> {
    let done = world.desk.run_notices(world.clock.now()).await.unwrap();
    done.told.into_iter().map(|NoticeTold { fate, channel, template }| (fate, channel, template.as_str())).collect()
}

/// What a run after the fold window comes to.
async fn later(world: &World) -> Vec<(NoticeFate, Option<NoticeChannel>, &'static str)> {
    world.clock.forward(121);
    run(world).await
}

/// What notifiers were given.
fn given(world: &World) -> Vec<(PluginId, Notice)> {
    world.providers.notices.lock().unwrap().clone()
}

fn texts(world: &World) -> Vec<String> {
    given(world).into_iter().map(|(_, notice)| notice.text).collect()
}

const fn sent(template: &'static str) -> (NoticeFate, Option<NoticeChannel>, &'static str) {
    (NoticeFate::Sent, Some(NoticeChannel::Sms), template)
}

const fn dropped(why: &'static str, template: &'static str) -> (NoticeFate, Option<NoticeChannel>, &'static str) {
    (NoticeFate::Dropped(why), None, template)
}

async fn book(world: &World, number: &str, hours: i64) {
    let start = world.now() + hours.hours();
    let slot = format!("slot-{hours}");
    let booking =
        NewBooking { slot, start, end: start + 20.minutes(), clinician: Some(gp()), reason: None, provider: None };
    world.desk.book(&world.citizen(number), &post("/"), booking).await.unwrap();
}

async fn answered(world: &World) -> Dialog {
    let dialog = world.opened(consultation("Det klør")).await;
    assert_eq!(settled(world, vec![said(&format!("m-{}", dialog.id), &dialog, "Smør med kremen")]).await.len(), 1);
    dialog
}

async fn preferences(world: &World) -> (NoticePreferences, u64) {
    let answer = world.desk.notice_preferences(&world.kari(), &get()).await.unwrap();
    (serde_json::from_slice(&answer.body).unwrap(), answer.etag.unwrap())
}

async fn prefer(world: &World, channels: &[NoticeChannel], kinds: &[NoticeKind]) {
    let new = NewNoticePreferences { channels: channels.to_vec(), kinds: kinds.to_vec(), locale: None };
    world.desk.prefer_notices(&world.kari(), &post("/"), new).await.unwrap();
}

fn notifies(world: &World, failure: Failure) {
    world.providers.notifies.lock().unwrap().push_back(Box::new(move || Err(failure)));
}

#[tokio::test]
async fn a_citizen_who_books_is_told_the_time_once() {
    let world = world().await;
    book(&world, KARI, 48).await;
    assert_eq!(run(&world).await, [], "it waits for what else there is to tell");
    assert_eq!(later(&world).await, [sent("appointment-booked")]);
    let [(plugin, notice)] = &given(&world)[..] else { panic!("{:?}", given(&world)) };
    assert_eq!((plugin.as_str(), notice.channel, notice.address.as_str()), ("sms", NoticeChannel::Sms, MOBILE));
    assert_eq!(
        notice.text,
        "Du har time hos Fjellveien legesenter 14.01.2026 kl. 10.00. Logg inn for å se mer: https://portal.example/"
    );
    assert_eq!((notice.subject.as_deref(), notice.link.as_deref()), (None, Some(LINK)));
    for _ in 0..3 {
        assert_eq!(later(&world).await, [], "once");
    }
    assert_eq!(given(&world).len(), 1);
}

#[tokio::test]
async fn a_notice_holds_nothing_of_what_was_written() {
    let world = world().await;
    answered(&world).await;
    assert_eq!(later(&world).await, [sent("message")]);
    let said = texts(&world).remove(0);
    assert_eq!(
        said, "You have a new message from Fjellveien legesenter. Log in to read it: https://portal.example/",
        "in the language of the dialog"
    );
    let record = world.log.last();
    assert_eq!((record.kind, record.action.as_str()), (RecordKind::Outcome, "notice.send"));
    assert_eq!(record.actor.role, ActorRole::Gateway);
    assert!(record.citizen.is_some() && record.call.is_some());
    assert_eq!((record.details["channel"].as_str(), record.details["template"].as_str()), ("sms", "message"));
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains("99999901") && !text.contains("Smør"), "{text}");
}

#[tokio::test]
async fn nobody_is_told_of_what_they_did_themselves() {
    let world = world().await;
    let dialog = world.opened(consultation("Det klør")).await;
    world.desk.send(&world.kari(), &post("/"), dialog.id, text("Fremdeles")).await.unwrap();
    world.desk.close(&world.kari(), &post("/"), dialog.id).await.unwrap();
    assert_eq!(later(&world).await, []);
}

#[tokio::test]
async fn several_events_within_the_window_are_one_notice() {
    let world = world().await;
    let dialog = answered(&world).await;
    let (status, reason) = (DialogStatus::Closed(Closing::Answered), None);
    let closed = EventBody::Status { dialog: reference(dialog.id), status, reason };
    assert_eq!(settled(&world, vec![old("closed", closed)]).await, ["closed accepted"]);
    let one = [dropped("folded", "closed"), sent("message")];
    assert_eq!(later(&world).await, one, "of one dialog, what matters most");

    let fees = vec![DialogFee { tariff: "2ae".into(), amount: 20_400, clinician: None }];
    let charged = EventBody::Charged { dialog: reference(dialog.id), fees };
    settled(&world, vec![old("charged", charged), from_office("e1", KARI, true)]).await;
    let waiting = world.desk.notices_waiting().await.unwrap();
    assert_eq!((waiting.citizens, waiting.notices), (1, 0), "the first is with its notifier");
    let several = [dropped("folded", "payment"), dropped("folded", "message"), sent("several")];
    let mut told = later(&world).await;
    told[..2].sort_unstable_by_key(|(_, _, template)| std::cmp::Reverse(*template));
    assert_eq!(told, several);
    assert_eq!(world.desk.notices_waiting().await.unwrap(), NoticesWaiting::default());
    assert_eq!(texts(&world).len(), 2);
    assert!(!texts(&world)[1].contains("Fjellveien"), "of several things nothing is said");
}

#[tokio::test]
async fn an_appointment_that_is_cancelled_before_anybody_was_told_is_told_as_that() {
    let world = world().await;
    let at = "2026-01-20T09:00:00Z";
    let made = booked("e1", None, KARI, AppointmentChangeKind::Booked, at);
    let gone = booked("e2", None, KARI, AppointmentChangeKind::Cancelled, at);
    assert_eq!(settled(&world, vec![made, gone]).await, ["e1 accepted", "e2 accepted"]);
    assert_eq!(later(&world).await, [dropped("gone", "appointment-booked"), sent("appointment-cancelled")]);
}

#[tokio::test]
async fn who_has_said_no_is_not_told_and_who_said_no_to_some_is_told_the_rest() {
    let world = world().await;
    prefer(&world, &[], NoticeKind::ALL).await;
    book(&world, KARI, 48).await;
    assert_eq!(later(&world).await, [dropped("opted-out", "appointment-booked")]);
    prefer(&world, NoticeChannel::ALL, &[NoticeKind::Message]).await;
    book(&world, KARI, 49).await;
    answered(&world).await;
    assert_eq!(later(&world).await, [dropped("declined", "appointment-booked"), sent("message")]);
    assert_eq!(given(&world).len(), 1);
}

#[tokio::test]
async fn the_citizen_decides_and_nobody_else_and_on_what_holds_now() {
    let world = world().await;
    let (before, revision) = preferences(&world).await;
    assert_eq!((before.channels.as_slice(), before.kinds.as_slice()), (NoticeChannel::ALL, NoticeKind::ALL));
    assert_eq!((before.reachable.as_slice(), revision), (NoticeChannel::ALL, 0));

    let new = NewNoticePreferences { channels: vec![NoticeChannel::Email], kinds: Vec::new(), locale: None };
    let stale = dialog_core::request::Request { if_match: Some(7), ..post("/") };
    assert_eq!(why(world.desk.prefer_notices(&world.kari(), &stale, new.clone()).await), "precondition-failed no");
    let fresh = dialog_core::request::Request { if_match: Some(0), ..post("/") };
    let answer = world.desk.prefer_notices(&world.kari(), &fresh, new.clone()).await.unwrap();
    assert_eq!(answer.etag, Some(1));
    assert_eq!(preferences(&world).await.0.channels, [NoticeChannel::Email]);
    assert_eq!(
        world.log.kinds("notice-preferences.change").len(),
        4,
        "a stale one, and an intent with its outcome each"
    );

    let acting = world.desk.prefer_notices(&world.kari_for_nora(), &post("/"), new).await;
    assert_eq!(why(acting), "not-permitted no");
    reached(&world, KARI, None, Some(EMAIL));
    assert_eq!(preferences(&world).await.0.reachable, [NoticeChannel::Email]);
}

#[tokio::test]
async fn who_acts_for_another_is_not_told_and_who_cannot_be_reached_is_not_either() {
    let world = world().await;
    let start = world.now() + 48.hours();
    let booking = NewBooking {
        slot: "s".into(),
        start,
        end: start + 20.minutes(),
        clinician: None,
        reason: None,
        provider: None,
    };
    world.desk.book(&world.kari_for_nora(), &post("/"), booking).await.unwrap();
    assert_eq!(later(&world).await, [dropped("no-address", "appointment-booked")]);
    assert_eq!(given(&world), [], "not to Kari's telephone");

    answered(&world).await;
    world.directory.inactive.lock().unwrap().insert(KARI.into());
    assert_eq!(later(&world).await, [dropped("no-address", "message")], "who left digital dialog gets letters");
    // What the citizen chose here counts before what the directory says.
    world.choose(dialog_core::Choosable::Digital, true).await;
    answered(&world).await;
    assert_eq!(later(&world).await, [sent("message")]);
}

#[tokio::test]
async fn what_was_read_is_not_told() {
    let world = world().await;
    let dialog = answered(&world).await;
    world.desk.seen(&world.kari(), &post("/"), dialog.id).await.unwrap();
    assert_eq!(later(&world).await, [dropped("read", "message")]);
}

#[tokio::test]
async fn people_sleep_and_are_told_in_the_morning_but_for_an_appointment_that_is_near() {
    let world = world().await;
    // 23:00 in Oslo.
    world.clock.forward(13 * 3600);
    answered(&world).await;
    let near = booked("e1", None, KARI, AppointmentChangeKind::Moved, "2026-01-13T09:00:00Z");
    let far = booked("e2", None, OLA, AppointmentChangeKind::Moved, "2026-02-13T09:00:00Z");
    reached(&world, OLA, Some("+4799999902"), None);
    assert_eq!(settled(&world, vec![near, far]).await, ["e1 accepted", "e2 accepted"]);
    assert_eq!(later(&world).await, [sent("appointment-moved")], "Kari's, tomorrow");
    world.clock.forward(7 * 3600 + 3400);
    assert_eq!(run(&world).await, [], "a minute to seven");
    world.clock.forward(200);
    let mut morning = run(&world).await;
    morning.sort_unstable_by_key(|(_, _, template)| *template);
    assert_eq!(morning, [sent("appointment-moved"), sent("message")]);
}

fn own(id: &str, appointment: Option<&str>, dialog: Option<String>) -> Event {
    let citizen = CitizenIdentity::NationalIdentityNumber(KARI.parse().unwrap());
    let (channel, at) = (NoticeChannel::Sms, NOW.parse().unwrap());
    event(id, EventBody::Notified { dialog, appointment: appointment.map(str::to_owned), citizen, channel, at })
}

#[tokio::test]
async fn what_the_provider_has_told_itself_is_not_told_again_whichever_came_first() {
    let world = world().await;
    let moved = |id: &str| booked(id, None, KARI, AppointmentChangeKind::Moved, "2026-01-20T09:00:00Z");
    assert_eq!(settled(&world, vec![moved("e1"), own("n1", Some("a-1"), None)]).await, ["e1 accepted", "n1 accepted"]);
    assert_eq!(later(&world).await, [dropped("own", "appointment-moved")]);

    let dialog = world.opened(consultation("x")).await;
    settled(&world, vec![own("n2", None, Some(reference(dialog.id))), said("m1", &dialog, "Hei")]).await;
    assert_eq!(later(&world).await, [dropped("own", "message")]);
    // Of another matter the provider has told nothing.
    answered(&world).await;
    assert_eq!(later(&world).await, [sent("message")]);
    assert_eq!(given(&world).len(), 1);
    // An hour later it is of another event.
    world.clock.forward(3600);
    settled(&world, vec![moved("e2")]).await;
    assert_eq!(later(&world).await, [sent("appointment-moved")]);
}

#[tokio::test]
async fn what_an_office_pays_its_provider_for_telling_is_never_told_by_the_gateway() {
    let world = world().await;
    world.agree(Service::Appointment, |agreement| agreement.own_notices = vec![NoticeKind::Appointment]);
    book(&world, KARI, 48).await;
    answered(&world).await;
    assert_eq!(later(&world).await, [dropped("own", "appointment-booked"), sent("message")]);
}

#[tokio::test]
async fn a_notifier_that_is_down_is_asked_again_under_the_same_id() {
    let world = world().await;
    answered(&world).await;
    for _ in 0..2 {
        notifies(&world, unavailable(Sent::Unknown));
    }
    assert_eq!(later(&world).await, [(NoticeFate::Failed, Some(NoticeChannel::Sms), "message")]);
    world.clock.forward(10);
    assert_eq!(run(&world).await, [(NoticeFate::Failed, Some(NoticeChannel::Sms), "message")]);
    world.clock.forward(20);
    assert_eq!(run(&world).await, [sent("message")]);
    let ids: Vec<NoticeId> = given(&world).iter().map(|(_, notice)| notice.id).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn after_half_an_hour_the_next_way_is_tried_and_a_day_later_the_operator_is_told() {
    let world = world().await;
    answered(&world).await;
    for _ in 0..500 {
        notifies(&world, unavailable(Sent::No));
    }
    let mut ways = Vec::new();
    for _ in 0..400 {
        world.clock.forward(300);
        ways.extend(run(&world).await);
        if ways
            .last()
            .is_some_and(|(fate, channel, _)| *fate == NoticeFate::GivenUp && *channel != Some(NoticeChannel::Sms))
        {
            break;
        }
    }
    let at = ways.iter().position(|(_, channel, _)| *channel == Some(NoticeChannel::Email)).unwrap();
    assert_eq!(ways[at - 1].0, NoticeFate::GivenUp, "by text message");
    assert!(ways[at..ways.len() - 1].iter().all(|(fate, ..)| *fate == NoticeFate::Failed));
    assert_eq!(ways.last().unwrap().0, NoticeFate::GivenUp);
    let (plugin, mail) = given(&world).pop().unwrap();
    assert_eq!((plugin.as_str(), mail.address.as_str()), ("epost", EMAIL));
    assert_eq!(mail.subject.as_deref(), Some("New message in the portal"));
    world.providers.notifies.lock().unwrap().clear();
    world.clock.forward(24 * 3600);
    assert_eq!(run(&world).await, [], "nothing is left of it");
}

#[tokio::test]
async fn an_address_that_is_none_leads_to_the_next_way_at_once() {
    let world = world().await;
    answered(&world).await;
    notifies(&world, Failure::NotFound(reason("nobody's")));
    let email = Some(NoticeChannel::Email);
    assert_eq!(
        later(&world).await,
        [(NoticeFate::Unreachable, Some(NoticeChannel::Sms), "message"), (NoticeFate::Sent, email, "message")]
    );
}

fn report(id: &str, notice: NoticeId, outcome: NoticeOutcome) -> Event {
    event(id, EventBody::Notice { notice, outcome })
}

/// What a notifier says of a notice; what it is told of that.
async fn reports(world: &World, notifier_id: &str, reported: Event) -> bool {
    let before = world.log.records.lock().unwrap().len();
    world.providers.deliveries.lock().unwrap().push_back(Box::new(move || Ok(vec![reported])));
    world.desk.receive(&notifier(notifier_id), &post("/"), crate::inbound::delivery()).await.unwrap();
    let records = world.log.records.lock().unwrap();
    records[before..].iter().any(|record| record.details.get("disposition").is_some_and(|said| said == "accepted"))
}

#[tokio::test]
async fn what_did_not_arrive_is_sent_by_the_next_way_and_only_its_own_notifier_may_say_so() {
    let world = world().await;
    answered(&world).await;
    later(&world).await;
    let id = given(&world)[0].1.id;
    assert!(!reports(&world, "epost", report("r0", id, NoticeOutcome::Undeliverable)).await, "it was not given to it");
    assert!(!reports(&world, "sms", report("r1", NoticeId::new(), NoticeOutcome::Delivered)).await);
    assert!(reports(&world, "sms", report("r2", id, NoticeOutcome::Undeliverable)).await);
    assert_eq!(run(&world).await, [(NoticeFate::Sent, Some(NoticeChannel::Email), "message")]);
    assert_eq!(given(&world)[1].1.id, id);
    assert!(reports(&world, "epost", report("r3", id, NoticeOutcome::Delivered)).await);
    world.clock.forward(30 * 3600);
    assert_eq!(run(&world).await, []);
}

#[tokio::test]
async fn an_answer_that_is_late_is_told_once_and_one_that_came_in_time_is_not() {
    let world = world().await;
    let late = world.opened(consultation("Det klør")).await;
    let early = answered(&world).await;
    world.desk.seen(&world.kari(), &post("/"), early.id).await.unwrap();
    assert_eq!(later(&world).await, [dropped("read", "message")]);
    let due = late.due.unwrap();
    // The morning after.
    world.clock.forward(due.duration_since(world.now()).as_secs() + 8 * 3600);
    assert_eq!(run(&world).await, [sent("overdue")]);
    world.clock.forward(7 * 24 * 3600);
    assert_eq!(run(&world).await, []);
    assert_eq!(texts(&world).len(), 1);
}

#[tokio::test]
async fn a_crash_between_deciding_and_sending_neither_loses_nor_doubles_a_notice() {
    for after in 0..4 {
        for written in [false, true] {
            let world = world().await;
            answered(&world).await;
            world.clock.forward(121);
            *world.store.crash.lock().unwrap() = Some(Crash { after, written });
            let _ = world.desk.run_notices(world.clock.now()).await;
            *world.store.crash.lock().unwrap() = None;
            world.store.down.store(false, Ordering::SeqCst);
            let desk = world.restarted().await.noticing(rules());
            for _ in 0..10 {
                world.clock.forward(61);
                desk.run_notices(world.clock.now()).await.unwrap();
            }
            let ids: Vec<NoticeId> = given(&world).iter().map(|(_, notice)| notice.id).collect();
            assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]), "{after} {written}: {ids:?}");
        }
    }
}

#[tokio::test]
async fn without_rules_nobody_is_told_and_nothing_is_kept() {
    let world = World::new().await;
    reached(&world, KARI, Some(MOBILE), None);
    answered(&world).await;
    world.clock.forward(10_000);
    assert_eq!(world.desk.run_notices(world.clock.now()).await.unwrap().told, []);
    for kind in [b'O', b'W', b'Q'] {
        assert_eq!(kept(&world, kind).await, 0);
    }
}

/// Keys of one kind.
async fn kept(world: &World, kind: u8) -> usize {
    let range =
        dialog_core::ports::store::Range { from: bytes::Bytes::new(), until: None, limit: 10_000, reverse: false };
    world.store.scan(range).await.unwrap().iter().filter(|entry| entry.key.get(1) == Some(&kind)).count()
}

#[tokio::test]
async fn an_erased_citizen_has_said_nothing_and_is_told_nothing() {
    let world = world().await;
    prefer(&world, &[NoticeChannel::Sms], NoticeKind::ALL).await;
    answered(&world).await;
    settled(&world, vec![own("n1", Some("a-9"), None)]).await;
    later(&world).await;
    answered(&world).await;
    for kind in [b'N', b'O', b'V', b'T', b'U'] {
        assert!(kept(&world, kind).await > 0, "{}", char::from(kind));
    }
    world.desk.erase(&world.operator(), &post("/"), &KARI.parse().unwrap()).await.unwrap();
    for kind in [b'N', b'O', b'V', b'T', b'U'] {
        assert_eq!(kept(&world, kind).await, 0, "{}", char::from(kind));
    }
    let before = given(&world).len();
    world.clock.forward(48 * 3600);
    assert_eq!(run(&world).await, []);
    assert_eq!((given(&world).len(), kept(&world, b'W').await), (before, 0));
}

#[tokio::test]
async fn a_notice_is_in_the_language_that_the_citizen_chose() {
    let world = world().await;
    let new = NewNoticePreferences { locale: Some(Locale::Nn), ..NewNoticePreferences::default() };
    world.desk.prefer_notices(&world.kari(), &post("/"), new).await.unwrap();
    answered(&world).await;
    later(&world).await;
    assert_eq!(
        texts(&world),
        ["Du har ei ny melding frå Fjellveien legesenter. Logg inn for å lese ho: https://portal.example/"]
    );
    assert_eq!(given(&world)[0].1.locale, Locale::Nn);
    assert_eq!(Template::Message.as_str(), "message");
}

/// A consultation by video whose waiting room opens.
async fn room_opens(world: &World) -> Dialog {
    let dialog = world.opened(crate::video::by_video()).await;
    assert_eq!(settled(world, vec![happens(world, "v1", &dialog, VideoState::WaitingRoomOpen)]).await, ["v1 accepted"]);
    dialog
}

fn happens(world: &World, id: &str, dialog: &Dialog, state: VideoState) -> Event {
    Event { occurred: world.now(), ..event(id, EventBody::Video { dialog: reference(dialog.id), state }) }
}

#[tokio::test]
async fn a_waiting_room_that_opens_is_told_at_once_and_once() {
    let world = world().await;
    let dialog = room_opens(&world).await;
    assert_eq!(run(&world).await, [sent("waiting-room")]);
    assert_eq!(
        texts(&world),
        [
            "The waiting room of the video meeting with Fjellveien legesenter is open now. Log in: https://portal.example/"
        ]
    );
    let joined = vec![
        happens(&world, "v2", &dialog, VideoState::ClinicianJoined),
        happens(&world, "v3", &dialog, VideoState::ParticipantJoined("Tolk".into())),
    ];
    settled(&world, joined).await;
    assert_eq!(later(&world).await, []);
    // They meet again: that is another room.
    world.clock.forward(60);
    settled(&world, vec![happens(&world, "v4", &dialog, VideoState::Ended)]).await;
    world.clock.forward(60);
    settled(&world, vec![happens(&world, "v5", &dialog, VideoState::WaitingRoomOpen)]).await;
    assert_eq!(run(&world).await, [sent("waiting-room")]);
}

#[tokio::test]
async fn an_open_waiting_room_is_told_at_night_alone_and_the_rest_in_the_morning() {
    let world = world().await;
    // 23:00 in Oslo.
    world.clock.forward(13 * 3600);
    answered(&world).await;
    assert_eq!(later(&world).await, []);
    room_opens(&world).await;
    assert_eq!(run(&world).await, [sent("waiting-room")]);
    world.clock.forward(9 * 3600);
    assert_eq!(run(&world).await, [sent("message")]);
}

#[tokio::test]
async fn what_comes_with_an_open_waiting_room_keeps_its_own_time() {
    let world = world().await;
    answered(&world).await;
    room_opens(&world).await;
    assert_eq!(run(&world).await, [sent("waiting-room")]);
    assert_eq!(later(&world).await, [sent("message")]);
}

#[tokio::test]
async fn a_meeting_that_is_over_and_a_citizen_who_said_no_are_not_told() {
    let world = world().await;
    let dialog = room_opens(&world).await;
    settled(&world, vec![happens(&world, "v2", &dialog, VideoState::Ended)]).await;
    assert_eq!(run(&world).await, [dropped("gone", "waiting-room")]);
    world.clock.forward(60);
    settled(&world, vec![happens(&world, "v3", &dialog, VideoState::WaitingRoomOpen)]).await;
    prefer(&world, &[NoticeChannel::Sms], &[NoticeKind::Message]).await;
    assert_eq!(run(&world).await, [dropped("declined", "waiting-room")]);
    assert_eq!(given(&world), []);
}
