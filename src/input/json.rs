//! JSON, one object a record: `journalctl -o json` and its relatives, `dmesg -J`, and what collectors make of them.
//!
//! Keys come in any order and are known by name ([`super::json_names`]). A collector's message may be a line of any
//! other form, or JSON again.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use memchr::memmem;

use super::cri::timed;
use super::header::{digits, iso, origin};
use super::json_names::Part;
use super::json_shape::Shapes;
use super::json_value::Parts;
use super::{Format, Layer, Origin, Record, dmesg, message};
use crate::time::{SECOND, Stamp, Time};

/// What an object begins with: white space may stand before it.
const JSON_BEGINS: &[u8] = b"{ \t\r\n\x0c";

pub(super) static JSON: Format = Format {
    code: "json",
    title: "journalctl -o json: one object a line",
    sample: r#"{"__REALTIME_TIMESTAMP":"1776852001123456","_TRANSPORT":"kernel","_HOSTNAME":"harvester1","MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}"#,
    begins: JSON_BEGINS,
    read: |record, layer| with(record, &["\"__REALTIME_TIMESTAMP\""], layer),
};

pub(super) static JSON_PRETTY: Format = Format {
    code: "json-pretty",
    title: "journalctl -o json-pretty: one object over several lines",
    sample: "{\n\t\"__REALTIME_TIMESTAMP\" : \"1776852001123456\",\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"_HOSTNAME\" : \"harvester1\",\n\t\"MESSAGE\" : \"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \"\n}",
    begins: JSON_BEGINS,
    read: |record, layer| {
        memchr::memchr(b'\n', record)?;
        with(record, &["\"__REALTIME_TIMESTAMP\""], layer)
    },
};

pub(super) static JSON_SEQ: Format = Format {
    code: "json-seq",
    title: "journalctl -o json-seq: a record separator before each object (RFC 7464)",
    sample: "\x1e{\"__REALTIME_TIMESTAMP\":\"1776852001123456\",\"_TRANSPORT\":\"kernel\",\"_HOSTNAME\":\"harvester1\",\"MESSAGE\":\"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \"}",
    begins: b"\x1e",
    read: |record, layer| with(record.strip_prefix(b"\x1e")?, &[], layer),
};

pub(super) static JSON_SSE: Format = Format {
    code: "json-sse",
    title: "journalctl -o json-sse: `data:` before each object, a blank line behind it",
    sample: r#"data: {"__REALTIME_TIMESTAMP":"1776852001123456","_TRANSPORT":"kernel","_HOSTNAME":"harvester1","MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}"#,
    begins: b"d",
    read: |record, layer| with(record.strip_prefix(b"data: ")?, &[], layer),
};

pub(super) static DMESG_JSON: Format = Format {
    code: "dmesg-json",
    title: "dmesg -J: priority, seconds since boot, message",
    sample: r#"{"pri": 4, "time": 12345.677901, "msg": "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}"#,
    begins: JSON_BEGINS,
    read: |record, layer| with(record, &["\"pri\"", "\"msg\""], layer),
};

pub(super) static LOKI: Format = Format {
    code: "loki",
    title: "logcli query -o jsonl: labels, line, timestamp",
    sample: r#"{"labels":{"hostname":"harvester1","transport":"kernel"},"line":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ","timestamp":"2026-04-22T10:00:01.123456Z"}"#,
    begins: JSON_BEGINS,
    read: |record, layer| with(record, &["\"line\"", "\"timestamp\""], layer),
};

pub(super) static ELASTIC: Format = Format {
    code: "elastic",
    title: "a hit of Elasticsearch or OpenSearch, which has the record as its _source",
    sample: r#"{"_index":"logs","_source":{"@timestamp":"2026-04-22T10:00:01.123Z","message":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ","host":{"name":"harvester1"},"systemd":{"transport":"kernel"}}}"#,
    begins: JSON_BEGINS,
    read: |record, layer| with(record, &["\"_source\""], layer),
};

pub(super) static DOCKER: Format = Format {
    code: "docker",
    title: "Docker's json-file log: a line of any other form, stream and time",
    sample: r#"{"log":"Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \n","stream":"stdout","time":"2026-04-22T10:00:01.123456789Z"}"#,
    begins: JSON_BEGINS,
    read: |record, layer| with(record, &["\"log\"", "\"stream\""], layer),
};

