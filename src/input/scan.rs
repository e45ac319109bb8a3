//! Scan of a block of whole lines without the state of its log: a block can be scanned on any thread, and
//! [`super::reader::Reader`] takes the scans of a log in its order.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};

use super::event::DropLine;
use super::search::{Found, HitLines, Search};
use crate::names::Names;
use crate::packet::{PacketSummary, Unparsed};
use crate::time::{Stamp, Time};

/// Lines of a block that have hits.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Number of line ends in the block.
    pub(super) ends: u64,
    /// Whether it has bytes that UTF-16 and packed data have, and other text has not.
    pub(super) no_text: bool,
    pub(super) lines: Vec<ScannedLine>,
    besides: Vec<Besides>,
    /// Names, kept from block to block.
    hosts: Names,
    interfaces: Names,
    /// Messages that are not in the block verbatim.
    texts: Vec<u8>,
}

/// Upper bound on the names of a block, and on those that are kept for the next.
const MAX_NAMES: usize = u16::MAX as usize;
const MAX_KEPT_NAMES: usize = 1_024;

/// One line.
#[derive(Debug)]
pub(super) enum ScannedLine {
    /// A line with its hits.
    Found(Range<u32>, Found),
    /// A drop line that was parsed.
    Drop(ReadLine),
}

/// A parsed drop line, without its time.
#[derive(Debug)]
pub(super) struct ReadLine {
    line: Range<u32>,
    pub(super) stamp: Stamp,
    /// Number in [`Scan::hosts`].
    host: Option<u16>,
    /// Number in [`Scan::interfaces`].
    interface: u16,
    message: Span,
    /// Parsed packet, without the name of its interface.
    packet: Result<PacketSummary<'static>, Unparsed>,
    /// Index plus 1 in [`Scan::besides`], 0 where it has none.
    besides: u32,
}

/// Further values of a drop line, which few forms have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Besides {
    pub(super) uptime: Option<i64>,
    pub(super) monotonic: Option<i64>,
    pub(super) late: i64,
    pub(super) boot: Option<u64>,
    pub(super) repeats: u32,
    pub(super) zone_name: bool,
}

impl Besides {
    pub(super) const NOTHING: Self = Self {
        uptime: None,
        monotonic: None,
        late: 0,
        boot: None,
        repeats: 1,
        zone_name: false,
    };
}

/// Position of a text: in the block, or in [`Scan::texts`].
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u32,
    length: u32,
    in_block: bool,
}

impl ScannedLine {
    /// Returns the range of the line in the block, without its line end.
    pub(super) const fn line(&self) -> Range<usize> {
        let (Self::Found(line, _) | Self::Drop(ReadLine { line, .. })) = self;
        line.start as usize..line.end as usize
    }
}

impl ReadLine {
    /// Returns the name of its host.
    #[inline]
    pub(super) fn host<'a>(&self, scan: &'a Scan) -> Option<&'a str> {
        let host = |number| scan.hosts.name(number).unwrap_or_default();
        self.host.map(host)
    }

    /// Returns the drop line of a host with its time, which depends on the log around it.
    #[inline]
    pub(super) fn drop_line<'a>(
        &self,
        time: Time,
        host: Option<&'a str>,
        block: &'a [u8],
        scan: &'a Scan,
    ) -> DropLine<'a> {
        let besides = scan.besides(self);
        DropLine {
            time,
            fine: self.stamp.is_fine(),
            host,
            message: scan.text(block, self.message),
            packet: self.packet.map(|packet| PacketSummary {
                interface: scan.interfaces.name(self.interface).unwrap_or_default(),
                ..packet
            }),
            monotonic: besides.monotonic,
            repeats: besides.repeats,
        }
    }
}

/// A self-contained drop line of a block.
pub(super) struct Parsed<'a> {
    pub(super) line: Range<usize>,
    pub(super) stamp: Stamp,
    pub(super) host: Option<&'a [u8]>,
    pub(super) message: &'a [u8],
    /// Packet without the name of its interface, and that name.
    pub(super) packet: Result<PacketSummary<'static>, Unparsed>,
    pub(super) interface: &'a [u8],
    pub(super) besides: Besides,
}

impl Scan {
    /// Adds a line with its hits.
    pub(super) fn found(&mut self, line: Range<usize>, found: Found) {
        let line = line.start as u32..line.end as u32;
        self.lines.push(ScannedLine::Found(line, found));
    }

