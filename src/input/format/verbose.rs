//! `journalctl -o verbose`: a line with time and cursor, then a field a line, indented by four, and the further lines of a
//! value indented by more.

use super::export::Fields;
use super::record::{Format, Layer, Read, Record};
use super::short_full;
use super::text::plain;
use crate::time::{Stamp, Time};

pub(super) static VERBOSE: Format = Format {
    code: "verbose",
    title: "journalctl -o verbose: time and cursor, then all fields, indented",
    sample: "Wed 2026-04-22 10:00:01.123456 UTC [s=1;i=1;b=1f;m=2dfdc1c35;t=6500998586c80;x=1]\n    _HOSTNAME=harvester1\n    _TRANSPORT=kernel\n    MESSAGE=HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \n",
    begins: super::header::WEEKDAYS,
    read: Read::Text(read),
};

/// Indentation of fields; their continuation lines are indented further.
pub(in crate::input) const INDENT: &[u8] = b"    ";

/// The longest header line: stamp and cursor have about 200 bytes.
pub(in crate::input) const MAX_HEADER: usize = 1024;

/// Whether `line` begins a record. A colour code that the line before did not end may precede it.
pub(in crate::input) fn is_header(line: &[u8]) -> bool {
    line.len() <= MAX_HEADER && header(&plain(line)).is_some()
}

/// Returns the stamp and the cursor of a header line.
fn header(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let mut rest = line;
    let stamp = short_full::stamp(&mut rest)?;
    let cursor = rest.trim_ascii_end().strip_prefix(b"[s=")?;
    Some((stamp, cursor.strip_suffix(b"]")?))
}

fn read<'a>(record: &'a [u8], _: Layer<'_>) -> Option<Record<'a>> {
    let mut lines = record
        .split(|&b| b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (stamp, cursor) = header(lines.next()?)?;
    let mut fields = Fields::default();
    for line in lines {
        let Some(field) = line.strip_prefix(INDENT) else {
            continue;
        };
        // A continuation line of a value is indented at least by the longest key's width, never by four.
        if field.first() == Some(&b' ') {
            continue;
        }
        if let Some(equals) = memchr::memchr(b'=', field) {
            fields.put(&field[..equals], &field[equals + 1..]);
        }
    }
    for part in cursor.split(|&b| b == b';') {
        if let Some(value) = part.strip_prefix(b"m=") {
            fields.journal.monotonic = hexadecimal(value);
        } else if let Some(value) = part.strip_prefix(b"t=") {
            fields.journal.realtime = hexadecimal(value);
        }
    }
    // The printed time may be in an ambiguous zone; the cursor's is not.
    if fields.journal.realtime.is_none()
        && let Stamp::Dated { at: Time(at), .. } | Stamp::Zoneless { at: Time(at), .. } = stamp
    {
        fields.journal.realtime = Some(at);
    }
    fields.record()
}

fn hexadecimal(digits: &[u8]) -> Option<i64> {
    i64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