pub(super) static COLLECTOR: Format = Format {
    code: "collector",
    title: "a record of Fluent Bit, Fluentd, Vector, Filebeat, rsyslog and others: known by its field names",
    sample: r#"{"date":1776852001.123456,"MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ","_HOSTNAME":"harvester1","_TRANSPORT":"kernel"}"#,
    begins: JSON_BEGINS,
    read: |record, layer| with(record, &[], layer),
};

/// Reads `record` as an object if all of `signs` occur in it.
fn with<'a>(record: &'a [u8], signs: &[&str], layer: Layer<'_>) -> Option<Record<'a>> {
    let object = record.trim_ascii();
    if object.first() != Some(&b'{')
        || !signs
            .iter()
            .all(|sign| memmem::find(object, sign.as_bytes()).is_some())
    {
        return None;
    }
    if let Some(parts) = Parts::read(object) {
        return split(parts, layer);
    }
    // rsyslog and others pass invalid UTF-8 into their JSON. All else that is no JSON stays none.
    std::str::from_utf8(object).err()?;
    let text = String::from_utf8_lossy(object);
    Some(split(Parts::read(text.as_bytes())?, layer)?.into_owned())
}

/// Reads an object whose keys are like those of objects before; what it says is what [`JSON`] would read.
pub(super) fn like_those_before<'a>(
    record: &'a [u8],
    shapes: &mut Shapes,
    layer: Layer<'_>,
) -> Option<Record<'a>> {
    let parts = shapes.read(record)?;
    parts.bytes(Part::Realtime)?;
    split(parts, layer)
}

fn split<'a>(mut parts: Parts<'a>, layer: Layer<'_>) -> Option<Record<'a>> {
    // Without either, the object is of some other program.
    if parts.bytes(Part::Message).is_none() && parts.bytes(Part::Realtime).is_none() {
        return None;
    }
    let (stamp, late) = stamp(&parts);
    let from = from(&parts);
    let host = parts.take(Part::Host).and_then(text);
    let boot = parts.bytes(Part::Boot).map(boot);
    let message = parts.take(Part::Message).unwrap_or_default();
    let mut record = match from {
        // The journal, or `dmesg -J`, says who sent it: what the message says is its own affair.
        Some(origin)
            if parts.bytes(Part::Transport).is_some() || parts.number(Part::Priority).is_some() =>
        {
            Record::new(stamp, None, origin, message)
        }
        _ => match unwrapped(&message, layer) {
            Some(inner) => {
                let origin = match from {
                    Some(origin) if inner.origin == Origin::Kernel => origin,
                    _ => inner.origin,
                };
                Record {
                    origin,
                    ..timed(inner.into_owned(), stamp)
                }
            }
            // A further line of what some program wrote, as journalctl indents it.
            None if from.is_none() && is_indented(&message) => {
                Record::new(stamp, None, Origin::Other, message)
            }
            None => Record::new(stamp, None, from.unwrap_or(Origin::Kernel), message),
        },
    };
    record.late = record.late.max(late);
    record.monotonic = record.monotonic.or_else(|| parts.number(Part::Monotonic));
    record.host = record.host.or(host);
    record.boot = record.boot.or(boot);
    Some(record)
}

/// Whether more stands before `message` than the one space that syslog daemons leave there.
fn is_indented(message: &[u8]) -> bool {
    message.starts_with(b"  ") || message.starts_with(b"\t")
}

/// The record in a collector's message, where that is a line with a header, or JSON.
fn unwrapped<'a>(message: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let line = message.trim_ascii();
    let line = match memchr::memchr(b'\n', line) {
        Some(end) if line.first() != Some(&b'{') => line[..end].trim_ascii_end(),
        _ => line,
    };
    // The kernel's own uptime is for the anchor to take off, and no header.
    if layer.prefixes.at_begin_of(message::bare(line)).is_some() {
        return None;
    }
    layer.inner(line)
}

