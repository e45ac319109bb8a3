//! `journalctl -o json`: one object a line, keys in any order, all values strings but where they cannot be.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::{Format, Origin, Prefixes, Record};
use crate::time::{Stamp, Time};

pub(super) static JSON: Format = Format {
    code: "json",
    title: "journalctl -o json: one object a line",
    sample: r#"{"__REALTIME_TIMESTAMP":"1776852001123456","_TRANSPORT":"kernel","_HOSTNAME":"harvester1","MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}"#,
    read,
};

/// The journal fields that matter here (systemd.journal-fields(7)).
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "MESSAGE", borrow)]
    message: Option<Value<'a>>,
    #[serde(rename = "_HOSTNAME", borrow)]
    hostname: Option<Value<'a>>,
    #[serde(rename = "_TRANSPORT", borrow)]
    transport: Option<Value<'a>>,
    #[serde(rename = "SYSLOG_IDENTIFIER", borrow)]
    identifier: Option<Value<'a>>,
    #[serde(rename = "__REALTIME_TIMESTAMP", borrow)]
    realtime: Option<Value<'a>>,
}

fn read<'a>(record: &'a [u8], _: &Prefixes) -> Option<Record<'a>> {
    if record.first() != Some(&b'{') {
        return None;
    }
    let fields: Fields<'_> = serde_json::from_slice(record).ok()?;
    // Without either, the object is of some other program.
    if fields.message.is_none() && fields.realtime.is_none() {
        return None;
    }
    let stamp = fields
        .realtime
        .and_then(|value| value.text()?.parse().ok())
        .map_or(Stamp::None, |micros| Stamp::Dated {
            at: Time(micros),
            fine: true,
        });
    let kernel = |value: &Value<'_>| value.0.as_ref() == b"kernel";
    let origin = match (&fields.transport, &fields.identifier) {
        (Some(transport), _) if kernel(transport) => Origin::Kernel,
        (Some(_), Some(identifier)) if !kernel(identifier) => Origin::Other,
        (Some(_), _) => Origin::Forged,
        (None, Some(identifier)) if !kernel(identifier) => Origin::Other,
        // Only `--output-fields` can take `_TRANSPORT` away; a sender cannot.
        (None, _) => Origin::Kernel,
    };
    Some(Record {
        stamp,
        host: fields.hostname.and_then(Value::text),
        origin,
        message: fields.message.map(|value| value.0).unwrap_or_default(),
    })
}

/// A field's value: a string; an array of byte values where it is no UTF-8 or holds control characters; `null` where it
/// was too long; an array of such where the field was given twice, of which the first counts.
struct Value<'a>(Cow<'a, [u8]>);

impl<'a> Value<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self.0 {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a journal field")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value(Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value(Cow::Owned(number.to_string().into_bytes())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value(Cow::Borrowed(b"")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut bytes = Vec::new();
        let mut first = None;
        while let Some(element) = seq.next_element::<Element<'de>>()? {
            match element {
                Element::Byte(byte) => bytes.push(byte),
                Element::Value(value) => {
                    first.get_or_insert(value);
                }
            }
        }
        Ok(first.unwrap_or(Value(Cow::Owned(bytes))))
    }
}

/// What an array holds: the bytes of one value, or values.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element<'a> {
    Byte(u8),
    #[serde(borrow)]
    Value(Value<'a>),
}
