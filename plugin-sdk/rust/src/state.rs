//! A small memory of the plugin's own for each office, and one for `inbound`. In `inbound`, a key with an office's HER-id
//! and a slash before it (`8150101/key`) is that key in the memory of the office.
//!
//! What is written in a call for a citizen is that citizen's, and goes when the citizen is erased; in `inbound`,
//! [`set_about`] says whose a value is. Keys are not encrypted: never a person's name or number in one.
//!
//! Writes are kept when the call returns a result that is not a failure, and forgotten otherwise. Errors become
//! `unavailable`, with nothing sent; a plugin that has sent something adds [`Failure::sent_at_least`].

use serde::{Serialize, de::DeserializeOwned};

pub use crate::bindings::capabilities::dialog::provider::state::Error;
use crate::{
    capabilities,
    types::{CitizenIdentity, Failure, Sent},
};

/// The value of a key.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    capabilities::state::get(key)
}

/// Sets a key: 1 to 128 characters of `a-z0-9._-`, a value of at most 64 KiB.
pub fn set(key: &str, value: &[u8]) -> Result<(), Error> {
    capabilities::state::set(key, value)
}

/// Sets a key as [`set`] does, to a value of this citizen's. Nothing is kept of one whom the gateway does not know by that
/// identity.
pub fn set_about(key: &str, value: &[u8], citizen: &CitizenIdentity) -> Result<(), Error> {
    capabilities::state::set_about(key, value, citizen)
}

/// Removes a key, also one that is not there.
pub fn delete(key: &str) -> Result<(), Error> {
    capabilities::state::delete(key)
}

/// Keys that begin with `prefix`, in order, at most 1,000.
pub fn keys(prefix: &str) -> Result<Vec<String>, Error> {
    capabilities::state::keys(prefix)
}

/// Reads a value that [`set_json`] wrote. One that cannot be read any more is `faulty`: the plugin wrote it, perhaps in
/// another version.
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Failure> {
    let Some(value) = get(key)? else { return Ok(None) };
    match serde_json::from_slice(&value) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(Failure::faulty(
            Sent::No,
            format!("state `{key}` is not what this version writes (line {}, column {})", error.line(), error.column()),
        )),
    }
}

/// Keeps a value as JSON.
pub fn set_json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<(), Failure> {
    let json = serde_json::to_vec(value)
        .map_err(|_| Failure::faulty(Sent::No, format!("the value of state `{key}` has no form in JSON")))?;
    Ok(set(key, &json)?)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let why = match error {
            Error::InvalidKey => return Self::faulty(Sent::No, "state: a key that the contract does not allow"),
            Error::TooLarge => return Self::faulty(Sent::No, "state: a value over the limit"),
            Error::Full => "state: the plugin has as many keys at this office as it may",
            Error::Unavailable => "state: the gateway's store does not answer",
        };
        Self::unavailable(Sent::No, why)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::Host;

    #[test]
    fn what_was_set_is_read_back_until_it_is_deleted() {
        let _host = Host::install();
        set_json("cursor", &vec![1, 2]).unwrap();
        set("other", b"x").unwrap();
        assert_eq!(get_json::<Vec<u8>>("cursor").unwrap(), Some(vec![1, 2]));
        assert_eq!(keys("cur").unwrap(), ["cursor"]);
        delete("cursor").unwrap();
        assert_eq!(get("cursor").unwrap(), None);
    }

    #[test]
    fn a_value_of_a_citizens_is_read_until_the_citizen_is_erased() {
        let host = Host::install();
        let (kari, ola) = (CitizenIdentity::Reference("kari".into()), CitizenIdentity::Reference("ola".into()));
        set_about("m.1", b"x", &kari).unwrap();
        set_about("m.2", b"y", &ola).unwrap();
        set("m.1", b"z").unwrap();
        assert_eq!(get("m.1").unwrap().as_deref(), Some(&b"z"[..]));
        host.erase(&kari);
        assert_eq!(keys("").unwrap(), ["m.2"]);
    }

    #[test]
    fn a_value_of_another_shape_is_faulty_and_its_content_is_not_told() {
        let _host = Host::install();
        set("cursor", b"\"01017012345\"").unwrap();
        let failure = get_json::<u32>("cursor").unwrap_err();
        assert!(matches!(&failure, Failure::Faulty(_)));
        assert!(!format!("{failure:?}").contains("01017012345"));
    }
}
