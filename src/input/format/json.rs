//! JSON, one object a record: `journalctl -o json` and its relatives, `dmesg -J`, and the output of collectors.
//!
//! All forms share one parser; a form is a row, recognised by the names of its keys. Keys come in any order and are
//! known by name ([`super::json_fields`]). A collector's message may be a line of any other form, or JSON again.

use std::borrow::Cow;

use super::header::{host_name, source};
use super::journal_fields::{JournalFields, is_kernels};
use super::json_fields::{Part, SOURCE};
use super::json_object::Object;
use super::moment::{Moment, moment};
use super::record::{Format, Layer, Origin, Read, Record};
use super::relay::is_host;
use super::text::bare;
use super::unknown::of_unknown;
use crate::time::{SECOND, Stamp};

/// First byte of an object. A blank before it is the indentation of a continuation line, which is no record.
const JSON_BEGINS: &[u8] = b"{";

pub(super) static JSON: Format = Format {
    code: "json",
    title: "journalctl -o json: one object a line",
    sample: r#"{"__REALTIME_TIMESTAMP":"1776852001123456","_TRANSPORT":"kernel","_HOSTNAME":"harvester1","MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}"#,
    begins: JSON_BEGINS,
    read: Read::Json(|object| object.has(Part::Realtime, "__REALTIME_TIMESTAMP")),
};

pub(super) static JSON_PRETTY: Format = Format {
    code: "json-pretty",
    title: "journalctl -o json-pretty: one object over several lines",
    sample: "{\n\t\"__REALTIME_TIMESTAMP\" : \"1776852001123456\",\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"_HOSTNAME\" : \"harvester1\",\n\t\"MESSAGE\" : \"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \"\n}",
    begins: JSON_BEGINS,
    read: Read::Json(|object| {
        object.is_pretty && object.has(Part::Realtime, "__REALTIME_TIMESTAMP")
    }),
};

pub(super) static JSON_SEQ: Format = Format {
    code: "json-seq",
    title: "journalctl -o json-seq: a record separator before each object (RFC 7464)",
    sample: "\x1e{\"__REALTIME_TIMESTAMP\":\"1776852001123456\",\"_TRANSPORT\":\"kernel\",\"_HOSTNAME\":\"harvester1\",\"MESSAGE\":\"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \"}",
    begins: b"\x1e",
    read: Read::Text(|text, layer| behind(text, b"\x1e", layer)),
};

pub(super) static JSON_SSE: Format = Format {
    code: "json-sse",
    title: "journalctl -o json-sse: `data:` before each object, a blank line behind it",
    sample: r#"data: {"__REALTIME_TIMESTAMP":"1776852001123456","_TRANSPORT":"kernel","_HOSTNAME":"harvester1","MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}"#,
    begins: b"d",
    read: Read::Text(|text, layer| behind(text, b"data: ", layer)),
};

pub(super) static DMESG_JSON: Format = Format {
    code: "dmesg-json",
    title: "dmesg -J: priority, seconds since boot, message",
    sample: r#"{"pri": 4, "time": 12345.677901, "msg": "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "}"#,
    begins: JSON_BEGINS,
    read: Read::Json(|object| {
        object.has(Part::Priority, "pri") && object.has(Part::Message, "msg")
    }),
};

pub(super) static LOKI: Format = Format {
    code: "loki",
    title: "logcli query -o jsonl: labels, line, timestamp",
    sample: r#"{"labels":{"hostname":"harvester1","transport":"kernel"},"line":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ","timestamp":"2026-04-22T10:00:01.123456Z"}"#,
    begins: JSON_BEGINS,
    read: Read::Json(|object| {
        object.has(Part::Message, "line") && object.has(Part::Time, "timestamp")
    }),
};

pub(super) static ELASTIC: Format = Format {
    code: "elastic",
    title: "a hit of Elasticsearch or OpenSearch, which has the record as its _source",
    sample: r#"{"_index":"logs","_source":{"@timestamp":"2026-04-22T10:00:01.123Z","message":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ","host":{"name":"harvester1"},"systemd":{"transport":"kernel"}}}"#,
    begins: JSON_BEGINS,
    read: Read::Json(|object| object.holds("_source")),
};

