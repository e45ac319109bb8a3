//! Parser of a JSON object in one pass, which keeps the fields that [`FIELDS`] names.

mod plain;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json_fields::{EVENT, FIELDS, OBJECTS, PARTS, Part, Within, entered, field, known};

/// Upper bound on the nesting of objects that are entered.
const MAX_DEPTH: u8 = 4;

/// The parts of one record.
#[derive(Debug, Default)]
pub(in crate::input) struct Object<'a> {
    /// Values by part, each with the row of [`FIELDS`] that named it.
    found: [Option<(u8, Cow<'a, [u8]>)>; PARTS],
    /// Whether the object spans several lines.
    pub(super) is_pretty: bool,
    /// Objects that it contains, one bit each: see [`OBJECTS`].
    objects: u32,
    /// Whether a field that states the sender occurred twice, with different values.
    contradicts: bool,
}

impl<'a> Object<'a> {
    /// Reads the object that `record` begins with, and behind which only white space may stand; `None` where it is no JSON.
    pub(super) fn of(record: &'a [u8]) -> Option<Self> {
        let mut object = Self::default();
        object.read(record)?;
        Some(object)
    }

    /// Reads what [`Self::of`] does into an empty object, which is large to be moved.
    pub(super) fn read(&mut self, record: &'a [u8]) -> Option<()> {
        let text = record.trim_ascii_end();
        if text.first() != Some(&b'{') {
            return None;
        }
        if plain::read(text, self).is_some() {
            self.is_pretty = record[text.len()..].contains(&b'\n');
            return Some(());
        }
        *self = Self::default();
        // Asked once for the record, not for each string in it.
        match simdutf8::basic::from_utf8(text) {
            Ok(text) => self.parse(text)?,
            // rsyslog and others pass invalid UTF-8 into their JSON.
            Err(_) => {
                let text = String::from_utf8_lossy(text);
                let mut object = Object::default();
                object.parse(&text)?;
                *self = object.into_owned();
            }
        }
        self.is_pretty = memchr::memchr(b'\n', record).is_some();
        Some(())
    }

    /// Keeps a field from another source than JSON.
    pub(super) fn put_field(&mut self, name: &str, value: Cow<'a, [u8]>) {
        if let Some(row) = field(Within::Record, name.as_bytes()) {
            self.put(row, value);
        }
    }

    fn parse(&mut self, text: &'a str) -> Option<()> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let fields = Fields {
            within: Within::Record,
            depth: 0,
            object: self,
        };
        fields.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()
    }

    fn into_owned(self) -> Object<'static> {
        Object {
            found: self
                .found
                .map(|part| part.map(|(row, value)| (row, Cow::Owned(value.into_owned())))),
            ..Object {
                is_pretty: self.is_pretty,
                objects: self.objects,
                contradicts: self.contradicts,
                ..Object::default()
            }
        }
    }

    pub(super) fn bytes(&self, part: Part) -> Option<&[u8]> {
        // Two contradicting statements of the sender count as none.
        if part == Part::Transport && self.contradicts {
            return Some(b"");
        }
        self.found[part as usize]
            .as_ref()
            .map(|(_, value)| value.as_ref())
    }

    pub(super) fn number(&self, part: Part) -> Option<i64> {
        super::journal_fields::number(self.bytes(part)?)
    }

    pub(super) fn take(&mut self, part: Part) -> Option<Cow<'a, [u8]>> {
        self.found[part as usize].take().map(|(_, value)| value)
    }

    /// Whether it has a part by this name.
    pub(super) fn has(&self, part: Part, name: &str) -> bool {
        let found = self.found[part as usize].as_ref();
        found.is_some_and(|(row, _)| FIELDS[usize::from(*row)].name == name)
    }

    /// Whether it has a field with the name of an object that may be entered, of any type.
    pub(super) fn holds(&self, name: &str) -> bool {
        entered(name.as_bytes()).is_some_and(|at| self.objects >> at & 1 == 1)
    }

    fn put(&mut self, row: u8, value: Cow<'a, [u8]>) {
        let part = FIELDS[usize::from(row)].part;
        let slot = &mut self.found[part as usize];
        match slot {
            Some((have, old)) => {
                self.contradicts |= part == Part::Transport && *old != value;
                if row < *have {
                    *slot = Some((row, value));
                }
            }
            None => *slot = Some((row, value)),
        }
    }

    /// Keeps the value of the field in a row.
    fn take_value(&mut self, row: u8, value: Value<'a>) {
        let part = FIELDS[usize::from(row)].part;
        match value {
            Value::Bytes(bytes) => self.put(row, bytes),
            Value::Byte(byte) => self.put(row, byte.to_string().into_bytes().into()),
            Value::Array(values) if part == Part::Pair => self.take_pair(row, values),
            // A field that occurs several times: each value counts, unless they are the bytes of one.
            Value::Array(values) if part == Part::Transport && !is_bytes(&values) => {
                (values.into_iter()).for_each(|value| self.take_value(row, value));
            }
            Value::Array(values) => self.put(row, first(values)),
            Value::Other => self.put_object(row),
        }
    }

    /// Notes a field whose value is an object, where that says something.
    fn put_object(&mut self, row: u8) {
        if FIELDS[usize::from(row)].name == EVENT {
            self.put(row, b"an object".into());
        }
    }

    /// Loki's `[["1776852001123456000","line"]]`, of which the framing of documents leaves one.
    fn take_pair(&mut self, row: u8, values: Vec<Value<'a>>) {
        let mut texts = Vec::new();
        flatten(values, &mut texts);
        let mut texts = texts.into_iter();
        if let (Some(time), Some(line)) = (texts.next(), texts.next()) {
            for (part, value) in [(Part::Time, time), (Part::Message, line)] {
                // A field with a name of its own counts more, and its row comes first.
                self.found[part as usize].get_or_insert((row, value));
            }
        }
    }
}

