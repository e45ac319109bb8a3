//! Lines with hits, whole or in the parts in which a container's log has them.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::lines::kept;
use super::{Reader, Taken};
use crate::input::event::{LogEvent, Sink};
use crate::input::format::text::{bare, plain, trim};
use crate::input::format::{Origin, Prefixes};
use crate::input::framing::{self, Framing, Joined};
use crate::input::message::{MANGLED, unescaped};
use crate::input::search::Found;

/// How many bytes of a line's end may have the begin of a LOG prefix.
const MAX_END: usize = 256;

impl Reader {
    /// Takes a line of `text` that has hits, with the other parts of it. What stands between these is left.
    pub(super) fn line(
        &mut self,
        text: &[u8],
        line: Range<usize>,
        found: Found,
        sink: &mut Sink<'_>,
    ) -> Taken {
        // Parts may be cut within the prefix: the rest of a drop line has what each LOG rule writes.
        let joined = (found.prefix || found.rule)
            .then(|| framing::join(text, line.clone(), |at| self.joined.contains(&at)));
        if let Some(Joined { record, parts, .. }) = joined.flatten() {
            let found = self.scanner.search.of_record().found_in(&record);
            self.joined.extend(parts);
            return self.take_record(&record, found, &[], sink);
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
        let raw = trim(&text[line]);
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

    /// Returns the records at the end of the log that end within a LOG prefix, in which nothing is found: the last line,
    /// and lines of which the last part is missing.
    pub(super) fn cut_in_prefix(&self) -> Vec<Vec<u8>> {
        let text = &self.carry;
        let mut records: Vec<Vec<u8>> = Vec::new();
        match self.framing {
            Framing::Lines if text.is_empty() => records.push(self.before.clone()),
            Framing::Lines => {
                let mut begin = 0;
                while begin < text.len() {
                    let end = memchr(b'\n', &text[begin..]).map_or(text.len(), |at| begin + at);
                    let joined = framing::join(text, begin..end, |_| false);
                    match joined {
                        Some(joined) if joined.is_whole || joined.parts.first() != Some(&begin) => {
                        }
                        Some(joined) => records.push(joined.record),
                        None if end == text.len() => records.push(trim(&text[begin..]).to_vec()),
                        None => {}
                    }
                    begin = end + 1;
                }
            }
            Framing::Export if !text.ends_with(b"\n") => records.push(text.clone()),
            _ => {}
        }
        records.retain(|record| self.ends_in_prefix(record));
        records
    }

    fn ends_in_prefix(&self, record: &[u8]) -> bool {
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

/// Whether `text` is the begin of a LOG prefix.
fn is_begin(prefixes: &Prefixes, text: &[u8]) -> bool {
    /// Fewer characters begin too many words.
    const MIN: usize = 4;
    let is_begin = |prefix: &Vec<u8>| prefix.len() > text.len() && prefix.starts_with(text);
    text.len() >= MIN && prefixes.texts.iter().any(is_begin)
}
