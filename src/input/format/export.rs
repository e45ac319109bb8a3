//! `journalctl -o export`: `KEY=value` lines, a blank line behind each entry (systemd, JOURNAL_EXPORT_FORMATS).
//!
//! A binary value stands behind its key's line, preceded by its length, and may contain anything, also bytes that look
//! like the next entry. So entries are split by these lengths, never by the look of a line.

use super::journal_fields::JournalFields;
use super::record::{Format, Layer, Origin, Read, Record};

pub(super) static EXPORT: Format = Format {
    code: "export",
    title: "journalctl -o export: a field a line, lengths before binary values",
    sample: "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1776852001123456\n_HOSTNAME=harvester1\n_TRANSPORT=kernel\nMESSAGE=HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=192.168.122.61 DST=192.168.122.63 PROTO=2 \n\n",
    begins: b"_",
    read: Read::Text(read),
};

/// First fields of an entry: journalctl and systemd-journal-gatewayd write the cursor first, exports for
/// systemd-journal-remote have none.
const BEGINS: [&[u8]; 2] = [b"__CURSOR=", b"__REALTIME_TIMESTAMP="];

/// Whether `text` begins with an entry.
pub(in crate::input) fn is_entry(text: &[u8]) -> bool {
    BEGINS.iter().any(|begin| text.starts_with(begin))
}

/// The longest entry that systemd-journal-remote takes (journal-importer.h, `ENTRY_SIZE_MAX`); a greater length is wrong.
const MAX_VALUE: u64 = 1 << 30;

/// Returns how each entry of the journal begins that the entry at the start of `text` is of; nothing where that has no cursor.
/// The first part of a cursor is random, but no secret: a message may hold the text of an entry, and whoever reads the journal
/// knows its cursors.
pub(in crate::input) fn cursor(text: &[u8]) -> &[u8] {
    let end =
        (text.strip_prefix(BEGINS[0])).and_then(|cursor| memchr::memchr2(b';', b'\n', cursor));
    end.map_or(&[], |end| &text[..=BEGINS[0].len() + end])
}

/// Returns how the entry behind the one at the start of `text` may begin.
pub(in crate::input) fn begins(text: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let cursor = cursor(text);
    let others = BEGINS.iter().filter(move |_| cursor.is_empty());
    let own = Some(cursor).filter(|cursor| !cursor.is_empty());
    own.into_iter().chain(others.copied())
}

/// Returns the offset of the first entry in `text` that begins with `cursor`, behind a blank line.
pub(in crate::input) fn next_entry(text: &[u8], cursor: &[u8]) -> Option<usize> {
    if cursor.is_empty() {
        return None;
    }
    let mut all = memchr::memmem::find_iter(text, cursor);
    all.find(|at| {
        [&b"\n\n"[..], b"\n\r\n"]
            .iter()
            .any(|blank| text[..*at].ends_with(blank))
    })
}

/// Whether any of the complete fields at the start of `text` stands behind its length.
pub(in crate::input) fn has_binary(text: &[u8]) -> bool {
    let mut rest = text;
    while let Step::Field { is_binary, len, .. } = step(rest) {
        if is_binary {
            return true;
        }
        rest = &rest[len..];
    }
    false
}

/// Whether `text` begins with the name of a field that stands behind its length.
pub(in crate::input) fn is_binary(text: &[u8]) -> bool {
    let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
    is_key(line.strip_suffix(b"\r").unwrap_or(line))
}

fn is_key(text: &[u8]) -> bool {
    let is_of_key = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    // systemd, journal_field_valid: 64 bytes at most.
    (1..=64).contains(&text.len()) && text.iter().all(is_of_key)
}

/// One field, or the reason why there is none.
pub(in crate::input) enum Step<'a> {
    Field {
        key: &'a [u8],
        value: &'a [u8],
        /// Whether it stands behind its length.
        is_binary: bool,
        len: usize,
    },
    /// The blank line at the end, with its length.
    End(usize),
    /// A binary value that is not complete yet: the length of the whole field.
    Long(u64),
    /// The line is not complete.
    More,
    /// Malformed text.
    Broken,
}

/// Whether `text`, with which a log ends, may be the begin of a field whose line end is cut off.
pub(in crate::input) fn is_begun(text: &[u8]) -> bool {
    let line = text.strip_suffix(b"\r").unwrap_or(text);
    match memchr::memchr(b'=', line) {
        Some(equals) => is_key(&line[..equals]) && memchr::memchr(0, line).is_none(),
        None => line.is_empty() || is_key(line),
    }
}