/// Returns the first value of a field that occurs twice, or the bytes of one value with invalid UTF-8 or control
/// characters.
fn first<'a>(values: Vec<Value<'a>>) -> Cow<'a, [u8]> {
    let mut bytes = Vec::new();
    for value in values {
        match value {
            Value::Byte(byte) => bytes.push(byte),
            Value::Bytes(value) => return value,
            Value::Array(values) => {
                let byte = |value| match value {
                    Value::Byte(byte) => Some(byte),
                    _ => None,
                };
                return values.into_iter().filter_map(byte).collect();
            }
            Value::Other => {}
        }
    }
    bytes.into()
}

/// Whether an array has the bytes of one value.
fn is_bytes(values: &[Value<'_>]) -> bool {
    (values.iter()).all(|value| matches!(value, Value::Byte(_)))
}

fn flatten<'a>(values: Vec<Value<'a>>, into: &mut Vec<Cow<'a, [u8]>>) {
    for value in values {
        match value {
            Value::Bytes(value) => into.push(value),
            Value::Array(values) => flatten(values, into),
            Value::Byte(_) | Value::Other => {}
        }
    }
}

/// Reads the fields of an object.
struct Fields<'p, 'a> {
    within: Within,
    depth: u8,
    object: &'p mut Object<'a>,
}

impl<'a> DeserializeSeed<'a> for Fields<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Fields<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            let (row, object) = named(self.within, key.as_bytes());
            if row.is_none() && object.is_none() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if let Some(at) = object.filter(|_| self.depth == 0) {
                self.object.objects |= 1 << at;
            }
            let value = map.next_value_seed(Inside {
                within: object.map(|at| OBJECTS[at].1),
                depth: self.depth + 1,
                object: &mut *self.object,
            })?;
            if let Some(row) = row {
                self.object.take_value(row, value);
            }
        }
        Ok(())
    }
}

