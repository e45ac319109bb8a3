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

/// Lines of other streams, or of no container, that may stand between two parts of a line.
const MAX_BETWEEN: usize = 64;

impl Part<'_> {
    /// Whether both are of one stream.
    fn is_with(&self, other: &Part<'_>) -> bool {
        self.stream == other.stream && self.tail.is_empty() == other.tail.is_empty()
    }
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
    part.partial || part_before(text, line.start, &part).is_some_and(|(_, before)| before.partial)
}

/// Returns the line of `text` that ends at `begin`.
fn before(text: &[u8], begin: usize) -> Option<Range<usize>> {
    let end = begin.checked_sub(1)?;
    let from = memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
    Some(from..end)
}

/// Returns the line of `text` that begins behind `end`.
fn behind(text: &[u8], end: usize) -> Option<Range<usize>> {
    let begin = end + 1;
    let rest = text.get(begin..).filter(|rest| !rest.is_empty())?;
    let length = memchr(b'\n', rest).unwrap_or(rest.len());
    Some(begin..begin + length)
}

/// Returns the last part of the stream of `this` before `begin`.
fn part_before<'t>(
    text: &'t [u8],
    begin: usize,
    this: &Part<'_>,
) -> Option<(Range<usize>, Part<'t>)> {
    let lines = std::iter::successors(before(text, begin), |line| before(text, line.start));
    of_stream(text, lines, this)
}

/// Returns the first part of the stream of `this` behind `end`.
fn part_behind<'t>(
    text: &'t [u8],
    end: usize,
    this: &Part<'_>,
) -> Option<(Range<usize>, Part<'t>)> {
    let lines = std::iter::successors(behind(text, end), |line| behind(text, line.end));
    of_stream(text, lines, this)
}

fn of_stream<'t>(
    text: &'t [u8],
    lines: impl Iterator<Item = Range<usize>>,
    this: &Part<'_>,
) -> Option<(Range<usize>, Part<'t>)> {
    let mut parts = lines
        .take(MAX_BETWEEN + 1)
        .filter_map(|line| part(trim(&text[line.clone()])).map(|part| (line, part)));
    parts.find(|(_, part)| part.is_with(this))
}

/// A container's line whose parts were joined.
pub(in crate::input) struct Joined {
    pub(in crate::input) record: Vec<u8>,
    /// Where the lines of its parts begin.
    pub(in crate::input) parts: Vec<usize>,
    /// Whether its last part is there.
    pub(in crate::input) is_whole: bool,
}

/// Joins the parts of a container's line around `line`, without those that `is_done` has. `None` where `line` is complete.
pub(in crate::input) fn join(
    text: &[u8],
    line: Range<usize>,
    is_done: impl Fn(usize) -> bool,
) -> Option<Joined> {
    let this = part(trim(&text[line.clone()]))?;
    let mut begin = line.clone();
    while let Some((before, part)) = part_before(text, begin.start, &this)
        && part.partial
        && !is_done(before.start)
        && line.end - before.start <= MAX_RECORD
    {
        begin = before;
    }
    if begin == line && !this.partial {
        return None;
    }
    let mut next = part(trim(&text[begin.clone()])).map(|first| (begin, first));
    let mut record = Vec::new();
    let mut parts = Vec::new();
    let mut tail: &[u8] = b"";
    let mut is_whole = false;
    while let Some((line, part)) = next
        && !is_whole
        && record.len() <= MAX_RECORD
    {
        if record.is_empty() {
            // The time and the stream of the first part apply to all.
            record.extend_from_slice(part.head);
        }
        record.extend_from_slice(part.text);
        tail = part.tail;
        is_whole = !part.partial;
        next = part_behind(text, line.end, &this);
        parts.push(line.start);
    }
    record.extend_from_slice(tail);
    Some(Joined {
        record,
        parts,
        is_whole,
    })
}

/// Returns where in `lines`, complete ones, those begin that have to wait for more: the first part of a line that is not
/// complete, and what stands behind it, with all parts of the lines that go on there.
pub(in crate::input) fn open_end(lines: &[u8]) -> usize {
    let mut open = lines.len();
    // The part of each stream that was looked at last, the next one of those before it.
    let mut streams: Vec<(Part<'_>, usize)> = Vec::new();
    let mut between = 0;
    let mut at = lines.len();
    while between <= MAX_BETWEEN
        && let Some(line) = before(lines, at)
        && lines.len() - line.start <= MAX_RECORD
    {
        at = line.start;
        between += 1;
        let Some(part) = part(trim(&lines[line])) else {
            continue;
        };
        let known = streams.iter_mut().find(|(other, _)| other.is_with(&part));
        let waits = part.partial && known.as_ref().is_none_or(|(_, next)| *next >= open);
        if waits {
            open = at;
            between = 0;
        }
        match known {
            Some((_, next)) => *next = at,
            None => streams.push((part, at)),
        }
    }
    open
}