    /// Adds a parsed drop line; `None` where its block has too many names.
    #[inline]
    pub(super) fn read(&mut self, block: &[u8], parsed: &Parsed<'_>) -> Option<()> {
        let host = match parsed.host {
            Some(host) => Some(number(&mut self.hosts, host)?),
            None => None,
        };
        let read = ReadLine {
            line: parsed.line.start as u32..parsed.line.end as u32,
            stamp: parsed.stamp,
            host,
            interface: number(&mut self.interfaces, parsed.interface)?,
            message: self.span(block, parsed.message),
            packet: parsed.packet,
            besides: match parsed.besides {
                Besides::NOTHING => 0,
                besides => {
                    self.besides.push(besides);
                    self.besides.len() as u32
                }
            },
        };
        self.lines.push(ScannedLine::Drop(read));
        Some(())
    }

    /// Returns the further values of a line that was parsed.
    #[inline]
    pub(super) fn besides(&self, read: &ReadLine) -> &Besides {
        let at = (read.besides as usize).checked_sub(1);
        at.and_then(|at| self.besides.get(at))
            .unwrap_or(&Besides::NOTHING)
    }

    fn span(&mut self, block: &[u8], text: &[u8]) -> Span {
        let begin = text.as_ptr().addr().checked_sub(block.as_ptr().addr());
        let inside = begin.filter(|begin| begin + text.len() <= block.len());
        let from = inside.unwrap_or_else(|| {
            self.texts.extend_from_slice(text);
            self.texts.len() - text.len()
        });
        Span {
            from: from as u32,
            length: text.len() as u32,
            in_block: inside.is_some(),
        }
    }

    #[inline]
    fn text<'a>(&'a self, block: &'a [u8], span: Span) -> &'a [u8] {
        let all = if span.in_block { block } else { &self.texts };
        let from = span.from as usize;
        all.get(from..from + span.length as usize)
            .unwrap_or_default()
    }

    /// Begins the scan of another block. Returns whether it may contain a terminal's colours.
    pub(super) fn begin(&mut self, block: &[u8]) -> bool {
        self.lines.clear();
        self.besides.clear();
        self.texts.clear();
        for names in [&mut self.hosts, &mut self.interfaces] {
            if names.len() > MAX_KEPT_NAMES {
                *names = Names::default();
            }
        }
        let looked = look(block);
        self.ends = looked.ends;
        self.no_text = looked.no_text;
        looked.escape
    }
}

/// Returns the number of a name of a block.
#[inline]
fn number(names: &mut Names, name: &[u8]) -> Option<u16> {
    let recent = names.recent(name);
    recent.or_else(|| names.number(str::from_utf8(name).ok()?, MAX_NAMES))
}

/// Finds the lines of `block` that have hits, without parsing them.
pub(super) fn scan(block: &[u8], search: &Search, scan: &mut Scan) {
    let colours = scan.begin(block);
    let mut lines = HitLines::new(search.of_text(colours), block);
    while let Some(line) = lines.next_line() {
        let found = lines.rest(&line);
        scan.found(line.line, found);
    }
}

/// Bytes of which UTF-16 and a line with the begin of packed data have one, and other text has none: the signatures of xz and
/// Zstandard have one, and the header of gzip (RFC 1952) has a NUL in its flags, or at the end of the name that they announce.
const NO_TEXT: [u8; 2] = [0, 0xfd];

/// Whether there may be packed data in `text`, or UTF-16.
pub(super) fn is_no_text(text: &[u8]) -> bool {
    let [nul, other] = NO_TEXT;
    memchr2(nul, other, text).is_some()
}

/// What one look at a text shows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Looked {
    /// Number of line ends.
    ends: u64,
    /// Whether there may be a terminal's colours.
    escape: bool,
    /// Whether it has a byte of [`NO_TEXT`].
    no_text: bool,
}

/// Looks at all bytes of a text.
fn look(text: &[u8]) -> Looked {
    /// Bytes of a part, which stay in the processor's first cache for the second pass.
    const PART: usize = 16 << 10;
    let mut all = Looked::default();
    for part in text.chunks(PART) {
        all.ends += bytecount::count(part, b'\n') as u64;
        let [nul, other] = NO_TEXT;
        if memchr3(0x1b, nul, other, part).is_some() {
            all.escape |= memchr(0x1b, part).is_some();
            all.no_text |= is_no_text(part);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, prop_assert_eq, prop_oneof, proptest};

    use super::{Looked, look};

    proptest! {
        #[test]
        fn one_look_counts_all(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), Just(0x1b), Just(0), Just(0xfd)], 0..100), times in 0..400_usize) {
            let mut text = text.repeat(times);
            if times % 2 == 0 {
                text.retain(|byte| *byte != 0x1b);
            }
            if times % 3 == 0 {
                text.retain(|byte| !matches!(*byte, 0 | 0xfd));
            }
            let ends = text.iter().filter(|byte| **byte == b'\n').count() as u64;
            let escape = text.contains(&0x1b);
            let no_text = text.contains(&0) || text.contains(&0xfd);
            prop_assert_eq!(look(&text), Looked { ends, escape, no_text });
        }
    }
}
