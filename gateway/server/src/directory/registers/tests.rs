//! The registers, behind a server that does as it is told, on a store in memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use dialog_contract::{ids::NationalIdentityNumber, pseudonym::Pseudonyms, schema::Resource};
use dialog_core::{
    KnownCitizens,
    ports::{
        clock::Clock,
        directory::Directory as _,
        keys::Owner,
        store::{Batch, Entry, Range, Revision, Store, StoreError, Versioned},
    },
};
use dialog_host::{Limits, upstream::remote::Remote};
use dialog_store::memory::MemoryStore;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    RegisteredDirectory,
    address_register::AddressRegister,
    freshness::Pace,
    gp_register::{GpRegister, Ground},
};
use crate::{
    directory::{file, loader, lookup::StoredDirectory},
    telemetry::metrics::Metrics,
};

const KARI: &str = "14838541241";
const OLA: &str = "02917130593";
const LEILA: &str = "23869247251";
const OFFICE: u32 = 8_150_110;
const ELSEWHERE: u32 = 8_150_210;

/// How the server is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Well,
    /// 500.
    Broken,
    /// Answers after the gateway's patience.
    Slow,
    /// Answers something.
    Garbage,
    /// Answers the half of it.
    Truncated,
    /// Breaks the connection.
    Gone,
}

const MOODS: [Mood; 5] = [Mood::Broken, Mood::Slow, Mood::Garbage, Mood::Truncated, Mood::Gone];

#[derive(Default)]
struct World {
    mood: Mood,
    /// Citizen and office.
    lists: BTreeMap<String, u32>,
    changes: Vec<String>,
    /// Changes before this one are not known any more.
    forgotten: usize,
    page: usize,
    organisation: u32,
    /// What was asked, in order.
    asked: Vec<String>,
    /// How often something was asked.
    times: watch::Sender<usize>,
}

type Shared = Arc<Mutex<World>>;

async fn in_mood(world: &Shared, asked: &str, answer: impl FnOnce(&mut World) -> Response) -> Response {
    let (mood, response) = {
        let mut world = world.lock().unwrap();
        world.asked.push(asked.to_owned());
        world.times.send_modify(|times| *times += 1);
        (world.mood, answer(&mut world))
    };
    match mood {
        Mood::Well => response,
        Mood::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Slow => {
            // The binding's time ends, and with it the connection.
            std::future::pending::<()>().await;
            response
        }
        Mood::Garbage => "<html>out of order</html>".into_response(),
        Mood::Truncated => {
            let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
            Bytes::copy_from_slice(&body[..body.len() / 2]).into_response()
        }
        Mood::Gone => {
            let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))]);
            axum::body::Body::from_stream(broken).into_response()
        }
    }
}

