//! JSON text ↔ the parts of a record: one pass over an object that keeps what [`NAMES`] names, and no more.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json_names::{NAMES, OBJECTS, PARTS, Part};

/// How deep objects are entered.
const DEEPEST: u8 = 4;

/// The parts of one record.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts<'a> {
    found: [Option<(u8, Cow<'a, [u8]>)>; PARTS],
    /// A field that says who sent the record was given twice, with different values.
    pub(super) contradicts: bool,
}

impl<'a> Parts<'a> {
    /// Reads the object in `text`; `None` where it is no JSON.
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        Self::usual(text).or_else(|| Self::any(text))
    }

    pub(super) fn any(text: &'a [u8]) -> Option<Self> {
        let mut parts = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let object = Object {
            within: "",
            depth: 0,
            parts: &mut parts,
        };
        object.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(parts)
    }

    pub(super) fn bytes(&self, part: Part) -> Option<&[u8]> {
        self.found[part as usize]
            .as_ref()
            .map(|(_, value)| value.as_ref())
    }

    pub(super) fn number(&self, part: Part) -> Option<i64> {
        std::str::from_utf8(self.bytes(part)?).ok()?.parse().ok()
    }

    pub(super) fn take(&mut self, part: Part) -> Option<Cow<'a, [u8]>> {
        self.found[part as usize].take().map(|(_, value)| value)
    }

    /// Takes a field without an object around it.
    pub(super) fn put_field(&mut self, name: &str, value: &'a [u8]) {
        if let Some(row) = row_of("", name) {
            self.put(row as u8, NAMES[row].part, value.into());
        }
    }

    pub(super) fn put(&mut self, rank: u8, part: Part, value: Cow<'a, [u8]>) {
        let slot = &mut self.found[part as usize];
        match slot {
            Some((have, old)) => {
                self.contradicts |= part == Part::Transport && *old != value;
                if rank < *have {
                    *slot = Some((rank, value));
                }
            }
            None => *slot = Some((rank, value)),
        }
    }
}

struct Object<'p, 'a> {
    within: &'static str,
    depth: u8,
    parts: &'p mut Parts<'a>,
}

impl<'a> DeserializeSeed<'a> for Object<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Object<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            // `log.syslog.facility.code` may be one name or four objects; the last two words tell enough.
            let (within, name) = match key.rsplit_once('.') {
                Some((before, name)) => (before.rsplit('.').next().unwrap_or(before), name),
                None => (self.within, key.as_ref()),
            };
            let row = row_of(within, name);
            let object = OBJECTS.iter().find(|(object, _)| *object == name);
            if row.is_none() && object.is_none() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            map.next_value_seed(Field {
                row: row.map(|at| (at as u8, NAMES[at].part)),
                within: object.map(|(_, within)| *within),
                depth: self.depth + 1,
                parts: &mut *self.parts,
            })?;
        }
        Ok(())
    }
}

/// The row of [`NAMES`] for a field. Comparing each with 80 names took a fifth of the time of such a log.
pub(super) fn row_of(within: &str, name: &str) -> Option<usize> {
    let mut left = BY_LENGTH.get(name.len()).copied().unwrap_or(0);
    while left != 0 {
        let at = left.trailing_zeros() as usize;
        let row = &NAMES[at];
        // The last byte tells more of them apart than the first, which is `_` for many.
        if row.name.as_bytes().last() == name.as_bytes().last()
            && row.name == name
            && row.within == within
        {
            return Some(at);
        }
        left &= left - 1;
    }
    None
}

/// The rows whose name has a length, a bit each.
static BY_LENGTH: [u128; 64] = by_length();

const fn by_length() -> [u128; 64] {
    assert!(NAMES.len() <= 128, "a row is a bit");
    let mut table = [0; 64];
    let mut at = 0;
    while at < NAMES.len() {
        table[NAMES[at].name.len()] |= 1 << at;
        at += 1;
    }
    table
}

