//! The lines of a log, which most forms write a record each: looks at those that the expressions find, and at each only
//! where a time is told from the line before.

use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::drops::{Drops, Surveyed};
use super::framing::{self, Framing, LONG_LINE};
use super::hosts::News;
use super::message::plain;
use super::nominate::Hit;
use super::scan::{Item, Scanner, Sink};
use super::survey::{Found, Survey};
use super::{cri, notice};
use crate::hints::Lately;

/// How many records from either end of a block are looked at for a date that shows how far the log went.
const DATING_TRIES: usize = 8;
/// How much of the line before a block is kept.
const LONGEST_BEFORE: usize = 4096;

impl Scanner {
    /// Takes whole lines: how many bytes of them, which is less than all where another framing begins.
    pub(super) fn lines_of(&mut self, text: &[u8], sink: &mut Sink<'_>) -> usize {
        if text.is_empty() {
            return 0;
        }
        if text.len() >= LONG_LINE && self.is_datagrams(text) {
            self.framing = Framing::Datagrams;
            return 0;
        }
        if self.may_open(text) && self.opens(text, 0) {
            return 0;
        }
        self.recognise(text);
        if self.each {
            let used = self.visit(text, sink);
            return self.done(&text[..used], None);
        }
        let mut survey = std::mem::take(&mut self.survey);
        self.surveyor.survey(text, &mut survey);
        let used = self.surveyed(text, &mut survey, sink);
        self.survey = survey;
        used
    }

    /// Whether `text` is not of lines that are looked at one by one only where something was found.
    pub(super) fn begins_other(&mut self, text: &[u8]) -> bool {
        if self.may_open(text) && framing::opening(text).is_some() {
            return true;
        }
        self.recognise(text);
        self.each
    }

    /// Whether another framing may begin where the lines at hand do: at any line that says so, or at the log's first.
    fn may_open(&self, text: &[u8]) -> bool {
        self.lines == 0 || framing::is_nominated(text)
    }

    /// Takes whole lines that were surveyed.
    pub(super) fn surveyed(
        &mut self,
        text: &[u8],
        survey: &mut Survey,
        sink: &mut Sink<'_>,
    ) -> usize {
        self.alive_at_begin(text, sink);
        let mut found = std::mem::take(&mut survey.found);
        let used = self.take_found(text, survey, &mut found, sink);
        survey.found = found;
        self.alive_at_end(&text[..used], sink);
        self.done(
            &text[..used],
            Some(survey.lines).filter(|_| used == text.len()),
        )
    }

    /// Notes that the lines `done` are done with; `ends` is how many line ends they have, where that is known.
    fn done(&mut self, done: &[u8], ends: Option<u64>) -> usize {
        self.barred = false;
        // What another framing takes is none of its lines.
        let judge = &mut self.judge;
        judge.known = judge.known || lines(done).any(|line| judge.read(&plain(line)).is_some());
        let ends = ends.unwrap_or_else(|| memchr_iter(b'\n', done).count() as u64);
        self.lines += ends + u64::from(!done.ends_with(b"\n") && !done.is_empty());
        if let Some(line) = lines_back(done.strip_suffix(b"\n").unwrap_or(done)).next() {
            self.before.clear();
            self.before.extend_from_slice(kept(line));
        }
        done.len()
    }

    /// Takes what a `survey` of `text` found.
    fn take_found(
        &mut self,
        text: &[u8],
        survey: &Survey,
        found: &mut [Found],
        sink: &mut Sink<'_>,
    ) -> usize {
        let mut from = 0;
        let mut hosts = Lately::default();
        // A line may have many hits.
        let mut looked = None;
        // Drop lines that follow each other go on together: from here to the place at hand.
        let mut first = 0;
        for at in 0..found.len() {
            let (before, behind) = found.split_at_mut(at);
            let (Some(waiting), Some(here)) = (before.get(first..), behind.first_mut()) else {
                break;
            };
            if here.start() < from {
                hand_on(text, survey, waiting, sink);
                first = at + 1;
                continue;
            }
            let spot = match here {
                Found::Drop(ready) => {
                    let news = self.judge.ready(survey, ready, &mut hosts);
                    if news != News::NONE {
                        hand_on(text, survey, waiting, sink);
                        first = at;
                        news.tell(ready.time, survey.host(ready), sink);
                    }
                    from = ready.end as usize;
                    continue;
                }
                Found::Spot(spot) => *spot,
            };
            hand_on(text, survey, waiting, sink);
            first = at + 1;
            let inside = spot.start
                + usize::from(spot.hit == Hit::Opening && text.get(spot.start) == Some(&b'\n'));
            let begin = memrchr(b'\n', &text[..inside]).map_or(0, |at| at + 1);
            let end = memchr(b'\n', &text[inside..]).map_or(text.len(), |at| inside + at);
            if matches!(spot.hit, Hit::Opening | Hit::Prefix) && self.opens(text, begin) {
                return begin;
            }
            // It counts from lines that nobody looked at yet: `alive_at_end` goes back to them.
            if looked.replace(begin) != Some(begin)
                && self.distance(trim(&text[begin..end])).is_some()
            {
                self.each = true;
                return begin;
            }
            match self.hit(spot.hit, text, begin..end, spot.end, sink) {
                Some(next) => from = next,
                None => {
                    self.framing = Framing::document();
                    return begin;
                }
            }
        }
        hand_on(text, survey, found.get(first..).unwrap_or_default(), sink);
        text.len()
    }

