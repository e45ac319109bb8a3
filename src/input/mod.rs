//! What comes in: bytes of a log; what goes out: [`Entry`], one drop line with its time and host.
//!
//! [`scan`] nominates records in raw blocks, a [`Format`] splits the header of a nominated record, and [`message`]
//! decides whether the kernel message in it begins with the LOG prefix. A new format is one file and its row in
//! [`FORMATS`]; one whose records span lines has its way to cut them in [`framing`] besides.

mod bare;
mod clock;
mod cri;
mod dmesg;
mod document;
mod drops;
mod export;
pub mod fact;
mod framing;
mod full;
mod grep;
mod header;
mod heads;
mod hosts;
mod iso;
mod json;
mod json_flat;
mod json_names;
mod json_shape;
mod json_value;
mod judge;
mod kmsg;
mod line;
mod lines;
mod marker;
mod message;
mod months;
mod nominate;
mod notice;
pub mod open;
pub mod repeats;
pub mod scan;
mod short;
mod survey;
mod syslog;
mod uptime;
mod verbose;
mod words;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

pub use document::{PLACES, Place};
pub use line::{Line, line};
pub use notice::NoticeKind;
pub use short::stamp as short_stamp;

use nominate::Nominator;

use crate::packet::Brief;
use crate::time::{Stamp, Time};

/// One drop line.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub time: Time,
    /// Whether the log's times resolve fractions of a second.
    pub fine: bool,
    /// The log's hostname, where the form has one.
    pub host: Option<&'a str>,
    /// The kernel message, from the LOG prefix on; text, unless the packet was read already.
    pub message: &'a [u8],
    /// The packet, where the line was read already, and the name of its interface, which it may lack itself.
    pub packet: Option<&'a Brief<'a>>,
    pub interface: &'a str,
    /// How many lines it stands for (`message repeated N times`): 1 for most.
    pub repeats: u32,
    /// Microseconds since boot, where the form has them beside a date.
    pub monotonic: Option<i64>,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Kernel,
    /// Somebody who says to be the kernel: `kernel[4242]:`, or a journal `_TRANSPORT` that is not `kernel`.
    Forged,
    /// Some other program.
    Other,
}

/// One record of a log, its header split off.
#[derive(Debug)]
pub struct Record<'a> {
    pub stamp: Stamp,
    /// Microseconds since boot, where the record tells them besides a date.
    pub uptime: Option<i64>,
    /// Microseconds since the record before, where that is all that the record tells.
    pub after: Option<i64>,
    /// The monotonic time of its reception, in microseconds since boot, beside a date: a step of the clock does not move it.
    pub monotonic: Option<i64>,
    /// How long before its stamp, the time of reception, the kernel wrote the message, in microseconds.
    pub late: i64,
    pub host: Option<Cow<'a, str>>,
    pub origin: Origin,
    /// The boot it was logged in: a hash of the journal's `_BOOT_ID`.
    pub boot: Option<u64>,
    pub message: Cow<'a, [u8]>,
}

impl<'a> Record<'a> {
    /// A record that tells no more than the usual.
    pub const fn new(
        stamp: Stamp,
        host: Option<Cow<'a, str>>,
        origin: Origin,
        message: Cow<'a, [u8]>,
    ) -> Self {
        Self {
            stamp,
            uptime: None,
            after: None,
            monotonic: None,
            late: 0,
            host,
            origin,
            boot: None,
            message,
        }
    }

    /// The same, borrowing nothing.
    fn into_owned(self) -> Record<'static> {
        Record {
            stamp: self.stamp,
            uptime: self.uptime,
            after: self.after,
            monotonic: self.monotonic,
            late: self.late,
            host: self.host.map(|host| host.into_owned().into()),
            origin: self.origin,
            boot: self.boot,
            message: self.message.into_owned().into(),
        }
    }
}

/// A form in which a log reaches a user.
pub struct Format {
    /// Its name, as the program that writes it calls it.
    pub code: &'static str,
    /// One line that tells what it is.
    pub title: &'static str,
    /// A record in this form; the registry test reads it back.
    pub sample: &'static str,
    /// The bytes that a record may begin with; any, where there are none.
    begins: &'static [u8],
    /// Splits a record; `None` where it is not of this form.
    read: for<'a> fn(&'a [u8], Layer<'_>) -> Option<Record<'a>>,
}

