//! Splitting of a log into records: most forms have one record a line, these do not. Knows no prefix and no time.

mod container;
mod csv;
mod document;
mod entries;
mod foreign;

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use super::format::export;
use super::format::header::{digits, iso, literal, priority};
use super::format::text::trim;
use super::format::{take_short_stamp, verbose};

pub(super) use container::open_end;
pub(super) use container::{Joined, Parts, is_one_of_parts, may_be_part, without_end};
pub(super) use foreign::{WIDE, packed, widened};

use csv::{Table, row_length};
pub(super) use document::{Document, Event};
pub use document::{PLACES, Place};
pub(super) use entries::Torn;

/// A record longer than this many bytes is no log record: the kernel prints 1 KiB, a journal field may hold some more.
pub(super) const MAX_RECORD: usize = 1 << 20;

/// Framing of the records of a log.
pub(super) enum Framing {
    /// A line each.
    Lines,
    /// Fields up to a blank line, with lengths before binary values (`-o export`).
    Export,
    /// The rest of an export behind an entry whose lengths do not fit, or of one that is too long, up to the next entry.
    Torn(Box<Torn>),
    /// A header line and indented lines (`-o verbose`).
    Verbose,
    /// A number of bytes before each (RFC 6587).
    OctetCounted,
    /// Datagrams of syslog without anything between them.
    Datagrams,
    /// JSON over several lines, or many records in one.
    Document(Box<Document>),
    /// A table with a line of names.
    Table(Box<Table>),
    /// Lines of a container's log, some of which are in parts.
    Parts(Box<Parts>),
}

/// Result of splitting off a record at the start of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A record of this length in bytes.
    Record(usize),
    /// A record in which the lengths of values do not fit: where it ends cannot be told.
    Torn,
    /// A part of a text that is not read, and whether a record begins behind it.
    Lost(usize, bool),
    /// Fields of an entry that is too long, of so many bytes, behind which further ones follow.
    Fields(usize),
    /// A part of a record that is too long, also beyond the text, up to the line end behind its last value.
    Skip(u64),
    /// The start of a record, with the offset at which the search for its end goes on once there is more of it.
    More(usize),
    /// No record in this framing.
    Leave,
}

/// Texts that may open another framing: those with a line end before the line, another anywhere in it. They are searched
/// for in blocks of lines; [`opening`] decides on them.
pub(super) const OPENINGS: &[&str] = &[
    "\n__CURSOR=",
    "\n__REALTIME_TIMESTAMP=",
    "\n{\n",
    "\n{\r\n",
    "\n[\n",
    "\n[\r\n",
    "\n[{",
    " [s=",
];

/// Whether one of [`OPENINGS`] is at the start of `text`, after a line end that `text` does not include.
pub(super) fn is_nominated(text: &[u8]) -> bool {
    let mut lines = OPENINGS
        .iter()
        .filter_map(|opening| opening.strip_prefix('\n'));
    lines.any(|line| text.starts_with(line.as_bytes()))
}

/// Number of bytes that decide whether an array contains objects.
const MAX_BRACKET: usize = 64;

/// Returns the framing that begins at the start of `text`, complete lines.
pub(super) fn opening(text: &[u8]) -> Option<Framing> {
    match text.first()? {
        b'_' => export::is_entry(text).then_some(Framing::Export),
        b'{' => {
            let rest = text[1..].strip_prefix(b"\r").unwrap_or(&text[1..]);
            rest.starts_with(b"\n").then(Framing::document)
        }
        b'[' => {
            let rest = text[1..text.len().min(MAX_BRACKET)].trim_ascii_start();
            rest.starts_with(b"{").then(Framing::document)
        }
        b'0'..=b'9' => counted(text).is_some().then_some(Framing::OctetCounted),
        b'F' | b'M' | b'S' | b'T' | b'W' | 0x1b => {
            let text = &text[..text.len().min(verbose::MAX_HEADER + 1)];
            let line = &text[..memchr(b'\n', text).unwrap_or(text.len())];
            verbose::is_header(line).then_some(Framing::Verbose)
        }
        _ => None,
    }
}

