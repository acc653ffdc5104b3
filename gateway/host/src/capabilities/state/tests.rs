//! What a plugin may keep, where, and until when.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::tests::{MemoryStore, Residents};

/// What a test's calls have in common.
#[derive(Default)]
struct House {
    store: Arc<MemoryStore>,
    forgotten: Arc<Forgotten>,
}

const KARI: &str = "14838541241";
const OLA: &str = "02917130593";

fn by_number(number: &str) -> types::CitizenIdentity {
    types::CitizenIdentity::NationalIdentityNumber(number.to_owned())
}

impl House {
    fn call(&self, plugin: &str, scope: Scope, citizen: Option<&str>) -> State {
        let limits = Limits { state_keys: 3, state_value_bytes: 10, state_writes: 5, ..Limits::default() };
        let memories = Memories {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            citizens: Arc::new(Residents),
            forgotten: Arc::clone(&self.forgotten),
        };
        let citizen = citizen.map(|number| CitizenIdentity::NationalIdentityNumber(number.parse().unwrap()));
        let whose = Whose { plugin: plugin.parse().unwrap(), scope, citizen, numbers: true };
        State::new(memories, whose, Instant::now(), &limits)
    }

    /// A call for a citizen, at the first office.
    fn of(&self, number: &str) -> State {
        self.call("one", office(1), Some(number))
    }

    async fn forget(&self, number: &str) -> usize {
        let owner = Residents::owner_of(&number.parse().unwrap());
        forget(self.store.as_ref(), &self.forgotten, owner).await.unwrap()
    }
}

fn state(store: &Arc<MemoryStore>, plugin: &str, scope: Scope) -> State {
    House { store: Arc::clone(store), ..House::default() }.call(plugin, scope, None)
}

fn office(number: u32) -> Scope {
    Scope::Office(number.try_into().unwrap())
}