/// The value of a field that is named: a string; a number; an array of byte values where it is no UTF-8 or holds
/// control characters; `null` where it was too long; an array of such where the field was given twice, of which the
/// first counts; an object.
struct Field<'p, 'a> {
    row: Option<(u8, Part)>,
    within: Option<&'static str>,
    depth: u8,
    parts: &'p mut Parts<'a>,
}

impl<'a> Field<'_, 'a> {
    fn put(self, value: Cow<'a, [u8]>) {
        if let Some((rank, part)) = self.row {
            self.parts.put(rank, part, value);
        }
    }
}

impl<'a> DeserializeSeed<'a> for Field<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Field<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.put(text.as_bytes().into());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(text.as_bytes().to_vec().into());
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.put(number.to_string().into_bytes().into());
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.put(number.to_string().into_bytes().into());
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        // To the microsecond, which is all that a double holds of a time.
        self.put(format!("{number:.6}").into_bytes().into());
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    /// `null`: the field is there, its value is not.
    fn visit_unit<E>(self) -> Result<(), E> {
        self.put((&[][..]).into());
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        match self.within {
            Some(within) if self.depth < DEEPEST => Object {
                within,
                depth: self.depth,
                parts: self.parts,
            }
            .visit_map(map),
            _ => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(())
            }
        }
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        if let Some((rank, Part::Pair)) = self.row {
            // Loki's `[["1776852001123456000","line"]]`, of which the document reader leaves one.
            let mut pair = Vec::new();
            strings(&mut seq, &mut pair)?;
            let mut values = pair.into_iter();
            if let (Some(time), Some(line)) = (values.next(), values.next()) {
                self.parts.put(rank, Part::Time, time);
                self.parts.put(rank, Part::Message, line);
            }
            return Ok(());
        }
        let mut values = Vec::new();
        let mut bytes = Vec::new();
        while let Some(element) = seq.next_element_seed(Element { depth: 0 })? {
            match element {
                Value::Byte(byte) => bytes.push(byte),
                Value::Bytes(value) => values.push(value),
                Value::Nothing => {}
            }
        }
        match values.into_iter().next() {
            Some(first) => self.put(first),
            None => self.put(bytes.into()),
        }
        Ok(())
    }
}

/// Collects the strings of nested arrays.
fn strings<'a, A: SeqAccess<'a>>(
    seq: &mut A,
    into: &mut Vec<Cow<'a, [u8]>>,
) -> Result<(), A::Error> {
    while seq
        .next_element_seed(Strings { into: &mut *into })?
        .is_some()
    {}
    Ok(())
}

struct Strings<'p, 'a> {
    into: &'p mut Vec<Cow<'a, [u8]>>,
}

impl<'a> DeserializeSeed<'a> for Strings<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Strings<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time and a line")
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.into.push(text.as_bytes().into());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.into.push(text.as_bytes().to_vec().into());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        strings(&mut seq, self.into)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// What an array holds.
enum Value<'a> {
    Byte(u8),
    Bytes(Cow<'a, [u8]>),
    Nothing,
}

struct Element {
    depth: u8,
}

impl<'a> DeserializeSeed<'a> for Element {
    type Value = Value<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Value<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Element {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte or a value")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'a>, E> {
        Ok(u8::try_from(number).map_or(Value::Nothing, Value::Byte))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value<'a>, E> {
        Ok(Value::Nothing)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'a>, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'a>, E> {
        Ok(Value::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Bytes((&[][..]).into()))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Value<'a>, E> {
        Ok(Value::Bytes(text.as_bytes().into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'a>, E> {
        Ok(Value::Bytes(text.as_bytes().to_vec().into()))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Value<'a>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Nothing)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Value<'a>, A::Error> {
        let mut bytes = Vec::new();
        if self.depth > 1 {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Nothing);
        }
        while let Some(element) = seq.next_element_seed(Self {
            depth: self.depth + 1,
        })? {
            if let Value::Byte(byte) = element {
                bytes.push(byte);
            }
        }
        Ok(Value::Bytes(bytes.into()))
    }
}

/// An object's key, borrowed where it has no escapes.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(text.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.to_owned().into())
    }
}
