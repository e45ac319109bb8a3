//! Lines of container logs: the files of the CRI runtimes, and what `kubectl logs` puts before a line.
//!
//! `2026-04-22T10:00:01.123456789Z stdout F line` (kubernetes/cri-api, log format); a long line is written in parts, all
//! but the last of which are tagged `P`.

use std::ops::Range;

use super::framing::LONGEST_RECORD;
use super::header::{iso, literal, word};
use super::lines::trim;
use super::{Format, Layer, Origin, Record};
use crate::time::Stamp;

pub(super) static CRI: Format = Format {
    code: "cri",
    title: "a container's log file: time, stream, tag, and a line of any other form",
    sample: "2026-04-22T10:00:01.123456789Z stdout F HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::DIGITS,
    read,
};

pub(super) static KUBECTL_PREFIX: Format = Format {
    code: "kubectl-prefix",
    title: "kubectl logs --prefix: pod and container before a line of any other form",
    sample: "[pod/logger-x2x4p/logger] 2026-04-22T10:00:01.123456+00:00 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: b"[",
    read: read_prefix,
};

pub(super) static KUBECTL_TIMESTAMPS: Format = Format {
    code: "kubectl-timestamps",
    title: "kubectl logs --timestamps: a time before a line of any other form",
    sample: "2026-04-22T10:00:01.123456789Z Apr 22 10:00:01 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 ",
    begins: super::header::DIGITS,
    read: read_timestamp,
};

/// A line of a container's log file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    stamp: Stamp,
    pub(super) stream: &'a [u8],
    /// Whether the line goes on in the next one of its stream.
    pub(super) partial: bool,
    pub(super) text: &'a [u8],
}

/// Splits a line of a container's log file.
pub(super) fn part(line: &[u8]) -> Option<Part<'_>> {
    let mut rest = line;
    let stamp = iso(&mut rest)?;
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
    // Only what tells its own form: a bare word behind a time is the host of a syslog line.
    let split = layer.inner(rest)?;
    Some(timed(split, stamp))
}

/// The record in `text`, or `text` as what some program wrote.
fn wrapped<'a>(stamp: Stamp, text: &'a [u8], layer: Layer<'_>) -> Record<'a> {
    layer.inner(text).map_or_else(
        || Record::new(stamp, None, Origin::Other, text.into()),
        |split| timed(split, stamp),
    )
}

/// `record` with the time of what wraps it, unless it tells its date itself: what wraps it may be a copy made later.
pub(super) fn timed(mut record: Record<'_>, outer: Stamp) -> Record<'_> {
    match record.stamp {
        _ if outer == Stamp::None => {}
        Stamp::None => record.stamp = outer,
        Stamp::Uptime { micros } => {
            record.uptime = Some(micros);
            record.stamp = outer;
        }
        Stamp::Dated { .. } | Stamp::Zoneless { .. } | Stamp::Yearless { .. } => {}
    }
    if outer != Stamp::None {
        record.after = None;
    }
    record
}

/// The parts of one line of a container that lie around `line`, put together, and where the last of them ends in `text`;
/// `None` where `line` is whole.
pub(super) fn join(text: &[u8], line: Range<usize>) -> Option<(usize, Vec<u8>)> {
    let part_at = |range: Range<usize>| part(trim(&text[range]));
    let this = part_at(line.clone())?;
    let mut begin = line.start;
    while let Some(before) = begin.checked_sub(1) {
        let from = memchr::memrchr(b'\n', &text[..before]).map_or(0, |at| at + 1);
        match part_at(from..before) {
            Some(part) if part.partial && part.stream == this.stream => begin = from,
            _ => break,
        }
    }
    if begin == line.start && !this.partial {
        return None;
    }
    let mut joined = Vec::new();
    let mut at = begin;
    let mut last = line.end;
    while at < text.len() && joined.len() <= LONGEST_RECORD {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
        let line = trim(&text[at..end]);
        let Some(part) = part(line).filter(|part| part.stream == this.stream) else {
            break;
        };
        if joined.is_empty() {
            // The time and the stream of the first part stand for all.
            let head = line.len() - part.text.len();
            joined.extend_from_slice(&line[..head]);
        }
        joined.extend_from_slice(part.text);
        last = last.max(end);
        at = end + 1;
        if !part.partial {
            break;
        }
    }
    Some((last, joined))
}