/// Whether bytes behind `text` may change the result of [`opening`].
pub(super) fn is_undecided(text: &[u8]) -> bool {
    let has_end = |text: &[u8]| memchr(b'\n', text).is_some();
    is_open_bracket(text) || text.len() <= verbose::MAX_HEADER && !has_end(text)
}

/// Whether `text` is a bracket and white space, after which an object may follow.
fn is_open_bracket(text: &[u8]) -> bool {
    text.len() < MAX_BRACKET && text.trim_ascii_end() == b"["
}

/// Number of bytes without a line end from which a log may be syslog that has none.
pub(super) const LONG_LINE: usize = 64 * 1024;

/// Returns the framing of a log that begins with `text` and has no line ends: syslog as datagrams, or with counts of octets
/// (RFC 6587). Called once, when the first line turns out to be long.
pub(super) fn unbroken(text: &[u8]) -> Option<Framing> {
    let text = &text[..text.len().min(LONG_LINE)];
    if memchr(b'\n', text).is_some() {
        return None;
    }
    if let Some((head, count)) = counted(text) {
        let next = text.get(head.saturating_add(count)..)?;
        return counted(next).map(|_| Framing::OctetCounted);
    }
    let is_datagrams = is_datagram(text) && datagram(text, 0, true) != Cut::Record(text.len());
    is_datagrams.then_some(Framing::Datagrams)
}

impl Framing {
    /// Returns the table that a log begins with, if `text`, its first lines, has the header of one.
    pub(super) fn table(text: &[u8]) -> Option<Self> {
        let end = memchr(b'\n', text).unwrap_or(text.len());
        let table = Table::opening(trim(&text[..end]))?;
        Some(Self::Table(Box::new(table)))
    }

    /// Returns the text of a record, where it differs from its bytes in the log.
    pub(super) fn composed<'a>(&mut self, record: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Self::Table(table) => table.object(record).map_or(record.into(), Cow::Owned),
            _ => record.into(),
        }
    }

    pub(super) fn document() -> Self {
        Self::Document(Box::default())
    }

    /// Whether both split in the same way.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether a record ends with a line, so that bytes without a line end do not end it.
    pub(super) const fn ends_with_line(&self) -> bool {
        matches!(
            self,
            Self::Export | Self::Torn(_) | Self::Table(_) | Self::Parts(_)
        )
    }

    /// Splits off the record at the start of `text`; `last` states that no more text comes. `resume` is what an earlier
    /// search of a part of the text has left, so that a record that comes in many parts is searched once.
    pub(super) fn cut(&self, text: &[u8], resume: usize, last: bool) -> Cut {
        match self {
            Self::Export => entries::entry(text, resume, last),
            Self::Torn(torn) => torn.cut(text, resume, last),
            Self::Verbose => indented(text, resume, last),
            Self::OctetCounted => frame(text, last),
            Self::Datagrams => datagram(text, resume, last),
            Self::Table(_) => row_length(text, last, MAX_RECORD).map_or(MORE, Cut::Record),
            Self::Lines | Self::Document(_) | Self::Parts(_) => Cut::Leave,
        }
    }
}

/// A record whose search begins anew with more of it.
const MORE: Cut = Cut::More(0);

fn indented(text: &[u8], resume: usize, last: bool) -> Cut {
    let Some(head) = memchr(b'\n', text).map(|end| end + 1) else {
        return if last { whole(text) } else { MORE };
    };
    if resume == 0 && !verbose::is_header(&text[..head]) {
        return Cut::Leave;
    }
    let mut at = resume.max(head);
    loop {
        let rest = &text[at..];
        if !rest.starts_with(verbose::INDENT) {
            // Bytes that have not come yet may be an indentation.
            let open = rest.len() < verbose::INDENT.len() && !last;
            return if open { Cut::More(at) } else { Cut::Record(at) };
        }
        match memchr(b'\n', rest) {
            Some(end) => at += end + 1,
            None if last => return Cut::Record(text.len()),
            None => return Cut::More(at),
        }
        if at > MAX_RECORD {
            return Cut::Record(at);
        }
    }
}

