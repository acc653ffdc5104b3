//! JSON of a vendor's, read in bounds. A plain reader lets the last of two equal keys win, so that what a person reads
//! in a schema is not what is checked by it, and knows no limits but a depth of 128.
//!
//! Unlike a citizen's body ([`crate::schema::body`]) a manifest holds nobody's secrets: what is wrong is told with its
//! name.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::{DEPTH, VALUES, breach::printable};

/// Longest key that is repeated in full, in characters.
const SHOWN_KEY: usize = 40;

/// Why bytes are not JSON within bounds. Reads on from the name of what was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON (RFC 8259, in UTF-8).
    #[error("is not JSON: {0}")]
    Syntax(String),
    /// An object has the same key twice.
    #[error("has the key \"{key}\" twice in an object, at line {line} column {column}")]
    Twice {
        /// Which.
        key: String,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// Nested deeper than [`DEPTH`].
    #[error("is nested over {DEPTH} deep, at line {line} column {column}")]
    TooDeep {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// More values than [`VALUES`].
    #[error("has over {VALUES} values")]
    TooMany,
}

/// Reads JSON: at most [`DEPTH`] levels of objects and lists, [`VALUES`] values, each key of an object once. The caller
/// bounds the bytes.
///
/// # Errors
/// [`JsonError`], with line and column.
pub fn read(bytes: &[u8]) -> Result<Value, JsonError> {
    let reading = Reading { left: Cell::new(VALUES), stopped: RefCell::new(None) };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let strict = Strict { reading: &reading, levels: DEPTH };
    strict.deserialize(&mut json).and_then(|value| json.end().map(|()| value)).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match reading.stopped.take() {
            Some(Stop::Twice(key)) => JsonError::Twice { key: printable(&key, SHOWN_KEY), line, column },
            Some(Stop::Depth) => JsonError::TooDeep { line, column },
            Some(Stop::Count) => JsonError::TooMany,
            None => JsonError::Syntax(error.to_string()),
        }
    })
}

enum Stop {
    Twice(String),
    Depth,
    Count,
}

struct Reading {
    left: Cell<usize>,
    stopped: RefCell<Option<Stop>>,
}

impl Reading {
    fn stop<E: serde::de::Error>(&self, stop: Stop) -> E {
        self.stopped.replace(Some(stop));
        E::custom("stopped")
    }
}

/// Reads one value that may have `levels` more below it.
#[derive(Clone, Copy)]
struct Strict<'a> {
    reading: &'a Reading,
    levels: usize,
}

impl Strict<'_> {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(self.reading.stop(Stop::Depth)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.reading.left.get().checked_sub(1) {
            Some(left) => self.reading.left.set(left),
            None => return Err(self.reading.stop(Stop::Count)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(below)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut fields = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(self.reading.stop(Stop::Twice(key)));
            }
            let value = access.next_value_seed(below)?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}
