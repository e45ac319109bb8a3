//! What came of an input as plain values, so that two ways of reading it can be compared.

use std::io::{self, Read};
use std::sync::LazyLock;

use dropsift::error::Error;
use dropsift::input::Prefixes;
use dropsift::input::event::{DropLine, LogEvent, NoticeKind, Sink};
use dropsift::input::reader::Reader as LogReader;
use dropsift::input::source::{Options, Progress, Summary};
use dropsift::packet::PacketSummary;
use dropsift::time::{Reading, Time};

use super::shown;

/// The end of 2026, so that stamps without a year are of 2026.
pub const READING: Reading = Reading {
    year: None,
    reference: Time(1_798_761_599_000_000),
    offset: 0,
};

/// The documented prefixes, whose searches are built once.
pub fn prefixes() -> Prefixes {
    static PREFIXES: LazyLock<Prefixes> = LazyLock::new(Prefixes::documented);
    PREFIXES.clone()
}

pub fn options() -> Options {
    Options {
        prefixes: prefixes(),
        reading: READING,
        progress: Progress::default(),
        since: None,
    }
}

/// All that came of an input, but for its times: lines that are looked at for their time alone are those at the begin and
/// the end of a block, and where times go back on the way, that decides of what boot and year a line is.
#[derive(Debug, Default)]
pub struct Seen {
    /// Everything in its order.
    pub items: Vec<String>,
    /// Drop lines, and lines that look like one: each is a line of its own.
    pub lines: u64,
    pub drops: u64,
    /// Lines of any kind. How many are counted where a framing is broken off depends on how the bytes come: in the middle of
    /// a block not every framing is found to begin.
    pub all_lines: u64,
}

impl Seen {
    pub fn take(&mut self, item: &LogEvent<'_>) {
        match item {
            LogEvent::Alive { .. } | LogEvent::Own { .. } | LogEvent::EndOfOwn => return,
            LogEvent::Drops(drops) => {
                return drops.iter().for_each(|line| self.drop_line(line));
            }
            LogEvent::Untrusted { .. }
            | LogEvent::Unreadable { .. }
            | LogEvent::Elsewhere { .. } => self.lines += 1,
            LogEvent::Notice { .. }
            | LogEvent::OtherPrefix { .. }
            | LogEvent::Behind { .. }
            | LogEvent::Learned { .. }
            | LogEvent::EndOfLog { .. } => {}
        }
        self.items.push(match item {
            // How far is a time.
            LogEvent::Notice {
                kind: kind @ NoticeKind::TimeBack,
                host,
                ..
            } => format!("{kind:?} {host:?}"),
            LogEvent::Notice {
                kind, host, count, ..
            } => format!("{kind:?} {host:?} {count}"),
            // How much of it is shown depends on how much was there.
            LogEvent::Unreadable { why, .. } => format!("unreadable: {why}"),
            LogEvent::Untrusted { record, why } | LogEvent::Elsewhere { record, why, .. } => {
                format!("{why}: {}", String::from_utf8_lossy(record))
            }
            other => format!("{other:?}"),
        });
    }

    fn drop_line(&mut self, line: &DropLine<'_>) {
        self.lines += 1;
        self.drops += 1;
        assert!(line.repeats > 0);
        let Ok(text) = std::str::from_utf8(line.message) else {
            panic!("a message that is no text: {:?}", line.message);
        };
        let is_one = ["HARVESTER_DROP_", "HARVESTER_DROP: "]
            .iter()
            .any(|prefix| text.starts_with(prefix));
        assert!(is_one, "{text:?} does not begin with the prefix");
        assert_eq!(line.packet, PacketSummary::read(text), "{text:?}");
        self.items.push(format!(
            "{} {:?} {} {text}",
            line.fine, line.host, line.repeats
        ));
    }

    pub fn ends(&self) -> usize {
        (self.items.iter())
            .filter(|item| item.starts_with("EndOfLog"))
            .count()
    }

    /// All but the ends of logs: where nothing at all can be read, there may be none. And but for what is longer than any
    /// record, of which each piece may be told. What is no text among lines is told behind the lines that came with it, so
    /// it stands last here.
    pub fn records(&self) -> Vec<&String> {
        let is_record =
            |item: &&String| !item.starts_with("EndOfLog") && !item.contains("longer than 1 MiB");
        let records = self.items.iter().filter(is_record);
        let kinds = ["unreadable: packed data", "unreadable: it is UTF-16"];
        let (no_text, mut all): (Vec<_>, Vec<_>) =
            records.partition(|item| kinds.iter().any(|kind| item.starts_with(kind)));
        all.extend(no_text);
        all
    }
}

/// What a reader of inputs says, its errors as words.
pub fn of(reading: impl FnOnce(&mut Sink<'_>) -> (Summary, Vec<Error>)) -> (Seen, String) {
    let mut seen = Seen::default();
    let (summary, errors) = reading(&mut |item| seen.take(&item));
    seen.all_lines = summary.lines;
    let mut told = format!("{} {}", summary.known, summary.blank);
    for error in errors {
        let line = error.to_string();
        shown::plain("an error", line.clone().into_bytes());
        told = format!("{told}\n{line}");
    }
    assert!(
        seen.lines <= summary.lines,
        "more drop lines than lines: {seen:?}"
    );
    (seen, told)
}

/// What a reader says of a log that comes in `blocks`.
pub fn scanned<'a>(blocks: impl IntoIterator<Item = &'a [u8]>) -> (Seen, String) {
    read(LogReader::new(prefixes(), READING), blocks)
}

/// What a reader without short cuts says.
pub fn scanned_slowly<'a>(blocks: impl IntoIterator<Item = &'a [u8]>) -> (Seen, String) {
    read(LogReader::slow(prefixes(), READING), blocks)
}

fn read<'a>(mut reader: LogReader, blocks: impl IntoIterator<Item = &'a [u8]>) -> (Seen, String) {
    of(|sink| {
        for block in blocks {
            reader.push(block, sink);
        }
        reader.finish(sink);
        (Summary::of(&reader), Vec::new())
    })
}

/// Bytes that come in small pieces.
pub struct Dribble {
    pub bytes: Vec<u8>,
    pub at: usize,
    pub most: usize,
}

impl Read for Dribble {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.at..];
        let n = left.len().min(self.most).min(buf.len());
        buf[..n].copy_from_slice(&left[..n]);
        self.at += n;
        Ok(n)
    }
}