fn whole(text: &[u8]) -> Cut {
    if verbose::is_header(text) {
        Cut::Record(text.len())
    } else {
        Cut::Leave
    }
}

/// Parses an octet count. Returns its length and its value.
fn counted(text: &[u8]) -> Option<(usize, usize)> {
    let mut rest = text;
    let count = digits(&mut rest, 1, 7)?;
    literal(&mut rest, b" ")?;
    let head = text.len() - rest.len();
    priority(&mut rest)?;
    Some((head, count as usize))
}

fn frame(text: &[u8], last: bool) -> Cut {
    let Some((head, count)) = counted(text) else {
        let may_come = text.len() < 16 && !last && text.first().is_some_and(u8::is_ascii_digit);
        return if may_come { MORE } else { Cut::Leave };
    };
    // The count is wrong, as in a log that was edited.
    let line = || match memchr(b'\n', text) {
        Some(end) => Cut::Record(end + 1),
        None if last => Cut::Record(text.len()),
        None => MORE,
    };
    let end = head.saturating_add(count);
    if end > MAX_RECORD {
        return line();
    }
    match text.get(end..).unwrap_or_default() {
        [] | [b'\r'] if !last => MORE,
        [] if end == text.len() => Cut::Record(end),
        [b'\n', ..] => Cut::Record(end + 1),
        [b'\r', b'\n', ..] => Cut::Record(end + 2),
        [b'0'..=b'9', ..] => Cut::Record(end),
        _ => line(),
    }
}

/// The longest priority and stamp of a datagram.
const MAX_HEAD: usize = 64;

fn datagram(text: &[u8], resume: usize, last: bool) -> Cut {
    // A blank line between datagrams is no record.
    if text.first() == Some(&b'\n') {
        return Cut::Record(1);
    }
    let mut at = resume.max(1);
    while let Some(next) = memchr::memchr2(b'<', b'\n', text.get(at..).unwrap_or_default()) {
        at += next;
        if text[at] == b'\n' {
            return Cut::Record(at + 1);
        }
        if text.len() - at < MAX_HEAD && !last {
            return Cut::More(at);
        }
        if is_datagram(&text[at..]) {
            return Cut::Record(at);
        }
        at += 1;
    }
    if last {
        Cut::Record(text.len())
    } else {
        Cut::More(text.len())
    }
}

/// Whether `text` begins as a datagram of syslog does.
fn is_datagram(text: &[u8]) -> bool {
    let mut rest = &text[..text.len().min(MAX_HEAD)];
    if priority(&mut rest).is_none() {
        return false;
    }
    let _ = literal(&mut rest, b"1 ");
    iso(&mut rest).is_some() || take_short_stamp(&mut rest).is_some()
}

/// Finds the open bracket that `lines` end with, apart from white space, if it is on a line of its own.
fn open_bracket(lines: &[u8]) -> Option<usize> {
    let at = lines.trim_ascii_end().len().checked_sub(1)?;
    let is_first = at == 0 || lines.get(at - 1) == Some(&b'\n');
    (is_first && is_open_bracket(lines.get(at..)?)).then_some(at)
}

/// Returns the end of the complete lines of `block`, so that no array is separated from its first object.
pub(super) fn end_of_whole(block: &[u8]) -> usize {
    let end = memrchr(b'\n', block).map_or(0, |at| at + 1);
    open_bracket(&block[..end]).unwrap_or(end)
}

/// Returns the end of the complete lines of `block`, so that no line of a container's log is separated from its
/// continuation besides.
pub(super) fn end_of_lines(block: &[u8]) -> usize {
    open_end(&block[..end_of_whole(block)])
}
