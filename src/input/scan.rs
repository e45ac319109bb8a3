//! Finds the drop lines of a log in raw blocks: most bytes of a log are not drop lines, and only nominated records are
//! split, dated or parsed.
//!
//! Blocks are pushed in, items come out; the same code serves a file and a pipe.

use memchr::{memchr, memchr_iter, memrchr};
use regex::bytes::{Regex, RegexBuilder};

use super::fact::Fact;
use super::message::{Anchored, anchor};
use super::{Entry, Prefixes, read};
use crate::time::{Reading, Time, YearClock};

/// A record longer than this many bytes is no log record: the kernel prints 1 KiB, a journal field may hold some more.
const LONGEST_RECORD: usize = 1 << 20;
/// How many records from either end of a block are looked at for a date that shows how far the log went.
const DATING_TRIES: usize = 8;

/// What the scanner finds.
#[derive(Debug)]
pub enum Item<'a> {
    /// A drop line.
    Drop(Entry<'a>),
    /// The text of a drop line that the kernel did not write.
    Untrusted { record: &'a [u8], why: &'static str },
    /// A drop line that cannot be read.
    Unreadable { record: &'a [u8], why: &'static str },
    /// The log had a line, of whatever kind, at this time.
    Alive { time: Time },
    /// The input told something of the cluster, before its logs.
    Learned(Fact),
    /// A log of an input came to its end; all of its times are off by `correction` years.
    EndOfLog { correction: i32 },
}

/// Where items go.
pub type Sink<'s> = dyn FnMut(Item<'_>) + 's;

/// The scanner of one log.
pub struct Scanner {
    prefixes: Prefixes,
    nominate: Regex,
    clock: YearClock,
    /// The place in `FORMATS` of the format that the last record had.
    usual: usize,
    /// The begin of a record whose end has not come yet.
    carry: Vec<u8>,
    /// The rest of a record that is too long is thrown away.
    overlong: bool,
    lines: u64,
    known: bool,
    blank: bool,
}

impl Scanner {
    /// A scanner for lines with one of `prefixes`, whose times are read as `reading` says.
    pub fn new(prefixes: Prefixes, reading: Reading) -> Self {
        let nominate = nominator(&prefixes);
        Self {
            prefixes,
            nominate,
            clock: YearClock::new(reading),
            usual: 0,
            carry: Vec::new(),
            overlong: false,
            lines: 0,
            known: false,
            blank: true,
        }
    }

    /// How many lines came in.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether any record was of a known log format.
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// Whether nothing but white space came in.
    pub const fn is_blank(&self) -> bool {
        self.blank
    }

    /// Takes the next bytes of the log.
    pub fn push(&mut self, mut block: &[u8], sink: &mut Sink<'_>) {
        if self.overlong || !self.carry.is_empty() {
            let Some(end) = memchr(b'\n', block) else {
                self.keep(block, sink);
                return;
            };
            let (head, tail) = block.split_at(end + 1);
            self.keep(head, sink);
            if self.overlong {
                self.overlong = false;
                self.lines += 1;
            } else {
                let record = std::mem::take(&mut self.carry);
                self.records(&record, sink);
                self.carry = record;
                self.carry.clear();
            }
            block = tail;
        }
        let end = memrchr(b'\n', block).map_or(0, |at| at + 1);
        let (whole, tail) = block.split_at(end);
        self.records(whole, sink);
        self.keep(tail, sink);
    }

    /// Takes the end of the log: its last line may lack its newline.
    pub fn finish(&mut self, sink: &mut Sink<'_>) {
        let record = std::mem::take(&mut self.carry);
        if self.overlong {
            self.overlong = false;
            self.lines += 1;
        } else if !record.is_empty() {
            self.lines += 1;
            self.records(&record, sink);
        }
        let correction = self.clock.correction();
        sink(Item::EndOfLog { correction });
    }

    /// Adds to the record that is not complete yet.
    fn keep(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        if self.overlong {
            return;
        }
        if self.carry.len() + bytes.len() > LONGEST_RECORD {
            sink(Item::Unreadable {
                record: &self.carry[..self.carry.len().min(200)],
                why: "the line is longer than 1 MiB",
            });
            self.blank = false;
            self.carry = Vec::new();
            self.overlong = true;
            return;
        }
        self.carry.extend_from_slice(bytes);
    }

    /// Takes whole lines.
    fn records(&mut self, block: &[u8], sink: &mut Sink<'_>) {
        if block.is_empty() {
            return;
        }
        self.lines += memchr_iter(b'\n', block).count() as u64;
        self.blank = self.blank && block.trim_ascii().is_empty();
        self.recognise(block);
        self.date(lines(block), sink);
        let nominate = self.nominate.clone();
        let mut from = 0;
        while let Some(hit) = nominate.find_at(block, from) {
            let begin = memrchr(b'\n', &block[..hit.start()]).map_or(0, |at| at + 1);
            let end =
                memchr(b'\n', &block[hit.start()..]).map_or(block.len(), |at| hit.start() + at);
            self.nominated(trim(&block[begin..end]), sink);
            from = end;
        }
        self.date(lines(block).rev(), sink);
    }

    /// Looks for the first record of a known format.
    fn recognise(&mut self, block: &[u8]) {
        if !self.known {
            self.known =
                lines(block).any(|line| read(line, &self.prefixes, &mut self.usual).is_some());
        }
    }

    /// Says that the log was alive at the time of the first of `lines` that tells one.
    fn date<'b>(&mut self, lines: impl Iterator<Item = &'b [u8]>, sink: &mut Sink<'_>) {
        for line in lines.take(DATING_TRIES) {
            if let Some(record) = read(line, &self.prefixes, &mut self.usual) {
                let time = self.clock.resolve(record.stamp);
                if time.is_known() {
                    sink(Item::Alive { time });
                    return;
                }
            }
        }
    }

    fn nominated(&mut self, line: &[u8], sink: &mut Sink<'_>) {
        let Some(record) = read(line, &self.prefixes, &mut self.usual) else {
            sink(if line.first().is_some_and(u8::is_ascii_whitespace) {
                Item::Untrusted {
                    record: line,
                    why: "stands in a continuation line, which the kernel does not write",
                }
            } else {
                Item::Unreadable {
                    record: line,
                    why: "what stands before the kernel's message is of no known form",
                }
            });
            return;
        };
        let (stamp, host) = (record.stamp, record.host.clone());
        match anchor(record, &self.prefixes) {
            Anchored::Drop(message) => sink(Item::Drop(Entry {
                time: self.clock.resolve(stamp),
                fine: stamp.is_fine(),
                host: host.as_deref(),
                message: &String::from_utf8_lossy(&message),
                repeats: 1,
            })),
            Anchored::Other => {}
            Anchored::Untrusted(why) => sink(Item::Untrusted { record: line, why }),
        }
    }
}

/// The expression that nominates: each prefix as text, and as the array of byte values that journal JSON has for a
/// message with control characters.
fn nominator(prefixes: &Prefixes) -> Regex {
    let alternatives: Vec<String> = prefixes
        .0
        .iter()
        .flat_map(|prefix| {
            let bytes: Vec<String> = prefix.iter().map(u8::to_string).collect();
            [
                regex::escape(&String::from_utf8_lossy(prefix)),
                bytes.join(","),
            ]
        })
        .collect();
    RegexBuilder::new(&alternatives.join("|"))
        .unicode(false)
        .build()
        .unwrap_or_else(|_| unreachable!("escaped text is an expression"))
}

fn lines(block: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    block.split(|&b| b == b'\n').map(trim)
}

/// Without the carriage return of a log that went through Windows.
fn trim(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