    /// Judges the line of a hit: from where on the next is looked for, or `None` if the line is a document.
    fn hit(
        &mut self,
        kind: Hit,
        text: &[u8],
        line: Range<usize>,
        behind: usize,
        sink: &mut Sink<'_>,
    ) -> Option<usize> {
        let raw = trim(&text[line.clone()]);
        Some(match kind {
            Hit::Prefix => return self.prefixed(text, line, sink),
            Hit::Notice(row) => {
                self.judge.notice(&notice::ROWS[row], raw, sink);
                behind
            }
            Hit::Date => {
                self.judge.date(raw);
                behind
            }
            Hit::Repeat => {
                // One line is counted once, whatever stands behind it.
                if self.repeat(raw, text, line.start, sink) {
                    line.end
                } else {
                    behind
                }
            }
            Hit::Opening => line.start.max(behind.saturating_sub(1)),
        })
    }

    /// Judges a line with a LOG prefix, and those that go on with it: where they end, or `None` if it is a document.
    fn prefixed(&mut self, text: &[u8], line: Range<usize>, sink: &mut Sink<'_>) -> Option<usize> {
        if let Some((end, joined)) = cri::join(text, line.clone()) {
            self.judge.prefixed(&joined, sink);
            return Some(end);
        }
        let raw = trim(&text[line.clone()]);
        self.judge.prefixed(raw, sink).then_some(line.end)
    }

    /// Judges a `last message repeated N times` whose line begins in `text` at `begin`: whether it counts.
    fn repeat(&mut self, raw: &[u8], text: &[u8], begin: usize, sink: &mut Sink<'_>) -> bool {
        let before = match begin.checked_sub(1) {
            Some(end) => {
                let begin = memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
                kept(trim(&text[begin..end]))
            }
            None => &self.before,
        };
        self.judge.repeat(raw, before, sink)
    }

    /// Looks at each line, where times are told from the line before.
    fn visit(&mut self, text: &[u8], sink: &mut Sink<'_>) -> usize {
        let surveyor = Arc::clone(&self.surveyor);
        let search = surveyor.nominator.for_record();
        let mut begin = 0;
        let mut alive = None;
        while begin < text.len() {
            let mut end = memchr(b'\n', &text[begin..]).map_or(text.len(), |at| begin + at);
            if framing::is_nominated(&text[begin..]) && self.opens(text, begin) {
                return begin;
            }
            let line = &text[begin..end];
            let mut is_told = false;
            let mut from = 0;
            // What looks like a notice may stand before the prefix.
            while from <= line.len()
                && let Some(spot) = search.find_at(line, from)
            {
                if matches!(spot.hit, Hit::Opening | Hit::Prefix) && self.opens(text, begin) {
                    return begin;
                }
                match spot.hit {
                    Hit::Prefix => {
                        let Some(behind) = self.prefixed(text, begin..end, sink) else {
                            self.framing = Framing::document();
                            return begin;
                        };
                        end = behind;
                        is_told = true;
                        break;
                    }
                    Hit::Notice(row) => {
                        is_told |= self.judge.notice(&notice::ROWS[row], trim(line), sink);
                    }
                    Hit::Repeat if self.repeat(trim(line), text, begin, sink) => {
                        is_told = true;
                        break;
                    }
                    Hit::Date => self.judge.date(trim(line)),
                    Hit::Repeat | Hit::Opening => {}
                }
                from = spot.end.max(spot.start + 1);
            }
            if !is_told {
                alive = self.judge.time(trim(line)).or(alive);
            }
            begin = end + 1;
        }
        if let Some(alive) = alive {
            sink(alive.item());
        }
        text.len()
    }

    /// Whether another framing begins at `at`; then it holds from now on.
    fn opens(&mut self, text: &[u8], at: usize) -> bool {
        if at == 0 && self.barred {
            return false;
        }
        if let Some(framing) = framing::opening(&text[at..]) {
            self.framing = framing;
            return true;
        }
        false
    }