/// Parses the first field of `text`.
pub(in crate::input) fn step(text: &[u8]) -> Step<'_> {
    let Some(end) = memchr::memchr(b'\n', text) else {
        return Step::More;
    };
    // No field has a carriage return but one with a length: an editor added it.
    let line = text[..end].strip_suffix(b"\r").unwrap_or(&text[..end]);
    if line.is_empty() {
        return Step::End(end + 1);
    }
    let equals = memchr::memchr(b'=', line);
    let key = &line[..equals.unwrap_or(line.len())];
    if !is_key(key) {
        return Step::Broken;
    }
    if let Some(equals) = equals {
        // journalctl writes a value with a NUL behind its length: this one was lost, by a crash or a bad copy.
        if memchr::memchr(0, line).is_some() {
            return Step::Broken;
        }
        return Step::Field {
            key,
            value: &line[equals + 1..],
            is_binary: false,
            len: end + 1,
        };
    }
    // What changed the line ends has changed those of the value too, and its length no longer fits.
    if text[..end].ends_with(b"\r") {
        return Step::Broken;
    }
    let Some(size) = text[end + 1..].first_chunk::<8>() else {
        return Step::More;
    };
    let size = u64::from_le_bytes(*size);
    if size > MAX_VALUE {
        return Step::Broken;
    }
    let begin = end + 9;
    let value = usize::try_from(size)
        .ok()
        .and_then(|size| text.get(begin..begin.checked_add(size)?));
    match value {
        Some(value) => match text.get(begin + value.len()) {
            Some(b'\n') => Step::Field {
                key,
                value,
                is_binary: true,
                len: begin + value.len() + 1,
            },
            Some(_) => Step::Broken,
            None => Step::More,
        },
        None => Step::Long(size.saturating_add(begin as u64 + 1)),
    }
}

fn read<'a>(record: &'a [u8], _: Layer<'_>) -> Option<Record<'a>> {
    if !is_entry(record) {
        return None;
    }
    let mut fields = Fields::default();
    let mut rest = record;
    loop {
        match step(rest) {
            Step::Field {
                key,
                value,
                is_binary,
                len,
            } => {
                fields.is_binary |= is_binary;
                fields.put(key, value);
                rest = &rest[len..];
            }
            // An incomplete entry at the end of a truncated log.
            Step::More if is_begun(rest) => {
                if let Some(equals) = memchr::memchr(b'=', rest) {
                    fields.put(&rest[..equals], &rest[equals + 1..]);
                }
                break;
            }
            _ => break,
        }
    }
    fields.record()
}

/// The fields of a record of `-o export` or `-o verbose`.
#[derive(Default)]
pub(super) struct Fields<'a> {
    message: Option<&'a [u8]>,
    /// Whether it has several messages, as the kernel's have not.
    has_several: bool,
    /// Whether any field stands behind its length: a wrong one may have others within.
    is_binary: bool,
    host: Option<&'a [u8]>,
    pub(super) journal: JournalFields<'a>,
}

impl<'a> Fields<'a> {
    /// Keeps a field; if it occurs twice, the first.
    pub(super) fn put(&mut self, key: &[u8], value: &'a [u8]) {
        match key {
            b"MESSAGE" => self.has_several |= *self.message.get_or_insert(value) != value,
            b"_HOSTNAME" => _ = self.host.get_or_insert(value),
            _ => self.journal.put(key, value),
        }
    }

    /// Converts the fields to a record.
    pub(super) fn record(self) -> Option<Record<'a>> {
        let (stamp, late) = self.journal.when()?;
        // Only `--output-fields` can remove all of them; a sender cannot.
        let origin = match self.journal.origin() {
            Some(Origin::Kernel) if self.has_several => Origin::Unclear,
            None if self.has_several || self.is_binary => Origin::Unclear,
            origin => origin.unwrap_or(Origin::Kernel),
        };
        let host = self.host.map(String::from_utf8_lossy);
        let message = self.message.unwrap_or_default().into();
        let mut record = Record::new(stamp, host, origin, message);
        record.late = late;
        record.monotonic = self.journal.monotonic;
        record.boot = self.journal.boot();
        Some(record)
    }
}
