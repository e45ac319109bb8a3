//! Lines with hits, whole or in the parts in which a container's log has them.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::carry::unreadable;
use super::lines::kept;
use super::{Reader, Taken};
use crate::input::event::{LogEvent, Sink};
use crate::input::format::text::{bare, plain, trim};
use crate::input::format::{Origin, Prefixes};
use crate::input::framing::{self, Framing, Joined, Parts};
use crate::input::message::{CUT, MANGLED, unescaped};
use crate::input::scan::is_no_text;
use crate::input::search::Found;

/// How many bytes of a line's end may have the begin of a LOG prefix.
const MAX_END: usize = 256;

/// Why a line of several parts was not read.
const TOO_MANY: &str =
    "it holds several records in parts of a container's line: export the log again, or cut it out";

impl Reader {
    /// Takes a line of `text` that has hits, and is no part of one.
    pub(super) fn line(
        &mut self,
        text: &[u8],
        line: Range<usize>,
        found: Found,
        sink: &mut Sink<'_>,
    ) -> Taken {
        let raw = trim(&text[line.clone()]);
        if is_no_text(raw) && self.is_foreign(raw, found, sink) {
            return Taken::Said;
        }
        let is_rest = found.rule && !found.prefix;
        let before = match line.start.checked_sub(1) {
            _ if !found.repeat && !is_rest => Vec::new(),
            Some(end) => {
                let begin = memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
                let before = trim(&text[begin..end]);
                if is_rest {
                    before[before.len().saturating_sub(MAX_END)..].to_vec()
                } else {
                    kept(before).to_vec()
                }
            }
            None => self.before.clone(),
        };
        if is_rest && self.prefixes.is_wrapped(&before, raw) {
            sink(LogEvent::Elsewhere {
                record: raw,
                why: MANGLED,
                is_read: false,
            });
            return Taken::Said;
        }
        self.take_record(raw, found, &before, sink)
    }

    /// Whether `line` of `text` is a part of one, so that lines are joined from there on.
    pub(super) fn begins_parts(&mut self, text: &[u8], line: &Range<usize>) -> bool {
        let begins = framing::is_one_of_parts(text, line);
        if begins {
            let parts = Parts::behind(&text[..line.start]);
            self.framing = Framing::Parts(Box::new(parts));
        }
        begins
    }

    /// Goes on in the parts of a line that `text`, which is taken, leaves open: what is read next does not show them.
    pub(super) fn keep_open(&mut self, text: &[u8]) {
        let parts = Parts::behind(text);
        if !parts.are_whole() {
            self.framing = Framing::Parts(Box::new(parts));
        }
    }

    /// Takes lines, some of which are in parts, until none waits for more. Returns the number of bytes taken, and whether
    /// that needs more text.
    pub(super) fn parts(&mut self, text: &[u8], last: bool, sink: &mut Sink<'_>) -> (usize, bool) {
        let Framing::Parts(mut parts) = std::mem::replace(&mut self.framing, Framing::Lines) else {
            return (0, false);
        };
        let whole = if last {
            text.len()
        } else {
            framing::end_of_whole(text)
        };
        // Lines that are no parts are taken together.
        let (mut done, mut at, mut is_other) = (0, 0, false);
        while at < whole && (at == 0 || !parts.are_whole()) {
            let end = memchr(b'\n', &text[at..whole]).map_or(whole, |end| at + end + 1);
            let line = &text[at..end];
            if parts.concerns(line) {
                done += self.lines_between(&text[done..at], sink);
                is_other = done < at;
                if is_other {
                    break;
                }
                if self.part(line, &mut parts, sink) {
                    done = end;
                }
            } else {
                parts.take(line, |_| ());
            }
            at = end;
        }
        if !is_other {
            done += self.lines_between(&text[done..at], sink);
            is_other = done < at;
        }
        if is_other {
            // Another log begins there.
            self.give_up_parts(&mut parts, sink);
            return (done, false);
        }
        if parts.are_whole() {
            return (done, false);
        }
        self.framing = Framing::Parts(parts);
        (done, true)
    }

    /// Takes complete lines between parts. Returns the number of bytes taken, which is less than all where another framing
    /// begins, and not where each line has to be visited from there on.
    fn lines_between(&mut self, text: &[u8], sink: &mut Sink<'_>) -> usize {
        let mut used = self.lines_of(text, sink);
        while used < text.len() && matches!(self.framing, Framing::Lines) {
            used += self.lines_of(&text[used..], sink);
        }
        used
    }