    /// Looks for forms whose lines must all be visited.
    fn recognise(&mut self, text: &[u8]) {
        self.each = self.each
            || lines(text)
                .take(DATING_TRIES)
                .any(|line| self.distance(line).is_some());
    }

    /// How long after the line before `line` is, if that is all that it tells of its time.
    fn distance(&self, line: &[u8]) -> Option<i64> {
        // It stands in brackets, `[<` or `[ +`, with or without colours and the escapes of JSON. Few logs have such, and others
        // are not read for it.
        let may = |at: usize| {
            let inside = line[at + 1..].trim_ascii_start();
            matches!(inside.first(), Some(b'<' | b'+' | b'\\' | 0x1b))
        };
        if memchr_iter(b'[', line).any(may) {
            self.judge.read(&plain(line))?.after
        } else {
            None
        }
    }

    /// Says that the log was alive at the time of the first line that tells one.
    fn alive_at_begin(&mut self, text: &[u8], sink: &mut Sink<'_>) {
        for line in lines(text).take(DATING_TRIES) {
            if self.alive(line, sink) {
                return;
            }
        }
    }

    /// The same of the last. Where the next line counts from it, it is looked for however far back it stands.
    fn alive_at_end(&mut self, text: &[u8], sink: &mut Sink<'_>) {
        let mut alive = None;
        let mut after = 0_i64;
        let mut tries = 0;
        for line in lines_back(text) {
            if let Some(more) = self.distance(line) {
                after = after.saturating_add(more);
                self.each = true;
                continue;
            }
            alive = self.judge.time(line);
            tries += 1;
            if alive.is_some() || tries == DATING_TRIES && !self.each {
                break;
            }
        }
        if after > 0 {
            let time = self.judge.clock.go_on(after);
            sink(Item::Alive {
                time,
                monotonic: None,
                host: None,
            });
        } else if let Some(alive) = alive {
            sink(alive.item());
            self.others_alive(text, alive.host.as_deref(), sink);
        }
    }

    /// Says when each host with a drop line, but for that of the last line, had its own last line in `text`: a node's log
    /// goes on with lines of any kind.
    fn others_alive(&mut self, text: &[u8], last: Option<&str>, sink: &mut Sink<'_>) {
        for host in self.judge.hosts.several() {
            if last == Some(&*host) {
                continue;
            }
            let mut end = text.len();
            for _ in 0..DATING_TRIES {
                let Some(at) = memmem::rfind(&text[..end], host.as_bytes()) else {
                    break;
                };
                let begin = memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
                let behind = memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
                let alive = self.judge.own_time(trim(&text[begin..behind]));
                if let Some(alive) = alive.filter(|alive| alive.host.as_deref() == Some(&*host)) {
                    sink(alive.item());
                    break;
                }
                end = begin;
            }
        }
    }

    /// Says that the log was alive at the time of `record`; whether it tells one of its own.
    pub(super) fn alive(&mut self, record: &[u8], sink: &mut Sink<'_>) -> bool {
        let alive = self.judge.own_time(trim(record));
        if let Some(alive) = &alive {
            sink(alive.item());
        }
        alive.is_some()
    }
}

/// Hands on the drop lines that wait, if there are any.
fn hand_on(text: &[u8], survey: &Survey, found: &[Found], sink: &mut Sink<'_>) {
    if !found.is_empty() {
        sink(Item::Drops(Drops::Surveyed(Surveyed {
            text,
            survey,
            found,
        })));
    }
}

/// What of a line is kept for the next one, which may say that it came again.
fn kept(line: &[u8]) -> &[u8] {
    &line[..line.len().min(LONGEST_BEFORE)]
}

/// The lines of `block`, and what stands behind its last line end.
fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(block);
    std::iter::from_fn(move || {
        let block = rest?;
        let end = memchr(b'\n', block);
        rest = end.map(|end| &block[end + 1..]);
        Some(trim(&block[..end.unwrap_or(block.len())]))
    })
}

/// The same from the last to the first.
fn lines_back(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(block);
    std::iter::from_fn(move || {
        let block = rest?;
        let end = memrchr(b'\n', block);
        rest = end.map(|end| &block[..end]);
        Some(trim(&block[end.map_or(0, |end| end + 1)..]))
    })
}

/// Without what a crash leaves before a line (NULs) and Windows behind it (a carriage return), and without a byte order
/// mark.
pub(super) fn trim(mut line: &[u8]) -> &[u8] {
    const MARKS: [&[u8]; 2] = [b"\0", b"\xef\xbb\xbf"];
    while let Some(rest) = MARKS.iter().find_map(|mark| line.strip_prefix(*mark)) {
        line = rest;
    }
    while let Some(rest) = line.strip_suffix(b"\0") {
        line = rest;
    }
    line.strip_suffix(b"\r").unwrap_or(line)
}
