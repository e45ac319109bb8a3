//! Container logs: a long line is written in parts, of which all but the last are marked as partial, or, in Docker's
//! json-file, lack the line end.

use std::ops::Range;

use memchr::{memchr, memmem, memrchr};

use super::MAX_RECORD;
use crate::input::format::cri;
use crate::input::format::text::trim;

/// A line of a container's log file around the text of the container.
struct Part<'a> {
    head: &'a [u8],
    text: &'a [u8],
    tail: &'a [u8],
    stream: &'a [u8],
    /// Whether the text continues in the next line of its stream.
    partial: bool,
}

fn part(line: &[u8]) -> Option<Part<'_>> {
    if line.first() == Some(&b'{') {
        return docker(line);
    }
    let part = cri::part(line)?;
    Some(Part {
        head: &line[..line.len() - part.text.len()],
        text: part.text,
        tail: b"",
        stream: part.stream,
        partial: part.partial,
    })
}

/// Bytes after which Docker cuts a line (daemon/logger/copier.go, `defaultBufSize`). A shorter one without a line end is the
/// last of a container that ended.
const DOCKER_BUFFER: usize = 16 << 10;

/// Splits a line of Docker's json-file, whose daemon writes these keys in this order.
fn docker(line: &[u8]) -> Option<Part<'_>> {
    const LOG: &[u8] = b"{\"log\":\"";
    const STREAM: &[u8] = b"\",\"stream\":\"";
    if !line.starts_with(LOG) {
        return None;
    }
    let end = memmem::rfind(line, STREAM).filter(|end| *end >= LOG.len())?;
    let (text, tail) = (&line[LOG.len()..end], &line[end..]);
    let stream = &tail[STREAM.len()..];
    let stream = &stream[..memchr(b'"', stream)?];
    Some(Part {
        head: LOG,
        text,
        tail,
        stream,
        partial: text.len() >= DOCKER_BUFFER && !text.ends_with(b"\\n"),
    })
}

/// Whether the text of a line continues in the next one.
pub(in crate::input) fn is_partial(line: &[u8]) -> bool {
    part(trim(line)).is_some_and(|part| part.partial)
}

/// Whether `line` of `text` may be one part of a longer one.
pub(in crate::input) fn may_be_part(text: &[u8], line: Range<usize>) -> bool {
    let raw = trim(&text[line.clone()]);
    if raw.first() != Some(&b'{') {
        return cri::part(raw).is_some();
    }
    let Some(part) = docker(raw) else {
        return false;
    };
    part.partial || before(text, line.start).is_some_and(|before| is_partial(&text[before]))
}

/// Returns the line of `text` that ends at `begin`.
fn before(text: &[u8], begin: usize) -> Option<Range<usize>> {
    let end = begin.checked_sub(1)?;
    let from = memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
    Some(from..end)
}

/// Joins the parts of a container's line around `line`. Returns the text, and the end of the last part in `text`; `None`
/// where `line` is complete.
pub(in crate::input) fn join(text: &[u8], line: Range<usize>) -> Option<(usize, Vec<u8>)> {
    let part_at = |range: Range<usize>| part(trim(&text[range]));
    let this = part_at(line.clone())?;
    let mut begin = line.start;
    while let Some(before) = before(text, begin) {
        match part_at(before.clone()) {
            Some(part) if part.partial && part.stream == this.stream => begin = before.start,
            _ => break,
        }
    }
    if begin == line.start && !this.partial {
        return None;
    }
    let mut joined = Vec::new();
    let mut at = begin;
    let mut last = line.end;
    let mut tail: &[u8] = b"";
    while at < text.len() && joined.len() <= MAX_RECORD {
        let end = memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
        let Some(part) = part_at(at..end).filter(|part| part.stream == this.stream) else {
            break;
        };
        if joined.is_empty() {
            // The time and the stream of the first part apply to all.
            joined.extend_from_slice(part.head);
        }
        joined.extend_from_slice(part.text);
        tail = part.tail;
        last = last.max(end);
        at = end + 1;
        if !part.partial {
            break;
        }
    }
    joined.extend_from_slice(tail);
    Some((last, joined))
}
