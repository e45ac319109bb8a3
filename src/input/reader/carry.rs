//! Carry between blocks: the start of an incomplete record, and the skipping of a record that is too long or no text.

use memchr::memchr;

use super::Reader;
use super::lost::NUL_RUN;
use crate::input::event::{LogEvent, Sink};
use crate::input::format::text::trim;
use crate::input::framing::{self, Framing, LONG_LINE, MAX_RECORD, Torn};

impl Reader {
    pub(super) fn push_block(&mut self, mut block: &[u8], sink: &mut Sink<'_>) {
        let skipped = usize::try_from(self.skip).map_or(block.len(), |skip| skip.min(block.len()));
        self.skip -= skipped as u64;
        block = &block[skipped..];
        if self.overlong {
            let Some(end) = memchr(b'\n', block) else {
                return;
            };
            self.overlong = false;
            self.lines += 1;
            block = &block[end + 1..];
        }
        if self.carry.is_empty() {
            let used = self.take(block, false, sink);
            self.keep(&block[used..], sink);
            return;
        }
        if matches!(self.framing, Framing::Lines) {
            // The line is completed separately, so that the block need not be copied.
            let end = memchr(b'\n', block).map_or(block.len(), |at| at + 1);
            let (head, tail) = block.split_at(end);
            self.keep(head, sink);
            block = tail;
            if self.overlong {
                if head.ends_with(b"\n") {
                    self.overlong = false;
                    self.lines += 1;
                    self.push_block(tail, sink);
                }
                return;
            }
            if !head.ends_with(b"\n") {
                return;
            }
        } else {
            self.carry.extend_from_slice(block);
            let may_end = !self.framing.ends_with_line() || memchr(b'\n', block).is_some();
            if !may_end && self.carry.len() <= MAX_RECORD {
                return;
            }
            block = &[];
        }
        self.take_carry(false, sink);
        if self.carry.is_empty() {
            let used = self.take(block, false, sink);
            self.keep(&block[used..], sink);
        } else if !block.is_empty() {
            self.carry.extend_from_slice(block);
            self.take_carry(false, sink);
        }
    }

    /// Takes the carried text, and keeps the rest of it.
    pub(super) fn take_carry(&mut self, last: bool, sink: &mut Sink<'_>) {
        let mut text = std::mem::take(&mut self.carry);
        let mut used = self.take(&text, last, sink);
        if used > 0 && !last {
            used += self.nuls(&text[used..]);
        }
        text.drain(..used);
        self.carry = text;
        if self.carry.len() > MAX_RECORD && !last {
            self.shed(sink);
        }
    }

    /// Appends to the incomplete record.
    fn keep(&mut self, mut bytes: &[u8], sink: &mut Sink<'_>) {
        if self.overlong || bytes.is_empty() {
            return;
        }
        if self.carry.is_empty() {
            bytes = &bytes[self.nuls(bytes)..];
        }
        self.carry.extend_from_slice(bytes);
        let is_now_long =
            (self.carry.len() >= LONG_LINE) && self.carry.len() - bytes.len() < LONG_LINE;
        if is_now_long && let Some(framing) = self.unbroken(&self.carry) {
            self.framing = framing;
            self.take_carry(false, sink);
        }
        if self.carry.len() > MAX_RECORD {
            self.shed(sink);
        }
    }

    /// Returns the framing of the log, which begins with `text`, if it has no line ends.
    pub(super) fn unbroken(&self, text: &[u8]) -> Option<Framing> {
        let is_begin = self.lines == 0 && !self.barred && matches!(self.framing, Framing::Lines);
        is_begin.then(|| framing::unbroken(text)).flatten()
    }

    /// Returns the number of NULs at the start of `rest`, after a line end: a crash leaves blocks of them, followed by
    /// the next line.
    fn nuls(&mut self, rest: &[u8]) -> usize {
        if !matches!(self.framing, Framing::Lines) {
            return 0;
        }
        let nuls = rest.iter().position(|b| *b != 0).unwrap_or(rest.len());
        self.nul_run += nuls;
        self.has_nuls |= self.nul_run >= NUL_RUN;
        if nuls < rest.len() {
            self.nul_run = 0;
        }
        // Together with the line, the NULs would precede a text that looks like an opening.
        self.barred |= nuls > 0;
        nuls
    }

    /// Skips the rest of a line, which is counted at its end.
    fn skip_line(&mut self) {
        self.resume = 0;
        self.overlong = !self.carry.ends_with(b"\n");
        self.lines += u64::from(!self.overlong);
        self.carry = Vec::new();
    }

    /// Discards a record that is too long.
    fn shed(&mut self, sink: &mut Sink<'_>) {
        self.blank = false;
        match &mut self.framing {
            Framing::Document(document) => {
                let lost = document.forget();
                let done = document.release().min(self.carry.len());
                if lost {
                    unreadable(&self.carry, sink);
                    self.lines += 1;
                }
                self.carry.drain(..done);
            }
            Framing::Lines if matches!(trim(&self.carry).first(), Some(b'{' | b'[')) => {
                // A document on one line.
                self.framing = Framing::document();
                self.take_carry(false, sink);
            }
            Framing::Parts(parts) => {
                let (mut parts, mut joined) = (std::mem::take(parts), Vec::new());
                parts.overlong(&self.carry, |line| joined.push(line));
                self.all_joined(joined, &mut parts, sink);
                self.framing = Framing::Parts(parts);
                unreadable(&self.carry, sink);
                self.overlong = true;
                self.carry = Vec::new();
            }
            // It was told, and is a field of one line.
            Framing::Torn(_) => self.skip_line(),
            Framing::Export => {
                unreadable(&self.carry, sink);
                self.lines += 1;
                // Its fields are told apart on the way: in a value may stand anything.
                self.framing = Framing::Torn(Box::new(Torn::too_long(&self.carry)));
                self.carry.drain(..std::mem::take(&mut self.resume));
                if self.carry.len() > MAX_RECORD {
                    self.lines -= 1;
                    self.skip_line();
                }
            }
            Framing::Table(_) => {
                unreadable(&self.carry, sink);
                self.skip_line();
            }
            Framing::Lines | Framing::Verbose | Framing::OctetCounted | Framing::Datagrams => {
                unreadable(&self.carry, sink);
                self.framing = Framing::Lines;
                self.skip_line();
            }
        }
    }
}

/// Reports a record that is too long.
pub(super) fn unreadable(record: &[u8], sink: &mut Sink<'_>) {
    sink(LogEvent::Unreadable {
        record: &record[..record.len().min(200)],
        why: "the record is longer than 1 MiB, as none of the kernel is: cut it out",
    });
}
