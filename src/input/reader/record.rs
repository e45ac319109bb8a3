//! Stages of one record with a hit: format → classify → date → event.

use super::nodes::Written;
use super::{Reader, Taken};
use crate::input::event::{DropLine, LogEvent, NoticeKind, Sink};
use crate::input::format::header::count;
use crate::input::format::text::{plain, uptime_of};
use crate::input::format::{self, Origin, Prefixes, Record, of_unknown};
use crate::input::framing::{Document, Event};
use crate::input::message::{
    Class, ELSEWHERE, HIDDEN, JOINED, MANGLED, NUMBERS, PROGRAM, REPEAT, UNCLEAR, classify,
    further_lines, holds_drop, unescaped,
};
use crate::input::search::Found;
use crate::packet::PacketSummary;
use crate::time::{Stamp, Time};

/// Sign of life: the time of a line in the log of a host.
pub(super) struct Alive {
    pub(super) time: Time,
    monotonic: Option<i64>,
    pub(super) host: Option<Box<str>>,
}

impl Alive {
    /// Returns the event.
    pub(super) fn event(&self) -> LogEvent<'_> {
        LogEvent::Alive {
            time: self.time,
            monotonic: self.monotonic,
            host: self.host.as_deref(),
        }
    }
}

impl Reader {
    /// Parses a record without its line end.
    pub(super) fn read<'a>(&self, raw: &'a [u8]) -> Option<Record<'a>> {
        format::read(raw, &self.prefixes)
    }

    /// Returns the time and the host of `raw`, where it has a time.
    pub(super) fn time(&mut self, raw: &[u8]) -> Option<Alive> {
        self.time_if(raw, |_| true)
    }

    /// Returns the time and the host of `raw`, unless its time counts from the record before: so it may be parsed twice.
    pub(super) fn own_time(&mut self, raw: &[u8]) -> Option<Alive> {
        self.time_if(raw, |record| record.after.is_none())
    }

    fn time_if(&mut self, raw: &[u8], takes: impl Fn(&Record<'_>) -> bool) -> Option<Alive> {
        let plain = plain(raw);
        let record = self.read(&plain).filter(takes)?;
        let time = match record.stamp {
            Stamp::Uptime { micros } if !self.each => self.clock.at_uptime(micros),
            _ => self.clock.resolve(&record),
        };
        let time = Some(time).filter(|time| time.is_known())?;
        let uptime = record.uptime.or_else(|| uptime_of(&record.message).0);
        Some(Alive {
            time,
            monotonic: record.monotonic.or(uptime),
            host: record.host.map(|host| host.into_owned().into()),
        })
    }

    /// Takes a record with its hits, `found`; `before` is the line before it, which the record may repeat.
    pub(super) fn take_record(
        &mut self,
        raw: &[u8],
        found: Found,
        before: &[u8],
        sink: &mut Sink<'_>,
    ) -> Taken {
        if found.repeat && !found.prefix && self.repeat(raw, before, sink) {
            return Taken::Said;
        }
        if !(found.prefix || found.notice || found.date || found.rule) {
            return Taken::Nothing;
        }
        // Colours are removed for parsing only: the length of a binary value includes them.
        let plain = match raw.first() {
            Some(b'_') => raw.into(),
            _ => plain(raw),
        };
        if let Some(record) = self.read(&plain) {
            return self.say(&record, raw, found, sink);
        }
        if found.prefix && holds_records(&plain) {
            return Taken::Document;
        }
        if found.prefix && self.prefixes.find(&plain).is_none() {
            sink(LogEvent::Unreadable {
                record: &raw[..raw.len().min(200)],
                why: NUMBERS,
            });
            return Taken::Said;
        }
        // The prefix alone is only a word.
        if !found.prefix || self.prefixes.begin_of(&plain).is_none() {
            // A line without a header, as `-o cat` and `dmesg -t` write it.
            let is_line = plain
                .first()
                .is_some_and(|first| !first.is_ascii_whitespace());
            let record = Record::new(Stamp::None, None, Origin::Kernel, (&*plain).into());
            return if is_line {
                self.say(&record, raw, found, sink)
            } else {
                Taken::Nothing
            };
        }
        if raw.first().is_some_and(u8::is_ascii_whitespace) {
            sink(LogEvent::Elsewhere {
                record: raw,
                why: "begins with a blank, as the further lines of a message do, which the kernel does not write",
                is_read: is_further(raw) || !self.prefixes.begin_in(&plain),
            });
        } else if of_unknown(&plain, &self.prefixes) == Origin::Other {
            sink(LogEvent::Untrusted {
                record: raw,
                why: PROGRAM,
            });
        } else {
            sink(LogEvent::Elsewhere {
                record: raw,
                why: UNCLEAR,
                is_read: false,
            });
        }
        Taken::Said
    }

    /// Returns a predicate for messages that contain a prefix, a notice or what a LOG rule writes, for journals.
    pub(in crate::input) fn notable(
        prefixes: &Prefixes,
    ) -> impl Fn(&[u8]) -> bool + Send + Sync + use<> {
        let search = super::search_for(prefixes);
        let prefixes = prefixes.clone();
        move |message| {
            if prefixes.at_begin_of(message).is_some() {
                return true;
            }
            let found = search.of_text(false).found_in(message);
            found.prefix || found.notice || found.rule
        }
    }

    /// Reports a record of a binary journal, which has no text around its message.
    pub(in crate::input) fn journal_record(&mut self, record: &Record<'_>, sink: &mut Sink<'_>) {
        // Fast path: of a message that begins with a prefix, nothing else matters.
        let found = match self.prefixes.at_begin_of(&record.message) {
            Some(_) => Found::PREFIX,
            None => self.scanner.search.of_text(false).found_in(&record.message),
        };
        if found.prefix || found.notice || found.rule {
            self.say(record, &record.message, found, sink);
        }
    }

    /// Classifies a record, and reports it.
    fn say(&mut self, record: &Record<'_>, raw: &[u8], found: Found, sink: &mut Sink<'_>) -> Taken {
        let text = unescaped(&record.message);
        // JSON may have it escaped, where the search does not find it.
        let holds_prefix =
            (found.prefix || found.rule) && holds_drop(record.origin, &text, raw, &self.prefixes);
        self.known |= holds_prefix;
        match classify(record.origin, &text, holds_prefix, &self.prefixes) {
            Class::Drop { message, repeats } => {
                let uptime = record.uptime.or_else(|| uptime_of(&record.message).0);
                let received = self.clock.resolve_at(record.stamp, record.after, uptime);
                self.drop_line(record, (received, uptime), message, repeats, sink);
                if self.prefixes.begin_in(further_lines(&text)) {
                    sink(LogEvent::Behind { record: raw });
                }
            }
            class @ (Class::Joined | Class::Unclear | Class::Mangled) => {
                self.clock.resolve(record);
                let why = match class {
                    Class::Joined => JOINED,
                    Class::Mangled => MANGLED,
                    _ => UNCLEAR,
                };
                sink(LogEvent::Elsewhere {
                    record: raw,
                    why,
                    is_read: false,
                });
            }
            Class::OtherRule(prefix) => {
                if let Some(prefix) = prefix {
                    sink(LogEvent::OtherPrefix { prefix });
                }
                if !holds_prefix {
                    return Taken::Nothing;
                }
                self.clock.resolve(record);
            }
            Class::Elsewhere => {
                self.clock.resolve(record);
                sink(LogEvent::Elsewhere {
                    record: raw,
                    why: ELSEWHERE,
                    is_read: true,
                });
            }
            Class::Untrusted(why) => {
                self.clock.resolve(record);
                sink(LogEvent::Untrusted { record: raw, why });
            }
            Class::Notice { kind, count } => self.notice(record, kind, count, sink),
            Class::Hidden => {
                self.clock.resolve(record);
                sink(LogEvent::Unreadable {
                    record: raw,
                    why: HIDDEN,
                });
            }
            Class::Other if found.prefix && self.is_in_numbers(record, &text, raw) => {
                self.clock.resolve(record);
                sink(LogEvent::Unreadable {
                    record: &raw[..raw.len().min(200)],
                    why: NUMBERS,
                });
            }
            Class::Other => {
                if found.date {
                    self.clock.learn(record, &record.message);
                }
                return Taken::Nothing;
            }
        }
        Taken::Said
    }

    /// Whether the prefix in `raw` is written in numbers of which no message comes.
    fn is_in_numbers(&self, record: &Record<'_>, text: &[u8], raw: &[u8]) -> bool {
        let find = |text| self.prefixes.find(text).is_some();
        matches!(record.origin, Origin::Kernel | Origin::Unclear)
            && !find(text)
            && !find(&plain(raw))
    }

    fn drop_line(
        &mut self,
        record: &Record<'_>,
        (received, uptime): (Time, Option<i64>),
        message: &[u8],
        repeats: u32,
        sink: &mut Sink<'_>,
    ) {
        let host = record.host.as_deref();
        let written = Written {
            received,
            host,
            boot: record.boot,
            late: record.late,
        };
        self.note_time(record.stamp, received);
        self.zone_names += u64::from(record.zone_name);
        let (time, jump) = self.nodes.take(&written);
        jump.say(time, host, sink);
        // Checked in vectors before it is converted.
        let text = match simdutf8::basic::from_utf8(message) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(message),
        };
        sink(LogEvent::Drops(&[DropLine {
            time,
            fine: record.is_fine(),
            monotonic: record.monotonic.or(uptime),
            host,
            message: text.as_bytes(),
            packet: PacketSummary::read(&text),
            repeats,
        }]));
    }

    /// Counts a drop line whose stamp has no valid time.
    #[inline]
    pub(super) fn note_time(&mut self, stamp: Stamp, received: Time) {
        match stamp {
            Stamp::Yearless { .. } if !received.is_known() => self.no_such_days += 1,
            Stamp::NoSuchDay => self.no_such_days += 1,
            Stamp::Unread => self.unread_times += 1,
            _ => {}
        }
    }

    fn notice(
        &mut self,
        record: &Record<'_>,
        kind: NoticeKind,
        mut count: u64,
        sink: &mut Sink<'_>,
    ) {
        if kind == NoticeKind::Boot {
            self.clock.begin_boot();
            if std::mem::replace(&mut self.nodes.booted, true) {
                // The journal's own mark has reported the boot already; the kernel's first line adds host and time.
                count = 0;
            }
        }
        let time = self.clock.resolve(record);
        let host = record.host.as_deref();
        sink(LogEvent::Notice {
            kind,
            time,
            host,
            count,
        });
    }

    /// Takes a `last message repeated N times`, which counts if the line `before` is a drop line. Returns whether it
    /// counts.
    fn repeat(&mut self, raw: &[u8], before: &[u8], sink: &mut Sink<'_>) -> bool {
        let Some(at) = memchr::memmem::find(raw, REPEAT.as_bytes()) else {
            return false;
        };
        let mut rest = &raw[at + REPEAT.len()..];
        let Some(times) = count(&mut rest).filter(|times| *times > 0) else {
            return false;
        };
        if rest.trim_ascii_end() != b" times" {
            return false;
        }
        // Old daemons write no tag there, or the kernel's. After any other tag the text is a program's own.
        let mut header = raw[..at].trim_ascii_end().to_vec();
        header.extend_from_slice(if header.ends_with(b":") {
            b" "
        } else {
            b" kernel: "
        });
        let (Some(record), Some(last)) = (self.read(&header), self.read(before)) else {
            return false;
        };
        let text = unescaped(&last.message);
        let class = classify(last.origin, &text, true, &self.prefixes);
        let Class::Drop { message, .. } = class else {
            return false;
        };
        if record.origin != Origin::Kernel || record.host != last.host {
            return false;
        }
        let time = self.clock.resolve(&record);
        self.drop_line(&record, (time, record.uptime), message, times, sink);
        true
    }
}

/// Whether an indented line may be the further line of a message. journalctl and dmesg indent these by the width of their
/// header, at least that of `[Apr22 10:00] `; a tab is a syslog daemon's, a single blank that of /dev/kmsg.
fn is_further(line: &[u8]) -> bool {
    let blanks = line.iter().take_while(|b| **b == b' ').count();
    !(2..14).contains(&blanks)
}

/// Whether `line` is a document with records inside, or several objects.
fn holds_records(line: &[u8]) -> bool {
    if !matches!(line.first(), Some(b'{' | b'[')) {
        return false;
    }
    match Document::default().next(line) {
        Event::Record(0, to) => {
            let is_between = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b'\0');
            let behind = line[to..].trim_ascii();
            let next = behind.iter().find(|b| !is_between(b));
            !behind.is_empty() && matches!(next, None | Some(b'{'))
        }
        Event::Record(..) => true,
        Event::End(_) | Event::Lost(_) | Event::Broken(_) | Event::More => false,
    }
}