async fn patient(State(world): State<Shared>, Json(body): Json<Value>) -> Response {
    let nin = body["nin"].as_str().unwrap().to_owned();
    in_mood(&world, &format!("gp {nin}"), |world| match world.lists.get(&nin) {
        Some(office) => Json(json!({
            "patient": { "nin": nin, "givenName": "Navn", "familyName": "Navnesen" },
            "gp": { "hprNumber": 9_123_407, "givenName": "Ny", "familyName": "Lege" },
            "office": { "herId": office },
        }))
        .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
    .await
}

async fn changes(
    State(world): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let after = query.get("after").map(|after| after.parse::<usize>().unwrap());
    in_mood(&world, "changes", |world| {
        let at = after.unwrap_or(world.changes.len());
        if at < world.forgotten {
            return StatusCode::GONE.into_response();
        }
        let tag = format!("\"{}\"", world.changes.len());
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *tag) {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        let until = world.changes.len().min(at + world.page);
        let page: Vec<_> = world.changes[at..until].iter().map(|nin| json!({ "patient": { "nin": nin } })).collect();
        let more = until < world.changes.len();
        let body = Json(json!({ "changes": page, "next": until.to_string(), "more": more }));
        ([(header::ETAG, tag)], body).into_response()
    })
    .await
}

async fn party(State(world): State<Shared>, Path(her_id): Path<u32>, headers: HeaderMap) -> Response {
    in_mood(&world, &format!("party {her_id}"), |world| {
        let tag = format!("\"{}\"", world.organisation);
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *tag) {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        let body = Json(json!({
            "herId": her_id, "parentHerId": world.organisation,
            "communicationParty": {
                "Active": true, "IsValidCommunicationParty": true, "ParentOrganizationNumber": 310_001_015,
            },
        }));
        ([(header::ETAG, tag)], body).into_response()
    })
    .await
}

async fn serve(world: &Shared) -> SocketAddr {
    let app = Router::new()
        .route("/v1/patients/gp", post(patient))
        .route("/v1/changes", get(changes))
        .route("/v1/communication-parties/{herId}", get(party))
        .with_state(Arc::clone(world));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// A clock that is told.
struct Told(Mutex<Timestamp>);

impl Clock for Told {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A store that notes whose each value is.
#[derive(Default)]
struct Noting {
    memory: MemoryStore,
    owners: Mutex<BTreeMap<Bytes, Owner>>,
}

#[async_trait]
impl Store for Noting {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.memory.get(key).await
    }

    async fn scan(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.memory.scan(range).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        self.owners.lock().unwrap().extend(batch.owners.clone());
        self.memory.commit(batch).await
    }
}

/// Everything, wired. Kari is in the file and at the register, Ola at the register alone, Leila in the file alone.
struct House {
    world: Shared,
    clock: Arc<Told>,
    store: Arc<Noting>,
    citizens: KnownCitizens,
    gp: Arc<GpRegister>,
    addresses: Arc<AddressRegister>,
    directory: Arc<RegisteredDirectory>,
}

const HOUR: i64 = 3600;

impl House {
    async fn open() -> Self {
        let lists = [(KARI, ELSEWHERE), (OLA, OFFICE)].map(|(nin, office)| (nin.to_owned(), office));
        let world = World { lists: lists.into(), page: 2, organisation: 8_150_100, ..World::default() };
        let world: Shared = Arc::new(Mutex::new(world));
        let address = serve(&world).await;
        let binding = json!({
            "base-url": format!("http://{address}"), "allow-networks": ["loopback"], "timeout-milliseconds": 300,
        });
        let binding = serde_json::from_value(binding).unwrap();
        // The register is asked again as soon as it is well: what a breaker does is not what is tested here.
        let limits = Limits { breaker_failures: 1_000, ..Limits::default() };
        let remote = Remote::bind(&binding, &limits).unwrap();
        let store = Arc::new(Noting::default());
        let names = Arc::new(Pseudonyms::new(&[7; 32]).unwrap());
        let loaded = seed();
        loader::load(store.as_ref(), &names, &loaded, "file".to_owned()).await.unwrap();
        let ports: Arc<dyn Store> = Arc::<Noting>::clone(&store);
        let file = StoredDirectory::open(Arc::clone(&ports), Arc::clone(&names)).await.unwrap();
        let citizens = KnownCitizens::open(Arc::clone(&ports)).await.unwrap();
        let clock = Arc::new(Told(Mutex::new("2026-03-02T08:00:00Z".parse().unwrap())));
        let metrics = Arc::new(Metrics::default());
        let pace = Pace { fresh: SignedDuration::from_hours(1), served: SignedDuration::from_hours(24) };
        let ground = Ground {
            store: Arc::clone(&ports),
            names,
            citizens: citizens.clone(),
            clock: Arc::<Told>::clone(&clock),
            metrics: Arc::clone(&metrics),
        };
        let gp = Arc::new(GpRegister::new(remote.clone(), pace, ground));
        let addresses = Arc::new(AddressRegister::new(remote, pace, ports, Arc::<Told>::clone(&clock), metrics));
        let directory =
            RegisteredDirectory { file, gp: Some(Arc::clone(&gp)), addresses: Some(Arc::clone(&addresses)) };
        Self { world, clock, store, citizens, gp, addresses, directory: Arc::new(directory) }
    }

    fn forward(&self, seconds: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    fn mood(&self, mood: Mood) {
        self.world.lock().unwrap().mood = mood;
    }

    /// What was asked since the last look.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().asked)
    }

    /// The office of a citizen's GP; none on no list.
    async fn office(&self, nin: &str) -> Result<Option<u32>, String> {
        let found = self.directory.assignment(&number(nin)).await.map_err(|error| error.to_string())?;
        Ok(found.map(|assignment| assignment.office.get()))
    }

    /// Waits until the register was asked so often, behind requests.
    async fn asked_behind(&self, times: usize) -> Vec<String> {
        let mut told = self.world.lock().unwrap().times.subscribe();
        let enough = async {
            while self.world.lock().unwrap().asked.len() < times {
                told.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), enough).await.unwrap();
        self.asked()
    }
}

fn number(nin: &str) -> NationalIdentityNumber {
    nin.parse().unwrap()
}

fn her_id(id: u32) -> dialog_contract::ids::HerId {
    id.try_into().unwrap()
}

fn seed() -> file::Directory {
    let mut office = Resource::Office.schema()["examples"][0].clone();
    office["services"] = json!([]);
    let gp = office["practitioners"][0]["clinician"]["hprNumber"].clone();
    let mut elsewhere = office.clone();
    elsewhere["herId"] = json!(ELSEWHERE);
    let citizen = |nin: &str| {
        json!({
            "nationalIdentityNumber": nin, "givenName": "A", "familyName": "B", "mobile": "+4790000000",
            "digitallyActive": false, "generalPractitioner": gp, "office": OFFICE,
        })
    };
    let text = json!({
        "providers": [], "offices": [office, elsewhere], "agreements": [], "citizens": [citizen(KARI), citizen(LEILA)],
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text.to_string()).unwrap();
    file::read(file.path()).unwrap().directory
}

#[tokio::test]
async fn the_registers_word_counts_before_the_files_and_is_asked_for_once_while_it_is_fresh() {
    let house = House::open().await;
    let kari = house.directory.assignment(&number(KARI)).await.unwrap().unwrap();
    assert_eq!((kari.office.get(), kari.person.given_name.as_str()), (ELSEWHERE, "Navn"));
    // What no register knows of her is as the file has it, and the clinician as the office names them.
    assert_eq!((kari.person.mobile.as_deref(), kari.person.digitally_active), (Some("+4790000000"), false));
    let office = house.directory.office(her_id(ELSEWHERE)).await.unwrap().unwrap();
    let known = &office.practitioners[0].clinician;
    if known.hpr_number == kari.general_practitioner.hpr_number {
        assert_eq!(&kari.general_practitioner, known);
    }
    assert_eq!(house.office(OLA).await, Ok(Some(OFFICE)));
    assert_eq!(house.office(LEILA).await, Ok(None), "on no list, whatever the file says");
    assert_eq!(house.asked(), [format!("gp {KARI}"), format!("gp {OLA}"), format!("gp {LEILA}")]);
    house.forward(HOUR - 1);
    for nin in [KARI, OLA, LEILA] {
        house.office(nin).await.unwrap();
    }
    assert_eq!(house.asked(), [""; 0]);
}

#[tokio::test]
async fn a_register_that_is_down_slow_broken_or_talks_nonsense_is_served_on_until_its_word_is_too_old() {
    for mood in MOODS {
        let house = House::open().await;
        assert_eq!(house.office(KARI).await, Ok(Some(ELSEWHERE)));
        house.asked();
        house.mood(mood);
        house.forward(2 * HOUR);
        assert_eq!(house.office(KARI).await, Ok(Some(ELSEWHERE)), "{mood:?}: stale is served at once");
        assert_eq!(house.asked_behind(1).await, [format!("gp {KARI}")], "{mood:?}: and asked for behind it");
        house.forward(23 * HOUR);
        let error = house.office(KARI).await.unwrap_err();
        assert!(error.contains("too old") && !error.contains(KARI), "{mood:?}: {error}");
        house.mood(Mood::Well);
        assert_eq!(house.office(KARI).await, Ok(Some(ELSEWHERE)), "{mood:?}: well again");
    }
}

#[tokio::test]
async fn of_whom_the_register_never_spoke_the_file_is_the_seed() {
    for mood in MOODS {
        let house = House::open().await;
        house.mood(mood);
        assert_eq!(house.office(LEILA).await, Ok(Some(OFFICE)), "{mood:?}");
        let error = house.office(OLA).await.unwrap_err();
        assert!(error.contains("the GP register") && !error.contains(OLA), "{mood:?}: {error}");
    }
}

#[tokio::test]
async fn many_requests_that_meet_the_same_stale_word_ask_once() {
    let house = House::open().await;
    house.office(KARI).await.unwrap();
    house.asked();
    house.forward(2 * HOUR);
    house.mood(Mood::Slow);
    for _ in 0..20 {
        assert_eq!(house.office(KARI).await, Ok(Some(ELSEWHERE)));
    }
    assert_eq!(house.asked_behind(1).await, [format!("gp {KARI}")]);
}

#[tokio::test]
async fn a_citizen_who_changes_gp_is_known_at_the_new_one_with_the_next_poll() {
    let house = House::open().await;
    // The first poll only learns where the register stands.
    assert_eq!(house.gp.follow_once().await, Ok(false));
    house.office(KARI).await.unwrap();
    house.office(OLA).await.unwrap();
    {
        let mut world = house.world.lock().unwrap();
        world.lists.insert(KARI.to_owned(), OFFICE);
        // Leila was never asked about, and is not now.
        world.changes = vec![LEILA.to_owned(), KARI.to_owned(), "12345678901".to_owned()];
    }
    house.asked();
    assert_eq!(house.gp.follow_once().await, Ok(true));
    assert_eq!(house.gp.follow_once().await, Ok(false));
    assert_eq!(house.asked(), ["changes".to_owned(), format!("gp {KARI}"), "changes".to_owned()]);
    assert_eq!(house.office(KARI).await, Ok(Some(OFFICE)));
    // Nothing new is asked for by the tag of the last page, and nothing is written.
    let before = house.store.scan(all()).await.unwrap();
    assert_eq!(house.gp.follow_once().await, Ok(false));
    assert_eq!(house.gp.follow_once().await, Ok(false));
    let after = house.store.scan(all()).await.unwrap();
    assert!(before.len() == after.len() && house.asked() == ["changes", "changes"]);
}

fn all() -> Range {
    Range { from: Bytes::from_static(&[0]), until: None, limit: 10_000, reverse: false }
}

#[tokio::test]
async fn a_page_of_changes_is_not_passed_before_everybody_in_it_was_asked_about() {
    let house = House::open().await;
    house.gp.follow_once().await.unwrap();
    house.office(KARI).await.unwrap();
    {
        let mut world = house.world.lock().unwrap();
        world.lists.insert(KARI.to_owned(), OFFICE);
        world.changes = vec![KARI.to_owned()];
    }
    for mood in MOODS {
        house.mood(mood);
        assert!(house.gp.follow_once().await.is_err(), "{mood:?}");
    }
    house.mood(Mood::Well);
    assert_eq!(house.office(KARI).await, Ok(Some(ELSEWHERE)));
    house.gp.follow_once().await.unwrap();
    assert_eq!(house.office(KARI).await, Ok(Some(OFFICE)));
}

#[tokio::test]
async fn where_changes_were_missed_all_that_is_kept_is_asked_for_anew() {
    let house = House::open().await;
    house.gp.follow_once().await.unwrap();
    house.office(KARI).await.unwrap();
    house.forward(60);
    {
        let mut world = house.world.lock().unwrap();
        world.lists.insert(KARI.to_owned(), OFFICE);
        world.changes = vec![KARI.to_owned(); 9];
        world.forgotten = 5;
    }
    house.asked();
    assert_eq!(house.gp.follow_once().await, Ok(true), "the cursor is too old");
    assert_eq!(house.gp.follow_once().await, Ok(false), "from the present on");
    house.asked();
    house.office(KARI).await.unwrap();
    assert_eq!(house.asked_behind(1).await, [format!("gp {KARI}")], "what is kept is fresh by age, and stale");
}

#[tokio::test]
async fn what_is_kept_of_a_citizen_is_under_the_citizens_key_and_goes_with_them() {
    let house = House::open().await;
    house.office(KARI).await.unwrap();
    let holding = |name: &'static str, entries: Vec<Entry>| -> Vec<Bytes> {
        let held = |entry: &Entry| entry.versioned.value.windows(name.len()).any(|part| part == name.as_bytes());
        entries.into_iter().filter(held).map(|entry| entry.key).collect()
    };
    let keys = holding("Navnesen", house.store.scan(all()).await.unwrap());
    assert_eq!(keys.len(), 1);
    assert_eq!(house.store.owners.lock().unwrap()[&keys[0]], house.citizens.owner_of(&number(KARI)));
    house.directory.forget(&number(KARI)).await.unwrap();
    assert!(holding("Navnesen", house.store.scan(all()).await.unwrap()).is_empty());
}

#[tokio::test]
async fn an_office_belongs_to_the_organisation_that_the_address_register_says_for_as_long_as_that_may_be_served() {
    let house = House::open().await;
    let organisation = async || {
        let office = house.directory.office(her_id(OFFICE)).await.unwrap().unwrap();
        office.organisation_her_id.get()
    };
    let files = organisation().await;
    house.world.lock().unwrap().organisation = 8_150_999;
    let parties = [her_id(OFFICE), her_id(ELSEWHERE)];
    house.addresses.look_after(&parties).await.unwrap();
    assert_ne!(files, 8_150_999);
    assert_eq!(organisation().await, 8_150_999);
    assert_eq!(house.asked().len(), 2);
    house.addresses.look_after(&parties).await.unwrap();
    assert_eq!(house.asked().len(), 0, "fresh");
    house.forward(2 * HOUR);
    house.addresses.look_after(&parties).await.unwrap();
    assert_eq!(house.asked().len(), 2, "nothing changed, and it is fresh again");
    for mood in MOODS {
        house.mood(mood);
        house.forward(2 * HOUR);
        let _ = house.addresses.look_after(&parties).await;
        assert_eq!(organisation().await, 8_150_999, "{mood:?}");
    }
    house.forward(24 * HOUR);
    assert_eq!(organisation().await, files, "too old: the file's own word");
}