    /// Takes a line that is a part of one, or shows that a part has no more of them: whether it is one.
    fn part(&mut self, line: &[u8], parts: &mut Parts, sink: &mut Sink<'_>) -> bool {
        let mut joined = Vec::new();
        let is_part = parts.take(line, |line| joined.push(line));
        let cut = self.cut_of(&joined, is_part && !line.ends_with(b"\n"));
        if is_part {
            self.lines += 1;
            self.known = true;
            self.has_nuls = self.has_nuls || is_no_text(line) && self.have_nuls(line);
            parts.has_hit |= self.scanner.search.of_record().found_in(line) != Found::default();
            // A line that comes again repeats all of it.
            self.before.clear();
            if !parts.has_hit {
                // Lines behind it may count their time from it.
                self.alive(line, sink);
                self.before
                    .extend_from_slice(kept(framing::without_end(line)));
            } else if let Some(Joined::Record(record)) = joined.last() {
                self.before.extend_from_slice(kept(record));
            }
        }
        self.all_joined(joined, parts, sink);
        cut_in_prefix(cut, sink);
        is_part
    }

    /// Takes the lines whose last part does not come.
    fn give_up_parts(&mut self, parts: &mut Parts, sink: &mut Sink<'_>) {
        let mut joined = Vec::new();
        parts.end(|line| joined.push(line));
        self.all_joined(joined, parts, sink);
    }

    /// Takes the lines of which the last part is missing, at the end of the log.
    pub(super) fn end_parts(&mut self, sink: &mut Sink<'_>) {
        let Framing::Parts(mut parts) = std::mem::replace(&mut self.framing, Framing::Lines) else {
            return;
        };
        let mut joined = Vec::new();
        parts.end(|line| joined.push(line));
        let cut = self.cut_of(&joined, true);
        self.all_joined(joined, &mut parts, sink);
        if !cut.is_empty() {
            // It is told once.
            self.before.clear();
        }
        cut_in_prefix(cut, sink);
    }

    /// Returns those of the `joined` lines that end within a LOG prefix, where the log ends there.
    fn cut_of(&self, joined: &[Joined], is_end: bool) -> Vec<Vec<u8>> {
        let records = joined
            .iter()
            .filter(|_| is_end)
            .filter_map(|line| match line {
                Joined::Record(record) if self.ends_in_prefix(record) => Some(record.clone()),
                _ => None,
            });
        records.collect()
    }

    /// Takes lines whose last part came, or none will, where any of the `parts` had a hit.
    pub(super) fn all_joined(
        &mut self,
        joined: Vec<Joined>,
        parts: &mut Parts,
        sink: &mut Sink<'_>,
    ) {
        if !parts.has_hit {
            return;
        }
        for line in joined {
            match line {
                Joined::Record(record) => {
                    let found = self.scanner.search.of_record().found_in(&record);
                    if self.take_record(&record, found, &[], sink) == Taken::Document {
                        self.lost(&record, TOO_MANY, sink);
                    }
                }
                Joined::Long(part, stream) => {
                    if self.scanner.search.of_record().found_in(&part).prefix {
                        unreadable(&part, sink);
                        parts.told(stream);
                    }
                }
            }
        }
    }

    /// Returns the last record of the log, if that ends within a LOG prefix, in which nothing is found.
    pub(super) fn cut_at_end(&self) -> Vec<Vec<u8>> {
        let text = &self.carry;
        let last = memrchr(b'\n', text).map_or(0, |at| at + 1);
        let record = match self.framing {
            Framing::Lines if text.is_empty() => self.before.clone(),
            Framing::Lines => trim(&text[last..]).to_vec(),
            Framing::Export if !text.ends_with(b"\n") => text.clone(),
            _ => return Vec::new(),
        };
        let is_cut = self.ends_in_prefix(&record);
        Some(record).filter(|_| is_cut).into_iter().collect()
    }

    /// Whether `record` ends within a LOG prefix, and has none before, for which it is told.
    fn ends_in_prefix(&self, record: &[u8]) -> bool {
        self.is_cut_in_prefix(record) && !self.scanner.search.of_record().found_in(record).prefix
    }

    fn is_cut_in_prefix(&self, record: &[u8]) -> bool {
        let plain = plain(record);
        let Some(read) = self.read(&plain) else {
            // JSON that is cut has its message last.
            let begin = match plain.first() {
                Some(b'{') => memrchr(b'"', &plain).map_or(0, |quote| quote + 1),
                _ => 0,
            };
            return is_begin(&self.prefixes, &plain[begin..]);
        };
        let is_kernels = matches!(read.origin, Origin::Kernel | Origin::Unclear);
        is_kernels && is_begin(&self.prefixes, bare(&unescaped(&read.message)))
    }
}

/// Reports records at whose end the log ends within a LOG prefix.
pub(super) fn cut_in_prefix(records: Vec<Vec<u8>>, sink: &mut Sink<'_>) {
    for record in records {
        sink(LogEvent::Unreadable {
            record: &record,
            why: CUT,
        });
    }
}

/// Whether `text` is the begin of a LOG prefix.
fn is_begin(prefixes: &Prefixes, text: &[u8]) -> bool {
    /// Fewer characters begin too many words.
    const MIN: usize = 4;
    let is_begin = |prefix: &Vec<u8>| prefix.len() > text.len() && prefix.starts_with(text);
    text.len() >= MIN && prefixes.texts.iter().any(is_begin)
}
