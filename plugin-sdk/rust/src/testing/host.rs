use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use super::{Reply, Request};
use crate::{
    log::Level,
    types::{Attachment, CitizenIdentity, Failure, Instant},
};

/// When a test begins: 2026-01-05T08:00:00Z, a Monday.
pub(super) const START: Instant = 1_767_600_000_000;

pub(super) type Script = Box<dyn FnMut(&Request) -> Reply>;

/// What the host of a thread knows.
pub(super) struct Inner {
    pub(super) now: Instant,
    pub(super) scripts: HashMap<String, Script>,
    pub(super) requests: Vec<Request>,
    pub(super) lines: Vec<(Level, String)>,
    pub(super) state: BTreeMap<String, Vec<u8>>,
    /// Whose keys of `state` are.
    pub(super) owners: BTreeMap<String, CitizenIdentity>,
    pub(super) attachments: HashMap<String, Vec<u8>>,
}

thread_local! {
    static HOST: RefCell<Option<Rc<RefCell<Inner>>>> = const { RefCell::new(None) };
}

/// The host of this thread, from [`Host::install`] until it is dropped.
#[must_use = "the host is gone when this is dropped"]
pub struct Host(Rc<RefCell<Inner>>);

impl Host {
    /// Installs a host for this thread: no upstream answers, state is empty, the time is 2026-01-05T08:00:00Z.
    ///
    /// # Panics
    /// When the thread has one already.
    #[allow(clippy::panic, reason = "this module is compiled for tests")]
    pub fn install() -> Self {
        let inner = Rc::new(RefCell::new(Inner {
            now: START,
            scripts: HashMap::new(),
            requests: Vec::new(),
            lines: Vec::new(),
            state: BTreeMap::new(),
            owners: BTreeMap::new(),
            attachments: HashMap::new(),
        }));
        HOST.with_borrow_mut(|host| {
            if host.is_some() {
                panic!("this thread has a test host already: keep one, and drop it before the next");
            }
            *host = Some(Rc::clone(&inner));
        });
        Self(inner)
    }

    /// From now on `answer` is asked for what is sent to the remote system of that name. The script may not call the
    /// gateway itself.
    pub fn upstream(&self, name: &str, answer: impl FnMut(&Request) -> Reply + 'static) {
        self.0.borrow_mut().scripts.insert(name.to_owned(), Box::new(answer));
    }

    /// Keeps a file that a message can carry.
    pub fn attachment(&self, name: &str, media_type: &str, bytes: &[u8]) -> Attachment {
        keep(&mut self.0.borrow_mut(), name, media_type, bytes)
    }

    /// Calls the plugin as the gateway does: what it wrote to its state is forgotten when it fails.
    pub fn call<T>(&self, plugin: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let before = (self.0.borrow().state.clone(), self.0.borrow().owners.clone());
        plugin().inspect_err(|_| {
            let mut inner = self.0.borrow_mut();
            (inner.state, inner.owners) = before;
        })
    }

    /// Forgets what was written about a citizen, as the gateway does when one is erased. A test has no citizen whom a call
    /// is for: here this is what [`crate::state::set_about`] wrote.
    pub fn erase(&self, citizen: &CitizenIdentity) {
        let mut inner = self.0.borrow_mut();
        let Inner { state, owners, .. } = &mut *inner;
        owners.retain(|key, owner| {
            let stays = owner != citizen;
            if !stays {
                state.remove(key);
            }
            stays
        });
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Instant) {
        self.0.borrow_mut().now = now;
    }

    /// Everything that was sent, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.0.borrow().requests.clone()
    }

    /// Everything that was logged, in order.
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.0.borrow().lines.clone()
    }

    /// What the plugin keeps.
    pub fn state(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.borrow().state.clone()
    }

    /// The bytes behind a handle.
    pub fn bytes(&self, attachment: &Attachment) -> Option<Vec<u8>> {
        self.0.borrow().attachments.get(&attachment.id).cloned()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        HOST.with_borrow_mut(|host| *host = None);
    }
}

pub(super) fn keep(inner: &mut Inner, name: &str, media_type: &str, bytes: &[u8]) -> Attachment {
    let id = format!("attachment-{}", inner.attachments.len() + 1);
    inner.attachments.insert(id.clone(), bytes.to_vec());
    Attachment { id, media_type: media_type.to_owned(), name: name.to_owned(), size: bytes.len() as u64 }
}

/// The host of this thread.
#[allow(clippy::expect_used, reason = "this module is compiled for tests")]
pub(super) fn current() -> Rc<RefCell<Inner>> {
    HOST.with_borrow(Clone::clone)
        .expect("no host: outside the gateway a plugin runs in tests that called testing::Host::install()")
}