pub(super) static DOCKER: Format = Format {
    code: "docker",
    title: "Docker's json-file log: a line of any other form, stream and time",
    sample: r#"{"log":"Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \n","stream":"stdout","time":"2026-04-22T10:00:01.123456789Z"}"#,
    begins: JSON_BEGINS,
    read: Read::Json(|object| object.has(Part::Message, "log") && object.holds("stream")),
};

pub(super) static COLLECTOR: Format = Format {
    code: "collector",
    title: "a record of Fluent Bit, Fluentd, Vector, Filebeat, rsyslog and others: known by its field names",
    sample: r#"{"date":1776852001.123456,"MESSAGE":"HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ","_HOSTNAME":"harvester1","_TRANSPORT":"kernel"}"#,
    begins: JSON_BEGINS,
    read: Read::Json(|_| true),
};

/// Parses the object behind `mark`.
fn behind<'a>(text: &'a [u8], mark: &[u8], layer: Layer<'_>) -> Option<Record<'a>> {
    read(text.strip_prefix(mark)?, layer)
}

/// Reads a record of any of these forms.
pub(super) fn read<'a>(text: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut object = Object::default();
    object.read(text)?;
    // A log of Events alone is of no known form, as one without messages is.
    if object.bytes(Part::Message).is_none()
        && layer.prefixes.begin_of(text).is_some()
        && is_event(text)
    {
        let stamp = stamp(&object).stamp;
        return Some(Record::new(stamp, None, Origin::Other, text.into()));
    }
    record(&mut object, layer)
}

/// Whether an object holds an Event of Kubernetes within other objects, or one of events.k8s.io/v1, whose message is its `note`,
/// or is one of the audit log: controllers and the API server write these.
fn is_event(text: &[u8]) -> bool {
    let names: [&[u8]; 4] = [
        b"\"audit.k8s.io/",
        b"\"involvedObject\"",
        b"\"involved_object\"",
        b"\"reportingController\"",
    ];
    let mut names = names.iter();
    names.any(|name| memchr::memmem::find(text, name).is_some())
}

/// Converts an object to a record of a log.
pub(super) fn record<'a>(object: &mut Object<'a>, layer: Layer<'_>) -> Option<Record<'a>> {
    // An object with neither belongs to another program.
    if object.bytes(Part::Message).is_none() && object.bytes(Part::Realtime).is_none() {
        return None;
    }
    let is_loki = is_loki(object);
    // A container's line, which may be a part of a longer one.
    let is_line = object.has(Part::Message, "log");
    let is_logged = is_logged(object);
    let message = object.take(Part::Message).unwrap_or_default();
    let is_source = object.has(Part::Host, SOURCE);
    let host = object.take(Part::Host).and_then(host);
    let host = host.filter(|host| !is_source || is_host(host.as_bytes()));
    let fields = journal_fields(object, is_logged);
    let (moment, late) = match fields.when() {
        Some((stamp, late)) => (stamp.into(), late),
        None => (stamp(object), 0),
    };
    let stamp = moment.stamp;
    let from = fields.origin();
    // The journal, or `dmesg -J`, states the sender: a header within the message is then only text.
    let is_told = fields.transport.is_some()
        || fields.priority.is_some()
        || object.has(Part::Facility, "fac");
    let inner = if !is_told || is_loki && is_entry(&message) {
        unwrapped(&message, layer)
    } else {
        None
    };
    let mut record = match (inner, from) {
        (Some(inner), _) => Record {
            // Of contradicting statements, the least trusted one counts.
            origin: match from {
                Some(origin) if is_told && origin != Origin::Kernel => origin,
                Some(origin) if inner.origin == Origin::Kernel => origin,
                Some(origin) if inner.origin == Origin::Unclear && origin != Origin::Kernel => {
                    origin
                }
                _ => inner.origin,
            },
            ..inner.into_owned().timed(stamp)
        },
        (None, Some(origin)) if is_told => Record::new(stamp, None, origin, message),
        // A continuation line of a program's output, as journalctl indents it.
        (None, None) if is_indented(&message) => Record::new(stamp, None, Origin::Other, message),
        (None, from) if layer.prefixes.at_begin_of(bare(&message)).is_some() => {
            Record::new(stamp, None, from.unwrap_or(Origin::Kernel), message)
        }
        (None, from) => headed(stamp, (from, host.as_deref()), message, is_line, layer),
    };
    record.late = record.late.max(late);
    record.zone_name |= moment.zone_name;
    record.monotonic = record.monotonic.or(fields.monotonic);
    record.host = record.host.or(host);
    record.boot = record.boot.or(fields.boot());
    Some(record)
}