/// When it was received, and how much earlier the kernel wrote it, in microseconds.
fn stamp(parts: &Parts<'_>) -> (Stamp, i64) {
    if let Some(micros) = parts.number(Part::Realtime) {
        let late = match (
            parts.number(Part::Monotonic),
            parts.number(Part::SourceMonotonic),
        ) {
            (Some(received), Some(written)) => lateness(received, written),
            _ => 0,
        };
        let at = Time(micros);
        return (Stamp::Dated { at, fine: true }, late);
    }
    if let Some(stamp) = parts.bytes(Part::Time).and_then(moment) {
        return (stamp, 0);
    }
    let uptime = parts
        .number(Part::Seconds)
        .and_then(|seconds| seconds.checked_mul(SECOND))
        .map(|whole| whole.saturating_add(parts.number(Part::Micros).unwrap_or(0)));
    let uptime = uptime.or_else(|| parts.number(Part::SourceMonotonic));
    let stamp = uptime.filter(|micros| (0..1 << 60).contains(micros));
    (
        stamp.map_or(Stamp::None, |micros| Stamp::Uptime { micros }),
        0,
    )
}

/// What waited for less, in microseconds, was read while the journal ran, which takes milliseconds: its reception is its
/// time, in this form as in those that do not tell the other.
const WAITED: i64 = SECOND;

/// How long a message waited, from the uptimes of its reception and its writing. At boot it is seconds: the journal starts
/// long after the kernel.
pub(super) fn lateness(received: i64, written: i64) -> i64 {
    match received.checked_sub(written) {
        Some(late) if written > 0 && late > WAITED => late,
        _ => 0,
    }
}

/// A time as collectors write it: RFC 3339, or a number since 1970 in seconds or finer, which its size tells. A number of
/// seconds too small for this century is an uptime.
fn moment(text: &[u8]) -> Option<Stamp> {
    let mut rest = text.trim_ascii();
    if rest.contains(&b'-') {
        return iso(&mut rest);
    }
    let whole = digits(&mut rest, 1, 19)?;
    if rest.first() == Some(&b'.') {
        let micros = super::header::fraction(&mut rest)?;
        let micros = whole.checked_mul(SECOND)?.checked_add(micros)?;
        return Some(if whole < CENTURY {
            Stamp::Uptime { micros }
        } else {
            let at = Time(micros);
            Stamp::Dated { at, fine: true }
        });
    }
    let (at, fine) = match whole {
        0..CENTURY => {
            return Some(Stamp::Uptime {
                micros: whole * SECOND,
            });
        }
        CENTURY..100_000_000_000 => (whole * SECOND, false),
        100_000_000_000..100_000_000_000_000 => (whole * 1000, true),
        100_000_000_000_000..100_000_000_000_000_000 => (whole, true),
        _ => (whole / 1000, true),
    };
    let at = Time(at);
    Some(Stamp::Dated { at, fine })
}

/// 2001-09-09, in seconds since 1970.
const CENTURY: i64 = 1_000_000_000;

/// Who the fields say wrote it; `None` where they say nothing.
fn from(parts: &Parts<'_>) -> Option<Origin> {
    let ident = parts
        .bytes(Part::Identifier)
        .map(<[u8]>::trim_ascii)
        .map(|ident| origin(ident.strip_suffix(b":").unwrap_or(ident)));
    if let Some(transport) = parts.bytes(Part::Transport) {
        return Some(match ident {
            _ if transport == b"kernel" && !parts.contradicts => Origin::Kernel,
            Some(Origin::Other) => Origin::Other,
            _ => Origin::Forged,
        });
    }
    if ident == Some(Origin::Other) {
        return ident;
    }
    let facility = match parts.bytes(Part::Facility) {
        None => parts.number(Part::Priority).map(dmesg::facility),
        Some(b"0" | b"kern" | b"kernel" | b"") => Some(Origin::Kernel),
        Some(_) => Some(Origin::Forged),
    };
    let process = parts
        .bytes(Part::Process)
        .filter(|process| !matches!(*process, b"" | b"-" | b"0"))
        .map(|_| Origin::Forged);
    // The word that trusts least is taken.
    let said = [ident, facility, process];
    said.iter()
        .flatten()
        .find(|origin| **origin == Origin::Forged)
        .or_else(|| said.iter().flatten().next())
        .copied()
}

/// What stands for a boot: equal for equal ids.
pub(super) fn boot(id: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

fn text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    if bytes.is_empty() {
        return None;
    }
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}
