//! Formats of a record: one file for each form of the header. A record in, a [`Record`] with its header split off out.
//!
//! Knows nothing of how records are split from a log ([`super::framing`]) or of the meaning of a message
//! ([`super::message`]). A new format is one file and its row in [`FORMATS`]; a new JSON form is its row alone.

pub(super) mod cri;
mod dmesg;
pub(super) mod export;
mod fluentd;
mod grep;
pub(super) mod header;
mod journal_fields;
mod json;
mod json_fields;
mod json_object;
mod kmsg;
mod loki;
mod marker;
mod message_only;
mod moment;
mod months;
mod numbered;
mod prefixes;
mod record;
mod relay;
mod selector;
mod short;
mod short_full;
mod short_iso;
mod short_monotonic;
mod spelt;
mod syslog;
pub(super) mod text;
mod unknown;
mod unseen;
pub(super) mod verbose;

use json_object::Object;
use record::{Layer, Read};

pub(super) use journal_fields::JournalFields;
pub(super) use json_object::is_table;
pub(super) use months::month_of;
pub use prefixes::Prefixes;
pub(super) use prefixes::{is_field, rule_prefix};
pub use record::Format;
pub(super) use record::{Origin, Record};
pub use short::stamp as short_stamp;
pub(super) use short::take_stamp as take_short_stamp;
pub(super) use unknown::of_unknown;
pub(super) use unseen::without_unseen_end;

/// All formats, in the order in which they are tried: the more particular before the more general, and a format that
/// wraps lines of another before that one.
pub const FORMATS: &[&Format] = &[
    &json::JSON_PRETTY,
    &json::JSON,
    &json::JSON_SEQ,
    &json::JSON_SSE,
    &json::ELASTIC,
    &json::DMESG_JSON,
    &json::LOKI,
    &json::DOCKER,
    &json::COLLECTOR,
    &export::EXPORT,
    &verbose::VERBOSE,
    &cri::KUBECTL_PREFIX,
    &cri::CRI,
    &dmesg::DMESG_ISO,
    &loki::LOGCLI,
    &fluentd::FLUENTD,
    &loki::GRAFANA_TXT,
    &numbered::NUMBERED,
    &selector::SELECTOR,
    &cri::KUBECTL_TIMESTAMPS,
    &syslog::RFC5424,
    &syslog::FORWARDED,
    &syslog::COUNTED,
    &short_iso::SHORT_ISO,
    &short_full::SHORT_FULL,
    &short_monotonic::SHORT_UNIX,
    &short_monotonic::SHORT_MONOTONIC,
    &short_monotonic::SHORT_DELTA,
    &kmsg::KMSG,
    &dmesg::DMESG,
    &dmesg::DMESG_SHOW_DELTA,
    &dmesg::DMESG_CTIME,
    &dmesg::DMESG_RELTIME,
    &dmesg::DMESG_DELTA,
    &short::SHORT,
    &marker::MARKER,
    &message_only::MESSAGE_ONLY,
    &grep::GREP,
];

/// Parses `record`, a complete record without its line end, with the first format that accepts it.
pub(super) fn read<'a>(record: &'a [u8], prefixes: &Prefixes) -> Option<Record<'a>> {
    any(record, Layer::outermost(prefixes, any))
}

/// Returns the format of `record`, a complete record without its line end.
pub fn format_of(record: &[u8], prefixes: &Prefixes) -> Option<&'static Format> {
    let (format, _) = first(record, Layer::outermost(prefixes, any))?;
    if !matches!(format.read, Read::Json(_)) {
        return Some(format);
    }
    let object = Object::of(record)?;
    let is_format = |format: &&&Format| matches!(format.read, Read::Json(is) if is(&object));
    FORMATS.iter().find(is_format).copied()
}

fn any<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<Record<'a>> {
    first(record, layer).map(|(_, record)| record)
}

/// Parses `record` with the first format that accepts it, and as JSON of whichever form. Its first byte excludes most of
/// them: of 30 tries for a syslog line, few are left.
fn first<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<(&'static Format, Record<'a>)> {
    let mut left = record
        .first()
        .map_or(u64::MAX, |first| BY_FIRST[usize::from(*first)]);
    let mut is_no_json = false;
    while let Some(format) = FORMATS.get(left.trailing_zeros() as usize) {
        let read = match format.read {
            Read::Text(read) => read(record, layer),
            Read::Json(_) if is_no_json => None,
            Read::Json(_) => json::read(record, layer),
        };
        if let Some(record) = read {
            return Some((format, record));
        }
        is_no_json |= matches!(format.read, Read::Json(_));
        left &= left - 1;
    }
    None
}

/// Formats that a first byte allows, one bit each, in the order of [`FORMATS`].
static BY_FIRST: [u64; 256] = by_first();

const fn by_first() -> [u64; 256] {
    assert!(FORMATS.len() < 64, "a format is a bit");
    let mut table = [0; 256];
    let mut at = 0;
    while at < FORMATS.len() {
        let begins = FORMATS[at].begins;
        let mut next = 0;
        while next < 256 {
            let mut may = begins.is_empty();
            let mut place = 0;
            while place < begins.len() {
                may |= begins[place] as usize == next;
                place += 1;
            }
            if may {
                table[next] |= 1 << at;
            }
            next += 1;
        }
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(format: &Format, record: &[u8], layer: Layer<'_>) -> bool {
        match format.read {
            Read::Text(read) => read(record, layer).is_some(),
            Read::Json(is_this) => Object::of(record).is_some_and(|object| is_this(&object)),
        }
    }

    #[test]
    fn no_format_takes_a_record_whose_first_byte_it_does_not_name() {
        let prefixes = Prefixes::documented();
        let layer = Layer::outermost(&prefixes, any);
        for sample in FORMATS.iter().map(|format| format.sample.as_bytes()) {
            for first in 0..=255_u8 {
                let replaced = [&[first], &sample[1..]].concat();
                let before = [&[first], sample].concat();
                for (format, record) in FORMATS.iter().flat_map(|f| [(f, &replaced), (f, &before)])
                {
                    let may = format.begins.is_empty() || format.begins.contains(&first);
                    assert!(may || !takes(format, record, layer), "{}", format.code);
                }
            }
        }
    }
}
