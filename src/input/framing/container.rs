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
    if !matches!(stream, b"stdout" | b"stderr") {
        return None;
    }
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
    fn of(&self) -> Stream {
        Stream {
            is_docker: !self.tail.is_empty(),
            is_stderr: self.stream == b"stderr",
        }
    }

    /// Whether both are of one stream.
    fn is_with(&self, other: &Part<'_>) -> bool {
        self.of() == other.of()
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

/// Returns the last part of the stream of `this` before `begin`.
fn part_before<'t>(
    text: &'t [u8],
    begin: usize,
    this: &Part<'_>,
) -> Option<(Range<usize>, Part<'t>)> {
    let lines = std::iter::successors(before(text, begin), |line| before(text, line.start));
    let mut parts = lines
        .take(MAX_BETWEEN + 1)
        .filter_map(|line| part(trim(&text[line.clone()])).map(|part| (line, part)));
    parts.find(|(_, part)| part.is_with(this))
}

/// Whether `line` of `text` is one of several parts of a line.
pub(in crate::input) fn is_one_of_parts(text: &[u8], line: &Range<usize>) -> bool {
    part(trim(&text[line.clone()])).is_some_and(|this| {
        this.partial
            || part_before(text, line.start, &this).is_some_and(|(_, before)| before.partial)
    })
}

/// A line of a stream of which the last part did not come yet.
struct Open {
    stream: Stream,
    /// Its text so far, with the head of the first part, whose time and stream apply to all; of a line that is too long, the
    /// end.
    record: Vec<u8>,
    tail: Vec<u8>,
    /// Bytes of the log since its first part.
    span: usize,
    /// Lines since its last part.
    between: usize,
    is_long: bool,
    /// Whether it was told that it is too long.
    is_told: bool,
}

impl Open {
    fn is_of(&self, part: &Part<'_>) -> bool {
        self.stream == part.of()
    }

    fn add(&mut self, part: &Part<'_>) {
        if self.record.is_empty() && !self.is_long {
            self.record.extend_from_slice(part.head);
        }
        self.record.extend_from_slice(part.text);
        self.tail = part.tail.to_vec();
        self.between = 0;
    }
}

/// The format and the name of a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::input) struct Stream {
    is_docker: bool,
    is_stderr: bool,
}

/// What became of a line.
pub(in crate::input) enum Joined {
    /// The text of a line whose last part came, or none will.
    Record(Vec<u8>),
    /// A part of a line that is too long and has not been told, with its stream.
    Long(Vec<u8>, Stream),
}

/// The lines of containers that are in parts. What a line is depends on nothing but the text since its first part, so that
/// how the bytes come makes no difference.
#[derive(Default)]
pub(in crate::input) struct Parts {
    open: Vec<Open>,
    /// Whether any of its parts had a hit: where none has, lines are not joined. It must not depend on where a block ends,
    /// which shows parts without hits too.
    pub(in crate::input) has_hit: bool,
}

impl Parts {
    /// Returns the state behind `text`, whose lines are taken already.
    pub(in crate::input) fn behind(text: &[u8]) -> Self {
        let mut parts = Self::default();
        let mut at = open_end(text);
        while let Some(end) = memchr(b'\n', &text[at..]).map(|end| at + end + 1) {
            parts.take(&text[at..end], |_| ());
            at = end;
        }
        parts
    }

