//! JSON from outside, read within bounds. A plain reader lets the last of two equal keys win, so that what a person or
//! another reader sees is not what is checked by it, and knows no limits but a depth of 128.
//!
//! Who reads says in its own error what was wrong: of a vendor's manifest the key may be told, of a citizen's body not.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// What is read at most. The caller bounds the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Levels of objects and lists.
    pub levels: usize,
    /// Values of any kind.
    pub values: usize,
    /// Whether `50.0` is read as the integer that JSON Schema takes it for. serde's integers do not read it as one.
    pub whole_numbers: bool,
}

/// Why bytes are not JSON within bounds.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What.
    pub kind: FailureKind,
    /// From 1.
    pub line: usize,
    /// From 1, in bytes.
    pub column: usize,
}

/// What is wrong.
#[derive(Debug)]
pub(crate) enum FailureKind {
    /// Not JSON (RFC 8259, in UTF-8), in serde's words: they may repeat what was read.
    Syntax(String),
    /// An object has this key twice.
    Twice(String),
    /// Nested deeper than [`Bounds::levels`].
    TooDeep,
    /// More than [`Bounds::values`].
    TooMany,
}

/// Reads one JSON value and nothing after it, each key of an object once.
pub(crate) fn read(bytes: &[u8], bounds: Bounds) -> Result<Value, Failure> {
    let reading =
        Reading { whole_numbers: bounds.whole_numbers, left: Cell::new(bounds.values), stopped: RefCell::new(None) };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let strict = Strict { reading: &reading, levels: bounds.levels };
    strict.deserialize(&mut json).and_then(|value| json.end().map(|()| value)).map_err(|error| Failure {
        line: error.line(),
        column: error.column(),
        kind: reading.stopped.take().unwrap_or_else(|| FailureKind::Syntax(error.to_string())),
    })
}

struct Reading {
    whole_numbers: bool,
    left: Cell<usize>,
    stopped: RefCell<Option<FailureKind>>,
}

impl Reading {
    fn stop<E: serde::de::Error>(&self, kind: FailureKind) -> E {
        self.stopped.replace(Some(kind));
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
            None => Err(self.reading.stop(FailureKind::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.reading.left.get().checked_sub(1) {
            Some(left) => self.reading.left.set(left),
            None => return Err(self.reading.stop(FailureKind::TooMany)),
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
        const EXACT: f64 = 9_007_199_254_740_991.0;
        if self.reading.whole_numbers && value.fract() == 0.0 && value.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation, reason = "whole, and within what f64 holds exactly")]
            return Ok((value as i64).into());
        }
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
                return Err(self.reading.stop(FailureKind::Twice(key)));
            }
            let value = access.next_value_seed(below)?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}