/// Reads a message that begins with other words than the prefix: with the kernel's tag, and the host before it or not,
/// which collectors leave in a message whose stamp they have taken off, or with a header of no known form. Other
/// fields say who sent it (`from`), and of which host it is (`outer`).
fn headed<'a>(
    stamp: Stamp,
    (from, outer): (Option<Origin>, Option<&str>),
    message: Cow<'a, [u8]>,
    is_line: bool,
    layer: Layer<'_>,
) -> Record<'a> {
    let is_tag = |text: &[u8]| {
        let tag = &message[..message.len() - text.len()];
        !tag.iter().any(u8::is_ascii_control)
    };
    if let Some((host, Origin::Kernel, text)) = source(&message)
        && !is_line
        && is_tag(text)
    {
        // A tag of two words looks like a host and the kernel's tag.
        let is_tag = |host: &str| outer.is_some_and(|outer| !is_same_host(outer, host));
        let or = if host.as_deref().is_some_and(is_tag) {
            Origin::Unclear
        } else {
            Origin::Kernel
        };
        let host = host.map(|host| host.into_owned().into());
        let text = text.to_vec().into();
        return Record::new(stamp, host, from.unwrap_or(or), text);
    }
    let from = from.unwrap_or_else(|| match layer.prefixes.begin_of(&message) {
        Some(_) => of_unknown(&message, layer.prefixes),
        None => Origin::Kernel,
    });
    Record::new(stamp, None, from, message)
}

/// Whether two names are of one host, with its domain or without.
fn is_same_host(one: &str, other: &str) -> bool {
    let name = |host: &str| host.split('.').next().map(str::to_ascii_lowercase);
    name(one) == name(other)
}

/// Whether `name` under the key `tag` is a collector's routing tag, such as `host.var.log.kern.log`, that names the
/// kernel's log: words with dots between them.
fn is_route(name: &[u8]) -> bool {
    let mut words = name.split(|b| *b == b'.');
    name.contains(&b'.')
        && words.any(|word| matches!(word, b"kernel" | b"kern" | b"kmsg" | b"dmesg"))
}

fn journal_fields<'o>(object: &'o Object<'_>, is_logged: bool) -> JournalFields<'o> {
    /// Names of the journal's own field; a collector's `tag` beside a transport may name the collector's input.
    const JOURNALS: [&str; 4] = [
        "SYSLOG_IDENTIFIER",
        "syslog_identifier",
        "identifier",
        "__journal_syslog_identifier",
    ];
    let transport = object.bytes(Part::Transport);
    let is_named = transport.is_none()
        || JOURNALS
            .iter()
            .any(|name| object.has(Part::Identifier, name));
    let identifier = (object.bytes(Part::Identifier)).filter(|name| {
        let is_route = object.has(Part::Identifier, "tag") && is_route(name);
        is_named && !is_route && !matches!(*name, b"" | b"-")
    });
    // Under other names than `pri` it may be the level alone.
    let is_whole = |priority: &i64| !is_kernels(*priority) || object.has(Part::Priority, "pri");
    JournalFields {
        transport,
        identifier: identifier.or_else(|| program(object, is_logged)),
        process: object.bytes(Part::Process),
        owner: object.bytes(Part::Owner),
        facility: object.bytes(Part::Facility),
        priority: object.number(Part::Priority).filter(is_whole),
        boot: object.bytes(Part::Boot),
        realtime: object.number(Part::Realtime),
        monotonic: object.number(Part::Monotonic),
        source_monotonic: object.number(Part::SourceMonotonic),
    }
}