    /// Whether no line waits for more.
    pub(in crate::input) const fn are_whole(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether `line` is taken, or ends the wait for others.
    pub(in crate::input) fn concerns(&self, line: &[u8]) -> bool {
        let ends = |open: &Open| {
            let is_now_long = !open.is_long && open.span.saturating_add(line.len()) > MAX_RECORD;
            open.between >= MAX_BETWEEN || is_now_long
        };
        let part = part(without_end(line));
        let is_taken =
            |part: Part<'_>| part.partial || self.open.iter().any(|open| open.is_of(&part));
        part.is_some_and(is_taken) || self.open.iter().any(ends)
    }

    /// Takes a line, unless it is whole by itself: whether it did.
    pub(in crate::input) fn take(&mut self, line: &[u8], mut give: impl FnMut(Joined)) -> bool {
        let part = part(without_end(line));
        let is_own = |open: &Open| part.as_ref().is_some_and(|part| open.is_of(part));
        for open in &mut self.open {
            open.between += usize::from(!is_own(open));
        }
        for open in (self.open).extract_if(.., |open| open.between > MAX_BETWEEN) {
            give_up(open, &mut give);
        }
        if let Some(part) = &part
            && part.partial
            && !self.open.iter().any(is_own)
        {
            self.open.push(Open {
                stream: part.of(),
                record: Vec::new(),
                tail: Vec::new(),
                span: 0,
                between: 0,
                is_long: false,
                is_told: false,
            });
        }
        for open in &mut self.open {
            open.span = open.span.saturating_add(line.len());
            let own = part.as_ref().filter(|part| open.is_of(part));
            if let Some(part) = own {
                open.add(part);
            }
            if open.span > MAX_RECORD && (own.is_some() || !open.is_long) {
                shorten(open, &mut give);
            }
        }
        let is_taken = self.open.iter().any(is_own);
        if part.as_ref().is_some_and(|part| !part.partial) {
            for open in self.open.extract_if(.., |open| is_own(open)) {
                give_up(open, &mut give);
            }
        }
        is_taken
    }

    /// States that the line of `stream`, which is too long, was told.
    pub(in crate::input) fn told(&mut self, stream: Stream) {
        let mut open = self.open.iter_mut();
        if let Some(open) = open.find(|open| open.stream == stream) {
            open.is_told = true;
        }
    }

    /// Takes a line that is too long by itself, which begins with `text`.
    pub(in crate::input) fn overlong(&mut self, text: &[u8], mut give: impl FnMut(Joined)) {
        for open in &mut self.open {
            open.span = MAX_RECORD + 1;
            open.between += 1;
            shorten(open, &mut give);
        }
        if let Some(part) = part(text).filter(|part| !part.partial) {
            self.open.retain(|open| !open.is_of(&part));
        }
    }

    /// Gives the lines of which the last part is missing.
    pub(in crate::input) fn end(&mut self, mut give: impl FnMut(Joined)) {
        for open in self.open.drain(..) {
            give_up(open, &mut give);
        }
    }
}

/// Returns `line` without its end.
pub(in crate::input) fn without_end(line: &[u8]) -> &[u8] {
    trim(line.strip_suffix(b"\n").unwrap_or(line))
}

fn give_up(mut open: Open, give: &mut impl FnMut(Joined)) {
    if !open.is_long {
        open.record.extend_from_slice(&open.tail);
        give(Joined::Record(open.record));
    }
}

/// Keeps the end of a line that is too long, in which a LOG prefix may begin.
fn shorten(open: &mut Open, give: &mut impl FnMut(Joined)) {
    const MAX_END: usize = 256;
    open.is_long = true;
    let end = open
        .record
        .split_off(open.record.len().saturating_sub(MAX_END));
    let mut all = std::mem::replace(&mut open.record, end);
    if !open.is_told {
        all.extend_from_slice(&open.record);
        give(Joined::Long(all, open.stream));
    }
}

/// Returns where in `lines`, complete ones, those begin that have to wait for more: the first part of a line that is not
/// complete, and what stands behind it, with all parts of the lines that go on there.
pub(in crate::input) fn open_end(lines: &[u8]) -> usize {
    let mut open = lines.len();
    // The part of each stream that was looked at last, the next one of those before it.
    let mut streams: Vec<(Part<'_>, usize)> = Vec::new();
    let mut between = 0;
    // The log's last line may lack its end.
    let mut at = lines.len() + usize::from(!lines.is_empty() && !lines.ends_with(b"\n"));
    while between <= MAX_BETWEEN
        && let Some(line) = before(lines, at)
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
