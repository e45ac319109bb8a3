//! Lines of Loki as `logcli query` prints them, and as Grafana's Explore saves them: a time and labels before a line of any
//! other form.

use super::header::{DIGITS, digits, iso, literal, spaces};
use super::json;
use super::json_object::Object;
use super::record::{Format, Layer, Read, Record};

pub(super) static LOGCLI: Format = Format {
    code: "logcli",
    title: "logcli query: time and labels before a line of any other form",
    sample: r#"2026-04-22T10:00:01Z {hostname="harvester1", transport="kernel"} HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 "#,
    begins: DIGITS,
    read: Read::Text(read_logcli),
};

pub(super) static GRAFANA_TXT: Format = Format {
    code: "grafana-txt",
    title: "Grafana's Explore, saved as TXT: a time and a tab before a line of any other form",
    sample: "1776852001123\t2026-04-22T10:00:01.123Z\tApr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: DIGITS,
    read: Read::Text(read_grafana),
};

/// Largest offset of labels or of a tab: most lines with an ISO 8601 stamp have neither there.
const MAX_STAMP: usize = 64;

/// Returns the part of `text` before `rest`.
fn taken<'a>(text: &'a [u8], rest: &[u8]) -> &'a [u8] {
    &text[..text.len() - rest.len()]
}

fn read_logcli<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    memchr::memchr(b'{', &record[..record.len().min(MAX_STAMP)])?;
    let mut rest = record;
    iso(&mut rest)?;
    let mut object = Object::default();
    object.put_field("timestamp", taken(record, rest).into());
    literal(&mut rest, b" ")?;
    spaces(&mut rest);
    labels(&mut rest, &mut object)?;
    literal(&mut rest, b" ")?;
    spaces(&mut rest);
    object.put_field("line", rest.into());
    json::record(&mut object, layer)
}

/// Parses `{name="value", …}`, whose values are quoted as in Go.
fn labels<'a>(text: &mut &'a [u8], object: &mut Object<'a>) -> Option<()> {
    let mut rest = text.strip_prefix(b"{")?;
    while literal(&mut rest, b"}").is_none() {
        let equals = memchr::memchr(b'=', rest)?;
        let name = std::str::from_utf8(rest.get(..equals)?).ok()?;
        rest = rest[equals + 1..].strip_prefix(b"\"")?;
        let mut end = 0;
        loop {
            end += memchr::memchr2(b'"', b'\\', rest.get(end..)?)?;
            if rest[end] == b'"' {
                break;
            }
            end += 2;
        }
        object.put_field(name, rest[..end].into());
        rest = &rest[end + 1..];
        let _ = literal(&mut rest, b",");
        spaces(&mut rest);
    }
    *text = rest;
    Some(())
}

fn read_grafana<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    memchr::memchr(b'\t', &record[..record.len().min(MAX_STAMP)])?;
    let mut rest = record;
    let mut epoch = rest;
    if digits(&mut epoch, 10, 19).is_some() && literal(&mut epoch, b"\t").is_some() {
        rest = epoch;
    }
    let stamped = rest;
    iso(&mut rest)?;
    let mut object = Object::default();
    object.put_field("timestamp", taken(stamped, rest).into());
    literal(&mut rest, b"\t")?;
    object.put_field("line", rest.into());
    json::record(&mut object, layer)
}