/// Returns the program that a record names in a field of its own, or whose logger wrote it, where no field of the journal or of
/// syslog says who did.
fn program<'o>(object: &'o Object<'_>, is_logged: bool) -> Option<&'o [u8]> {
    let said = [
        Part::Transport,
        Part::Identifier,
        Part::Facility,
        Part::Priority,
    ];
    if said.iter().any(|part| object.bytes(*part).is_some()) {
        return None;
    }
    let named = object.bytes(Part::Program);
    // Of kinds only an Event has a message.
    let is_name = |name: &&[u8]| !object.has(Part::Program, "kind") || name.starts_with(b"Event");
    let named = named.filter(|name| !matches!(*name, b"" | b"-") && is_name(name));
    named.or_else(|| is_logged.then_some(b"a logger"))
}

/// Whether the object is one of logrus, zap or slog; who collects syslog adds the host.
fn is_logged(object: &Object<'_>) -> bool {
    let level = object.bytes(Part::Level);
    object.has(Part::Message, "msg")
        && object.bytes(Part::Host).is_none()
        && level.is_some_and(|level| level.iter().all(u8::is_ascii_alphabetic))
}

/// Whether the message came through Loki, whose labels may state the sender as well.
fn is_loki(object: &Object<'_>) -> bool {
    ["line", "values"]
        .iter()
        .any(|name| object.has(Part::Message, name))
}

/// Whether `message` is a journal entry as promtail and Alloy write it with `format_as_json`: it contains journald's
/// trusted fields.
fn is_entry(message: &[u8]) -> bool {
    let own = [Part::Transport, Part::Host];
    Object::of(message).is_some_and(|entry| own.iter().all(|part| entry.bytes(*part).is_some()))
}

/// Whether more than the one space that syslog daemons leave precedes `message`.
fn is_indented(message: &[u8]) -> bool {
    message.starts_with(b"  ") || message.starts_with(b"\t")
}

/// Parses the record in a collector's message, if that is a line with a header, or JSON.
fn unwrapped<'a>(message: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    // An indented line continues another program's message, and is no record.
    if message.first().is_some_and(u8::is_ascii_whitespace) {
        return None;
    }
    let line = message.trim_ascii_end();
    let line = match memchr::memchr(b'\n', line) {
        Some(end) if line.first() != Some(&b'{') => line[..end].trim_ascii_end(),
        _ => line,
    };
    // The kernel's own uptime belongs to the message, and is no header.
    if layer.prefixes.at_begin_of(bare(line)).is_some() {
        return None;
    }
    layer.inner(line)
}

/// Returns the time that a collector gives, or the kernel's uptime.
fn stamp(object: &Object<'_>) -> Moment {
    if let Some(moment) = object.bytes(Part::Time).and_then(moment) {
        return moment;
    }
    let uptime = object
        .number(Part::Seconds)
        .and_then(|seconds| seconds.checked_mul(SECOND))
        .map(|whole| whole.saturating_add(object.number(Part::Micros).unwrap_or(0)));
    let uptime = uptime.or_else(|| object.number(Part::SourceMonotonic));
    let stamp = uptime.filter(|micros| (0..1 << 60).contains(micros));
    let stamp = stamp.map_or(Stamp::Unread, |micros| Stamp::Uptime { micros });
    stamp.into()
}

/// Returns the name of the host in a field.
fn host(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    // Kibana writes a dash for a missing value.
    if matches!(&*bytes, b"" | b"-") {
        return None;
    }
    match bytes {
        Cow::Borrowed(bytes) => str::from_utf8(host_name(bytes)).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => str::from_utf8(host_name(&bytes))
            .ok()
            .map(|name| name.to_owned().into()),
    }
}
