//! Whatever happens to a dialog, in whatever order, the rules of its life hold.

use dialog_contract::{
    dialog::{Dialog, Status},
    provider::{DialogStatus, EventBody, Failure},
    service::{Closing, Sent, Service},
};
use proptest::prelude::*;

use crate::support::*;

#[derive(Debug, Clone, Copy)]
enum Told {
    Accept,
    Answer,
    AnswerAndClose,
    Decline,
    Down,
    DownPerhapsSent,
    NonsensePerhapsSent,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Send(Told),
    Close(Told),
    Seen,
    Wait(Told),
    Days,
    SwitchOff,
    Restart,
    Recover,
}

fn told() -> impl Strategy<Value = Told> {
    use Told::*;
    prop_oneof![
        3 => Just(Accept),
        2 => Just(Answer),
        1 => Just(AnswerAndClose),
        1 => Just(Decline),
        2 => Just(Down),
        1 => Just(DownPerhapsSent),
        1 => Just(NonsensePerhapsSent),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => told().prop_map(Step::Send),
        1 => told().prop_map(Step::Close),
        1 => Just(Step::Seen),
        4 => told().prop_map(Step::Wait),
        1 => Just(Step::Days),
        1 => Just(Step::SwitchOff),
        1 => Just(Step::Restart),
        1 => Just(Step::Recover),
    ]
}

fn act(told: Told, dialog: Option<String>, number: usize) -> Result<Vec<dialog_contract::provider::Event>, Failure> {
    let answer = |status| {
        dialog.into_iter().map(move |dialog| {
            let message = office_message(&format!("m{number}"), &format!("answer {number}"));
            event(&format!("e{number}"), EventBody::Message { dialog, message, status, redirect: None })
        })
    };
    match told {
        Told::Accept => Ok(Vec::new()),
        Told::Answer => Ok(answer(DialogStatus::AwaitingCitizen).collect()),
        Told::AnswerAndClose => Ok(answer(DialogStatus::Closed(Closing::Answered)).collect()),
        Told::Decline => Err(Failure::Declined(reason("No."))),
        Told::Down => Err(unavailable(Sent::No)),
        Told::DownPerhapsSent => Err(unavailable(Sent::Unknown)),
        Told::NonsensePerhapsSent => Err(faulty(Sent::Unknown)),
    }
}

/// What may never change from one state of a dialog to a later one.
fn check(before: &Dialog, after: &Dialog) {
    assert_eq!(before.id, after.id);
    assert!(after.revision >= before.revision);
    // Time alone makes an answer overdue.
    let same = Dialog { overdue: after.overdue, ..before.clone() } == *after;
    if !same {
        assert!(after.revision > before.revision, "a change without a new revision");
    }
    assert!(after.updated >= before.updated);
    assert!(after.messages.len() >= before.messages.len(), "a message went missing");
    for (was, is) in before.messages.iter().zip(&after.messages) {
        assert!(was.seen.is_none() || was.seen == is.seen, "seen is set once");
        assert_eq!(
            dialog_contract::dialog::Message { seen: None, ..was.clone() },
            dialog_contract::dialog::Message { seen: None, ..is.clone() }
        );
    }
    assert_eq!(before.activities, after.activities[..before.activities.len()], "an activity changed");
    if matches!(before.status, Status::Closed { .. }) {
        assert_eq!(before.status, after.status, "what is closed stays closed");
    }
    if matches!(after.status, Status::Closed { .. }) {
        assert!(!after.reply_allowed);
    }
    let unopened = after
        .messages
        .iter()
        .filter(|message| message.author.role == dialog_contract::dialog::AuthorRole::Office && message.seen.is_none());
    assert_eq!(after.unopened as usize, unopened.count());
}

async fn live(first: Told, idempotent: bool, steps: Vec<Step>) {
    let mut world = World::new().await;
    if idempotent {
        world.idempotent();
    }
    world.opens(move || act(first, None, 0));
    let _ = world.desk.open(&world.kari(), &post("/"), consultation("x")).await;
    let Some(mut state) = world.listed().await.pop() else { return };
    let id = state.id;
    for (number, step) in steps.into_iter().enumerate() {
        let number = number + 1;
        let name = Some(reference(id));
        match step {
            Step::Send(told) => {
                world.sends(move || act(told, name, number));
                let before = state.messages.len();
                let sent = world.desk.send(&world.kari(), &post("/"), id, text(&format!("{number}"))).await;
                world.providers.sends.lock().unwrap().clear();
                if sent.is_ok() {
                    assert!(
                        world.read(id).await.messages.len() > before,
                        "an accepted message must stand in the dialog"
                    );
                }
            }
            Step::Close(told) => {
                world.closes(move || act(told, name, number));
                let closed = world.desk.close(&world.kari(), &post("/"), id).await;
                world.providers.closes.lock().unwrap().clear();
                if closed.is_ok() {
                    assert!(matches!(world.read(id).await.status, Status::Closed { .. }));
                }
            }
            Step::Seen => {
                assert_eq!(dialog(&world.desk.seen(&world.kari(), &post("/"), id).await.unwrap()).unopened, 0)
            }
            Step::Wait(told) => {
                for acts in [&world.providers.opens, &world.providers.sends, &world.providers.closes] {
                    let name = name.clone();
                    acts.lock().unwrap().push_back(Box::new(move || act(told, name, number)));
                }
                world.clock.forward(16 * 60);
                world.desk.run_due_work(world.now()).await.unwrap();
                for acts in [&world.providers.opens, &world.providers.sends, &world.providers.closes] {
                    acts.lock().unwrap().clear();
                }
            }
            Step::Days => {
                world.clock.forward(97 * 3600);
                world.desk.run_due_work(world.now()).await.unwrap();
                world.desk.purge().await.unwrap();
            }
            Step::SwitchOff => world.agree(Service::Consultation, |agreement| agreement.enabled = !agreement.enabled),
            Step::Restart => world.desk = world.restarted().await,
            Step::Recover => assert_eq!(world.desk.recover().await.unwrap().due, 0, "nothing was left behind"),
        }
        let after = world.read(id).await;
        check(&state, &after);
        assert_eq!(world.listed().await, std::slice::from_ref(&after), "the list shows what the dialog is");
        state = after;
    }
    // In the end nothing is left to be done for ever.
    for _ in 0..10 {
        world.clock.forward(97 * 3600);
        world.desk.run_due_work(world.now()).await.unwrap();
    }
    assert_eq!(world.desk.run_due_work(world.now()).await.unwrap().due, 0);
    assert_ne!(world.read(id).await.status, Status::Queued);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_rules_of_a_dialogs_life_hold_whatever_happens(
        first in told(),
        idempotent: bool,
        steps in prop::collection::vec(step(), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(first, idempotent, steps));
    }
}
