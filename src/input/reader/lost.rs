//! What is lost of a log, and what is said of it: broken documents, exports whose lengths do not fit, and what is no text.

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::Reader;
use crate::input::event::{LogEvent, Sink};
use crate::input::format::text::{plain, trim};
use crate::input::framing::{self, Framing};
use crate::input::search::Found;

/// Reason for which a part of an export was not read.
const WRONG_LENGTH: &str = "the length of a value of the export does not fit, and what stands behind it may be a part of it: \
                            export the journal again, and change no byte of it";

/// Reason why a line between the entries of an export was not read.
const NO_FIELD: &str = "it stands among the entries of an export of the journal, and is no field: a part of the export is lost or \
                        damaged, and may have had drop lines: export the journal again";

/// NULs in a row from which they are a hole that a crash or a bad copy left.
pub(super) const NUL_RUN: usize = 8;

impl Reader {
    /// Takes a record in which its document breaks off.
    pub(super) fn broken(&mut self, record: &[u8], sink: &mut Sink<'_>) {
        self.lines += 1;
        self.lost(
            record,
            "the JSON is broken: export the log again, or cut the record out",
            sink,
        );
    }

    /// Takes a part of an export in which lengths do not fit; `begins` states that an entry begins behind it.
    pub(super) fn torn(&mut self, part: &[u8], begins: bool, sink: &mut Sink<'_>) {
        let Framing::Torn(mut torn) = std::mem::replace(&mut self.framing, Framing::Export) else {
            return;
        };
        let is_lost = !torn.is_told && self.lost(part, WRONG_LENGTH, sink);
        if !begins {
            torn.go_on(is_lost);
            self.framing = Framing::Torn(torn);
        }
    }

    /// Reports the line at the start of `rest`, if it is none that may stand between entries of an export: what it was is lost.
    /// Of one with hits more is told where it is read.
    pub(super) fn no_field(&self, rest: &[u8], sink: &mut Sink<'_>) {
        let line = trim(&rest[..memchr(b'\n', rest).unwrap_or(rest.len())]);
        let is_told = self.scanner.search.of_record().found_in(line) != Found::default();
        if !line.is_empty() && !is_told && self.read(&plain(line)).is_none() {
            let record = &line[..line.len().min(200)];
            sink(LogEvent::Unreadable {
                record,
                why: NO_FIELD,
            });
        }
    }

    /// Reports a part of a log that cannot be read, if it has a drop line: whether it has.
    pub(super) fn lost(&self, part: &[u8], why: &'static str, sink: &mut Sink<'_>) -> bool {
        let has = self.scanner.search.of_record().found_in(part).prefix;
        if has {
            let record = &part[..part.len().min(200)];
            sink(LogEvent::Unreadable { record, why });
        }
        has
    }

    /// Reports what is no text among `lines`, and may have drop lines: of each line without a hit, and once.
    #[cold]
    pub(super) fn foreign(&mut self, lines: &[u8], sink: &mut Sink<'_>) {
        self.has_nuls = self.has_nuls || self.have_nuls(lines);
        let mut told = 0;
        for (at, why) in self.no_text_in(lines) {
            let end = memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end);
            let begin = memrchr(b'\n', &lines[..at]).map_or(0, |end| end + 1);
            let line = &lines[begin..end];
            let has_hit = self.scanner.search.of_record().found_in(line) != Found::default();
            if at >= told && !has_hit {
                no_text(&lines[at..end], why, sink);
            }
            told = end;
        }
    }

    /// Reports that `line`, which has hits, is no text: whether it is none.
    #[cold]
    pub(super) fn is_foreign(&self, line: &[u8], found: Found, sink: &mut Sink<'_>) -> bool {
        // UTF-16 beside a LOG prefix is not what hides it.
        let all = self.no_text_in(line);
        let first = all
            .first()
            .filter(|(_, why)| *why != framing::WIDE || !found.prefix);
        if let Some((at, why)) = first {
            no_text(&line[*at..], why, sink);
        }
        first.is_some()
    }

    /// Returns where something that is no text begins in `lines`, in their order, and what is said of it.
    fn no_text_in(&self, lines: &[u8]) -> Vec<(usize, &'static str)> {
        let wide = self.prefixes.texts.iter().flat_map(|prefix| {
            let wide = framing::widened(&[&prefix[..], b"IN="].concat());
            let all: Vec<usize> = memmem::find_iter(lines, &wide).collect();
            all.into_iter().map(|at| (at, framing::WIDE))
        });
        let mut all: Vec<_> = framing::packed(lines).chain(wide).collect();
        all.sort_unstable();
        all
    }

    /// Whether so many NULs stand in a row in `lines` as no sender and no encoding writes.
    pub(super) fn have_nuls(&self, lines: &[u8]) -> bool {
        // Some were taken off before the line came.
        let mut run = self.nul_run;
        let mut behind = 0;
        memchr_iter(0, lines).any(|at| {
            run = if at == behind { run + 1 } else { 1 };
            behind = at + 1;
            run >= NUL_RUN
        })
    }
}

/// Reports the rest of a line that is no text. Packed data shows nothing, and a line in UTF-16 is text without its NULs.
fn no_text(rest: &[u8], why: &'static str, sink: &mut Sink<'_>) {
    let shown = if why == framing::WIDE { rest } else { &[] };
    let shown = shown.iter().filter(|byte| **byte != 0).take(200);
    let record: &[u8] = &shown.copied().collect::<Vec<u8>>();
    sink(LogEvent::Unreadable { record, why });
}
