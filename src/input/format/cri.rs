//! Lines of container logs: the files of the CRI runtimes, and the header that `kubectl logs` puts before a line.
//!
//! `2026-04-22T10:00:01.123456789Z stdout F line` (kubernetes/cri-api, log format); a long line is written in parts, all
//! but the last of which are tagged `P`.

use super::header::{iso, literal, word};
use super::record::{Format, Layer, Origin, Read, Record};
use super::unknown::of_unknown;
use crate::time::Stamp;

pub(super) static CRI: Format = Format {
    code: "cri",
    title: "a container's log file: time, stream, tag, and a line of any other form",
    sample: "2026-04-22T10:00:01.123456789Z stdout F HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::DIGITS,
    read: Read::Text(read),
};

pub(super) static KUBECTL_PREFIX: Format = Format {
    code: "kubectl-prefix",
    title: "kubectl logs --prefix: pod and container before a line of any other form",
    sample: "[pod/logger-x2x4p/logger] 2026-04-22T10:00:01.123456+00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b"[",
    read: Read::Text(read_prefix),
};

pub(super) static KUBECTL_TIMESTAMPS: Format = Format {
    code: "kubectl-timestamps",
    title: "kubectl logs --timestamps: a time before a line of any other form",
    sample: "2026-04-22T10:00:01.123456789Z Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::DIGITS,
    read: Read::Text(read_timestamp),
};

/// A line of a container's log file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::input) struct Part<'a> {
    stamp: Stamp,
    pub(in crate::input) stream: &'a [u8],
    /// Whether the line continues in the next one of its stream.
    pub(in crate::input) partial: bool,
    pub(in crate::input) text: &'a [u8],
}

/// Largest offset of the stream's name in a line.
const MAX_STAMP: usize = 44;

/// Splits a line of a container's log file.
pub(in crate::input) fn part(line: &[u8]) -> Option<Part<'_>> {
    let mut rest = line;
    let stamp = iso(&mut rest)?;
    // Fast rejection: each line of a log with ISO 8601 stamps comes here, and few have a stream's name.
    if !rest.starts_with(b" std") || line.len() - rest.len() > MAX_STAMP {
        return None;
    }
    literal(&mut rest, b" ")?;
    let stream = word(&mut rest).filter(|&s| s == b"stdout" || s == b"stderr")?;
    let (tag, text) = rest.split_at_checked(1)?;
    let partial = match tag {
        b"F" => false,
        b"P" => true,
        _ => return None,
    };
    // Other tags may follow behind a colon.
    let end = memchr::memchr(b' ', &text[..text.len().min(64)])?;
    Some(Part {
        stamp,
        stream,
        partial,
        text: &text[end + 1..],
    })
}

fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let part = part(record)?;
    Some(wrapped(part.stamp, part.text, layer))
}

fn read_prefix<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let rest = record.strip_prefix(b"[pod/")?;
    let end = memchr::memchr(b']', &rest[..rest.len().min(600)])?;
    if memchr::memchr(b' ', &rest[..end]).is_some() {
        return None;
    }
    let text = rest[end + 1..].strip_prefix(b" ")?;
    Some(wrapped(Stamp::None, text, layer))
}

fn read_timestamp<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    let mut rest = record;
    let stamp = iso(&mut rest)?;
    literal(&mut rest, b" ")?;
    // Only a form with a header of its own counts: a bare word behind a time is the host of a syslog line.
    let split = layer.inner(rest)?;
    Some(split.timed(stamp))
}

/// Returns the record in `text`, or `text` as the message of a program or of nobody known.
fn wrapped<'a>(stamp: Stamp, text: &'a [u8], layer: Layer<'_>) -> Record<'a> {
    layer.inner(text).map_or_else(
        || {
            // Where a prefix stands whole, what is around it says whose the line is.
            let is_mangled = || {
                layer.prefixes.begin_of(text).is_none() && layer.prefixes.is_mangled_at_begin(text)
            };
            let origin = match of_unknown(text, layer.prefixes) {
                Origin::Other if is_mangled() => Origin::Unclear,
                origin => origin,
            };
            Record::new(stamp, None, origin, text.into())
        },
        |split| split.timed(stamp),
    )
}