#[tokio::test]
async fn what_was_written_is_read_in_the_same_call_and_after_its_commit() {
    let store = Arc::new(MemoryStore::default());
    let mut call = state(&store, "one", office(1));
    call.set("a", b"1".to_vec()).await.unwrap();
    assert_eq!(call.get("a").await.unwrap().as_deref(), Some(&b"1"[..]));
    let other = state(&store, "one", office(1));
    assert_eq!(other.get("a").await.unwrap(), None);
    call.commit().await.unwrap();
    assert_eq!(other.get("a").await.unwrap().as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn plugins_and_offices_never_see_each_others_keys() {
    let store = Arc::new(MemoryStore::default());
    for (plugin, scope) in [("one", office(1)), ("one", office(2)), ("one", Scope::Inbound), ("one-two", office(1))] {
        let mut call = state(&store, plugin, scope);
        assert_eq!(call.list("").await.unwrap(), Vec::<String>::new());
        call.set("a", b"1".to_vec()).await.unwrap();
        call.commit().await.unwrap();
    }
}

#[tokio::test]
async fn inbound_reaches_the_memory_of_an_office_by_its_her_id() {
    let store = Arc::new(MemoryStore::default());
    let mut call = state(&store, "one", office(7));
    call.set("m.1", b"1".to_vec()).await.unwrap();
    call.commit().await.unwrap();
    let mut call = state(&store, "one", Scope::Inbound);
    assert_eq!(call.get("7/m.1").await.unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(call.get("m.1").await.unwrap(), None);
    call.set("7/m.2", b"2".to_vec()).await.unwrap();
    call.set("own", b"3".to_vec()).await.unwrap();
    assert_eq!(call.list("7/m.").await.unwrap(), ["7/m.1", "7/m.2"]);
    assert_eq!(call.list("").await.unwrap(), ["own"]);
    call.delete("7/m.1").unwrap();
    call.commit().await.unwrap();
    let call = state(&store, "one", office(7));
    assert_eq!(call.list("").await.unwrap(), ["m.2"]);
    // No other place is reached so: neither another plugin's, nor one office from another.
    assert_eq!(call.get("8/m.1").await, Err(Error::InvalidKey));
    assert_eq!(state(&store, "two", Scope::Inbound).get("7/m.2").await.unwrap(), None);
    for bad in ["7/", "x/m", "7/8/m", "/m", "07/m", "+7/m", "0/m"] {
        assert_eq!(state(&store, "one", Scope::Inbound).get(bad).await, Err(Error::InvalidKey), "{bad}");
    }
}

#[tokio::test]
async fn keys_are_listed_in_order_with_what_the_call_wrote_and_deleted() {
    let store = Arc::new(MemoryStore::default());
    let mut call = state(&store, "one", office(1));
    for key in ["m.2", "m.1", "n.1"] {
        call.set(key, b"1".to_vec()).await.unwrap();
    }
    call.commit().await.unwrap();
    let mut call = state(&store, "one", office(1));
    call.delete("m.1").unwrap();
    call.set("m.0", b"1".to_vec()).await.unwrap_err();
    call.set("m.2", b"2".to_vec()).await.unwrap();
    assert_eq!(call.list("m.").await.unwrap(), ["m.2"]);
    assert_eq!(call.list("").await.unwrap(), ["m.2", "n.1"]);
}

#[tokio::test]
async fn each_limit_has_its_error() {
    let store = Arc::new(MemoryStore::default());
    let mut call = state(&store, "one", office(1));
    assert_eq!(call.set("A", vec![]).await, Err(Error::InvalidKey));
    assert_eq!(call.set("", vec![]).await, Err(Error::InvalidKey));
    assert_eq!(call.set(&"a".repeat(129), vec![]).await, Err(Error::InvalidKey));
    assert_eq!(call.set("a", vec![0; 11]).await, Err(Error::TooLarge));
    for key in ["a", "b", "c"] {
        call.set(key, vec![0]).await.unwrap();
    }
    assert_eq!(call.set("d", vec![0]).await, Err(Error::Full));
    call.set("c", vec![1]).await.unwrap();
    call.commit().await.unwrap();
    let mut call = state(&store, "one", office(1));
    assert_eq!(call.set("d", vec![0]).await, Err(Error::Full));
    call.delete("a").unwrap();
    call.commit().await.unwrap();
    let mut call = state(&store, "one", office(1));
    call.set("d", vec![0]).await.unwrap();
}

#[tokio::test]
async fn calls_at_once_keep_the_count_right() {
    let store = Arc::new(MemoryStore::default());
    let calls = ["a", "b", "c"].map(|key| {
        let mut call = state(&store, "one", office(1));
        async move {
            call.set(key, vec![0]).await.unwrap();
            call.commit().await.unwrap();
        }
    });
    futures_util::future::join_all(calls).await;
    let mut call = state(&store, "one", office(1));
    assert_eq!(call.set("d", vec![0]).await, Err(Error::Full));
}

#[tokio::test]
async fn what_a_call_for_a_citizen_writes_goes_with_the_citizen_and_all_else_stays() {
    let house = House::default();
    for (number, key) in [(KARI, "k"), (OLA, "o")] {
        let mut call = house.of(number);
        call.set(key, number.as_bytes()[..9].to_vec()).await.unwrap();
        call.commit().await.unwrap();
    }
    let mut nobodys = house.call("one", Scope::Inbound, None);
    nobodys.set("1/n", b"n".to_vec()).await.unwrap();
    nobodys.commit().await.unwrap();
    // The memory is the plugin's: whoever the call is for reads it.
    assert!(house.of(OLA).get("k").await.unwrap().is_some());

    assert_eq!(house.forget(KARI).await, 1);
    let mut call = house.of(OLA);
    assert_eq!(call.list("").await.unwrap(), ["n", "o"]);
    // One of three keys is free again, and no more than one.
    call.set("p", vec![]).await.unwrap();
    assert_eq!(call.set("q", vec![]).await, Err(Error::Full));
    assert_eq!(house.forget(KARI).await, 0);
}

#[tokio::test]
async fn inbound_says_whom_a_value_concerns_and_what_it_only_sets_stays_whose_it_was() {
    let house = House::default();
    let mut citizens = house.of(KARI);
    citizens.set("a", b"a".to_vec()).await.unwrap();
    citizens.commit().await.unwrap();
    let mut inbound = house.call("one", Scope::Inbound, None);
    assert!(inbound.set_about("1/b", b"b".to_vec(), by_number(KARI)).await.unwrap());
    inbound.commit().await.unwrap();
    let mut inbound = house.call("one", Scope::Inbound, None);
    inbound.set("1/a", b"again".to_vec()).await.unwrap();
    inbound.set("1/b", b"again".to_vec()).await.unwrap();
    inbound.commit().await.unwrap();
    assert_eq!(house.forget(KARI).await, 2);
    assert_eq!(house.of(OLA).list("").await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn of_somebody_whom_nobody_knows_nothing_is_kept() {
    let house = House::default();
    let mut inbound = house.call("one", Scope::Inbound, None);
    let strangers = [types::CitizenIdentity::Reference("nobody".to_owned()), by_number("12345678901"), by_number("x")];
    for stranger in strangers {
        assert!(!inbound.set_about("k", b"1".to_vec(), stranger).await.unwrap());
    }
    inbound.whose.numbers = false;
    assert!(!inbound.set_about("k", b"1".to_vec(), by_number(KARI)).await.unwrap(), "the number is not granted");
    assert_eq!(inbound.set_about("K", vec![], by_number("x")).await, Err(Error::InvalidKey));
    inbound.commit().await.unwrap();
    assert_eq!(inbound.list("").await.unwrap(), Vec::<String>::new());
    assert!(house.store.is_empty());
}

#[tokio::test]
async fn a_value_that_becomes_anothers_goes_with_the_other() {
    let house = House::default();
    for number in [KARI, OLA] {
        let mut call = house.of(number);
        call.set("shared", b"1".to_vec()).await.unwrap();
        call.commit().await.unwrap();
    }
    assert_eq!(house.forget(KARI).await, 0);
    assert!(house.of(KARI).get("shared").await.unwrap().is_some());
    let mut call = house.of(OLA);
    call.delete("shared").unwrap();
    call.commit().await.unwrap();
    assert_eq!(house.forget(OLA).await, 0, "what was deleted is not found");
    assert_eq!(house.store.values(), [vec![0; 8]], "the number of keys is all that is left");
}

#[tokio::test]
async fn a_call_that_was_under_way_keeps_nothing_of_whom_was_forgotten_meanwhile() {
    let house = House::default();
    let mut before = house.of(KARI);
    before.set("a", b"1".to_vec()).await.unwrap();
    before.commit().await.unwrap();
    // One call for Kari, and one of `inbound` that only goes on with what it finds.
    let (mut citizens, mut inbound) = (house.of(KARI), house.call("one", Scope::Inbound, None));
    inbound.set("1/a", b"2".to_vec()).await.unwrap();
    inbound.set("own", b"3".to_vec()).await.unwrap();
    citizens.set("b", b"4".to_vec()).await.unwrap();
    assert_eq!(house.forget(KARI).await, 1);
    citizens.commit().await.unwrap();
    inbound.commit().await.unwrap();
    let inbound = house.call("one", Scope::Inbound, None);
    assert_eq!(inbound.list("1/").await.unwrap(), Vec::<String>::new());
    assert_eq!(inbound.list("").await.unwrap(), ["own"], "which is nobody's");
    // Kari is free to begin anew.
    let mut anew = house.of(KARI);
    anew.set("c", b"5".to_vec()).await.unwrap();
    anew.commit().await.unwrap();
    assert_eq!(house.of(OLA).list("").await.unwrap(), ["c"]);
}

#[tokio::test]
async fn forgetting_goes_through_all_plugins_and_offices_however_much_there_is() {
    let house = House::default();
    let offices = 1..=u32::try_from(crate::limits::STATE_FORGOTTEN_AT_ONCE).unwrap();
    for (plugin, number) in ["one", "two"].into_iter().flat_map(|plugin| offices.clone().map(move |at| (plugin, at))) {
        let mut call = house.call(plugin, office(number), Some(KARI));
        call.set("a", b"1".to_vec()).await.unwrap();
        call.set("b", b"1".to_vec()).await.unwrap();
        call.commit().await.unwrap();
    }
    assert_eq!(house.forget(KARI).await, 4 * crate::limits::STATE_FORGOTTEN_AT_ONCE);
    assert!(house.store.values().iter().all(|value| value[..] == [0; 8]), "the numbers of keys are all that is left");
}
