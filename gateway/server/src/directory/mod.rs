//! The directory: who is whose GP, offices, agreements, from one JSON file that the operator keeps, loaded into the store;
//! and from the national registers, which know better who is whose GP and whose HER-id it is.
//!
//! - [`mod@file`]: the file's form, checked before anything of it counts.
//! - [`loader`]: from the file into the store, as a new generation, at once.
//! - [`names`]: the key under which people's names are hashed there.
//! - [`lookup`]: the port, reading the generation that is current.
//! - [`registers`]: the port, with the registers before the file.

pub mod file;
pub mod loader;
pub mod lookup;
pub mod names;
pub mod registers;

use dialog_contract::{
    ids::{HerId, NationalIdentityNumber, PluginId},
    pseudonym::Pseudonyms,
};
use dialog_core::ports::store::space;

/// Keys of one generation of the directory. People stand under keyed pseudonyms, not under their numbers.
struct Keys {
    generation: u32,
}

/// Which generation is current.
const CURRENT: &[u8] = &[space::DIRECTORY, 0];

impl Keys {
    fn prefix(&self) -> Vec<u8> {
        let mut key = vec![space::DIRECTORY, 1];
        key.extend_from_slice(&self.generation.to_be_bytes());
        key
    }

    fn of(&self, kind: u8, id: &[u8]) -> Vec<u8> {
        let mut key = self.prefix();
        key.push(kind);
        key.extend_from_slice(id);
        key
    }

    fn citizen(&self, pseudonyms: &Pseudonyms, citizen: &NationalIdentityNumber) -> Vec<u8> {
        self.of(b'c', &pseudonyms.index(b"directory", citizen))
    }

    fn office(&self, office: HerId) -> Vec<u8> {
        self.of(b'o', &office.get().to_be_bytes())
    }

    fn agreements(&self, office: HerId) -> Vec<u8> {
        self.of(b'a', &office.get().to_be_bytes())
    }

    /// All offices' agreements with a plugin begin so. No id holds the byte that ends it here.
    fn agreements_with(&self, plugin: &PluginId) -> Vec<u8> {
        self.of(b'w', &[plugin.as_str().as_bytes(), b"\0"].concat())
    }

    fn agreements_between(&self, plugin: &PluginId, office: HerId) -> Vec<u8> {
        [self.agreements_with(plugin), office.get().to_be_bytes().to_vec()].concat()
    }

    fn national(&self) -> Vec<u8> {
        self.of(b'n', &[])
    }

    fn provider(&self, plugin: &PluginId) -> Vec<u8> {
        self.of(b'p', plugin.as_str().as_bytes())
    }
}