/// All forms. The order is that in which they are tried: the more particular before the more general, and what wraps a
/// line of another form before that form.
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
    &cri::KUBECTL_TIMESTAMPS,
    &syslog::RFC5424,
    &syslog::FORWARDED,
    &syslog::COUNTED,
    &iso::SHORT_ISO,
    &full::SHORT_FULL,
    &uptime::SHORT_UNIX,
    &uptime::SHORT_MONOTONIC,
    &uptime::SHORT_DELTA,
    &kmsg::KMSG,
    &dmesg::DMESG,
    &dmesg::DMESG_SHOW_DELTA,
    &dmesg::DMESG_CTIME,
    &dmesg::DMESG_RELTIME,
    &dmesg::DMESG_DELTA,
    &short::SHORT,
    &marker::MARKER,
    &bare::BARE,
    &grep::GREP,
];

/// How many forms one line may wrap: a container's log of a collector's JSON of a syslog line, and one more.
const DEEPEST: u8 = 4;

/// Where a format reads: what it may need to know, and how much wraps the text that it is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer<'p> {
    prefixes: &'p Prefixes,
    depth: u8,
}

impl<'p> Layer<'p> {
    const fn outermost(prefixes: &'p Prefixes) -> Self {
        Self { prefixes, depth: 0 }
    }

    /// Reads the text that a format has unwrapped.
    fn inner<'a>(self, text: &'a [u8]) -> Option<Record<'a>> {
        if self.depth == DEEPEST {
            return None;
        }
        let layer = Self {
            depth: self.depth + 1,
            ..self
        };
        read(text, layer).map(|(_, record)| record)
    }
}

/// The texts of the LOG rule's `--log-prefix` that make a line a drop line.
#[derive(Debug, Clone)]
pub struct Prefixes {
    texts: Vec<Vec<u8>>,
    /// The searches for them, once they were needed: to build them takes milliseconds, and a bundle has hundreds of logs.
    /// Clones have the same.
    searches: Arc<OnceLock<Nominator>>,
}

impl Prefixes {
    /// The documented prefix.
    pub const DOCUMENTED: &str = "HARVESTER_DROP_";

    fn new(texts: Vec<Vec<u8>>) -> Self {
        Self {
            texts,
            searches: Arc::default(),
        }
    }

    /// The documented prefix, and the one of an older write-up of the feature.
    pub fn documented() -> Self {
        Self::new(vec![
            Self::DOCUMENTED.as_bytes().to_vec(),
            b"HARVESTER_DROP: ".to_vec(),
        ])
    }

    /// Another rule's prefix.
    pub fn only(prefix: &str) -> Self {
        Self::new(vec![prefix.as_bytes().to_vec()])
    }

    /// Whether the first prefix in `text` is the end of a longer word, which is another rule's prefix.
    fn is_in_longer(&self, text: &[u8]) -> bool {
        let places = self
            .texts
            .iter()
            .filter_map(|prefix| memchr::memmem::find(text, prefix));
        let before = places.min().and_then(|at| text.get(at.checked_sub(1)?));
        before.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    }

    fn at_begin_of(&self, message: &[u8]) -> Option<&[u8]> {
        let found = self.texts.iter().find(|prefix| message.starts_with(prefix));
        found.map(Vec::as_slice)
    }
}

/// Splits `record` with the first format that takes it. Its first byte rules most of them out: of 30 tries for a syslog
/// line, few are left.
fn read<'a>(record: &'a [u8], layer: Layer<'_>) -> Option<(&'static Format, Record<'a>)> {
    let mut left = record
        .first()
        .map_or(u64::MAX, |first| BY_FIRST[usize::from(*first)]);
    while let Some(format) = FORMATS.get(left.trailing_zeros() as usize) {
        if let Some(record) = (format.read)(record, layer) {
            return Some((format, record));
        }
        left &= left - 1;
    }
    None
}

/// The formats that a first byte leaves, a bit each, in the order of [`FORMATS`].
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

/// The format of `record`, a whole record without its line end.
pub fn format_of(record: &[u8], prefixes: &Prefixes) -> Option<&'static Format> {
    read(record, Layer::outermost(prefixes)).map(|(format, _)| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_format_takes_a_record_whose_first_byte_it_does_not_name() {
        let prefixes = Prefixes::documented();
        let layer = Layer::outermost(&prefixes);
        for sample in FORMATS.iter().map(|format| format.sample.as_bytes()) {
            for first in 0..=255_u8 {
                let replaced = [&[first], &sample[1..]].concat();
                let before = [&[first], sample].concat();
                for (format, record) in FORMATS.iter().flat_map(|f| [(f, &replaced), (f, &before)])
                {
                    let may = format.begins.is_empty() || format.begins.contains(&first);
                    assert!(
                        may || (format.read)(record, layer).is_none(),
                        "{}",
                        format.code
                    );
                }
            }
        }
    }
}