/// Returns the rows of a name, which may be that of a field within objects: `log.syslog.facility.code` may be one name or
/// four objects; the last two words identify it.
fn named(within: Within, name: &[u8]) -> (Option<u8>, Option<usize>) {
    match known(within, name) {
        (None, None) => match name.iter().rposition(|byte| *byte == b'.') {
            Some(dot) => known(
                path(&name[..dot]).unwrap_or(Within::Unknown),
                &name[dot + 1..],
            ),
            None => (additional(within, name), None),
        },
        known => known,
    }
}

/// Returns the row of an additional field of GELF, whose names begin with `_`, where it says who wrote the message.
fn additional(within: Within, name: &[u8]) -> Option<u8> {
    let [b'_', name @ ..] = name else {
        return None;
    };
    // Not of the journal's, which are in capitals.
    let is_lower = name
        .first()
        .is_some_and(|b| b.is_ascii_lowercase() || *b == b'_');
    let row = Some(name)
        .filter(|_| is_lower)
        .and_then(|name| field(within, name))?;
    let says_who = matches!(
        FIELDS[usize::from(row)].part,
        Part::Transport
            | Part::Identifier
            | Part::Program
            | Part::Process
            | Part::Owner
            | Part::Facility
    );
    says_who.then_some(row)
}

/// Returns the context of the last of nested `objects`, if all of them are known.
fn path(objects: &[u8]) -> Option<Within> {
    let mut last = None;
    for object in objects.split(|byte| *byte == b'.') {
        last = Some(OBJECTS[entered(object)?].1);
    }
    last
}

/// Whether a table with columns of these names is a log: one has the message, another a time or a sender.
pub(in crate::input) fn is_table(names: &[String]) -> bool {
    let part = |name: &String| {
        let (within, name) = match name.rsplit_once('.') {
            Some((objects, name)) => (path(objects.as_bytes())?, name),
            None => (Within::Record, name.as_str()),
        };
        field(within, name.as_bytes()).map(|row| FIELDS[usize::from(row)].part)
    };
    let parts: Vec<Part> = names.iter().filter_map(part).collect();
    let besides = [Part::Time, Part::Host, Part::Realtime, Part::Identifier];
    parts.contains(&Part::Message) && parts.iter().any(|part| besides.contains(part))
}

/// Value of a field.
enum Value<'a> {
    Bytes(Cow<'a, [u8]>),
    Byte(u8),
    Array(Vec<Self>),
    /// A value that no known field has: an object, which was read, or a boolean.
    Other,
}

/// Reads the value of a field: a string, a number, an array of such, `null` where it was too long, or an object.
struct Inside<'p, 'a> {
    /// Context of the object's fields, if they count.
    within: Option<Within>,
    depth: u8,
    object: &'p mut Object<'a>,
}

impl<'a> DeserializeSeed<'a> for Inside<'_, 'a> {
    type Value = Value<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Value<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Inside<'_, 'a> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Value<'a>, E> {
        Ok(Value::Bytes(text.as_bytes().into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'a>, E> {
        Ok(Value::Bytes(text.as_bytes().to_vec().into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'a>, E> {
        Ok(u8::try_from(number).map_or_else(
            |_| Value::Bytes(number.to_string().into_bytes().into()),
            Value::Byte,
        ))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'a>, E> {
        Ok(Value::Bytes(number.to_string().into_bytes().into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value<'a>, E> {
        // Microseconds are all that a double can represent of a time.
        Ok(Value::Bytes(format!("{number:.6}").into_bytes().into()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'a>, E> {
        Ok(Value::Other)
    }

    /// `null`: the field exists without a value.
    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Bytes((&[][..]).into()))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Value<'a>, A::Error> {
        match self.within {
            Some(within) if self.depth < MAX_DEPTH => Fields {
                within,
                depth: self.depth,
                object: self.object,
            }
            .visit_map(map)?,
            _ => while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {},
        }
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Value<'a>, A::Error> {
        let mut values = Vec::new();
        if self.depth > 2 * MAX_DEPTH {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Other);
        }
        while let Some(value) = seq.next_element_seed(Inside {
            within: None,
            depth: self.depth + 1,
            object: &mut *self.object,
        })? {
            values.push(value);
        }
        Ok(Value::Array(values))
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
