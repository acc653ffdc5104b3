/// `upstream`, from the scripts.
pub(crate) mod upstream {
    use crate::{
        bindings::capabilities::dialog::provider::upstream::{Error, Request, Response},
        testing::{host::current, request},
    };

    pub(crate) fn send(request: &Request) -> Result<Response, Error> {
        let host = current();
        let rendered = request::Request::render(request, &host.borrow().attachments)?;
        let script = host.borrow_mut().scripts.remove(&rendered.upstream);
        host.borrow_mut().requests.push(rendered.clone());
        // The script is out of the host while it runs, so that it may look at the host.
        let Some(mut script) = script else { return Err(Error::NotGranted) };
        let reply = script(&rendered);
        host.borrow_mut().scripts.entry(rendered.upstream).or_insert(script);
        reply.0
    }
}

/// `state`, in memory.
pub(crate) mod state {
    use crate::{
        bindings::capabilities::dialog::provider::state::Error, testing::host::current, types::CitizenIdentity,
    };

    const MAX_KEY: usize = 128;
    const MAX_VALUE: usize = 64 * 1024;
    const MAX_KEYS: usize = 10_000;
    const MAX_LISTED: usize = 1_000;

    /// The office before a key, by which `inbound` reaches an office's memory, and the key. A test has one memory.
    fn split(key: &str) -> (&str, &str) {
        match key.split_once('/') {
            Some((office, _)) if !office.is_empty() && office.bytes().all(|byte| byte.is_ascii_digit()) => {
                key.split_at(office.len() + 1)
            }
            _ => ("", key),
        }
    }

    fn checked(key: &str) -> Result<&str, Error> {
        let (_, key) = split(key);
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(allowed) {
            Err(Error::InvalidKey)
        } else {
            Ok(key)
        }
    }

    pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(current().borrow().state.get(checked(key)?).cloned())
    }

    pub(crate) fn set(key: &str, value: &[u8]) -> Result<(), Error> {
        let key = checked(key)?;
        if value.len() > MAX_VALUE {
            return Err(Error::TooLarge);
        }
        let host = current();
        let state = &mut host.borrow_mut().state;
        if state.len() == MAX_KEYS && !state.contains_key(key) {
            return Err(Error::Full);
        }
        state.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    pub(crate) fn set_about(key: &str, value: &[u8], citizen: &CitizenIdentity) -> Result<(), Error> {
        set(key, value)?;
        current().borrow_mut().owners.insert(checked(key)?.to_owned(), citizen.clone());
        Ok(())
    }

    pub(crate) fn delete(key: &str) -> Result<(), Error> {
        let (key, host) = (checked(key)?, current());
        host.borrow_mut().state.remove(key);
        host.borrow_mut().owners.remove(key);
        Ok(())
    }

    pub(crate) fn keys(prefix: &str) -> Result<Vec<String>, Error> {
        let (office, prefix) = split(prefix);
        let host = current();
        let host = host.borrow();
        let found = host.state.keys().filter(|key| key.starts_with(prefix)).take(MAX_LISTED);
        Ok(found.map(|key| format!("{office}{key}")).collect())
    }
}

/// `clock`: waiting moves it.
pub(crate) mod clock {
    use crate::{testing::host::current, types::Instant};

    pub(crate) fn now() -> Instant {
        current().borrow().now
    }

    pub(crate) fn wait(milliseconds: u32) {
        current().borrow_mut().now += Instant::from(milliseconds);
    }
}

/// `log`, kept.
pub(crate) mod log {
    use crate::{log::Level, testing::host::current};

    pub(crate) fn write(level: Level, message: &str) {
        current().borrow_mut().lines.push((level, message.to_owned()));
    }
}

/// `attachments`, in memory. The media type is believed: finding it out is the gateway's.
pub(crate) mod attachments {
    use crate::{
        bindings::capabilities::dialog::provider::attachments::Error,
        testing::host::{current, keep},
        types::Attachment,
    };

    const MAX_PIECE: usize = 1024 * 1024;
    const MAX_SIZE: usize = 10 * 1024 * 1024;

    pub(crate) fn read(id: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let host = current();
        let host = host.borrow();
        let bytes = host.attachments.get(id).ok_or(Error::NotFound)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_PIECE).min(bytes.len() - start);
        Ok(bytes[start..start + length].to_vec())
    }

    pub(crate) fn create(name: &str, media_type: &str, bytes: &[u8]) -> Result<Attachment, Error> {
        if bytes.len() > MAX_SIZE {
            return Err(Error::TooLarge);
        }
        let known = ["image/jpeg", "image/png", "application/pdf", "application/octet-stream"];
        if !known.contains(&media_type) {
            return Err(Error::Unsupported);
        }
        Ok(keep(&mut current().borrow_mut(), name, media_type, bytes))
    }
}
